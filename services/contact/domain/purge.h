#pragma once

#include <set>
#include <string_view>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "common/base/ids.h"
#include "crm/common/v1/event.pb.h"
#include "crm/contact/v1/contact_events.pb.h"

namespace crm::contact {

inline constexpr std::string_view kOperationNotFound = "OPERATION_NOT_FOUND";
inline constexpr std::string_view kOperationExists = "OPERATION_EXISTS";

// One run of PurgeContacts. Only Evolve builds it.
struct PurgeRun {
  // 0: it was never requested.
  TimeNs start_time = 0;
  // Contacts deleted before this moment.
  TimeNs deleted_before = 0;
  // False: they are only counted.
  bool force = false;
  bool cancelled = false;
  // Partitions that are done, and what was purged in them.
  std::set<Partition> done;
  int64_t contacts = 0;
  bool operator==(const PurgeRun&) const = default;

  bool requested() const { return start_time != 0; }
  bool complete() const { return static_cast<int>(done.size()) == kPartitions; }
  bool ended() const { return cancelled || complete(); }
};

struct RequestPurge {
  TimeNs deleted_before = 0;
  bool force = false;
};

struct FinishPartition {
  Partition partition = 0;
  int64_t contacts = 0;
};

struct CancelPurge {};

// A run is no person: an erasure, which nothing records, leaves it as it is.
struct PurgeDecider {
  using State = PurgeRun;
  using Event = v1::PurgeEvent;
  using Events = absl::InlinedVector<Event, 1>;

  static State Evolve(State run, const Event& event, const common::v1::EventMetadata& metadata);

  //             not requested        under way                        cancelled         complete
  //   Request   requested            OPERATION_EXISTS                 OPERATION_EXISTS
  //   OPERATION_EXISTS Finish    OPERATION_NOT_FOUND  done, or nothing the second time nothing
  //   nothing Cancel    OPERATION_NOT_FOUND  cancelled                        nothing nothing
  static absl::StatusOr<Events> Decide(const State& run, const RequestPurge& command);
  static absl::StatusOr<Events> Decide(const State& run, const FinishPartition& command);
  static absl::StatusOr<Events> Decide(const State& run, const CancelPurge& command);
};

}  // namespace crm::contact
