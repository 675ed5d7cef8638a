#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace crm {

// std::mutex under a name of our own, so that locking has one vocabulary and ThreadSanitizer sees
// it (absl::Mutex gives it false reports in the packaged build).
class Mutex {
 public:
  void Lock() { mutex_.lock(); }
  void Unlock() { mutex_.unlock(); }

 private:
  friend class MutexLock;
  std::mutex mutex_;
};

class MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) : lock_(mutex.mutex_) {}
  void Unlock() { lock_.unlock(); }

 private:
  friend class CondVar;
  std::unique_lock<std::mutex> lock_;
};

class CondVar {
 public:
  template <typename Predicate>
  void Wait(MutexLock& lock, Predicate predicate) {
    condition_.wait(lock.lock_, predicate);
  }
  // False when `nanoseconds` passed and the predicate still does not hold.
  template <typename Predicate>
  bool WaitFor(MutexLock& lock, int64_t nanoseconds, Predicate predicate) {
    return condition_.wait_for(lock.lock_, std::chrono::nanoseconds(nanoseconds), predicate);
  }
  void NotifyOne() { condition_.notify_one(); }
  void NotifyAll() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace crm
