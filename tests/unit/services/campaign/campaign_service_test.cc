#include "services/campaign/api/campaign_service.h"

#include <gmock/gmock.h>
#include <google/rpc/error_details.pb.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "common/base/status.h"
#include "crm/campaign/v1/campaign_service.pb.h"
#include "services/campaign/projection/campaign_outcomes.h"
#include "tests/unit/services/campaign/service_world.h"

namespace crm::campaign {
namespace {

using ::testing::ElementsAre;
using testing::kTenant;
using testing::ServiceWorld;
using v1::ReachEvent;
using v1::Send;

constexpr char kContactTopic[] = "crm.contact.events";
constexpr char kOwnTopic[] = "crm.campaign.events";

// The service, its outbox, and some contacts in the contact topic.
class Shop {
 public:
  std::string Contact(const std::string& key) const {
    return world.names().FromExternalKey("contacts", 'c', kTenant, "shop", key);
  }

  void Create(const std::string& key) {
    auto record = std::make_unique<contact::v1::ContactRecord>();
    record->mutable_contact()->mutable_created()->set_kind(contact::v1::Contact::PERSON);
    record->mutable_contact()->mutable_created()->mutable_plain();
    world.Append(kContactTopic, Contact(key), std::move(record));
  }
  void Delete(const std::string& key) {
    auto record = std::make_unique<contact::v1::ContactRecord>();
    record->mutable_contact()->mutable_deleted();
    world.Append(kContactTopic, Contact(key), std::move(record));
  }
  void Grant(const std::string& key) {
    auto record = std::make_unique<contact::v1::ContactRecord>();
    auto* granted = record->mutable_consent()->mutable_granted();
    granted->mutable_plain();
    granted->set_purpose("marketing");
    granted->set_channel("email");
    world.Append(kContactTopic, Contact(key) + "/consents", std::move(record));
  }
  void Withdraw(const std::string& key) {
    auto record = std::make_unique<contact::v1::ContactRecord>();
    auto* withdrawn = record->mutable_consent()->mutable_withdrawn();
    withdrawn->mutable_plain();
    withdrawn->set_purpose("marketing");
    withdrawn->set_channel("email");
    world.Append(kContactTopic, Contact(key) + "/consents", std::move(record));
  }

  std::string CreateSegment() {
    v1::CreateSegmentRequest request;
    request.mutable_segment()->set_filter("kind = PERSON");
    request.set_request_id("everybody");
    return world.Do<v1::Segment>("CreateSegment", request).name();
  }

  std::string CreateCampaign(const std::string& segment, int steps, int32_t cap) {
    v1::CreateCampaignRequest request;
    request.mutable_campaign()->set_segment(segment);
    request.mutable_campaign()->set_type(v1::Campaign::LOYALTY);
    request.mutable_campaign()->set_category("A");
    for (int i = 0; i < steps; ++i) {
      auto* step = request.mutable_campaign()->add_steps();
      step->set_step("step" + std::to_string(i));
      step->set_channel("email");
      step->set_purpose("marketing");
      step->set_subject("Subject " + std::to_string(i));
    }
    if (cap > 0) {
      request.mutable_campaign()->mutable_cap()->set_sends(cap);
      request.mutable_campaign()->mutable_cap()->set_days(7);
    }
    request.set_request_id("campaign " + std::to_string(++campaigns_));
    return world.Do<v1::Campaign>("CreateCampaign", request).name();
  }
  void Launch(const std::string& campaign) {
    v1::LaunchCampaignRequest request;
    request.set_name(campaign);
    CRM_CHECK(world.Execute("LaunchCampaign", request).ok());
  }
  void Start(const std::string& campaign, int step) {
    v1::StartStepRequest request;
    request.set_name(campaign);
    request.set_step("step" + std::to_string(step));
    CRM_CHECK(world.Execute("StartStep", request).ok());
  }

  v1::RecordSendRequest SendOf(const std::string& contact, const std::string& campaign) const {
    v1::RecordSendRequest request;
    request.mutable_contact_key()->set_source("shop");
    request.mutable_contact_key()->set_key(contact);
    request.mutable_campaign_key()->set_source("shop");
    request.mutable_campaign_key()->set_key(campaign);
    return request;
  }
  v1::RecordResponseRequest ResponseOf(const std::string& contact, const std::string& campaign,
                                       const std::string& key) const {
    v1::RecordResponseRequest request;
    *request.mutable_contact_key() = SendOf(contact, campaign).contact_key();
    *request.mutable_campaign_key() = SendOf(contact, campaign).campaign_key();
    request.set_kind("redemption");
    request.mutable_external_key()->set_source("shop");
    request.mutable_external_key()->set_key(key);
    return request;
  }
  std::string ImportedCampaign(const std::string& key, const std::string& category) {
    v1::CreateCampaignRequest request;
    request.mutable_campaign()->mutable_external_key()->set_source("shop");
    request.mutable_campaign()->mutable_external_key()->set_key(key);
    request.mutable_campaign()->set_category(category);
    return world.Do<v1::Campaign>("CreateCampaign", request).name();
  }

  v1::CampaignStatistics Statistics(const std::string& campaign) {
    v1::GetCampaignStatisticsRequest request;
    request.set_name(campaign);
    return world.Read<v1::CampaignStatistics>("GetCampaignStatistics", request);
  }
  std::vector<v1::Send> Sends(const std::string& contact) {
    v1::ListSendsRequest request;
    request.set_contact(Contact(contact));
    const auto response = world.Read<v1::ListSendsResponse>("ListSends", request);
    return {response.sends().begin(), response.sends().end()};
  }

  std::shared_ptr<MemoryOutbox> outbox = std::make_shared<MemoryOutbox>();
  ServiceWorld world{outbox};

 private:
  int campaigns_ = 0;
};

std::vector<std::string> FaultsOf(const absl::Status& status) {
  std::vector<std::string> fields;
  status.ForEachPayload([&](auto, const absl::Cord& payload) {
    google::rpc::BadRequest bad;
    google::protobuf::Any any;
    if (!any.ParseFromString(std::string(payload)) || !any.UnpackTo(&bad)) {
      if (!bad.ParseFromString(std::string(payload))) return;
    }
    for (const auto& fault : bad.field_violations()) fields.push_back(fault.field());
  });
  return fields;
}

TEST(CampaignService, LaunchedCampaignWritesToWhoeverConsented) {
  Shop shop;
  for (const char* key : {"ada", "bea", "cleo", "dora"}) shop.Create(key);
  shop.Grant("ada");
  shop.Grant("bea");
  shop.Withdraw("bea");
  shop.Grant("dora");
  const std::string campaign = shop.CreateCampaign(shop.CreateSegment(), 1, 0);
  shop.world.Settle();
  shop.Launch(campaign);
  shop.world.Settle();

  const auto messages = shop.outbox->Content();
  ASSERT_EQ(messages.size(), 2u);
  const auto& ada = messages.at(SendId(shop.Contact("ada"), campaign, "step0"));
  EXPECT_EQ(ada.contact(), shop.Contact("ada"));
  EXPECT_EQ(ada.subject(), "Subject 0");
  EXPECT_EQ(shop.Sends("ada").at(0).state(), Send::HANDED_OFF);
  EXPECT_EQ(shop.Sends("ada").at(0).basis().version(), 1);
  EXPECT_EQ(shop.Sends("bea").at(0).reason(), "CONSENT_WITHDRAWN");
  EXPECT_EQ(shop.Sends("bea").at(0).basis().version(), 2);
  EXPECT_EQ(shop.Sends("cleo").at(0).reason(), "CONSENT_MISSING");

  v1::ListRefusalsRequest refusals;
  refusals.set_campaign(campaign);
  EXPECT_EQ(shop.world.Read<v1::ListRefusalsResponse>("ListRefusals", refusals).refusals_size(), 2);
  const auto statistics = shop.Statistics(campaign);
  EXPECT_EQ(statistics.counts().decided(), 2);
  EXPECT_EQ(statistics.counts().handed_off(), 2);
  EXPECT_EQ(statistics.contacts_sent(), 2);
  ASSERT_EQ(statistics.counts().refused_size(), 2);
  EXPECT_EQ(statistics.counts().refused(0).reason(), "CONSENT_MISSING");
}

TEST(CampaignService, ConsentWithdrawnBeforeTheHandOffCancels) {
  Shop shop;
  shop.Create("ada");
  shop.Grant("ada");
  const std::string campaign = shop.CreateCampaign(shop.CreateSegment(), 1, 0);
  shop.world.Settle();
  shop.Launch(campaign);
  // Until the decision is recorded, and no further.
  while (shop.Sends("ada").empty()) shop.world.Step([](int) { return 0; });
  shop.Withdraw("ada");
  shop.world.FoldViews();
  shop.world.Settle();
  ASSERT_EQ(shop.Sends("ada").at(0).state(), Send::CANCELLED);
  EXPECT_EQ(shop.Sends("ada").at(0).reason(), "CONSENT_WITHDRAWN");
  ASSERT_EQ(shop.outbox->Content().size(), 1u);
  EXPECT_EQ(shop.outbox->Content().begin()->second.withheld(), "CONSENT_WITHDRAWN");
  EXPECT_EQ(shop.Statistics(campaign).contacts_sent(), 0);
}

TEST(CampaignService, PastCampaignIsImportedOnceHoweverOften) {
  Shop shop;
  const std::string eight = shop.ImportedCampaign("8", "A");
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(shop.ImportedCampaign("8", "A"), eight);
    for (const char* contact : {"ada", "bea", "cleo"}) {
      EXPECT_EQ(
          shop.world.Do<v1::RecordSendResponse>("RecordSend", shop.SendOf(contact, "8")).recorded(),
          i == 0);
    }
    for (const char* key : {"r1", "r2"}) {
      EXPECT_EQ(
          shop.world
              .Do<v1::RecordResponseResponse>("RecordResponse", shop.ResponseOf("ada", "8", key))
              .recorded(),
          i == 0);
    }
  }
  EXPECT_EQ(shop.world.log(kOwnTopic).size(), 1u + 3u + 2u);
  shop.world.Settle();
  const auto statistics = shop.Statistics(eight);
  EXPECT_EQ(statistics.contacts_sent(), 3);
  EXPECT_EQ(statistics.responders(), 1);
  EXPECT_EQ(statistics.counts().responses(), 2);
  EXPECT_DOUBLE_EQ(statistics.response_rate(), 1.0 / 3);
  EXPECT_TRUE(shop.outbox->Content().empty());
}

TEST(CampaignService, CampaignsAreComparedByTypeAndCategory) {
  Shop shop;
  shop.ImportedCampaign("8", "A");
  shop.ImportedCampaign("13", "A");
  shop.ImportedCampaign("9", "B");
  for (const char* campaign : {"8", "13", "9"}) {
    ASSERT_TRUE(shop.world.Execute("RecordSend", shop.SendOf("ada", campaign)).ok());
  }
  ASSERT_TRUE(shop.world.Execute("RecordResponse", shop.ResponseOf("ada", "13", "r")).ok());
  shop.world.Settle();
  const auto compared = shop.world.Read<v1::CompareCampaignsResponse>(
      "CompareCampaigns", v1::CompareCampaignsRequest());
  ASSERT_EQ(compared.by_category_size(), 2);
  EXPECT_EQ(compared.by_category(0).category(), "A");
  EXPECT_EQ(compared.by_category(0).campaigns(), 2);
  EXPECT_EQ(compared.by_category(0).contacts_sent(), 2);
  EXPECT_DOUBLE_EQ(compared.by_category(0).response_rate(), 0.5);
  EXPECT_EQ(compared.by_category(1).responders(), 0);
  EXPECT_EQ(compared.by_type_size(), 1);
}

TEST(CampaignService, ListsCampaignsAPageAtATime) {
  Shop shop;
  std::vector<std::string> in_time;
  for (const char* key : {"1", "2", "3"}) in_time.push_back(shop.ImportedCampaign(key, "A"));
  shop.world.Settle();
  v1::ListCampaignsRequest request;
  request.set_order_by("create_time");
  request.set_page_size(2);
  auto page = shop.world.Read<v1::ListCampaignsResponse>("ListCampaigns", request);
  ASSERT_EQ(page.campaigns_size(), 2);
  EXPECT_EQ(page.campaigns(0).name(), in_time[0]);
  request.set_page_token(page.next_page_token());
  page = shop.world.Read<v1::ListCampaignsResponse>("ListCampaigns", request);
  ASSERT_EQ(page.campaigns_size(), 1);
  EXPECT_EQ(page.campaigns(0).name(), in_time[2]);
  request.Clear();
  page = shop.world.Read<v1::ListCampaignsResponse>("ListCampaigns", request);
  std::sort(in_time.begin(), in_time.end());
  EXPECT_THAT(in_time, ElementsAre(page.campaigns(0).name(), page.campaigns(1).name(),
                                   page.campaigns(2).name()));
  request.set_order_by("size");
  EXPECT_FALSE(shop.world.Ask("ListCampaigns", request).ok());
}

TEST(CampaignService, AllFaultsOfACampaignAreAnsweredTogether) {
  Shop shop;
  v1::CreateCampaignRequest request;
  auto* campaign = request.mutable_campaign();
  campaign->set_category("a\nb");
  campaign->mutable_start_time()->set_seconds(20);
  campaign->mutable_end_time()->set_seconds(10);
  campaign->set_segment("segments/short");
  campaign->mutable_cap()->set_sends(-1);
  campaign->add_steps()->set_step("Not A Step");
  EXPECT_THAT(FaultsOf(shop.world.Execute("CreateCampaign", request).status()),
              ElementsAre("campaign.steps[0].step", "campaign.steps[0].channel",
                          "campaign.steps[0].purpose", "campaign.category", "campaign.end_time",
                          "campaign.segment", "campaign.cap.sends", "campaign.cap.days"));
}

TEST(CampaignService, ResponseWithoutSendIsRefused) {
  Shop shop;
  const auto status =
      shop.world.Execute("RecordResponse", shop.ResponseOf("ada", "8", "r1")).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(status), "RESPONSE_WITHOUT_SEND");
}

TEST(CampaignService, ContactAndCampaignAreNamedInOneWay) {
  Shop shop;
  v1::RecordSendRequest request = shop.SendOf("ada", "8");
  request.set_contact(shop.Contact("ada"));
  request.clear_campaign_key();
  request.set_channel("E-Mail");
  EXPECT_THAT(FaultsOf(shop.world.Execute("RecordSend", request).status()),
              ElementsAre("channel", "contact", "campaign"));
}

// The contact topic as a naive reader sees it: what was last said about consent below an offset.
bool ConsentStands(ServiceWorld& world, const std::string& contact, Offset read_to) {
  bool granted = false;
  for (const auto& event : world.log(kContactTopic)) {
    if (event->offset >= read_to || event->metadata->aggregate() != contact + "/consents") continue;
    granted = static_cast<const contact::v1::ConsentEvent&>(*event->aggregate_event).has_granted();
  }
  return granted;
}

// Holds the topic of the service against what it promises, event by event.
class Audit {
 public:
  explicit Audit(Shop& shop) : shop_(shop) {
    for (const auto& event : shop.world.log(kOwnTopic)) {
      if (event->aggregate_field != ReachAggregate::kRecordField) continue;
      contact_ = std::string(SubjectOf(event->metadata->aggregate()));
      See(static_cast<const ReachEvent&>(*event->aggregate_event));
    }
  }

  void CheckOutbox() const {
    size_t messages = 0;
    for (const auto& [send, message] : shop_.outbox->Content()) {
      EXPECT_TRUE(decided_.contains(send));
      if (message.withheld().empty()) ++messages;
      EXPECT_EQ(message.withheld().empty(), handed_off_.contains(send));
      EXPECT_EQ(!message.withheld().empty(), cancelled_.contains(send));
    }
    EXPECT_EQ(messages, handed_off_.size());
    EXPECT_EQ(decided_.size(), handed_off_.size() + cancelled_.size()) << "a send got stuck";
  }

  void CheckStatistics(const std::string& campaign) const {
    const auto statistics = shop_.Statistics(campaign);
    EXPECT_EQ(statistics.counts().decided(), Of(campaign, decided_));
    EXPECT_EQ(statistics.counts().handed_off(), Of(campaign, handed_off_));
    EXPECT_EQ(statistics.counts().cancelled(), Of(campaign, cancelled_));
    int64_t refused = 0;
    for (const auto& reason : statistics.counts().refused()) refused += reason.count();
    EXPECT_EQ(refused, Of(campaign, refused_));
    std::set<std::string> contacts;
    for (const auto& [send, of] : handed_off_) {
      if (of.campaign == campaign) contacts.insert(of.contact);
    }
    EXPECT_EQ(statistics.contacts_sent(), static_cast<int64_t>(contacts.size()));
  }

  size_t decisions() const { return decided_.size() + refused_.size(); }

 private:
  struct About {
    std::string contact;
    std::string campaign;
  };
  using Sends = std::map<std::string, About>;

  static int64_t Of(const std::string& campaign, const Sends& sends) {
    return std::count_if(sends.begin(), sends.end(),
                         [&](const auto& send) { return send.second.campaign == campaign; });
  }

  template <typename Message>
  void Once(const Message& message, Sends& sends) {
    EXPECT_TRUE(sends.emplace(message.send(), About{contact_, message.campaign()}).second)
        << "twice: " << message.DebugString();
  }

  void See(const ReachEvent& event) {
    if (event.has_send_decided()) {
      const auto& decided = event.send_decided();
      Once(decided, decided_);
      EXPECT_FALSE(refused_.contains(decided.send()));
      EXPECT_TRUE(ConsentStands(shop_.world, contact_, decided.basis().read_to()))
          << "decided on a consent that was not in force at its position";
      EXPECT_TRUE(!decided.has_cap() || decided.sends_in_window() < decided.cap().sends());
    }
    if (event.has_send_refused()) {
      Once(event.send_refused(), refused_);
      EXPECT_FALSE(decided_.contains(event.send_refused().send()));
    }
    if (event.has_send_handed_off()) Once(event.send_handed_off(), handed_off_);
    if (event.has_send_cancelled()) Once(event.send_cancelled(), cancelled_);
  }

  Shop& shop_;
  std::string contact_;
  Sends decided_;
  Sends refused_;
  Sends handed_off_;
  Sends cancelled_;
};

// Two campaigns of two steps to four contacts whose consents come and go, with every fold, reaction
// and crash at any moment.
void RunSchedule(uint64_t seed) {
  constexpr int kContacts = 4;
  SeededRandom random(seed);
  const auto pick = [&](int n) {
    return static_cast<int>(random.Next64() % static_cast<uint64_t>(n));
  };
  Shop shop;
  const auto key = [](int i) { return "contact" + std::to_string(i); };
  for (int i = 0; i < kContacts; ++i) shop.Create(key(i));
  for (int i = 0; i < kContacts; ++i) shop.Grant(key(i));
  const std::string segment = shop.CreateSegment();
  const std::vector<std::string> campaigns = {shop.CreateCampaign(segment, 2, 3),
                                              shop.CreateCampaign(segment, 2, 0)};
  shop.world.Settle();
  shop.Launch(campaigns[0]);
  shop.Launch(campaigns[1]);
  for (int i = 0; i < 150; ++i) {
    const int what = pick(30);
    if (what == 0) shop.world.Crash();
    if (what == 1) shop.Withdraw(key(pick(kContacts)));
    if (what == 2) shop.Grant(key(pick(kContacts)));
    if (what == 3) shop.Start(campaigns[static_cast<size_t>(pick(2))], 1);
    if (what > 3) shop.world.Step(pick);
  }
  shop.Start(campaigns[0], 1);
  shop.Start(campaigns[1], 1);
  shop.world.Settle();
  const Audit audit(shop);
  EXPECT_EQ(audit.decisions(), 2u * 2u * kContacts);
  audit.CheckOutbox();
  for (const std::string& campaign : campaigns) audit.CheckStatistics(campaign);
  if (::testing::Test::HasFailure()) return;

  // Everything is met again, from the very start: nothing new is recorded or put out.
  const size_t events = shop.world.log(kOwnTopic).size();
  shop.world.ForgetReactions();
  shop.world.Settle();
  EXPECT_EQ(shop.world.log(kOwnTopic).size(), events);
}

// CRM_TEST_SCHEDULES=10000 takes half a minute.
TEST(CampaignServiceProperty, OneDecisionASendOverCrashSchedules) {
  const char* asked = std::getenv("CRM_TEST_SCHEDULES");
  const uint64_t schedules = asked == nullptr ? 2000 : std::strtoul(asked, nullptr, 10);
  for (uint64_t seed = 1; seed <= schedules; ++seed) {
    SCOPED_TRACE(seed);
    RunSchedule(seed);
    if (::testing::Test::HasFailure()) return;
  }
}

TEST(CampaignServiceProperty, RebuiltViewsAreTheLiveOnes) {
  Shop shop;
  for (const char* name : {"ada", "bea", "cleo"}) shop.Create(name);
  shop.Grant("ada");
  const std::string campaign = shop.CreateCampaign(shop.CreateSegment(), 2, 1);
  shop.world.Settle();
  shop.Launch(campaign);
  shop.Start(campaign, 1);
  shop.world.Settle();
  ASSERT_TRUE(shop.world.Execute("RecordSend", shop.SendOf("dora", "8")).ok());
  ASSERT_TRUE(shop.world.Execute("RecordResponse", shop.ResponseOf("dora", "8", "r")).ok());
  shop.world.Settle();
  for (const std::string_view view : {"campaign-outcomes", "campaigns-by-time"}) {
    auto live = shop.world.Rows(view);
    std::erase_if(live, [](const auto& row) { return row.first[1] == 'm'; });
    EXPECT_FALSE(live.empty());
    EXPECT_EQ(live, shop.world.Rebuilt(view));
  }
}

}  // namespace
}  // namespace crm::campaign
