#include "tests/support/kafka_cluster.h"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

namespace crm {
namespace {

absl::StatusOr<std::string> Environment(const char* name) {
  const char* value = std::getenv(name);
  if (value != nullptr && *value != '\0') return std::string(value);
  return absl::NotFoundError(
      fmt::format("{} is not set: run this test through ctest, or type scripts/kafka.sh up --dir D "
                  "--version V and set "
                  "TEST_KAFKA_DIR=D TEST_KAFKA_VERSION=V",
                  name));
}

std::string Contents(const std::string& path) {
  std::ifstream file(path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

std::string FirstLine(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

}  // namespace

KafkaCluster::KafkaCluster(std::string directory, bool own)
    : directory_(std::move(directory)), own_(own) {}

KafkaCluster::~KafkaCluster() {
  if (own_) Run("down").IgnoreError();
}

absl::StatusOr<std::unique_ptr<KafkaCluster>> KafkaCluster::Shared() {
  absl::StatusOr<std::string> directory = Environment("TEST_KAFKA_DIR");
  if (!directory.ok()) return directory.status();
  std::unique_ptr<KafkaCluster> cluster(new KafkaCluster(*directory, false));
  absl::Status read = cluster->ReadBootstrap();
  if (!read.ok()) return read;
  return cluster;
}

absl::StatusOr<std::unique_ptr<KafkaCluster>> KafkaCluster::Start(
    const KafkaClusterOptions& options) {
  absl::StatusOr<std::string> directory = Environment("TEST_KAFKA_DIR");
  if (!directory.ok()) return directory.status();
  absl::StatusOr<std::string> version = Environment("TEST_KAFKA_VERSION");
  if (!version.ok()) return version.status();
  std::unique_ptr<KafkaCluster> cluster(
      new KafkaCluster(fmt::format("{}/own/{}", *directory, options.name), true));
  absl::Status up = cluster->Run(fmt::format("up --fresh --version {} --brokers {}{}{}", *version,
                                             options.brokers, options.tls ? " --tls" : "",
                                             options.sasl ? " --sasl" : ""));
  if (!up.ok()) return up;
  up = cluster->ReadBootstrap();
  if (!up.ok()) return up;
  return cluster;
}

absl::Status KafkaCluster::ReadBootstrap() {
  bootstrap_ = FirstLine(Contents(directory_ + "/bootstrap"));
  if (!bootstrap_.empty()) return absl::OkStatus();
  return absl::NotFoundError(fmt::format(
      "{}/bootstrap names no broker: type scripts/kafka.sh up --dir {}", directory_, directory_));
}

std::string KafkaCluster::Secure(const std::string& name) const {
  const std::string text = Contents(directory_ + "/secure.env");
  const size_t at = text.find("\n" + name + "=");
  if (at == std::string::npos) return "";
  return FirstLine(text.substr(at + name.size() + 2));
}

absl::Status KafkaCluster::KillBroker(int broker) {
  return Run(fmt::format("kill-broker {}", broker));
}

absl::Status KafkaCluster::StartBroker(int broker) {
  return Run(fmt::format("start-broker {}", broker));
}

absl::Status KafkaCluster::RestartBroker(int broker) {
  return Run(fmt::format("restart-broker {}", broker));
}

absl::Status KafkaCluster::Run(const std::string& arguments) const {
  std::filesystem::create_directories(directory_);
  const std::string said = directory_ + "/kafka.sh.log";
  const std::string command =
      fmt::format("'{}' {} --dir '{}' >'{}' 2>&1", CRM_KAFKA_SCRIPT, arguments, directory_, said);
  if (std::system(command.c_str()) == 0) return absl::OkStatus();
  return absl::InternalError(fmt::format("kafka.sh {}: {}", arguments, Contents(said)));
}

}  // namespace crm
