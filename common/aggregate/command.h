#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/aggregate/aggregate.h"
#include "common/base/status.h"
#include "crm/common/v1/event.pb.h"

namespace crm {

// Who calls, and in whose name. From the call's metadata.
struct Caller {
  std::string tenant;
  common::v1::Actor actor;
  std::string traceparent;
  std::string correlation_id;
};

// How a command ended.
struct Outcome {
  // The aggregate it is about.
  std::string aggregate;
  int64_t version = 0;
  // The resource right after the command (at `version`), serialised.
  std::string resource;
  // Events the command recorded when it was first executed; 0: the state was already as asked.
  int64_t events = 0;
  // Version of the aggregate before the command.
  int64_t version_before = 0;
  // The answer repeats an earlier execution with the same request id.
  bool repeated = false;
  // The topic's record message of the last event; null without events.
  std::shared_ptr<const google::protobuf::Message> last_record;
  // Read at least to here to see it: the offset after the command's last record (or, without
  // events, the position at which it was answered).
  Partition partition = 0;
  Offset position = 0;
  // With validate_only: a crm.common.v1.WouldRecord of the events, serialised; empty without any.
  std::string would_record;
};

// One event a decider answered with, ready to be stamped: `record` has its aggregate oneof set.
struct NewEvent {
  const AggregateType* type = nullptr;
  std::string aggregate;
  std::unique_ptr<google::protobuf::Message> record;
};

// What a command may read while it decides: aggregates of its subject.
class AggregateReader {
 public:
  virtual ~AggregateReader() = default;
  // Version 0 where it does not exist. Valid until the command has decided. DATA_LOSS.
  virtual absl::StatusOr<const Aggregate*> Find(const AggregateType& type,
                                                const std::string& name) = 0;
};

// A command on its way to the lane of its subject. Made by the API (all that needs a clock,
// randomness or a library is done by then), executed once by the lane.
class Command {
 public:
  virtual ~Command() = default;

  Caller caller;
  // Root resource name, e.g. "contacts/c1".
  std::string subject;
  // Aggregate the answer shows.
  std::string aggregate;
  const AggregateType* type = nullptr;
  std::string request_id;
  // First 16 bytes of an HMAC of the canonical payload.
  std::string payload_hmac;
  std::string etag;
  bool validate_only = false;
  std::string batch_id;
  TimeNs occurred_time = 0;
  // Of the tenant's settings that the request was normalised by; 0 = by none.
  int64_t settings_version = 0;
  // The event a reaction answers to, and its id.
  std::optional<common::v1::SourcePosition> source;
  std::string causation_id;
  // Set for what belongs to no customer and is placed by partition: the key and the tenant of its
  // records are empty.
  std::optional<Partition> partition;
  // The same command as a call, where it can be made as one: short name of the service's RPC, and
  // the serialised request. A reaction's command for a partition that another process owns is
  // passed on so; one without it is tried again until this process owns the partition.
  struct AsCall {
    std::string method;
    std::string request;
  };
  std::optional<AsCall> as_call;
  // Give up when the caller's deadline has passed and nothing was appended yet; monotonic. 0 =
  // none.
  TimeNs deadline = 0;

  // Pure. No events = the state is already as asked; an error refuses.
  virtual absl::StatusOr<std::vector<NewEvent>> Decide(AggregateReader& aggregates) const = 0;

  // Called exactly once, on the lane's thread; must not block.
  std::function<void(absl::StatusOr<Outcome>)> done;
};

// A command over one aggregate, by its decider. `T` as for TypedAggregate; `C` is one of the
// decider's commands: `static absl::StatusOr<Events> T::Decider::Decide(const State&, const C&)`.
template <typename T, typename C>
class DeciderCommand final : public Command {
 public:
  DeciderCommand(const AggregateType& aggregate_type, std::string aggregate_name, C command)
      : command_(std::move(command)) {
    type = &aggregate_type;
    aggregate = std::move(aggregate_name);
    subject = std::string(SubjectOf(aggregate));
  }

  absl::StatusOr<std::vector<NewEvent>> Decide(AggregateReader& aggregates) const override {
    CRM_ASSIGN_OR_RETURN(const Aggregate* found, aggregates.Find(*type, aggregate));
    const auto& state = static_cast<const TypedAggregate<T>*>(found)->state();
    CRM_ASSIGN_OR_RETURN(auto events, T::Decider::Decide(state, command_));
    std::vector<NewEvent> out;
    out.reserve(events.size());
    for (auto& event : events) {
      auto record = std::make_unique<typename T::Record>();
      *T::Mutable(record.get()) = std::move(event);
      out.push_back({type, aggregate, std::move(record)});
    }
    return out;
  }

 private:
  C command_;
};

}  // namespace crm
