#pragma once

#include <map>
#include <memory>
#include <string>
#include <tuple>

#include "crm/analytics/v1/analytics_events.pb.h"
#include "crm/contact/v1/contact_events.pb.h"
#include "crm/interaction/v1/interaction_events.pb.h"
#include "tests/unit/services/campaign/campaign_world.h"
#include "tests/unit/services/campaign/random_filters.h"

namespace crm::campaign::testing {

// What is known of one contact, kept in the simplest way beside the events that tell it.
class ContactModel {
 public:
  explicit ContactModel(std::string name) : name_(std::move(name)) {}

  // Appends one random event about the contact.
  void Act(Draw& draw, World& world);
  // By the events so far; all of Draw::Products() were asked for.
  const ContactFacts& Facts();
  const std::string& name() const { return name_; }

 private:
  struct Order {
    TimeNs time;
    std::string currency;
    int64_t total;
    std::vector<std::string> products;
  };

  void ActOnContact(Draw& draw, World& world);
  void ActOnConsent(Draw& draw, World& world);
  void ActOnStage(Draw& draw, World& world);
  void ActOnOrder(Draw& draw, World& world);
  void ActOnScore(Draw& draw, World& world);

  const std::string name_;
  // Orders and consents apart.
  ContactFacts facts_;
  std::map<std::string, Order> orders_;
  std::map<std::tuple<std::string, std::string, std::string>, ConsentFact> consents_;
  bool stale_ = true;
  ContactFacts whole_;
};

}  // namespace crm::campaign::testing
