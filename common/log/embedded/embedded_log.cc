#include "common/log/embedded/embedded_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "common/base/check.h"
#include "common/base/status.h"
#include "common/log/control_records.h"
#include "common/log/embedded/log_database.h"
#include "common/log/embedded/log_directory.h"
#include "common/log/topic_feed.h"
#include "common/storage/directory_lock.h"
#include "common/storage/files.h"

namespace crm {
namespace {

// Enough that a sync's cost vanishes; more would only delay the first of its appends.
constexpr size_t kCommitBytes = 8 << 20;

std::vector<Offset> OffsetsFrom(Offset first, size_t count) {
  std::vector<Offset> offsets(count);
  std::iota(offsets.begin(), offsets.end(), first);
  return offsets;
}

absl::Status NoLogIn(const std::string& directory) {
  return Error(absl::StatusCode::kNotFound, "LOG_NOT_FOUND",
               fmt::format("there is no log in {}: check --data-dir", directory));
}

}  // namespace

// One topic: its readable side, and a door to the engine's queue.
class EmbeddedLogEngine::EmbeddedTopic final : public Log, private RecordSource {
 public:
  EmbeddedTopic(EmbeddedLogEngine* engine, size_t index, size_t recent_bytes)
      : engine_(engine),
        index_(index),
        ends_(engine->database_->ends_at_open(index)),
        feed_(topic(), ends_, recent_bytes, this) {}

  const std::string& topic() const override { return engine_->database_->topic(index_); }
  const LogIdentity& identity() const override { return engine_->identity(); }

  absl::Status Append(Partition partition, RecordBatch records, AppendDone done) override {
    CRM_CHECK(partition >= 0 && partition < kPartitions);
    return engine_->queue_.Push({index_, partition, std::move(records), std::move(done)});
  }

  void ReadEnd(Partition partition, EndDone done) override { done(feed_.End(partition)); }

  absl::StatusOr<std::unique_ptr<Tail>> OpenTail(std::vector<TailStart> starts) override {
    return feed_.OpenTail(std::move(starts));
  }

  absl::StatusOr<Offset> BeginOffset(Partition) override { return 0; }
  absl::StatusOr<Offset> EndOffset(Partition partition) override { return feed_.End(partition); }

  TopicFeed& feed() { return feed_; }
  // Ends as the committer counts them; only for whoever commits.
  TopicFeed::Ends& ends() { return ends_; }

 private:
  absl::StatusOr<std::vector<Record>> Read(Partition partition, Offset from, Offset end) override {
    return engine_->database_->Read(index_, partition, from, end);
  }

  EmbeddedLogEngine* const engine_;
  const size_t index_;
  TopicFeed::Ends ends_;
  TopicFeed feed_;
};

absl::StatusOr<std::unique_ptr<EmbeddedLogEngine>> EmbeddedLogEngine::Open(
    EmbeddedLogOptions options) {
  auto directory = std::make_unique<LogDirectory>(options.directory);
  const bool makes_log =
      options.restored.has_value() || (options.random != nullptr && !options.secret_check.empty());
  if (options.random == nullptr && !makes_log && !FileExists(options.directory)) {
    return NoLogIn(options.directory);
  }
  CRM_RETURN_IF_ERROR(MakeDirectories(options.directory));
  CRM_ASSIGN_OR_RETURN(auto lock, DirectoryLock::Take(options.directory));
  CRM_ASSIGN_OR_RETURN(const bool has_log, directory->HasLog());

  LogDatabase::Options database_options;
  database_options.topics = options.topics;
  database_options.memory_bytes = options.memory_bytes / 4 * 3;
  database_options.identity.secret_check = options.secret_check;
  if (options.restored.has_value()) {
    database_options.identity = *options.restored;
    database_options.restoring = true;
  } else if (!has_log) {
    if (!makes_log) return NoLogIn(options.directory);
    database_options.identity.log_id = options.random->Uuid();
  }
  if (!has_log) {
    CRM_RETURN_IF_ERROR(LogDatabase::Make(*directory, database_options));
  }
  CRM_RETURN_IF_ERROR(directory->CheckAndRepair());
  CRM_ASSIGN_OR_RETURN(auto database, LogDatabase::Open(*directory, database_options));
  CRM_RETURN_IF_ERROR(directory->Mark(database->identity().log_id));
  return std::unique_ptr<EmbeddedLogEngine>(new EmbeddedLogEngine(
      std::move(options), std::move(directory), std::move(lock), std::move(database)));
}

EmbeddedLogEngine::EmbeddedLogEngine(EmbeddedLogOptions options,
                                     std::unique_ptr<LogDirectory> directory,
                                     std::unique_ptr<DirectoryLock> lock,
                                     std::unique_ptr<LogDatabase> database)
    : options_(std::move(options)),
      directory_(std::move(directory)),
      lock_(std::move(lock)),
      database_(std::move(database)),
      queue_(options_.bounds) {
  const size_t recent = options_.memory_bytes / 4 / std::max<size_t>(1, database_->topics());
  for (size_t topic = 0; topic < database_->topics(); ++topic) {
    topics_.push_back(std::make_unique<EmbeddedTopic>(this, topic, recent));
  }
  committer_ = std::thread([this] { CommitLoop(); });
}

EmbeddedLogEngine::~EmbeddedLogEngine() {
  queue_.Close(Error(absl::StatusCode::kUnavailable, "LOG_STOPPED", "the log is closing"));
  committer_.join();
  for (auto& topic : topics_) topic->feed().Close();
}

Log& EmbeddedLogEngine::Topic(std::string_view name) {
  for (auto& topic : topics_) {
    if (topic->topic() == name) return *topic;
  }
  CRM_CHECK(false && "a topic that the log was not opened with");
  std::abort();
}

std::vector<std::string> EmbeddedLogEngine::topics() const {
  std::vector<std::string> names;
  for (const auto& topic : topics_) names.push_back(topic->topic());
  return names;
}

const LogIdentity& EmbeddedLogEngine::identity() const {
  return database_->identity();
}

EmbeddedLogStats EmbeddedLogEngine::stats() const {
  return {commits_.load(), records_.load(), static_cast<int64_t>(queue_.records())};
}

void EmbeddedLogEngine::CommitLoop() {
  std::vector<Offset> firsts;
  while (true) {
    const std::vector<QueuedAppend> appends = queue_.Take(kCommitBytes);
    if (appends.empty()) return;
    const absl::Status committed = Commit(appends, &firsts);
    if (!committed.ok()) {
      Stop(committed);
      queue_.Release(appends);
      for (const QueuedAppend& append : appends) append.done(stopped_);
      continue;
    }
    Publish(appends, firsts);
    queue_.Release(appends);
    for (size_t i = 0; i < appends.size(); ++i) {
      appends[i].done(OffsetsFrom(firsts[i], appends[i].records->size()));
    }
  }
}

// This is where an append becomes durable.
absl::Status EmbeddedLogEngine::Commit(const std::vector<QueuedAppend>& appends,
                                       std::vector<Offset>* firsts) {
  if (!stopped_.ok()) return stopped_;
  firsts->clear();
  size_t records = 0;
  for (const QueuedAppend& append : appends) {
    Offset& end = topics_[append.topic]->ends()[append.partition];
    database_->Add(append.topic, append.partition, end, *append.records);
    firsts->push_back(end);
    end += static_cast<Offset>(append.records->size());
    records += append.records->size();
  }
  MutexLock lock(commit_mutex_);
  CRM_RETURN_IF_ERROR(database_->Commit());
  commits_.fetch_add(1, std::memory_order_relaxed);
  records_.fetch_add(static_cast<int64_t>(records), std::memory_order_relaxed);
  return absl::OkStatus();
}

void EmbeddedLogEngine::Publish(const std::vector<QueuedAppend>& appends,
                                const std::vector<Offset>& firsts) {
  std::vector<std::vector<TopicFeed::Appended>> by_topic(topics_.size());
  for (size_t i = 0; i < appends.size(); ++i) {
    by_topic[appends[i].topic].push_back({appends[i].partition, firsts[i], appends[i].records});
  }
  for (size_t topic = 0; topic < topics_.size(); ++topic) {
    if (!by_topic[topic].empty()) topics_[topic]->feed().Publish(by_topic[topic]);
  }
}

// Whether a failed sync wrote anything cannot be known, and what a later sync says of it means
// nothing: the only honest way on is to open the log anew and look.
void EmbeddedLogEngine::Stop(const absl::Status& why) {
  if (!stopped_.ok()) return;
  stopped_ =
      Error(absl::StatusCode::kUnavailable, "LOG_WRITE_FAILED",
            fmt::format("the log in {} takes no more appends until it is restarted, because a "
                        "write failed: {}. Mend the disk or free some space, then restart",
                        options_.directory,
                        std::string_view(why.message().data(), why.message().size())));
  queue_.Close(stopped_);
}

absl::Status EmbeddedLogEngine::Verify() const {
  std::vector<TopicFeed::Ends> ends(topics_.size());
  std::vector<std::pair<std::string, int64_t>> settled;
  {
    MutexLock lock(commit_mutex_);
    CRM_ASSIGN_OR_RETURN(settled, directory_->Wals());
  }
  for (size_t topic = 0; topic < topics_.size(); ++topic) {
    for (Partition p = 0; p < kPartitions; ++p) ends[topic][p] = topics_[topic]->feed().End(p);
  }
  CRM_RETURN_IF_ERROR(directory_->CheckWals(settled));
  return database_->Verify(ends);
}

absl::Status EmbeddedLogEngine::AdoptRestored() {
  const int64_t number = identity().epoch + 1;
  MutexLock lock(commit_mutex_);
  std::vector<TopicFeed::Ends> ends;
  for (auto& topic : topics_) ends.push_back(topic->ends());
  CRM_RETURN_IF_ERROR(database_->WriteEpoch(ends));
  const auto epoch = std::make_shared<const std::vector<Record>>(1, EpochRecord(number));
  for (auto& topic : topics_) {
    for (Partition p = 0; p < kPartitions; ++p) {
      topic->feed().Publish({{p, topic->ends()[p]++, epoch}});
    }
  }
  return absl::OkStatus();
}

}  // namespace crm
