#pragma once

#include <cstdint>

namespace crm {

// Number of partitions of every topic on every engine, for life (docs/adr/0003).
inline constexpr int kPartitions = 16;

// 0 … kPartitions - 1.
using Partition = int;

// Place of a record within its partition: 0, 1, 2 … on the embedded engine; on Kafka there may be
// holes.
using Offset = int64_t;
inline constexpr Offset kNoOffset = -1;

// Nanoseconds since 1970-01-01 UTC.
using TimeNs = int64_t;
inline constexpr TimeNs kMillisecond = 1'000'000;
inline constexpr TimeNs kSecond = 1'000 * kMillisecond;

}  // namespace crm
