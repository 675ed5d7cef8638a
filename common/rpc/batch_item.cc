#include "common/rpc/batch_item.h"

#include <fmt/format.h>

#include "common/base/bytes.h"
#include "common/rpc/wire_walk.h"

namespace crm {
namespace {

// Sound bytes without the field: to bytes that are cut off nothing may be added, it could mend
// them.
bool Lacks(std::string_view message, int number) {
  WireField field;
  while (NextWireField(&message, &field)) {
    if (static_cast<int>(field.number) == number && !field.bytes.empty()) return false;
  }
  return message.empty();
}

}  // namespace

BatchItemView ReadBatchItem(std::string_view bytes) {
  BatchItemView item;
  WireField field;
  while (NextWireField(&bytes, &field)) {
    if (field.number == 1 && field.type == 0) item.row = static_cast<int64_t>(field.varint);
    if (field.number == 3 && field.type == 2) item.import_id = field.bytes;
    if (field.number != 2) continue;
    if (field.type != 2) return item;
    // Pieces of a message field concatenate.
    if (!item.command.empty() && item.joined.empty()) item.joined = item.command;
    if (!item.joined.empty()) item.joined += field.bytes;
    item.command = field.bytes;
  }
  item.sound = bytes.empty();
  return item;
}

void NameRequest(BatchItemView* item, std::string_view import_id, int field) {
  constexpr int kLengthDelimited = 2;
  const std::string_view command = item->joined.empty() ? item->command : item->joined;
  if (import_id.empty() || field == 0 || !Lacks(command, field)) return;
  std::string named(command);
  AppendVarint(&named, static_cast<uint64_t>(field) << 3 | kLengthDelimited);
  AppendSized(&named, fmt::format("{}-{}", import_id, item->row));
  item->joined = std::move(named);
}

}  // namespace crm
