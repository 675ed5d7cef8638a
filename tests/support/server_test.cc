#include "tests/support/server_test.h"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>

#include "tests/support/test_seed.h"

namespace crm {
namespace {

std::vector<std::string>& Arguments() {
  static std::vector<std::string> arguments;
  return arguments;
}

}  // namespace

testing::AssertionResult Refused(const absl::Status& status, absl::StatusCode code,
                                 const std::string& reason) {
  if (status.code() == code && (reason.empty() || ReasonOf(status) == reason)) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure()
         << "expected " << absl::StatusCodeToString(code) << " " << reason << ", got "
         << absl::StatusCodeToString(status.code()) << " " << ReasonOf(status) << ": "
         << std::string(status.message());
}

testing::AssertionResult RefusedField(const absl::Status& status, const std::string& field) {
  const testing::AssertionResult refused = Refused(status, absl::StatusCode::kInvalidArgument);
  if (!refused) return refused;
  const std::vector<std::string> fields = FaultyFields(status);
  if (std::find(fields.begin(), fields.end(), field) != fields.end()) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure()
         << "expected a fault of " << field << ", got " << testing::PrintToString(fields) << ": "
         << std::string(status.message());
}

void KeepArguments(int argc, char** argv) {
  Arguments().assign(argv + 1, argv + argc);
}

std::string TextFlag(const std::string& name, const std::string& fallback) {
  const std::string prefix = "--" + name + "=";
  for (const std::string& argument : Arguments()) {
    if (argument.starts_with(prefix)) return argument.substr(prefix.size());
  }
  return fallback;
}

int64_t FlagValue(const std::string& name, int64_t fallback) {
  const std::string text = TextFlag(name, "");
  return text.empty() ? fallback : std::stoll(text);
}

uint64_t RunSeed() {
  static const uint64_t seed = [] {
    const int64_t given = FlagValue("seed", 0);
    return given != 0 ? static_cast<uint64_t>(given) : TestSeed();
  }();
  return seed;
}

void ServerTest::SetUp() {
  Serve();
}

void ServerTest::TearDown() {
  if (HasFailure()) std::cout << "the server wrote:\n" << server_.errors() << std::endl;
}

void ServerTest::Serve() {
  if (!server_.running()) {
    ASSERT_TRUE(IsOk(server_.Start()));
  }
  client_ = std::make_unique<ContactClient>(server_.address());
}

void ServerTest::Crash() {
  client_.reset();
  server_.Kill();
  Serve();
}

contact::v1::Contact Person(int64_t number) {
  contact::v1::Contact contact;
  contact.set_kind(contact::v1::Contact::PERSON);
  contact.set_display_name(fmt::format("Person {}", number));
  contact.set_given_name(fmt::format("Given{}", number));
  contact.set_family_name(fmt::format("Family{}", number % 97));
  contact.add_emails(fmt::format("person{}@example.com", number));
  contact.add_phones(fmt::format("+4144668{:04}", number % 10000));
  contact.set_language_code("de-CH");
  contact.set_region_code("CH");
  contact.set_time_zone("Europe/Zurich");
  contact.add_tags(fmt::format("group:{}", number % 7));
  return contact;
}

contact::v1::CreateContactRequest CreatePerson(int64_t number, const std::string& request_id) {
  contact::v1::CreateContactRequest request;
  *request.mutable_contact() = Person(number);
  request.set_request_id(request_id);
  return request;
}

contact::v1::UpsertContactRequest UpsertPerson(int64_t number, const std::string& source) {
  contact::v1::UpsertContactRequest request;
  *request.mutable_contact() = Person(number);
  request.mutable_contact()->mutable_external_key()->set_source(source);
  request.mutable_contact()->mutable_external_key()->set_key(std::to_string(number));
  return request;
}

}  // namespace crm
