#include "common/log/kafka/log_restorer.h"

#include <fmt/format.h>

#include <algorithm>
#include <future>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/log/kafka/broker_queries.h"
#include "common/log/kafka/history_reader.h"
#include "common/log/kafka/kafka_producer.h"

namespace crm {
namespace {

constexpr TimeNs kPatience = 30 * kSecond;
// For what is fetched ahead.
constexpr size_t kReadMemory = 64 << 20;

// A busy broker may answer later than a producer waits for it at its start.
absl::StatusOr<std::unique_ptr<KafkaProducer>> StartProducer(
    BrokerQueries& queries, const KafkaProducer::Options& options) {
  const SystemClock clock;
  const TimeNs deadline = clock.Monotonic() + kPatience;
  while (true) {
    auto producer = KafkaProducer::Start(options);
    if (!absl::IsUnavailable(producer.status()) || clock.Monotonic() > deadline) return producer;
    CRM_RETURN_IF_ERROR(queries.Brokers(kPatience).status());
  }
}

}  // namespace

struct KafkaLogRestorer::State {
  std::vector<KafkaTopic> topics;
  std::vector<std::unique_ptr<RecordHeaders>> headers;
  std::unique_ptr<BrokerQueries> queries;
  std::unique_ptr<KafkaProducer> producer;
  std::unique_ptr<HistoryReader> reader;

  size_t IndexOf(const std::string& topic) const {
    const auto found = std::find_if(topics.begin(), topics.end(),
                                    [&](const KafkaTopic& each) { return each.name == topic; });
    return static_cast<size_t>(found - topics.begin());
  }
};

absl::StatusOr<std::unique_ptr<KafkaLogRestorer>> KafkaLogRestorer::Open(Options options) {
  auto state = std::make_unique<State>();
  state->topics = options.topics;
  KafkaProducer::Options producing;
  producing.connection = options.connection;
  producing.epoch = options.epoch;
  producing.delivery_timeout = kPatience;
  for (const KafkaTopic& topic : options.topics) {
    state->headers.push_back(std::make_unique<RecordHeaders>(topic.name, topic.record));
    producing.topics.push_back({topic.name, state->headers.back().get()});
  }
  CRM_ASSIGN_OR_RETURN(state->queries, BrokerQueries::Make(options.connection, nullptr));
  CRM_RETURN_IF_ERROR(state->queries->Brokers(kPatience).status());
  CRM_ASSIGN_OR_RETURN(state->producer, StartProducer(*state->queries, producing));
  state->reader = std::make_unique<HistoryReader>(options.connection, kReadMemory, nullptr);
  return std::unique_ptr<KafkaLogRestorer>(new KafkaLogRestorer(std::move(state)));
}

KafkaLogRestorer::KafkaLogRestorer(std::unique_ptr<State> state) : state_(std::move(state)) {}

KafkaLogRestorer::~KafkaLogRestorer() = default;

absl::StatusOr<Offset> KafkaLogRestorer::End(const std::string& topic, Partition partition) {
  CRM_ASSIGN_OR_RETURN(const auto begins, state_->queries->Begins({{topic, partition}}, kPatience));
  CRM_ASSIGN_OR_RETURN(const auto ends, state_->queries->Ends({{topic, partition}}, kPatience));
  if (begins.front() == 0) return ends.front();
  return Error(absl::StatusCode::kDataLoss, "LOG_TRIMMED",
               fmt::format("{} partition {} begins at offset {}: records were deleted; use topics "
                           "that are new",
                           topic, partition, begins.front()));
}

absl::Status KafkaLogRestorer::Append(const std::string& topic, Partition partition,
                                      const std::vector<Record>& records) {
  using Outcome = absl::StatusOr<std::vector<Offset>>;
  auto appended = std::make_shared<std::promise<Outcome>>();
  auto outcome = appended->get_future();
  QueuedAppend append;
  append.topic = state_->IndexOf(topic);
  append.partition = partition;
  append.records = std::make_shared<const std::vector<Record>>(records);
  append.done = [appended](Outcome offsets) { appended->set_value(std::move(offsets)); };
  CRM_RETURN_IF_ERROR(state_->producer->Append(std::move(append)));
  CRM_ASSIGN_OR_RETURN(const std::vector<Offset> offsets, outcome.get());
  for (size_t i = 0; i < offsets.size(); ++i) {
    // Landed, as a repeat that the broker knew; reading it back tells where.
    if (offsets[i] == kNoOffset || offsets[i] == records[i].offset) continue;
    return Error(absl::StatusCode::kFailedPrecondition, "OFFSET_TAKEN",
                 fmt::format("{} partition {}: a record for offset {} came to lie at {}. Somebody "
                             "else writes to the topic; stop that, and begin again with new topics",
                             topic, partition, records[i].offset, offsets[i]));
  }
  return absl::OkStatus();
}

absl::Status KafkaLogRestorer::Read(const std::string& topic, Partition partition, Offset from,
                                    Offset to, const Each& each) {
  while (from < to) {
    CRM_ASSIGN_OR_RETURN(const auto records, state_->reader->Read(topic, partition, from, to));
    from = records.back().offset + 1;
    CRM_RETURN_IF_ERROR(each(records));
  }
  return absl::OkStatus();
}

}  // namespace crm
