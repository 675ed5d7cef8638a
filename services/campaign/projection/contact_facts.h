#pragma once

#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/storage/store.h"
#include "crm/campaign/v1/campaign_events.pb.h"
#include "services/campaign/domain/facts.h"

namespace crm::campaign {

// One of the views below as a call reads it in one partition.
struct AudienceView {
  const RowReader* rows = nullptr;
  // Whose events it folds.
  std::string_view topic;
  // Everything below is folded, at least.
  Offset read_to = 0;
};

// The views that facts are read from, AudienceContacts, AudienceOrders and AudienceScores, in one
// partition.
struct Audience {
  Partition partition = 0;
  AudienceView contacts;
  AudienceView orders;
  AudienceView scores;

  // One for each topic: what a decision over these facts records.
  std::vector<v1::FactsPosition> Positions() const;
};

// What the views know of a contact ("contacts/…") whose partition is the audience's: nothing, where
// they never heard of it. DATA_LOSS: a row cannot be read.
absl::StatusOr<ContactFacts> ReadFacts(const Audience& audience, std::string_view tenant,
                                       std::string_view contact, const FactsNeeded& needed = {});

// Facts, and where exactly they were read: each topic folded up to its position there, no record
// less and none more. Of topics that were not asked for, the position is at least as told.
struct FactsAt {
  ContactFacts facts;
  Audience at;
};

// As ReadFacts. UNAVAILABLE (FACTS_MOVING) where a view goes on so fast that it cannot be read in
// between.
absl::StatusOr<FactsAt> ReadFactsAt(const Audience& audience, std::string_view tenant,
                                    std::string_view contact, const FactsNeeded& needed = {});

struct ContactsChunk {
  // Names, "contacts/…", in ascending order.
  std::vector<std::string> contacts;
  // There is none after the last of them.
  bool complete = false;
};

// The tenant's created contacts in the audience's partition, also deleted ones, after the contact
// `after` (empty: from the first on), at most `limit`.
absl::StatusOr<ContactsChunk> ReadContacts(const Audience& audience, std::string_view tenant,
                                           std::string_view after, int limit);

}  // namespace crm::campaign
