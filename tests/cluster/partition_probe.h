#pragma once

#include <array>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/base/ids.h"
#include "common/base/secret.h"
#include "tests/cluster/cluster_writers.h"

namespace crm {

// Finds out when partitions take commands, by a contact of its own in each. One thread.
class PartitionProbe {
 public:
  explicit PartitionProbe(const Secret& secret);

  // Tries a command in each of the partitions, all at once, over any of the replicas, until each
  // was acknowledged. The monotonic time of the last acknowledgement; 0 where `wait` passed before.
  TimeNs WaitUntilAccepted(const Callers& callers, const std::set<Partition>& partitions,
                           TimeNs wait);

  // What was done since the last.
  RunRecord TakeRecord() { return std::exchange(record_, {}); }

  // The contact it writes to in the partition.
  const std::string& NameOf(Partition partition) const {
    return names_[static_cast<size_t>(partition)];
  }

  static std::set<Partition> All();

 private:
  struct Result;
  static Result TryUntilAccepted(const Callers& callers,
                                 const contact::v1::UpsertContactRequest& request, TimeNs wait);
  contact::v1::UpsertContactRequest Request(Partition partition);

  // External key of the partition's contact.
  std::array<std::string, kPartitions> keys_;
  std::array<std::string, kPartitions> names_;
  int64_t requests_ = 0;
  RunRecord record_;
};

}  // namespace crm
