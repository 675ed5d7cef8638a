#pragma once

#include <map>
#include <string>
#include <string_view>

#include "common/base/clock.h"
#include "common/base/mutex.h"

namespace crm {

// Lets a line of a client library through once in a while, with how often it came meanwhile:
// clients of one broker that is away say the same many times a second. Thread-safe.
class RepeatedLines {
 public:
  static constexpr TimeNs kPause = 10 * kSecond;

  explicit RepeatedLines(const Clock& clock) : clock_(clock) {}

  // What is to be told now; empty: nothing. Lines that differ only in how long something took are
  // the same.
  std::string Take(std::string_view line);

 private:
  struct Seen {
    TimeNs told = 0;
    int64_t held_back = 0;
  };
  void Forget(TimeNs now);

  const Clock& clock_;
  Mutex mutex_;
  std::map<std::string, Seen, std::less<>> seen_;
};

}  // namespace crm
