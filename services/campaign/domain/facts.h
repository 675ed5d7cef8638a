#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/ids.h"
#include "crm/campaign/v1/audience_rows.pb.h"

namespace crm::campaign {

// What a contact said last about one use of their data.
struct ConsentFact {
  std::string purpose;
  std::string channel;
  // Empty: the tenant itself.
  std::string recipient;
  // Granted, or withdrawn.
  bool granted = false;
  // Of the ledger "contacts/{contact}/consents" right after the event that says so.
  int64_t version = 0;
  // The consent no longer counts from here on; 0 = until withdrawn.
  TimeNs expire_time = 0;

  bool operator==(const ConsentFact&) const = default;
};

struct OrderFacts {
  int64_t count = 0;
  // Sum by currency, in minor units, where it is not 0; sorted by currency.
  std::vector<std::pair<std::string, int64_t>> amounts;
  // Of when the orders took place; absent without orders.
  std::optional<TimeNs> first_time;
  std::optional<TimeNs> last_time;
  // Keys of products that were bought, among those asked for. Sorted.
  std::vector<std::string> products;
  bool operator==(const OrderFacts&) const = default;
};

// Fields as in crm.analytics.v1.RfmScore.
struct RfmFacts {
  int64_t recency_days = 0;
  int64_t orders = 0;
  int64_t amount_minor = 0;
  int64_t recency_score = 0;
  int64_t frequency_score = 0;
  int64_t monetary_score = 0;
  int64_t score = 0;
  bool operator==(const RfmFacts&) const = default;
};

// Fields as in crm.analytics.v1.ValueScore.
struct ValueFacts {
  int64_t repeat_purchases = 0;
  double alive_probability = 0;
  double expected_purchases = 0;
  double expected_spend_minor = 0;
  double lifetime_value_minor = 0;
  bool operator==(const ValueFacts&) const = default;
};

// What the campaign service knows of one contact, at one position of each topic it comes from. A
// plain value; sets are sorted.
struct ContactFacts {
  // Facts may be known of a contact before it is created.
  bool created = false;
  // Deleted or erased.
  bool deleted = false;
  bool erased = false;
  TimeNs create_time = 0;
  contact::v1::Contact::Kind kind = contact::v1::Contact::KIND_UNSPECIFIED;
  std::string language_code;
  std::string region_code;
  std::string time_zone;
  std::vector<std::string> tags;
  contact::v1::LifecycleStage stage = contact::v1::SUSPECT;
  // Sorted by purpose, channel, recipient.
  std::vector<ConsentFact> consents;
  OrderFacts orders;
  std::optional<RfmFacts> rfm;
  std::optional<ValueFacts> value;

  // Created and not deleted: others are in no segment and are written nothing.
  bool living() const { return created && !deleted; }
  // Null where the contact never said anything about this use.
  const ConsentFact* FindConsent(std::string_view purpose, std::string_view channel,
                                 std::string_view recipient = {}) const;
  bool operator==(const ContactFacts&) const = default;
};

// The topics facts come from.
struct FactSources {
  bool contact = false;
  bool orders = false;
  bool scores = false;

  FactSources& operator|=(const FactSources& other) {
    contact |= other.contact;
    orders |= other.orders;
    scores |= other.scores;
    return *this;
  }
  bool operator==(const FactSources&) const = default;
};

// Which facts to read of a contact. Attributes, stage and consents are always read.
struct FactsNeeded {
  FactSources sources;
  // Keys of products to look for.
  std::vector<std::string> products;
};

}  // namespace crm::campaign
