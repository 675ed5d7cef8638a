#include "common/service/log_ends.h"

#include <memory>

#include "common/base/mutex.h"

namespace crm {

LogEnds ReadEnds(Log& log, TimeNs patience) {
  // Answers may come when nobody waits any more.
  struct Answers {
    Mutex mutex;
    CondVar all;
    int owed = kPartitions;
    LogEnds ends;
  };
  const auto answers = std::make_shared<Answers>();
  for (Partition p = 0; p < kPartitions; ++p) {
    log.ReadEnd(p, [answers, p](const absl::StatusOr<Offset>& end) {
      MutexLock lock(answers->mutex);
      if (end.ok()) answers->ends[static_cast<size_t>(p)] = *end;
      if (--answers->owed == 0) answers->all.NotifyAll();
    });
  }
  MutexLock lock(answers->mutex);
  answers->all.WaitFor(lock, patience, [&] { return answers->owed == 0; });
  return answers->ends;
}

}  // namespace crm
