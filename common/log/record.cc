#include "common/log/record.h"

#include <fmt/format.h>

#include "common/base/hash.h"

namespace crm {

std::string_view KindName(RecordKind kind) {
  switch (kind) {
    case RecordKind::kForeign:
      return "foreign";
    case RecordKind::kEvent:
      return "event";
    case RecordKind::kOwn:
      return "own";
    case RecordKind::kRelease:
      return "release";
    case RecordKind::kGenesis:
      return "genesis";
    case RecordKind::kEpoch:
      return "epoch";
  }
  return "unknown";
}

std::string RecordHash(const Record& record) {
  PieceHasher hasher;
  hasher.Add(static_cast<uint64_t>(record.kind));
  hasher.Add(record.key);
  hasher.Add(static_cast<uint64_t>(record.fence));
  hasher.Add(static_cast<uint64_t>(record.seq));
  hasher.Add(static_cast<uint64_t>(record.last));
  hasher.Add(record.value);
  return hasher.Digest();
}

std::string EventId(int64_t epoch, Partition partition, const Record& record) {
  return fmt::format("{}-{}-{}-{}", epoch, partition, record.fence, record.seq);
}

}  // namespace crm
