#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/mutex.h"
#include "common/base/random.h"
#include "common/log/append_queue.h"
#include "common/log/log_engine.h"

namespace crm {

class DirectoryLock;
class LogDatabase;
class LogDirectory;

struct EmbeddedLogOptions {
  // Made where it is missing; holds nothing but the log.
  std::string directory;
  // Topics to serve. One that the log lacks is added; those it has beside them are served too.
  std::vector<std::string> topics;
  // Secret::CheckValue(). Empty only for tools that read: then any secret's log is opened, none
  // made.
  std::string secret_check;
  // Source of a new log's id. Without one a missing log is NOT_FOUND instead of made.
  Random* random = nullptr;
  // Makes or opens a log of this identity whose topics begin empty: whoever copies a log into it
  // appends every record, the genesis too (and RecordKind::kForeign as it was read). To be served
  // only once it is complete, opened without this.
  std::optional<LogIdentity> restored;
  // Over all topics.
  AppendBounds bounds;
  // For RocksDB's write buffers and block cache, and for the latest records, which tails read from
  // memory.
  size_t memory_bytes = 128 << 20;
};

// Counts since the engine was opened.
struct EmbeddedLogStats {
  int64_t commits = 0;
  int64_t records = 0;
  // Records waiting or being committed now.
  int64_t queued = 0;
};

// The log in one directory, for one process: all topics in one RocksDB, one thread that commits for
// all of them. What was queued while one commit was synced forms the next. Thread-safe unless told.
//
// Guarantees beyond Log's: an acknowledged append survives kill -9 and power loss. A torn tail is
// repaired when the log is opened; damage before it is refused; what is damaged later answers
// DATA_LOSS when read. The very last append before a crash cannot be told from a torn one if the
// disk damages it (docs/guarantees.md).
//
// When a write or sync fails, the appends concerned answer UNAVAILABLE (they may or may not be
// found at the next Open) and so does every later append: the engine takes no more until it is
// opened anew. Reading goes on. Append itself answers UNAVAILABLE then, and while the engine
// closes; nothing was queued.
class EmbeddedLogEngine final : public LogEngine {
 public:
  // Checks every byte that RocksDB would recover from, opens the log, or makes one. Errors:
  //   FAILED_PRECONDITION  another process uses the directory (DIRECTORY_IN_USE), or the secret is
  //   not the
  //                        log's (SECRET_MISMATCH)
  //   DATA_LOSS            damage; names file and place. Nothing was changed.
  //   NOT_FOUND            no log there, and none may be made
  //   ALREADY_EXISTS       another log than the one to be restored lies there (OTHER_LOG)
  //   RESOURCE_EXHAUSTED   disk full
  //   UNAVAILABLE          the directory cannot be used
  static absl::StatusOr<std::unique_ptr<EmbeddedLogEngine>> Open(EmbeddedLogOptions options);

  // Commits what is queued, then closes. Tails are gone before.
  ~EmbeddedLogEngine() override;

  Log& Topic(std::string_view name) override;
  std::vector<std::string> topics() const override;
  const LogIdentity& identity() const override;
  bool shared() const override { return false; }
  std::unique_ptr<OwnershipHints> Hints(const std::string&, const std::string&) override {
    return nullptr;
  }

  // Reads all there is: checksums of every file, every record decodes, no hole. Appends go on.
  // DATA_LOSS names file, or topic, partition and offset.
  absl::Status Verify() const override;
  // Nobody else can change the files while the lock is held: OK.
  absl::Status Check() override { return absl::OkStatus(); }

  // Declares that the log was restored from an older copy: appends EPOCH{identity().epoch + 1} to
  // every partition. Not while anybody else uses the engine.
  absl::Status AdoptRestored();

  EmbeddedLogStats stats() const;

 private:
  class EmbeddedTopic;

  EmbeddedLogEngine(EmbeddedLogOptions options, std::unique_ptr<LogDirectory> directory,
                    std::unique_ptr<DirectoryLock> lock, std::unique_ptr<LogDatabase> database);

  void CommitLoop();
  absl::Status Commit(const std::vector<QueuedAppend>& appends, std::vector<Offset>* firsts);
  void Publish(const std::vector<QueuedAppend>& appends, const std::vector<Offset>& firsts);
  void Stop(const absl::Status& why);

  const EmbeddedLogOptions options_;
  const std::unique_ptr<LogDirectory> directory_;
  const std::unique_ptr<DirectoryLock> lock_;
  const std::unique_ptr<LogDatabase> database_;
  std::vector<std::unique_ptr<EmbeddedTopic>> topics_;
  AppendQueue queue_;
  // Held while a commit writes, so that Verify sees write-ahead logs at rest.
  mutable Mutex commit_mutex_;
  std::atomic<int64_t> commits_ = 0;
  std::atomic<int64_t> records_ = 0;
  // Why nothing is committed any more; the committer's own.
  absl::Status stopped_;
  std::thread committer_;
};

}  // namespace crm
