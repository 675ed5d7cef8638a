#include "common/log/embedded/log_database.h"

#include <crm/common/v1/log_control.pb.h>
#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/file_checksum.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/sst_partitioner.h>
#include <rocksdb/table.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

#include "common/base/check.h"
#include "common/base/status.h"
#include "common/log/control_records.h"
#include "common/log/embedded/record_codec.h"
#include "common/storage/files.h"
#include "common/storage/rocks_status.h"

namespace crm {
namespace {

// Keys of the default column family. "topic/<name>" is there once the topic's genesis is.
constexpr char kLogId[] = "log_id";
constexpr char kSecretCheck[] = "secret_check";
constexpr char kEpoch[] = "epoch";
constexpr char kTopicPrefix[] = "topic/";

constexpr size_t kPartitionBytes = 4;
constexpr size_t kReadRecords = 4096;
constexpr size_t kReadBytes = 1 << 20;
constexpr size_t kSmallestWriteBuffer = 4 << 20;
constexpr size_t kLargestWriteBuffer = 64 << 20;
// Bounds both disk space and the time the look at the write-ahead logs takes at start.
constexpr uint64_t kWalBytes = 128 << 20;

std::string_view ToView(const rocksdb::Slice& slice) {
  return {slice.data(), slice.size()};
}

rocksdb::BlockBasedTableOptions TableOptions(size_t memory_bytes) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(memory_bytes / 4);
  // Records are read in long runs.
  table.block_size = 32 * 1024;
  return table;
}

// Keys only grow within a partition. Tables end where a partition ends, so that below the first
// level the newer tables of a partition never overlap its older ones and move down without being
// rewritten.
rocksdb::ColumnFamilyOptions FamilyOptions(size_t memory_bytes) {
  rocksdb::ColumnFamilyOptions family;
  family.write_buffer_size =
      std::clamp(memory_bytes / 4, kSmallestWriteBuffer, kLargestWriteBuffer);
  family.max_write_buffer_number = 3;
  family.compression = rocksdb::kLZ4Compression;
  family.level_compaction_dynamic_level_bytes = true;
  family.sst_partitioner_factory = rocksdb::NewSstPartitionerFixedPrefixFactory(kPartitionBytes);
  family.memtable_insert_with_hint_prefix_extractor.reset(
      rocksdb::NewFixedPrefixTransform(kPartitionBytes));
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(TableOptions(memory_bytes)));
  return family;
}

rocksdb::DBOptions DbOptions(size_t memory_bytes) {
  rocksdb::DBOptions db;
  db.paranoid_checks = true;
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  db.file_checksum_gen_factory = rocksdb::GetFileChecksumGenCrc32cFactory();
  db.db_write_buffer_size = memory_bytes / 2;
  db.max_total_wal_size = kWalBytes;
  // One thread writes.
  db.allow_concurrent_memtable_write = false;
  db.enable_write_thread_adaptive_yield = false;
  // A failed write stops the engine; nothing may go on behind its back.
  db.max_bgerror_resume_count = 0;
  db.max_background_jobs = 2;
  db.keep_log_file_num = 2;
  db.max_log_file_size = 4 << 20;
  return db;
}

std::optional<int64_t> ParseNumber(std::string_view text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

absl::Status SecretMismatch(const std::string& directory) {
  return Error(absl::StatusCode::kFailedPrecondition, "SECRET_MISMATCH",
               fmt::format("the secret does not belong to the log in {}: check --secret-file "
                           "(CRM_SECRET_FILE); it must name the file that was in use when the log "
                           "was made, which is backed up together with the log",
                           directory));
}

}  // namespace

absl::Status LogDatabase::Make(const LogDirectory& directory, const Options& options) {
  CRM_RETURN_IF_ERROR(RemoveTree(directory.draft()));
  rocksdb::Options rocks(DbOptions(options.memory_bytes), FamilyOptions(options.memory_bytes));
  rocks.create_if_missing = true;
  rocksdb::DB* db = nullptr;
  const std::string doing = "making the log in " + directory.path();
  CRM_RETURN_IF_ERROR(FromRocks(rocksdb::DB::Open(rocks, directory.draft(), &db), doing));
  std::unique_ptr<rocksdb::DB> draft(db);
  rocksdb::WriteBatch identity;
  identity.Put(kLogId, options.identity.log_id);
  identity.Put(kSecretCheck, options.identity.secret_check);
  identity.Put(kEpoch, std::to_string(options.identity.epoch));
  rocksdb::WriteOptions synced;
  synced.sync = true;
  CRM_RETURN_IF_ERROR(FromRocks(draft->Write(synced, &identity), doing));
  CRM_RETURN_IF_ERROR(FromRocks(draft->Close(), doing));
  draft.reset();
  return directory.Adopt(options.identity.log_id);
}

absl::StatusOr<std::unique_ptr<LogDatabase>> LogDatabase::Open(const LogDirectory& directory,
                                                               const Options& options) {
  CRM_ASSIGN_OR_RETURN(auto database, OpenFamilies(directory, options));
  CRM_RETURN_IF_ERROR(
      database->LoadIdentity(options.restoring ? "" : options.identity.secret_check));
  if (options.restoring) CRM_RETURN_IF_ERROR(database->CheckRestored(options.identity));
  CRM_RETURN_IF_ERROR(database->CheckTopicsExist());
  for (const std::string& name : options.topics) {
    CRM_RETURN_IF_ERROR(database->AddFamily(name, options.memory_bytes));
  }
  for (size_t topic = 0; topic < database->topics_.size(); ++topic) {
    CRM_RETURN_IF_ERROR(database->LoadTopic(topic, options.restoring));
  }
  return database;
}

absl::StatusOr<std::unique_ptr<LogDatabase>> LogDatabase::OpenFamilies(
    const LogDirectory& directory, const Options& options) {
  const std::string doing = "opening the log in " + directory.path();
  const rocksdb::DBOptions db_options = DbOptions(options.memory_bytes);
  std::vector<std::string> names;
  CRM_RETURN_IF_ERROR(
      FromRocks(rocksdb::DB::ListColumnFamilies(db_options, directory.db(), &names), doing));
  const rocksdb::ColumnFamilyOptions family_options = FamilyOptions(options.memory_bytes);
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  descriptors.reserve(names.size());
  for (const std::string& name : names) descriptors.emplace_back(name, family_options);
  std::vector<rocksdb::ColumnFamilyHandle*> families;
  rocksdb::DB* db = nullptr;
  CRM_RETURN_IF_ERROR(
      FromRocks(rocksdb::DB::Open(db_options, directory.db(), descriptors, &families, &db), doing));
  return std::unique_ptr<LogDatabase>(
      new LogDatabase(directory.path(), std::unique_ptr<rocksdb::DB>(db), families));
}

LogDatabase::LogDatabase(std::string directory, std::unique_ptr<rocksdb::DB> db,
                         const std::vector<rocksdb::ColumnFamilyHandle*>& families)
    : directory_(std::move(directory)),
      db_(std::move(db)),
      meta_(families.front()),
      batch_(std::make_unique<rocksdb::WriteBatch>()) {
  CRM_CHECK(meta_->GetName() == rocksdb::kDefaultColumnFamilyName);
  for (size_t i = 1; i < families.size(); ++i) {
    topics_.push_back({families[i]->GetName(), families[i], {}});
  }
}

LogDatabase::~LogDatabase() {
  std::vector<rocksdb::ColumnFamilyHandle*> families = {meta_};
  for (const TopicFamily& topic : topics_) families.push_back(topic.family);
  // Should it fail, the next start recovers from the write-ahead log.
  db_->Flush(rocksdb::FlushOptions(), families).PermitUncheckedError();
  for (rocksdb::ColumnFamilyHandle* family : families) {
    db_->DestroyColumnFamilyHandle(family).PermitUncheckedError();
  }
}

absl::StatusOr<std::string> LogDatabase::GetMeta(const std::string& key) const {
  std::string value;
  const rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), meta_, key, &value);
  CRM_RETURN_IF_ERROR(
      FromRocks(status, fmt::format("reading {} of the log in {}", key, directory_)));
  return value;
}

absl::Status LogDatabase::LoadIdentity(const std::string& secret_check) {
  CRM_ASSIGN_OR_RETURN(identity_.log_id, GetMeta(kLogId));
  CRM_ASSIGN_OR_RETURN(identity_.secret_check, GetMeta(kSecretCheck));
  CRM_ASSIGN_OR_RETURN(const std::string epoch, GetMeta(kEpoch));
  const std::optional<int64_t> number = ParseNumber(epoch);
  if (!number) return Damaged("its epoch is no number");
  identity_.epoch = *number;
  if (!secret_check.empty() && secret_check != identity_.secret_check) {
    return SecretMismatch(directory_);
  }
  return absl::OkStatus();
}

absl::Status LogDatabase::CheckRestored(const LogIdentity& identity) {
  if (identity.log_id != identity_.log_id) {
    return Error(absl::StatusCode::kAlreadyExists, "OTHER_LOG",
                 fmt::format("{} holds log {}, not {}: choose another directory", directory_,
                             identity_.log_id, identity.log_id));
  }
  if (identity.epoch == identity_.epoch) return absl::OkStatus();
  batch_->Put(meta_, kEpoch, std::to_string(identity.epoch));
  identity_.epoch = identity.epoch;
  return Commit();
}

// A family that the log's own list names but RocksDB lost would otherwise be made anew, empty.
absl::Status LogDatabase::CheckTopicsExist() const {
  const std::unique_ptr<rocksdb::Iterator> made(db_->NewIterator(rocksdb::ReadOptions(), meta_));
  for (made->Seek(kTopicPrefix); made->Valid() && made->key().starts_with(kTopicPrefix);
       made->Next()) {
    const std::string name = made->key().ToString().substr(sizeof(kTopicPrefix) - 1);
    const bool exists = std::any_of(topics_.begin(), topics_.end(),
                                    [&](const TopicFamily& topic) { return topic.name == name; });
    if (!exists) return Damaged("the records of topic " + name + " are gone");
  }
  return FromRocks(made->status(), "reading the topics of the log in " + directory_);
}

absl::Status LogDatabase::AddFamily(const std::string& name, size_t memory_bytes) {
  for (const TopicFamily& topic : topics_) {
    if (topic.name == name) return absl::OkStatus();
  }
  rocksdb::ColumnFamilyHandle* family = nullptr;
  CRM_RETURN_IF_ERROR(FromRocks(db_->CreateColumnFamily(FamilyOptions(memory_bytes), name, &family),
                                fmt::format("adding topic {} to the log in {}", name, directory_)));
  topics_.push_back({name, family, {}});
  return absl::OkStatus();
}

absl::Status LogDatabase::LoadTopic(size_t index, bool restoring) {
  TopicFamily& topic = topics_[index];
  for (Partition p = 0; p < kPartitions; ++p) {
    CRM_ASSIGN_OR_RETURN(topic.ends[p], LoadEnd(topic, p));
  }
  std::string made;
  const rocksdb::Status status =
      db_->Get(rocksdb::ReadOptions(), meta_, kTopicPrefix + topic.name, &made);
  if (status.IsNotFound()) {
    return MakeTopic(index, restoring ? std::vector<Record>() : FirstRecords(identity_));
  }
  CRM_RETURN_IF_ERROR(FromRocks(status, "reading the topics of the log in " + directory_));
  for (Partition p = 0; p < kPartitions; ++p) {
    if (restoring && topic.ends[p] == 0) continue;
    CRM_RETURN_IF_ERROR(CheckGenesis(index, p));
  }
  return absl::OkStatus();
}

absl::StatusOr<Offset> LogDatabase::LoadEnd(const TopicFamily& topic, Partition partition) const {
  const std::unique_ptr<rocksdb::Iterator> last(
      db_->NewIterator(rocksdb::ReadOptions(), topic.family));
  last->SeekForPrev(LogKey(partition, std::numeric_limits<Offset>::max()));
  CRM_RETURN_IF_ERROR(
      FromRocks(last->status(), fmt::format("reading the end of {} partition {} of the log in {}",
                                            topic.name, partition, directory_)));
  Partition found = 0;
  Offset offset = 0;
  if (!last->Valid()) return 0;
  if (!ReadLogKey(ToView(last->key()), &found, &offset)) {
    return Damaged("topic " + topic.name + " holds a key that is none of the log's");
  }
  return found == partition ? offset + 1 : 0;
}

// The first records and the note that the topic is made: one write.
absl::Status LogDatabase::MakeTopic(size_t index, const std::vector<Record>& first) {
  TopicFamily& topic = topics_[index];
  for (Partition p = 0; p < kPartitions; ++p) {
    if (topic.ends[p] != 0) return Damaged("topic " + topic.name + " holds records but no genesis");
    Add(index, p, 0, first);
    topic.ends[p] = static_cast<Offset>(first.size());
  }
  batch_->Put(meta_, kTopicPrefix + topic.name, "");
  return Commit();
}

absl::Status LogDatabase::CheckGenesis(size_t topic, Partition partition) const {
  if (topics_[topic].ends[partition] == 0) {
    return Damaged(topic, partition, 0, "the genesis record is missing");
  }
  CRM_ASSIGN_OR_RETURN(const std::vector<Record> records, Read(topic, partition, 0, 1));
  common::v1::LogControl control;
  if (records[0].kind != RecordKind::kGenesis || !control.ParseFromString(records[0].value) ||
      control.genesis().log_id() != identity_.log_id ||
      control.genesis().secret_check() != identity_.secret_check) {
    return Damaged(topic, partition, 0, "the first record is not this log's genesis");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Record>> LogDatabase::Read(size_t topic, Partition partition,
                                                      Offset from, Offset end) const {
  const std::string begin_key = LogKey(partition, from);
  const std::string end_key = LogKey(partition, end);
  const rocksdb::Slice upper(end_key);
  rocksdb::ReadOptions options;
  options.verify_checksums = true;
  options.fill_cache = false;
  options.iterate_upper_bound = &upper;
  const std::unique_ptr<rocksdb::Iterator> rows(db_->NewIterator(options, topics_[topic].family));
  std::vector<Record> records;
  size_t bytes = 0;
  for (rows->Seek(begin_key); rows->Valid(); rows->Next()) {
    Record& record = records.emplace_back();
    const Offset expected = from + static_cast<Offset>(records.size()) - 1;
    Partition found = 0;
    if (!ReadLogKey(ToView(rows->key()), &found, &record.offset) || record.offset != expected) {
      return Damaged(topic, partition, expected, "the record is missing");
    }
    if (!DecodeRecord(ToView(rows->value()), &record)) {
      return Damaged(topic, partition, expected, "the record cannot be decoded");
    }
    bytes += rows->value().size();
    if (records.size() == kReadRecords || bytes >= kReadBytes) return records;
  }
  const Offset next = from + static_cast<Offset>(records.size());
  // What was read before the damage is good; the next read begins with it.
  if (!records.empty() && (next < end || !rows->status().ok())) return records;
  if (!rows->status().ok()) return Damaged(topic, partition, next, rows->status().ToString());
  if (next < end) return Damaged(topic, partition, next, "the record is missing");
  return records;
}

void LogDatabase::Add(size_t topic, Partition partition, Offset first,
                      const std::vector<Record>& records) {
  for (const Record& record : records) {
    const std::string key = LogKey(partition, first++);
    head_.clear();
    AppendRecordHead(&head_, record);
    const rocksdb::Slice key_parts[] = {key};
    const rocksdb::Slice value_parts[] = {head_, record.value};
    const rocksdb::Status added =
        batch_->Put(topics_[topic].family, rocksdb::SliceParts(key_parts, 1),
                    rocksdb::SliceParts(value_parts, 2));
    CRM_CHECK(added.ok());
  }
}

absl::Status LogDatabase::Commit() {
  rocksdb::WriteOptions synced;
  synced.sync = true;
  const rocksdb::Status status = db_->Write(synced, batch_.get());
  batch_->Clear();
  return FromRocks(status, "writing to the log in " + directory_);
}

absl::Status LogDatabase::WriteEpoch(const std::vector<TopicFeed::Ends>& ends) {
  const int64_t number = identity_.epoch + 1;
  for (size_t topic = 0; topic < topics_.size(); ++topic) {
    for (Partition p = 0; p < kPartitions; ++p) {
      Add(topic, p, ends[topic][p], {EpochRecord(number)});
    }
  }
  batch_->Put(meta_, kEpoch, std::to_string(number));
  CRM_RETURN_IF_ERROR(Commit());
  identity_.epoch = number;
  return absl::OkStatus();
}

absl::Status LogDatabase::Verify(const std::vector<TopicFeed::Ends>& ends) const {
  const std::string doing = "verifying the log in " + directory_;
  CRM_RETURN_IF_ERROR(FromRocks(db_->VerifyFileChecksums(rocksdb::ReadOptions()), doing));
  for (size_t topic = 0; topic < topics_.size(); ++topic) {
    for (Partition p = 0; p < kPartitions; ++p) {
      CRM_RETURN_IF_ERROR(CheckGenesis(topic, p));
      CRM_RETURN_IF_ERROR(VerifyPartition(topic, p, ends[topic][p]));
    }
  }
  return absl::OkStatus();
}

absl::Status LogDatabase::VerifyPartition(size_t topic, Partition partition, Offset end) const {
  for (Offset next = 0; next < end;) {
    CRM_ASSIGN_OR_RETURN(const std::vector<Record> records, Read(topic, partition, next, end));
    next = records.back().offset + 1;
  }
  return absl::OkStatus();
}

absl::Status LogDatabase::Damaged(std::string_view what) const {
  return Error(absl::StatusCode::kDataLoss, "LOG_DAMAGED",
               fmt::format("the log in {} is damaged: {}", directory_, what));
}

absl::Status LogDatabase::Damaged(size_t topic, Partition partition, Offset offset,
                                  std::string_view what) const {
  return Damaged(
      fmt::format("{} partition {} offset {}: {}", topics_[topic].name, partition, offset, what));
}

}  // namespace crm
