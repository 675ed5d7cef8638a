#include "common/log/embedded/record_codec.h"

#include "common/base/bytes.h"

namespace crm {
namespace {

constexpr uint8_t kLastBit = 0x80;
constexpr size_t kKeyBytes = 12;

bool IsKind(uint8_t kind) {
  return kind <= static_cast<uint8_t>(RecordKind::kEpoch);
}

}  // namespace

std::string LogKey(Partition partition, Offset offset) {
  std::string key;
  key.reserve(kKeyBytes);
  AppendBe32(&key, static_cast<uint32_t>(partition));
  AppendBe64(&key, static_cast<uint64_t>(offset));
  return key;
}

bool ReadLogKey(std::string_view key, Partition* partition, Offset* offset) {
  if (key.size() != kKeyBytes) return false;
  *partition = static_cast<Partition>(ReadBe32(key.data()));
  *offset = static_cast<Offset>(ReadBe64(key.data() + 4));
  return *partition >= 0 && *partition < kPartitions && *offset >= 0;
}

void AppendRecordHead(std::string* out, const Record& record) {
  const auto kind = static_cast<uint8_t>(record.kind);
  out->push_back(static_cast<char>(record.last ? kind | kLastBit : kind));
  AppendVarint(out, static_cast<uint64_t>(record.fence));
  AppendVarint(out, static_cast<uint64_t>(record.seq));
  AppendSized(out, record.key);
}

bool DecodeRecord(std::string_view bytes, Record* record) {
  if (bytes.empty()) return false;
  const auto head = static_cast<uint8_t>(bytes.front());
  bytes.remove_prefix(1);
  const auto kind = static_cast<uint8_t>(head & ~kLastBit);
  uint64_t fence = 0;
  uint64_t seq = 0;
  std::string_view key;
  if (!IsKind(kind) || !ReadVarint(&bytes, &fence) || !ReadVarint(&bytes, &seq)) return false;
  if (!ReadSized(&bytes, &key)) return false;
  record->kind = static_cast<RecordKind>(kind);
  record->last = (head & kLastBit) != 0;
  record->fence = static_cast<int64_t>(fence);
  record->seq = static_cast<int64_t>(seq);
  record->key = key;
  record->value = bytes;
  return true;
}

}  // namespace crm
