// What a client may rely on when it repeats, reads at positions, reads the past, or pages.

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "tests/support/server_test.h"

namespace crm {
namespace {

namespace cv = contact::v1;
using absl::StatusCode;

constexpr char kMinPosition[] = "crm-min-position";

CallOptions Tenant(const std::string& tenant) {
  return {{{"crm-tenant", tenant}}};
}

CallOptions AtLeast(const std::string& position) {
  return {{{kMinPosition, position}}};
}

cv::CreateContactRequest WithKey(cv::CreateContactRequest request, const std::string& key) {
  request.mutable_contact()->mutable_external_key()->set_source("idempotency");
  request.mutable_contact()->mutable_external_key()->set_key(key);
  return request;
}

cv::UpdateContactRequest Rename(const cv::Contact& contact, const std::string& display_name) {
  cv::UpdateContactRequest request;
  request.mutable_contact()->set_name(contact.name());
  request.mutable_contact()->set_etag(contact.etag());
  request.mutable_contact()->set_display_name(display_name);
  return request;
}

class IdempotencyTest : public ServerTest {
 protected:
  CallOptions NewTenant(const std::string& tenant) {
    const auto made = client_->Call<cv::Tenant>("/crm.contact.v1.ContactService/CreateTenant",
                                                cv::CreateTenantRequest(), Tenant(tenant));
    EXPECT_TRUE(IsOk(made.status));
    return Tenant(tenant);
  }
  cv::Contact Created(const cv::CreateContactRequest& request, const CallOptions& options = {}) {
    auto answer = client_->Create(request, options);
    EXPECT_TRUE(IsOk(answer.status));
    return answer.response;
  }
  cv::Contact Renamed(const cv::Contact& contact, const std::string& display_name) {
    auto answer = client_->Update(Rename(contact, display_name));
    EXPECT_TRUE(IsOk(answer.status));
    return answer.response;
  }
  cv::Contact Deleted(const cv::Contact& contact) {
    cv::DeleteContactRequest request;
    request.set_name(contact.name());
    auto answer = client_->Delete(request);
    EXPECT_TRUE(IsOk(answer.status));
    return answer.response;
  }
  std::string Bytes(const Answered<cv::Contact>& answer) {
    EXPECT_TRUE(IsOk(answer.status));
    return answer.response.SerializeAsString();
  }
};

TEST_F(IdempotencyTest, RepeatedCreateGetsTheFirstAnswerAcrossCrashesAndChanges) {
  for (const auto& request :
       {CreatePerson(1, "keyless"), WithKey(CreatePerson(2, "keyed"), "two")}) {
    const std::string first = Bytes(client_->Create(request));
    EXPECT_EQ(Bytes(client_->Create(request)), first);
    Crash();
    EXPECT_EQ(Bytes(client_->Create(request)), first);
    cv::Contact contact;
    ASSERT_TRUE(contact.ParseFromString(first));
    contact = Renamed(contact, "Changed since");
    EXPECT_EQ(Bytes(client_->Create(request)), first);
    Deleted(contact);
    Crash();
    EXPECT_EQ(Bytes(client_->Create(request)), first);
    // And the present is untouched by the repeats.
    EXPECT_TRUE(client_->Get(contact.name()).response.has_delete_time());
  }
}

TEST_F(IdempotencyTest, RepeatedUpdateAndDeleteGetTheirFirstAnswers) {
  const cv::Contact contact = Created(CreatePerson(1, "birth"));
  cv::UpdateContactRequest update = Rename(contact, "Once");
  update.set_request_id("update");
  const std::string updated = Bytes(client_->Update(update));
  cv::DeleteContactRequest remove;
  remove.set_name(contact.name());
  remove.set_request_id("delete");
  const std::string deleted = Bytes(client_->Delete(remove));
  Crash();
  // Its etag is stale by now: a repeat is not decided again.
  EXPECT_EQ(Bytes(client_->Update(update)), updated);
  EXPECT_EQ(Bytes(client_->Delete(remove)), deleted);
}

TEST_F(IdempotencyTest, RepeatedUpsertTellsTheFirstOutcome) {
  cv::UpsertContactRequest request = UpsertPerson(1, "repeat");
  request.set_request_id("upsert");
  const auto first = client_->Upsert(request);
  ASSERT_TRUE(IsOk(first.status));
  EXPECT_EQ(first.response.outcome(), cv::UpsertContactResponse::CREATED);
  Crash();
  const auto again = client_->Upsert(request);
  ASSERT_TRUE(IsOk(again.status));
  EXPECT_EQ(again.response.SerializeAsString(), first.response.SerializeAsString());
  request.set_request_id("another");
  EXPECT_EQ(client_->Upsert(request).response.outcome(), cv::UpsertContactResponse::UNCHANGED);
  request.mutable_contact()->set_display_name("Other");
  request.set_request_id("third");
  EXPECT_EQ(client_->Upsert(request).response.outcome(), cv::UpsertContactResponse::UPDATED);
}

TEST_F(IdempotencyTest, SameRequestIdWithAnotherPayloadIsRefused) {
  Created(CreatePerson(1, "used"));
  Created(WithKey(CreatePerson(1, "used-keyed"), "key"));
  for (int crash = 0; crash < 2; ++crash) {
    EXPECT_TRUE(RefusedField(client_->Create(CreatePerson(2, "used")).status, "request_id"));
    EXPECT_TRUE(RefusedField(client_->Create(WithKey(CreatePerson(2, "used-keyed"), "key")).status,
                             "request_id"));
    Crash();
  }
}

TEST_F(IdempotencyTest, TakenExternalKeyIsRefusedToAnotherRequest) {
  Created(WithKey(CreatePerson(1, "first"), "key"));
  const auto other = client_->Create(WithKey(CreatePerson(1, "second"), "key"));
  EXPECT_TRUE(Refused(other.status, StatusCode::kAlreadyExists));
}

TEST_F(IdempotencyTest, ValidateOnlyRecordsNothing) {
  cv::CreateContactRequest create = CreatePerson(1, "later");
  create.set_validate_only(true);
  const std::vector<int64_t> before = client_->LogEnd();
  const auto checked = client_->Create(create);
  ASSERT_TRUE(IsOk(checked.status));
  EXPECT_EQ(checked.response.display_name(), "Person 1");
  EXPECT_TRUE(Refused(client_->Get(checked.response.name()).status, StatusCode::kNotFound));
  EXPECT_EQ(client_->LogEnd(), before);
  create.set_validate_only(false);
  const cv::Contact created = Created(create);
  EXPECT_EQ(created.name(), checked.response.name());
  cv::UpdateContactRequest update = Rename(created, "Checked");
  update.set_validate_only(true);
  EXPECT_EQ(client_->Update(update).response.display_name(), "Checked");
  EXPECT_EQ(client_->Get(created.name()).response.SerializeAsString(), created.SerializeAsString());
}

TEST_F(IdempotencyTest, StaleEtagIsAbortedWithTheCurrentOne) {
  const cv::Contact born = Created(CreatePerson(1, "birth"));
  const cv::Contact renamed = Renamed(born, "Second");
  const auto stale = client_->Update(Rename(born, "Third"));
  EXPECT_TRUE(Refused(stale.status, StatusCode::kAborted, "ETAG_STALE"));
  EXPECT_EQ(ErrorMetadataOf(stale.status, "current_etag"), renamed.etag());
  cv::DeleteContactRequest remove;
  remove.set_name(born.name());
  remove.set_etag(born.etag());
  EXPECT_TRUE(Refused(client_->Delete(remove).status, StatusCode::kAborted, "ETAG_STALE"));
  cv::UpdateContactRequest garbage = Rename(born, "Third");
  garbage.mutable_contact()->set_etag("not an etag");
  EXPECT_TRUE(Refused(client_->Update(garbage).status, StatusCode::kAborted, "ETAG_STALE"));
}

TEST_F(IdempotencyTest, ReadAtThePositionOfAWriteSeesIt) {
  cv::Contact contact = Created(CreatePerson(0, "birth"));
  for (int i = 1; i <= 200; ++i) {
    const auto written = client_->Update(Rename(contact, fmt::format("Name {}", i)));
    ASSERT_TRUE(IsOk(written.status));
    ASSERT_FALSE(written.position.empty());
    contact = written.response;
    EXPECT_EQ(Bytes(client_->Get(contact.name(), AtLeast(written.position))),
              contact.SerializeAsString());
    cv::ListContactsRequest list;
    list.set_order_by("display_name");
    const auto listed = client_->List(list, AtLeast(written.position));
    ASSERT_TRUE(IsOk(listed.status));
    ASSERT_EQ(listed.response.contacts_size(), 1);
    EXPECT_EQ(listed.response.contacts(0).display_name(), contact.display_name());
  }
}

TEST_F(IdempotencyTest, StrongReadSeesEveryAnsweredWrite) {
  const CallOptions strong{{{"crm-consistency", "strong"}}};
  for (int i = 0; i < 50; ++i) {
    Created(CreatePerson(i, fmt::format("strong-{}", i)));
    cv::ListContactsRequest list;
    list.set_page_size(1000);
    list.set_order_by("display_name");
    EXPECT_EQ(client_->List(list, strong).response.contacts_size(), i + 1);
  }
}

TEST_F(IdempotencyTest, PositionsOutliveACrash) {
  const auto written = client_->Create(CreatePerson(1, "birth"));
  Crash();
  EXPECT_TRUE(IsOk(client_->Get(written.response.name(), AtLeast(written.position)).status));
}

TEST_F(IdempotencyTest, PositionOfAnotherLogIsOutOfRange) {
  const cv::Contact contact = Created(CreatePerson(1, "birth"));
  const std::string other_data = directory_.File("other");
  std::filesystem::create_directories(other_data);
  // The same secret: the token opens, and is of another log.
  std::filesystem::copy_file(server_.data_dir() + "/secret", other_data + "/secret");
  ServerProcess other(other_data);
  ASSERT_TRUE(IsOk(other.Start()));
  const auto foreign = ContactClient(other.address()).Create(CreatePerson(1, "birth"));
  ASSERT_TRUE(IsOk(foreign.status));
  EXPECT_EQ(foreign.response.name(), contact.name());
  EXPECT_TRUE(Refused(client_->Get(contact.name(), AtLeast(foreign.position)).status,
                      StatusCode::kOutOfRange));
  cv::GetContactRequest past;
  past.set_name(contact.name());
  past.mutable_as_of()->set_position(foreign.position);
  EXPECT_TRUE(Refused(client_->Get(past).status, StatusCode::kOutOfRange));
}

TEST_F(IdempotencyTest, ForgedPositionIsRefused) {
  const auto written = client_->Create(CreatePerson(1, "birth"));
  std::string forged = written.position;
  forged[forged.size() / 2] = forged[forged.size() / 2] == 'A' ? 'B' : 'A';
  cv::GetContactRequest request;
  request.set_name(written.response.name());
  for (const std::string& token : {forged, std::string("garbage"), written.position + "AAAA"}) {
    EXPECT_TRUE(
        RefusedField(client_->Get(request, AtLeast(token)).status, "metadata crm-min-position"));
    EXPECT_TRUE(RefusedField(client_->Create(CreatePerson(2, "x"), AtLeast(token)).status,
                             "metadata crm-min-position"));
    cv::GetContactRequest past = request;
    past.mutable_as_of()->set_position(token);
    EXPECT_TRUE(RefusedField(client_->Get(past).status, "as_of.position"));
  }
}

TEST_F(IdempotencyTest, EarlierStatesAreReadByTimeAndByPosition) {
  const auto born = client_->Create(CreatePerson(1, "birth"));
  ASSERT_TRUE(IsOk(born.status));
  const auto renamed = client_->Update(Rename(born.response, "Renamed"));
  ASSERT_TRUE(IsOk(renamed.status));
  const cv::Contact deleted = Deleted(renamed.response);
  cv::GetContactRequest past;
  past.set_name(born.response.name());
  for (int crash = 0; crash < 2; ++crash) {
    for (const auto& [position, expected] :
         {std::pair(born.position, born.response), std::pair(renamed.position, renamed.response)}) {
      past.mutable_as_of()->set_position(position);
      EXPECT_EQ(Bytes(client_->Get(past)), expected.SerializeAsString());
    }
    for (const cv::Contact& expected : {born.response, renamed.response, deleted}) {
      *past.mutable_as_of()->mutable_time() = expected.update_time();
      EXPECT_EQ(Bytes(client_->Get(past)), expected.SerializeAsString());
    }
    past.mutable_as_of()->mutable_time()->set_seconds(born.response.create_time().seconds() - 1);
    EXPECT_TRUE(Refused(client_->Get(past).status, StatusCode::kNotFound));
    Crash();
  }
}

TEST_F(IdempotencyTest, MomentsThatCannotBeReadAreRefused) {
  cv::GetContactRequest past;
  past.set_name(Created(CreatePerson(1, "birth")).name());
  past.mutable_as_of();
  EXPECT_TRUE(RefusedField(client_->Get(past).status, "as_of"));
  auto* time = past.mutable_as_of()->mutable_time();
  for (const int64_t seconds : {int64_t{4'000'000'000}, int64_t{9'223'372'037},
                                int64_t{253'402'300'799}, int64_t{1} << 62}) {
    time->set_seconds(seconds);
    EXPECT_TRUE(RefusedField(client_->Get(past).status, "as_of.time")) << seconds;
  }
  time->set_seconds(std::numeric_limits<int64_t>::min());
  EXPECT_TRUE(RefusedField(client_->Get(past).status, "as_of.time"));
  time->set_seconds(1);
  time->set_nanos(-1);
  EXPECT_TRUE(RefusedField(client_->Get(past).status, "as_of.time"));
}

TEST_F(IdempotencyTest, PagingSurvivesWrites) {
  std::set<std::string> before;
  for (int i = 0; i < 40; ++i)
    before.insert(Created(CreatePerson(i, fmt::format("p-{}", i))).name());
  for (const char* order : {"name", "display_name"}) {
    cv::ListContactsRequest request;
    request.set_page_size(7);
    request.set_order_by(order);
    std::vector<std::string> seen;
    for (int page = 0;; ++page) {
      const auto answer = client_->List(request, {{{"crm-consistency", "strong"}}, 30 * kSecond});
      ASSERT_TRUE(IsOk(answer.status));
      EXPECT_LE(answer.response.contacts_size(), 7);
      for (const auto& contact : answer.response.contacts()) seen.push_back(contact.name());
      if (answer.response.next_page_token().empty()) break;
      request.set_page_token(answer.response.next_page_token());
      Created(CreatePerson(1000 + page, fmt::format("during-{}-{}", order, page)));
      if (page == 1) Crash();
    }
    const std::set<std::string> once(seen.begin(), seen.end());
    EXPECT_EQ(once.size(), seen.size()) << "a contact was listed twice";
    EXPECT_TRUE(std::includes(once.begin(), once.end(), before.begin(), before.end()));
  }
}

TEST_F(IdempotencyTest, PageTokensBelongToTheirQuery) {
  std::string name;
  for (int i = 0; i < 5; ++i) name = Created(CreatePerson(i, fmt::format("p-{}", i))).name();
  cv::ListContactsRequest request;
  request.set_page_size(2);
  const std::string token = client_->List(request).response.next_page_token();
  ASSERT_FALSE(token.empty());
  request.set_page_token(token);
  EXPECT_TRUE(RefusedField(client_->List(request, NewTenant("other")).status, "page_token"));
  request.set_order_by("display_name");
  EXPECT_TRUE(RefusedField(client_->List(request).status, "page_token"));
  request.clear_order_by();
  request.set_page_token(token.substr(1));
  EXPECT_TRUE(RefusedField(client_->List(request).status, "page_token"));
  cv::ListContactRevisionsRequest revisions;
  revisions.set_name(name);
  revisions.set_page_token(token);
  EXPECT_TRUE(RefusedField(client_->Revisions(revisions).status, "page_token"));
}

TEST_F(IdempotencyTest, TenantsAreIsolated) {
  const auto request = WithKey(CreatePerson(1, "same"), "same");
  const cv::Contact ours = Created(request, NewTenant("ours"));
  const cv::Contact theirs = Created(request, NewTenant("theirs"));
  EXPECT_NE(ours.name(), theirs.name());
  EXPECT_TRUE(IsOk(client_->Get(ours.name(), Tenant("ours")).status));
  EXPECT_TRUE(Refused(client_->Get(ours.name(), Tenant("theirs")).status, StatusCode::kNotFound));
  EXPECT_TRUE(Refused(client_->Get(ours.name()).status, StatusCode::kNotFound));
  EXPECT_TRUE(Refused(client_->Update(Rename(ours, "Stolen"), Tenant("theirs")).status,
                      StatusCode::kNotFound));
  cv::DeleteContactRequest remove;
  remove.set_name(ours.name());
  EXPECT_TRUE(Refused(client_->Delete(remove, Tenant("theirs")).status, StatusCode::kNotFound));
  cv::ListContactRevisionsRequest revisions;
  revisions.set_name(ours.name());
  EXPECT_TRUE(
      Refused(client_->Revisions(revisions, Tenant("theirs")).status, StatusCode::kNotFound));
  for (const auto& [tenant, name] :
       {std::pair("ours", ours.name()), std::pair("theirs", theirs.name())}) {
    const auto listed =
        client_->List({}, {{{"crm-tenant", tenant}, {"crm-consistency", "strong"}}, kSecond * 30});
    ASSERT_EQ(listed.response.contacts_size(), 1);
    EXPECT_EQ(listed.response.contacts(0).name(), name);
  }
}

TEST_F(IdempotencyTest, DeletedContactStaysAndRefusesChanges) {
  const auto request = WithKey(CreatePerson(1, "birth"), "gone");
  const cv::Contact born = Created(request);
  const cv::Contact deleted = Deleted(born);
  EXPECT_TRUE(deleted.has_delete_time());
  EXPECT_EQ(Deleted(born).SerializeAsString(), deleted.SerializeAsString());
  EXPECT_TRUE(Refused(client_->Update(Rename(deleted, "No")).status,
                      StatusCode::kFailedPrecondition, "CONTACT_DELETED"));
  cv::UpsertContactRequest upsert;
  *upsert.mutable_contact() = request.contact();
  EXPECT_TRUE(
      Refused(client_->Upsert(upsert).status, StatusCode::kFailedPrecondition, "CONTACT_DELETED"));
}

}  // namespace
}  // namespace crm
