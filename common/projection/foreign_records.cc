#include "common/projection/foreign_records.h"

#include "common/base/status.h"
#include "common/projection/sealing.h"

namespace crm {
namespace {

// A void event's personal fields are nobody's concern; whether they can be opened may change.
class ClosedSealer final : public Sealer {
 public:
  absl::StatusOr<common::v1::Sealed> Seal(std::string_view, std::string_view,
                                          const common::v1::SealedContent&) override {
    return absl::InternalError("nothing is sealed here");
  }
  absl::StatusOr<Opened> Open(std::string_view, std::string_view,
                              const common::v1::Sealed&) override {
    return Opened{Opened::Outcome::kShredded, {}};
  }
};

}  // namespace

std::string ReasonToList(const Record& record, const EventSchema& schema) {
  if (record.kind == RecordKind::kForeign) return record.value.substr(0, record.value.find(':'));
  if (record.kind != RecordKind::kEvent) return "";
  ClosedSealer sealer;
  return ReasonOf(schema.Decode(Record(record), sealer).status());
}

}  // namespace crm
