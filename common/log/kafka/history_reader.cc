#include "common/log/kafka/history_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/log/kafka/record_headers.h"
#include "common/log/kafka/topic_tip.h"

namespace crm {
namespace {

constexpr size_t kBatchRecords = 2'048;
constexpr size_t kBatchBytes = 1 << 20;
constexpr TimeNs kPatience = 10 * kSecond;
constexpr int kPollMilliseconds = 250;
// A cursor that has nothing for so long looks whether its client only sleeps.
constexpr int kStarvedMilliseconds = 2;
// Below it fetching ahead gains little.
constexpr size_t kLeastCursorBytes = 1 << 20;
constexpr size_t kMostCursors = 64;
// Readers of one partition at several places at once are few; beyond them the place that is not
// being read gives way.
constexpr size_t kEnoughClients = 4;

}  // namespace

struct HistoryReader::Client {
  std::unique_ptr<KafkaClient> client;
};

// One partition being read ahead by one client, into a queue of its own.
struct HistoryReader::Cursor {
  Client* client;
  std::string topic;
  Partition partition;
  KafkaPtr<rd_kafka_topic_t> handle;
  KafkaPtr<rd_kafka_queue_t> queue;
  RecordRun run;
  bool busy = true;

  ~Cursor() { rd_kafka_consume_stop(handle.get(), partition); }

  // Waits for the first record, takes what else is there.
  absl::StatusOr<std::vector<Record>> Read(Offset end) {
    const SystemClock clock;
    const TimeNs deadline = clock.Monotonic() + kPatience;
    std::vector<rd_kafka_message_t*> messages(256);
    bool woken = false;
    while (run.next() < end && run.records().size() < kBatchRecords && run.bytes() < kBatchBytes) {
      const bool wait = run.records().empty();
      if (wait && clock.Monotonic() > deadline) {
        return KafkaError(RD_KAFKA_RESP_ERR__TIMED_OUT,
                          fmt::format("read {} partition {}", topic, partition));
      }
      ssize_t count;
      if (wait) {
        messages[0] =
            rd_kafka_consume_queue(queue.get(), woken ? kPollMilliseconds : kStarvedMilliseconds);
        if (messages[0] == nullptr && !std::exchange(woken, true)) WakeClient();
        if (messages[0] == nullptr) continue;
        count = 1;
      } else {
        const size_t room =
            std::min<size_t>(messages.size(), static_cast<size_t>(end - run.next()));
        count = rd_kafka_consume_batch_queue(queue.get(), 0, messages.data(), room);
        if (count <= 0) break;
      }
      absl::Status seen;
      for (ssize_t i = 0; i < count; ++i) {
        if (seen.ok()) seen = See(*messages[i], end);
        rd_kafka_message_destroy(messages[i]);
      }
      CRM_RETURN_IF_ERROR(seen);
    }
    return run.Take();
  }

  // Once as much is fetched ahead as it may hold, librdkafka's thread of a broker sleeps for up to
  // a second, however soon that is read (its issue 2879; a setting for it came with 2.2). A request
  // to the partition's leader wakes it. What it answers does not matter.
  void WakeClient() {
    const KafkaPtr<rd_kafka_topic_partition_list_t> end(rd_kafka_topic_partition_list_new(1));
    rd_kafka_topic_partition_list_add(end.get(), topic.c_str(), partition)->offset =
        RD_KAFKA_OFFSET_END;
    (void)rd_kafka_offsets_for_times(client->client->get(), end.get(), kPollMilliseconds);
  }

  absl::Status See(const rd_kafka_message_t& message, Offset end) {
    switch (message.err) {
      case RD_KAFKA_RESP_ERR_NO_ERROR:
        if (message.offset >= end) return run.FillTo(end);
        return run.Add(RecordOf(message));
      case RD_KAFKA_RESP_ERR__PARTITION_EOF:
        return run.FillTo(std::min(message.offset, end));
      case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
      case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
        return LogReplaced(topic, partition, fmt::format("offset {} is not there", run.next()));
      case RD_KAFKA_RESP_ERR__BAD_MSG:
        return Error(absl::StatusCode::kDataLoss, "LOG_DAMAGED",
                     fmt::format("{} partition {} holds a damaged batch at offset {}: restore the "
                                 "topic from a copy",
                                 topic, partition, run.next()));
      default:
        return absl::OkStatus();
    }
  }
};

HistoryReader::HistoryReader(KafkaConnection connection, size_t memory_bytes, KafkaNote note)
    : connection_(std::move(connection)),
      cursors_allowed_(std::clamp<size_t>(memory_bytes / kLeastCursorBytes, 1, kMostCursors)),
      cursor_bytes_(std::max(kLeastCursorBytes, memory_bytes / cursors_allowed_)),
      note_(std::move(note)) {}

HistoryReader::~HistoryReader() {
  cursors_.clear();
  clients_.clear();
}

absl::StatusOr<std::vector<Record>> HistoryReader::Read(const std::string& topic,
                                                        Partition partition, Offset from,
                                                        Offset end) {
  CRM_ASSIGN_OR_RETURN(Cursor* const cursor, Take(topic, partition, from));
  auto records = cursor->Read(end);
  // At its end a reader turns to what lies in memory.
  Return(cursor, records.ok() && cursor->run.next() < end);
  return records;
}

absl::StatusOr<HistoryReader::Cursor*> HistoryReader::Take(const std::string& topic,
                                                           Partition partition, Offset from) {
  MutexLock lock(mutex_);
  for (auto cursor = cursors_.begin(); cursor != cursors_.end(); ++cursor) {
    Cursor& found = **cursor;
    if (found.busy || found.partition != partition || found.topic != topic) continue;
    if (found.run.next() != from) continue;
    found.busy = true;
    cursors_.splice(cursors_.end(), cursors_, cursor);
    return &found;
  }
  MakeRoom();
  CRM_ASSIGN_OR_RETURN(Client* const client, ClientFor(topic, partition));
  rd_kafka_t* const handle = client->client->get();
  cursors_.push_back(std::unique_ptr<Cursor>(new Cursor{
      client, topic, partition,
      KafkaPtr<rd_kafka_topic_t>(rd_kafka_topic_new(handle, topic.c_str(), nullptr)),
      KafkaPtr<rd_kafka_queue_t>(rd_kafka_queue_new(handle)), RecordRun(topic, partition, from)}));
  Cursor* const cursor = cursors_.back().get();
  rd_kafka_consume_start_queue(cursor->handle.get(), partition, from, cursor->queue.get());
  return cursor;
}

void HistoryReader::MakeRoom() {
  for (auto cursor = cursors_.begin();
       cursor != cursors_.end() && cursors_.size() >= cursors_allowed_;) {
    cursor = (*cursor)->busy ? std::next(cursor) : cursors_.erase(cursor);
  }
}

// A client reads a partition at one place at a time.
absl::StatusOr<HistoryReader::Client*> HistoryReader::ClientFor(const std::string& topic,
                                                                Partition partition) {
  for (const auto& client : clients_) {
    const bool reads = std::any_of(cursors_.begin(), cursors_.end(), [&](const auto& cursor) {
      return cursor->client == client.get() && cursor->topic == topic &&
             cursor->partition == partition;
    });
    if (!reads) return client.get();
  }
  if (clients_.size() >= kEnoughClients) {
    const auto idle = std::find_if(cursors_.begin(), cursors_.end(), [&](const auto& cursor) {
      return !cursor->busy && cursor->topic == topic && cursor->partition == partition;
    });
    if (idle != cursors_.end()) {
      Client* const client = (*idle)->client;
      cursors_.erase(idle);
      return client;
    }
  }
  auto made = std::make_unique<Client>();
  CRM_ASSIGN_OR_RETURN(
      made->client,
      KafkaClient::Make(RD_KAFKA_CONSUMER, connection_,
                        {{"enable.auto.commit", "false"},
                         {"auto.offset.reset", "error"},
                         {"check.crcs", "true"},
                         {"isolation.level", "read_uncommitted"},
                         {"enable.partition.eof", "true"},
                         {"fetch.wait.max.ms", "20"},
                         {"fetch.error.backoff.ms", "20"},
                         {"queued.min.messages", "10000000"},
                         {"queued.max.messages.kbytes", std::to_string(cursor_bytes_ / 1'024)}},
                        note_));
  clients_.push_back(std::move(made));
  return clients_.back().get();
}

void HistoryReader::Return(Cursor* cursor, bool keep) {
  MutexLock lock(mutex_);
  cursor->busy = false;
  if (keep) return;
  const auto found = std::find_if(cursors_.begin(), cursors_.end(),
                                  [&](const auto& held) { return held.get() == cursor; });
  cursors_.erase(found);
}

}  // namespace crm
