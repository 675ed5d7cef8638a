#pragma once

#include <crm/common/v1/log_control.pb.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/base/check.h"
#include "common/base/mutex.h"
#include "common/log/append_queue.h"
#include "common/log/log.h"
#include "tests/conformance/log_calls.h"

// What every engine of the log promises. An engine takes part with one type:
//
//   struct Engine {
//     explicit Engine(AppendBounds bounds = {});   a fresh log with one topic
//     Log& log();
//     void Reopen();                               as after a clean restart: what
//                                                  was opened before is gone
//     static constexpr bool kDurable;              whether Reopen keeps records
//   };
namespace crm {

template <typename Engine>
class LogSuite : public ::testing::Test {
 protected:
  Engine engine_;
  Log& log() { return engine_.log(); }
  Offset End(Partition partition) { return log().EndOffset(partition).value(); }
};

TYPED_TEST_SUITE_P(LogSuite);

TYPED_TEST_P(LogSuite, BeginsWithItsGenesisInEveryPartition) {
  for (Partition p = 0; p < kPartitions; ++p) {
    const auto records = ReadPartition(this->log(), p, 0);
    ASSERT_EQ(records.size(), 1u);
    EXPECT_EQ(records[0].kind, RecordKind::kGenesis);
    EXPECT_EQ(records[0].offset, 0);
    EXPECT_EQ(this->log().BeginOffset(p).value(), 0);
  }
}

TYPED_TEST_P(LogSuite, KeepsEveryFieldOfARecord) {
  Record own;
  own.kind = RecordKind::kOwn;
  common::v1::LogControl control;
  control.mutable_own()->set_secret_check(std::string("\0binary\xff", 8));
  own.value = control.SerializeAsString();
  Record event = EventOf(KeyIn(3), "v", 1'234'567'890'123);
  event.fence = 1LL << 40;
  event.last = false;
  const Offset first = this->End(3);
  ASSERT_TRUE(AppendNow(this->log(), 3, {own, event}).ok());
  const auto read = ReadPartition(this->log(), 3, first);
  ASSERT_EQ(read.size(), 2u);
  own.offset = first;
  event.offset = first + 1;
  for (const auto& [got, wanted] : {std::pair(read[0], own), std::pair(read[1], event)}) {
    EXPECT_EQ(got.offset, wanted.offset);
    EXPECT_EQ(got.kind, wanted.kind);
    EXPECT_EQ(got.key, wanted.key);
    EXPECT_EQ(got.fence, wanted.fence);
    EXPECT_EQ(got.seq, wanted.seq);
    EXPECT_EQ(got.last, wanted.last);
    EXPECT_EQ(got.value, wanted.value);
  }
}

TYPED_TEST_P(LogSuite, OffsetsAreContiguousAndInCallOrder) {
  constexpr int kCalls = 500;
  const Offset first = this->End(0);
  Mutex mutex;
  CondVar all;
  std::vector<Offset> offsets;
  for (int i = 0; i < kCalls; ++i) {
    const auto done = [&](absl::StatusOr<std::vector<Offset>> given) {
      MutexLock lock(mutex);
      for (Offset offset : given.value()) offsets.push_back(offset);
      all.NotifyAll();
    };
    ASSERT_TRUE(this->log()
                    .Append(0,
                            Batch({EventOf(KeyIn(0), std::to_string(2 * i)),
                                   EventOf(KeyIn(0), std::to_string(2 * i + 1))}),
                            done)
                    .ok());
  }
  MutexLock lock(mutex);
  ASSERT_TRUE(all.WaitFor(lock, kPatience, [&] { return offsets.size() == 2 * kCalls; }));
  for (int i = 0; i < 2 * kCalls; ++i) EXPECT_EQ(offsets[i], first + i);
  const auto records = ReadPartition(this->log(), 0, first);
  ASSERT_EQ(records.size(), 2u * kCalls);
  for (int i = 0; i < 2 * kCalls; ++i) EXPECT_EQ(records[i].value, std::to_string(i));
}

TYPED_TEST_P(LogSuite, DeliveredIsReadableAtOnce) {
  std::atomic<bool> readable = true;
  std::promise<void> all;
  std::atomic<int> left = 100;
  for (int i = 0; i < 100; ++i) {
    const auto done = [&](absl::StatusOr<std::vector<Offset>> offsets) {
      const Offset end = this->log().EndOffset(4).value();
      if (end <= offsets->back()) readable = false;
      auto tail = this->log().OpenTail({{4, offsets->back()}});
      auto batch = (*tail)->Poll(0);
      if (batch->records.empty() || batch->records[0].offset != offsets->back()) readable = false;
      if (--left == 0) all.set_value();
    };
    ASSERT_TRUE(this->log().Append(4, Batch({EventOf(KeyIn(4), "v")}), done).ok());
  }
  ASSERT_EQ(all.get_future().wait_for(std::chrono::nanoseconds(kPatience)),
            std::future_status::ready);
  EXPECT_TRUE(readable);
}

// Each appender writes (appender, number); an offset is given once, and each appender's order is
// kept.
TYPED_TEST_P(LogSuite, AppendersInterleaveAndNeverOverwrite) {
  constexpr int kAppenders = 4;
  constexpr int kEach = 300;
  const Offset first = this->End(7);
  std::vector<std::map<Offset, std::string>> given(kAppenders);
  std::vector<std::thread> threads;
  for (int appender = 0; appender < kAppenders; ++appender) {
    threads.emplace_back([&, appender] {
      for (int i = 0; i < kEach; ++i) {
        const std::string value = std::to_string(appender) + "/" + std::to_string(i);
        const auto offsets =
            AppendNow(this->log(), 7, {EventOf(KeyIn(7), value), EventOf(KeyIn(7), value)});
        ASSERT_TRUE(offsets.ok()) << offsets.status();
        ASSERT_EQ((*offsets)[1], (*offsets)[0] + 1);
        for (Offset offset : *offsets) given[appender][offset] = value;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  std::map<Offset, std::string> all;
  for (const auto& one : given) all.insert(one.begin(), one.end());
  ASSERT_EQ(all.size(), 2u * kAppenders * kEach);
  for (const Record& record : ReadPartition(this->log(), 7, first)) {
    EXPECT_EQ(all.at(record.offset), record.value);
  }
}

TYPED_TEST_P(LogSuite, TailsFromAnyOffset) {
  const Offset first = this->End(2);
  std::vector<Record> records;
  for (int i = 0; i < 20; ++i) records.push_back(EventOf(KeyIn(2), std::to_string(i)));
  ASSERT_TRUE(AppendNow(this->log(), 2, records).ok());
  for (int from = 0; from <= 20; ++from) {
    const auto read = ReadPartition(this->log(), 2, first + from);
    ASSERT_EQ(read.size(), 20u - from);
    for (int i = from; i < 20; ++i) {
      EXPECT_EQ(read[i - from].offset, first + i);
      EXPECT_EQ(read[i - from].value, std::to_string(i));
    }
  }
}

TYPED_TEST_P(LogSuite, ATailBeyondTheEndOrBelowTheBeginningIsRefused) {
  const Offset end = this->End(1);
  EXPECT_EQ(this->log().OpenTail({{1, end + 1}}).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(this->log().OpenTail({{0, 0}, {1, -1}}).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_TRUE(this->log().OpenTail({{1, end}}).ok());
}

TYPED_TEST_P(LogSuite, ATailWaitsForRecordsThatComeLater) {
  auto tail = this->log().OpenTail({{5, this->End(5)}}).value();
  std::thread appender(
      [&] { ASSERT_TRUE(AppendNow(this->log(), 5, {EventOf(KeyIn(5), "late")}).ok()); });
  const auto records = ReadRecords(*tail, 1);
  appender.join();
  EXPECT_EQ(ValuesOf(records), std::vector<std::string>{"late"});
  const auto nothing = tail->Poll(kMillisecond);
  ASSERT_TRUE(nothing.ok());
  EXPECT_TRUE(nothing->records.empty());
}

TYPED_TEST_P(LogSuite, WakeEndsAPollThatWaits) {
  auto tail = this->log().OpenTail({{5, this->End(5)}}).value();
  std::thread waker([&] { tail->Wake(); });
  const auto batch = tail->Poll(3600 * kSecond);
  waker.join();
  ASSERT_TRUE(batch.ok());
  EXPECT_TRUE(batch->records.empty());
}

TYPED_TEST_P(LogSuite, OneTailServesManyPartitionsInTurn) {
  std::vector<TailStart> starts;
  for (Partition p = 0; p < kPartitions; ++p) {
    starts.push_back({p, this->End(p)});
    for (int i = 0; i < 5; ++i) {
      ASSERT_TRUE(AppendNow(this->log(), p, {EventOf(KeyIn(p), std::to_string(i))}).ok());
    }
  }
  auto tail = this->log().OpenTail(starts).value();
  std::map<Partition, std::vector<std::string>> read;
  while (read.size() < kPartitions) {
    const auto batch = tail->Poll(kPatience).value();
    ASSERT_FALSE(batch.records.empty());
    for (const Record& record : batch.records) read[batch.partition].push_back(record.value);
  }
  for (Partition p = 0; p < kPartitions; ++p) {
    EXPECT_EQ(read[p], (std::vector<std::string>{"0", "1", "2", "3", "4"}));
  }
}

// Readers that begin while records are appended each see all of them, once and in order.
TYPED_TEST_P(LogSuite, TailsKeepUpWithAppendersFromWhereverTheyBegan) {
  constexpr int kRecords = 2000;
  const Offset first = this->End(9);
  std::thread appender([&] {
    for (int i = 0; i < kRecords; i += 20) {
      std::vector<Record> records;
      for (int j = i; j < i + 20; ++j) records.push_back(EventOf(KeyIn(9), std::to_string(j)));
      ASSERT_TRUE(AppendNow(this->log(), 9, records).ok());
    }
  });
  std::vector<std::thread> readers;
  for (int reader = 0; reader < 3; ++reader) {
    readers.emplace_back([&] {
      const Offset from = this->End(9);
      auto tail = this->log().OpenTail({{9, from}}).value();
      const auto records = ReadRecords(*tail, static_cast<size_t>(kRecords - (from - first)));
      Offset next = from;
      for (const Record& record : records) {
        ASSERT_EQ(record.offset, next);
        ASSERT_EQ(record.value, std::to_string(next - first));
        ++next;
      }
      ASSERT_EQ(next, first + kRecords);
    });
  }
  appender.join();
  for (auto& reader : readers) reader.join();
}

TYPED_TEST_P(LogSuite, RecordsOfOneMebibyteAndEmptyOnes) {
  const Offset first = this->End(6);
  std::string large(1 << 20, 'x');
  large.back() = 'y';
  ASSERT_TRUE(
      AppendNow(this->log(), 6, {EventOf("", ""), EventOf(KeyIn(6), large), EventOf("", "z")})
          .ok());
  ASSERT_TRUE(AppendNow(this->log(), 6, {EventOf(KeyIn(6), large), EventOf(KeyIn(6), large)}).ok());
  const auto records = ReadPartition(this->log(), 6, first);
  ASSERT_EQ(records.size(), 5u);
  EXPECT_EQ(records[0].key + records[0].value, "");
  EXPECT_EQ(records[1].value, large);
  EXPECT_EQ(records[2].value, "z");
  EXPECT_EQ(records[4].value, large);
}

TYPED_TEST_P(LogSuite, AnAppendOfNothingAnswersInItsTurn) {
  const auto offsets = AppendNow(this->log(), 6, {});
  ASSERT_TRUE(offsets.ok());
  EXPECT_TRUE(offsets->empty());
}

TYPED_TEST_P(LogSuite, ReadEndIsNoOlderThanTheCall) {
  const auto offsets = AppendNow(this->log(), 8, {EventOf(KeyIn(8), "v")}).value();
  std::promise<absl::StatusOr<Offset>> end;
  this->log().ReadEnd(8, [&](absl::StatusOr<Offset> offset) { end.set_value(offset); });
  EXPECT_EQ(end.get_future().get().value(), offsets[0] + 1);
}

// While the engine cannot go on, the queue fills; what was refused is never delivered, what was
// accepted always is.
TYPED_TEST_P(LogSuite, AFullQueueRefusesAndDropsNothing) {
  TypeParam engine(AppendBounds{.records = 50, .bytes = 1 << 20});
  Log& log = engine.log();
  const Offset first = log.EndOffset(0).value();
  std::promise<void> go_on;
  std::promise<void> blocked;
  std::shared_future<void> gate = go_on.get_future().share();
  Mutex mutex;
  CondVar changed;
  int delivered = 0;
  const auto count = [&](absl::StatusOr<std::vector<Offset>>) {
    MutexLock lock(mutex);
    ++delivered;
    changed.NotifyAll();
  };
  ASSERT_TRUE(log.Append(0, Batch({EventOf(KeyIn(0), "first")}),
                         [&](absl::StatusOr<std::vector<Offset>> offsets) {
                           blocked.set_value();
                           gate.wait();
                           count(std::move(offsets));
                         })
                  .ok());
  blocked.get_future().wait();
  int accepted = 1;
  int refused = 0;
  for (int i = 0; i < 200; ++i) {
    const absl::Status status =
        log.Append(i % kPartitions, Batch({EventOf(KeyIn(i % kPartitions), "v")}), count);
    if (status.ok()) {
      ++accepted;
      continue;
    }
    ++refused;
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
    EXPECT_TRUE(status.GetPayload("type.googleapis.com/google.rpc.RetryInfo").has_value());
  }
  go_on.set_value();
  EXPECT_GE(refused, 150);
  EXPECT_GE(accepted, 40);
  while (true) {
    const auto last = AppendNow(log, 0, {EventOf(KeyIn(0), "last")});
    if (last.ok()) break;
    ASSERT_EQ(last.status().code(), absl::StatusCode::kResourceExhausted);
    std::this_thread::yield();
  }
  {
    MutexLock lock(mutex);
    EXPECT_TRUE(changed.WaitFor(lock, kPatience, [&] { return delivered == accepted; }));
  }
  Offset records = -first + 1;
  for (Partition p = 0; p < kPartitions; ++p) records += log.EndOffset(p).value() - 1;
  EXPECT_EQ(records, accepted + 1);
}

TYPED_TEST_P(LogSuite, ACallbackMayAppend) {
  std::promise<absl::StatusOr<std::vector<Offset>>> second;
  ASSERT_TRUE(this->log()
                  .Append(11, Batch({EventOf(KeyIn(11), "1")}),
                          [&](absl::StatusOr<std::vector<Offset>>) {
                            const absl::Status queued = this->log().Append(
                                11, Batch({EventOf(KeyIn(11), "2")}),
                                [&](absl::StatusOr<std::vector<Offset>> offsets) {
                                  second.set_value(std::move(offsets));
                                });
                            CRM_CHECK(queued.ok());
                          })
                  .ok());
  EXPECT_TRUE(second.get_future().get().ok());
}

TYPED_TEST_P(LogSuite, ReopenKeepsEverything) {
  if (!TypeParam::kDurable) GTEST_SKIP() << "this engine lives in memory";
  const LogIdentity before = this->log().identity();
  std::map<Partition, std::vector<std::string>> written;
  for (int round = 0; round < 4; ++round) {
    for (int i = 0; i < 64; ++i) {
      const Partition partition = i % 5;
      const std::string value = std::to_string(round) + "/" + std::to_string(i);
      ASSERT_TRUE(AppendNow(this->log(), partition, {EventOf(KeyIn(partition), value)}).ok());
      written[partition].push_back(value);
    }
    this->engine_.Reopen();
    EXPECT_EQ(this->log().identity().log_id, before.log_id);
    for (const auto& [partition, values] : written) {
      EXPECT_EQ(ValuesOf(ReadPartition(this->log(), partition, 1)), values);
    }
  }
}

REGISTER_TYPED_TEST_SUITE_P(LogSuite, BeginsWithItsGenesisInEveryPartition,
                            KeepsEveryFieldOfARecord, OffsetsAreContiguousAndInCallOrder,
                            DeliveredIsReadableAtOnce, AppendersInterleaveAndNeverOverwrite,
                            TailsFromAnyOffset, ATailBeyondTheEndOrBelowTheBeginningIsRefused,
                            ATailWaitsForRecordsThatComeLater, WakeEndsAPollThatWaits,
                            OneTailServesManyPartitionsInTurn,
                            TailsKeepUpWithAppendersFromWhereverTheyBegan,
                            RecordsOfOneMebibyteAndEmptyOnes, AnAppendOfNothingAnswersInItsTurn,
                            ReadEndIsNoOlderThanTheCall, AFullQueueRefusesAndDropsNothing,
                            ACallbackMayAppend, ReopenKeepsEverything);

}  // namespace crm
