#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "common/base/check.h"
#include "common/base/random.h"
#include "common/log/kafka/kafka_log.h"
#include "common/log/kafka/kafka_topics.h"
#include "tests/support/kafka_cluster.h"

// A Kafka log as the tests open it: topics of its own on the broker of the run.
namespace crm {

inline constexpr char kSecretCheck[] = "secret-check";

inline Random& KafkaTestRandom() {
  static SystemRandom random;
  return random;
}

// The broker that ctest shares among tests.
inline const std::string& KafkaBootstrap() {
  static const auto cluster = [] {
    auto shared = KafkaCluster::Shared();
    EXPECT_TRUE(shared.ok()) << shared.status();
    CRM_CHECK(shared.ok());
    return std::move(shared).value();
  }();
  return cluster->bootstrap();
}

inline KafkaConnection TestConnection(std::string client_id = "test") {
  return {.bootstrap = KafkaBootstrap(), .client_id = std::move(client_id)};
}

inline std::string FreshTopic() {
  return "crm.t" + KafkaTestRandom().Uuid().substr(0, 12) + ".events";
}

inline TopicCreation CreationOf(std::vector<std::string> topics) {
  return {.topics = std::move(topics), .identity = {KafkaTestRandom().Uuid(), kSecretCheck, 0}};
}

inline KafkaLogOptions OptionsFor(const std::vector<std::string>& topics,
                                  AppendBounds bounds = {}) {
  KafkaLogOptions options;
  options.connection = TestConnection();
  for (const std::string& topic : topics) options.topics.push_back({topic, nullptr});
  options.secret_check = kSecretCheck;
  options.bounds = bounds;
  return options;
}

inline std::unique_ptr<KafkaLogEngine> OpenOrDie(KafkaLogOptions options) {
  auto engine = KafkaLogEngine::Open(std::move(options));
  EXPECT_TRUE(engine.ok()) << engine.status();
  CRM_CHECK(engine.ok());
  return std::move(engine).value();
}

// A fresh topic, opened.
struct KafkaUnderTest {
  explicit KafkaUnderTest(AppendBounds append_bounds = {}) : bounds(append_bounds) {
    const auto made = CreateTopics(TestConnection(), CreationOf({topic}));
    EXPECT_TRUE(made.ok()) << made.status();
    engine = OpenOrDie(OptionsFor({topic}, bounds));
  }
  Log& log() { return engine->Topic(topic); }
  void Reopen() {
    engine.reset();
    engine = OpenOrDie(OptionsFor({topic}, bounds));
  }

  const std::string topic = FreshTopic();
  AppendBounds bounds;
  std::unique_ptr<KafkaLogEngine> engine;
};

}  // namespace crm
