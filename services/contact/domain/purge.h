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
  bool requested = false;
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

  static State Evolve(
      State run, const Event& event,
      const common::v1::EventMetadata& metadata = common::v1::EventMetadata::default_instance());

  //            not requested         under way               cancelled    complete
  //   Request  requested             nothing where it is the same, else OPERATION_EXISTS
  //   Finish   OPERATION_NOT_FOUND   done, nothing twice     nothing      nothing
  //   Cancel   OPERATION_NOT_FOUND   cancelled               nothing      nothing
  static absl::StatusOr<Events> Decide(const State& run, const RequestPurge& command);
  static absl::StatusOr<Events> Decide(const State& run, const FinishPartition& command);
  static absl::StatusOr<Events> Decide(const State& run, const CancelPurge& command);
};

}  // namespace crm::contact
