#pragma once

#include <atomic>

#include "common/base/ids.h"
#include "common/base/mutex.h"

namespace crm {

// Counts what a server has accepted and not answered yet, keeps it within bounds, and tells when
// nothing is left. Thread-safe.
class Admission {
 public:
  enum class Verdict { kAccepted, kFull, kStopping };

  Admission(int max_calls, int max_streams) : max_calls_(max_calls), max_streams_(max_streams) {}

  // A unary call or the item of a stream. Only what was accepted leaves, once.
  Verdict EnterCall() { return Enter(calls_, max_calls_); }
  void LeaveCall() { Leave(calls_); }
  // A stream, as long as it is open.
  Verdict EnterStream() { return Enter(streams_, max_streams_); }
  void LeaveStream() { Leave(streams_); }

  // From now on nothing is accepted.
  void Stop() { stopping_.store(true); }
  bool stopping() const { return stopping_.load(std::memory_order_relaxed); }
  // After Stop: false when `timeout` has passed and something is still open.
  bool WaitUntilIdle(TimeNs timeout);
  // After Stop: until nobody was turned away for `quiet`, `timeout` at most.
  void WaitUntilQuiet(TimeNs quiet, TimeNs timeout);

  int in_flight() const { return calls_.load(std::memory_order_relaxed); }

 private:
  Verdict Enter(std::atomic<int>& count, int limit);
  void Leave(std::atomic<int>& count);

  const int max_calls_;
  const int max_streams_;
  // Entering counts first and looks at `stopping_` second; stopping sets it first and looks at the
  // counts second. So nothing slips in unseen between the two.
  std::atomic<int> calls_{0};
  std::atomic<int> streams_{0};
  std::atomic<bool> stopping_{false};
  std::atomic<int64_t> turned_away_{0};
  Mutex mutex_;
  CondVar idle_;
};

}  // namespace crm
