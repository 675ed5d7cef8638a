#include "tests/cluster/brokers.h"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "common/base/check.h"

namespace crm {
namespace {

std::string ReadText(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string Line(const std::string& path) {
  const std::string text = ReadText(path);
  return text.substr(0, text.find('\n'));
}

}  // namespace

Brokers::Brokers(std::string directory, std::string version, int count)
    : directory_(std::move(directory)), version_(std::move(version)), count_(count) {
  std::filesystem::create_directories(directory_);
}

Brokers::~Brokers() {
  // Returns when the brokers are gone.
  if (keeper_ != nullptr) pclose(keeper_);
}

absl::Status Brokers::Start() {
  CRM_CHECK(keeper_ == nullptr);
  keeper_ =
      popen(fmt::format("trap '' INT TERM HUP; cat >/dev/null; '{}' down --dir '{}' >/dev/null",
                        CRM_KAFKA_SCRIPT, directory_)
                .c_str(),
            "we");
  CRM_CHECK(keeper_ != nullptr);
  const absl::Status status = Run(fmt::format("up --version {} --brokers {}", version_, count_));
  bootstrap_ = Line(directory_ + "/bootstrap");
  return status;
}

absl::Status Brokers::Kill(int broker) {
  return Run(fmt::format("kill-broker {}", broker));
}

absl::Status Brokers::Restart(int broker) {
  return Run(fmt::format("start-broker {}", broker));
}

absl::Status Brokers::Run(const std::string& command) {
  const std::string output = directory_ + "/script.log";
  const std::string line =
      fmt::format("'{}' {} --dir '{}' >'{}' 2>&1", CRM_KAFKA_SCRIPT, command, directory_, output);
  if (std::system(line.c_str()) == 0) return absl::OkStatus();
  return absl::UnavailableError(fmt::format("kafka.sh {}: {}", command, ReadText(output)));
}

}  // namespace crm
