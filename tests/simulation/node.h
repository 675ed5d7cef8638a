#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/aggregate/lane.h"
#include "tests/simulation/faulty_log.h"
#include "tests/support/unsynced_store.h"

namespace crm::simulation {

// What the nodes of one run share.
struct Surroundings {
  VirtualTime& time;
  const Weather& weather;
  FaultyLog& log;
  const CoreProjection& core;
  const EventSchema& schema;
  Sealer& sealer;
  std::vector<Partition> partitions;
  PlantedFaults faults;
  bool fault_ignore_dedup = false;
  // No more faults of nodes.
  bool calm = false;
};

// One process of the service: lanes over a store of its own, driven in turns as LaneRunner does.
// It can be paused with all that comes in waiting, or die and come back with what its disk kept.
class Node final : public LaneOutside {
 public:
  Node(Surroundings& around, std::string name, uint64_t seed);

  void Start();
  // Ends the process; a restart finds a prefix of the store's writes, sometimes none.
  void Crash();
  // Ends the process; a restart finds nothing.
  void CrashAndLoseStore();
  // Hands over what is open, then ends the process, which loses nothing.
  void Stop(const std::string& successor);
  void Pause() { paused_ = true; }
  void Resume();

  bool up() const { return up_; }
  bool paused() const { return paused_; }
  const std::string& name() const { return name_; }
  const Store& store() const { return store_; }
  // Null while the process is down.
  const Lane* lane(Partition partition) const;
  bool Open(Partition partition) const;

  // For the next turn of this incarnation; lost when it is down.
  void Post(std::function<void(Lane&)> input, Partition partition);
  void Submit(Partition partition, std::unique_ptr<Command> command);
  void Hint(Partition partition, bool mine);

  // Called after the node said how far it has folded, and when it cannot go on.
  std::function<void(Partition, Offset)> advanced;
  std::function<void()> failed;

 private:
  struct Seat {
    std::unique_ptr<Lane> lane;
    std::shared_ptr<FaultyLog::Appender> appender;
    Offset tail = 0;
    bool hinted = false;
  };
  struct Input {
    Partition partition;
    std::function<void(Lane&)> run;
  };

  void Append(Partition partition, uint64_t id, RecordBatch records) override;
  void ReadBack(Partition partition, Offset from, Offset to) override;
  void ReadEnd(Partition partition) override;
  void Advanced(Partition partition, Offset read_to) override;
  void Failed(Partition partition, const absl::Status& why) override;

  void Die();
  void MakeLane(Partition partition);
  void ScheduleTurn();
  void Turn();
  void Tick(uint64_t incarnation);
  void PollTail(Partition partition, uint64_t incarnation);
  void ReadRange(Lane& lane, Partition partition, Offset from, Offset to);
  // Runs `run` later if the process has not died by then.
  void Later(TimeNs delay, std::function<void()> run);
  TimeNs Wall() const { return around_.time.now() + wall_; }

  Surroundings& around_;
  const std::string name_;
  Dice dice_;
  SeededRandom random_;
  testing::UnsyncedStore store_;
  std::map<Partition, Seat> seats_;
  std::vector<Input> inbox_;
  uint64_t incarnation_ = 0;
  TimeNs wall_ = 0;
  bool up_ = false;
  bool paused_ = false;
  bool turn_scheduled_ = false;
};

}  // namespace crm::simulation
