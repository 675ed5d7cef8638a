#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/log/embedded/log_directory.h"
#include "common/log/log.h"
#include "common/log/topic_feed.h"

namespace rocksdb {
class ColumnFamilyHandle;
class DB;
class WriteBatch;
}  // namespace rocksdb

namespace crm {

// The RocksDB behind an embedded log: one column family a topic, and the log's identity in the
// default one. Reads are thread-safe; writes come from one thread.
class LogDatabase {
 public:
  struct Options {
    // Topics that must exist; those already in the log are opened too.
    std::vector<std::string> topics;
    // For write buffers and the block cache.
    size_t memory_bytes = 0;
    // Identity of a log that is made; of an existing one only the secret check is compared, unless
    // empty.
    LogIdentity identity;
    // The identity is that of a log whose records are appended one by one, genesis too: topics are
    // made empty, and what the log's epoch is follows `identity`.
    bool restoring = false;
  };

  // Makes the log in the directory's draft place and moves it to where it stays, complete.
  static absl::Status Make(const LogDirectory& directory, const Options& options);
  // Opens the log; adds topics it lacks. See EmbeddedLogEngine::Open for errors.
  static absl::StatusOr<std::unique_ptr<LogDatabase>> Open(const LogDirectory& directory,
                                                           const Options& options);
  // Moves what only the write-ahead log holds into tables, so that the next start has nothing to
  // recover.
  ~LogDatabase();

  const LogIdentity& identity() const { return identity_; }
  size_t topics() const { return topics_.size(); }
  const std::string& topic(size_t index) const { return topics_[index].name; }
  // Read when the log was opened.
  const TopicFeed::Ends& ends_at_open(size_t topic) const { return topics_[topic].ends; }

  // Records of [from, end) of one partition, as RecordSource::Read promises.
  absl::StatusOr<std::vector<Record>> Read(size_t topic, Partition partition, Offset from,
                                           Offset end) const;

  // Collects records for one synced write.
  void Add(size_t topic, Partition partition, Offset first, const std::vector<Record>& records);
  // Writes and syncs what was collected, then forgets it. On an error some, all or none of it may
  // be found at the next Open.
  absl::Status Commit();

  // Appends the next epoch to every partition at `ends` (one entry a topic) in one synced write.
  absl::Status WriteEpoch(const std::vector<TopicFeed::Ends>& ends);

  // Checks every table file's checksums, then every record below `ends`: decodes, offsets without a
  // hole, begins with this log's genesis.
  absl::Status Verify(const std::vector<TopicFeed::Ends>& ends) const;

 private:
  struct TopicFamily {
    std::string name;
    rocksdb::ColumnFamilyHandle* family;
    TopicFeed::Ends ends = {};
  };

  LogDatabase(std::string directory, std::unique_ptr<rocksdb::DB> db,
              const std::vector<rocksdb::ColumnFamilyHandle*>& families);

  static absl::StatusOr<std::unique_ptr<LogDatabase>> OpenFamilies(const LogDirectory& directory,
                                                                   const Options& options);
  absl::Status LoadIdentity(const std::string& secret_check);
  absl::Status CheckRestored(const LogIdentity& identity);
  absl::Status CheckTopicsExist() const;
  absl::Status AddFamily(const std::string& name, size_t memory_bytes);
  absl::Status LoadTopic(size_t topic, bool restoring);
  absl::StatusOr<Offset> LoadEnd(const TopicFamily& topic, Partition partition) const;
  absl::Status MakeTopic(size_t topic, const std::vector<Record>& first);
  absl::StatusOr<std::string> GetMeta(const std::string& key) const;
  absl::Status CheckGenesis(size_t topic, Partition partition) const;
  absl::Status VerifyPartition(size_t topic, Partition partition, Offset end) const;
  absl::Status Damaged(std::string_view what) const;
  absl::Status Damaged(size_t topic, Partition partition, Offset offset,
                       std::string_view what) const;

  const std::string directory_;
  std::unique_ptr<rocksdb::DB> db_;
  rocksdb::ColumnFamilyHandle* meta_;
  std::vector<TopicFamily> topics_;
  LogIdentity identity_;
  std::unique_ptr<rocksdb::WriteBatch> batch_;
  std::string head_;
};

}  // namespace crm
