#include "common/log/kafka/kafka_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <future>

#include "common/base/check.h"
#include "common/base/status.h"
#include "common/log/kafka/broker_queries.h"
#include "common/log/kafka/end_reader.h"
#include "common/log/kafka/genesis_check.h"
#include "common/log/kafka/group_hints.h"
#include "common/log/kafka/history_reader.h"
#include "common/log/kafka/kafka_producer.h"
#include "common/log/kafka/record_headers.h"
#include "common/log/kafka/topic_settings.h"
#include "common/log/kafka/topic_tip.h"
#include "common/log/topic_feed.h"

namespace crm {
namespace {

constexpr TimeNs kPatience = 10 * kSecond;
// How long a tail that begins at the end waits until the tip is there.
constexpr TimeNs kTipPatience = 5 * kSecond;

// One topic: its readable side, and a door to the producer.
class KafkaTopicLog final : public Log, private RecordSource {
 public:
  struct Parts {
    KafkaProducer* producer = nullptr;
    EndReader* ends = nullptr;
    HistoryReader* history = nullptr;
    const LogIdentity* identity = nullptr;
  };
  KafkaTopicLog(std::string name, size_t index, const TopicFeed::Ends& ends, size_t recent_bytes,
                const Parts* parts)
      : name_(std::move(name)),
        index_(index),
        parts_(parts),
        feed_(name_, ends, recent_bytes, this) {}

  const std::string& topic() const override { return name_; }
  const LogIdentity& identity() const override { return *parts_->identity; }

  absl::Status Append(Partition partition, RecordBatch records, AppendDone done) override {
    CRM_CHECK(partition >= 0 && partition < kPartitions);
    CRM_RETURN_IF_ERROR(feed_.Failure(partition));
    return parts_->producer->Append({index_, partition, std::move(records), std::move(done)});
  }

  void ReadEnd(Partition partition, EndDone done) override {
    CRM_CHECK(partition >= 0 && partition < kPartitions);
    parts_->ends->Ask(name_, partition, std::move(done));
  }

  absl::StatusOr<std::unique_ptr<Tail>> OpenTail(std::vector<TailStart> starts) override {
    for (const TailStart& start : starts) {
      CRM_CHECK(start.partition >= 0 && start.partition < kPartitions);
      if (start.from > feed_.End(start.partition)) CRM_RETURN_IF_ERROR(WaitForTip(start));
    }
    return feed_.OpenTail(std::move(starts));
  }

  absl::StatusOr<Offset> BeginOffset(Partition) override { return 0; }

  absl::StatusOr<Offset> EndOffset(Partition partition) override {
    auto promise = std::make_shared<std::promise<absl::StatusOr<Offset>>>();
    auto answer = promise->get_future();
    ReadEnd(partition,
            [promise](absl::StatusOr<Offset> end) { promise->set_value(std::move(end)); });
    return answer.get();
  }

  TopicFeed& feed() { return feed_; }

 private:
  // What lies beyond the true end is left to the feed to refuse.
  absl::Status WaitForTip(const TailStart& start) {
    CRM_ASSIGN_OR_RETURN(const Offset end, EndOffset(start.partition));
    if (start.from > end || feed_.WaitForEnd(start.partition, start.from, kTipPatience)) {
      return absl::OkStatus();
    }
    return Error(absl::StatusCode::kUnavailable, "LOG_BEHIND",
                 fmt::format("the reader of {} partition {} is at offset {} of {}: retry later",
                             name_, start.partition, feed_.End(start.partition), end));
  }

  absl::StatusOr<std::vector<Record>> Read(Partition partition, Offset from, Offset end) override {
    return parts_->history->Read(name_, partition, from, end);
  }

  const std::string name_;
  const size_t index_;
  const Parts* const parts_;
  TopicFeed feed_;
};

}  // namespace

struct KafkaLogEngine::State {
  KafkaLogOptions options;
  std::vector<std::string> names;
  std::vector<LogPlace> places;
  LogIdentity identity;
  std::unique_ptr<BrokerQueries> queries;
  std::unique_ptr<EndReader> ends;
  std::unique_ptr<HistoryReader> history;
  std::vector<std::unique_ptr<RecordHeaders>> headers;
  KafkaTopicLog::Parts parts;
  std::vector<std::unique_ptr<KafkaTopicLog>> topics;
  std::unique_ptr<KafkaProducer> producer;
  std::unique_ptr<TopicTip> tip;

  absl::Status Look(std::vector<Offset>* log_ends);
  absl::Status StartReading(const std::vector<Offset>& log_ends);
  absl::Status StartWriting();
  absl::Status CheckEnds();
  absl::Status CheckFirst();
  absl::Status Fail(const LogPlace& place, absl::Status why);
  absl::Status FirstFailure() const;
};

// Everything that is checked before the log is used.
absl::Status KafkaLogEngine::State::Look(std::vector<Offset>* log_ends) {
  CRM_RETURN_IF_ERROR(queries->Brokers(kPatience).status());
  CRM_ASSIGN_OR_RETURN(const auto shapes, queries->Shapes(names, kPatience));
  CRM_RETURN_IF_ERROR(CheckTopicSettings(*queries, names, shapes, kPatience));
  CRM_ASSIGN_OR_RETURN(*log_ends, queries->Ends(places, kPatience));
  CRM_ASSIGN_OR_RETURN(const auto identities, ReadGenesis(*queries, places, *log_ends, kPatience));
  CRM_ASSIGN_OR_RETURN(identity, OneIdentity(places, identities));
  CRM_RETURN_IF_ERROR(CheckSecret(identity, options.secret_check));
  CRM_ASSIGN_OR_RETURN(identity.epoch, FindEpoch(*queries, places, *log_ends, kPatience));
  return absl::OkStatus();
}

absl::Status KafkaLogEngine::State::StartReading(const std::vector<Offset>& log_ends) {
  CRM_ASSIGN_OR_RETURN(auto end_queries, BrokerQueries::Make(options.connection, options.note));
  ends = std::make_unique<EndReader>(std::move(end_queries), options.delivery_timeout);
  history =
      std::make_unique<HistoryReader>(options.connection, options.memory_bytes / 2, options.note);
  parts.ends = ends.get();
  parts.history = history.get();
  parts.identity = &identity;
  std::vector<TopicTip::Topic> followed;
  for (size_t topic = 0; topic < names.size(); ++topic) {
    TopicFeed::Ends topic_ends;
    std::copy_n(log_ends.begin() + static_cast<std::ptrdiff_t>(topic * kPartitions), kPartitions,
                topic_ends.begin());
    topics.push_back(std::make_unique<KafkaTopicLog>(
        names[topic], topic, topic_ends, options.memory_bytes / 4 / names.size(), &parts));
    followed.push_back({names[topic], &topics.back()->feed()});
  }
  CRM_ASSIGN_OR_RETURN(tip, TopicTip::Start(options.connection, std::move(followed),
                                            options.memory_bytes / 4, options.note));
  return absl::OkStatus();
}

absl::Status KafkaLogEngine::State::StartWriting() {
  KafkaProducer::Options writing;
  writing.connection = options.connection;
  for (const KafkaTopic& topic : options.topics) {
    headers.push_back(std::make_unique<RecordHeaders>(topic.name, topic.record));
    writing.topics.push_back({topic.name, headers.back().get()});
  }
  writing.epoch = identity.epoch;
  writing.bounds = options.bounds;
  writing.delivery_timeout = options.delivery_timeout;
  writing.note = options.note;
  // Readers need not wait until what was just written comes back from the brokers.
  writing.landed = [this](size_t topic, Partition partition, Offset first,
                          const RecordBatch& records) {
    topics[topic]->feed().Offer({partition, first, records});
  };
  CRM_ASSIGN_OR_RETURN(producer, KafkaProducer::Start(std::move(writing)));
  parts.producer = producer.get();
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<KafkaLogEngine>> KafkaLogEngine::Open(KafkaLogOptions options) {
  auto state = std::make_unique<State>();
  state->options = std::move(options);
  for (const KafkaTopic& topic : state->options.topics) state->names.push_back(topic.name);
  state->places = PlacesOf(state->names);
  CRM_ASSIGN_OR_RETURN(state->queries,
                       BrokerQueries::Make(state->options.connection, state->options.note));
  std::vector<Offset> ends;
  CRM_RETURN_IF_ERROR(state->Look(&ends));
  CRM_RETURN_IF_ERROR(state->StartReading(ends));
  CRM_RETURN_IF_ERROR(state->StartWriting());
  return std::unique_ptr<KafkaLogEngine>(new KafkaLogEngine(std::move(state)));
}

KafkaLogEngine::KafkaLogEngine(std::unique_ptr<State> state) : state_(std::move(state)) {}

KafkaLogEngine::~KafkaLogEngine() {
  state_->producer.reset();
  state_->ends.reset();
  state_->tip.reset();
  for (auto& topic : state_->topics) topic->feed().Close();
}

Log& KafkaLogEngine::Topic(std::string_view name) {
  for (auto& topic : state_->topics) {
    if (topic->topic() == name) return *topic;
  }
  CRM_CHECK(false && "a topic that the log was not opened with");
  std::abort();
}

std::vector<std::string> KafkaLogEngine::topics() const {
  return state_->names;
}

const LogIdentity& KafkaLogEngine::identity() const {
  return state_->identity;
}

std::unique_ptr<OwnershipHints> KafkaLogEngine::Hints(const std::string& topic,
                                                      const std::string& group) {
  return MakeGroupHints({.connection = state_->options.connection,
                         .topic = topic,
                         .group = group,
                         .session_timeout = state_->options.session_timeout,
                         .note = state_->options.note});
}

absl::Status KafkaLogEngine::State::Fail(const LogPlace& place, absl::Status why) {
  for (auto& topic : topics) {
    if (topic->topic() == place.topic) topic->feed().Fail(place.partition, why);
  }
  return why;
}

// Of the partitions whose tails have failed.
absl::Status KafkaLogEngine::State::FirstFailure() const {
  for (const auto& topic : topics) {
    for (Partition p = 0; p < kPartitions; ++p) CRM_RETURN_IF_ERROR(topic->feed().Failure(p));
  }
  return absl::OkStatus();
}

// An end below what was read, or a beginning above 0: the log is not the one that was opened.
absl::Status KafkaLogEngine::State::CheckEnds() {
  std::vector<Offset> read;
  for (auto& topic : topics) {
    for (const Offset end : topic->feed().AllEnds()) read.push_back(end);
  }
  CRM_ASSIGN_OR_RETURN(const auto begins, queries->Begins(places, kPatience));
  CRM_ASSIGN_OR_RETURN(const auto now, queries->Ends(places, kPatience));
  absl::Status first;
  for (size_t i = 0; i < places.size(); ++i) {
    absl::Status wrong;
    if (begins[i] > 0) wrong = LogTrimmed(places[i].topic, places[i].partition, begins[i]);
    if (now[i] < read[i]) {
      wrong = LogReplaced(places[i].topic, places[i].partition,
                          fmt::format("it ends at offset {}, and {} was read", now[i], read[i]));
    }
    if (wrong.ok()) continue;
    Fail(places[i], wrong).IgnoreError();
    if (first.ok()) first = wrong;
  }
  return first;
}

// A topic that was made anew has another first record in each of its partitions; one is looked at.
absl::Status KafkaLogEngine::State::CheckFirst() {
  std::vector<LogPlace> first;
  for (const auto& topic : topics) {
    if (topic->feed().Failure(0).ok()) first.push_back({topic->topic(), 0});
  }
  CRM_ASSIGN_OR_RETURN(const auto now, queries->Ends(first, kPatience));
  CRM_ASSIGN_OR_RETURN(const auto found, ReadGenesis(*queries, first, now, kPatience));
  absl::Status wrong;
  for (size_t i = 0; i < first.size(); ++i) {
    if (found[i].has_value() && found[i]->log_id == identity.log_id) continue;
    for (Partition p = 0; p < kPartitions; ++p) {
      const absl::Status replaced =
          Fail({first[i].topic, p},
               LogReplaced(
                   first[i].topic, p,
                   fmt::format("it is of log {}, not {}",
                               found[i].has_value() ? found[i]->log_id : "none", identity.log_id)));
      if (wrong.ok()) wrong = replaced;
    }
  }
  return wrong;
}

// All is looked at every time: a fault of one partition hides none of another.
absl::Status KafkaLogEngine::Check() {
  CRM_ASSIGN_OR_RETURN(const auto shapes, state_->queries->Shapes(state_->names, kPatience));
  absl::Status settings = CheckTopicSettings(*state_->queries, state_->names, shapes, kPatience);
  // Without the topic nothing else can be asked; with it, a wrong log is told before a setting.
  if (settings.code() == absl::StatusCode::kNotFound) {
    return Error(absl::StatusCode::kFailedPrecondition, "TOPIC_MISSING",
                 std::string(settings.message()));
  }
  const absl::Status ends = state_->CheckEnds();
  const absl::Status first = state_->CheckFirst();
  CRM_RETURN_IF_ERROR(ends);
  CRM_RETURN_IF_ERROR(first);
  CRM_RETURN_IF_ERROR(state_->FirstFailure());
  return settings;
}

absl::Status KafkaLogEngine::Verify() const {
  for (auto& topic : state_->topics) {
    for (Partition p = 0; p < kPartitions; ++p) {
      CRM_ASSIGN_OR_RETURN(const Offset end, topic->EndOffset(p));
      for (Offset next = 0; next < end;) {
        CRM_ASSIGN_OR_RETURN(const auto records,
                             state_->history->Read(topic->topic(), p, next, end));
        next = records.back().offset + 1;
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace crm
