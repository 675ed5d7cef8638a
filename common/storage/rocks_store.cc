#include "common/storage/rocks_store.h"

#include <fmt/format.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/perf_level.h>
#include <rocksdb/sst_file_writer.h>
#include <rocksdb/table.h>

#include <algorithm>
#include <filesystem>

#include "common/base/bytes.h"
#include "common/base/check.h"
#include "common/base/status.h"
#include "common/storage/block_log_scan.h"
#include "common/storage/file_checksum.h"
#include "common/storage/files.h"
#include "common/storage/rocks_status.h"

namespace crm {
namespace {

namespace fs = std::filesystem;

// No key begins with so many 0xff bytes; the end of a range that has no other.
constexpr size_t kLongestPrefix = 4096;
// Lists and history read a few neighbouring rows at a time.
constexpr size_t kBlockBytes = 8 * 1024;
// About 1 % of lookups of absent rows read a block.
constexpr double kBloomBitsPerKey = 10;

rocksdb::Slice ToSlice(std::string_view bytes) {
  return {bytes.data(), bytes.size()};
}
std::string_view ToView(const rocksdb::Slice& slice) {
  return {slice.data(), slice.size()};
}

rocksdb::BlockBasedTableOptions TableOptions(const RocksStoreOptions& options) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = options.budget->cache();
  table.block_size = kBlockBytes;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(kBloomBitsPerKey));
  table.cache_index_and_filter_blocks = true;
  table.cache_index_and_filter_blocks_with_high_priority = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  return table;
}

rocksdb::Options DbOptions(const RocksStoreOptions& options) {
  rocksdb::Options db;
  db.create_if_missing = true;
  db.paranoid_checks = true;
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  db.file_checksum_gen_factory = FileChecksumFactory();
  db.write_buffer_manager = options.budget->write_buffers();
  db.write_buffer_size = static_cast<size_t>(options.write_buffer_bytes);
  // No memtable_insert_with_hint_prefix_extractor: RocksDB 7.8 keeps one hint a prefix for rows and
  // for range deletions alike, though they lie in two tables, and follows the one into the other.
  db.memtable_prefix_bloom_size_ratio = 0.02;
  db.memtable_whole_key_filtering = true;
  db.compression = rocksdb::kLZ4Compression;
  db.level_compaction_dynamic_level_bytes = true;
  db.max_background_jobs = 2;
  db.keep_log_file_num = 2;
  db.max_log_file_size = 4 << 20;
  db.table_factory.reset(rocksdb::NewBlockBasedTableFactory(TableOptions(options)));
  return db;
}

absl::Status Damaged(const std::string& directory, std::string_view what) {
  return Error(absl::StatusCode::kDataLoss, "STORAGE_DAMAGED",
               fmt::format("store {}: {}", directory, what));
}

// An unfinished last entry of the manifest would be dropped silently although files and rows it
// speaks of may be gone. A store can be rebuilt, so any doubt is damage.
absl::Status CheckManifest(const std::string& directory) {
  CRM_ASSIGN_OR_RETURN(std::string current, ReadWholeFile(directory + "/CURRENT"));
  if (!current.starts_with("MANIFEST-") || !current.ends_with('\n')) {
    return Damaged(directory, "CURRENT names no manifest");
  }
  current.pop_back();
  const std::string manifest = directory + "/" + current;
  if (!FileExists(manifest)) return Damaged(directory, current + " is missing");
  CRM_ASSIGN_OR_RETURN(const BlockLogScan scan, ScanBlockLog(manifest));
  if (scan.clean() && scan.file_bytes > 0) return absl::OkStatus();
  return Damaged(directory, fmt::format("{} is damaged at byte {}", current, scan.intact_bytes));
}

absl::Status CheckFiles(const std::string& directory) {
  CRM_RETURN_IF_ERROR(MakeDirectories(directory));
  std::error_code error;
  const bool empty = fs::is_empty(directory, error);
  if (error || empty) return absl::OkStatus();
  if (!FileExists(directory + "/CURRENT")) return Damaged(directory, "CURRENT is missing");
  return CheckManifest(directory);
}

enum class Direction { kForward, kBack };

template <Direction direction>
class RocksIterator final : public RowIterator {
 public:
  RocksIterator(rocksdb::DB* db, const rocksdb::Snapshot* snapshot, std::string_view begin,
                std::string_view end, const std::string& directory)
      : begin_(begin), end_(end), begin_slice_(begin_), end_slice_(end_), directory_(directory) {
    rocksdb::ReadOptions options;
    options.snapshot = snapshot;
    if (!end_.empty()) options.iterate_upper_bound = &end_slice_;
    if (direction == Direction::kBack) options.iterate_lower_bound = &begin_slice_;
    iterator_.reset(db->NewIterator(options));
    direction == Direction::kBack ? iterator_->SeekToLast() : iterator_->Seek(begin_slice_);
  }

  bool Valid() const override { return iterator_->Valid(); }
  void Next() override { direction == Direction::kBack ? iterator_->Prev() : iterator_->Next(); }
  std::string_view key() const override { return ToView(iterator_->key()); }
  std::string_view value() const override { return ToView(iterator_->value()); }
  absl::Status status() const override { return FromRocks(iterator_->status(), directory_); }

 private:
  const std::string begin_;
  const std::string end_;
  const rocksdb::Slice begin_slice_;
  const rocksdb::Slice end_slice_;
  const std::string& directory_;
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

using RocksForward = RocksIterator<Direction::kForward>;
using RocksBack = RocksIterator<Direction::kBack>;

absl::StatusOr<std::optional<std::string>> GetRow(rocksdb::DB* db,
                                                  const rocksdb::Snapshot* snapshot,
                                                  std::string_view key,
                                                  const std::string& directory) {
  rocksdb::ReadOptions options;
  options.snapshot = snapshot;
  rocksdb::PinnableSlice value;
  const rocksdb::Status status = db->Get(options, db->DefaultColumnFamily(), ToSlice(key), &value);
  if (status.IsNotFound()) return std::optional<std::string>();
  if (!status.ok()) return FromRocks(status, directory);
  return std::optional<std::string>(value.ToString());
}

class RocksSnapshot final : public RowReader {
 public:
  RocksSnapshot(rocksdb::DB* db, const std::string& directory)
      : db_(db), directory_(directory), snapshot_(db->GetSnapshot()) {}
  ~RocksSnapshot() override { db_->ReleaseSnapshot(snapshot_); }
  RocksSnapshot(const RocksSnapshot&) = delete;
  RocksSnapshot& operator=(const RocksSnapshot&) = delete;

  absl::StatusOr<std::optional<std::string>> Get(std::string_view key) const override {
    return GetRow(db_, snapshot_, key, directory_);
  }
  std::unique_ptr<RowIterator> Scan(std::string_view begin, std::string_view end) const override {
    return std::make_unique<RocksForward>(db_, snapshot_, begin, end, directory_);
  }
  std::unique_ptr<RowIterator> ScanBack(std::string_view begin,
                                        std::string_view end) const override {
    return std::make_unique<RocksBack>(db_, snapshot_, begin, end, directory_);
  }

 private:
  rocksdb::DB* const db_;
  const std::string& directory_;
  const rocksdb::Snapshot* const snapshot_;
};

void AddTo(rocksdb::WriteBatch* batch, const RowBatch::Op& op) {
  switch (op.kind) {
    case RowBatch::Kind::kPut:
      batch->Put(op.key, op.value);
      return;
    case RowBatch::Kind::kDelete:
      batch->Delete(op.key);
      return;
    case RowBatch::Kind::kDeletePrefix: {
      // One range tombstone: a batch stays atomic and ordered without reading the rows. Prefixes
      // are deleted rarely (an erased customer), so that reads meet few tombstones.
      std::string end = PrefixEnd(op.key);
      if (end.empty()) end.assign(kLongestPrefix, '\xff');
      batch->DeleteRange(op.key, end);
      return;
    }
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<RocksStore>> RocksStore::Open(const std::string& directory,
                                                             const RocksStoreOptions& options) {
  CRM_CHECK(options.budget != nullptr);
  CRM_RETURN_IF_ERROR(CheckFiles(directory));
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status = rocksdb::DB::Open(DbOptions(options), directory, &db);
  if (!status.ok()) return FromRocks(status, "opening the store " + directory);
  return std::unique_ptr<RocksStore>(new RocksStore(directory, std::unique_ptr<rocksdb::DB>(db)));
}

RocksStore::RocksStore(std::string directory, std::unique_ptr<rocksdb::DB> db)
    : directory_(std::move(directory)), db_(std::move(db)) {}

RocksStore::~RocksStore() = default;

absl::StatusOr<std::optional<std::string>> RocksStore::Get(std::string_view key) const {
  return GetRow(db_.get(), nullptr, key, directory_);
}

std::unique_ptr<RowIterator> RocksStore::Scan(std::string_view begin, std::string_view end) const {
  return std::make_unique<RocksForward>(db_.get(), nullptr, begin, end, directory_);
}

std::unique_ptr<RowIterator> RocksStore::ScanBack(std::string_view begin,
                                                  std::string_view end) const {
  return std::make_unique<RocksBack>(db_.get(), nullptr, begin, end, directory_);
}

namespace {

// Neighbours in the memtable's skip list are found faster one after the other. Changes of one key
// keep their order; a deleted range must stay where it is among all.
std::vector<const RowBatch::Op*> InKeyOrder(const std::vector<RowBatch::Op>& ops) {
  std::vector<const RowBatch::Op*> order;
  order.reserve(ops.size());
  bool ranges = false;
  for (const RowBatch::Op& op : ops) {
    order.push_back(&op);
    ranges |= op.kind == RowBatch::Kind::kDeletePrefix;
  }
  if (!ranges) {
    std::stable_sort(order.begin(), order.end(),
                     [](const auto* a, const auto* b) { return a->key < b->key; });
  }
  return order;
}

}  // namespace

absl::Status RocksStore::Write(const RowBatch& batch) {
  size_t bytes = 0;
  for (const RowBatch::Op& op : batch.ops()) bytes += op.key.size() + op.value.size() + 16;
  rocksdb::SetPerfLevel(rocksdb::PerfLevel::kDisable);
  rocksdb::WriteBatch changes(bytes);
  for (const RowBatch::Op* op : InKeyOrder(batch.ops())) AddTo(&changes, *op);
  return FromRocks(db_->Write(rocksdb::WriteOptions(), &changes), "writing to " + directory_);
}

absl::Status RocksStore::Ingest(const SortedRows& sorted) {
  if (sorted.empty()) return absl::OkStatus();
  // Ingested rows are durable at once: what was written before them must not be lost without them.
  const std::string doing = "ingesting into " + directory_;
  CRM_RETURN_IF_ERROR(FromRocks(db_->Flush(rocksdb::FlushOptions()), doing));
  const std::string file = fmt::format("{}/ingest-{}.sst", directory_, ++ingested_files_);
  // The file is read again soon, and its checksum is known: it was made while it was written.
  rocksdb::SstFileWriter writer(rocksdb::EnvOptions(), db_->GetOptions(), nullptr,
                                /*invalidate_page_cache=*/false);
  rocksdb::Status status = writer.Open(file);
  for (const auto& [key, value] : sorted) {
    if (!status.ok()) break;
    status = writer.Put(ToSlice(key), ToSlice(value));
  }
  rocksdb::ExternalSstFileInfo info;
  if (status.ok()) status = writer.Finish(&info);
  CRM_RETURN_IF_ERROR(FromRocks(status, doing));
  rocksdb::IngestExternalFileArg ingested;
  ingested.column_family = db_->DefaultColumnFamily();
  ingested.external_files = {file};
  ingested.files_checksums = {info.file_checksum};
  ingested.files_checksum_func_names = {info.file_checksum_func_name};
  ingested.options.move_files = true;
  ingested.options.verify_file_checksum = false;
  // Writing into the file would change its checksum.
  ingested.options.write_global_seqno = false;
  return FromRocks(db_->IngestExternalFiles({ingested}), doing);
}

std::unique_ptr<RowReader> RocksStore::Snapshot() const {
  return std::make_unique<RocksSnapshot>(db_.get(), directory_);
}

absl::Status RocksStore::Verify() const {
  const std::string doing = "verifying " + directory_;
  CRM_RETURN_IF_ERROR(FromRocks(db_->VerifyFileChecksums(rocksdb::ReadOptions()), doing));
  CRM_RETURN_IF_ERROR(FromRocks(db_->VerifyChecksum(), doing));
  return VerifyRows();
}

absl::Status RocksStore::VerifyRows() const {
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  const std::unique_ptr<rocksdb::Iterator> rows(db_->NewIterator(options));
  rows->SeekToFirst();
  while (rows->Valid()) rows->Next();
  return FromRocks(rows->status(), "verifying " + directory_);
}

int64_t RocksStore::ApproximateBytes() const {
  uint64_t files = 0;
  uint64_t memory = 0;
  db_->GetIntProperty(rocksdb::DB::Properties::kTotalSstFilesSize, &files);
  db_->GetIntProperty(rocksdb::DB::Properties::kSizeAllMemTables, &memory);
  return static_cast<int64_t>(files + memory);
}

}  // namespace crm
