#include "services/campaign/reaction/outbox.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "common/base/status.h"
#include "common/storage/files.h"
#include "tests/support/temp_directory.h"

namespace crm::campaign {
namespace {

v1::OutboxMessage Message(const std::string& send) {
  v1::OutboxMessage message;
  message.set_tenant("t");
  message.set_send(send);
  message.set_contact("contacts/c1");
  message.set_subject("Grüezi \"you\"");
  message.set_body("line one\nline two");
  return message;
}

v1::OutboxMessage Withheld(const std::string& send) {
  v1::OutboxMessage message = Message(send);
  message.clear_subject();
  message.clear_body();
  message.set_withheld("CONSENT_WITHDRAWN");
  return message;
}

// What every outbox keeps.
template <typename Made>
class OutboxSuite : public ::testing::Test {
 protected:
  Made made_;
};

struct OfMemory {
  MemoryOutbox outbox;
};
struct OfFiles {
  TempDirectory directory;
  FileOutbox outbox{directory.path() + "/deeper/outbox"};
};
using Outboxes = ::testing::Types<OfMemory, OfFiles>;
TYPED_TEST_SUITE(OutboxSuite, Outboxes);

TYPED_TEST(OutboxSuite, WhatIsPutFirstStays) {
  Outbox& outbox = this->made_.outbox;
  EXPECT_EQ(outbox.Put(Message("s1"))->DebugString(), Message("s1").DebugString());
  EXPECT_EQ(outbox.Put(Withheld("s1"))->DebugString(), Message("s1").DebugString());
  EXPECT_EQ(outbox.Put(Withheld("s2"))->withheld(), "CONSENT_WITHDRAWN");
  EXPECT_EQ(outbox.Put(Message("s2"))->DebugString(), Withheld("s2").DebugString());
}

TYPED_TEST(OutboxSuite, OfManyAtOnceOneWinsAndAllLearnIt) {
  constexpr int kSends = 50;
  Outbox& outbox = this->made_.outbox;
  std::vector<std::vector<std::string>> seen(4);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < seen.size(); ++t) {
    threads.emplace_back([&outbox, t, &mine = seen[t]] {
      for (int i = 0; i < kSends; ++i) {
        const std::string send = "s" + std::to_string(i);
        const auto there = outbox.Put(t % 2 == 0 ? Message(send) : Withheld(send));
        mine.push_back(there.ok() ? there->SerializeAsString() : "failed");
      }
    });
  }
  for (auto& thread : threads) thread.join();
  for (const auto& other : seen) EXPECT_EQ(other, seen[0]);
}

// A crash leaves a draft, whole or cut off, or the file and its draft: each is met by a Put that
// ends as if nothing had been.
TEST(FileOutbox, CrashPointsLeaveNothingThatCounts) {
  const TempDirectory directory;
  std::ofstream(directory.path() + "/.draft-cutoff") << "{\"send\":\"s1\",";
  FileOutbox outbox(directory.path());
  EXPECT_TRUE(outbox.Put(Message("s1"))->withheld().empty());
  std::filesystem::copy_file(directory.path() + "/s1.json", directory.path() + "/.draft-whole");
  EXPECT_TRUE(outbox.Put(Withheld("s1"))->withheld().empty());
}

TEST(FileOutbox, FileThatALossOfPowerLeftEmptyIsWrittenAnew) {
  const TempDirectory directory;
  std::ofstream(directory.path() + "/s1.json").flush();
  FileOutbox outbox(directory.path());
  EXPECT_EQ(outbox.Put(Message("s1"))->DebugString(), Message("s1").DebugString());
  EXPECT_EQ(outbox.Put(Withheld("s1"))->DebugString(), Message("s1").DebugString());
}

TEST(FileOutbox, FileIsJsonWithTheFieldsNamesAndNoDraftStays) {
  const TempDirectory directory;
  FileOutbox outbox(directory.path());
  ASSERT_TRUE(outbox.Put(Message("s1")).ok());
  const auto json = ReadWholeFile(directory.path() + "/s1.json");
  ASSERT_TRUE(json.ok());
  EXPECT_NE(json->find("\"contact\":\"contacts/c1\""), std::string::npos) << *json;
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory.path())) {
    ++files;
    EXPECT_EQ(entry.path().filename(), "s1.json");
  }
  EXPECT_EQ(files, 1);
}

TEST(FileOutbox, FolderThatCannotBeMadeIsTriedAgain) {
  const TempDirectory directory;
  std::ofstream(directory.path() + "/file") << "in the way";
  FileOutbox outbox(directory.path() + "/file");
  EXPECT_EQ(outbox.Put(Message("s1")).status().code(), absl::StatusCode::kUnavailable);
}

TEST(FileOutbox, ForeignFileIsNoMessage) {
  const TempDirectory directory;
  std::ofstream(directory.path() + "/s1.json") << "not json";
  FileOutbox outbox(directory.path());
  EXPECT_EQ(ReasonOf(outbox.Put(Message("s1")).status()), "OUTBOX_UNREADABLE");
}

}  // namespace
}  // namespace crm::campaign
