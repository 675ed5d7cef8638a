#pragma once

#include <google/protobuf/timestamp.pb.h>

#include <algorithm>
#include <limits>

#include "common/base/ids.h"

namespace crm {

// The years 1 to 9999, as google/protobuf/timestamp.proto allows them.
inline bool IsTimestamp(const google::protobuf::Timestamp& time) {
  return time.seconds() >= -62'135'596'800 && time.seconds() <= 253'402'300'799 &&
         time.nanos() >= 0 && time.nanos() < kSecond;
}

// A time that 64 bits of nanoseconds cannot hold becomes the nearest one they can: the years 1678
// and 2262.
inline TimeNs ToTimeNs(const google::protobuf::Timestamp& time) {
  constexpr int64_t kMaxSeconds = std::numeric_limits<TimeNs>::max() / kSecond - 1;
  return std::clamp(time.seconds(), -kMaxSeconds, kMaxSeconds) * kSecond + time.nanos();
}

inline void SetTimestamp(TimeNs time, google::protobuf::Timestamp* out) {
  // Nanos count forward from the second before, also before 1970.
  const bool borrow = time % kSecond < 0;
  out->set_seconds(time / kSecond - (borrow ? 1 : 0));
  out->set_nanos(static_cast<int32_t>(time % kSecond + (borrow ? kSecond : 0)));
}

}  // namespace crm
