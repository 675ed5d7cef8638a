#include "services/campaign/api/segment_requests.h"

#include <gtest/gtest.h>

#include "common/base/status.h"
#include "crm/campaign/v1/campaign_service.pb.h"
#include "services/campaign/api/segment_queries.h"
#include "tests/support/as_host.h"
#include "tests/unit/services/campaign/audience_model.h"

namespace crm::campaign {
namespace {

using testing::ContactModel;
using testing::Draw;
using testing::kTenant;
using testing::World;

class SegmentRequests : public ::testing::Test {
 protected:
  SegmentRequests() { AddSegments(reach_, service_); }

  template <typename Request>
  absl::StatusOr<std::unique_ptr<Command>> Prepare(std::string_view method,
                                                   const Request& request) {
    for (const CommandMethod& command : service_.commands) {
      if (command.method == method) return PrepareAsHost(command, {caller_, names_}, request);
    }
    return absl::NotFoundError("no such method");
  }
  absl::StatusOr<std::unique_ptr<Command>> Create(const std::string& filter,
                                                  const std::string& request_id = "r") {
    v1::CreateSegmentRequest request;
    request.mutable_segment()->set_filter(filter);
    request.set_request_id(request_id);
    return Prepare("CreateSegment", request);
  }

  // The answer over the world's views.
  template <typename Response, typename Request>
  absl::StatusOr<Response> Ask(RunQuery run, const Request& request) {
    const ServiceReading reading = world_.Reading();
    const QueryContext context{caller_, names_, reading, {schema_, sealer_}, std::nullopt, secret_,
                               random_, 0,      nullptr};
    auto answer = run(context, request);
    if (!answer.ok()) return answer.status();
    Response response;
    EXPECT_TRUE(response.ParseFromString(*answer));
    return response;
  }

  std::string Define(const std::string& id, const std::string& filter) {
    v1::SegmentEvent event;
    event.mutable_defined()->set_kind(v1::Segment::DYNAMIC);
    event.mutable_defined()->set_filter(filter);
    std::string name = "segments/s" + id + std::string(26 - id.size(), 'a');
    world_.Append(name, event);
    world_.Settle();
    return name;
  }

  void CreateContacts(int count) {
    Draw draw(3);
    for (int i = 0; i < count; ++i) {
      contacts_.emplace_back("contacts/c" + std::to_string(i));
      while (!contacts_.back().Facts().created) contacts_.back().Act(draw, world_);
    }
    world_.Settle();
  }

  ReachAggregateType reach_;
  ServiceDefinition service_;
  Caller caller_{.tenant = kTenant};
  SeededRandom random_{1};
  Secret secret_ = *Secret::FromBytes(std::string(32, 's'));
  NameMaker names_{secret_, random_, "campaign"};
  EventSchema schema_{v1::CampaignRecord::default_instance()};
  PlainSealer sealer_;
  World world_;
  std::deque<ContactModel> contacts_;
};

TEST_F(SegmentRequests, BadFiltersAreRefusedWithTheirPlace) {
  EXPECT_EQ(ReasonOf(Create("shoe_size > 42").status()), kFilterInvalid);
  EXPECT_EQ(ReasonOf(Create("orders.count > \"many\"").status()), kFilterInvalid);
  EXPECT_EQ(ReasonOf(Create(std::string(10'000, '(')).status()), kFilterInvalid);
  EXPECT_EQ(Create("segment(\"campaigns/c1\")").status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(Create("orders.count > 2").ok());
}

TEST_F(SegmentRequests, ASegmentCannotReferToItself) {
  const std::string name = (*Create("tag(\"a\")", "mine"))->aggregate;
  const auto command = Create("segment(\"" + name + "\")", "mine");
  ASSERT_TRUE(command.ok());
  struct None final : AggregateReader {
    absl::StatusOr<const Aggregate*> Find(const AggregateType& type,
                                          const std::string& of) override {
      aggregate = type.New(of);
      return aggregate.get();
    }
    std::unique_ptr<Aggregate> aggregate;
  } none;
  EXPECT_EQ(ReasonOf((*command)->Decide(none).status()), kSegmentRefersToItself);
}

TEST_F(SegmentRequests, NamesAreChecked) {
  v1::RenameSegmentRequest rename;
  rename.set_name("segments/s1");
  EXPECT_FALSE(Prepare("RenameSegment", rename).ok());
  v1::DeleteSegmentRequest remove;
  remove.set_name("contacts/c" + std::string(26, 'a'));
  EXPECT_FALSE(Prepare("DeleteSegment", remove).ok());
  remove.set_name("segments/s" + std::string(26, 'a'));
  EXPECT_TRUE(Prepare("DeleteSegment", remove).ok());
}

TEST_F(SegmentRequests, MembersAreListedAPageAtATimeOverAllPartitions) {
  CreateContacts(100);
  const std::string segment = Define("all", "orders.count >= 0");
  std::set<std::string> living, listed;
  for (auto& contact : contacts_) {
    if (contact.Facts().living()) living.insert(contact.name());
  }
  v1::ListSegmentMembersRequest request;
  request.set_segment(segment);
  request.set_page_size(7);
  std::string last;
  do {
    const auto page = Ask<v1::ListSegmentMembersResponse>(ListSegmentMembers, request);
    ASSERT_TRUE(page.ok()) << page.status();
    ASSERT_LE(page->contacts_size(), 7);
    for (const auto& contact : page->contacts()) {
      EXPECT_LT(last, contact);
      listed.insert(last = contact);
    }
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(listed, living);
}

TEST_F(SegmentRequests, PreviewCountsWhoMeetsTheFilterAndNamesSome) {
  CreateContacts(100);
  const std::string persons = Define("persons", "kind = PERSON");
  int64_t expected = 0;
  for (auto& contact : contacts_) {
    const bool person = contact.Facts().kind == contact::v1::Contact::PERSON;
    expected += contact.Facts().living() && person && contact.Facts().orders.count > 0 ? 1 : 0;
  }
  v1::PreviewSegmentRequest request;
  request.set_filter("segment(\"" + persons + "\") AND (orders.count>0)");
  request.set_sample_size(3);
  const auto preview = Ask<v1::PreviewSegmentResponse>(PreviewSegment, request);
  ASSERT_TRUE(preview.ok()) << preview.status();
  EXPECT_EQ(preview->examined(), 100);
  EXPECT_EQ(preview->matched(), expected);
  EXPECT_EQ(preview->contacts_size(), std::min<int64_t>(3, expected));
  EXPECT_EQ(preview->filter(), "segment(\"" + persons + "\") AND orders.count > 0");
  EXPECT_FALSE(preview->truncated());
}

TEST_F(SegmentRequests, PreviewRefusesSegmentsThatAreNotDefined) {
  v1::PreviewSegmentRequest request;
  request.set_filter("segment(\"segments/s" + std::string(26, 'x') + "\")");
  EXPECT_EQ(Ask<v1::PreviewSegmentResponse>(PreviewSegment, request).status().code(),
            absl::StatusCode::kInvalidArgument);
}

// Filled once and left alone.
TEST_F(SegmentRequests, ASnapshotKeepsWhoMatchedWhenItWasFilled) {
  CreateContacts(60);
  v1::SegmentEvent event;
  event.mutable_defined()->set_kind(v1::Segment::SNAPSHOT);
  event.mutable_defined()->set_filter("orders.count = 0");
  world_.Append("segments/ssnap", event);
  world_.Settle();
  std::map<std::string, bool> before;
  for (auto& contact : contacts_) {
    const bool in = contact.Facts().living() && contact.Facts().orders.count == 0;
    EXPECT_EQ(IsMember(world_.ReachOf(contact.name()), "segments/ssnap"), in);
    before[contact.name()] = in;
  }
  Draw draw(5);
  for (int i = 0; i < 500; ++i) {
    contacts_[static_cast<size_t>(draw.Below(60))].Act(draw, world_);
  }
  world_.Settle();
  for (auto& contact : contacts_) {
    EXPECT_EQ(IsMember(world_.ReachOf(contact.name()), "segments/ssnap"), before[contact.name()]);
  }
}

}  // namespace
}  // namespace crm::campaign
