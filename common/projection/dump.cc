#include "common/projection/dump.h"

#include "common/base/bytes.h"
#include "common/base/hash.h"
#include "common/base/status.h"
#include "common/projection/position.h"

namespace crm {
namespace {

// Printable ASCII as it is, everything else as \xx.
std::string Escape(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    if (c >= 0x20 && c < 0x7f && c != '\\') {
      out.push_back(c);
    } else {
      out += "\\" + Hex({&c, 1});
    }
  }
  return out;
}

}  // namespace

absl::StatusOr<DumpSummary> DumpPartition(const RowReader& store, const Projection& projection,
                                          Partition partition, DumpKind kind,
                                          const std::function<void(std::string)>& line) {
  const std::string begin(1, static_cast<char>(partition));
  const std::string position = PositionRowKey(partition);
  PieceHasher hasher;
  DumpSummary summary;
  const auto rows = store.Scan(begin, PrefixEnd(begin));
  for (; rows->Valid(); rows->Next()) {
    if (rows->key() == position) continue;
    if (kind == DumpKind::kCanonical) {
      hasher.Add(rows->key());
      hasher.Add(rows->value());
      if (line) line(Escape(rows->key()) + " = " + Escape(rows->value()));
    } else {
      std::string text = projection.BusinessLine(rows->key(), rows->value());
      if (text.empty()) continue;
      hasher.Add(text);
      if (line) line(std::move(text));
    }
    ++summary.rows;
  }
  CRM_RETURN_IF_ERROR(rows->status());
  summary.hash = Hex(hasher.Digest());
  return summary;
}

}  // namespace crm
