#pragma once

#include <google/protobuf/message.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/aggregate/command.h"
#include "common/projection/event_schema.h"
#include "common/service/view_reading.h"

namespace crm {

class NameMaker;

// What one event causes next.
struct ReactionStep {
  // Each by its subject's lane; a subject of another partition is fine. The runner fills caller,
  // request id, source and deadline. A request id that is set already becomes part of the one that
  // is derived: so a broadcast tells apart what it does in each partition to one aggregate.
  std::vector<std::unique_ptr<Command>> commands;
  // Where to go on with the same event once these commands are answered; empty = the event is done.
  std::string progress;
};

// What a reaction may read while it reacts.
struct ReactionContext {
  // The partition whose owner reacts.
  Partition partition = 0;
  // Of the event.
  std::string tenant;
  const NameMaker& names;
  // Wall clock, for deadlines and windows; recorded times come from events.
  TimeNs now = 0;
  const ServiceReading& reading;
};

// A rule of a service: events of a topic cause commands of this service. Stateless or thread-safe.
//
// The owner of partition p reacts to the events of partition p of the topic, in order, or, where it
// is a broadcast, to those of every partition, for its own contacts. At least once: after a crash
// or a new owner events are met again; commands carry a request id derived from the event, the
// reaction, and the aggregate, so that what was recorded is not recorded twice. A refused command
// is recorded (ReactionRefused) and the reaction goes on; UNAVAILABLE is tried again.
class Reaction {
 public:
  virtual ~Reaction() = default;

  // Part of request ids and of what is recorded: never changed. "stage-of-orders".
  virtual std::string_view name() const = 0;
  // Where the events come from, and the topic's record message.
  virtual std::string_view topic() const = 0;
  virtual const google::protobuf::Message& record() const = 0;
  // Such events are few, and what they cause depends on what the partition holds when they are met;
  // so that one is not met again much later, that it was reacted to is recorded soon (within
  // seconds) also where it caused nothing.
  virtual bool broadcast() const { return false; }
  // Views of this service that have folded an event before React sees it.
  virtual std::vector<std::string> views() const { return {}; }

  // Whether the event causes anything at all. Pure, cheap, called for each event.
  virtual bool Concerns(const Event& event) const = 0;

  // Commands that the event causes, from `progress` on (empty: from the start); for the event as a
  // whole at most one an aggregate, as they would bear the same request id. Asked again for the
  // same progress where it answered an error, a command was UNAVAILABLE, or there is a new owner:
  // answers at least the commands that are not in effect yet; what is kept in memory between steps
  // must not forget them. Acts on the world outside only in ways that are safe to repeat for the
  // same event.
  virtual absl::StatusOr<ReactionStep> React(const ReactionContext& context, const Event& event,
                                             std::string_view progress) = 0;
};

}  // namespace crm
