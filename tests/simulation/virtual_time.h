#pragma once

#include <functional>
#include <queue>
#include <vector>

#include "common/base/ids.h"
#include "common/base/random.h"

namespace crm::simulation {

// Chance, the same for the same seed on every machine.
class Dice {
 public:
  explicit Dice(uint64_t seed) : random_(seed) {}

  // 0 … n - 1.
  size_t Below(size_t n) { return static_cast<size_t>(random_.Next64() % n); }
  TimeNs Between(TimeNs least, TimeNs most) {
    return least + static_cast<TimeNs>(random_.Next64() % static_cast<uint64_t>(most - least + 1));
  }
  bool Chance(double probability) {
    return static_cast<double>(random_.Next64() >> 11) * 0x1p-53 < probability;
  }
  template <typename T>
  const T& Pick(const std::vector<T>& from) {
    return from[Below(from.size())];
  }
  uint64_t Seed() { return random_.Next64(); }

 private:
  SeededRandom random_;
};

// What happens when. Things of one time happen in the order they were put in.
class VirtualTime {
 public:
  TimeNs now() const { return now_; }

  void After(TimeNs delay, std::function<void()> run) {
    queue_.push({now_ + delay, next_++, std::move(run)});
  }

  // Runs what is due until `until`, which is the time afterwards.
  void RunUntil(TimeNs until) {
    while (!queue_.empty() && queue_.top().when <= until) RunNext();
    now_ = until;
  }

 private:
  struct Entry {
    TimeNs when;
    uint64_t number;
    std::function<void()> run;
    bool operator<(const Entry& other) const {
      return when != other.when ? when > other.when : number > other.number;
    }
  };

  void RunNext() {
    now_ = queue_.top().when;
    const std::function<void()> run = std::move(const_cast<Entry&>(queue_.top()).run);
    queue_.pop();
    run();
  }

  TimeNs now_ = 0;
  uint64_t next_ = 0;
  std::priority_queue<Entry> queue_;
};

}  // namespace crm::simulation
