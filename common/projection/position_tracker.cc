#include "common/projection/position_tracker.h"

#include <algorithm>

#include "common/base/status.h"

namespace crm {

bool PositionTracker::Reached(const Targets& targets) const {
  return std::all_of(targets.begin(), targets.end(), [this](const auto& target) {
    return read_to_[static_cast<size_t>(target.first)] >= target.second;
  });
}

bool PositionTracker::Hopeless(const Targets& targets) const {
  return faulty_ && std::any_of(targets.begin(), targets.end(), [this](const auto& target) {
           return !faults_[static_cast<size_t>(target.first)].ok();
         });
}

template <typename Predicate>
std::vector<PositionTracker::Waiter> PositionTracker::TakeOut(Predicate leaves) {
  std::vector<Waiter> out;
  for (auto it = waiters_.begin(); it != waiters_.end();) {
    if (leaves(*it)) {
      out.push_back(std::move(*it));
      it = waiters_.erase(it);
    } else {
      ++it;
    }
  }
  return out;
}

void PositionTracker::Advance(Partition partition, Offset read_to) {
  std::vector<Waiter> ready;
  {
    MutexLock lock(mutex_);
    Offset& current = read_to_[static_cast<size_t>(partition)];
    if (read_to <= current) return;
    current = read_to;
    if (waiters_.empty()) return;
    ready = TakeOut([this](const Waiter& waiter) { return Reached(waiter.targets); });
  }
  for (Waiter& waiter : ready) waiter.done(true);
}

void PositionTracker::Reset(Partition partition, Offset read_to) {
  MutexLock lock(mutex_);
  read_to_[static_cast<size_t>(partition)] = read_to;
  faults_[static_cast<size_t>(partition)] = absl::OkStatus();
  faulty_ =
      std::any_of(faults_.begin(), faults_.end(), [](const absl::Status& f) { return !f.ok(); });
}

void PositionTracker::Fault(Partition partition, absl::Status why) {
  std::vector<Waiter> hopeless;
  {
    MutexLock lock(mutex_);
    faults_[static_cast<size_t>(partition)] = Error(
        absl::StatusCode::kUnavailable, ReasonOf(why),
        "partition " + std::to_string(partition) + " is not served: " + std::string(why.message()),
        {{"partition", std::to_string(partition)}});
    faulty_ = true;
    hopeless = TakeOut([this](const Waiter& waiter) { return Hopeless(waiter.targets); });
  }
  for (Waiter& waiter : hopeless) waiter.done(false);
}

absl::Status PositionTracker::Check(Partition partition) const {
  if (!faulty_) return absl::OkStatus();
  MutexLock lock(mutex_);
  return faults_[static_cast<size_t>(partition)];
}

Offset PositionTracker::Get(Partition partition) const {
  MutexLock lock(mutex_);
  return read_to_[static_cast<size_t>(partition)];
}

void PositionTracker::WhenReached(Targets targets, TimeNs deadline,
                                  std::function<void(bool)> done) {
  bool hopeless = false;
  {
    MutexLock lock(mutex_);
    hopeless = Hopeless(targets);
    if (!hopeless && !Reached(targets)) {
      waiters_.push_back({std::move(targets), deadline, std::move(done)});
      waited_for_.NotifyAll();
      return;
    }
  }
  done(!hopeless);
}

void PositionTracker::LetGather(TimeNs longest) {
  MutexLock lock(mutex_);
  waited_for_.WaitFor(lock, longest, [this] { return cancelled_ || !waiters_.empty(); });
}

void PositionTracker::Expire(TimeNs now) {
  std::vector<Waiter> late;
  {
    MutexLock lock(mutex_);
    late = TakeOut([now](const Waiter& waiter) { return waiter.deadline <= now; });
  }
  for (Waiter& waiter : late) waiter.done(false);
}

void PositionTracker::Cancel() {
  std::vector<Waiter> all;
  {
    MutexLock lock(mutex_);
    cancelled_ = true;
    waited_for_.NotifyAll();
    all = TakeOut([](const Waiter&) { return true; });
  }
  for (Waiter& waiter : all) waiter.done(false);
}

}  // namespace crm
