#pragma once

#include <string>
#include <vector>

#include "common/aggregate/reaction_cursor.h"
#include "tests/simulation/plot.h"

namespace crm::simulation {

struct ReactionRunOptions {
  uint64_t seed = 1;
  // To show that the checks notice.
  PlantedReactionFaults faults;
  bool fault_no_request_id = false;
  bool verbose = false;
};

// What happened in runs, so that a reader sees that the faults did occur.
struct ReactionTotals {
  int64_t source_events = 0;
  int64_t own_events = 0;
  int64_t progress_events = 0;
  int64_t refusals = 0;
  int64_t retries = 0;
  int64_t ownerships = 0;
  int64_t crashes = 0;

  void Add(const ReactionTotals& other);
  std::string ToString() const;
};

struct ReactionRunResult {
  std::vector<Finding> findings;
  ReactionTotals totals;
};

// Runs nodes that own the partitions of a service in turns and react to a topic, in virtual time on
// this thread, with all faults of Weather: crashes, pauses, moved owners, appends that are delayed,
// doubled, lost or of unknown outcome, commands and answers that are lost on the way. After the
// faults every event must be reacted to; then the nodes lose their stores, are rebuilt from the
// log, and must do nothing more. Checks that all replicas equal a bulk rebuild, then the plot's own
// promises.
ReactionRunResult RunReactions(Plot& plot, const ReactionRunOptions& options);

}  // namespace crm::simulation
