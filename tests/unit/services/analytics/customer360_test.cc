#include "services/analytics/api/customer360.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crm/campaign/v1/campaign_events.pb.h"
#include "crm/contact/v1/contact_events.pb.h"
#include "tests/unit/services/analytics/desk.h"
#include "tests/unit/services/analytics/order_events.h"

namespace crm::analytics {
namespace {

using campaign::v1::CampaignRecord;
using campaign::v1::Send;
using contact::v1::ContactRecord;
using testing::Desk;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::kDayNs;
using v1::Customer360;
using v1::GetCustomer360Request;

class Customer360Test : public ::testing::Test {
 protected:
  std::string Contact(const std::string& key) const {
    return desk_.names().FromExternalKey("contacts", 'c', "t", "shop", key);
  }

  absl::StatusOr<Customer360> View(const std::string& name, GetCustomer360Request request = {}) {
    request.set_name(name);
    return desk_.Ask<Customer360>("GetCustomer360", request);
  }

  void Create(const std::string& name) {
    ContactRecord record;
    record.mutable_contact()->mutable_created()->mutable_plain()->set_display_name("Ada");
    desk_.Fold(name, record);
  }
  void Grant(const std::string& name) {
    ContactRecord record;
    record.mutable_consent()->mutable_granted()->set_purpose("marketing");
    record.mutable_consent()->mutable_granted()->set_channel("email");
    desk_.Fold(name + "/consents", record);
  }
  void Move(const std::string& name) {
    ContactRecord record;
    record.mutable_lifecycle()->mutable_stage_changed()->set_to(contact::v1::FIRST_TIME);
    desk_.Fold(name + "/lifecycle", record);
  }
  void Enter(const std::string& name, const std::string& segment) {
    CampaignRecord record;
    record.mutable_reach()->mutable_segment_entered()->set_segment(segment);
    desk_.Fold(name + "/reach", record);
  }
  void Leave(const std::string& name, const std::string& segment) {
    CampaignRecord record;
    record.mutable_reach()->mutable_segment_left()->set_segment(segment);
    desk_.Fold(name + "/reach", record);
  }
  void Decide(const std::string& name, const std::string& send) {
    CampaignRecord record;
    auto* decided = record.mutable_reach()->mutable_send_decided();
    decided->set_send(send);
    decided->set_campaign("campaigns/k1");
    decided->mutable_basis()->set_version(3);
    desk_.Fold(name + "/reach", record);
  }
  void HandOff(const std::string& name, const std::string& send) {
    CampaignRecord record;
    record.mutable_reach()->mutable_send_handed_off()->set_send(send);
    desk_.Fold(name + "/reach", record);
  }
  void Cancel(const std::string& name, const std::string& send) {
    CampaignRecord record;
    record.mutable_reach()->mutable_send_cancelled()->set_send(send);
    record.mutable_reach()->mutable_send_cancelled()->set_reason("CONSENT_WITHDRAWN");
    desk_.Fold(name + "/reach", record);
  }
  void Respond(const std::string& name, const std::string& response, TimeNs time) {
    CampaignRecord record;
    auto* recorded = record.mutable_reach()->mutable_response_recorded();
    recorded->set_response(response);
    recorded->set_campaign("campaigns/k1");
    desk_.Fold(name + "/reach", record, time);
  }
  void Buy(const std::string& name, const std::string& order, const testing::Sale& sale) {
    desk_.Fold(name + "/orders/" + order, testing::Recorded(sale), sale.time);
  }
  void Talk(const std::string& name, const std::string& interaction, TimeNs time) {
    desk_.Fold(name + "/interactions/" + interaction, testing::Logged("phone", "hello"), time);
  }

  Desk desk_;
};

TEST_F(Customer360Test, ShowsWhatEveryTopicSays) {
  const std::string ada = Contact("ada");
  Create(ada);
  Grant(ada);
  Move(ada);
  Enter(ada, "segments/s1");
  Enter(ada, "segments/s2");
  Leave(ada, "segments/s1");
  Decide(ada, "send1");
  HandOff(ada, "send1");
  Decide(ada, "send2");
  Cancel(ada, "send2");
  Respond(ada, "r1", 5 * kDayNs);
  Respond(ada, "r2", 9 * kDayNs);
  Buy(ada, "o1", {"USD", 100, 3 * kDayNs});
  Buy(ada, "o2", {"USD", 50, 7 * kDayNs + 5});
  Buy(ada, "o3", {"CHF", -9, 4 * kDayNs});
  Talk(ada, "i1", 6 * kDayNs);
  v1::StartScoreRunRequest run;
  run.mutable_run()->set_model(v1::ScoreRun::RFM);
  run.mutable_run()->set_currency_code("USD");
  SetTimestamp(10 * kDayNs, run.mutable_run()->mutable_analysis_time());
  ASSERT_TRUE(desk_.Execute("StartScoreRun", run).ok());
  ASSERT_TRUE(desk_.React());

  const auto view = View(ada);
  ASSERT_TRUE(view.ok()) << view.status();
  EXPECT_EQ(view->contact(), ada);
  EXPECT_EQ(view->profile().contact().display_name(), "Ada");
  EXPECT_EQ(view->profile().position(), "token of crm.contact.events");
  EXPECT_EQ(view->lifecycle().lifecycle().stage(), contact::v1::FIRST_TIME);
  ASSERT_EQ(view->consents().consents_size(), 1);
  EXPECT_EQ(view->consents().position(), "token of crm.contact.events");
  EXPECT_EQ(view->totals().interactions(), 1);
  ASSERT_EQ(view->totals().sales_size(), 2);
  EXPECT_EQ(view->totals().sales(0).currency_code(), "CHF");
  EXPECT_EQ(view->totals().sales(0).returns(), 1);
  EXPECT_EQ(view->totals().sales(1).orders(), 2);
  EXPECT_EQ(view->totals().sales(1).amount_minor(), 150);
  EXPECT_EQ(view->totals().sales(1).first_day().seconds(), 3 * 86'400);
  EXPECT_EQ(view->totals().sales(1).last_day().seconds(), 7 * 86'400);
  EXPECT_EQ(view->totals().sales_position(), "token of crm.interaction.events");
  std::vector<std::string> names;
  for (const auto& entry : view->timeline().entries()) names.push_back(entry.name());
  EXPECT_THAT(names, ElementsAre(ada + "/orders/o2", ada + "/interactions/i1", ada + "/orders/o3",
                                 ada + "/orders/o1"));
  ASSERT_EQ(view->memberships().memberships_size(), 1);
  EXPECT_EQ(view->memberships().memberships(0).segment(), "segments/s2");
  ASSERT_EQ(view->sends().sends_size(), 2);
  EXPECT_EQ(view->sends().sends(0).send(), "send2");
  EXPECT_EQ(view->sends().sends(0).state(), Send::CANCELLED);
  EXPECT_EQ(view->sends().sends(0).reason(), "CONSENT_WITHDRAWN");
  EXPECT_EQ(view->sends().sends(0).basis().version(), 3);
  EXPECT_EQ(view->sends().sends(1).state(), Send::HANDED_OFF);
  EXPECT_EQ(view->sends().position(), "token of crm.campaign.events");
  ASSERT_EQ(view->responses().responses_size(), 2);
  EXPECT_EQ(view->responses().responses(0).response(), "r2");
  EXPECT_EQ(view->scores().scores().rfm().orders(), 2);
  EXPECT_EQ(view->scores().position(), "token of crm.analytics.events");
  EXPECT_EQ(view->unreadable_topics_size(), 0);
}

TEST_F(Customer360Test, NamesAndKeysLeadToTheSame) {
  Create(Contact("ada"));
  GetCustomer360Request request;
  request.mutable_external_key()->set_source("shop");
  request.mutable_external_key()->set_key("ada");
  const auto view = desk_.Ask<Customer360>("GetCustomer360", request);
  ASSERT_TRUE(view.ok()) << view.status();
  EXPECT_EQ(view->SerializeAsString(), View(Contact("ada"))->SerializeAsString());
}

TEST_F(Customer360Test, BasicLeavesOutTheLongSections) {
  const std::string ada = Contact("ada");
  Create(ada);
  Grant(ada);
  Talk(ada, "i1", 1);
  Decide(ada, "send1");
  GetCustomer360Request request;
  request.set_view(GetCustomer360Request::BASIC);
  const auto view = View(ada, request);
  ASSERT_TRUE(view.ok()) << view.status();
  EXPECT_TRUE(view->has_profile());
  EXPECT_EQ(view->totals().interactions(), 1);
  EXPECT_FALSE(view->has_timeline());
  EXPECT_FALSE(view->has_sends());
  EXPECT_FALSE(view->has_consents());
}

TEST_F(Customer360Test, NotFoundOnlyWhereNoTopicKnowsTheContact) {
  EXPECT_EQ(ReasonOf(View(Contact("nobody")).status()), "CONTACT_NOT_FOUND");
  const std::string buyer = Contact("buyer");
  const std::string target = Contact("target");
  const std::string talker = Contact("talker");
  const std::string granter = Contact("granter");
  Buy(buyer, "o1", {"USD", 1, 1});
  Decide(target, "send1");
  Talk(talker, "i1", 1);
  Grant(granter);
  for (const auto which : {GetCustomer360Request::BASIC, GetCustomer360Request::FULL}) {
    GetCustomer360Request request;
    request.set_view(which);
    for (const std::string& name : {buyer, target, talker, granter}) {
      const auto view = View(name, request);
      ASSERT_TRUE(view.ok()) << view.status();
      EXPECT_FALSE(view->profile().has_contact());
      EXPECT_NE(view->profile().position(), "");
    }
  }
  desk_.set_tenant("other");
  EXPECT_EQ(ReasonOf(View(buyer).status()), "CONTACT_NOT_FOUND");
}

TEST_F(Customer360Test, TellsWhichTopicCannotBeRead) {
  const std::string ada = Contact("ada");
  Create(ada);
  Talk(ada, "i1", 1);
  desk_.Quarantine("crm.interaction.events", ada);
  const auto view = View(ada);
  ASSERT_TRUE(view.ok()) << view.status();
  EXPECT_THAT(view->unreadable_topics(), ElementsAre("crm.interaction.events"));
  EXPECT_EQ(view->profile().contact().display_name(), "Ada");
  EXPECT_THAT(view->timeline().entries(), IsEmpty());
}

TEST_F(Customer360Test, SizesBoundTheSections) {
  const std::string ada = Contact("ada");
  for (int i = 0; i < 30; ++i) {
    Talk(ada, "i" + std::to_string(i), i);
    Decide(ada, "send" + std::to_string(i));
    Respond(ada, "r" + std::to_string(i), i);
  }
  EXPECT_EQ(View(ada)->timeline().entries_size(), 20);
  GetCustomer360Request request;
  request.set_timeline_size(3);
  request.set_sends_size(4);
  request.set_responses_size(5);
  const auto view = View(ada, request);
  ASSERT_TRUE(view.ok());
  EXPECT_EQ(view->timeline().entries_size(), 3);
  EXPECT_EQ(view->timeline().entries(0).name(), ada + "/interactions/i29");
  EXPECT_EQ(view->sends().sends_size(), 4);
  EXPECT_EQ(view->sends().total(), 30);
  EXPECT_EQ(view->responses().responses_size(), 5);
  EXPECT_EQ(view->responses().total(), 30);
  EXPECT_EQ(view->totals().interactions(), 30);
}

TEST_F(Customer360Test, BadRequestsAreRefused) {
  GetCustomer360Request request;
  EXPECT_EQ(desk_.Ask<Customer360>("GetCustomer360", request).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(View("contacts/").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(View(Contact("ada") + "/orders/o1").status().code(),
            absl::StatusCode::kInvalidArgument);
  request.set_sends_size(-1);
  EXPECT_EQ(View(Contact("ada"), request).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace crm::analytics
