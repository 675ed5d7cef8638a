#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/aggregate/aggregate.h"
#include "common/projection/event_schema.h"
#include "common/storage/store.h"

namespace crm {

// Where the history of one aggregate lies.
struct HistoryOf {
  Partition partition = 0;
  std::string tenant;
  std::string aggregate;
};

// Calls `visit` with every event from version `from` on, in order, until it answers false.
// DATA_LOSS: a row cannot be read.
absl::Status VisitHistory(const RowReader& core, const EventSchema& schema, Sealer& sealer,
                          const HistoryOf& of, int64_t from,
                          const std::function<bool(const Event&)>& visit);

// The aggregate after its last event that `include` accepts (it accepts a prefix of the history).
// Version 0 where it accepts none.
absl::StatusOr<std::unique_ptr<Aggregate>> FoldHistory(
    const RowReader& core, const EventSchema& schema, Sealer& sealer, const AggregateType& type,
    const HistoryOf& of, const std::function<bool(const Event&)>& include);

}  // namespace crm
