#include "common/log/kafka/kafka_log.h"

#include "tests/conformance/fenced_log_suite.h"
#include "tests/conformance/kafka_log_under_test.h"
#include "tests/conformance/log_suite.h"

namespace crm {
namespace {

struct KafkaEngine : KafkaUnderTest {
  static constexpr bool kDurable = true;
  using KafkaUnderTest::KafkaUnderTest;
};

// Tails read older records from the brokers, for nothing recent fits into memory.
struct KafkaEngineFromBrokers : KafkaUnderTest {
  static constexpr bool kDurable = true;
  explicit KafkaEngineFromBrokers(AppendBounds append_bounds = {}) : KafkaUnderTest(append_bounds) {
    Reopen();
  }
  void Reopen() {
    engine.reset();
    KafkaLogOptions options = OptionsFor({topic}, bounds);
    options.memory_bytes = 1;
    engine = OpenOrDie(std::move(options));
  }
};

using KafkaEngines = ::testing::Types<KafkaEngine, KafkaEngineFromBrokers>;
INSTANTIATE_TYPED_TEST_SUITE_P(Kafka, LogSuite, KafkaEngines);
INSTANTIATE_TYPED_TEST_SUITE_P(Kafka, FencedLogSuite, KafkaEngines);

}  // namespace
}  // namespace crm
