#include "common/rpc/validate.h"

#include <gmock/gmock.h>
#include <google/protobuf/struct.pb.h>
#include <google/rpc/error_details.pb.h>
#include <gtest/gtest.h>

#include <random>

#include "common/base/bytes.h"
#include "common/base/status.h"
#include "crm/contact/v1/contact_service.pb.h"
#include "tests/support/test_seed.h"

namespace crm {
namespace {

using contact::v1::CreateContactRequest;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

// Field paths of the BadRequest.
std::vector<std::string> Faults(const absl::Status& status) {
  google::rpc::BadRequest bad;
  const auto payload = status.GetPayload("type.googleapis.com/google.rpc.BadRequest");
  std::vector<std::string> out;
  if (payload && bad.ParseFromString(std::string(*payload))) {
    for (const auto& violation : bad.field_violations()) out.push_back(violation.field());
  }
  return out;
}

absl::Status Check(const std::string& bytes) {
  CreateContactRequest request;
  return ParseAndValidate(bytes, &request);
}

CreateContactRequest Sound() {
  CreateContactRequest request;
  request.set_request_id("r1");
  request.mutable_contact()->set_display_name("Ada Lovelace");
  request.mutable_contact()->add_emails("ada@example.org");
  return request;
}

// `text` where `request` has the placeholder: protobuf would not let it be set.
std::string With(std::string bytes, const std::string& placeholder, const std::string& text) {
  EXPECT_EQ(placeholder.size(), text.size());
  const size_t at = bytes.find(placeholder);
  EXPECT_NE(at, std::string::npos);
  return bytes.replace(at, text.size(), text);
}

TEST(Validate, SoundRequestPasses) {
  CreateContactRequest request;
  ASSERT_TRUE(ParseAndValidate(Sound().SerializeAsString(), &request).ok());
  EXPECT_EQ(request.contact().display_name(), "Ada Lovelace");
}

TEST(Validate, MissingRequiredFieldsAreNamed) {
  EXPECT_THAT(Faults(Check("")), ElementsAre("contact"));
  CreateContactRequest request;
  request.mutable_contact()->mutable_external_key();
  EXPECT_THAT(Faults(Check(request.SerializeAsString())),
              UnorderedElementsAre("contact.external_key.source", "contact.external_key.key"));
}

TEST(Validate, AllFaultsComeAtOnceWithPaths) {
  CreateContactRequest request = Sound();
  auto* contact = request.mutable_contact();
  contact->set_display_name(std::string(513, 'x'));
  contact->add_emails("ok@example.org");
  contact->add_emails(std::string(321, 'x'));
  contact->set_kind(static_cast<contact::v1::Contact::Kind>(99));
  contact->add_addresses()->add_lines("1");
  contact->add_addresses()->set_postal_code(std::string(33, '1'));
  for (int i = 0; i < 101; ++i) contact->add_tags("t");
  const absl::Status status = Check(request.SerializeAsString());
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(Faults(status),
              UnorderedElementsAre("contact.display_name", "contact.emails[2]", "contact.kind",
                                   "contact.addresses[1].postal_code", "contact.tags"));
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr("xxx")));
}

TEST(Validate, LimitsAreInclusive) {
  CreateContactRequest request = Sound();
  request.mutable_contact()->set_display_name(std::string(512, 'x'));
  for (int i = 0; i < 100; ++i) request.mutable_contact()->add_tags(std::string(128, 't'));
  EXPECT_TRUE(Check(request.SerializeAsString()).ok());
}

TEST(Validate, DefaultLimitsHoldWhereNoneIsGiven) {
  CreateContactRequest request = Sound();
  request.mutable_contact()->set_language_code("en");
  contact::v1::UpdateContactRequest update;
  *update.mutable_contact() = request.contact();
  update.mutable_update_mask()->add_paths(std::string(4097, 'p'));
  EXPECT_THAT(Faults(ParseAndValidate(update.SerializeAsString(), &update)),
              ElementsAre("update_mask.paths[0]"));
  update.mutable_update_mask()->clear_paths();
  // A mask may name every field that a tenant can declare.
  for (int i = 0; i < 250; ++i) update.mutable_update_mask()->add_paths("kind");
  EXPECT_TRUE(ParseAndValidate(update.SerializeAsString(), &update).ok());
  update.mutable_update_mask()->add_paths("kind");
  EXPECT_THAT(Faults(ParseAndValidate(update.SerializeAsString(), &update)),
              ElementsAre("update_mask.paths"));
  contact::v1::BatchGetContactsRequest batch;
  for (int i = 0; i < 1001; ++i) batch.add_names("n");
  EXPECT_THAT(Faults(ParseAndValidate(batch.SerializeAsString(), &batch)), ElementsAre("names"));
}

TEST(Validate, PatternsMatchTheWholeText) {
  contact::v1::GrantConsentRequest request;
  for (const char* word : {"newsletter", "a", "a-b_9"}) {
    request.set_purpose(word);
    request.set_channel(word);
    EXPECT_TRUE(ParseAndValidate(request.SerializeAsString(), &request).ok()) << word;
  }
  for (const char* word : {"1st", "-a", "a.b", "\xc3\xa9", "A", "a ", "a\n"}) {
    request.set_purpose(word);
    request.set_channel("email");
    const std::string bytes = request.SerializeAsString();
    EXPECT_THAT(Faults(ParseAndValidate(bytes, &request)), ElementsAre("purpose")) << word;
  }
  // What is not there has no form; `required` is a rule of its own.
  contact::v1::WithdrawConsentRequest withdrawal;
  withdrawal.set_purpose("newsletter");
  EXPECT_TRUE(ParseAndValidate(withdrawal.SerializeAsString(), &withdrawal).ok());
}

absl::Status CheckMask(const std::vector<std::string>& paths) {
  contact::v1::UpdateContactRequest update;
  update.mutable_contact()->set_name("contacts/c1");
  for (const std::string& path : paths) update.mutable_update_mask()->add_paths(path);
  return ParseAndValidate(update.SerializeAsString(), &update);
}

TEST(Validate, MasksNameWhatAnUpdateCanChange) {
  EXPECT_TRUE(CheckMask({"*"}).ok());
  EXPECT_TRUE(CheckMask({"display_name", "custom_fields.age_band"}).ok());
  EXPECT_THAT(Faults(CheckMask({"*", "kind"})), ElementsAre("update_mask"));
  EXPECT_THAT(Faults(CheckMask({"shoe_size"})), ElementsAre("update_mask"));
  const absl::Status immutable = CheckMask({"kind", "external_key"});
  EXPECT_THAT(Faults(immutable), ElementsAre("update_mask"));
  EXPECT_THAT(std::string(immutable.message()), HasSubstr("external_key"));
  EXPECT_THAT(Faults(CheckMask({"create_time", "external_key.key"})),
              ElementsAre("update_mask", "update_mask"));
}

TEST(Validate, WhatIsAtFaultIsClearedForFurtherChecks) {
  CreateContactRequest request = Sound();
  auto* contact = request.mutable_contact();
  contact->set_display_name(std::string(513, 'x'));
  contact->add_emails(std::string(321, 'x'));
  contact->add_emails("grace@example.org");
  contact->set_kind(static_cast<contact::v1::Contact::Kind>(99));
  for (int i = 0; i < 120; ++i) contact->add_tags("t");
  FieldFaults faults;
  CreateContactRequest checked;
  ASSERT_TRUE(ParseAndValidate(request.SerializeAsString(), &checked, &faults).ok());
  EXPECT_THAT(Faults(faults.ToStatus()),
              UnorderedElementsAre("contact.display_name", "contact.emails[1]", "contact.kind",
                                   "contact.tags"));
  EXPECT_EQ(checked.contact().display_name(), "");
  EXPECT_THAT(checked.contact().emails(), ElementsAre("ada@example.org", "", "grace@example.org"));
  EXPECT_EQ(checked.contact().kind(), contact::v1::Contact::KIND_UNSPECIFIED);
  EXPECT_EQ(checked.contact().tags_size(), 100);
}

TEST(JoinFaults, FaultsThatFollowFromAnotherAreLeftOut) {
  FieldFaults rules;
  rules.Add("contact.emails[1]", "at most 320 bytes");
  rules.Add("contact_key", "is required");
  FieldFaults own;
  own.Add("contact.emails[1]", "must be an address");
  own.Add("contact.emails[10]", "must be an address");
  own.Add("contact_key.source", "must not be empty");
  own.Add("contact", "does not hold together");
  own.Add("channel", "is none");
  EXPECT_THAT(Faults(JoinFaults(rules, own.ToStatus())),
              ElementsAre("contact.emails[1]", "contact_key", "contact.emails[10]", "channel"));
  EXPECT_THAT(Faults(JoinFaults(rules, absl::OkStatus())),
              ElementsAre("contact.emails[1]", "contact_key"));
  EXPECT_THAT(Faults(JoinFaults(rules, absl::UnavailableError("away"))),
              ElementsAre("contact.emails[1]", "contact_key"));
}

TEST(Validate, OutputOnlyFieldsAreIgnored) {
  CreateContactRequest request = Sound();
  request.mutable_contact()->mutable_create_time()->set_seconds(5);
  CreateContactRequest parsed;
  ASSERT_TRUE(ParseAndValidate(request.SerializeAsString(), &parsed).ok());
  EXPECT_FALSE(parsed.contact().has_create_time());
}

TEST(Validate, BadUtf8NamesTheFieldTogetherWithOtherFaults) {
  CreateContactRequest request = Sound();
  request.mutable_contact()->add_emails("PLACE-1");
  request.mutable_contact()->add_addresses()->set_locality("PLACE-2");
  request.mutable_contact()->set_language_code(std::string(36, 'l'));
  std::string bytes = With(request.SerializeAsString(), "PLACE-1", "a\xc0\x80zzzz");
  bytes = With(bytes, "PLACE-2", "\xed\xa0\x80zzzz");
  const absl::Status status = Check(bytes);
  EXPECT_THAT(Faults(status),
              UnorderedElementsAre("contact.emails[1]", "contact.addresses[0].locality",
                                   "contact.language_code"));
  EXPECT_EQ(ReasonOf(status), "INVALID_FIELD");
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr("zzzz")));
}

TEST(Validate, TruncatedRequestsAreMalformed) {
  const std::string sound = Sound().SerializeAsString();
  for (size_t size = 1; size < sound.size(); ++size) {
    const absl::Status status = Check(sound.substr(0, size));
    if (status.ok()) continue;
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(ReasonOf(status), ::testing::AnyOf("REQUEST_MALFORMED", "INVALID_FIELD"));
  }
  EXPECT_EQ(ReasonOf(Check("\x0a\x05x")), "REQUEST_MALFORMED");
  EXPECT_EQ(ReasonOf(Check("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")), "REQUEST_MALFORMED");
}

// Structs in lists in structs.
std::string Nested(int levels) {
  google::protobuf::Value value;
  value.set_bool_value(true);
  for (int i = 0; i < levels; ++i) {
    google::protobuf::Value outer;
    *outer.mutable_list_value()->add_values() = value;
    value = outer;
  }
  return value.SerializeAsString();
}

TEST(Validate, DeepNestingIsMalformed) {
  google::protobuf::Value value;
  // Each level is two messages deep.
  EXPECT_TRUE(ParseAndValidate(Nested(16), &value).ok());
  EXPECT_EQ(ReasonOf(ParseAndValidate(Nested(17), &value)), "REQUEST_MALFORMED");
  EXPECT_EQ(ReasonOf(ParseAndValidate(Nested(2000), &value)), "REQUEST_MALFORMED");
  // Groups of an unknown field, field number 1000.
  std::string groups;
  for (int i = 0; i < 100000; ++i) groups += "\xc3\x3e";
  EXPECT_EQ(ReasonOf(Check(Sound().SerializeAsString() + groups)), "REQUEST_MALFORMED");
}

TEST(Validate, DeepBadTextDoesNotExhaustTheStack) {
  std::string bytes = "\x1a\x01\xff";
  for (int i = 0; i < 20000; ++i) {
    std::string outer = i % 2 == 0 ? "\x0a" : "\x32";
    AppendSized(&outer, bytes);
    bytes = outer;
  }
  google::protobuf::Value value;
  EXPECT_EQ(ParseAndValidate(bytes, &value).code(), absl::StatusCode::kInvalidArgument);
}

TEST(Validate, UnknownFieldsAreIgnored) {
  std::string bytes = Sound().SerializeAsString();
  bytes += "\xc2\x3e\x03xyz";  // Field 1000, three bytes.
  EXPECT_TRUE(Check(bytes).ok());
}

TEST(Validate, MassOfFaultsStaysSmall) {
  CreateContactRequest request = Sound();
  for (int i = 0; i < 100000; ++i)
    request.mutable_contact()->add_addresses()->set_region_code("ZZZ");
  const absl::Status status = Check(request.SerializeAsString());
  EXPECT_THAT(Faults(status), ::testing::Contains("contact.addresses"));
  EXPECT_LT(status.ToString().size(), 10000u);
}

TEST(Validate, NoisePassesOrIsRefusedWithAReason) {
  std::mt19937 random(TestSeed());
  const std::string sound = Sound().SerializeAsString();
  for (int i = 0; i < 20000; ++i) {
    std::string bytes = sound;
    for (int n = static_cast<int>(random() % 6); n >= 0; --n) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    const absl::Status status = Check(bytes);
    EXPECT_EQ(status.ok(), ReasonOf(status).empty());
  }
}

TEST(CanonicalPayload, LeavesOutRequestIdAndValidateOnly) {
  CreateContactRequest request = Sound();
  const std::string payload = CanonicalPayload(request);
  request.set_request_id("other");
  request.set_validate_only(true);
  EXPECT_EQ(CanonicalPayload(request), payload);
  request.mutable_contact()->set_given_name("Augusta");
  EXPECT_NE(CanonicalPayload(request), payload);
  CreateContactRequest bare = Sound();
  bare.clear_request_id();
  EXPECT_EQ(payload, bare.SerializeAsString());
}

TEST(CanonicalPayload, IsTheSameForAnyOrderOnTheWire) {
  CreateContactRequest contact;
  *contact.mutable_contact() = Sound().contact();
  CreateContactRequest id;
  id.set_request_id("r1");
  CreateContactRequest parsed;
  ASSERT_TRUE(ParseAndValidate(id.SerializeAsString() + contact.SerializeAsString(), &parsed).ok());
  EXPECT_EQ(CanonicalPayload(parsed), CanonicalPayload(Sound()));
}

}  // namespace
}  // namespace crm
