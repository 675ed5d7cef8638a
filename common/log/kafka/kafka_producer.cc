#include "common/log/kafka/kafka_producer.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "common/base/status.h"

namespace crm {
namespace {

// What one record may take, with its key and headers: topics accept batches of 2 MiB.
constexpr size_t kMessageBytes = 2'080'000;
constexpr size_t kHeaderBytes = 16'384;
constexpr size_t kRecordBytes = kMessageBytes - kHeaderBytes;
constexpr int kRetryMilliseconds = 50;
// How long the thread waits for events before it looks whether it should stop.
constexpr int kPollMilliseconds = 100;
constexpr int kWarmMilliseconds = 10'000;

absl::Status Unknown(std::string_view why) {
  return Error(absl::StatusCode::kUnavailable, "APPEND_UNKNOWN",
               fmt::format("the brokers did not confirm the append, it may or may not be in the "
                           "log: {}. Retry with the same request id",
                           why));
}

KafkaSettings ProducerSettings(TimeNs delivery_timeout) {
  const std::string timeout = std::to_string(delivery_timeout / kMillisecond);
  return {{"enable.idempotence", "true"},
          {"acks", "all"},
          {"linger.ms", "0"},
          {"compression.codec", "zstd"},
          {"message.timeout.ms", timeout},
          {"request.timeout.ms", timeout},
          {"message.max.bytes", std::to_string(kMessageBytes)},
          {"retry.backoff.ms", "20"},
          // The bounds of appends are counted here, not there.
          {"queue.buffering.max.messages", "10000000"},
          {"queue.buffering.max.kbytes", "2097151"}};
}

}  // namespace

struct KafkaProducer::Slot {
  Flight* flight;
  uint32_t index;
};

// One append on its way. Holds what librdkafka points into until the last report is in.
struct KafkaProducer::Flight {
  QueuedAppend append;
  size_t bytes = 0;
  // Reports that are still to come.
  size_t left = 0;
  bool answered = false;
  std::vector<Offset> offsets;
  std::vector<Slot> slots;
};

struct KafkaProducer::Generation {
  std::unique_ptr<KafkaClient> client;
  KafkaPtr<rd_kafka_queue_t> queue;
  std::vector<KafkaPtr<rd_kafka_topic_t>> topics;

  ~Generation() {
    topics.clear();
    queue.reset();
  }
};

absl::StatusOr<std::unique_ptr<KafkaProducer::Generation>> KafkaProducer::MakeGeneration() const {
  auto made = std::make_unique<Generation>();
  CRM_ASSIGN_OR_RETURN(
      made->client, KafkaClient::Make(RD_KAFKA_PRODUCER, options_.connection,
                                      ProducerSettings(options_.delivery_timeout), options_.note));
  made->queue.reset(rd_kafka_queue_get_main(made->client->get()));
  for (const Topic& topic : options_.topics) {
    made->topics.emplace_back(rd_kafka_topic_new(made->client->get(), topic.name.c_str(), nullptr));
  }
  return made;
}

KafkaProducer::KafkaProducer(Options options)
    : options_(std::move(options)), flights_(options_.topics.size() * kPartitions) {}

absl::StatusOr<std::unique_ptr<KafkaProducer>> KafkaProducer::Start(Options options) {
  std::unique_ptr<KafkaProducer> producer(new KafkaProducer(std::move(options)));
  CRM_ASSIGN_OR_RETURN(producer->generation_, producer->MakeGeneration());
  // So that the first append does not wait for the client to learn where the leaders are.
  for (const auto& topic : producer->generation_->topics) {
    const rd_kafka_metadata_t* metadata = nullptr;
    const auto error = rd_kafka_metadata(producer->generation_->client->get(), 0, topic.get(),
                                         &metadata, kWarmMilliseconds);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return KafkaError(error, "reach a broker");
    rd_kafka_metadata_destroy(metadata);
  }
  producer->thread_ = std::thread([raw = producer.get()] { raw->Run(); });
  return producer;
}

KafkaProducer::~KafkaProducer() {
  {
    MutexLock lock(mutex_);
    closed_ = true;
    landed_.WaitFor(lock, 2 * options_.delivery_timeout, [&] { return records_ == 0; });
  }
  stop_ = true;
  if (thread_.joinable()) thread_.join();
  Answers answers;
  for (Flights& flights : flights_) FailPartition(flights, Unknown("the log closed"), &answers);
  Deliver(std::move(answers));
  if (generation_ != nullptr) {
    rd_kafka_purge(generation_->client->get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT |
                                                   RD_KAFKA_PURGE_F_NON_BLOCKING);
  }
  // It points into the flights.
  generation_.reset();
}

absl::Status KafkaProducer::Check(const QueuedAppend& append) const {
  for (const Record& record : *append.records) {
    if (record.key.size() + record.value.size() > kRecordBytes) {
      return Error(absl::StatusCode::kInvalidArgument, "APPEND_TOO_LARGE",
                   fmt::format("a record of {} bytes is larger than the brokers take ({})",
                               record.value.size(), kRecordBytes));
    }
    if (record.kind == RecordKind::kEvent && !KeyBelongs(record.key, append.partition)) {
      return Error(absl::StatusCode::kInvalidArgument, "KEY_ELSEWHERE",
                   fmt::format("an event's key must be tenant/subject and belong to the partition "
                               "it is appended to ({})",
                               append.partition));
    }
  }
  return absl::OkStatus();
}

absl::Status KafkaProducer::Reserve(size_t records, size_t bytes) {
  if (records > options_.bounds.records || bytes > options_.bounds.bytes) {
    return Error(absl::StatusCode::kInvalidArgument, "APPEND_TOO_LARGE",
                 fmt::format("one append of {} records and {} bytes is larger than the whole queue "
                             "({} records, {} bytes): append less at a time",
                             records, bytes, options_.bounds.records, options_.bounds.bytes));
  }
  MutexLock lock(mutex_);
  if (closed_) return Error(absl::StatusCode::kUnavailable, "LOG_STOPPED", "the log is closing");
  if (records_ + records > options_.bounds.records || bytes_ + bytes > options_.bounds.bytes) {
    return RetryLater(absl::StatusCode::kResourceExhausted, "LOG_QUEUE_FULL",
                      "the log's queue is full: retry later", kRetryMilliseconds);
  }
  records_ += records;
  bytes_ += bytes;
  return absl::OkStatus();
}

absl::Status KafkaProducer::Append(QueuedAppend append) {
  CRM_RETURN_IF_ERROR(Check(append));
  const size_t records = append.records->size();
  const size_t bytes = MemoryBytes(*append.records);
  CRM_RETURN_IF_ERROR(Reserve(records, bytes));
  auto flight = std::make_unique<Flight>();
  flight->append = std::move(append);
  flight->bytes = bytes;
  flight->left = records;
  flight->offsets.assign(records, kNoOffset);
  std::vector<KafkaPtr<rd_kafka_headers_t>> headers;
  headers.reserve(records);
  for (size_t i = 0; i < records; ++i) {
    flight->slots.push_back({flight.get(), static_cast<uint32_t>(i)});
    headers.push_back(options_.topics[flight->append.topic].headers->Render(
        options_.epoch, flight->append.partition, (*flight->append.records)[i]));
  }
  // The records of one append lie together, so producing them is one step.
  MutexLock lock(mutex_);
  Flight* raw = flight.get();
  flights_[raw->append.topic * kPartitions + static_cast<size_t>(raw->append.partition)].push_back(
      std::move(flight));
  Produce(raw, std::move(headers));
  return absl::OkStatus();
}

// What librdkafka does not take will not be reported; the append is answered by the thread, as a
// caller must not be called back.
void KafkaProducer::Produce(Flight* flight, std::vector<KafkaPtr<rd_kafka_headers_t>> headers) {
  const QueuedAppend& append = flight->append;
  for (size_t i = 0; i < headers.size(); ++i) {
    if (generation_ == nullptr) {
      flight->left -= headers.size() - i;
      flight->offsets.clear();
      return;
    }
    const Record& record = (*append.records)[i];
    const rd_kafka_vu_t parts[] = {
        {.vtype = RD_KAFKA_VTYPE_RKT, .u = {.rkt = generation_->topics[append.topic].get()}},
        {.vtype = RD_KAFKA_VTYPE_PARTITION, .u = {.i32 = append.partition}},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u = {.i = 0}},
        {.vtype = RD_KAFKA_VTYPE_VALUE,
         .u = {.mem = {const_cast<char*>(record.value.data()), record.value.size()}}},
        {.vtype = RD_KAFKA_VTYPE_KEY,
         .u = {.mem = {record.key.empty() ? nullptr : const_cast<char*>(record.key.data()),
                       record.key.size()}}},
        {.vtype = RD_KAFKA_VTYPE_OPAQUE, .u = {.ptr = &flight->slots[i]}},
        {.vtype = RD_KAFKA_VTYPE_HEADERS, .u = {.headers = headers[i].get()}},
    };
    const KafkaPtr<rd_kafka_error_t> error(
        rd_kafka_produceva(generation_->client->get(), parts, std::size(parts)));
    if (error != nullptr) {
      flight->left -= headers.size() - i;
      flight->offsets.clear();
      broken_ = rd_kafka_error_string(error.get());
      rd_kafka_queue_yield(generation_->queue.get());
      return;
    }
    // Belongs to the message now.
    (void)headers[i].release();
  }
  if (headers.empty() && generation_ != nullptr) rd_kafka_queue_yield(generation_->queue.get());
}

void KafkaProducer::Run() {
  while (!stop_) {
    Generation* generation;
    std::string broken;
    {
      MutexLock lock(mutex_);
      generation = generation_.get();
      broken = broken_;
    }
    if (generation == nullptr || !broken.empty()) {
      Replace(broken);
      continue;
    }
    const KafkaPtr<rd_kafka_event_t> event(
        rd_kafka_queue_poll(generation->queue.get(), kPollMilliseconds));
    if (event != nullptr) Serve(*generation, *event);
    Answers answers;
    {
      MutexLock lock(mutex_);
      for (Flights& flights : flights_) Collect(flights, &answers);
      if (records_ == 0) landed_.NotifyAll();
    }
    Deliver(std::move(answers));
  }
}

void KafkaProducer::Serve(Generation& generation, rd_kafka_event_t& event) {
  if (rd_kafka_event_type(&event) == RD_KAFKA_EVENT_ERROR) {
    char why[512];
    if (rd_kafka_fatal_error(generation.client->get(), why, sizeof why) !=
        RD_KAFKA_RESP_ERR_NO_ERROR) {
      MutexLock lock(mutex_);
      broken_ = why;
    }
    return;
  }
  if (rd_kafka_event_type(&event) != RD_KAFKA_EVENT_DR) return;
  std::set<std::pair<Flights*, rd_kafka_resp_err_t>> failed;
  Answers answers;
  {
    MutexLock lock(mutex_);
    while (const rd_kafka_message_t* message = rd_kafka_event_message_next(&event)) {
      Settle(*message);
      if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) continue;
      const QueuedAppend& append = static_cast<Slot*>(message->_private)->flight->append;
      failed.emplace(&flights_[append.topic * kPartitions + static_cast<size_t>(append.partition)],
                     message->err);
    }
    for (const auto& [flights, error] : failed) {
      Collect(*flights, &answers);
      FailPartition(*flights, Unknown(rd_kafka_err2str(error)), &answers);
    }
  }
  Deliver(std::move(answers));
}

void KafkaProducer::Settle(const rd_kafka_message_t& message) {
  const Slot& slot = *static_cast<Slot*>(message._private);
  --slot.flight->left;
  if (message.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    slot.flight->offsets.clear();
  } else if (!slot.flight->offsets.empty() && message.offset >= 0) {
    // A repeat that the broker knew already has no offset.
    slot.flight->offsets[slot.index] = message.offset;
  }
}

// Answers what is complete at the head of a partition's queue, in the order of the appends.
void KafkaProducer::Collect(Flights& flights, Answers* answers) {
  while (!flights.empty() && flights.front()->left == 0) {
    std::unique_ptr<Flight> flight = std::move(flights.front());
    flights.pop_front();
    records_ -= flight->append.records->size();
    bytes_ -= flight->bytes;
    if (flight->answered) continue;
    Answer answer;
    if (flight->offsets.size() != flight->append.records->size()) {
      answer.done = std::move(flight->append.done);
      answer.failed = Unknown("the producer failed");
    } else {
      answer.landed = std::move(flight);
    }
    answers->push_back(std::move(answer));
  }
}

// The flights stay until their last report is in.
void KafkaProducer::FailPartition(Flights& flights, const absl::Status& why, Answers* answers) {
  for (auto& flight : flights) {
    if (flight->answered) continue;
    flight->answered = true;
    Answer answer;
    answer.done = std::move(flight->append.done);
    answer.failed = why;
    answers->push_back(std::move(answer));
  }
}

void KafkaProducer::Deliver(Answers answers) {
  for (Answer& answer : answers) {
    if (answer.landed == nullptr) {
      answer.done(answer.failed);
      continue;
    }
    const QueuedAppend& append = answer.landed->append;
    std::vector<Offset>& offsets = answer.landed->offsets;
    const bool together =
        !offsets.empty() && offsets.front() != kNoOffset &&
        std::adjacent_find(offsets.begin(), offsets.end(),
                           [](Offset a, Offset b) { return b != a + 1; }) == offsets.end();
    if (together && options_.landed) {
      options_.landed(append.topic, append.partition, offsets.front(), append.records);
    }
    append.done(std::move(offsets));
  }
}

void KafkaProducer::Replace(const std::string& why) {
  if (options_.note) {
    options_.note(fmt::format("kafka: a new producer is made, for the old one failed: {}", why));
  }
  auto made = MakeGeneration();
  std::unique_ptr<Generation> old;
  std::vector<Flights> flights(flights_.size());
  Answers answers;
  {
    MutexLock lock(mutex_);
    old = std::move(generation_);
    if (made.ok()) generation_ = std::move(made).value();
    broken_.clear();
    flights.swap(flights_);
    for (Flights& partition : flights) {
      // Others may have reserved room for a flight that they have not added yet.
      for (const auto& flight : partition) {
        records_ -= flight->append.records->size();
        bytes_ -= flight->bytes;
      }
      FailPartition(partition, Unknown(why), &answers);
    }
    landed_.NotifyAll();
  }
  Deliver(std::move(answers));
  // What it still holds points into the flights: first the producer goes, then they.
  if (old != nullptr) {
    rd_kafka_purge(old->client->get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT |
                                           RD_KAFKA_PURGE_F_NON_BLOCKING);
  }
  old.reset();
}

}  // namespace crm
