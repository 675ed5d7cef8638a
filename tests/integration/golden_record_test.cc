// What a caller may rely on when several systems tell of one contact: sources and times, aliases,
// and deletions that are taken back.

#include <gmock/gmock.h>

#include "common/base/timestamp.h"
#include "tests/support/eventually.h"
#include "tests/support/server_test.h"

namespace crm {
namespace {

namespace cv = contact::v1;
using absl::StatusCode;
using Outcome = cv::UpsertContactResponse;

class GoldenRecordTest : public ServerTest {
 protected:
  template <typename Response, typename Request>
  Answered<Response> Call(const std::string& method, const Request& request) {
    return client_->Call<Response>("/crm.contact.v1.ContactService/" + method, request);
  }

  static cv::UpsertContactRequest Says(const std::string& source, int64_t second,
                                       const std::string& name) {
    cv::UpsertContactRequest request;
    request.mutable_contact()->mutable_external_key()->set_source("shop");
    request.mutable_contact()->mutable_external_key()->set_key("7");
    request.mutable_contact()->set_display_name(name);
    request.set_source(source);
    request.mutable_observe_time()->set_seconds(second);
    return request;
  }

  cv::UpsertContactResponse Upserted(const cv::UpsertContactRequest& request) {
    auto answer = client_->Upsert(request);
    EXPECT_TRUE(IsOk(answer.status));
    return answer.response;
  }

  Answered<cv::Contact> Link(const std::string& contact, const std::string& key) {
    cv::LinkExternalKeyRequest request;
    request.set_contact(contact);
    request.mutable_external_key()->set_source("crm");
    request.mutable_external_key()->set_key(key);
    return Call<cv::Contact>("LinkExternalKey", request);
  }

  // Linked, and listed by the contact.
  std::string LinkAndWait(const std::string& contact, const std::string& key) {
    const auto linked = Link(contact, key);
    EXPECT_TRUE(IsOk(linked.status));
    EXPECT_EQ(linked.response.moved_to(), contact);
    EXPECT_TRUE(Eventually(20 * kSecond,
                           [&] { return client_->Get(contact).response.linked_keys_size() > 0; }));
    return linked.response.name();
  }
};

TEST_F(GoldenRecordTest, OutcomesTellWhatBecameOfAnObservation) {
  EXPECT_EQ(Upserted(Says("shop", 100, "Ada")).outcome(), Outcome::CREATED);
  EXPECT_EQ(Upserted(Says("shop", 100, "Ada")).outcome(), Outcome::UNCHANGED);
  EXPECT_EQ(Upserted(Says("crm", 200, "Ada King")).outcome(), Outcome::UPDATED);
  EXPECT_EQ(Upserted(Says("shop", 100, "Ada")).outcome(), Outcome::UNCHANGED);
  cv::UpsertContactRequest lost = Says("shop", 150, "Adda");
  lost.set_request_id("lost");
  const auto superseded = Upserted(lost);
  EXPECT_EQ(superseded.outcome(), Outcome::SUPERSEDED);
  EXPECT_EQ(superseded.contact().display_name(), "Ada King");
  Crash();
  EXPECT_EQ(Upserted(lost).SerializeAsString(), superseded.SerializeAsString());
  EXPECT_TRUE(IsOk(client_->Verify("core")));
}

TEST_F(GoldenRecordTest, AnObservationInTheFutureIsRefused) {
  EXPECT_TRUE(
      RefusedField(client_->Upsert(Says("shop", 250'000'000'000, "Ada")).status, "observe_time"));
}

TEST_F(GoldenRecordTest, ExplanationNamesTheEventsOfEachValue) {
  Upserted(Says("shop", 100, "Ada"));
  Upserted(Says("crm", 200, "Ada King"));
  const std::string name = Upserted(Says("shop", 150, "Adda")).contact().name();
  cv::ExplainContactRequest request;
  request.set_name(name);
  request.add_fields("display_name");
  const auto answer = Call<cv::ExplainContactResponse>("ExplainContact", request);
  ASSERT_TRUE(IsOk(answer.status));
  ASSERT_EQ(answer.response.fields_size(), 1);
  const cv::FieldExplanation& field = answer.response.fields(0);
  EXPECT_EQ(field.taken().value().display_name(), "Ada King");
  EXPECT_EQ(field.taken().source(), "crm");
  EXPECT_EQ(field.taken().version(), 2);
  ASSERT_EQ(field.others_size(), 2);
  EXPECT_EQ(field.others(0).value().display_name(), "Adda");
  EXPECT_TRUE(field.others(0).superseded_at_once());
  EXPECT_EQ(field.others(1).value().display_name(), "Ada");
  EXPECT_EQ(field.others(1).event_type(), "ContactCreated");
  request.set_fields(0, "etag");
  EXPECT_TRUE(RefusedField(Call<cv::ExplainContactResponse>("ExplainContact", request).status,
                           "fields[0]"));
}

TEST_F(GoldenRecordTest, CommandsByALinkedKeyReachTheContact) {
  const std::string name = Upserted(Says("shop", 100, "Ada")).contact().name();
  const std::string alias = LinkAndWait(name, "9");
  EXPECT_EQ(client_->Get(alias).response.moved_to(), name);
  EXPECT_EQ(client_->Get(name).response.linked_keys(0).key(), "9");

  cv::UpsertContactRequest by_key = Says("crm", 300, "Ada King");
  by_key.mutable_contact()->mutable_external_key()->set_source("crm");
  by_key.mutable_contact()->mutable_external_key()->set_key("9");
  by_key.set_request_id("by-key");
  const auto updated = Upserted(by_key);
  EXPECT_EQ(updated.contact().name(), name);
  EXPECT_EQ(updated.outcome(), Outcome::UPDATED);
  EXPECT_EQ(Upserted(by_key).SerializeAsString(), updated.SerializeAsString());

  cv::GrantConsentRequest grant;
  *grant.mutable_contact_key() = by_key.contact().external_key();
  grant.set_purpose("marketing");
  grant.set_channel("email");
  const auto granted = Call<cv::ConsentLedger>("GrantConsent", grant);
  ASSERT_TRUE(IsOk(granted.status));
  EXPECT_EQ(granted.response.name(), name + "/consents");
  cv::CheckConsentRequest check;
  *check.mutable_contact_key() = by_key.contact().external_key();
  check.set_purpose("marketing");
  check.set_channel("email");
  const auto checked = Call<cv::CheckConsentResponse>("CheckConsent", check);
  ASSERT_TRUE(IsOk(checked.status));
  EXPECT_EQ(checked.response.state(), cv::CheckConsentResponse::GRANTED);

  cv::AdvanceLifecycleRequest advance;
  advance.set_contact(alias);
  advance.set_to(cv::PROSPECT);
  EXPECT_EQ(Call<cv::Lifecycle>("AdvanceLifecycle", advance).response.name(), name + "/lifecycle");
  EXPECT_TRUE(IsOk(client_->Verify("core")));
}

TEST_F(GoldenRecordTest, KeysThatAreSomebodysAreNotLinked) {
  const std::string name = Upserted(Says("shop", 100, "Ada")).contact().name();
  cv::UpsertContactRequest other = Says("crm", 100, "Bea");
  other.mutable_contact()->mutable_external_key()->set_source("crm");
  other.mutable_contact()->mutable_external_key()->set_key("9");
  const std::string other_name = Upserted(other).contact().name();
  EXPECT_TRUE(
      Refused(Link(name, "9").status, StatusCode::kFailedPrecondition, "EXTERNAL_KEY_TAKEN"));
  LinkAndWait(name, "10");
  EXPECT_TRUE(IsOk(Link(name, "10").status));
  EXPECT_TRUE(Refused(Link(other_name, "10").status, StatusCode::kFailedPrecondition,
                      "EXTERNAL_KEY_TAKEN"));
  EXPECT_TRUE(Refused(Link("contacts/c" + std::string(26, 'a'), "11").status, StatusCode::kNotFound,
                      "CONTACT_NOT_FOUND"));
  // The contact's own key, and an alias in the contact's place.
  EXPECT_TRUE(IsOk(Link(other_name, "9").status));
  EXPECT_EQ(Link(Link(name, "10").response.name(), "12").response.moved_to(), name);
}

TEST_F(GoldenRecordTest, DeletionIsTakenBack) {
  const std::string name = Upserted(Says("shop", 100, "Ada")).contact().name();
  cv::DeleteContactRequest remove;
  remove.set_name(name);
  ASSERT_TRUE(IsOk(client_->Delete(remove).status));
  EXPECT_TRUE(client_->Get(name).response.has_delete_time());
  cv::UndeleteContactRequest undelete;
  undelete.set_name(name);
  const auto back = Call<cv::Contact>("UndeleteContact", undelete);
  ASSERT_TRUE(IsOk(back.status));
  EXPECT_FALSE(back.response.has_delete_time());
  EXPECT_EQ(back.response.display_name(), "Ada");
}

TEST_F(GoldenRecordTest, MissingContactsAreAllowedWhereAsked) {
  const std::string name = "contacts/c" + std::string(26, 'b');
  cv::DeleteContactRequest remove;
  remove.set_name(name);
  EXPECT_TRUE(Refused(client_->Delete(remove).status, StatusCode::kNotFound));
  remove.set_allow_missing(true);
  const auto removed = client_->Delete(remove);
  ASSERT_TRUE(IsOk(removed.status));
  EXPECT_EQ(removed.response.ShortDebugString(), "name: \"" + name + "\"");
  cv::UpdateContactRequest update;
  update.mutable_contact()->set_name(name);
  update.mutable_contact()->set_display_name("Ada");
  EXPECT_TRUE(Refused(client_->Update(update).status, StatusCode::kNotFound));
  update.set_allow_missing(true);
  EXPECT_EQ(client_->Update(update).response.display_name(), "Ada");
}

}  // namespace
}  // namespace crm
