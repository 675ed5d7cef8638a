#include "common/aggregate/history.h"

#include "common/aggregate/core_rows.h"
#include "common/base/bytes.h"
#include "common/base/status.h"

namespace crm {
namespace {

absl::StatusOr<Event> DecodeRow(const EventSchema& schema, Sealer& sealer, const HistoryOf& of,
                                std::string_view value) {
  if (value.size() < 8) {
    return Error(absl::StatusCode::kDataLoss, "ROW_UNREADABLE",
                 "a history row cannot be read; rebuild the projection");
  }
  Record record;
  record.offset = static_cast<Offset>(ReadBe64(value.data()));
  record.key = RecordKey(of.tenant, of.aggregate);
  record.value = std::string(value.substr(8));
  return schema.Decode(std::move(record), sealer);
}

}  // namespace

absl::Status VisitHistory(const RowReader& core, const EventSchema& schema, Sealer& sealer,
                          const HistoryOf& of, int64_t from,
                          const std::function<bool(const Event&)>& visit) {
  const std::string begin = HistoryKey(of.partition, of.tenant, of.aggregate, from);
  const std::string end = PrefixEnd(HistoryPrefix(of.partition, of.tenant, of.aggregate));
  const auto rows = core.Scan(begin, end);
  for (; rows->Valid(); rows->Next()) {
    CRM_ASSIGN_OR_RETURN(const Event event, DecodeRow(schema, sealer, of, rows->value()));
    if (!visit(event)) return absl::OkStatus();
  }
  return rows->status();
}

absl::StatusOr<std::unique_ptr<Aggregate>> FoldHistory(
    const RowReader& core, const EventSchema& schema, Sealer& sealer, const AggregateType& type,
    const HistoryOf& of, const std::function<bool(const Event&)>& include) {
  std::unique_ptr<Aggregate> aggregate = type.New(of.aggregate);
  CRM_RETURN_IF_ERROR(VisitHistory(core, schema, sealer, of, 1, [&](const Event& event) {
    if (!include(event)) return false;
    aggregate->Apply(event);
    return true;
  }));
  return aggregate;
}

}  // namespace crm
