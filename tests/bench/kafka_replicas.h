#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tests/bench/bench_rows.h"

namespace crm {

struct KafkaReplicasOptions {
  // crm-contact with all it needs but its name, addresses and data directory.
  std::vector<std::string> server;
  std::filesystem::path programs;
  std::filesystem::path work;
  double session_seconds = 6;
  // Writes read back at the other replica; failovers of each kind.
  int reads = 2000;
  int failovers = 5;
};

// What two replicas of one service give, on a broker of their own, as rows:
//  - how much longer than any read a read takes that is sent to the other replica at once with the
//    token of a write (owner and reader are different processes), idle and under load;
//  - for how long the partitions of a replica accept no command when it is killed (all of them
//    again, from the signal on) and when it is stopped (the longest time without an accepted
//    command, over its partitions, from the signal on).
absl::Status MeasureReplicas(const KafkaReplicasOptions& options, bool tokens, bool failover,
                             std::vector<BenchRow>* rows);

}  // namespace crm
