#pragma once

#include <string>
#include <vector>

#include "common/base/random.h"
#include "services/contact/domain/contact.h"
#include "tests/support/given_when_then.h"

// Contacts, their events and random ones, for the tests of the contact service.
namespace crm::contact::testing {

inline Profile Ada() {
  Profile profile;
  profile.kind = v1::Contact::PERSON;
  profile.display_name = "Ada Lovelace";
  profile.given_name = "Ada";
  profile.emails = {"ada@example.com"};
  profile.phones = {"+442079460000"};
  profile.addresses = {{.lines = {"12 St James's Square"}, .locality = "London"}};
  profile.language_code = "en-GB";
  profile.region_code = "GB";
  profile.tags = {"age:36"};
  return profile;
}

inline Profile Named(std::string display_name) {
  Profile profile;
  profile.display_name = std::move(display_name);
  return profile;
}

inline v1::ContactEvent OnlyEvent(const absl::StatusOr<ContactDecider::Events>& events) {
  EXPECT_TRUE(events.ok() && events->size() == 1) << events.status();
  return events.ok() && !events->empty() ? (*events)[0] : v1::ContactEvent();
}

inline v1::ContactEvent Created(const Profile& profile) {
  return OnlyEvent(ContactDecider::Decide(Contact{}, CreateContact{profile, {}}));
}

inline v1::ContactEvent Deleted() {
  v1::ContactEvent event;
  event.mutable_deleted();
  return event;
}

inline v1::ContactEvent Erased() {
  v1::ContactEvent event;
  event.mutable_erased()->set_reason("request");
  return event;
}

inline v1::ContactEvent Renamed(const std::string& display_name) {
  v1::ContactEvent event;
  event.mutable_profile_changed()->mutable_plain()->set_display_name(display_name);
  event.mutable_profile_changed()->add_changed_fields("display_name");
  return event;
}

// What is left of an event once its key is destroyed.
inline v1::ContactEvent Shredded(v1::ContactEvent event) {
  if (event.has_created()) event.mutable_created()->clear_personal();
  if (event.has_profile_changed()) event.mutable_profile_changed()->clear_personal();
  return event;
}

// Draws from few values, so that equal ones are frequent.
class Draw {
 public:
  explicit Draw(uint64_t seed) : random_(seed) {}

  int Below(int n) { return static_cast<int>(random_.Next64() % static_cast<uint64_t>(n)); }

  Profile AProfile() {
    Profile profile;
    profile.kind = static_cast<v1::Contact::Kind>(Below(3));
    profile.display_name = AText();
    profile.given_name = AText();
    profile.family_name = AText();
    profile.emails = Texts();
    profile.phones = Texts();
    for (int i = Below(3); i > 0; --i) {
      profile.addresses.push_back({.lines = Texts(), .locality = AText(), .label = AText()});
    }
    profile.language_code = AText();
    profile.region_code = AText();
    profile.time_zone = AText();
    profile.tags = Texts();
    return profile;
  }

  FieldMask AMask() {
    FieldMask mask;
    ForEachField([&](const char* name, auto) {
      if (Below(3) == 0) mask.emplace_back(name);
    });
    if (Below(8) == 0) mask.emplace_back("no_such_field");
    return mask;
  }

  std::optional<ExternalKey> AKey() {
    if (Below(2) == 0) return std::nullopt;
    return ExternalKey{"source", AText()};
  }

  // Runs one random command; what it answered.
  absl::StatusOr<ContactDecider::Events> Command(const Contact& contact) {
    switch (Below(8)) {
      case 0:
        return ContactDecider::Decide(contact, CreateContact{AProfile(), AKey()});
      case 1:
        return ContactDecider::Decide(contact, DeleteContact{});
      case 2:
      case 3:
        return ContactDecider::Decide(contact, UpsertContact{AProfile(), AMask(), AKey()});
      default:
        return ContactDecider::Decide(contact, UpdateContact{AProfile(), AMask()});
    }
  }

  // A history that commands can lead to; empty at times.
  std::vector<v1::ContactEvent> AHistory() {
    std::vector<v1::ContactEvent> history;
    Contact contact;
    for (int i = Below(12); i > 0; --i) {
      auto events = Command(contact);
      if (!events.ok()) continue;
      for (const auto& event : *events) {
        contact = ContactDecider::Evolve(std::move(contact), event);
        history.push_back(event);
      }
    }
    return history;
  }

  // Any event, also one that no command would record next.
  v1::ContactEvent AnEvent() {
    v1::ContactEvent event;
    switch (Below(6)) {
      case 0:
        return Created(AProfile());
      case 1:
        return Deleted();
      case 2:
        return Below(3) == 0 ? Erased() : event;
      case 3:
        return Shredded(Created(AProfile()));
      default:
        return OnlyEvent(ContactDecider::Decide(
            Contact{.existence = Existence::kLiving, .profile = Named("nobody else has this name")},
            UpdateContact{AProfile(), {"display_name", "kind", "tags", "region_code"}}));
    }
  }

 private:
  std::string AText() {
    static constexpr const char* kTexts[] = {"", "a", "b", "Zoë"};
    return kTexts[Below(4)];
  }
  std::vector<std::string> Texts() {
    std::vector<std::string> texts;
    for (int i = Below(3); i > 0; --i) texts.push_back(AText());
    return texts;
  }

  SeededRandom random_;
};

inline Contact Fold(const std::vector<v1::ContactEvent>& events) {
  return crm::testing::Given<ContactDecider>(events).state();
}

}  // namespace crm::contact::testing
