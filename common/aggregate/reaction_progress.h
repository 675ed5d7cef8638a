#pragma once

#include <google/protobuf/message.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/aggregate/command.h"
#include "common/storage/store.h"
#include "crm/common/v1/reaction.pb.h"

namespace crm {

// How far a reaction came in one partition, as an aggregate like any other: "reactions/{reaction}",
// of no tenant, in each partition one. The same for every topic, as the field of its events is. The
// decider and the fold of ReactionEvent are here.

// The one type of these aggregates. The core knows it without being told.
const AggregateType& ReactionProgressType();

// "reactions/stage-of-orders".
std::string ReactionAggregate(std::string_view reaction);

// What the core has of a reaction in a partition; empty where nothing was recorded. DATA_LOSS.
absl::StatusOr<common::v1::ReactionProgress> ReadReactionProgress(const RowReader& core,
                                                                  Partition partition,
                                                                  std::string_view reaction);

// The position recorded for one source partition; at the topic's beginning where there is none.
common::v1::ReactedTo RecordedPosition(const common::v1::ReactionProgress& progress,
                                       std::string_view topic, Partition source);

// Tells refused commands of one event from each other, in ReactionProgress::open_refusals.
uint64_t RefusalFingerprint(std::string_view tenant, std::string_view aggregate);

// Records what a reaction did, as one command of the partition: without request id, idempotent by
// itself. A refusal known already and a position already passed record nothing, so that repeats and
// late-comers of an earlier reign do no harm.
class RecordReaction final : public Command {
 public:
  // `record` is the topic's record message, which has a field for ReactionEvent.
  RecordReaction(const google::protobuf::Message& record, std::string_view reaction,
                 Partition in_partition, std::vector<common::v1::ReactionEvent> events);
  absl::StatusOr<std::vector<NewEvent>> Decide(AggregateReader& aggregates) const override;

 private:
  const google::protobuf::Message& record_;
  const std::vector<common::v1::ReactionEvent> events_;
};

}  // namespace crm
