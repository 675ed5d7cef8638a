#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "crm/interaction/v1/interaction_events.pb.h"
#include "services/contact/api/contact_service.h"
#include "tests/unit/services/contact/desk.h"

namespace crm::contact {
namespace {

using interaction::v1::InteractionRecord;
using testing::Desk;
using testing::FaultyFields;

class LifecycleServiceTest : public ::testing::Test {
 protected:
  static v1::AdvanceLifecycleRequest To(v1::LifecycleStage stage) {
    v1::AdvanceLifecycleRequest request;
    request.mutable_contact_key()->set_source("shop");
    request.mutable_contact_key()->set_key("7");
    request.set_to(stage);
    return request;
  }

  absl::StatusOr<v1::Lifecycle> Advance(const v1::AdvanceLifecycleRequest& request) {
    const auto bytes = desk_.Execute("AdvanceLifecycle", request);
    if (!bytes.ok()) return bytes.status();
    v1::Lifecycle lifecycle;
    EXPECT_TRUE(lifecycle.ParseFromString(*bytes));
    return lifecycle;
  }

  std::string Contact() const {
    return desk_.names().FromExternalKey("contacts", 'c', "t", "shop", "7");
  }

  void Create() {
    v1::UpsertContactRequest request;
    *request.mutable_contact()->mutable_external_key() = To(v1::SUSPECT).contact_key();
    ASSERT_TRUE(desk_.Execute("UpsertContact", request).ok());
  }

  // An event of the interaction topic, recorded now.
  Event OrderEvent(const std::string& order, TimeNs occurred, bool corrected = false) {
    auto record = std::make_unique<InteractionRecord>();
    auto* metadata = record->mutable_metadata();
    metadata->set_tenant("t");
    metadata->set_aggregate(Contact() + "/orders/" + order);
    SetTimestamp(desk_.now(), metadata->mutable_recorded_time());
    if (occurred != 0) SetTimestamp(occurred, metadata->mutable_occurred_time());
    corrected ? void(record->mutable_order()->mutable_corrected())
              : void(record->mutable_order()->mutable_recorded());
    Event event;
    event.metadata = &record->metadata();
    event.aggregate_event = &record->order();
    event.aggregate_field = InteractionRecord::kOrderFieldNumber;
    event.record = std::move(record);
    return event;
  }

  // Reacts as the host does; events that the service recorded.
  int64_t React(const Event& event) {
    Reaction& reaction = *desk_.service().reactions.at(0);
    if (!reaction.Concerns(event)) return 0;
    const ServiceReading reading;
    const ReactionContext context{0, "t", desk_.names(), desk_.now(), reading};
    auto step = reaction.React(context, event, "");
    EXPECT_TRUE(step.ok() && step->progress.empty());
    int64_t events = 0;
    for (const auto& command : step->commands) events += desk_.Run(*command)->events;
    return events;
  }
  int64_t Order(const std::string& order, TimeNs occurred = 0) {
    return React(OrderEvent(order, occurred));
  }

  v1::Lifecycle Lifecycle() {
    v1::Lifecycle lifecycle;
    EXPECT_TRUE(lifecycle.ParseFromString(desk_.Get(Contact() + "/lifecycle").value_or("")));
    return lifecycle;
  }

  std::map<v1::LifecycleStage, int64_t> Counts() {
    v1::CountByStageResponse response;
    EXPECT_TRUE(response.ParseFromString(
        desk_.Ask("CountByStage", v1::CountByStageRequest()).value_or("")));
    std::map<v1::LifecycleStage, int64_t> counts;
    for (const auto& count : response.counts()) counts[count.stage()] = count.contacts();
    EXPECT_EQ(counts.size(), 9u);
    std::erase_if(counts, [](const auto& count) { return count.second == 0; });
    return counts;
  }

  Desk desk_;
};

TEST_F(LifecycleServiceTest, AdvanceShowsStageReasonAndEvidence) {
  v1::AdvanceLifecycleRequest request = To(v1::PROSPECT);
  request.set_reason("qualified");
  request.set_evidence(" the fair of May ");
  const auto lifecycle = Advance(request);
  ASSERT_TRUE(lifecycle.ok()) << lifecycle.status();
  EXPECT_EQ(lifecycle->name(), Contact() + "/lifecycle");
  EXPECT_EQ(lifecycle->stage(), v1::PROSPECT);
  EXPECT_EQ(lifecycle->reason(), "qualified");
  EXPECT_EQ(lifecycle->evidence(), "the fair of May");
  EXPECT_EQ(lifecycle->stage_time().seconds(), 2);
  EXPECT_EQ(lifecycle->etag(), "1");
}

TEST_F(LifecycleServiceTest, WhoNeverMovedIsShownAsASuspect) {
  const auto lifecycle = Advance(To(v1::SUSPECT));
  ASSERT_TRUE(lifecycle.ok()) << lifecycle.status();
  EXPECT_EQ(lifecycle->stage(), v1::SUSPECT);
  EXPECT_EQ(lifecycle->etag(), "0");
  EXPECT_FALSE(lifecycle->has_create_time() || lifecycle->has_stage_time());
  EXPECT_EQ(desk_.Get(Contact() + "/lifecycle").status().code(), absl::StatusCode::kNotFound);
}

TEST_F(LifecycleServiceTest, EtagGoesWithTheCommand) {
  v1::AdvanceLifecycleRequest request = To(v1::PROSPECT);
  request.set_etag("3");
  ASSERT_TRUE(Advance(request).ok());
  EXPECT_EQ(desk_.last_etag(), "3");
}

TEST_F(LifecycleServiceTest, IllegalMoveAndDeletedContactAreRefused) {
  EXPECT_EQ(ReasonOf(Advance(To(v1::PARTNER)).status()), "LIFECYCLE_MOVE_ILLEGAL");
  Create();
  v1::DeleteContactRequest remove;
  remove.set_name(Contact());
  ASSERT_TRUE(desk_.Execute("DeleteContact", remove).ok());
  EXPECT_EQ(ReasonOf(Advance(To(v1::PROSPECT)).status()), "CONTACT_DELETED");
  desk_.Erase(Contact());
  EXPECT_EQ(ReasonOf(Advance(To(v1::PROSPECT)).status()), "CONTACT_ERASED");
}

TEST_F(LifecycleServiceTest, FaultsAreAnsweredTogether) {
  v1::AdvanceLifecycleRequest request;
  request.set_reason("No Code");
  request.set_evidence("a\nb");
  EXPECT_THAT(FaultyFields(Advance(request).status()),
              ::testing::UnorderedElementsAre("contact", "to", "reason", "evidence"));
  request = To(static_cast<v1::LifecycleStage>(77));
  request.set_reason("order");
  EXPECT_THAT(FaultyFields(Advance(request).status()), ::testing::ElementsAre("to", "reason"));
}

TEST_F(LifecycleServiceTest, OrdersMoveTheStageAtTheirTime) {
  EXPECT_EQ(Order("o1", kSecond / 2), 1);
  EXPECT_EQ(Lifecycle().stage(), v1::FIRST_TIME);
  EXPECT_EQ(Lifecycle().reason(), "order");
  EXPECT_EQ(Lifecycle().evidence(), Contact() + "/orders/o1");
  EXPECT_EQ(Lifecycle().stage_time().nanos(), 500'000'000);
  EXPECT_EQ(Order("o2"), 1);
  EXPECT_EQ(Lifecycle().stage(), v1::REPEAT);
  EXPECT_EQ(Order("o3"), 0);
  EXPECT_EQ(Order("o1", kSecond / 2), 0);
  EXPECT_EQ(Order("o2"), 0);
}

TEST_F(LifecycleServiceTest, CorrectedOrderAndOtherEventsMoveNothing) {
  EXPECT_EQ(React(OrderEvent("o1", 0, true)), 0);
  Event interaction = OrderEvent("o1", 0);
  interaction.aggregate_field = InteractionRecord::kInteractionFieldNumber;
  EXPECT_FALSE(desk_.service().reactions[0]->Concerns(interaction));
}

TEST_F(LifecycleServiceTest, FormerComesBackByAnOrderThatIsNewer) {
  Order("o1");
  const Event met_before = OrderEvent("o2", 0);
  React(met_before);
  const Event of_tomorrow = OrderEvent("o3", desk_.now() + 86'400 * kSecond);
  EXPECT_EQ(React(of_tomorrow), 0);
  ASSERT_TRUE(Advance(To(v1::FORMER)).ok());
  EXPECT_EQ(React(met_before), 0);
  EXPECT_EQ(React(of_tomorrow), 0);
  desk_.Pass(kSecond);
  EXPECT_EQ(Order("late", kSecond), 0);
  EXPECT_EQ(Order("o4"), 1);
  EXPECT_EQ(Lifecycle().stage(), v1::REPEAT);
}

TEST_F(LifecycleServiceTest, DeletedContactIsMovedByNoOrder) {
  Create();
  v1::DeleteContactRequest remove;
  remove.set_name(Contact());
  ASSERT_TRUE(desk_.Execute("DeleteContact", remove).ok());
  EXPECT_EQ(Order("o1"), 0);
}

TEST_F(LifecycleServiceTest, StagesAreCountedAndMeetNoOtherTenant) {
  EXPECT_EQ(Order("o1"), 1);
  EXPECT_TRUE(Counts().empty());
  Create();
  EXPECT_EQ(Counts(), (std::map<v1::LifecycleStage, int64_t>{{v1::FIRST_TIME, 1}}));
  for (int i = 0; i < 40; ++i) {
    v1::CreateContactRequest request;
    request.mutable_contact();
    request.set_request_id(std::to_string(i));
    ASSERT_TRUE(desk_.Execute("CreateContact", request).ok());
  }
  EXPECT_EQ(Counts(),
            (std::map<v1::LifecycleStage, int64_t>{{v1::SUSPECT, 40}, {v1::FIRST_TIME, 1}}));
  desk_.set_tenant("u");
  EXPECT_TRUE(Counts().empty());
}

}  // namespace
}  // namespace crm::contact
