#include "tests/simulation/node.h"

#include <algorithm>

#include "common/base/check.h"

namespace crm::simulation {
namespace {

constexpr TimeNs kTick = 50 * kMillisecond;
constexpr TimeNs kWallStart = 1'700'000'000 * kSecond;

}  // namespace

Node::Node(Surroundings& around, std::string name, uint64_t seed)
    : around_(around), name_(std::move(name)), dice_(seed), random_(dice_.Seed()) {
  for (const Partition p : around_.partitions) seats_[p];
}

void Node::Start() {
  up_ = true;
  paused_ = false;
  turn_scheduled_ = false;
  ++incarnation_;
  wall_ = kWallStart + dice_.Between(0, 4 * kSecond);
  for (auto& [partition, seat] : seats_) {
    MakeLane(partition);
    PollTail(partition, incarnation_);
    if (seat.hinted) Hint(partition, true);
  }
  Tick(incarnation_);
}

void Node::MakeLane(Partition partition) {
  Seat& seat = seats_[partition];
  absl::StatusOr<StoredPosition> position = LoadPosition(store_, partition);
  CRM_CHECK(position.ok());
  position->log_id = around_.log.log().identity().log_id;
  Lane::Options options;
  options.fence.partition = partition;
  options.fence.owner = name_;
  options.fence.endpoint = name_;
  options.fence.faults = around_.faults;
  options.fault_ignore_dedup = around_.fault_ignore_dedup;
  seat.tail = position->stored;
  seat.appender = std::make_shared<FaultyLog::Appender>();
  seat.lane = std::make_unique<Lane>(std::move(options), around_.core, around_.schema,
                                     around_.sealer, store_, *position, random_, *this);
}

void Node::Die() {
  up_ = false;
  ++incarnation_;
  inbox_.clear();
  for (auto& [partition, seat] : seats_) {
    seat.lane.reset();
    seat.appender->dead = true;
  }
}

void Node::CrashAndLoseStore() {
  if (!up_) return;
  Die();
  store_.Crash(0);
}

void Node::Crash() {
  if (!up_) return;
  Die();
  store_.Crash(dice_.Chance(0.2)
                   ? 0
                   : store_.writes() -
                         dice_.Below(std::min<size_t>(store_.writes() + 1, 1 + dice_.Below(30))));
}

void Node::Stop(const std::string& successor) {
  if (!up_) return;
  for (auto& [partition, seat] : seats_) {
    Post([successor](Lane& lane) { lane.Release(successor); }, partition);
  }
  Later(dice_.Between(kMillisecond, kSecond), [this] {
    Die();
    store_.Crash(store_.writes());
  });
}

void Node::Resume() {
  paused_ = false;
  if (up_) ScheduleTurn();
}

const Lane* Node::lane(Partition partition) const {
  return up_ ? seats_.at(partition).lane.get() : nullptr;
}

bool Node::Open(Partition partition) const {
  return up_ && !paused_ && seats_.at(partition).lane->open();
}

void Node::Post(std::function<void(Lane&)> input, Partition partition) {
  if (!up_) return;
  inbox_.push_back({partition, std::move(input)});
  ScheduleTurn();
}

void Node::Submit(Partition partition, std::unique_ptr<Command> command) {
  const auto shared = std::make_shared<std::unique_ptr<Command>>(std::move(command));
  Post([this, shared](Lane& lane) { lane.Submit(std::move(*shared), Wall(), around_.time.now()); },
       partition);
}

void Node::Hint(Partition partition, bool mine) {
  seats_[partition].hinted = mine;
  Post([this, mine](Lane& lane) { lane.Hint(mine, around_.time.now()); }, partition);
}

void Node::Later(TimeNs delay, std::function<void()> run) {
  around_.time.After(delay, [this, incarnation = incarnation_, run = std::move(run)] {
    if (incarnation == incarnation_) run();
  });
}

void Node::ScheduleTurn() {
  if (turn_scheduled_ || paused_) return;
  turn_scheduled_ = true;
  Later(dice_.Between(10'000, kMillisecond), [this] { Turn(); });
}

void Node::Turn() {
  turn_scheduled_ = false;
  if (paused_) return;
  if (!around_.calm && dice_.Chance(around_.weather.store_fails)) {
    dice_.Chance(0.5) ? store_.FailOneWrite()
                      : store_.FailOneRead(static_cast<int>(dice_.Below(4)));
  }
  for (Input& input : std::exchange(inbox_, {})) input.run(*seats_[input.partition].lane);
  for (auto& [partition, seat] : seats_) {
    seat.lane->Tick(around_.time.now());
    seat.lane->Flush();
  }
}

void Node::Tick(uint64_t incarnation) {
  if (incarnation != incarnation_) return;
  ScheduleTurn();
  around_.time.After(kTick, [this, incarnation] { Tick(incarnation); });
}

void Node::PollTail(Partition partition, uint64_t incarnation) {
  if (incarnation != incarnation_) return;
  Seat& seat = seats_[partition];
  const Offset end = around_.log.end(partition);
  if (!paused_ && seat.tail < end) {
    const Offset to = std::min<Offset>(end, seat.tail + 1 + static_cast<Offset>(dice_.Below(50)));
    Post([this, partition, from = seat.tail,
          to](Lane& lane) { ReadRange(lane, partition, from, to); },
         partition);
    seat.tail = to;
  }
  const TimeNs longest = around_.calm ? 20 * kMillisecond : around_.weather.longest_tail;
  around_.time.After(dice_.Between(kMillisecond, longest),
                     [this, partition, incarnation] { PollTail(partition, incarnation); });
}

void Node::ReadRange(Lane& lane, Partition partition, Offset from, Offset to) {
  for (Offset offset = from; offset < to; ++offset) {
    lane.Read(around_.log.records(partition)[static_cast<size_t>(offset)], around_.time.now());
  }
}

void Node::Append(Partition partition, uint64_t id, RecordBatch records) {
  around_.log.Append(
      seats_[partition].appender, partition, std::move(records),
      [this, partition, id, incarnation = incarnation_](std::optional<std::vector<Offset>> at) {
        if (incarnation != incarnation_) return;
        Post(
            [this, id, at](Lane& lane) {
              at ? lane.Delivered(id, *at) : lane.DeliveryUnknown(id, around_.time.now());
            },
            partition);
      });
}

void Node::ReadBack(Partition partition, Offset from, Offset to) {
  if (!around_.calm && dice_.Chance(around_.weather.read_back_fails)) return;
  // As a node that follows the log may do: its tail brings it.
  if (dice_.Chance(0.3)) return;
  if (to == kNoOffset) to = around_.log.end(partition);
  if (dice_.Chance(0.5)) return ReadRange(*seats_[partition].lane, partition, from, to);
  Later(dice_.Between(kMillisecond, 50 * kMillisecond), [=, this] {
    Post([=, this](Lane& lane) { ReadRange(lane, partition, from, to); }, partition);
  });
}

void Node::ReadEnd(Partition partition) {
  if (!around_.calm && dice_.Chance(around_.weather.end_fails)) {
    return Later(dice_.Between(kMillisecond, 100 * kMillisecond),
                 [this, partition] { Post([](Lane& lane) { lane.EndUnknown(); }, partition); });
  }
  if (dice_.Chance(0.3)) return seats_[partition].lane->End(around_.log.end(partition));
  Later(dice_.Between(10'000, 5 * kMillisecond), [this, partition] {
    const Offset end = around_.log.end(partition);
    Later(dice_.Between(10'000, 100 * kMillisecond),
          [this, partition, end] { Post([end](Lane& lane) { lane.End(end); }, partition); });
  });
}

void Node::Advanced(Partition partition, Offset read_to) {
  if (advanced) advanced(partition, read_to);
}

void Node::Failed(Partition, const absl::Status&) {
  Later(kMillisecond, [this] {
    if (failed) failed();
  });
}

}  // namespace crm::simulation
