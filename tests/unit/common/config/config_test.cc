#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "common/base/status.h"
#include "common/config/server_options.h"

namespace crm {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

absl::StatusOr<ServerConfig> Parse(const std::vector<std::string>& arguments,
                                   const Environment& environment = {}) {
  return ParseServerOptions("crm-all", "0.1.0", arguments, {environment, "host-1"});
}

// The text of the faults; empty where there are none.
std::string FaultsOf(const std::vector<std::string>& arguments,
                     const Environment& environment = {}) {
  const auto config = Parse(arguments, environment);
  if (config.ok()) return "";
  EXPECT_EQ(config.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(config.status()), "CONFIG_INVALID");
  return std::string(config.status().message());
}

std::string WriteFile(const std::string& content) {
  std::string path = ::testing::TempDir() + "/config.XXXXXX";
  close(mkstemp(path.data()));
  std::ofstream(path) << content;
  return path;
}

TEST(Config, DefaultsAreComplete) {
  const auto config = Parse({});
  ASSERT_TRUE(config.ok()) << config.status();
  const ServerOptions& options = config->options;
  EXPECT_EQ(options.listen, "127.0.0.1:50051");
  EXPECT_EQ(options.admin_listen, "127.0.0.1:8081");
  EXPECT_EQ(options.data_dir, "./data");
  EXPECT_EQ(options.secret_file, "./data/secret");
  EXPECT_EQ(options.engine, "embedded");
  EXPECT_EQ(options.memory_budget, int64_t{512} << 20);
  EXPECT_EQ(options.default_region, "US");
  EXPECT_EQ(options.default_language, "");
  EXPECT_EQ(options.instance, "host-1");
  EXPECT_EQ(options.rpc_threads, 1);
  EXPECT_EQ(options.lane_threads, 1);
  EXPECT_EQ(options.max_in_flight, 4096);
  EXPECT_EQ(options.log_level, "info");
  EXPECT_TRUE(config->output.empty());
}

TEST(Config, FlagBeatsEnvironmentBeatsFile) {
  const std::string file = WriteFile(
      "# comment\n\ndata-dir = /file  # trailing\nlisten=\"[::1]:7\"\r\nengine = embedded\n"
      "max-in-flight = 3\n");
  const Environment environment = {
      {"CRM_CONFIG", file}, {"CRM_DATA_DIR", "/env"}, {"CRM_MAX_IN_FLIGHT", "2"}, {"HOME", "/"}};
  const auto config = Parse({"--max-in-flight=1"}, environment);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->options.max_in_flight, 1);
  EXPECT_EQ(config->options.data_dir, "/env");
  EXPECT_EQ(config->options.listen, "[::1]:7");
  EXPECT_THAT(config->effective, HasSubstr("max-in-flight = \"1\"  # flag"));
  EXPECT_THAT(config->effective, HasSubstr("data-dir = \"/env\"  # environment"));
  EXPECT_THAT(config->effective, HasSubstr("listen = \"[::1]:7\"  # file"));
  EXPECT_THAT(config->effective, HasSubstr("log-level = \"info\"  # default"));
}

TEST(Config, PrintedConfigIsAFileThatMeansTheSame) {
  const auto first = Parse({"--print-config", "--data-dir", "/d", "--memory-budget", "1GiB"});
  ASSERT_TRUE(first.ok());
  ASSERT_FALSE(first->output.empty());
  const auto second = Parse({"--config", WriteFile(first->output)});
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(second->options.data_dir, "/d");
  EXPECT_EQ(second->options.memory_budget, int64_t{1} << 30);
}

TEST(Config, HelpAndVersion) {
  const auto help = Parse({"--help"});
  ASSERT_TRUE(help.ok());
  for (const char* name :
       {"--listen", "--admin-listen", "--data-dir", "--engine", "--memory-budget", "--secret-file",
        "--default-region", "--config", "--print-config", "CRM_DATA_DIR", "127.0.0.1:50051"}) {
    EXPECT_THAT(help->output, HasSubstr(name));
  }
  EXPECT_EQ(Parse({"--version"})->output, "crm-all 0.1.0\n");
}

TEST(Config, HelpIsGivenWhateverElseIsWrong) {
  const auto help = Parse({"--nonsense", "--help"});
  ASSERT_TRUE(help.ok()) << help.status();
  EXPECT_THAT(help->output, HasSubstr("--listen"));
}

TEST(Config, AllFaultsOfAllPlacesAreReportedTogether) {
  const std::string file = WriteFile("nonsense = 1\nlog-level = loud\njust text\n");
  const std::string faults =
      FaultsOf({"--config", file, "--lisen", "x", "--rpc-threads", "0", "stray"},
               {{"CRM_DATA_DIRS", "x"}, {"CRM_MEMORY_BUDGET", "12"}});
  EXPECT_THAT(faults, HasSubstr("--lisen: no such option (did you mean listen?)"));
  EXPECT_THAT(faults, HasSubstr("--rpc-threads: must be a whole number from 1 to 64"));
  EXPECT_THAT(faults, HasSubstr("stray: not an option"));
  EXPECT_THAT(faults, HasSubstr("CRM_DATA_DIRS: no such variable (did you mean data-dir?)"));
  EXPECT_THAT(faults, HasSubstr("CRM_MEMORY_BUDGET: must be a size of at least 64MiB"));
  EXPECT_THAT(faults, HasSubstr(file + ":1: nonsense: no such option"));
  EXPECT_THAT(faults, HasSubstr(file + ":2: log-level: must be one of: debug, info"));
  EXPECT_THAT(faults, HasSubstr(file + ":3: not a line of the form"));
}

TEST(Config, EachKindOfBadValueIsRefused) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> bad = {
      {"--listen", {"localhost", ":1", "a:b", "a:65536", "a:1:2", "http://a:1", "[::1]", "[x]:1"}},
      {"--engine", {"pulsar", "Embedded"}},
      {"--memory-budget", {"63MiB", "1", "x", "512MB", "-1GiB", "9999999999TiB", "1.5GiB"}},
      {"--default-region", {"us", "USA", "U"}},
      {"--default-language", {"1", "de_CH", "de-"}},
      {"--unknown-tenants", {"maybe", "Refuse"}},
      {"--instance", {"a b", "-a", "a/b"}},
      {"--rpc-threads", {"0", "65", "1x", "1e1", "99999999999"}},
      {"--max-in-flight", {"0", "-1"}},
      {"--log-level", {"INFO"}},
  };
  for (const auto& [flag, values] : bad) {
    for (const auto& value : values) {
      EXPECT_THAT(FaultsOf({flag + "=" + value}), HasSubstr(flag + ": must be")) << value;
    }
  }
  EXPECT_THAT(FaultsOf({"--engine", "pulsar"}), HasSubstr("one of: embedded"));
}

TEST(Config, MissingAndRepeatedValuesAreRefused) {
  EXPECT_THAT(FaultsOf({"--listen"}), HasSubstr("--listen: needs a value"));
  EXPECT_THAT(FaultsOf({"--listen", "--data-dir", "x"}), HasSubstr("--listen: needs a value"));
  EXPECT_THAT(FaultsOf({"--listen="}), HasSubstr("--listen: needs a value"));
  EXPECT_THAT(FaultsOf({"--listen", ""}), HasSubstr("--listen: needs a value"));
  EXPECT_THAT(FaultsOf({}, {{"CRM_DATA_DIR", ""}}), HasSubstr("CRM_DATA_DIR: needs a value"));
  EXPECT_THAT(FaultsOf({"--data-dir", "a", "--data-dir", "b"}), HasSubstr("more than once"));
  EXPECT_THAT(FaultsOf({"--config", WriteFile("engine=embedded\nengine=embedded\n")}),
              HasSubstr("keep one"));
  EXPECT_THAT(FaultsOf({"--config", WriteFile("listen = \"a:1\n")}), HasSubstr("quotation mark"));
}

TEST(Config, OverriddenValuesAreCheckedToo) {
  EXPECT_THAT(FaultsOf({"--rpc-threads", "2"}, {{"CRM_RPC_THREADS", "many"}}),
              HasSubstr("CRM_RPC_THREADS: must be"));
}

TEST(Config, UnreadableOrNestedFileIsRefused) {
  EXPECT_THAT(FaultsOf({"--config", "/no/such/file"}), HasSubstr("/no/such/file"));
  EXPECT_THAT(FaultsOf({"--config"}), HasSubstr("--config"));
  EXPECT_THAT(FaultsOf({"--config", WriteFile("config = other\n")}), HasSubstr("give --config"));
}

TEST(Config, KubernetesServiceLinksAreNoFaults) {
  EXPECT_TRUE(Parse({}, {{"CRM_ALL_SERVICE_HOST", "10.0.0.1"},
                         {"CRM_ALL_SERVICE_PORT", "1"},
                         {"CRM_ALL_SERVICE_PORT_GRPC", "1"},
                         {"CRM_ALL_PORT", "tcp://10.0.0.1:1"},
                         {"CRM_ALL_PORT_1_TCP_ADDR", "10.0.0.1"}})
                  .ok());
}

TEST(Config, SameAddressTwiceIsRefused) {
  EXPECT_THAT(FaultsOf({"--listen", "a:1", "--admin-listen", "a:1"}), HasSubstr("same address"));
  EXPECT_EQ(FaultsOf({"--listen", "a:0", "--admin-listen", "a:0"}), "");
}

TEST(Config, SecretsAreNotPrinted) {
  std::string key;
  const Program program{"p", "", "1", {{"api-key", "KEY", "A key", "", SetText(&key), true, true}}};
  const auto resolution = Resolve(program, {"--api-key", "hush", "--print-config"}, {});
  ASSERT_TRUE(resolution.ok());
  EXPECT_EQ(key, "hush");
  EXPECT_THAT(resolution->output, Not(HasSubstr("hush")));
  EXPECT_THAT(resolution->output, HasSubstr("api-key"));
}

TEST(Config, RequiredOptionIsNamed) {
  std::string value;
  const Program program{"p", "", "1", {{"must", "X", "Needed", "", SetText(&value)}}};
  const auto resolution = Resolve(program, {}, {});
  EXPECT_THAT(std::string(resolution.status().message()), HasSubstr("give --must or CRM_MUST"));
}

TEST(Config, KafkaOptionsAreReadFromAnywhere) {
  const auto config =
      Parse({"--engine=kafka", "--kafka-bootstrap", "a:9092,[::1]:9093", "--kafka-tls",
             "--create-topics", "--kafka-session-timeout", "6 s", "--advertise=crm-1:50051"},
            {{"CRM_KAFKA_REPLICATION_FACTOR", "3"}});
  ASSERT_TRUE(config.ok()) << config.status();
  const ServerOptions& options = config->options;
  EXPECT_EQ(options.kafka_bootstrap, "a:9092,[::1]:9093");
  EXPECT_TRUE(options.kafka_tls);
  EXPECT_TRUE(options.create_topics);
  EXPECT_EQ(options.kafka_replication_factor, 3);
  EXPECT_EQ(options.kafka_session_timeout, 6 * kSecond);
  EXPECT_EQ(AdvertisedAddress(*config, 7), "crm-1:50051");
  const auto again = Parse({"--config", WriteFile(config->effective)});
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(again->options.kafka_tls);
}

TEST(Config, ABareOptionTakesNoWordBehindItForItsValue) {
  EXPECT_EQ(FaultsOf({"--kafka-tls=false"}), "") << "as it is anyway";
  EXPECT_THAT(FaultsOf({"--kafka-tls", "false"}), HasSubstr("false"));
  EXPECT_THAT(FaultsOf({"--kafka-tls=maybe"}), HasSubstr("--kafka-tls: must be true or false"));
}

TEST(Config, FaultsBetweenOptionsAreReportedTogether) {
  const std::string kafka = FaultsOf({"--engine=kafka", "--kafka-certificate-file=c",
                                      "--kafka-sasl-username=u", "--kafka-replication-factor=3"});
  EXPECT_THAT(kafka, HasSubstr("5 faults"));
  EXPECT_THAT(kafka, HasSubstr("needs --kafka-bootstrap"));
  EXPECT_THAT(kafka, HasSubstr("give --kafka-tls too"));
  EXPECT_THAT(kafka, HasSubstr("give both or none"));
  EXPECT_THAT(kafka, HasSubstr("give --kafka-sasl-mechanism too"));
  EXPECT_THAT(kafka, HasSubstr("give --create-topics too"));
  EXPECT_THAT(FaultsOf({"--engine=kafka", "--kafka-bootstrap=a:1", "--kafka-sasl-mechanism=PLAIN"}),
              HasSubstr("--kafka-sasl-password-file"));
  const std::string embedded = FaultsOf({"--kafka-bootstrap=a:1", "--advertise=b:2"});
  EXPECT_THAT(embedded, HasSubstr("--kafka-bootstrap is for --engine kafka"));
  EXPECT_THAT(embedded, HasSubstr("--advertise is for --engine kafka"));
}

TEST(Config, BadKafkaValuesAreNamed) {
  EXPECT_THAT(FaultsOf({"--kafka-bootstrap=broker"}), HasSubstr("broker-1:9092,broker-2:9092"));
  EXPECT_THAT(FaultsOf({"--kafka-bootstrap=a:1,"}), HasSubstr("--kafka-bootstrap: must be"));
  EXPECT_THAT(FaultsOf({"--kafka-session-timeout=900ms"}), HasSubstr("from 1s to 30min"));
  EXPECT_THAT(FaultsOf({"--kafka-session-timeout=10"}), HasSubstr("units ms, s, min"));
  EXPECT_THAT(FaultsOf({"--kafka-sasl-mechanism=GSSAPI"}), HasSubstr("SCRAM-SHA-512"));
}

TEST(Config, WhatIsAdvertisedCanBeReached) {
  const auto advertised = [](const std::string& listen) {
    const auto config = Parse({"--listen", listen});
    return config.ok() ? AdvertisedAddress(*config, 7) : config.status().ToString();
  };
  EXPECT_EQ(advertised("127.0.0.1:0"), "127.0.0.1:7");
  EXPECT_EQ(advertised("0.0.0.0:7"), "host-1:7");
  EXPECT_EQ(advertised("[::]:7"), "host-1:7");
  EXPECT_EQ(advertised("[::1]:7"), "[::1]:7");
}

}  // namespace
}  // namespace crm
