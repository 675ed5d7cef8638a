#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/ids.h"
#include "crm/campaign/v1/campaign_events.pb.h"
#include "services/campaign/domain/facts.h"
#include "services/campaign/domain/filter.h"

namespace crm::campaign {

// What a contact's facts say about memberships; a command of the contact's reach ledger, which
// records what is not so already.
struct EvaluateMemberships {
  // Segments the contact belongs to, and those it does not; other segments are left as they are.
  // Each sorted.
  std::vector<std::string> entered;
  std::vector<std::string> left;
  // Where the facts were read up to.
  std::vector<v1::FactsPosition> facts;
  // When they were read; of the memberships that begin.
  TimeNs time = 0;
};

// Names of the segments that a contact is in, on record.
using Memberships = std::set<std::string, std::less<>>;

struct SegmentDefinition {
  v1::Segment::Kind kind = v1::Segment::DYNAMIC;
  Filter filter;
  // Not kept up any more: who is in it, stays.
  bool deleted = false;
};

// The segments of one tenant and who belongs to them. Who belongs to a dynamic segment is a
// function of facts, of the memberships on record in the segments that are not kept up (snapshots,
// deleted ones), and of nothing else: not of the order in which facts became known. Only living
// contacts belong to a segment by their facts. Immutable, thread-safe.
class TenantSegments {
 public:
  TenantSegments() = default;
  // By name.
  explicit TenantSegments(std::map<std::string, SegmentDefinition, std::less<>> definitions);

  // Null where it is not known.
  const SegmentDefinition* Find(std::string_view name) const;

  // What the dynamic segments look at; those they refer to look at it with them.
  const FactsNeeded& needed() const { return needed_; }
  bool has_dynamic() const { return has_dynamic_; }

  // All dynamic segments.
  EvaluateMemberships Evaluate(const ContactFacts& facts, const Memberships& on_record) const;

  // A segment that was defined: a dynamic one as all of them, a snapshot by itself, entered only,
  // and with it the dynamic ones, as they may refer to it. Nothing of a deleted one.
  EvaluateMemberships EvaluateDefined(std::string_view defined, const ContactFacts& facts,
                                      const Memberships& on_record) const;
  // What EvaluateDefined looks at.
  FactsNeeded NeededFor(std::string_view defined) const;

 private:
  std::map<std::string, SegmentDefinition, std::less<>> definitions_;
  FactsNeeded needed_;
  bool has_dynamic_ = false;
};

// Whether the command would record anything about a contact in these segments.
bool Changes(const EvaluateMemberships& command, const Memberships& on_record);

}  // namespace crm::campaign
