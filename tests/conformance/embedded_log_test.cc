#include "common/log/embedded/embedded_log.h"

#include <crm/common/v1/log_control.pb.h>
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "common/base/status.h"
#include "common/log/topic_feed.h"
#include "tests/conformance/embedded_log_under_test.h"
#include "tests/conformance/fenced_log_suite.h"
#include "tests/conformance/log_suite.h"
#include "tests/support/temp_directory.h"
#include "tests/support/test_seed.h"

namespace crm {
namespace {

namespace fs = std::filesystem;

struct EmbeddedEngine {
  static constexpr bool kDurable = true;

  explicit EmbeddedEngine(AppendBounds append_bounds = {})
      : bounds(append_bounds), engine(OpenOrDie(OptionsFor(directory.path(), bounds))) {}
  Log& log() { return engine->Topic(kTopic); }
  void Reopen() {
    engine.reset();
    engine = OpenOrDie(OptionsFor(directory.path(), bounds));
  }

  TempDirectory directory;
  AppendBounds bounds;
  std::unique_ptr<EmbeddedLogEngine> engine;
};

// Tails read from the files, for nothing recent fits into memory.
struct EmbeddedEngineFromFiles : EmbeddedEngine {
  explicit EmbeddedEngineFromFiles(AppendBounds append_bounds = {})
      : EmbeddedEngine(append_bounds) {
    Reopen();
  }
  void Reopen() {
    engine.reset();
    EmbeddedLogOptions options = OptionsFor(directory.path(), bounds);
    options.memory_bytes = 1;
    engine = OpenOrDie(std::move(options));
  }
};

using EmbeddedEngines = ::testing::Types<EmbeddedEngine, EmbeddedEngineFromFiles>;
INSTANTIATE_TYPED_TEST_SUITE_P(Embedded, LogSuite, EmbeddedEngines);
INSTANTIATE_TYPED_TEST_SUITE_P(Embedded, FencedLogSuite, EmbeddedEngines);

absl::Status OpenFails(const EmbeddedLogOptions& options) {
  return EmbeddedLogEngine::Open(options).status();
}

TEST(EmbeddedLog, EveryPartitionOfEveryTopicBeginsWithTheSameGenesis) {
  TempDirectory directory;
  EmbeddedLogOptions options = OptionsFor(directory.path());
  options.topics = {kTopic, kOtherTopic};
  const auto engine = OpenOrDie(options);
  EXPECT_EQ(engine->identity().log_id.size(), 32u);
  EXPECT_EQ(engine->identity().epoch, 0);
  for (const std::string& topic : engine->topics()) {
    for (Partition p = 0; p < kPartitions; ++p) {
      const auto records = ReadPartition(engine->Topic(topic), p, 0);
      ASSERT_EQ(records.size(), 1u);
      common::v1::LogControl control;
      ASSERT_TRUE(control.ParseFromString(records[0].value));
      EXPECT_EQ(control.genesis().log_id(), engine->identity().log_id);
      EXPECT_EQ(control.genesis().secret_check(), "secret-check");
    }
  }
}

TEST(EmbeddedLog, AddedTopicBeginsWithTheSameLogIdAndEpoch) {
  TempDirectory directory;
  std::string log_id;
  {
    const auto engine = OpenOrDie(OptionsFor(directory.path()));
    log_id = engine->identity().log_id;
    ASSERT_TRUE(AppendNow(engine->Topic(kTopic), 0, {EventOf("k", "v")}).ok());
    ASSERT_TRUE(engine->AdoptRestored().ok());
  }
  EmbeddedLogOptions options = OptionsFor(directory.path());
  options.topics = {kOtherTopic};
  const auto engine = OpenOrDie(options);
  EXPECT_THAT(engine->topics(), testing::UnorderedElementsAre(kTopic, kOtherTopic));
  EXPECT_EQ(engine->identity().log_id, log_id);
  const auto records = ReadPartition(engine->Topic(kOtherTopic), 5, 0);
  ASSERT_EQ(records.size(), 2u);
  common::v1::LogControl control;
  ASSERT_TRUE(control.ParseFromString(records[0].value));
  EXPECT_EQ(control.genesis().log_id(), log_id);
  ASSERT_TRUE(control.ParseFromString(records[1].value));
  EXPECT_EQ(control.epoch().number(), 1);
  EXPECT_EQ(ReadPartition(engine->Topic(kTopic), 0, 0).size(), 3u);
  EXPECT_TRUE(engine->Verify().ok());
}

TEST(EmbeddedLog, EachAdoptionAppendsTheNextEpochToEveryPartition) {
  TempDirectory directory;
  for (int64_t epoch = 1; epoch <= 3; ++epoch) {
    const auto engine = OpenOrDie(OptionsFor(directory.path()));
    EXPECT_EQ(engine->identity().epoch, epoch - 1);
    ASSERT_TRUE(engine->AdoptRestored().ok());
    EXPECT_EQ(engine->identity().epoch, epoch);
    for (Partition p = 0; p < kPartitions; ++p) {
      const auto records = ReadPartition(engine->Topic(kTopic), p, 0);
      ASSERT_EQ(records.size(), static_cast<size_t>(epoch + 1));
      EXPECT_EQ(records.back().kind, RecordKind::kEpoch);
    }
    EXPECT_EQ(AppendNow(engine->Topic(kTopic), 0, {}).status(), absl::OkStatus());
  }
  EXPECT_EQ(OpenOrDie(OptionsFor(directory.path()))->identity().epoch, 3);
}

TEST(EmbeddedLog, AnotherSecretIsRefusedAndTheFlagNamed) {
  TempDirectory directory;
  OpenOrDie(OptionsFor(directory.path())).reset();
  EmbeddedLogOptions options = OptionsFor(directory.path());
  options.secret_check = "another";
  const absl::Status refused = OpenFails(options);
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(refused), "SECRET_MISMATCH");
  EXPECT_THAT(std::string(refused.message()), testing::HasSubstr("--secret-file"));
  OpenOrDie(OptionsFor(directory.path()));
}

TEST(EmbeddedLog, ToolsOpenWithoutASecretAndNeverMakeALog) {
  TempDirectory directory;
  EmbeddedLogOptions tool = {.directory = directory.path()};
  EXPECT_EQ(OpenFails(tool).code(), absl::StatusCode::kNotFound);
  tool.directory = directory.File("absent");
  EXPECT_EQ(OpenFails(tool).code(), absl::StatusCode::kNotFound);
  EXPECT_FALSE(fs::exists(tool.directory));
  OpenOrDie(OptionsFor(directory.path())).reset();
  tool.directory = directory.path();
  EXPECT_EQ(OpenOrDie(tool)->topics(), std::vector<std::string>{kTopic});
}

TEST(EmbeddedLog, ASecondProcessIsRefusedAtOnceAndToldWhoHoldsIt) {
  TempDirectory directory;
  const auto engine = OpenOrDie(OptionsFor(directory.path()));
  const absl::Status refused = OpenFails(OptionsFor(directory.path()));
  EXPECT_EQ(ReasonOf(refused), "DIRECTORY_IN_USE");
  const std::string message(refused.message());
  EXPECT_THAT(message, testing::HasSubstr(fmt::format("process {}", getpid())));
  EXPECT_THAT(message, testing::HasSubstr(directory.path()));
  EXPECT_THAT(message, testing::HasSubstr("--data-dir"));
}

TEST(EmbeddedLog, LostFilesAreNeverTakenForANewLog) {
  TempDirectory home;
  const std::string made = home.File("made");
  const std::string copy = home.File("copy");
  {
    const auto engine = OpenOrDie(OptionsFor(made));
    ASSERT_TRUE(AppendNow(engine->Topic(kTopic), 0, {EventOf("k", "v")}).ok());
  }
  const auto without = [&](auto remove) {
    CopyLog(made, copy);
    remove();
    const absl::Status refused = OpenFails(OptionsFor(copy));
    EXPECT_EQ(refused.code(), absl::StatusCode::kDataLoss) << refused;
    EXPECT_THAT(std::string(refused.message()), testing::HasSubstr(copy));
  };
  without([&] { fs::remove(copy + "/db/CURRENT"); });
  without([&] { fs::remove(ManifestOf(copy)); });
  without([&] { fs::remove(NewestFile(copy, ".log")); });
  without([&] { fs::remove(NewestFile(copy, ".sst")); });
  without([&] { fs::remove_all(copy + "/db"); });
}

TEST(EmbeddedLog, AFirstStartThatWasCutOffBeginsAnew) {
  TempDirectory home;
  const std::string made = home.File("made");
  OpenOrDie(OptionsFor(made)).reset();
  fs::rename(made + "/db", made + "/db.new");
  fs::remove(made + "/log-id");
  OpenOrDie(OptionsFor(made)).reset();
  fs::remove(made + "/log-id");
  OpenOrDie(OptionsFor(made)).reset();
  EXPECT_TRUE(fs::exists(made + "/log-id"));
}

// A log whose records lie in the write-ahead log only, copied while it is in use.
struct CrashedLog {
  TempDirectory home;
  std::string made = home.File("made");
  std::string copy = home.File("copy");
  std::vector<std::string> values;

  explicit CrashedLog(int records, size_t value_bytes = 100) {
    const auto engine = OpenOrDie(OptionsFor(made));
    for (int i = 0; i < records; ++i) {
      values.push_back(std::to_string(i) + std::string(value_bytes, 'v'));
      CRM_CHECK(AppendNow(engine->Topic(kTopic), 0, {EventOf("k", values.back())}).ok());
    }
    CopyLog(made, home.File("crashed"));
  }
  void Restore() { CopyLog(home.File("crashed"), copy); }

  // Opens the copy; what can be read must be the first of what was written.
  size_t ReadBack() {
    const auto engine = OpenOrDie(OptionsFor(copy));
    const auto read = ValuesOf(ReadPartition(engine->Topic(kTopic), 0, 1));
    EXPECT_LE(read.size(), values.size());
    EXPECT_TRUE(std::equal(read.begin(), read.end(), values.begin()));
    return read.size();
  }
};

TEST(EmbeddedLogCrash, ATornTailIsCutAtEveryByte) {
  CrashedLog log(10);
  log.Restore();
  const auto size = fs::file_size(NewestFile(log.copy, ".log"));
  size_t fewest = 10;
  for (size_t cut = 0; cut <= 200; ++cut) {
    log.Restore();
    fs::resize_file(NewestFile(log.copy, ".log"), size - cut);
    const size_t read = log.ReadBack();
    EXPECT_LE(read, fewest);
    EXPECT_GE(read, cut == 0 ? 10u : 8u);
    fewest = read;
    ASSERT_FALSE(HasFailure()) << "cut by " << cut;
  }
}

// A power loss may leave a tail of zeros, or of blocks that were never written.
TEST(EmbeddedLogCrash, AnUnwrittenTailIsCut) {
  CrashedLog log(10);
  for (size_t zeros : {1, 6, 7, 100, 40'000}) {
    log.Restore();
    const std::string wal = NewestFile(log.copy, ".log");
    WriteFile(wal, ReadFile(wal) + std::string(zeros, '\0'));
    EXPECT_EQ(log.ReadBack(), 10u);
    log.Restore();
    std::string bytes = ReadFile(wal);
    bytes.replace(bytes.size() - 50, 50, std::string(50 + zeros, '\0'));
    WriteFile(wal, bytes);
    EXPECT_EQ(log.ReadBack(), 9u);
  }
}

TEST(EmbeddedLogCrash, AppendingGoesOnAfterATornTail) {
  CrashedLog log(10);
  log.Restore();
  const std::string wal = NewestFile(log.copy, ".log");
  fs::resize_file(wal, fs::file_size(wal) - 3);
  for (int round = 0; round < 2; ++round) {
    const auto engine = OpenOrDie(OptionsFor(log.copy));
    ASSERT_EQ(AppendNow(engine->Topic(kTopic), 0, {EventOf("k", "new")}).value()[0], 10 + round);
    EXPECT_TRUE(engine->Verify().ok());
  }
}

// One flipped bit anywhere before the last record is refused, whatever the byte meant.
TEST(EmbeddedLogCrash, DamageBeforeTheLastRecordIsRefused) {
  CrashedLog log(40, 900);
  std::mt19937 random(TestSeed());
  log.Restore();
  const std::string bytes = ReadFile(NewestFile(log.copy, ".log"));
  ASSERT_GT(bytes.size(), 32u * 1024);
  const size_t before_last = bytes.size() - 1000;
  for (int round = 0; round < 150; ++round) {
    // Headers of records matter most: the first rounds go through one byte by byte.
    const size_t at = round < 60 ? round : random() % before_last;
    log.Restore();
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << random() % 8));
    WriteFile(NewestFile(log.copy, ".log"), damaged);
    const absl::Status refused = OpenFails(OptionsFor(log.copy));
    ASSERT_EQ(refused.code(), absl::StatusCode::kDataLoss) << "byte " << at << " " << refused;
    ASSERT_THAT(std::string(refused.message()), testing::HasSubstr(".log"));
  }
}

TEST(EmbeddedLogCrash, DamageInTheLastRecordNeverReadsBackWrong) {
  CrashedLog log(10);
  std::mt19937 random(TestSeed());
  log.Restore();
  const std::string bytes = ReadFile(NewestFile(log.copy, ".log"));
  for (size_t at = bytes.size() - 150; at < bytes.size(); at += 1 + random() % 3) {
    log.Restore();
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << random() % 8));
    WriteFile(NewestFile(log.copy, ".log"), damaged);
    const auto engine = EmbeddedLogEngine::Open(OptionsFor(log.copy));
    if (!engine.ok()) continue;
    const auto read = ValuesOf(ReadPartition((*engine)->Topic(kTopic), 0, 1));
    ASSERT_GE(read.size(), 8u);
    ASSERT_TRUE(std::equal(read.begin(), read.end(), log.values.begin()));
  }
}

// A log that was closed cleanly, in tables; any byte of any file it needs flipped is refused, or
// found by Verify, or means nothing. It is never read back wrong or short.
TEST(EmbeddedLogDamage, AnyFlippedByteAfterACleanStopIsFound) {
  TempDirectory home;
  const std::string made = home.File("made");
  const std::string copy = home.File("copy");
  std::vector<std::string> values;
  {
    const auto engine = OpenOrDie(OptionsFor(made));
    for (int i = 0; i < 400; ++i) {
      values.push_back(std::to_string(i) + std::string(i % 100, 'v'));
      ASSERT_TRUE(AppendNow(engine->Topic(kTopic), 0, {EventOf("k", values.back())}).ok());
    }
  }
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(made + "/db")) {
    const std::string name = entry.path().filename();
    if (name.ends_with(".sst") || name.starts_with("MANIFEST") || name == "CURRENT") {
      files.push_back(entry.path().filename());
    }
  }
  std::mt19937 random(TestSeed());
  int found = 0;
  constexpr int kRounds = 200;
  for (int round = 0; round < kRounds; ++round) {
    CopyLog(made, copy);
    const std::string file = copy + "/db/" + files[random() % files.size()].string();
    std::string bytes = ReadFile(file);
    const size_t at = random() % bytes.size();
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
    WriteFile(file, bytes);
    SCOPED_TRACE(fmt::format("{} byte {}", file, at));
    auto engine = EmbeddedLogEngine::Open(OptionsFor(copy));
    if (!engine.ok()) {
      ASSERT_EQ(engine.status().code(), absl::StatusCode::kDataLoss) << engine.status();
      ++found;
      continue;
    }
    auto tail = (*engine)->Topic(kTopic).OpenTail({{0, 1}});
    ASSERT_TRUE(tail.ok()) << tail.status();
    size_t read = 0;
    absl::Status status;
    while (read < values.size() && status.ok()) {
      auto batch = (*tail)->Poll(kPatience);
      status = batch.status();
      if (!status.ok()) break;
      ASSERT_FALSE(batch->records.empty());
      for (const Record& record : batch->records) ASSERT_EQ(record.value, values[read++]);
    }
    if (!status.ok()) {
      ASSERT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
      ASSERT_THAT(std::string(status.message()), testing::HasSubstr("partition 0 offset"));
    }
    tail->reset();
    const absl::Status verified = (*engine)->Verify();
    if (!verified.ok()) {
      ASSERT_EQ(verified.code(), absl::StatusCode::kDataLoss) << verified;
      ++found;
    }
    // A flip in a table file is always found by its checksum.
    ASSERT_TRUE(!file.ends_with(".sst") || !verified.ok());
  }
  EXPECT_GE(found, kRounds * 9 / 10);
}

TEST(EmbeddedLogDamage, VerifyFindsAByteFlippedUnderARunningLog) {
  TempDirectory directory;
  const auto engine = OpenOrDie(OptionsFor(directory.path()));
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(AppendNow(engine->Topic(kTopic), 0, {EventOf("k", "value")}).ok());
  }
  EXPECT_TRUE(engine->Verify().ok());
  const std::string wal = NewestFile(directory.path(), ".log");
  std::fstream file(wal, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(fs::file_size(wal) / 2));
  file.put('!');
  file.close();
  EXPECT_EQ(engine->Verify().code(), absl::StatusCode::kDataLoss);
}

TEST(EmbeddedLogDamage, VerifyReadsWhileAppendsGoOn) {
  TempDirectory directory;
  const auto engine = OpenOrDie(OptionsFor(directory.path()));
  std::atomic<bool> stop = false;
  std::thread appender([&] {
    while (!stop) {
      ASSERT_TRUE(AppendNow(engine->Topic(kTopic), 0, {EventOf("k", std::string(5000, 'v'))}).ok());
    }
  });
  for (int i = 0; i < 20; ++i) {
    const absl::Status verified = engine->Verify();
    EXPECT_TRUE(verified.ok()) << verified;
  }
  stop = true;
  appender.join();
}

}  // namespace
}  // namespace crm
