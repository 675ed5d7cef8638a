// Works on the files of a stopped server, or on a log it made itself; each mode is a process of its
// own, so that its peak of memory is its own too. Answers one line of JSON on stdout.
//
//   rebuild_bench make DIR --events N      a log of N created contacts, as the service writes them
//   rebuild_bench append DIR --events N    appends one event after the other: p50 and p99
//   rebuild_bench tail DIR                 one tail over all partitions; counts records
//   rebuild_bench count DIR                every record of the log, decoded; contacts counted once
//   rebuild_bench decode DIR               reads and decodes every event: the ceiling of a rebuild
//   rebuild_bench core|view DIR            bulk rebuild of the core, or of the view by name
//
// DIR is a data directory; its log lies in DIR/log, or with --kafka-bootstrap in --topic there. A
// rebuild leaves DIR as it was, but for DIR/rebuilt, made anew each time.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "common/aggregate/core_fold.h"
#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/base/mutex.h"
#include "common/base/random.h"
#include "common/base/secret.h"
#include "common/base/status.h"
#include "common/base/timestamp.h"
#include "common/projection/bulk_rebuild.h"
#include "common/projection/event_schema.h"
#include "common/storage/rocks_store.h"
#include "crm/common/v1/log_control.pb.h"
#include "crm/contact/v1/contact_events.pb.h"
#include "services/contact/api/contact_service.h"
#include "tests/bench/bench_log.h"
#include "tests/bench/bench_rows.h"
#include "tests/bench/sample_contacts.h"

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr size_t kRecordsPerAppend = 256;
constexpr int kAppendsInFlight = 64;

struct Options {
  std::string mode;
  std::string directory;
  int64_t events = 0;
  int64_t memory_budget = 512 << 20;
  int threads = 1;
  std::string kafka_bootstrap;
  std::string topic = "crm.contact.events";
};

// One line of the answer.
struct Report {
  int64_t events = 0;
  int64_t contacts = 0;
  int64_t value_bytes = 0;
  double seconds = 0;
  int64_t rebuilt_bytes = 0;
  double p50_ms = 0;
  double p99_ms = 0;
};

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

int64_t BytesIn(const fs::path& directory) {
  int64_t bytes = 0;
  if (!fs::exists(directory)) return 0;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file()) bytes += static_cast<int64_t>(entry.file_size());
  }
  return bytes;
}

int64_t PeakMemory() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stoll(line.substr(6)) * 1024;
  }
  return 0;
}

absl::StatusOr<std::unique_ptr<crm::LogEngine>> OpenLog(const Options& options,
                                                        crm::Random* maker) {
  return crm::OpenBenchLog({options.directory + "/log", options.kafka_bootstrap, options.topic,
                            static_cast<size_t>(options.memory_budget / 4)},
                           maker);
}

crm::EventSource Source() {
  static const crm::EventSchema schema(crm::contact::v1::ContactRecord::default_instance());
  static crm::PlainSealer sealer;
  return {schema, sealer};
}

// --- making a log

crm::Record OwnRecord(const crm::LogIdentity& identity) {
  crm::common::v1::LogControl control;
  auto* own = control.mutable_own();
  own->set_attempt(std::string(32, 'a'));
  own->set_owner("bench");
  own->set_log_id(identity.log_id);
  own->set_secret_check(identity.secret_check);
  crm::Record record;
  record.kind = crm::RecordKind::kOwn;
  record.value = control.SerializeAsString();
  return record;
}

// Appends batches, some in flight, and remembers the first failure. One thread appends.
class Appender {
 public:
  explicit Appender(crm::Log& log) : log_(log) {}
  ~Appender() { Wait(0); }

  void Append(crm::Partition partition, std::vector<crm::Record> records) {
    Wait(kAppendsInFlight - 1);
    {
      crm::MutexLock lock(mutex_);
      ++in_flight_;
    }
    const absl::Status status =
        log_.Append(partition, std::make_shared<const std::vector<crm::Record>>(std::move(records)),
                    [this](const absl::StatusOr<std::vector<crm::Offset>>& offsets) {
                      Done(offsets.status());
                    });
    if (!status.ok()) Done(status);
  }

  absl::Status Finish() {
    Wait(0);
    crm::MutexLock lock(mutex_);
    return failure_;
  }

 private:
  void Wait(int in_flight) {
    crm::MutexLock lock(mutex_);
    done_.WaitFor(lock, 60 * crm::kSecond, [&] { return in_flight_ <= in_flight; });
  }
  void Done(const absl::Status& status) {
    crm::MutexLock lock(mutex_);
    --in_flight_;
    if (!status.ok()) failure_ = status;
    done_.NotifyAll();
  }

  crm::Log& log_;
  crm::Mutex mutex_;
  crm::CondVar done_;
  int in_flight_ = 0;
  absl::Status failure_;
};

std::unique_ptr<google::protobuf::Message> CreatedRecord(int64_t number, const std::string& name,
                                                         crm::TimeNs recorded) {
  const crm::contact::v1::CreateContactRequest request = crm::SampleCreate(0, number);
  const crm::contact::v1::Contact& contact = request.contact();
  auto record = std::make_unique<crm::contact::v1::ContactRecord>();
  auto* metadata = record->mutable_metadata();
  metadata->set_tenant("default");
  metadata->set_aggregate(name);
  metadata->set_aggregate_version(1);
  metadata->set_request_id(request.request_id());
  crm::SetTimestamp(recorded, metadata->mutable_recorded_time());
  metadata->set_payload_hmac(crm::Hash128(name));
  auto* created = record->mutable_contact()->mutable_created();
  auto* personal = created->mutable_plain();
  personal->set_display_name(contact.display_name());
  personal->set_given_name(contact.given_name());
  personal->set_family_name(contact.family_name());
  *personal->mutable_emails() = contact.emails();
  *personal->mutable_phones() = contact.phones();
  created->set_kind(contact.kind());
  created->set_language_code(contact.language_code());
  created->set_region_code(contact.region_code());
  return record;
}

absl::StatusOr<Report> Make(const Options& options) {
  crm::SystemRandom random;
  crm::SystemClock clock;
  CRM_ASSIGN_OR_RETURN(const crm::Secret secret, crm::Secret::FromBytes(std::string(32, 's')));
  CRM_ASSIGN_OR_RETURN(const auto engine, OpenLog(options, &random));
  crm::Log& log = engine->Topic(options.topic);
  std::vector<crm::Offset> fences;
  Appender appender(log);
  for (crm::Partition p = 0; p < crm::kPartitions; ++p) {
    CRM_ASSIGN_OR_RETURN(const crm::Offset end, log.EndOffset(p));
    fences.push_back(end);
    appender.Append(p, {OwnRecord(log.identity())});
  }
  std::vector<std::vector<crm::Record>> waiting(crm::kPartitions);
  std::vector<int64_t> written(crm::kPartitions);
  const auto flush = [&](size_t partition) {
    if (waiting[partition].empty()) return;
    appender.Append(static_cast<crm::Partition>(partition), std::move(waiting[partition]));
    waiting[partition].clear();
  };
  const crm::TimeNs started = clock.Now();
  const auto start = Clock::now();
  for (int64_t i = 0; i < options.events; ++i) {
    const std::string name = "contacts/" + secret.DeriveId('c', "bench", {std::to_string(i)});
    CRM_ASSIGN_OR_RETURN(
        crm::Event event,
        Source().schema.Encode(CreatedRecord(i, name, started + i * 1000), Source().sealer));
    crm::Record record;
    record.key = "default/" + name;
    const auto partition = static_cast<size_t>(crm::PartitionOf(record.key));
    record.fence = fences[partition];
    record.seq = ++written[partition];
    record.last = true;
    record.value = std::move(event.value);
    waiting[partition].push_back(std::move(record));
    if (waiting[partition].size() >= kRecordsPerAppend) flush(partition);
  }
  for (size_t p = 0; p < waiting.size(); ++p) flush(p);
  CRM_RETURN_IF_ERROR(appender.Finish());
  return Report{.events = options.events, .seconds = SecondsSince(start)};
}

// --- one append after the other

absl::StatusOr<Report> AppendInTurn(const Options& options) {
  crm::SystemRandom random;
  CRM_ASSIGN_OR_RETURN(const auto engine, OpenLog(options, &random));
  crm::Log& log = engine->Topic(options.topic);
  std::vector<double> milliseconds;
  const auto start = Clock::now();
  for (int64_t i = 0; i < options.events; ++i) {
    const std::string name = fmt::format("contacts/c{:026}", i);
    CRM_ASSIGN_OR_RETURN(crm::Event event,
                         Source().schema.Encode(CreatedRecord(i, name, i), Source().sealer));
    crm::Record record;
    record.key = "default/" + name;
    record.seq = i + 1;
    record.last = true;
    record.value = std::move(event.value);
    const crm::Partition partition = crm::PartitionOf(record.key);
    auto records = std::make_shared<const std::vector<crm::Record>>(1, std::move(record));
    std::promise<absl::Status> landed;
    const auto begun = Clock::now();
    CRM_RETURN_IF_ERROR(
        log.Append(partition, records, [&](const absl::StatusOr<std::vector<crm::Offset>>& at) {
          landed.set_value(at.status());
        }));
    CRM_RETURN_IF_ERROR(landed.get_future().get());
    milliseconds.push_back(1000 * SecondsSince(begun));
  }
  return Report{.events = options.events,
                .seconds = SecondsSince(start),
                .p50_ms = crm::Quantile(milliseconds, 0.5),
                .p99_ms = crm::Quantile(milliseconds, 0.99)};
}

// --- reading it

// The bare tail: nothing is decoded.
absl::StatusOr<Report> TailAll(const Options& options) {
  CRM_ASSIGN_OR_RETURN(const auto engine, OpenLog(options, nullptr));
  crm::Log& log = engine->Topic(options.topic);
  std::vector<crm::TailStart> starts;
  int64_t left = 0;
  for (crm::Partition p = 0; p < crm::kPartitions; ++p) {
    CRM_ASSIGN_OR_RETURN(const crm::Offset end, log.EndOffset(p));
    left += end;
    starts.push_back({p, 0});
  }
  Report report;
  const auto start = Clock::now();
  CRM_ASSIGN_OR_RETURN(const auto tail, log.OpenTail(starts));
  for (; left > 0;) {
    CRM_ASSIGN_OR_RETURN(const crm::TailBatch batch, tail->Poll(crm::kSecond));
    left -= static_cast<int64_t>(batch.records.size());
    for (const crm::Record& record : batch.records) {
      if (record.kind != crm::RecordKind::kEvent) continue;
      ++report.events;
      report.value_bytes += static_cast<int64_t>(record.value.size());
    }
  }
  report.seconds = SecondsSince(start);
  if (report.events > 0) report.value_bytes /= report.events;
  return report;
}

// Of every `step`th partition from `first` on.
template <typename Each>
absl::Status ForEachRecord(crm::Log& log, Each each, int first = 0, int step = 1) {
  for (crm::Partition p = first; p < crm::kPartitions; p += step) {
    CRM_ASSIGN_OR_RETURN(const crm::Offset end, log.EndOffset(p));
    CRM_ASSIGN_OR_RETURN(const auto tail, log.OpenTail({{p, 0}}));
    crm::Offset next = 0;
    while (next < end) {
      CRM_ASSIGN_OR_RETURN(crm::TailBatch batch, tail->Poll(crm::kSecond));
      next += static_cast<crm::Offset>(batch.records.size());
      for (crm::Record& record : batch.records) CRM_RETURN_IF_ERROR(each(std::move(record)));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Report> Count(const Options& options) {
  CRM_ASSIGN_OR_RETURN(const auto engine, OpenLog(options, nullptr));
  Report report;
  absl::flat_hash_set<std::string> names;
  CRM_RETURN_IF_ERROR(ForEachRecord(engine->Topic(options.topic), [&](crm::Record record) {
    if (record.kind != crm::RecordKind::kEvent) return absl::OkStatus();
    ++report.events;
    report.value_bytes += static_cast<int64_t>(record.value.size());
    names.insert(record.key);
    return absl::OkStatus();
  }));
  report.contacts = static_cast<int64_t>(names.size());
  if (report.events > 0) report.value_bytes /= report.events;
  return report;
}

absl::StatusOr<Report> Decode(const Options& options) {
  CRM_ASSIGN_OR_RETURN(const auto engine, OpenLog(options, nullptr));
  std::vector<absl::Status> results(static_cast<size_t>(options.threads));
  std::vector<int64_t> events(results.size());
  const auto decode = [&](size_t thread) {
    results[thread] = ForEachRecord(
        engine->Topic(options.topic),
        [&](crm::Record record) {
          if (record.kind != crm::RecordKind::kEvent) return absl::OkStatus();
          ++events[thread];
          return Source().schema.Decode(std::move(record), Source().sealer).status();
        },
        static_cast<int>(thread), options.threads);
  };
  const auto start = Clock::now();
  std::vector<std::thread> others;
  for (size_t i = 1; i < results.size(); ++i) others.emplace_back(decode, i);
  decode(0);
  for (std::thread& other : others) other.join();
  Report report;
  report.seconds = SecondsSince(start);
  for (const absl::Status& result : results) CRM_RETURN_IF_ERROR(result);
  for (const int64_t count : events) report.events += count;
  return report;
}

absl::StatusOr<Report> Rebuild(const Options& options) {
  const crm::ServiceDefinition service = crm::contact::MakeContactService({});
  crm::AggregateTypes types;
  for (const auto& type : service.aggregates) types[type->record_field()] = type.get();
  const crm::CoreProjection core(types, service.core_version);
  const crm::Projection& projection = options.mode == "core"
                                          ? static_cast<const crm::Projection&>(core)
                                          : *service.views.front().projection;

  CRM_ASSIGN_OR_RETURN(const auto engine, OpenLog(options, nullptr));
  const std::string rebuilt = options.directory + "/rebuilt";
  fs::remove_all(rebuilt);
  crm::StorageBudget budget(options.memory_budget / 2);
  crm::RocksStoreOptions store_options;
  store_options.budget = &budget;
  Report report;
  {
    CRM_ASSIGN_OR_RETURN(const auto store, crm::RocksStore::Open(rebuilt, store_options));
    crm::RebuildOptions rebuild;
    rebuild.buffer_bytes = options.memory_budget / 4;
    rebuild.threads = options.threads;
    const auto start = Clock::now();
    CRM_ASSIGN_OR_RETURN(
        const crm::RebuildProgress progress,
        crm::BulkRebuild(engine->Topic(options.topic), projection, Source(), *store, rebuild));
    report.seconds = SecondsSince(start);
    report.events = progress.events_folded;
  }
  report.rebuilt_bytes = BytesIn(rebuilt);
  return report;
}

absl::StatusOr<Report> Run(const Options& options) {
  if (options.mode == "make") return Make(options);
  if (options.mode == "append") return AppendInTurn(options);
  if (options.mode == "tail") return TailAll(options);
  if (options.mode == "count") return Count(options);
  if (options.mode == "decode") return Decode(options);
  return Rebuild(options);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Rebuilds and counts on the files of a log");
  app.add_option("mode", options.mode)
      ->required()
      ->check(CLI::IsMember({"make", "append", "count", "tail", "decode", "core", "view"}));
  app.add_option("directory", options.directory)->required();
  app.add_option("--events", options.events);
  app.add_option("--memory-budget", options.memory_budget);
  app.add_option("--kafka-bootstrap", options.kafka_bootstrap, "host:port; the log lies there");
  app.add_option("--topic", options.topic);
  app.add_option("--threads", options.threads, "of decode and of a rebuild");
  CLI11_PARSE(app, argc, argv);
  fs::create_directories(options.directory);
  const auto report = Run(options);
  if (!report.ok()) {
    std::fprintf(stderr, "rebuild_bench: %s\n", std::string(report.status().message()).c_str());
    return 1;
  }
  std::printf("%s\n",
              fmt::format("{{\"events\":{},\"contacts\":{},\"value_bytes\":{},\"seconds\":{:.4f},"
                          "\"peak_bytes\":{},\"log_bytes\":{},\"rebuilt_bytes\":{},\"p50_ms\":{:."
                          "4f},\"p99_ms\":{:.4f}}}",
                          report->events, report->contacts, report->value_bytes, report->seconds,
                          PeakMemory(), BytesIn(fs::path(options.directory) / "log"),
                          report->rebuilt_bytes, report->p50_ms, report->p99_ms)
                  .c_str());
  return 0;
}
