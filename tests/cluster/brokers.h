#pragma once

#include <cstdio>
#include <string>

#include "absl/status/status.h"

namespace crm {

// Kafka brokers of a test's own, by scripts/kafka.sh, in a directory that is given. They end with
// this object, and also when the test is killed. Not thread-safe.
class Brokers {
 public:
  // `count` is 1 or 3. Nothing runs yet.
  Brokers(std::string directory, std::string version, int count);
  ~Brokers();
  Brokers(const Brokers&) = delete;
  Brokers& operator=(const Brokers&) = delete;

  // All of them, until each answers.
  absl::Status Start();
  // kill -9; brokers count from 1.
  absl::Status Kill(int broker);
  // Brings one back, until it answers.
  absl::Status Restart(int broker);

  int count() const { return count_; }
  // "host:port,host:port", the same for life.
  const std::string& bootstrap() const { return bootstrap_; }

 private:
  absl::Status Run(const std::string& command);

  const std::string directory_;
  const std::string version_;
  const int count_;
  std::string bootstrap_;
  // A shell that stops the brokers when the pipe from this process closes.
  FILE* keeper_ = nullptr;
};

}  // namespace crm
