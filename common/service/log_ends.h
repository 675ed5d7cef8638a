#pragma once

#include <array>
#include <optional>

#include "common/log/log.h"

namespace crm {

// Where the partitions of a log end; nothing where that cannot be told.
using LogEnds = std::array<std::optional<Offset>, kPartitions>;

// Asks for all of them at once and waits `patience` nanoseconds at most: on a log of brokers each
// answer is a way there and back, and none comes while they are away.
LogEnds ReadEnds(Log& log, TimeNs patience);

}  // namespace crm
