#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace crm {

struct KafkaClusterOptions {
  // Names its directory; the same name stops and clears what an earlier run left.
  std::string name;
  int brokers = 1;
  bool tls = false;
  bool sasl = false;
};

// Brokers for a test that ctest runs with crm_kafka_test: the one it shares with others, or some of
// its own that it may kill. Brokers are numbered from 1. Not thread-safe; calls block until the
// brokers answer or are gone, and their errors hold what scripts/kafka.sh said.
class KafkaCluster {
 public:
  // The broker that ctest started for this version. Never stopped here. NOT_FOUND outside of ctest:
  // says what to set.
  static absl::StatusOr<std::unique_ptr<KafkaCluster>> Shared();

  // Fresh brokers of the same version, stopped by the destructor (and by ctest's clean-up after a
  // crash).
  static absl::StatusOr<std::unique_ptr<KafkaCluster>> Start(const KafkaClusterOptions& options);

  ~KafkaCluster();
  KafkaCluster(const KafkaCluster&) = delete;
  KafkaCluster& operator=(const KafkaCluster&) = delete;

  // "host:port,host:port".
  const std::string& bootstrap() const { return bootstrap_; }
  // Where scripts/kafka.sh keeps it.
  const std::string& directory() const { return directory_; }
  // A value of secure.env (KAFKA_TLS_BOOTSTRAP, KAFKA_CA_FILE …); empty where it is not
  // there.
  std::string Secure(const std::string& name) const;

  absl::Status KillBroker(int broker);
  absl::Status StartBroker(int broker);
  absl::Status RestartBroker(int broker);

 private:
  KafkaCluster(std::string directory, bool own);
  absl::Status ReadBootstrap();
  absl::Status Run(const std::string& arguments) const;

  const std::string directory_;
  const bool own_;
  std::string bootstrap_;
};

}  // namespace crm
