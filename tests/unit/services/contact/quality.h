#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/base/random.h"
#include "common/base/timestamp.h"
#include "services/contact/domain/quality.h"
#include "tests/support/given_when_then.h"

// Issues, their events and random ones, for the tests of the contact service.
namespace crm::contact::testing {

inline OpenIssue Missing(std::string field, std::string note = "") {
  return {.issue = "missing-" + field,
          .kind = v1::QualityIssue::MISSING,
          .field = field,
          .note = std::move(note)};
}

inline v1::QualityEvent OpenedEvent(const OpenIssue& command) {
  const auto events = QualityDecider::Decide({}, command);
  EXPECT_TRUE(events.ok() && events->size() == 1) << events.status();
  return events.ok() ? (*events)[0] : v1::QualityEvent();
}

inline v1::QualityEvent ResolvedEvent(const std::string& issue, const std::string& note = "") {
  v1::QualityEvent event;
  event.mutable_resolved()->set_issue(issue);
  event.mutable_resolved()->mutable_plain()->set_note(note);
  return event;
}

inline v1::QualityEvent QualityErased() {
  v1::QualityEvent event;
  event.mutable_erased()->set_reason("request");
  return event;
}

// What is left of an event once its key is destroyed.
inline v1::QualityEvent Shredded(v1::QualityEvent event) {
  if (event.has_opened()) event.mutable_opened()->clear_personal();
  if (event.has_resolved()) event.mutable_resolved()->clear_personal();
  return event;
}

// Recorded a second apart.
inline ContactQuality FoldQuality(const std::vector<v1::QualityEvent>& events) {
  ContactQuality quality;
  int64_t version = 0;
  for (const auto& event : events) {
    common::v1::EventMetadata metadata;
    metadata.set_aggregate_version(++version);
    SetTimestamp(version * kSecond, metadata.mutable_recorded_time());
    quality = QualityDecider::Evolve(std::move(quality), event, metadata);
  }
  return quality;
}

// Draws from few values, so that equal ones are frequent.
class DrawQuality {
 public:
  explicit DrawQuality(uint64_t seed) : random_(seed) {}

  int Below(int n) { return static_cast<int>(random_.Next64() % static_cast<uint64_t>(n)); }

  std::string AnIssue() { return "issue-" + std::to_string(Below(4)); }
  OpenIssue AnOpening() {
    static constexpr const char* kFields[] = {"", "emails", "phones", "custom_fields.a"};
    return {.issue = AnIssue(),
            .kind = static_cast<v1::QualityIssue::Kind>(1 + Below(4)),
            .field = kFields[Below(4)],
            .note = Below(2) == 0 ? "" : "bounced"};
  }
  // Any event, also one that no command would record next.
  v1::QualityEvent AnEvent() {
    switch (Below(12)) {
      case 0:
        return Below(3) == 0 ? QualityErased() : v1::QualityEvent();
      case 1:
        return Shredded(OpenedEvent(AnOpening()));
      case 2:
      case 3:
      case 4:
        return ResolvedEvent(AnIssue(), Below(2) == 0 ? "" : "called");
      default:
        return OpenedEvent(AnOpening());
    }
  }

 private:
  SeededRandom random_;
};

}  // namespace crm::contact::testing
