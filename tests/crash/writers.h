#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/base/mutex.h"
#include "tests/crash/writer.h"

namespace crm {

// Threads that write without a pause while a server is up: creates with and without an external
// key, upserts on keys they share, updates with current and stale etags. What had no answer when
// the server went away is repeated with the same request id when it is back.
class Writers {
 public:
  Writers(int count, uint64_t seed);
  ~Writers();

  // Lets every writer loose on the server.
  void Begin(const std::string& address);
  // Waits until this many commands were acknowledged since Begin, or `wait` has passed.
  void WaitForAcknowledged(int64_t count, TimeNs wait);
  // Returns once every writer has seen the server go away. With `drain`, the server stays up:
  // writers start nothing new and end when what they have begun is answered.
  void End(bool drain = false);

  // After the last End.
  std::vector<WriterHistory> TakeHistories();
  int64_t acknowledged() const { return acknowledged_; }

 private:
  void Run(Writer& writer);

  Mutex mutex_;
  CondVar changed_;
  int64_t round_ = 0;
  std::string address_;
  int running_ = 0;
  bool over_ = false;
  std::atomic<bool> drain_{false};
  std::atomic<int64_t> acknowledged_{0};
  std::atomic<int64_t> target_{0};
  std::vector<std::unique_ptr<Writer>> writers_;
  std::vector<std::thread> threads_;
};

}  // namespace crm
