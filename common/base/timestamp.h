#pragma once

#include <google/protobuf/timestamp.pb.h>

#include "common/base/ids.h"

namespace crm {

inline TimeNs ToTimeNs(const google::protobuf::Timestamp& time) {
  return time.seconds() * kSecond + time.nanos();
}

inline void SetTimestamp(TimeNs time, google::protobuf::Timestamp* out) {
  out->set_seconds(time / kSecond);
  out->set_nanos(static_cast<int32_t>(time % kSecond));
}

}  // namespace crm
