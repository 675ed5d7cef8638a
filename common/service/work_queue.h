#pragma once

#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "common/base/mutex.h"

namespace crm {

// A few threads for work that may take a while. Bounded. Thread-safe.
class WorkQueue {
 public:
  WorkQueue(int threads, size_t max_waiting);
  // Runs what was taken on, then ends.
  ~WorkQueue();
  // False: full, or stopping; `work` was not taken on.
  bool Add(std::function<void()> work);
  void Stop();

 private:
  void Run();

  const size_t max_waiting_;
  Mutex mutex_;
  CondVar wake_;
  std::deque<std::function<void()>> waiting_;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace crm
