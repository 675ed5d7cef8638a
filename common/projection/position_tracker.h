#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <list>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "common/base/ids.h"
#include "common/base/mutex.h"

namespace crm {

// How far one store has folded each partition, and who waits for it. Thread-safe.
class PositionTracker {
 public:
  using Targets = std::vector<std::pair<Partition, Offset>>;

  void Advance(Partition partition, Offset read_to);
  // The partition's log is damaged, trimmed or replaced: the store stays where it stands, and must
  // not be served. Ends the waits for it.
  void Fault(Partition partition, absl::Status why);
  // UNAVAILABLE with the reason where the partition must not be served.
  absl::Status Check(Partition partition) const;
  // A store made anew stands where it stands, even before; it has no fault yet.
  void Reset(Partition partition, Offset read_to);
  Offset Get(Partition partition) const;

  // Runs `done(true)` once every target is reached, at once where it is already, or `done(false)`
  // at the deadline (monotonic). Never under the tracker's lock.
  void WhenReached(Targets targets, TimeNs deadline, std::function<void(bool)> done);

  // For the thread that advances: lets more work gather for up to `longest` nanoseconds, but not
  // while anybody waits.
  void LetGather(TimeNs longest);

  // Ends the waits whose deadline has passed.
  void Expire(TimeNs now);
  // Ends all waits.
  void Cancel();

 private:
  struct Waiter {
    Targets targets;
    TimeNs deadline;
    std::function<void(bool)> done;
  };

  bool Reached(const Targets& targets) const;
  bool Hopeless(const Targets& targets) const;
  // Takes out the waiters that `leaves` selects.
  template <typename Predicate>
  std::vector<Waiter> TakeOut(Predicate leaves);

  mutable Mutex mutex_;
  std::array<Offset, kPartitions> read_to_{};
  std::array<absl::Status, kPartitions> faults_;
  // Any of `faults_`; spares those who check the lock.
  std::atomic<bool> faulty_{false};
  std::list<Waiter> waiters_;
  CondVar waited_for_;
  bool cancelled_ = false;
};

}  // namespace crm
