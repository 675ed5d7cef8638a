#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/mutex.h"
#include "common/log/append_queue.h"
#include "common/log/kafka/kafka_client.h"
#include "common/log/kafka/record_headers.h"

namespace crm {

// One idempotent producer for all topics. What fails for one partition answers UNAVAILABLE for all
// that is on its way to that partition; a fatal error of the producer for all there is, and the
// producer is made anew. Thread-safe.
class KafkaProducer {
 public:
  struct Topic {
    std::string name;
    const RecordHeaders* headers = nullptr;
  };
  // Told of records that lie at `first` and the offsets behind, before their append is answered. On
  // the producer's thread.
  using Landed =
      std::function<void(size_t topic, Partition partition, Offset first, const RecordBatch&)>;
  struct Options {
    KafkaConnection connection;
    std::vector<Topic> topics;
    int64_t epoch = 0;
    AppendBounds bounds;
    TimeNs delivery_timeout = 10 * kSecond;
    KafkaNote note;
    Landed landed;
  };

  static absl::StatusOr<std::unique_ptr<KafkaProducer>> Start(Options options);
  // Waits for what is on its way, for as long as its time-out allows.
  ~KafkaProducer();

  // See Log::Append. INVALID_ARGUMENT: a record larger than the brokers take, or an event whose key
  // does not belong to the partition (every reader would take it for a foreign record).
  absl::Status Append(QueuedAppend append);

 private:
  struct Flight;
  struct Slot;
  struct Generation;
  using Flights = std::deque<std::unique_ptr<Flight>>;
  struct Answer {
    std::unique_ptr<Flight> landed;
    Log::AppendDone done;
    absl::Status failed;
  };
  using Answers = std::vector<Answer>;

  explicit KafkaProducer(Options options);
  absl::StatusOr<std::unique_ptr<Generation>> MakeGeneration() const;
  absl::Status Check(const QueuedAppend& append) const;
  absl::Status Reserve(size_t records, size_t bytes);
  void Produce(Flight* flight, std::vector<KafkaPtr<rd_kafka_headers_t>> headers);
  // The producer's thread.
  void Run();
  void Serve(Generation& generation, rd_kafka_event_t& event);
  void Settle(const rd_kafka_message_t& message);
  void FailPartition(Flights& flights, const absl::Status& why, Answers* answers);
  void Collect(Flights& flights, Answers* answers);
  void Deliver(Answers answers);
  void Replace(const std::string& why);

  const Options options_;
  mutable Mutex mutex_;
  CondVar landed_;
  // Null while a new one cannot be made.
  std::unique_ptr<Generation> generation_;
  // By topic and partition, in the order of appends.
  std::vector<Flights> flights_;
  size_t records_ = 0;
  size_t bytes_ = 0;
  // Why the generation is of no use any more.
  std::string broken_;
  bool closed_ = false;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

}  // namespace crm
