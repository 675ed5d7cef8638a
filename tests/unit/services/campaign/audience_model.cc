#include "tests/unit/services/campaign/audience_model.h"

#include <set>

namespace crm::campaign::testing {
namespace {

constexpr TimeNs kLate = 2'000'000'000 * kSecond;

template <typename Message>
void SetTags(const std::vector<std::string>& tags, Message* message) {
  for (const auto& tag : tags) message->mutable_plain()->add_tags(tag);
}

}  // namespace

void ContactModel::Act(Draw& draw, World& world) {
  stale_ = true;
  switch (draw.Below(8)) {
    case 0:
    case 1:
      return ActOnContact(draw, world);
    case 2:
      return ActOnConsent(draw, world);
    case 3:
      return ActOnStage(draw, world);
    case 4:
    case 5:
    case 6:
      return ActOnOrder(draw, world);
    default:
      return ActOnScore(draw, world);
  }
}

void ContactModel::ActOnContact(Draw& draw, World& world) {
  auto record = std::make_unique<contact::v1::ContactRecord>();
  auto* event = record->mutable_contact();
  if (!facts_.created) {
    auto* created = event->mutable_created();
    created->set_kind(facts_.kind = draw.AKind());
    created->set_language_code(facts_.language_code = draw.Of(Draw::Codes()));
    created->set_region_code(facts_.region_code = draw.Of(Draw::Codes()));
    facts_.tags = draw.Subset(Draw::Tags());
    SetTags(facts_.tags, created);
    facts_.created = true;
  } else if (facts_.erased) {
    return;
  } else if (draw.Once(12)) {
    event->mutable_deleted();
    facts_.deleted = true;
  } else if (draw.Once(40)) {
    event->mutable_erased();
    facts_.deleted = facts_.erased = true;
    facts_.tags.clear();
  } else {
    auto* changed = event->mutable_profile_changed();
    if (draw.Once(2)) {
      facts_.tags = draw.Subset(Draw::Tags());
      SetTags(facts_.tags, changed);
      changed->add_changed_fields("tags");
    }
    if (draw.Once(2)) {
      changed->set_time_zone(facts_.time_zone = draw.Of(Draw::Codes()));
      changed->add_changed_fields("time_zone");
    }
    // Not named among the changed fields, so it counts for nothing.
    changed->set_region_code("nowhere");
    changed->mutable_plain()->set_display_name("x");
  }
  const bool born = world.version(World::kContacts, name_) == 0;
  world.Append(World::kContacts, name_, std::move(record));
  if (born) facts_.create_time = world.now();
}

void ContactModel::ActOnConsent(Draw& draw, World& world) {
  const std::string ledger = name_ + "/consents";
  auto record = std::make_unique<contact::v1::ContactRecord>();
  if (draw.Once(30)) {
    record->mutable_consent()->mutable_erased();
    consents_.clear();
    return world.Append(World::kContacts, ledger, std::move(record));
  }
  ConsentFact fact{.purpose = draw.Of(Draw::Purposes()),
                   .channel = draw.Of(Draw::Channels()),
                   .recipient = draw.Once(4) ? "partner" : "",
                   .granted = draw.Once(2),
                   .version = world.version(World::kContacts, ledger) + 1};
  if (fact.granted) {
    auto* granted = record->mutable_consent()->mutable_granted();
    granted->set_purpose(fact.purpose);
    granted->set_channel(fact.channel);
    granted->set_recipient(fact.recipient);
    if (draw.Once(2)) SetTimestamp(fact.expire_time = kLate, granted->mutable_expire_time());
  } else {
    auto* withdrawn = record->mutable_consent()->mutable_withdrawn();
    withdrawn->set_purpose(fact.purpose);
    withdrawn->set_channel(fact.channel);
    withdrawn->set_recipient(fact.recipient);
  }
  consents_[{fact.purpose, fact.channel, fact.recipient}] = fact;
  world.Append(World::kContacts, ledger, std::move(record));
}

void ContactModel::ActOnStage(Draw& draw, World& world) {
  auto record = std::make_unique<contact::v1::ContactRecord>();
  auto* changed = record->mutable_lifecycle()->mutable_stage_changed();
  changed->set_from(facts_.stage);
  changed->set_to(facts_.stage = draw.AStage());
  world.Append(World::kContacts, name_ + "/lifecycle", std::move(record));
}

void ContactModel::ActOnOrder(Draw& draw, World& world) {
  const std::string id = "o" + std::to_string(draw.Below(6));
  const auto before = orders_.find(id);
  Order order{draw.ATime(), draw.Of(Draw::Currencies()), draw.ANumber(),
              draw.Subset(Draw::Products())};
  auto record = std::make_unique<interaction::v1::InteractionRecord>();
  const auto write = [&](auto* event) {
    event->set_currency_code(order.currency);
    event->set_total_minor(order.total);
    for (const auto& product : order.products) event->add_lines()->set_product(product);
    // The same product on two lines counts as one.
    if (!order.products.empty()) event->add_lines()->set_product(order.products[0]);
  };
  if (before == orders_.end()) {
    write(record->mutable_order()->mutable_recorded());
  } else {
    write(record->mutable_order()->mutable_corrected());
  }
  orders_[id] = order;
  world.Append(World::kOrders, name_ + "/orders/" + id, std::move(record), order.time);
}

void ContactModel::ActOnScore(Draw& draw, World& world) {
  auto record = std::make_unique<analytics::v1::AnalyticsRecord>();
  if (draw.Once(2)) {
    facts_.rfm = RfmFacts{.recency_score = draw.Below(6), .score = draw.ANumber()};
    auto* rfm = record->mutable_score()->mutable_scored()->mutable_rfm();
    rfm->set_recency_score(static_cast<int>(facts_.rfm->recency_score));
    rfm->set_score(static_cast<int>(facts_.rfm->score));
  } else {
    facts_.value = ValueFacts{.alive_probability = draw.ADecimal()};
    auto* value = record->mutable_score()->mutable_scored()->mutable_value();
    value->set_alive_probability(facts_.value->alive_probability);
  }
  world.Append(World::kScores, name_ + "/scores", std::move(record));
}

const ContactFacts& ContactModel::Facts() {
  if (!std::exchange(stale_, false)) return whole_;
  whole_ = facts_;
  for (const auto& [use, fact] : consents_) whole_.consents.push_back(fact);
  std::map<std::string, int64_t> amounts;
  std::set<std::string> products;
  std::set<TimeNs> times;
  for (const auto& [id, order] : orders_) {
    amounts[order.currency] += order.total;
    products.insert(order.products.begin(), order.products.end());
    times.insert(order.time);
  }
  std::erase_if(amounts, [](const auto& amount) { return amount.second == 0; });
  whole_.orders.count = static_cast<int64_t>(orders_.size());
  whole_.orders.amounts.assign(amounts.begin(), amounts.end());
  whole_.orders.products.assign(products.begin(), products.end());
  if (!times.empty()) {
    whole_.orders.first_time = *times.begin();
    whole_.orders.last_time = *times.rbegin();
  }
  return whole_;
}

}  // namespace crm::campaign::testing
