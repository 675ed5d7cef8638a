// What the Kafka engine costs and carries, against the broker of --bootstrap, on a topic of its
// own:
//   kafka_bench --bootstrap=127.0.0.1:9092 [--records=500000]

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <future>
#include <string>
#include <vector>

#include "common/base/check.h"
#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/base/mutex.h"
#include "common/base/random.h"
#include "common/log/kafka/kafka_log.h"
#include "common/log/kafka/kafka_topics.h"

namespace crm {
namespace {

constexpr int kSingles = 1'000;
constexpr size_t kInFlight = 64;
constexpr int kAppendRecords = 256;
constexpr size_t kValueBytes = 300;

std::vector<std::string> Keys() {
  std::vector<std::string> keys(kPartitions);
  for (int i = 0; std::count(keys.begin(), keys.end(), "") > 0; ++i) {
    const std::string key = fmt::format("default/contacts/c{}", i);
    keys[static_cast<size_t>(PartitionOf(key))] = key;
  }
  return keys;
}

class KafkaBench {
 public:
  explicit KafkaBench(std::string bootstrap) {
    const std::string topic = "crm.bench" + random_.Uuid().substr(0, 8) + ".events";
    options_.connection.bootstrap = std::move(bootstrap);
    options_.topics = {{topic, nullptr}};
    options_.secret_check = "bench";
    const auto made = CreateTopics(options_.connection,
                                   {.topics = {topic}, .identity = {random_.Uuid(), "bench", 0}});
    CRM_CHECK(made.ok());
    Open();
    random_.Fill(value_.data(), value_.size());
  }

  void Open() {
    engine_.reset();
    const TimeNs start = clock_.Monotonic();
    auto engine = KafkaLogEngine::Open(options_);
    CRM_CHECK(engine.ok());
    engine_ = std::move(engine).value();
    log_ = &engine_->Topic(options_.topics[0].name);
    fmt::print("open: {:.0f} ms\n", Since(start) / 1e6);
  }

  void One() {
    std::vector<TimeNs> times;
    for (int i = 0; i < kSingles; ++i) {
      const TimeNs start = clock_.Monotonic();
      std::promise<void> done;
      Append(i % kPartitions, 1, [&] { done.set_value(); });
      done.get_future().wait();
      times.push_back(Since(start));
    }
    fmt::print("first append: {:.2f} ms\n", times[0] / 1e6);
    std::sort(times.begin(), times.end());
    fmt::print("one append: p50 {:.3f} ms, p99 {:.3f} ms\n", times[kSingles / 2] / 1e6,
               times[kSingles * 99 / 100] / 1e6);
  }

  void Many(int appends, int records, const char* what) {
    size_t under_way = 0;
    Mutex mutex;
    CondVar changed;
    const TimeNs start = clock_.Monotonic();
    for (int i = 0; i < appends; ++i) {
      {
        MutexLock lock(mutex);
        changed.Wait(lock, [&] { return under_way < kInFlight; });
        ++under_way;
      }
      Append(i % kPartitions, records, [&] {
        MutexLock lock(mutex);
        --under_way;
        changed.NotifyOne();
      });
    }
    MutexLock lock(mutex);
    changed.Wait(lock, [&] { return under_way == 0; });
    fmt::print("{}: {:.0f} records/s\n", what, 1e9 * appends * records / Since(start));
  }

  // All partitions by one tail, from the beginning.
  void Tail() {
    std::vector<TailStart> starts;
    Offset total = 0;
    for (Partition p = 0; p < kPartitions; ++p) {
      starts.push_back({p, 0});
      total += log_->EndOffset(p).value();
    }
    const TimeNs start = clock_.Monotonic();
    auto tail = log_->OpenTail(starts).value();
    for (Offset read = 0; read < total;) {
      const auto batch = tail->Poll(kSecond);
      CRM_CHECK(batch.ok());
      read += static_cast<Offset>(batch->records.size());
    }
    fmt::print("tail of {} records: {:.0f} records/s\n", total, 1e9 * total / Since(start));
  }

  void End() {
    std::vector<TimeNs> times;
    for (int i = 0; i < kSingles; ++i) {
      const TimeNs start = clock_.Monotonic();
      CRM_CHECK(log_->EndOffset(i % kPartitions).ok());
      times.push_back(Since(start));
    }
    std::sort(times.begin(), times.end());
    fmt::print("one end: p50 {:.3f} ms\n", times[kSingles / 2] / 1e6);
  }

 private:
  TimeNs Since(TimeNs start) const { return clock_.Monotonic() - start; }

  template <typename Done>
  void Append(Partition partition, int count, Done done) {
    std::vector<Record> records(static_cast<size_t>(count));
    for (Record& record : records) {
      record.key = keys_[static_cast<size_t>(partition)];
      record.fence = 1;
      record.seq = ++seq_;
      record.last = true;
      record.value = value_;
    }
    const auto batch = std::make_shared<const std::vector<Record>>(std::move(records));
    CRM_CHECK(log_->Append(partition, batch,
                           [done](absl::StatusOr<std::vector<Offset>> offsets) {
                             CRM_CHECK(offsets.ok());
                             done();
                           })
                  .ok());
  }

  const SystemClock clock_;
  SystemRandom random_;
  const std::vector<std::string> keys_ = Keys();
  std::string value_ = std::string(kValueBytes, '\0');
  int64_t seq_ = 0;
  KafkaLogOptions options_;
  std::unique_ptr<KafkaLogEngine> engine_;
  Log* log_ = nullptr;
};

}  // namespace
}  // namespace crm

int main(int argc, char** argv) {
  std::string bootstrap = "127.0.0.1:9092";
  int records = 500'000;
  CLI::App app("Kafka engine alone");
  app.add_option("--bootstrap", bootstrap);
  app.add_option("--records", records);
  CLI11_PARSE(app, argc, argv);
  crm::KafkaBench bench(bootstrap);
  bench.One();
  bench.Many(100'000, 1, "64 in flight, one record each");
  bench.Many(records / crm::kAppendRecords, crm::kAppendRecords, "64 in flight, 256 records each");
  bench.End();
  bench.Open();
  bench.Tail();
  bench.Tail();
  return 0;
}
