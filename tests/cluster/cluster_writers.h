#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/base/mutex.h"
#include "tests/cluster/callers.h"
#include "tests/crash/writer.h"

namespace crm {

// A contact as somebody read it with the token of a write.
struct TokenRead {
  std::string name;
  // The write's.
  std::string position;
  int64_t written_version = 0;
  // What was read.
  int64_t version = 0;
  std::string contact;
};

// What callers saw of a run.
struct RunRecord {
  std::vector<WriterHistory> histories;
  std::vector<Attempt> attempts;
  std::vector<TokenRead> reads;

  void Add(RunRecord other);
};

// Threads that write over several replicas without a pause, each call to one at random; what has no
// answer is repeated with the same request id, mostly at another. A few are patient: their calls
// wait for a replica that stands still and reach it when it goes on. After some of their commands
// they read the contact at another replica with the token of the answer.
class ClusterWriters {
 public:
  ClusterWriters(const Callers& callers, int count, uint64_t seed);
  ~ClusterWriters();

  // Commands answered so far, a refusal counts.
  int64_t answered() const { return answered_; }
  // Waits until `count` more were answered; false: not within `wait`.
  bool WaitForAnswers(int64_t count, TimeNs wait) const;

  // Nothing new is begun; returns when all that was begun is answered, or after `wait`: then false.
  bool Drain(TimeNs wait);

  // After Drain.
  RunRecord TakeRecord();

 private:
  struct Hand;
  void Run(Hand& hand);
  void ReadBack(Hand& hand);
  // False: it is over.
  bool Rest();

  const Callers& callers_;
  Mutex mutex_;
  CondVar changed_;
  bool over_ = false;
  std::atomic<bool> drain_{false};
  std::atomic<int64_t> answered_{0};
  std::atomic<int> running_{0};
  std::vector<std::unique_ptr<Hand>> hands_;
};

}  // namespace crm
