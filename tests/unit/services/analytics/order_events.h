#pragma once

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "common/base/random.h"
#include "crm/interaction/v1/interaction_events.pb.h"
#include "tests/unit/services/analytics/folded_view.h"

// Events of the interaction topic, and a plain model of what they say.
namespace crm::analytics::testing {

using interaction::v1::InteractionRecord;

struct Sale {
  std::string currency = "EUR";
  int64_t total = 0;
  TimeNs time = 0;
};

inline InteractionRecord Recorded(const Sale& sale) {
  InteractionRecord record;
  auto* order = record.mutable_order()->mutable_recorded();
  order->mutable_plain()->mutable_external_key()->set_key("k");
  order->set_currency_code(sale.currency);
  order->set_total_minor(sale.total);
  order->set_place("shop");
  order->add_lines()->set_amount_minor(sale.total);
  return record;
}

inline InteractionRecord Corrected(const Sale& before, const Sale& sale) {
  InteractionRecord record;
  auto* order = record.mutable_order()->mutable_corrected();
  order->set_currency_code(sale.currency);
  order->set_total_minor(sale.total);
  order->set_place("shop");
  order->add_lines()->set_amount_minor(sale.total);
  order->set_previous_currency_code(before.currency);
  order->set_previous_total_minor(before.total);
  order->set_previous_occurred_time_ns(before.time);
  return record;
}

inline InteractionRecord Logged(const std::string& channel, const std::string& summary) {
  InteractionRecord record;
  auto* logged = record.mutable_interaction()->mutable_logged();
  logged->set_channel(channel);
  logged->set_direction(interaction::v1::Interaction::INBOUND);
  logged->mutable_plain()->set_summary(summary);
  return record;
}

inline InteractionRecord CorrectedTo(const std::string& channel, const std::string& summary) {
  InteractionRecord record;
  auto* corrected = record.mutable_interaction()->mutable_corrected();
  corrected->set_channel(channel);
  corrected->mutable_plain()->set_summary(summary);
  return record;
}

// Random orders and interactions of few contacts, corrected now and then. `fold(aggregate, record,
// occurred)` is told each event.
class RandomFacts {
 public:
  struct Touch {
    std::string channel;
    std::string summary;
    TimeNs time = 0;
  };

  explicit RandomFacts(uint64_t seed) : random_(seed) {}

  template <typename Fold>
  void Next(Fold fold) {
    const std::string contact = "c" + std::to_string(Below(4));
    if (Below(2) == 0) {
      NextOrder(contact, fold);
    } else {
      NextTouch(contact, fold);
    }
  }

  // By contact, then by last id.
  const std::map<std::string, std::map<std::string, Sale>>& orders() const { return orders_; }
  const std::map<std::string, std::map<std::string, Touch>>& touches() const { return touches_; }

 private:
  int Below(int n) { return static_cast<int>(random_.Next64() % static_cast<uint64_t>(n)); }
  TimeNs ATime() { return (Below(8) - 3) * kDayNs + Below(3) * kSecond - Below(2); }

  template <typename Fold>
  void NextOrder(const std::string& contact, Fold fold) {
    auto& mine = orders_[contact];
    const Sale sale{Below(3) == 0 ? "CHF" : "EUR", Below(5) * 100 - 100, ATime()};
    if (!mine.empty() && Below(3) == 0) {
      auto corrected = mine.begin();
      std::advance(corrected, Below(static_cast<int>(mine.size())));
      fold("contacts/" + contact + "/orders/" + corrected->first,
           Corrected(corrected->second, sale), sale.time);
      corrected->second = sale;
      return;
    }
    const std::string id = "o" + std::to_string(mine.size());
    fold("contacts/" + contact + "/orders/" + id, Recorded(sale), sale.time);
    mine[id] = sale;
  }

  template <typename Fold>
  void NextTouch(const std::string& contact, Fold fold) {
    auto& mine = touches_[contact];
    const Touch touch{Below(2) == 0 ? "email" : "phone", "about " + std::to_string(Below(9)),
                      ATime()};
    if (!mine.empty() && Below(3) == 0) {
      auto corrected = mine.begin();
      std::advance(corrected, Below(static_cast<int>(mine.size())));
      fold("contacts/" + contact + "/interactions/" + corrected->first,
           CorrectedTo(touch.channel, touch.summary), touch.time);
      corrected->second = touch;
      return;
    }
    const std::string id = "i" + std::to_string(mine.size());
    fold("contacts/" + contact + "/interactions/" + id, Logged(touch.channel, touch.summary),
         touch.time);
    mine[id] = touch;
  }

  SeededRandom random_;
  std::map<std::string, std::map<std::string, Sale>> orders_;
  std::map<std::string, std::map<std::string, Touch>> touches_;
};

}  // namespace crm::analytics::testing
