#pragma once

#include <array>
#include <functional>
#include <string>
#include <vector>

#include "common/log/memory/memory_log.h"
#include "common/projection/partition_fold.h"
#include "tests/simulation/plot.h"

namespace crm::simulation {

// Writes the topic that reactions follow, as owners of it would leave it: valid commands, records
// of lost owners and repeats of old ones between them, commands that were never completed, changes
// of owner.
class SourceWriter {
 public:
  SourceWriter(EventSource source, uint64_t seed, const std::string& topic = kSourceTopic);

  // Appends one command of the plot's, and maybe void records around it.
  void Write(Partition partition, std::vector<NewEvent> events, TimeNs now);

  MemoryLog& log() { return log_; }
  Offset end(Partition partition) { return static_cast<Offset>(place(partition).records.size()); }
  // All that lies there, void records too.
  const std::vector<Record>& records(Partition partition) { return place(partition).records; }
  const std::vector<ToldEvent>& told() const { return told_; }

 private:
  struct Place {
    Offset fence = kNoOffset;
    int64_t seq = 0;
    std::vector<Record> records;
    std::vector<Record> past;
    std::map<std::string, int64_t> versions;
  };
  Place& place(Partition partition) { return places_[static_cast<size_t>(partition)]; }
  Offset Append(Partition partition, Record record);
  void Own(Partition partition);
  void WriteVoid(Partition partition);

  EventSource source_;
  Dice dice_;
  MemoryLog log_;
  std::array<Place, kPartitions> places_;
  std::vector<ToldEvent> told_;
};

}  // namespace crm::simulation
