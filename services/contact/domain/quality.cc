#include "services/contact/domain/quality.h"

#include <algorithm>
#include <utility>

#include "common/base/timestamp.h"
#include "common/decider/decider.h"
#include "common/decider/refusal.h"

namespace crm::contact {

static_assert(DeciderOf<QualityDecider, OpenIssue, ResolveIssue>);

namespace {

using crm::common::v1::EventMetadata;
using Events = QualityDecider::Events;
using v1::QualityEvent;

// Null where it is not there.
const QualityIssue* Find(const ContactQuality& quality, const std::string& issue) {
  const auto found = quality.issues.find(issue);
  return found == quality.issues.end() ? nullptr : &found->second;
}

bool IsFull(const ContactQuality& quality) {
  return quality.issues.size() >= kMaxQualityIssues;
}

bool AllOpen(const ContactQuality& quality) {
  return std::all_of(quality.issues.begin(), quality.issues.end(),
                     [](const auto& issue) { return issue.second.open(); });
}

// The issue that was resolved first, of several the least id.
void ForgetOldest(ContactQuality* quality) {
  auto oldest = quality->issues.end();
  for (auto at = quality->issues.begin(); at != quality->issues.end(); ++at) {
    if (at->second.open()) continue;
    const bool older =
        oldest == quality->issues.end() || at->second.resolve_time < oldest->second.resolve_time;
    if (older) oldest = at;
  }
  if (oldest != quality->issues.end()) quality->issues.erase(oldest);
}

void Open(const v1::DataQualityIssueOpened& event, TimeNs time, ContactQuality* quality) {
  if (IsFull(*quality) && !quality->issues.contains(event.issue())) ForgetOldest(quality);
  quality->issues[event.issue()] = {.kind = event.kind(),
                                    .field = event.field(),
                                    .note = event.plain().note(),
                                    .open_time = time};
}

void Resolve(const v1::DataQualityIssueResolved& event, TimeNs time, ContactQuality* quality) {
  const auto found = quality->issues.find(event.issue());
  if (found == quality->issues.end() || !found->second.open()) return;
  found->second.resolve_time = time;
  if (!event.plain().note().empty()) found->second.note = event.plain().note();
}

// Notes may identify the person.
void Erase(TimeNs time, ContactQuality* quality) {
  quality->erased = true;
  for (auto& [id, issue] : quality->issues) {
    if (issue.open()) issue.resolve_time = time;
    issue.note.clear();
  }
}

}  // namespace

ContactQuality QualityDecider::Evolve(ContactQuality quality, const QualityEvent& event,
                                      const EventMetadata& metadata) {
  if (quality.erased) return quality;
  const TimeNs time = ToTimeNs(metadata.recorded_time());
  switch (event.event_case()) {
    case QualityEvent::kOpened:
      Open(event.opened(), time, &quality);
      return quality;
    case QualityEvent::kResolved:
      Resolve(event.resolved(), time, &quality);
      return quality;
    case QualityEvent::kErased:
      Erase(time, &quality);
      return quality;
    case QualityEvent::EVENT_NOT_SET:
      return quality;
  }
  return quality;
}

absl::StatusOr<Events> QualityDecider::Decide(const ContactQuality& quality,
                                              const OpenIssue& command) {
  if (quality.erased) return RefuseIfGone(Existence::kErased);
  if (absl::Status gone = RefuseIfGone(command.contact); !gone.ok()) return gone;
  const QualityIssue* known = Find(quality, command.issue);
  if (known != nullptr && known->open()) return Events();
  if (known == nullptr && IsFull(quality) && AllOpen(quality)) {
    return Refused(kQualityIssuesFull, "the contact has 200 open issues; resolve some first");
  }
  // The personal part is always set, so that its presence tells nothing.
  QualityEvent event;
  auto* opened = event.mutable_opened();
  opened->mutable_plain()->set_note(command.note);
  opened->set_issue(command.issue);
  opened->set_kind(command.kind);
  opened->set_field(command.field);
  return Events{std::move(event)};
}

absl::StatusOr<Events> QualityDecider::Decide(const ContactQuality& quality,
                                              const ResolveIssue& command) {
  const bool erased = quality.erased || command.contact == Existence::kErased;
  if (erased) return RefuseIfGone(Existence::kErased);
  const QualityIssue* known = Find(quality, command.issue);
  if (known == nullptr) {
    return NotFound(kQualityIssueNotFound,
                    "the contact has no such issue; GetQuality lists those it has");
  }
  if (!known->open()) return Events();
  QualityEvent event;
  auto* resolved = event.mutable_resolved();
  resolved->mutable_plain()->set_note(command.note);
  resolved->set_issue(command.issue);
  return Events{std::move(event)};
}

}  // namespace crm::contact
