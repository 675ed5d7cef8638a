#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/aggregate/command.h"
#include "common/aggregate/core_fold.h"
#include "common/projection/partition_fold.h"

namespace crm::simulation {

// One attempt of a client at a command. A repeat is a call of its own.
struct Call {
  std::string tenant;
  std::string aggregate;
  std::string request_id;
  std::string payload_hmac;
  std::string etag;
  bool validate_only = false;
  Partition partition = 0;
  // Times of one clock for all calls.
  TimeNs sent = 0;
  struct Answer {
    TimeNs at = 0;
    absl::StatusOr<Outcome> outcome;
  };
  // Nothing where the caller gave up or the process died.
  std::optional<Answer> answer;
  // The caller's own, for its Judge.
  size_t tag = 0;
};

// A resource as somebody was served it.
struct ReadSeen {
  std::string replica;
  std::string tenant;
  std::string aggregate;
  Partition partition = 0;
  // The replica said it had folded up to here, before it read.
  Offset min_position = 0;
  // 0 = there is no such resource.
  int64_t version = 0;
  std::string resource;
};

// Hash of the canonical dump of one partition of one replica's core.
struct ReplicaDump {
  std::string replica;
  Partition partition = 0;
  std::string hash;
};

// All that is known of a run after its end.
struct History {
  std::vector<Call> calls;
  std::vector<ReadSeen> reads;
  // Every record of the log, as it lies there.
  std::map<Partition, std::vector<Record>> log;
  std::vector<ReplicaDump> dumps;
  // Request ids of events that somebody else wrote under an owner's fence: they count as the rule
  // has it.
  std::set<std::string> forged;
};

// What the rules answer to a call on one state of its aggregate, the request id aside.
struct Ruling {
  absl::StatusCode code = absl::StatusCode::kOk;
  std::string reason;
  // Recorded events; an answer without any leaves the aggregate as it is.
  bool records = false;
  // Where OK: the resource it answers with.
  std::string resource;
};
using Judge = std::function<Ruling(const Call&, const Aggregate&)>;

enum class Fault {
  // An acknowledged command is not in the log, or more than once.
  kNotOnce,
  // The log holds what nobody asked for.
  kUnissued,
  // Versions of an aggregate, or recorded times of a partition, do not follow one another.
  kVersions,
  // Two answers to one request id differ.
  kAnswerChanged,
  // A request id was used with two payloads and that was not noticed, or wrongly claimed.
  kPayload,
  // A change was made to another version than its etag names.
  kEtag,
  // No state that was current while the call lasted justifies its answer.
  kUnjustified,
  // Replicas, or a replica and a rebuild, differ.
  kReplicas,
  // A read shows less than its token promises, or a resource that never was.
  kStaleRead,
  // Commands without an answer, or a partition without an owner, long after all faults ended.
  kProgress,
  // A reader met a damaged log or store, or counted records wrongly.
  kBroken,
};
std::string_view FaultName(Fault fault);

struct Finding {
  Fault fault;
  std::string text;
};

struct CheckerOptions {
  EventSource source;
  const AggregateTypes& types;
  // Without one, answers without events are not checked.
  Judge judge;
};

// Holds a run against what docs/fenced-log.md and docs/guarantees.md promise. Knows the fence rule
// by an implementation of its own, over the whole log at once. Answers all faults it finds.
std::vector<Finding> CheckHistory(const History& history, const CheckerOptions& options);

}  // namespace crm::simulation
