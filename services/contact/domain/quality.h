#pragma once

#include <map>
#include <string>
#include <string_view>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "common/base/ids.h"
#include "crm/common/v1/event.pb.h"
#include "crm/contact/v1/contact_events.pb.h"
#include "crm/contact/v1/quality.pb.h"
#include "services/contact/domain/contact.h"

namespace crm::contact {

inline constexpr std::string_view kQualityIssueNotFound = "QUALITY_ISSUE_NOT_FOUND";
inline constexpr std::string_view kQualityIssuesFull = "QUALITY_ISSUES_FULL";

// Issues of one contact that are remembered, so that its row stays small.
inline constexpr size_t kMaxQualityIssues = 200;

// One doubt about a contact's data.
struct QualityIssue {
  v1::QualityIssue::Kind kind = v1::QualityIssue::KIND_UNSPECIFIED;
  // Field of Contact; may be empty.
  std::string field;
  std::string note;
  // When it was opened last, and resolved since; 0 = it is open.
  TimeNs open_time = 0;
  TimeNs resolve_time = 0;
  bool operator==(const QualityIssue&) const = default;

  bool open() const { return resolve_time == 0; }
};

// All doubts about one contact, by the issue's id. Only Evolve builds it.
struct ContactQuality {
  std::map<std::string, QualityIssue> issues;
  // Its person was erased: every issue is resolved, and none is opened any more.
  bool erased = false;
  bool operator==(const ContactQuality&) const = default;
};

struct OpenIssue {
  std::string issue;
  v1::QualityIssue::Kind kind = v1::QualityIssue::KIND_UNSPECIFIED;
  std::string field;
  std::string note;
  // Of the contact, at the moment of the decision.
  Existence contact = Existence::kUnknown;
};

struct ResolveIssue {
  std::string issue;
  // Takes the place of the issue's note, unless empty.
  std::string note;
  Existence contact = Existence::kUnknown;
};

// The erasure law of ContactDecider holds here too. Where 200 issues are remembered, the one that
// was resolved first is forgotten for a new one.
struct QualityDecider {
  using State = ContactQuality;
  using Event = v1::QualityEvent;
  using Events = absl::InlinedVector<Event, 1>;

  static State Evolve(State quality, const Event& event,
                      const crm::common::v1::EventMetadata& metadata =
                          crm::common::v1::EventMetadata::default_instance());

  //             not there                    open       resolved   contact deleted   erased
  //   Open      opened, QUALITY_ISSUES_FULL  nothing    opened     CONTACT_DELETED   CONTACT_ERASED
  //   Resolve   QUALITY_ISSUE_NOT_FOUND      resolved   nothing    as if living      CONTACT_ERASED
  static absl::StatusOr<Events> Decide(const State& quality, const OpenIssue& command);
  static absl::StatusOr<Events> Decide(const State& quality, const ResolveIssue& command);
};

}  // namespace crm::contact
