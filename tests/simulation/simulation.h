#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/log/fenced_partition.h"
#include "tests/simulation/checker.h"

namespace crm::simulation {

struct SimulationOptions {
  uint64_t seed = 1;
  // To show that the checker notices.
  PlantedFaults faults;
  bool fault_ignore_dedup = false;
  // Prints what happens.
  bool verbose = false;
};

// What happened in a run, so that a reader sees that the faults did occur.
struct Totals {
  int64_t calls = 0;
  int64_t acknowledged = 0;
  int64_t refused = 0;
  int64_t undecided = 0;
  int64_t repeated = 0;
  int64_t reads = 0;
  int64_t records = 0;
  int64_t void_records = 0;
  int64_t ownerships = 0;
  int64_t releases = 0;
  int64_t crashes = 0;
  int64_t pauses = 0;
  int64_t stops = 0;
  int64_t foreign = 0;
  int64_t forged = 0;

  void Add(const Totals& other);
  std::string ToString() const;
};

struct SimulationResult {
  std::vector<Finding> findings;
  // Of everything that landed and was answered, with its time: equal for equal runs.
  std::string trace_hash;
  Totals totals;
};

// Runs nodes, clients and faults, all drawn from the seed, in virtual time on this thread, until
// after the faults everything is quiet; then checks.
SimulationResult Simulate(const SimulationOptions& options);

}  // namespace crm::simulation
