#pragma once

#include <string>
#include <vector>

#include "tests/cluster/cluster.h"
#include "tests/cluster/cluster_writers.h"

namespace crm {

// What a run's log holds beside its events, so that a reader sees that the faults did occur.
struct RunTotals {
  int64_t records = 0;
  int64_t events = 0;
  int64_t void_events = 0;
  int64_t ownerships = 0;
  int64_t releases = 0;
  int64_t attempts = 0;
  int64_t unanswered = 0;
  int64_t reads = 0;
  std::string ToString() const;
};

// All that is held against a run once everything is quiet; a line for each breach, none where all
// is well.
//
//  1. What tests/crash/judge.h lists, asked of one replica after another.
//  2. What the checker of the simulation lists (tests/simulation/checker.h), over every call with
//     its times and answer, the log as it lies, reads with tokens, and the core's dump of every
//     replica. Names, payload checks and rulings are worked out anew by the service's own rules.
//  3. Every projection of every replica, and of one that begins with empty directories and is taken
//     away again, has the same canonical hash in each partition.
std::vector<std::string> JudgeRun(Cluster& cluster, RunRecord record, RunTotals* totals);

// The third alone: of all replicas that run, and of one more.
std::vector<std::string> CompareReplicas(Cluster& cluster);

}  // namespace crm
