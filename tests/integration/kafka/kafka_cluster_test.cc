// The brokers that the other tests stand on: what scripts/kafka.sh starts answers on every
// listener, and comes back after a crash.

#include "tests/support/kafka_cluster.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <tuple>

namespace crm {
namespace {

using ::testing::HasSubstr;

struct Said {
  int code;
  std::string text;
};

Said Shell(const std::string& command) {
  FILE* pipe = popen(("(" + command + ") 2>&1 </dev/null").c_str(), "r");
  std::string text;
  char buffer[4096];
  while (size_t n = fread(buffer, 1, sizeof(buffer), pipe)) text.append(buffer, n);
  return {pclose(pipe), text};
}

Said Metadata(const std::string& bootstrap, const std::string& settings = "") {
  return Shell(fmt::format("kcat -L -m 10 -b {} {}", bootstrap, settings));
}

// librdkafka before 2.6.1 repeats the client's nonce in SCRAM's last message; Kafka 4 refuses that.
bool ScramWorks() {
  if (std::string(std::getenv("TEST_KAFKA_VERSION")).starts_with("3.")) return true;
  int major = 0, minor = 0, patch = 0;
  const std::string text = Shell("kcat -V").text;
  const size_t at = text.find("librdkafka ");
  EXPECT_NE(at, std::string::npos) << text;
  EXPECT_EQ(std::sscanf(text.c_str() + at, "librdkafka %d.%d.%d", &major, &minor, &patch), 3);
  return std::tuple(major, minor, patch) >= std::tuple(2, 6, 1);
}

TEST(KafkaCluster, SharedBrokerAnswersOnEveryListener) {
  auto cluster = KafkaCluster::Shared();
  ASSERT_TRUE(cluster.ok()) << cluster.status();
  EXPECT_THAT(Metadata((*cluster)->bootstrap()).text, HasSubstr("1 brokers"));

  const std::string ca = "-X ssl.ca.location=" + (*cluster)->Secure("KAFKA_CA_FILE");
  const std::string tls = (*cluster)->Secure("KAFKA_TLS_BOOTSTRAP");
  EXPECT_THAT(Metadata(tls, "-X security.protocol=ssl " + ca).text, HasSubstr("1 brokers"));

  const std::string bootstrap = (*cluster)->Secure("KAFKA_SASL_BOOTSTRAP");
  const std::string user =
      fmt::format("-X security.protocol=sasl_ssl {} -X sasl.username={} -X sasl.password=", ca,
                  (*cluster)->Secure("KAFKA_SASL_USERNAME"));
  const std::string password =
      fmt::format("$(cat {})", (*cluster)->Secure("KAFKA_SASL_PASSWORD_FILE"));
  EXPECT_THAT(Metadata(bootstrap, user + password + " -X sasl.mechanism=PLAIN").text,
              HasSubstr("1 brokers"));
  EXPECT_THAT(Metadata(bootstrap, user + "wrong -X sasl.mechanism=PLAIN").text,
              HasSubstr("Invalid username or password"));
  for (const char* mechanism : {"SCRAM-SHA-256", "SCRAM-SHA-512"}) {
    const std::string scram = fmt::format("{}{} -X sasl.mechanism={}", user, password, mechanism);
    EXPECT_THAT(Metadata(bootstrap, scram).text,
                HasSubstr(ScramWorks() ? "1 brokers" : "invalid credentials"))
        << mechanism;
  }
}

TEST(KafkaCluster, OwnBrokerComesBackAfterACrash) {
  auto cluster = KafkaCluster::Start({.name = "kafka_cluster_test"});
  ASSERT_TRUE(cluster.ok()) << cluster.status();
  ASSERT_THAT(Metadata((*cluster)->bootstrap()).text, HasSubstr("1 brokers"));

  ASSERT_TRUE((*cluster)->KillBroker(1).ok());
  EXPECT_NE(Metadata((*cluster)->bootstrap(), "-m 1").code, 0);
  ASSERT_TRUE((*cluster)->StartBroker(1).ok());
  EXPECT_THAT(Metadata((*cluster)->bootstrap()).text, HasSubstr("1 brokers"));
}

TEST(KafkaCluster, OfThreeBrokersTwoGoOn) {
  auto cluster = KafkaCluster::Start({.name = "three", .brokers = 3});
  ASSERT_TRUE(cluster.ok()) << cluster.status();
  EXPECT_THAT(Metadata((*cluster)->bootstrap()).text, HasSubstr("3 brokers"));
  ASSERT_TRUE((*cluster)->KillBroker(2).ok());
  EXPECT_EQ(Metadata((*cluster)->bootstrap()).code, 0);
  ASSERT_TRUE((*cluster)->StartBroker(2).ok());
  ASSERT_TRUE((*cluster)->RestartBroker(1).ok());
  EXPECT_FALSE((*cluster)->KillBroker(4).ok());
}

}  // namespace
}  // namespace crm
