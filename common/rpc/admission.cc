#include "common/rpc/admission.h"

namespace crm {

Admission::Verdict Admission::Enter(std::atomic<int>& count, int limit) {
  const int before = count.fetch_add(1);
  if (stopping_.load()) {
    turned_away_.fetch_add(1);
    Leave(count);
    return Verdict::kStopping;
  }
  if (before < limit) return Verdict::kAccepted;
  Leave(count);
  return Verdict::kFull;
}

void Admission::Leave(std::atomic<int>& count) {
  if (count.fetch_sub(1) != 1 || !stopping_.load()) return;
  // Under the lock, so that the waiter is either before its look at the counts or asleep.
  MutexLock lock(mutex_);
  idle_.NotifyAll();
}

bool Admission::WaitUntilIdle(TimeNs timeout) {
  MutexLock lock(mutex_);
  return idle_.WaitFor(lock, timeout,
                       [this] { return calls_.load() == 0 && streams_.load() == 0; });
}

void Admission::WaitUntilQuiet(TimeNs quiet, TimeNs timeout) {
  MutexLock lock(mutex_);
  for (TimeNs waited = 0; waited < timeout; waited += quiet) {
    const int64_t before = turned_away_.load();
    idle_.WaitFor(lock, quiet, [] { return false; });
    if (turned_away_.load() == before) return;
  }
}

}  // namespace crm
