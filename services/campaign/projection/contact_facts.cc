#include "services/campaign/projection/contact_facts.h"

#include <algorithm>
#include <limits>

#include "common/base/bytes.h"
#include "common/base/status.h"
#include "common/projection/position.h"
#include "crm/analytics/v1/scores.pb.h"
#include "crm/campaign/v1/audience_rows.pb.h"
#include "services/campaign/projection/audience_contacts.h"
#include "services/campaign/projection/audience_orders.h"
#include "services/campaign/projection/audience_scores.h"
#include "services/campaign/projection/row_keys.h"
#include "services/campaign/projection/view_rows.h"

namespace crm::campaign {
namespace {

// How often a view is read before it is given up.
constexpr int kAttempts = 16;

// Whose facts are read.
struct Whose {
  Partition partition;
  std::string_view tenant;
  std::string_view id;
};

absl::Status ReadAttributes(const RowReader& rows, const Whose& whose, ContactFacts* facts) {
  CRM_ASSIGN_OR_RETURN(
      const auto row,
      ReadRow<v1::AudienceContactRow>(
          rows, AudienceContacts::ContactsPrefix(whose.partition, whose.tenant).append(whose.id)));
  if (!row) return absl::OkStatus();
  facts->created = true;
  facts->deleted = row->deleted();
  facts->erased = row->erased();
  facts->create_time = row->create_time_ns();
  facts->kind = row->kind();
  facts->language_code = row->language_code();
  facts->region_code = row->region_code();
  facts->time_zone = row->time_zone();
  facts->tags.assign(row->tags().begin(), row->tags().end());
  return absl::OkStatus();
}

absl::Status ReadStage(const RowReader& rows, const Whose& whose, ContactFacts* facts) {
  CRM_ASSIGN_OR_RETURN(const auto row, ReadRow<v1::AudienceStageRow>(
                                           rows, AudienceContacts::StageKey(
                                                     whose.partition, whose.tenant, whose.id)));
  if (row) facts->stage = row->stage();
  return absl::OkStatus();
}

absl::Status ReadConsents(const RowReader& rows, const Whose& whose, ContactFacts* facts) {
  CRM_ASSIGN_OR_RETURN(const auto row, ReadRow<v1::AudienceConsentsRow>(
                                           rows, AudienceContacts::ConsentsKey(
                                                     whose.partition, whose.tenant, whose.id)));
  if (!row) return absl::OkStatus();
  for (const auto& entry : row->entries()) {
    facts->consents.push_back({.purpose = entry.purpose(),
                               .channel = entry.channel(),
                               .recipient = entry.recipient(),
                               .granted = entry.granted(),
                               .version = entry.version(),
                               .expire_time = entry.expire_time_ns()});
  }
  return absl::OkStatus();
}

struct Times {
  TimeNs first = std::numeric_limits<TimeNs>::max();
  TimeNs last = std::numeric_limits<TimeNs>::min();
};

absl::StatusOr<Times> TimesOfOrders(const RowReader& rows, const Whose& whose) {
  const std::string prefix = AudienceOrders::OrdersPrefix(whose.partition, whose.tenant, whose.id);
  Times times;
  auto at = rows.Scan(prefix, PrefixEnd(prefix));
  for (; at->Valid(); at->Next()) {
    v1::AudienceOrderRow row;
    row.ParseFromArray(at->value().data(), static_cast<int>(at->value().size()));
    times.first = std::min(times.first, row.occurred_time_ns());
    times.last = std::max(times.last, row.occurred_time_ns());
  }
  CRM_RETURN_IF_ERROR(at->status());
  return times;
}

absl::Status ReadProducts(const RowReader& rows, const Whose& whose,
                          const std::vector<std::string>& products, OrderFacts* facts) {
  for (const std::string& product : products) {
    CRM_ASSIGN_OR_RETURN(const auto row, rows.Get(AudienceOrders::ProductKey(
                                             whose.partition, whose.tenant, whose.id, product)));
    if (row) facts->products.push_back(product);
  }
  std::sort(facts->products.begin(), facts->products.end());
  return absl::OkStatus();
}

absl::Status ReadOrders(const RowReader& rows, const Whose& whose,
                        const std::vector<std::string>& products, OrderFacts* facts) {
  CRM_ASSIGN_OR_RETURN(const auto row, ReadRow<v1::AudienceOrdersRow>(
                                           rows, AudienceOrders::SummaryKey(
                                                     whose.partition, whose.tenant, whose.id)));
  if (!row) return absl::OkStatus();
  facts->count = row->count();
  for (const auto& amount : row->amounts()) {
    if (amount.amount_minor() == 0) continue;
    facts->amounts.emplace_back(amount.currency_code(), amount.amount_minor());
  }
  Times times{row->first_time_ns(), row->last_time_ns()};
  if (row->first_is_bound() || row->last_is_bound()) {
    CRM_ASSIGN_OR_RETURN(times, TimesOfOrders(rows, whose));
  }
  facts->first_time = times.first;
  facts->last_time = times.last;
  return ReadProducts(rows, whose, products, facts);
}

absl::Status ReadScores(const RowReader& rows, const Whose& whose, ContactFacts* facts) {
  CRM_ASSIGN_OR_RETURN(const auto row, ReadRow<analytics::v1::ContactScores>(
                                           rows, AudienceScores::ScoresKey(
                                                     whose.partition, whose.tenant, whose.id)));
  if (row && row->has_rfm()) {
    const auto& rfm = row->rfm();
    facts->rfm = {.recency_days = rfm.recency_days(),
                  .orders = rfm.orders(),
                  .amount_minor = rfm.amount_minor(),
                  .recency_score = rfm.recency_score(),
                  .frequency_score = rfm.frequency_score(),
                  .monetary_score = rfm.monetary_score(),
                  .score = rfm.score()};
  }
  if (row && row->has_value()) {
    const auto& value = row->value();
    facts->value = {.repeat_purchases = value.repeat_purchases(),
                    .alive_probability = value.alive_probability(),
                    .expected_purchases = value.expected_purchases(),
                    .expected_spend_minor = value.expected_spend_minor(),
                    .lifetime_value_minor = value.lifetime_value_minor()};
  }
  return absl::OkStatus();
}

absl::Status ReadOfContact(const Audience& audience, const Whose& whose, ContactFacts* facts) {
  const RowReader& rows = *audience.contacts.rows;
  CRM_RETURN_IF_ERROR(ReadAttributes(rows, whose, facts));
  CRM_RETURN_IF_ERROR(ReadStage(rows, whose, facts));
  return ReadConsents(rows, whose, facts);
}

absl::Status ReadOfOrders(const Audience& audience, const Whose& whose, const FactsNeeded& needed,
                          ContactFacts* facts) {
  if (!needed.sources.orders) return absl::OkStatus();
  return ReadOrders(*audience.orders.rows, whose, needed.products, &facts->orders);
}

absl::Status ReadOfScores(const Audience& audience, const Whose& whose, const FactsNeeded& needed,
                          ContactFacts* facts) {
  if (!needed.sources.scores) return absl::OkStatus();
  return ReadScores(*audience.scores.rows, whose, facts);
}

// Adds to `facts` what `read` reads of a view while it stands still, and tells where it stands.
template <typename Read>
absl::Status Steadily(Partition partition, AudienceView* view, ContactFacts* facts, Read read) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    CRM_ASSIGN_OR_RETURN(const StoredPosition before, LoadPosition(*view->rows, partition));
    ContactFacts with = *facts;
    CRM_RETURN_IF_ERROR(read(&with));
    CRM_ASSIGN_OR_RETURN(const StoredPosition after, LoadPosition(*view->rows, partition));
    if (before.stored != after.stored) continue;
    view->read_to = before.stored;
    *facts = std::move(with);
    return absl::OkStatus();
  }
  return Error(absl::StatusCode::kUnavailable, "FACTS_MOVING",
               "what is known of the contact changes too fast to be read; try again");
}

}  // namespace

std::vector<v1::FactsPosition> Audience::Positions() const {
  std::vector<v1::FactsPosition> positions;
  for (const AudienceView* view : {&contacts, &orders, &scores}) {
    v1::FactsPosition& position = positions.emplace_back();
    position.set_topic(std::string(view->topic));
    position.set_partition(partition);
    position.set_read_to(view->read_to);
  }
  return positions;
}

absl::StatusOr<ContactFacts> ReadFacts(const Audience& audience, std::string_view tenant,
                                       std::string_view contact, const FactsNeeded& needed) {
  const Whose whose{audience.partition, tenant, ContactIdOf(contact)};
  ContactFacts facts;
  CRM_RETURN_IF_ERROR(ReadOfContact(audience, whose, &facts));
  CRM_RETURN_IF_ERROR(ReadOfOrders(audience, whose, needed, &facts));
  CRM_RETURN_IF_ERROR(ReadOfScores(audience, whose, needed, &facts));
  return facts;
}

absl::StatusOr<FactsAt> ReadFactsAt(const Audience& audience, std::string_view tenant,
                                    std::string_view contact, const FactsNeeded& needed) {
  const Whose whose{audience.partition, tenant, ContactIdOf(contact)};
  FactsAt read{.facts = {}, .at = audience};
  CRM_RETURN_IF_ERROR(Steadily(whose.partition, &read.at.contacts, &read.facts,
                               [&](auto* facts) { return ReadOfContact(audience, whose, facts); }));
  if (needed.sources.orders) {
    CRM_RETURN_IF_ERROR(Steadily(whose.partition, &read.at.orders, &read.facts, [&](auto* facts) {
      return ReadOfOrders(audience, whose, needed, facts);
    }));
  }
  if (needed.sources.scores) {
    CRM_RETURN_IF_ERROR(Steadily(whose.partition, &read.at.scores, &read.facts, [&](auto* facts) {
      return ReadOfScores(audience, whose, needed, facts);
    }));
  }
  return read;
}

absl::StatusOr<ContactsChunk> ReadContacts(const Audience& audience, std::string_view tenant,
                                           std::string_view after, int limit) {
  const std::string prefix = AudienceContacts::ContactsPrefix(audience.partition, tenant);
  std::string begin = prefix;
  // Right behind the key of `after`: no key lies between it and itself with a zero byte.
  if (!after.empty()) begin.append(ContactIdOf(after)).push_back('\0');
  ContactsChunk chunk;
  auto at = audience.contacts.rows->Scan(begin, PrefixEnd(prefix));
  for (; at->Valid() && static_cast<int>(chunk.contacts.size()) < limit; at->Next()) {
    chunk.contacts.push_back(std::string(kContacts).append(at->key().substr(prefix.size())));
  }
  CRM_RETURN_IF_ERROR(at->status());
  chunk.complete = !at->Valid();
  return chunk;
}

}  // namespace crm::campaign
