// The brokers that the other tests stand on: what scripts/kafka.sh starts answers on every
// listener, and comes back after a crash.

#include "tests/support/kafka_cluster.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <string>

namespace crm {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

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

TEST(KafkaCluster, SharedBrokerAnswersOnEveryListener) {
  auto cluster = KafkaCluster::Shared();
  ASSERT_TRUE(cluster.ok()) << cluster.status();
  EXPECT_THAT(Metadata((*cluster)->bootstrap()).text, HasSubstr("1 brokers"));

  const std::string ca = "-X ssl.ca.location=" + (*cluster)->Secure("CRM_KAFKA_CA_FILE");
  const std::string tls = (*cluster)->Secure("CRM_KAFKA_TLS_BOOTSTRAP");
  EXPECT_THAT(Metadata(tls, "-X security.protocol=ssl " + ca).text, HasSubstr("1 brokers"));

  for (const char* mechanism : {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}) {
    SCOPED_TRACE(mechanism);
    const std::string sasl = fmt::format(
        "-X security.protocol=sasl_ssl {} -X sasl.mechanism={} -X sasl.username={} -X "
        "sasl.password=",
        ca, mechanism, (*cluster)->Secure("CRM_KAFKA_SASL_USERNAME"));
    const std::string bootstrap = (*cluster)->Secure("CRM_KAFKA_SASL_BOOTSTRAP");
    const std::string file = (*cluster)->Secure("CRM_KAFKA_SASL_PASSWORD_FILE");
    EXPECT_THAT(Metadata(bootstrap, fmt::format("{}$(cat {})", sasl, file)).text,
                HasSubstr("1 brokers"));
    EXPECT_THAT(Metadata(bootstrap, sasl + "wrong").text, Not(HasSubstr("1 brokers")));
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
  ASSERT_TRUE((*cluster)->RestartBroker(1).ok());
  EXPECT_THAT(Metadata((*cluster)->bootstrap()).text, HasSubstr("1 brokers"));
}

TEST(KafkaCluster, OfThreeBrokersTwoGoOn) {
  auto cluster = KafkaCluster::Start({.name = "three", .brokers = 3});
  ASSERT_TRUE(cluster.ok()) << cluster.status();
  EXPECT_THAT(Metadata((*cluster)->bootstrap()).text, HasSubstr("3 brokers"));
  ASSERT_TRUE((*cluster)->KillBroker(2).ok());
  EXPECT_EQ(Metadata((*cluster)->bootstrap()).code, 0);
  ASSERT_TRUE((*cluster)->StartBroker(2).ok());
}

}  // namespace
}  // namespace crm
