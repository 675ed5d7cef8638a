#pragma once

#include <optional>

#include "common/base/ids.h"

namespace crm {

// Which past to read: events recorded not after `time`, or lying below `offset`.
struct Moment {
  std::optional<TimeNs> time;
  std::optional<Offset> offset;
};

}  // namespace crm
