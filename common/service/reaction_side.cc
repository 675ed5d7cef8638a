#include "common/service/reaction_side.h"

#include <algorithm>

#include "common/aggregate/reaction_progress.h"
#include "common/service/projection_drivers.h"

namespace crm {

ReactionSide::ReactionSide(Of of) : of_(std::move(of)) {
  for (std::atomic<Offset>& reign : caught_up_in_) reign = kNoOffset;
}

std::optional<Offset> ReactionSide::Reign(Partition partition) {
  const auto serving = of_.core.serving();
  if (serving == nullptr) return std::nullopt;
  const LaneRunner& lanes = static_cast<CoreDriver&>(*serving->driver).lanes;
  if (!lanes.open(partition)) return std::nullopt;
  const Offset reign = lanes.fence(partition);
  std::atomic<Offset>& caught_up = caught_up_in_[static_cast<size_t>(partition)];
  if (caught_up != reign && !ViewsHaveRead(*serving->store, partition)) return std::nullopt;
  caught_up = reign;
  return reign;
}

bool ReactionSide::ViewsHaveRead(const RowReader& core, Partition partition) const {
  for (const auto& reaction : of_.definition.reactions) {
    const auto progress = ReadReactionProgress(core, partition, reaction->name());
    if (!progress.ok()) return false;
    for (const common::v1::ReactedTo& to : progress->reacted_to()) {
      if (!ViewsHaveRead(to)) return false;
    }
  }
  return true;
}

bool ReactionSide::ViewsHaveRead(const common::v1::ReactedTo& to) const {
  return std::all_of(of_.views.begin(), of_.views.end(), [&to](const auto& view) {
    return view->log().topic() != to.topic() || view->tracker().Get(to.partition()) >= to.offset();
  });
}

}  // namespace crm
