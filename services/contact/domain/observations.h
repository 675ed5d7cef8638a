#pragma once

#include <compare>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/ids.h"
#include "services/contact/domain/profile.h"

namespace crm::contact {

// Who gave a value, and when it was observed there.
struct Attribution {
  // Empty: entered directly.
  std::string source;
  TimeNs time = 0;
  auto operator<=>(const Attribution&) const = default;
};

// Time of a value that no source gave, a default: whatever is observed replaces it.
inline constexpr TimeNs kByDefault = std::numeric_limits<TimeNs>::min();

// Where the values that a contact shows come from, and what its sources said beside.
struct Observations {
  // Displaced or not taken, per source and field the newest of this many are remembered.
  static constexpr size_t kMaxSuperseded = 1000;

  // Of each field that has a value and is not in `named`.
  Attribution rest;
  // By field; also of fields that were observed to be empty.
  std::map<std::string, Attribution> named;
  // When a source, by source and field, was last observed saying what is not shown.
  std::map<std::pair<std::string, std::string>, TimeNs> superseded;

  bool operator==(const Observations&) const = default;

  // The attribution of the field; null where it was never observed.
  const Attribution* Standing(std::string_view field, bool has_value) const;
  // When the source was last observed saying something else; null: never, as far as is remembered.
  const TimeNs* Superseded(const std::string& source, const std::string& field) const;

  // `by` gave the value shown from now on. What stood before is remembered as superseded.
  // `had_value`: whether the field had a value until now.
  void Take(const std::string& field, bool had_value, const Attribution& by);
  // `by` said what is not shown.
  void Supersede(const std::string& field, const Attribution& by);
  // The one form of what `rest` and `named` say of the profile: `rest` is what most fields share
  // (of several the least). Equal attributions are equal objects then.
  void Settle(const Profile& profile);
};

}  // namespace crm::contact
