// What the engine does when its producer fails.

#include <thread>

#include "common/base/status.h"
#include "tests/conformance/failing_producer.h"
#include "tests/conformance/kafka_log_under_test.h"
#include "tests/conformance/log_calls.h"
#include "tests/support/eventually.h"

namespace crm {
namespace {

constexpr Partition kPartition = 3;

// Waits until the last of many appends was answered; the values that were acknowledged.
std::vector<std::string> AppendMany(Log& log, int from, int count, int* unknown) {
  Mutex mutex;
  CondVar changed;
  int owed = 0;
  std::vector<std::string> acknowledged;
  for (int i = from; i < from + count; ++i) {
    const std::string value = std::to_string(i);
    {
      MutexLock lock(mutex);
      ++owed;
    }
    const absl::Status queued = log.Append(
        kPartition, Batch({EventOf(KeyIn(kPartition), value, i + 1)}), [&, value](auto offsets) {
          MutexLock lock(mutex);
          if (offsets.ok()) {
            acknowledged.push_back(value);
          } else {
            EXPECT_EQ(ReasonOf(offsets.status()), "APPEND_UNKNOWN") << offsets.status();
            ++*unknown;
          }
          --owed;
          changed.NotifyAll();
        });
    EXPECT_TRUE(queued.ok()) << queued;
    if (i == from + count / 2) FailNewestProducer("planted by the test");
  }
  MutexLock lock(mutex);
  EXPECT_TRUE(changed.WaitFor(lock, kPatience, [&] { return owed == 0; }));
  return acknowledged;
}

TEST(KafkaProducer, AfterAFatalErrorANewProducerGoesOnAndWhatWasAcknowledgedIsThere) {
  KafkaUnderTest log;
  int unknown = 0;
  std::vector<std::string> acknowledged;
  constexpr int kRounds = 5;
  constexpr int kAppends = 200;
  for (int round = 0; round < kRounds; ++round) {
    const int made = ProducersMade();
    for (std::string& value : AppendMany(log.log(), round * kAppends, kAppends, &unknown)) {
      acknowledged.push_back(std::move(value));
    }
    EXPECT_TRUE(Eventually(kPatience, [&] { return ProducersMade() > made; }));
    // The first that goes through again.
    EXPECT_TRUE(Eventually(kPatience, [&] {
      return AppendNow(log.log(), kPartition, {EventOf(KeyIn(kPartition), "on", 1)}).ok();
    }));
  }
  EXPECT_GT(unknown, 0) << "no append met the fault";
  log.Reopen();
  std::vector<std::string> wanted;
  std::vector<std::string> found;
  const std::set<std::string> sure(acknowledged.begin(), acknowledged.end());
  for (std::string& value : ValuesOf(ReadPartition(log.log(), kPartition, 1))) {
    if (sure.count(value) != 0) found.push_back(std::move(value));
  }
  EXPECT_EQ(found, acknowledged) << "each once, in the order of the appends";
}

TEST(KafkaProducer, WithoutAnAnswerInTimeAnAppendIsUnknownAndLaterOnesGoOn) {
  const auto cluster = KafkaCluster::Start({.name = "KafkaProducer"});
  ASSERT_TRUE(cluster.ok()) << cluster.status();
  KafkaLogOptions options = OptionsFor({FreshTopic()});
  options.connection.bootstrap = (*cluster)->bootstrap();
  options.delivery_timeout = kSecond;
  const std::string topic = options.topics[0].name;
  ASSERT_TRUE(CreateTopics(options.connection, CreationOf({topic})).ok());
  const auto engine = OpenOrDie(std::move(options));
  Log& log = engine->Topic(topic);
  const auto append = [&](const std::string& value) {
    return AppendNow(log, kPartition, {EventOf(KeyIn(kPartition), value)}).status();
  };
  ASSERT_TRUE(append("before").ok());
  ASSERT_TRUE((*cluster)->KillBroker(1).ok());
  const absl::Status meanwhile = append("meanwhile");
  EXPECT_EQ(meanwhile.code(), absl::StatusCode::kUnavailable) << meanwhile;
  EXPECT_EQ(ReasonOf(meanwhile), "APPEND_UNKNOWN");
  ASSERT_TRUE((*cluster)->StartBroker(1).ok());
  EXPECT_TRUE(Eventually(kPatience, [&] { return append("after").ok(); }));
  const auto values = ValuesOf(ReadPartition(log, kPartition, 1));
  EXPECT_EQ(values.front(), "before");
  EXPECT_EQ(values.back(), "after");
}

}  // namespace
}  // namespace crm
