// Appends to the bare embedded log, beside what the disk itself gives in the same run: one write
// and one fdatasync after the other to a file that grows, with the bytes of one record.
//
//   log_bench --benchmark_min_time=2     on the file system of $TMPDIR

#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <future>

#include "common/base/check.h"
#include "common/base/hash.h"
#include "common/log/embedded/embedded_log.h"

namespace crm {
namespace {

constexpr char kTopic[] = "crm.bench.events";
// About what one contact's event takes.
constexpr size_t kValueBytes = 350;

class BenchDirectory {
 public:
  BenchDirectory() : path_(std::filesystem::temp_directory_path().string() + "/log-bench-XXXXXX") {
    CRM_CHECK(mkdtemp(path_.data()) != nullptr);
  }
  ~BenchDirectory() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::unique_ptr<EmbeddedLogEngine> OpenLog(const std::string& directory) {
  static SystemRandom random;
  auto engine = EmbeddedLogEngine::Open(
      {.directory = directory, .topics = {kTopic}, .secret_check = "bench", .random = &random});
  CRM_CHECK(engine.ok());
  return std::move(engine).value();
}

Record Event(int64_t number) {
  Record record;
  record.key = fmt::format("default/contacts/c{:026}", number);
  record.fence = 1;
  record.seq = number;
  record.last = true;
  record.value.resize(kValueBytes);
  // Half of it compresses, as names and ids do.
  SeededRandom(static_cast<uint64_t>(number)).Fill(record.value.data(), kValueBytes / 2);
  return record;
}

RecordBatch Events(int64_t first, int64_t count) {
  std::vector<Record> records;
  for (int64_t i = 0; i < count; ++i) records.push_back(Event(first + i));
  return std::make_shared<const std::vector<Record>>(std::move(records));
}

void Report(benchmark::State& state, const EmbeddedLogEngine& engine, int64_t events) {
  state.SetItemsProcessed(events);
  const EmbeddedLogStats stats = engine.stats();
  state.counters["events_per_sync"] =
      static_cast<double>(stats.records) / static_cast<double>(std::max<int64_t>(1, stats.commits));
}

void BM_FdatasyncAppend(benchmark::State& state) {
  const BenchDirectory directory;
  const int fd = open((directory.path() + "/raw").c_str(), O_CREAT | O_WRONLY, 0600);
  CRM_CHECK(fd >= 0);
  const std::string bytes(static_cast<size_t>(state.range(0)) * (kValueBytes + 50), 'x');
  for (auto _ : state) {
    CRM_CHECK(write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
    CRM_CHECK(fdatasync(fd) == 0);
  }
  close(fd);
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_FdatasyncAppend)->Arg(1)->Arg(16)->Arg(128)->UseRealTime();

// One append after the other, each of range(0) events.
void BM_AppendInTurn(benchmark::State& state) {
  const BenchDirectory directory;
  const auto engine = OpenLog(directory.path());
  Log& log = engine->Topic(kTopic);
  const RecordBatch events = Events(0, state.range(0));
  Partition partition = 0;
  for (auto _ : state) {
    std::promise<void> durable;
    const absl::Status queued =
        log.Append(partition, events, [&](absl::StatusOr<std::vector<Offset>> offsets) {
          CRM_CHECK(offsets.ok());
          durable.set_value();
        });
    CRM_CHECK(queued.ok());
    durable.get_future().wait();
    partition = (partition + 1) % kPartitions;
  }
  Report(state, *engine, state.iterations() * state.range(0));
}
BENCHMARK(BM_AppendInTurn)->Arg(1)->Arg(16)->Arg(128)->UseRealTime();

// range(0) appends of one event in flight; the next leaves as one comes back.
void BM_AppendInFlight(benchmark::State& state) {
  const BenchDirectory directory;
  const auto engine = OpenLog(directory.path());
  Log& log = engine->Topic(kTopic);
  std::vector<RecordBatch> events;
  for (int64_t i = 0; i < 1024; ++i) events.push_back(Events(i, 1));
  Mutex mutex;
  CondVar room;
  int64_t in_flight = 0;
  int64_t sent = 0;
  for (auto _ : state) {
    {
      MutexLock lock(mutex);
      room.Wait(lock, [&] { return in_flight < state.range(0); });
      ++in_flight;
    }
    const absl::Status queued =
        log.Append(static_cast<Partition>(sent % kPartitions), events[sent % 1024],
                   [&](absl::StatusOr<std::vector<Offset>> offsets) {
                     CRM_CHECK(offsets.ok());
                     MutexLock lock(mutex);
                     --in_flight;
                     room.NotifyOne();
                   });
    CRM_CHECK(queued.ok());
    ++sent;
  }
  {
    MutexLock lock(mutex);
    room.Wait(lock, [&] { return in_flight == 0; });
  }
  Report(state, *engine, sent);
}
BENCHMARK(BM_AppendInFlight)->Arg(16)->Arg(64)->Arg(256)->UseRealTime();

// Reading a whole log of 200,000 events, after a restart.
void BM_TailFromFiles(benchmark::State& state) {
  constexpr int64_t kEvents = 200'000;
  const BenchDirectory directory;
  {
    const auto engine = OpenLog(directory.path());
    for (int64_t first = 0; first < kEvents; first += 1000) {
      std::promise<void> durable;
      const absl::Status queued = engine->Topic(kTopic).Append(
          static_cast<Partition>(first / 1000 % kPartitions), Events(first, 1000),
          [&](absl::StatusOr<std::vector<Offset>>) { durable.set_value(); });
      CRM_CHECK(queued.ok());
      durable.get_future().wait();
    }
  }
  const auto engine = OpenLog(directory.path());
  for (auto _ : state) {
    std::vector<TailStart> starts;
    for (Partition p = 0; p < kPartitions; ++p) starts.push_back({p, 0});
    auto tail = engine->Topic(kTopic).OpenTail(starts).value();
    int64_t read = 0;
    while (read < kEvents + kPartitions) {
      read += static_cast<int64_t>(tail->Poll(kSecond).value().records.size());
    }
  }
  state.SetItemsProcessed(state.iterations() * kEvents);
}
BENCHMARK(BM_TailFromFiles)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace crm
