#pragma once

#include <string>
#include <vector>

#include "common/base/random.h"
#include "common/base/timestamp.h"
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

inline v1::ContactEvent Undeleted() {
  v1::ContactEvent event;
  event.mutable_undeleted();
  return event;
}

inline v1::ContactEvent Purged() {
  v1::ContactEvent event;
  event.mutable_purged();
  return event;
}

inline v1::ContactEvent AliasOf(const std::string& contact) {
  return OnlyEvent(ContactDecider::Decide(Contact{}, RecordAlias{contact, {"crm", "9"}}));
}

inline v1::ContactEvent Linked(const std::string& source, const std::string& key) {
  v1::ContactEvent event;
  event.mutable_key_linked()->mutable_plain()->mutable_external_key()->set_source(source);
  event.mutable_key_linked()->mutable_plain()->mutable_external_key()->set_key(key);
  return event;
}

// What is left of an event once its key is destroyed.
inline v1::ContactEvent Shredded(v1::ContactEvent event) {
  if (event.has_created()) event.mutable_created()->clear_personal();
  if (event.has_profile_changed()) event.mutable_profile_changed()->clear_personal();
  if (event.has_key_linked()) event.mutable_key_linked()->clear_personal();
  if (event.has_alias_recorded()) event.mutable_alias_recorded()->clear_personal();
  return event;
}

// An event and when it took place.
struct Happened {
  v1::ContactEvent event;
  common::v1::EventMetadata metadata;
};

// Records events as a lane does: a second apart.
class Recorder {
 public:
  // The contact after the events, each of which was observed at `occurred`.
  Contact Record(Contact contact, const ContactDecider::Events& events,
                 std::optional<TimeNs> occurred) {
    for (const v1::ContactEvent& event : events) {
      Happened& happened = history_.emplace_back();
      happened.event = event;
      SetTimestamp(++second_ * kSecond, happened.metadata.mutable_recorded_time());
      if (occurred) SetTimestamp(*occurred, happened.metadata.mutable_occurred_time());
      contact = ContactDecider::Evolve(std::move(contact), event, happened.metadata);
    }
    return contact;
  }
  const std::vector<Happened>& history() const { return history_; }

 private:
  std::vector<Happened> history_;
  int64_t second_ = 1'000;
};

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
    if (Below(3) == 0) profile.preferences.push_back({"email", AText(), v1::Preference::WANTED});
    if (Below(3) == 0) profile.concerns.push_back({"price", AText()});
    for (const char* id : {"a", "b"}) {
      if (Below(2) == 0) profile.custom_fields[id] = ACustomValue();
    }
    return profile;
  }

  CustomValue ACustomValue() {
    if (Below(2) == 0) return AText();
    return int64_t{Below(2)};
  }

  FieldMask AMask() {
    FieldMask mask;
    ForEachField([&](const char* name, auto) {
      if (Below(3) == 0) mask.emplace_back(name);
    });
    for (const char* id : {"a", "b", "c"}) {
      if (Below(4) == 0) mask.push_back(std::string("custom_fields.") + id);
    }
    if (Below(8) == 0) mask.emplace_back("no_such_field");
    return mask;
  }

  std::string ASource() {
    static constexpr const char* kSources[] = {"", "shop", "crm", "a"};
    return kSources[Below(4)];
  }

  // Few times, so that equal ones are frequent.
  Observed AnObservation() {
    Observed observed{.source = ASource(), .time = {}, .rule = nullptr};
    if (Below(3) > 0) observed.time = Below(5) * kSecond;
    return observed;
  }

  std::shared_ptr<const Survivorship> ARule() {
    auto rule = std::make_shared<Survivorship>();
    for (int i = Below(3); i > 0; --i) {
      Survivorship::Rule& one = rule->rules.emplace_back();
      if (Below(2) == 0) one.fields = AMask();
      for (int j = Below(4); j > 0; --j) one.sources.push_back(ASource());
    }
    return rule;
  }

  std::optional<ExternalKey> AKey() {
    if (Below(2) == 0) return std::nullopt;
    return ExternalKey{"source", AText()};
  }

  // Executes one random command, which may be refused.
  Contact Execute(Contact contact, Recorder* recorder) {
    const Observed observed = AnObservation();
    const auto run = [&](const auto& command) {
      const auto events = ContactDecider::Decide(contact, command);
      if (!events.ok()) return contact;
      return recorder->Record(std::move(contact), *events, observed.time);
    };
    switch (Below(16)) {
      case 0:
      case 1:
        return run(CreateContact{AProfile(), AKey(), observed, AMask()});
      case 2:
        return run(DeleteContact{});
      case 3:
        return run(UndeleteContact{});
      case 4:
        return run(PurgeContact{});
      case 5:
        return run(LinkKey{{"crm", AText()}});
      case 6:
        return Below(4) == 0 ? run(RecordAlias{"contacts/c2", {"crm", "9"}}) : contact;
      case 7:
      case 8:
      case 9:
        return run(UpsertContact{AProfile(), AMask(), AKey(), observed});
      default:
        return run(UpdateContact{AProfile(), AMask(), observed});
    }
  }

  // A history that commands can lead to; empty at times.
  std::vector<Happened> AHistory() {
    Recorder recorder;
    Contact contact;
    for (int i = Below(16); i > 0; --i) contact = Execute(std::move(contact), &recorder);
    return recorder.history();
  }

  // Any event, also one that no command would record next.
  v1::ContactEvent AnEvent() {
    v1::ContactEvent event;
    switch (Below(11)) {
      case 0:
        return Created(AProfile());
      case 1:
        return Deleted();
      case 2:
        return Below(3) == 0 ? Erased() : event;
      case 3:
        return Shredded(Created(AProfile()));
      case 4:
        return Undeleted();
      case 5:
        return Purged();
      case 6:
        return Linked("crm", AText());
      case 7:
        return Below(3) == 0 ? AliasOf("contacts/c2") : event;
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

inline Contact Fold(const std::vector<Happened>& history) {
  Contact contact;
  for (const Happened& each : history) {
    contact = ContactDecider::Evolve(std::move(contact), each.event, each.metadata);
  }
  return contact;
}

}  // namespace crm::contact::testing
