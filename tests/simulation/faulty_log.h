#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/log/memory/memory_log.h"
#include "tests/simulation/weather.h"

namespace crm::simulation {

// The shared log, and the network before it. Records lie in a MemoryLog; what is delayed, lost,
// repeated or cut in parts on the way there is decided here.
class FaultyLog {
 public:
  // What one process has under way to one partition. Its records land in the order it sent them,
  // unless one comes late after it was given up.
  struct Appender {
    // Nothing of it lands before.
    TimeNs not_before = 0;
    // The process is gone: what is under way may be too.
    bool dead = false;
  };
  // Offsets, or nothing: unknown.
  using Report = std::function<void(std::optional<std::vector<Offset>>)>;

  FaultyLog(VirtualTime& time, uint64_t seed, const Weather& weather,
            const std::string& topic = "simulated");

  void Append(std::shared_ptr<Appender> from, Partition partition, RecordBatch records,
              Report report);
  // Lands now, whoever wrote it.
  void Inject(Partition partition, std::vector<Record> records);
  // From now on everything lands and is reported soon.
  void CalmDown() { calm_ = true; }

  const std::vector<Record>& records(Partition partition) {
    return landed_[static_cast<size_t>(partition)];
  }
  Offset end(Partition partition) {
    return static_cast<Offset>(landed_[static_cast<size_t>(partition)].size());
  }
  MemoryLog& log() { return log_; }
  // Called for every record that lands.
  std::function<void(Partition, const Record&)> landed;

 private:
  enum class Fate { kNormal, kUnknown, kLate, kTwice, kInParts, kPartly, kDropped };
  struct Shipment {
    std::shared_ptr<Appender> from;
    Partition partition;
    RecordBatch records;
    Report report;
    std::vector<Offset> offsets;
  };
  using ShipmentPtr = std::shared_ptr<Shipment>;

  Fate Draw(size_t records);
  TimeNs Short(TimeNs longest) { return dice_.Between(10'000, calm_ ? kMillisecond : longest); }
  void LandAt(const ShipmentPtr& shipment, TimeNs delay, size_t begin, size_t end,
              std::function<void()> then);
  void Land(Shipment& shipment, size_t begin, size_t end);
  void ReportSoon(const ShipmentPtr& shipment, bool known);
  // The next landing of an appender, in its order.
  TimeNs InOrder(Appender& from);
  // Of a second copy.
  TimeNs AgainAfter(Appender& from);

  VirtualTime& time_;
  Dice dice_;
  const Weather& weather_;
  MemoryLog log_;
  std::vector<std::vector<Record>> landed_{kPartitions};
  bool calm_ = false;
};

}  // namespace crm::simulation
