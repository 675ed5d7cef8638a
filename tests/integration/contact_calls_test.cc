// What calls of the contact service have beside commands and lists: batches, views, trials.

#include <fmt/format.h>
#include <google/protobuf/util/message_differencer.h>

#include "crm/common/v1/would_record.pb.h"
#include "crm/contact/v1/contact_events.pb.h"
#include "tests/support/server_test.h"

namespace crm {
namespace {

namespace cv = contact::v1;
using absl::StatusCode;
using google::protobuf::util::MessageDifferencer;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kService[] = "/crm.contact.v1.ContactService/";

class ContactCallsTest : public ServerTest {
 protected:
  Answered<cv::Contact> Create(int64_t number) {
    auto answer = client_->Create(CreatePerson(number, fmt::format("person-{}", number)));
    EXPECT_TRUE(IsOk(answer.status));
    return answer;
  }
  Answered<cv::BatchGetContactsResponse> BatchGet(const cv::BatchGetContactsRequest& request,
                                                  const CallOptions& options = {}) {
    return client_->Call<cv::BatchGetContactsResponse>(std::string(kService) + "BatchGetContacts",
                                                       request, options);
  }
  static common::v1::WouldRecord WouldRecord(const std::string& bytes) {
    common::v1::WouldRecord would;
    EXPECT_TRUE(would.ParseFromString(bytes));
    return would;
  }
};

// Without what the view BASIC leaves out.
cv::Contact Basic(cv::Contact contact) {
  contact.clear_addresses();
  contact.clear_preferences();
  contact.clear_concerns();
  contact.clear_custom_fields();
  contact.clear_linked_keys();
  contact.clear_observations();
  return contact;
}

// A person with something in every field that BASIC leaves out and a caller can set.
cv::CreateContactRequest CreateFull(const std::string& request_id) {
  cv::CreateContactRequest request = CreatePerson(1, request_id);
  auto* address = request.mutable_contact()->add_addresses();
  address->add_lines("1 Main Street");
  auto* wish = request.mutable_contact()->add_preferences();
  wish->set_channel("email");
  wish->set_attitude(cv::Preference::WANTED);
  request.mutable_contact()->add_concerns()->set_topic("price");
  return request;
}

TEST_F(ContactCallsTest, BatchAnswersInTheOrderAskedFor) {
  cv::BatchGetContactsRequest request;
  std::vector<cv::Contact> expected;
  std::vector<std::string> positions;
  for (int i = 0; i < 60; ++i) {
    const auto created = Create(i);
    expected.push_back(created.response);
    // As many as fit into a request's metadata.
    if (positions.size() < 16) positions.push_back(created.position);
  }
  std::reverse(expected.begin(), expected.end());
  expected.push_back(expected.front());
  for (const cv::Contact& contact : expected) request.add_names(contact.name());
  CallOptions options;
  for (const auto& position : positions)
    options.metadata.emplace_back("crm-min-position", position);
  const auto answer = BatchGet(request, options);
  ASSERT_TRUE(IsOk(answer.status));
  ASSERT_EQ(answer.response.contacts_size(), static_cast<int>(expected.size()));
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_TRUE(
        MessageDifferencer::Equals(answer.response.contacts(static_cast<int>(i)), expected[i]));
  }
  // The position covers what was read.
  EXPECT_TRUE(
      IsOk(client_->Get(expected[0].name(), {{{"crm-min-position", answer.position}}}).status));
}

TEST_F(ContactCallsTest, BatchNamesTheFirstThatIsNotThere) {
  const std::string known = Create(1).response.name();
  const std::string unknown = "contacts/c" + std::string(26, 'a');
  cv::BatchGetContactsRequest request;
  for (const auto& name : {known, unknown, "contacts/c" + std::string(26, 'b')}) {
    request.add_names(name);
  }
  const auto answer = BatchGet(request);
  EXPECT_TRUE(Refused(answer.status, StatusCode::kNotFound, "RESOURCE_NOT_FOUND"));
  EXPECT_EQ(ErrorMetadataOf(answer.status, "name"), unknown);
}

TEST_F(ContactCallsTest, BatchNamesAllFaultyNames) {
  cv::BatchGetContactsRequest request;
  EXPECT_THAT(FaultyFields(BatchGet(request).status), ElementsAre("names"));
  request.add_names("contacts/short");
  request.add_names("contacts/c" + std::string(26, 'a'));
  request.add_names("");
  EXPECT_THAT(FaultyFields(BatchGet(request).status), ElementsAre("names[0]", "names[2]"));
  for (int i = 0; i < 1000; ++i) request.add_names("contacts/c" + std::string(26, 'a'));
  EXPECT_THAT(FaultyFields(BatchGet(request).status), ElementsAre("names"));
}

TEST_F(ContactCallsTest, BasicViewLeavesOutTheSameEverywhere) {
  const auto born = client_->Create(CreateFull("full"));
  ASSERT_TRUE(IsOk(born.status));
  const cv::Contact basic = Basic(born.response);
  EXPECT_GT(born.response.preferences_size() + born.response.concerns_size(), 1);
  cv::GetContactRequest get;
  get.set_name(born.response.name());
  const std::string full = client_->Get(get).response.SerializeAsString();
  EXPECT_EQ(full, born.response.SerializeAsString());
  get.set_view(cv::FULL);
  EXPECT_EQ(client_->Get(get).response.SerializeAsString(), full);
  get.set_view(cv::BASIC);
  EXPECT_EQ(client_->Get(get).response.SerializeAsString(), basic.SerializeAsString());
  EXPECT_EQ(client_->Get(get, {{{"crm-min-position", born.position}}}).response.SerializeAsString(),
            basic.SerializeAsString());
  get.mutable_as_of()->set_position(born.position);
  EXPECT_EQ(client_->Get(get).response.SerializeAsString(), basic.SerializeAsString());
  get.set_view(static_cast<cv::ContactView>(7));
  EXPECT_TRUE(RefusedField(client_->Get(get).status, "view"));
  cv::BatchGetContactsRequest batch;
  batch.add_names(born.response.name());
  batch.set_view(cv::BASIC);
  const auto answer = BatchGet(batch);
  ASSERT_EQ(answer.response.contacts_size(), 1);
  EXPECT_TRUE(MessageDifferencer::Equals(answer.response.contacts(0), basic));
}

TEST_F(ContactCallsTest, TrialAnswersTheEventsItWouldRecord) {
  cv::CreateContactRequest request = CreatePerson(1, "trial");
  request.set_validate_only(true);
  const auto tried = client_->Create(request);
  ASSERT_TRUE(IsOk(tried.status));
  const auto would = WouldRecord(tried.would_record);
  EXPECT_EQ(would.total(), 1);
  ASSERT_EQ(would.events_size(), 1);
  cv::ContactRecord record;
  ASSERT_TRUE(would.events(0).UnpackTo(&record));
  common::v1::EventMetadata expected;
  expected.set_aggregate(tried.response.name());
  expected.set_aggregate_version(1);
  EXPECT_TRUE(MessageDifferencer::Equals(record.metadata(), expected))
      << record.metadata().DebugString();
  ASSERT_TRUE(record.contact().has_created());
  EXPECT_TRUE(record.contact().created().has_plain());
  EXPECT_TRUE(Refused(client_->Get(tried.response.name()).status, StatusCode::kNotFound));
  // The same for good: what was tried is what is recorded, and a repeat records nothing more.
  request.set_validate_only(false);
  const auto done = client_->Create(request);
  EXPECT_EQ(done.response.name(), tried.response.name());
  EXPECT_THAT(done.would_record, IsEmpty());
  request.set_validate_only(true);
  EXPECT_THAT(client_->Create(request).would_record, IsEmpty());
}

TEST_F(ContactCallsTest, TrialOfWhatStandsRecordsNothing) {
  ASSERT_TRUE(IsOk(client_->Upsert(UpsertPerson(1, "source")).status));
  cv::UpsertContactRequest again = UpsertPerson(1, "source");
  again.set_validate_only(true);
  const auto tried = client_->Upsert(again);
  EXPECT_EQ(tried.response.outcome(), cv::UpsertContactResponse::UNCHANGED);
  EXPECT_THAT(tried.would_record, IsEmpty());
  again.mutable_contact()->set_display_name("Changed");
  const auto changed = client_->Upsert(again);
  EXPECT_EQ(changed.response.outcome(), cv::UpsertContactResponse::UPDATED);
  EXPECT_EQ(WouldRecord(changed.would_record).total(), 1);
}

TEST_F(ContactCallsTest, TrialThatRecordsMuchSaysHowMuch) {
  cv::CreateContactRequest request = CreatePerson(1, "much");
  request.set_validate_only(true);
  auto* contact = request.mutable_contact();
  contact->clear_tags();
  // From what metadata can hold to what it cannot, a step at a time.
  int listed = 0;
  int counted = 0;
  for (int i = 0; i < 90; ++i) {
    contact->add_tags(fmt::format("{:0>3}-{}", i, std::string(90, 't')));
    const auto tried = client_->Create(request);
    ASSERT_TRUE(IsOk(tried.status)) << i;
    const auto would = WouldRecord(tried.would_record);
    EXPECT_EQ(would.total(), 1);
    would.events_size() == 1 ? ++listed : ++counted;
  }
  EXPECT_GT(listed, 30);
  EXPECT_GT(counted, 30);
}

TEST_F(ContactCallsTest, FaultsOfTheRulesAndOfTheServiceComeTogether) {
  cv::CreateContactRequest request = CreatePerson(1, std::string(129, 'r'));
  request.mutable_contact()->add_emails("not an address");
  request.mutable_contact()->set_display_name(std::string(513, 'x'));
  request.mutable_contact()->set_region_code("ZZ9");
  request.mutable_contact()->set_time_zone("Europe/Nowhere");
  EXPECT_THAT(FaultyFields(client_->Create(request).status),
              ::testing::IsSupersetOf({"request_id", "contact.display_name", "contact.region_code",
                                       "contact.time_zone"}));
  EXPECT_THAT(FaultyFields(client_->Create(request).status),
              ::testing::Contains(::testing::StartsWith("contact.emails")));
}

TEST_F(ContactCallsTest, MaskMayNotNameWhatIsNeverChanged) {
  const auto born = Create(1);
  cv::UpdateContactRequest request;
  request.mutable_contact()->set_name(born.response.name());
  request.mutable_update_mask()->add_paths("external_key");
  EXPECT_TRUE(RefusedField(client_->Update(request).status, "update_mask"));
}

}  // namespace
}  // namespace crm
