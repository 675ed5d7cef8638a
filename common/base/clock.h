#pragma once

#include <atomic>

#include "common/base/ids.h"

namespace crm {

// Time is injected; only main.cc makes a SystemClock. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  // Wall clock; may step.
  virtual TimeNs Now() const = 0;
  // Never goes back; its zero means nothing.
  virtual TimeNs Monotonic() const = 0;
};

class SystemClock final : public Clock {
 public:
  TimeNs Now() const override;
  TimeNs Monotonic() const override;
};

// Stands still until told.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(TimeNs now) : now_(now) {}
  TimeNs Now() const override { return now_.load(); }
  TimeNs Monotonic() const override { return now_.load(); }
  void Advance(TimeNs by) { now_.fetch_add(by); }

 private:
  std::atomic<TimeNs> now_;
};

}  // namespace crm
