#pragma once

#include <chrono>
#include <thread>

#include "common/base/clock.h"

namespace crm {

// Asks again and again until `condition` holds or `wait` nanoseconds have passed; answers whether
// it held. For what another process does and tells nobody.
template <typename Condition>
bool Eventually(TimeNs wait, Condition condition) {
  const SystemClock clock;
  const TimeNs deadline = clock.Monotonic() + wait;
  while (!condition()) {
    if (clock.Monotonic() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace crm
