#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>

#include "absl/status/status.h"
#include "common/base/status.h"
#include "tests/support/contact_client.h"
#include "tests/support/server_process.h"
#include "tests/support/temp_directory.h"

namespace crm {

// Absl's own status matchers are not packaged.
inline testing::AssertionResult IsOk(const absl::Status& status) {
  if (status.ok()) return testing::AssertionSuccess();
  return testing::AssertionFailure() << status.ToString();
}

// Of this code, with an ErrorInfo of this reason. An empty reason: any.
testing::AssertionResult Refused(const absl::Status& status, absl::StatusCode code,
                                 const std::string& reason = "");
// INVALID_ARGUMENT whose BadRequest names this field.
testing::AssertionResult RefusedField(const absl::Status& status, const std::string& field);

// Values of flags like --rounds=N of a test program; `fallback` where it was not given.
int64_t FlagValue(const std::string& name, int64_t fallback);
std::string TextFlag(const std::string& name, const std::string& fallback);
// The program's arguments, for FlagValue. Called by main.
void KeepArguments(int argc, char** argv);
// --seed=S, else as TestSeed (test_seed.h); the same throughout a run.
uint64_t RunSeed();

// A server over a fresh data directory, and a client. What the server wrote is printed where the
// test failed.
class ServerTest : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  // Starts the server where it does not run, and connects to it.
  void Serve();
  // kill -9, then Serve.
  void Crash();

  TempDirectory directory_;
  ServerProcess server_{directory_.File("data")};
  std::unique_ptr<ContactClient> client_;
};

// A person with every kind of field, the same for the same number.
contact::v1::Contact Person(int64_t number);
contact::v1::CreateContactRequest CreatePerson(int64_t number, const std::string& request_id);
contact::v1::UpsertContactRequest UpsertPerson(int64_t number, const std::string& source);

}  // namespace crm
