// Requests no sound client sends: each refused with its code and field, none of them costing the
// server memory or leaving anything behind. Flags: --calls=N, --seed=S.

#include <fmt/format.h>

#include <limits>
#include <random>

#include "tests/support/server_test.h"

namespace crm {
namespace {

namespace cv = contact::v1;
using absl::StatusCode;

const std::string kContact = "/crm.contact.v1.ContactService/";
const std::string kAdmin = "/crm.admin.v1.AdminService/";

const std::vector<std::string> kUnary = {
    kContact + "GetContact",          kContact + "CreateContact", kContact + "UpdateContact",
    kContact + "DeleteContact",       kContact + "UpsertContact", kContact + "ListContacts",
    kContact + "ListContactRevisions"};
const std::vector<std::string> kStreams = {kAdmin + "RebuildProjection", kAdmin + "DumpProjection",
                                           kAdmin + "VerifyProjection", kAdmin + "ReadLog",
                                           kAdmin + "VerifyLog"};

class BadInputTest : public ServerTest {
 protected:
  void SetUp() override {
    ServerTest::SetUp();
    const auto created = client_->Create(CreatePerson(1, "sound"));
    ASSERT_TRUE(IsOk(created.status));
    sound_ = created.response;
    end_ = client_->LogEnd();
  }
  void TearDown() override {
    // Whatever was sent: still serving, nothing recorded.
    const auto now = client_->Get(sound_.name());
    EXPECT_TRUE(IsOk(now.status));
    EXPECT_EQ(now.response.SerializeAsString(), sound_.SerializeAsString());
    EXPECT_EQ(client_->LogEnd(), end_);
    EXPECT_TRUE(IsOk(client_->Verify("core")));
    ServerTest::TearDown();
  }

  absl::Status CreateWith(const std::function<void(cv::Contact*)>& change) {
    cv::CreateContactRequest request = CreatePerson(2, "bad");
    change(request.mutable_contact());
    return client_->Create(request).status;
  }
  absl::Status RawStream(const std::string& path, const std::string& request) {
    const grpc::Slice slice(request);
    return client_->Stream<grpc::ByteBuffer>(path, grpc::ByteBuffer(&slice, 1),
                                             [](const grpc::ByteBuffer&) { return true; });
  }

  cv::Contact sound_;
  std::vector<int64_t> end_;
};

TEST_F(BadInputTest, BytesThatAreNoMessageAreRefused) {
  for (const std::string& path : kUnary) {
    for (const std::string& bytes : {std::string("\xff\xff\xff\xff"), std::string("\x0a\x7f", 2),
                                     std::string("\x0b"), std::string("\x00\x00", 2)}) {
      EXPECT_TRUE(Refused(client_->Raw(path, bytes).status, StatusCode::kInvalidArgument,
                          "REQUEST_MALFORMED"))
          << path;
    }
  }
  for (const std::string& path : kStreams) {
    EXPECT_TRUE(Refused(RawStream(path, "\x0a\x7f"), StatusCode::kInvalidArgument)) << path;
  }
}

TEST_F(BadInputTest, EveryTruncationIsRefused) {
  const std::string whole = CreatePerson(2, "").SerializeAsString();
  for (size_t size = 1; size < whole.size(); ++size) {
    const auto answer = client_->Raw(kContact + "CreateContact", whole.substr(0, size));
    EXPECT_TRUE(Refused(answer.status, StatusCode::kInvalidArgument)) << size;
  }
}

TEST_F(BadInputTest, OversizedMessageIsRefusedByTheTransport) {
  const std::string large((4 << 20) + 1, '\0');
  for (const std::string& path : kUnary) {
    EXPECT_TRUE(Refused(client_->Raw(path, large).status, StatusCode::kResourceExhausted)) << path;
  }
}

TEST_F(BadInputTest, LargestMessageThatIsTakenIsRefusedByItsFields) {
  // As large as the limit allows: one text, and as many texts as fit.
  EXPECT_TRUE(RefusedField(
      CreateWith([](cv::Contact* c) { c->set_given_name(std::string(4'190'000, 'x')); }),
      "contact.given_name"));
  EXPECT_TRUE(RefusedField(CreateWith([](cv::Contact* c) {
                             for (int i = 0; i < 400'000; ++i) c->add_tags("tag");
                           }),
                           "contact.tags"));
}

TEST_F(BadInputTest, DeepNestingIsRefused) {
  // Groups of an unknown field nest without end in any message.
  const std::string deep(100'000, '\xa3');
  std::string nested;
  for (int i = 0; i < 10'000; ++i) nested.append("\xa3\x06", 2);
  for (const std::string& path : kUnary) {
    EXPECT_TRUE(Refused(client_->Raw(path, deep).status, StatusCode::kInvalidArgument)) << path;
    EXPECT_TRUE(Refused(client_->Raw(path, nested).status, StatusCode::kInvalidArgument)) << path;
  }
}

TEST_F(BadInputTest, TextThatIsNotUtf8IsNamed) {
  std::string bytes = CreatePerson(2, "").SerializeAsString();
  bytes[bytes.find("Given2")] = '\xff';
  EXPECT_TRUE(
      RefusedField(client_->Raw(kContact + "CreateContact", bytes).status, "contact.given_name"));
  bytes = CreatePerson(2, "").SerializeAsString();
  bytes[bytes.find("group:2")] = '\xc3';
  EXPECT_TRUE(
      RefusedField(client_->Raw(kContact + "CreateContact", bytes).status, "contact.tags[0]"));
  EXPECT_TRUE(RefusedField(
      client_->Raw(kContact + "GetContact", std::string("\x0a\x02\xff\xfe", 4)).status, "name"));
}

TEST_F(BadInputTest, MissingAndMalformedFieldsAreNamed) {
  for (const auto& [method, field] :
       std::vector<std::pair<std::string, std::string>>{{"GetContact", "name"},
                                                        {"CreateContact", "contact"},
                                                        {"UpdateContact", "contact"},
                                                        {"DeleteContact", "name"},
                                                        {"UpsertContact", "contact"},
                                                        {"ListContactRevisions", "name"}}) {
    EXPECT_TRUE(RefusedField(client_->Raw(kContact + method, "").status, field)) << method;
  }
  for (const std::string& name :
       {std::string("contacts/"), std::string("contacts"), sound_.name() + "a",
        "people/" + sound_.name().substr(9), std::string("contacts/../secret"),
        std::string("contacts/") + std::string(27, '1')}) {
    EXPECT_TRUE(RefusedField(client_->Get(name).status, "name")) << name;
    cv::DeleteContactRequest remove;
    remove.set_name(name);
    EXPECT_TRUE(RefusedField(client_->Delete(remove).status, "name")) << name;
    cv::ListContactRevisionsRequest revisions;
    revisions.set_name(name);
    EXPECT_TRUE(RefusedField(client_->Revisions(revisions).status, "name")) << name;
    cv::UpdateContactRequest update;
    update.mutable_contact()->set_name(name);
    EXPECT_TRUE(RefusedField(client_->Update(update).status, "contact.name")) << name;
  }
  EXPECT_TRUE(RefusedField(client_->Get(std::string(200, 'c')).status, "name"));
}

TEST_F(BadInputTest, ContactsThatCannotBeKeptNameEveryFault) {
  const absl::Status status = CreateWith([](cv::Contact* contact) {
    contact->set_kind(static_cast<cv::Contact::Kind>(77));
    contact->add_emails("nobody");
    contact->add_phones("12");
    contact->set_region_code("XX");
    contact->set_language_code("no language");
    contact->set_time_zone("Mars/Olympus");
    contact->set_given_name("a\nb");
    contact->mutable_external_key()->set_source("s");
    contact->add_addresses()->set_region_code("??");
    contact->set_etag(std::string(65, '1'));
  });
  // The enum is a fault of the message; the rest is looked at only in a sound one.
  for (const char* field : {"contact.kind", "contact.external_key.key", "contact.etag"}) {
    EXPECT_TRUE(RefusedField(status, field));
  }
  const absl::Status values = CreateWith([](cv::Contact* contact) {
    contact->add_emails("nobody");
    contact->add_phones("12");
    contact->set_region_code("XX");
    contact->set_language_code("no language");
    contact->set_time_zone("Mars/Olympus");
    contact->set_given_name("a\nb");
    contact->add_addresses()->set_region_code("??");
  });
  for (const char* field :
       {"contact.emails[1]", "contact.phones[1]", "contact.region_code", "contact.language_code",
        "contact.time_zone", "contact.given_name", "contact.addresses[0].region_code"}) {
    EXPECT_TRUE(RefusedField(values, field));
  }
}

TEST_F(BadInputTest, ErrorsRepeatNoPersonalData) {
  const absl::Status status = CreateWith([](cv::Contact* contact) {
    contact->add_emails("secret.person");
    contact->add_phones("secret-phone");
    contact->set_given_name("secret\nname");
  });
  EXPECT_TRUE(Refused(status, StatusCode::kInvalidArgument));
  EXPECT_THAT(status.ToString(), testing::Not(testing::HasSubstr("secret")));
  EXPECT_THAT(server_.errors(), testing::Not(testing::HasSubstr("secret.person")));
}

TEST_F(BadInputTest, UnknownMaskPathsAreRefused) {
  for (const std::string& path :
       {std::string("no_such_field"), std::string("external_key"), std::string("etag"),
        std::string("name"), std::string("given_name.x"), std::string("")}) {
    cv::UpdateContactRequest update;
    update.mutable_contact()->set_name(sound_.name());
    update.mutable_contact()->set_display_name("Other");
    update.mutable_update_mask()->add_paths(path);
    EXPECT_TRUE(RefusedField(client_->Update(update).status, "update_mask")) << path;
    cv::UpsertContactRequest upsert = UpsertPerson(1, "mask");
    upsert.mutable_update_mask()->add_paths(path);
    EXPECT_TRUE(RefusedField(client_->Upsert(upsert).status, "update_mask")) << path;
  }
}

TEST_F(BadInputTest, PageSizesAreBounded) {
  cv::ListContactsRequest list;
  cv::ListContactRevisionsRequest revisions;
  revisions.set_name(sound_.name());
  for (const int32_t size : {1'000'000'000, std::numeric_limits<int32_t>::max()}) {
    list.set_page_size(size);
    revisions.set_page_size(size);
    EXPECT_TRUE(IsOk(client_->List(list).status));
    EXPECT_TRUE(IsOk(client_->Revisions(revisions).status));
  }
  for (const int32_t size : {-1, std::numeric_limits<int32_t>::min()}) {
    list.set_page_size(size);
    revisions.set_page_size(size);
    EXPECT_TRUE(RefusedField(client_->List(list).status, "page_size"));
    EXPECT_TRUE(RefusedField(client_->Revisions(revisions).status, "page_size"));
  }
}

TEST_F(BadInputTest, ForgedTokensAndOrdersAreRefused) {
  cv::ListContactsRequest list;
  cv::ListContactRevisionsRequest revisions;
  revisions.set_name(sound_.name());
  for (const std::string& token :
       {std::string("x"), std::string(4000, 'A'), std::string("===="), std::string("\x01\x02")}) {
    list.set_page_token(token);
    revisions.set_page_token(token);
    EXPECT_TRUE(RefusedField(client_->List(list).status, "page_token"));
    EXPECT_TRUE(RefusedField(client_->Revisions(revisions).status, "page_token"));
  }
  list.set_page_token(std::string(5000, 'A'));
  EXPECT_TRUE(RefusedField(client_->List(list).status, "page_token"));
  list.clear_page_token();
  list.set_order_by("given_name; drop table");
  EXPECT_TRUE(RefusedField(client_->List(list).status, "order_by"));
  list.set_order_by("display_name");
  list.set_show_deleted(true);
  EXPECT_TRUE(RefusedField(client_->List(list).status, "show_deleted"));
}

TEST_F(BadInputTest, FaultyMetadataIsNamed) {
  for (const auto& [key, value] :
       std::vector<std::pair<std::string, std::string>>{{"crm-tenant", "Upper"},
                                                        {"crm-tenant", "../x"},
                                                        {"crm-tenant", std::string(64, 'a')},
                                                        {"crm-actor", "king:me"},
                                                        {"crm-consistency", "maybe"},
                                                        {"crm-min-position", "forged"}}) {
    const CallOptions options{{{key, value}}};
    cv::ListContactsRequest list;
    EXPECT_TRUE(RefusedField(client_->Get(sound_.name(), options).status, "metadata " + key));
    EXPECT_TRUE(RefusedField(client_->List(list, options).status, "metadata " + key));
    EXPECT_TRUE(
        RefusedField(client_->Create(CreatePerson(2, "x"), options).status, "metadata " + key));
  }
  const CallOptions twice{{{"crm-tenant", "a"}, {"crm-tenant", "b"}}};
  EXPECT_TRUE(RefusedField(client_->Get(sound_.name(), twice).status, "metadata crm-tenant"));
  // Faulty traces are not the caller's fault.
  EXPECT_TRUE(IsOk(client_->Get(sound_.name(), {{{"traceparent", "zz"}}}).status));
  // Larger than the transport takes; it may close the connection with its answer.
  const CallOptions large{{{"crm-actor", std::string(20'000, 'a')}}};
  EXPECT_TRUE(Refused(client_->Get(sound_.name(), large).status, StatusCode::kResourceExhausted));
  EXPECT_TRUE(IsOk(client_->WaitForAnswer(10 * kSecond)));
}

TEST_F(BadInputTest, AdministrationNamesWhatIsKnown) {
  admin::v1::DumpProjectionRequest dump;
  const auto ignore = [](const auto&) { return true; };
  EXPECT_TRUE(RefusedField(
      client_->Stream<admin::v1::DumpProjectionResponse>(kAdmin + "DumpProjection", dump, ignore),
      "service"));
  dump.set_service("contact");
  dump.set_projection("none");
  EXPECT_TRUE(RefusedField(
      client_->Stream<admin::v1::DumpProjectionResponse>(kAdmin + "DumpProjection", dump, ignore),
      "projection"));
  dump.set_projection("core");
  dump.set_kind(static_cast<admin::v1::DumpProjectionRequest::Kind>(9));
  EXPECT_TRUE(RefusedField(
      client_->Stream<admin::v1::DumpProjectionResponse>(kAdmin + "DumpProjection", dump, ignore),
      "kind"));
  admin::v1::ReadLogRequest read;
  const auto read_log = [&] {
    return client_->Stream<admin::v1::LogEntry>(kAdmin + "ReadLog", read, ignore);
  };
  EXPECT_TRUE(RefusedField(read_log(), "topic"));
  read.set_topic("crm.none.events");
  EXPECT_TRUE(RefusedField(read_log(), "topic"));
  read.set_topic("crm.contact.events");
  for (const int partition : {-1, 16, std::numeric_limits<int>::max()}) {
    read.clear_partitions();
    read.add_partitions(partition);
    EXPECT_TRUE(Refused(read_log(), StatusCode::kInvalidArgument)) << partition;
  }
  read.clear_partitions();
  for (const int64_t offset :
       {int64_t{-1}, std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()}) {
    read.set_from_offset(offset);
    const absl::Status status = read_log();
    EXPECT_TRUE(status.ok() || RefusedField(status, "from_offset")) << status;
  }
  read.set_from_offset(0);
  read.set_limit(-1);
  EXPECT_TRUE(RefusedField(read_log(), "limit"));
  admin::v1::ListDeadLettersRequest letters;
  letters.set_service("contact");
  letters.set_page_size(-1);
  EXPECT_TRUE(RefusedField(
      client_->Call<admin::v1::ListDeadLettersResponse>(kAdmin + "ListDeadLetters", letters).status,
      "page_size"));
  letters.set_page_size(1);
  for (const char* token :
       {"x", "0", "1.", ".1", "16.0", "-1.0", "1.-1", "1.1.1", "99999999999.1"}) {
    letters.set_page_token(token);
    EXPECT_TRUE(RefusedField(
        client_->Call<admin::v1::ListDeadLettersResponse>(kAdmin + "ListDeadLetters", letters)
            .status,
        "page_token"))
        << token;
  }
}

TEST_F(BadInputTest, UnknownMethodsAreUnimplemented) {
  for (const char* path : {"/crm.contact.v1.ContactService/None", "/none.Service/None", "/x"}) {
    EXPECT_TRUE(Refused(client_->Raw(path, "").status, StatusCode::kUnimplemented)) << path;
  }
}

TEST_F(BadInputTest, BadItemsOfAnImportFailAloneAndTheStreamGoesOn) {
  std::vector<cv::UpsertContactRequest> rows;
  for (int i = 0; i < 100; ++i) {
    rows.push_back(UpsertPerson(i, "import"));
    rows.back().set_validate_only(true);
    if (i % 10 == 0) rows.back().mutable_contact()->clear_external_key();
    if (i % 10 == 1) rows.back().mutable_contact()->add_emails("nobody");
    if (i % 10 == 2) rows.back().clear_contact();
  }
  int failed = 0;
  int fine = 0;
  const absl::Status ended = client_->Import(rows, [&](const cv::ImportContactsResponse& answer) {
    const bool bad = (answer.row() - 1) % 10 <= 2;
    EXPECT_EQ(answer.has_error(), bad) << answer.row();
    EXPECT_EQ(answer.error().code(), bad ? 3 : 0) << answer.row();
    ++(answer.has_error() ? failed : fine);
  });
  EXPECT_TRUE(IsOk(ended));
  EXPECT_EQ(failed, 30);
  EXPECT_EQ(fine, 70);
}

// Random bytes and random changes to sound requests: never a crash, an INTERNAL or growth.
TEST_F(BadInputTest, ManyBadCallsCostNoMemory) {
  std::mt19937_64 random(RunSeed());
  const auto bad_calls = [&](int64_t count) {
    cv::CreateContactRequest request = CreatePerson(7, "");
    request.set_validate_only(true);
    const std::string sound = request.SerializeAsString();
    for (int64_t i = 0; i < count; ++i) {
      std::string bytes = sound;
      // Also long ones, so that what is kept of each would show.
      if (i % 50 == 0) bytes.append(std::string(100'000, '\x7f'));
      for (uint64_t changes = 1 + random() % 8; changes > 0; --changes) {
        bytes[random() % bytes.size()] = static_cast<char>(random());
      }
      // Whatever the bytes say, a create that is not only checked is refused for want of a contact.
      const std::string& path = kUnary[random() % 2 == 0 ? 0 : 5 + random() % 2];
      const absl::Status status = client_->Raw(path, bytes).status;
      ASSERT_NE(status.code(), StatusCode::kInternal) << status;
      ASSERT_NE(status.code(), StatusCode::kUnavailable) << status;
      ASSERT_NE(status.code(), StatusCode::kUnknown) << status;
    }
  };
  bad_calls(1'000);
  const int64_t before = server_.ResidentBytes();
  bad_calls(FlagValue("calls", 20'000));
  const int64_t grown = server_.ResidentBytes() - before;
  std::cout << "resident set grew by " << (grown >> 20) << " MiB" << std::endl;
  EXPECT_LT(grown, int64_t{64} << 20);
}

// The same for writes: what is refused leaves no trace, whatever it was made of.
TEST_F(BadInputTest, RandomChangesToValidatedCommandsRecordNothing) {
  std::mt19937_64 random(RunSeed());
  cv::UpdateContactRequest update;
  *update.mutable_contact() = Person(3);
  update.mutable_contact()->set_name(sound_.name());
  update.mutable_contact()->set_etag("999");
  const std::string sound = update.SerializeAsString();
  for (int i = 0; i < 3'000; ++i) {
    // The stale etag at the end refuses what is otherwise sound.
    std::string bytes = sound;
    bytes[random() % bytes.size()] = static_cast<char>(random());
    cv::UpdateContactRequest stale;
    stale.mutable_contact()->set_etag("999");
    const absl::Status status =
        client_->Raw(kContact + "UpdateContact", bytes + stale.SerializeAsString()).status;
    ASSERT_FALSE(status.ok());
    ASSERT_NE(status.code(), StatusCode::kInternal) << status;
  }
}

}  // namespace
}  // namespace crm
