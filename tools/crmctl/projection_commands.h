#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "tools/crmctl/console.h"
#include "tools/crmctl/inspection.h"

namespace crm::crmctl {

// Which projections of which services; empty = all.
struct ProjectionChoice {
  std::string service;
  std::string projection;
};

// What runs, over which log.
absl::Status ShowStatus(Inspection& inspection, Console& console);
// Returns once every projection and every reaction has reached the log's end, with nothing coming
// in between. UNAVAILABLE (NOT_DRAINED): not within `patience`.
absl::Status WaitUntilDrained(Inspection& inspection, Console& console, TimeNs patience);
// A row a projection.
absl::Status ProjectionStatus(Inspection& inspection, Console& console);
// Builds anew from the log, one after the other.
absl::Status ProjectionRebuild(Inspection& inspection, Console& console,
                               const ProjectionChoice& choice);
// Folds the log anew and compares; the answer is no where a partition differs.
absl::Status ProjectionVerify(Inspection& inspection, Console& console,
                              const ProjectionChoice& choice);

struct DumpArguments {
  // One projection; "core" where none is named.
  ProjectionChoice choice;
  bool business = false;
  bool hashes_only = false;
};
absl::Status ProjectionDump(Inspection& inspection, Console& console,
                            const DumpArguments& arguments);

// Records that could not be folded; the answer is no where there are some.
absl::Status ListDeadLetters(Inspection& inspection, Console& console, const std::string& service);

// Commands of reactions that were refused, at most 1,000 a service; empty = of all services.
absl::Status ListRefusals(Inspection& inspection, Console& console, const std::string& service);

}  // namespace crm::crmctl
