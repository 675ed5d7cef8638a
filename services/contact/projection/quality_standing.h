#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/projection/event_schema.h"
#include "crm/contact/v1/contact_events.pb.h"
#include "services/contact/domain/contact.h"

// What the view contact-quality knows of one contact.
namespace crm::contact {

// Fields of Profile but the declared ones, in the order of ForEachField; a bit each.
inline constexpr size_t kBuiltInFields = 13;
using FieldBits = uint64_t;
std::string_view BuiltInField(size_t i);

// An open issue.
struct Doubt {
  v1::QualityIssue::Kind kind = v1::QualityIssue::KIND_UNSPECIFIED;
  std::string field;
  bool operator==(const Doubt&) const = default;
};

// Only AfterEvent builds it.
struct QualityStanding {
  Existence existence = Existence::kUnknown;
  // Built-in fields with a value.
  FieldBits filled = 0;
  // Month in which anything of it was observed last: year * 12 + month - 1, UTC.
  uint64_t last_observed = 0;
  // Ids of declared fields with a value.
  std::set<std::string> custom;
  // By the issue's id.
  std::map<std::string, Doubt> doubts;
  bool operator==(const QualityStanding&) const = default;

  bool Has(size_t field) const { return (filled >> field & 1) != 0; }
};

// Of the erased, and of those whose history cannot be read: it never changes.
QualityStanding GoneForGood();

// The row of a standing. DATA_LOSS: it is not one.
std::string WriteStanding(const QualityStanding& standing);
absl::StatusOr<QualityStanding> ReadStanding(std::string_view row);

// After an event of the contact or of its quality.
QualityStanding AfterEvent(QualityStanding standing, const Event& event);

// DATA_LOSS of the view's rows.
absl::Status QualityRowUnreadable();

}  // namespace crm::contact
