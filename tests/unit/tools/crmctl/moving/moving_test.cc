#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "common/base/status.h"
#include "common/storage/files.h"
#include "tests/support/temp_directory.h"
#include "tests/support/test_seed.h"
#include "tests/unit/tools/crmctl/moving/random_log.h"
#include "tools/crmctl/moving/embedded_draft.h"
#include "tools/crmctl/moving/export_manifest.h"
#include "tools/crmctl/moving/log_export.h"
#include "tools/crmctl/moving/log_places.h"
#include "tools/crmctl/moving/move_log.h"

namespace crm::crmctl {
namespace {

using common::v1::MovedPartition;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Small, so that a short log has many.
constexpr size_t kSegmentBytes = 3000;

const LogIdentity kIdentity{"0123456789abcdef0123456789abcdef", std::string("\0check\xff", 7), 2};

std::string ReasonAndText(const absl::Status& status) {
  return ReasonOf(status) + ": " + std::string(status.message());
}

absl::Status Export(LogSource& source, const std::string& directory) {
  ExportDraft draft(directory, kSegmentBytes);
  return MoveLog(source, draft, nullptr).status();
}

absl::Status Import(const std::string& directory, const std::string& data_directory) {
  CRM_ASSIGN_OR_RETURN(ExportSource source, ExportSource::Open(directory));
  EmbeddedDraft draft(data_directory);
  return MoveLog(source, draft, nullptr).status();
}

std::vector<Record> AllOf(LogContents& contents, const LogPlace& place) {
  std::vector<Record> all;
  const auto end = contents.End(place);
  EXPECT_TRUE(end.ok()) << end.status();
  const absl::Status read = contents.Read(place, 0, end.value_or(0), [&](const auto& records) {
    all.insert(all.end(), records.begin(), records.end());
    return absl::OkStatus();
  });
  EXPECT_TRUE(read.ok()) << read;
  return all;
}

void ExpectSameRecords(LogContents& actual, RandomLog& expected) {
  ASSERT_EQ(actual.topics(), expected.topics());
  for (const std::string& topic : expected.topics()) {
    for (Partition p = 0; p < kPartitions; ++p) {
      const std::vector<Record> records = AllOf(actual, {topic, p});
      const std::vector<Record>& wanted = expected.At({topic, p});
      ASSERT_EQ(records.size(), wanted.size()) << topic << " " << p;
      for (size_t i = 0; i < wanted.size(); ++i) {
        ASSERT_EQ(records[i].offset, wanted[i].offset);
        ASSERT_EQ(records[i].kind, wanted[i].kind) << topic << " " << p << " " << i;
        ASSERT_EQ(RecordHash(records[i]), RecordHash(wanted[i])) << topic << " " << p << " " << i;
      }
    }
  }
}

void ExpectLogIn(const std::string& data_directory, RandomLog& expected) {
  const auto opened = OpenLog({data_directory, {}}, {});
  ASSERT_TRUE(opened.ok()) << opened.status();
  LogSource& source = (*opened)->source();
  EXPECT_EQ(source.identity().log_id, expected.identity().log_id);
  EXPECT_EQ(source.identity().secret_check, expected.identity().secret_check);
  EXPECT_EQ(source.identity().epoch, expected.identity().epoch);
  ExpectSameRecords(source, expected);
}

void FlipByte(const std::string& file, int64_t at) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekg(at);
  const char byte = static_cast<char>(stream.get() ^ 0x10);
  stream.seekp(at);
  stream.put(byte);
  ASSERT_TRUE(stream.good()) << file;
}

// A draft whose writer is gone after some appends.
class BreakingDraft final : public LogDraft {
 public:
  BreakingDraft(LogDraft& draft, size_t appends) : draft_(draft), left_(appends) {}
  std::string name() const override { return draft_.name(); }
  std::vector<std::string> topics() const override { return draft_.topics(); }
  absl::Status Begin(const LogIdentity& identity, const std::vector<std::string>& topics) override {
    return draft_.Begin(identity, topics);
  }
  absl::StatusOr<Offset> End(const LogPlace& place) override { return draft_.End(place); }
  absl::Status Read(const LogPlace& place, Offset from, Offset to, const Each& each) override {
    return draft_.Read(place, from, to, each);
  }
  absl::Status Append(const LogPlace& place, const std::vector<Record>& records) override {
    if (left_-- == 0) return Error(absl::StatusCode::kUnavailable, "BROKEN_OFF", "test");
    return draft_.Append(place, records);
  }
  absl::Status Settle() override { return draft_.Settle(); }
  absl::Status Finish() override { return draft_.Finish(); }

 private:
  LogDraft& draft_;
  size_t left_;
};

class MovingTest : public ::testing::Test {
 protected:
  TempDirectory directory_;
  RandomLog log_{TestSeed(), kIdentity};
  const std::string export_ = directory_.File("export");
  const std::string data_ = directory_.File("data");
};

TEST_F(MovingTest, ExportedAndImportedLogIsTheSame) {
  log_.Grow(1500);
  log_.Add({"crm.test.events", 3}, Record{.value = std::string(1 << 20, 'x')});
  ASSERT_TRUE(Export(log_, export_).ok());
  EXPECT_THAT(VerifyExport(export_).value(), IsEmpty());
  auto source = ExportSource::Open(export_);
  ASSERT_TRUE(source.ok());
  ExpectSameRecords(*source, log_);
  ASSERT_TRUE(Import(export_, data_).ok());
  ExpectLogIn(data_, log_);
  EXPECT_FALSE(FileExists(data_ + "/log.incomplete"));
}

TEST_F(MovingTest, HashesAreTheSameWhereverTheLogLies) {
  log_.Grow(300);
  ExportDraft files(export_, kSegmentBytes);
  const auto exported = MoveLog(log_, files, nullptr);
  ASSERT_TRUE(exported.ok()) << exported.status();
  EmbeddedDraft engine(data_);
  const auto copied = MoveLog(log_, engine, nullptr);
  ASSERT_TRUE(copied.ok()) << copied.status();
  ASSERT_EQ(exported->size(), 2u * kPartitions);
  for (size_t i = 0; i < exported->size(); ++i) {
    EXPECT_EQ((*exported)[i].DebugString(), (*copied)[i].DebugString());
    EXPECT_EQ((*exported)[i].records(), (*exported)[i].records_added());
  }
}

TEST_F(MovingTest, ExportIsExtendedByWhatIsNew) {
  log_.Grow(400);
  ASSERT_TRUE(Export(log_, export_).ok());
  std::map<std::string, std::string> before;
  const auto manifest = LoadManifest(export_);
  for (const auto& segment : manifest->segments()) {
    before[segment.file()] = ReadWholeFile(export_ + "/" + segment.file()).value();
  }
  log_.Grow(400);
  ExportDraft draft(export_, kSegmentBytes);
  const auto moved = MoveLog(log_, draft, nullptr);
  ASSERT_TRUE(moved.ok()) << moved.status();
  int64_t added = 0;
  for (const MovedPartition& partition : *moved) added += partition.records_added();
  EXPECT_EQ(added, 400);
  for (const auto& [file, content] : before) {
    EXPECT_EQ(ReadWholeFile(export_ + "/" + file).value(), content) << file;
  }
  ASSERT_TRUE(Import(export_, data_).ok());
  ExpectLogIn(data_, log_);
}

TEST_F(MovingTest, NothingNewChangesNothing) {
  log_.Grow(100);
  ASSERT_TRUE(Export(log_, export_).ok());
  const std::string manifest = ReadWholeFile(export_ + "/" + kManifestFile).value();
  ASSERT_TRUE(Export(log_, export_).ok());
  EXPECT_EQ(ReadWholeFile(export_ + "/" + kManifestFile).value(), manifest);
}

TEST_F(MovingTest, BrokenExportGoesOn) {
  log_.Grow(500);
  for (int round = 0; round < 8; ++round) {
    ExportDraft draft(export_, kSegmentBytes);
    BreakingDraft breaking(draft, log_.Below(12));
    EXPECT_EQ(ReasonOf(MoveLog(log_, breaking, nullptr).status()), "BROKEN_OFF");
    if (!FileExists(export_ + "/" + kManifestFile)) continue;
    EXPECT_EQ(ReasonOf(ExportSource::Open(export_).status()), "EXPORT_INCOMPLETE");
    EXPECT_EQ(VerifyExport(export_).value().size(), 1u);
  }
  ASSERT_TRUE(Export(log_, export_).ok());
  EXPECT_THAT(VerifyExport(export_).value(), IsEmpty());
  auto source = ExportSource::Open(export_);
  ASSERT_TRUE(source.ok());
  ExpectSameRecords(*source, log_);
}

// A crash may come between a segment and the manifest that tells of it.
TEST_F(MovingTest, SegmentThatNoManifestKnowsIsWrittenAnew) {
  log_.Grow(100);
  ASSERT_TRUE(Export(log_, export_).ok());
  log_.Grow(100);
  const LogPlace place{"crm.test.events", 0};
  log_.Add(place, Record{.value = "new"});
  const auto exported = LoadManifest(export_);
  Offset end = 0;
  for (const auto& segment : exported->segments()) {
    if (segment.topic() == place.topic && segment.partition() == place.partition) {
      end = segment.last_offset() + 1;
    }
  }
  std::ofstream(export_ + "/" + SegmentFile(place.topic, place.partition, end)) << "torn";
  std::ofstream(export_ + "/" + kManifestFile + ".new") << "{ \"torn";
  ASSERT_TRUE(Export(log_, export_).ok());
  ASSERT_TRUE(Import(export_, data_).ok());
  ExpectLogIn(data_, log_);
}

TEST_F(MovingTest, BrokenImportGoesOnAndIsNoLogBefore) {
  log_.Grow(500);
  for (int round = 0; round < 8; ++round) {
    EmbeddedDraft draft(data_);
    BreakingDraft breaking(draft, 1 + log_.Below(12));
    EXPECT_EQ(ReasonOf(MoveLog(log_, breaking, nullptr).status()), "BROKEN_OFF");
    EXPECT_EQ(ReasonOf(OpenLog({data_, {}}, {}).status()), "LOG_NOT_FOUND");
  }
  EmbeddedDraft draft(data_);
  ASSERT_TRUE(MoveLog(log_, draft, nullptr).ok());
  ExpectLogIn(data_, log_);
}

TEST_F(MovingTest, EveryDamagedSegmentIsNamed) {
  log_.Grow(300);
  ASSERT_TRUE(Export(log_, export_).ok());
  const auto manifest = LoadManifest(export_);
  ASSERT_GT(manifest->segments_size(), 2 * kPartitions);
  for (const auto& segment : manifest->segments()) {
    const auto at = static_cast<int64_t>(log_.Below(static_cast<size_t>(segment.bytes())));
    FlipByte(export_ + "/" + segment.file(), at);
    const auto problems = VerifyExport(export_);
    ASSERT_TRUE(problems.ok());
    ASSERT_EQ(problems->size(), 1u) << segment.file() << " byte " << at;
    EXPECT_THAT((*problems)[0], HasSubstr(segment.file()));
    FlipByte(export_ + "/" + segment.file(), at);
  }
  EXPECT_THAT(VerifyExport(export_).value(), IsEmpty());
}

TEST_F(MovingTest, DamagedSegmentIsNotImported) {
  log_.Grow(300);
  ASSERT_TRUE(Export(log_, export_).ok());
  const auto manifest = LoadManifest(export_);
  const auto& segment = manifest->segments(
      static_cast<int>(log_.Below(static_cast<size_t>(manifest->segments_size()))));
  FlipByte(export_ + "/" + segment.file(), 0);
  const absl::Status status = Import(export_, data_);
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(ReasonAndText(status), HasSubstr(segment.file()));
  EXPECT_EQ(ReasonOf(OpenLog({data_, {}}, {}).status()), "LOG_NOT_FOUND");
}

TEST_F(MovingTest, MissingAndTruncatedSegmentsAreNamed) {
  log_.Grow(50);
  ASSERT_TRUE(Export(log_, export_).ok());
  const auto manifest = LoadManifest(export_);
  const std::string first = manifest->segments(0).file();
  const std::string last = manifest->segments(manifest->segments_size() - 1).file();
  std::filesystem::remove(export_ + "/" + first);
  const std::string path = export_ + "/" + last;
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
  const auto problems = VerifyExport(export_);
  ASSERT_EQ(problems->size(), 2u);
  EXPECT_THAT((*problems)[0], HasSubstr(first + " is missing"));
  EXPECT_THAT((*problems)[1], HasSubstr(last));
}

TEST_F(MovingTest, DamagedManifestIsNeverTakenForAnother) {
  ASSERT_TRUE(Export(log_, export_).ok());
  const std::string file = export_ + "/" + kManifestFile;
  const auto written = LoadManifest(export_);
  const auto bytes = static_cast<int64_t>(std::filesystem::file_size(file));
  int refused = 0;
  for (int round = 0; round < 300; ++round) {
    const auto at = static_cast<int64_t>(log_.Below(static_cast<size_t>(bytes)));
    FlipByte(file, at);
    const auto loaded = LoadManifest(export_);
    const bool as_written =
        !loaded.ok() || loaded->SerializeAsString() == written->SerializeAsString();
    EXPECT_TRUE(as_written) << at;
    refused += loaded.ok() ? 0 : 1;
    FlipByte(file, at);
  }
  EXPECT_GT(refused, 0);
}

TEST_F(MovingTest, AnotherLogsExportIsRefused) {
  ASSERT_TRUE(Export(log_, export_).ok());
  RandomLog other(TestSeed(), {"another", "check", 0});
  const absl::Status status = Export(other, export_);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(ReasonAndText(status), HasSubstr("OTHER_LOG"));
  EXPECT_THAT(ReasonAndText(status), HasSubstr(kIdentity.log_id));
}

TEST_F(MovingTest, ForeignFilesAreNotExportedOver) {
  ASSERT_TRUE(MakeDirectories(export_).ok());
  std::ofstream(export_ + "/holiday.jpg") << "sea";
  const absl::Status status = Export(log_, export_);
  EXPECT_EQ(ReasonOf(status), "TARGET_NOT_EMPTY");
  EXPECT_THAT(ReasonAndText(status), HasSubstr("holiday.jpg"));
  EXPECT_FALSE(FileExists(export_ + "/lock"));
}

TEST_F(MovingTest, DirectoryWithALogIsNotImportedInto) {
  ASSERT_TRUE(Export(log_, export_).ok());
  ASSERT_TRUE(Import(export_, data_).ok());
  const absl::Status status = Import(export_, data_);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(ReasonAndText(status), HasSubstr("TARGET_NOT_EMPTY"));
  EXPECT_THAT(ReasonAndText(status), HasSubstr(kIdentity.log_id));
}

TEST_F(MovingTest, BegunCopyOfAnotherLogIsRefused) {
  {
    EmbeddedDraft draft(data_);
    BreakingDraft breaking(draft, 3);
    EXPECT_FALSE(MoveLog(log_, breaking, nullptr).ok());
  }
  RandomLog other(TestSeed(), {"another", "check", 0});
  EmbeddedDraft draft(data_);
  EXPECT_EQ(ReasonOf(MoveLog(other, draft, nullptr).status()), "OTHER_LOG");
}

// The same log, restored from an older copy on one side and gone another way since.
TEST_F(MovingTest, HistoryThatWentAnotherWayIsRefusedBeforeAnythingIsWritten) {
  const LogPlace place{"crm.test.events", 5};
  log_.Grow(100);
  RandomLog other = log_;
  log_.Add(place, Record{.value = "one way"});
  other.Add(place, Record{.value = "other way"});
  other.Grow(100);
  ASSERT_TRUE(Export(log_, export_).ok());
  const std::string manifest = ReadWholeFile(export_ + "/" + kManifestFile).value();
  const absl::Status status = Export(other, export_);
  EXPECT_EQ(ReasonOf(status), "TARGET_DIFFERS");
  EXPECT_THAT(ReasonAndText(status), HasSubstr(place.ToString()));
  EXPECT_EQ(ReadWholeFile(export_ + "/" + kManifestFile).value(), manifest);
}

TEST_F(MovingTest, LogThatLostRecordsIsRefused) {
  log_.Grow(100);
  RandomLog other = log_;
  log_.Add({"crm.other.events", 15}, Record{.value = "lost"});
  ASSERT_TRUE(Export(log_, export_).ok());
  EXPECT_EQ(ReasonOf(Export(other, export_)), "TARGET_DIFFERS");
}

}  // namespace
}  // namespace crm::crmctl
