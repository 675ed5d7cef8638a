#include "services/contact/api/normalise.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "services/contact/api/custom_values.h"
#include "services/contact/api/email_address.h"
#include "services/contact/api/phone_number.h"
#include "services/contact/api/text.h"

namespace crm::contact {
namespace {

constexpr char kNoControl[] = "must not hold control characters";
constexpr char kNotEmpty[] = "must not be empty";
constexpr char kEmail[] = "must be an e-mail address such as name@example.com";
constexpr char kPhone[] =
    "must be a phone number: with its country code (+41 …), or national where region_code or the "
    "tenant's or the server's default region tells the country; without extension";
constexpr char kLanguage[] = "must be a BCP 47 tag such as de-CH";
constexpr char kRegion[] = "must be an ISO 3166-1 alpha-2 code such as CH";
constexpr char kTimeZone[] = "must be a name of the IANA time zone database such as Europe/Zurich";
constexpr char kAttitude[] = "must be WANTED or UNWANTED";
constexpr char kTwice[] = "must be there once";
constexpr char kKind[] = "must be a kind that is defined";

// Turns fields into what is kept and notes what it cannot.
class Reader {
 public:
  Reader(const ContactOptions& options, FieldFaults& faults) : options_(options), faults_(faults) {}

  Profile Read(const v1::Contact& contact) {
    Profile profile;
    profile.kind = Kind(contact.kind());
    profile.display_name = Text("contact.display_name", contact.display_name());
    profile.given_name = Text("contact.given_name", contact.given_name());
    profile.family_name = Text("contact.family_name", contact.family_name());
    profile.language_code = Language(contact.language_code());
    profile.region_code = Region("contact.region_code", contact.region_code());
    profile.time_zone = TimeZone(contact.time_zone());
    profile.emails = Each("contact.emails", contact.emails(), kEmail, NormaliseEmail);
    profile.phones = Phones(contact, profile.region_code);
    profile.tags = Tags(contact);
    profile.preferences = Preferences(contact);
    profile.concerns = Concerns(contact);
    profile.custom_fields =
        CheckCustomValues(contact.custom_fields(), options_.custom_fields, faults_);
    for (int i = 0; i < contact.addresses_size(); ++i) {
      profile.addresses.push_back(
          Address(fmt::format("contact.addresses[{}]", i), contact.addresses(i)));
    }
    return profile;
  }

 private:
  std::string Keep(const std::string& path, std::optional<std::string> value, const char* rule) {
    if (!value) faults_.Add(path, rule);
    return std::move(value).value_or("");
  }

  // As Keep; an empty field stays empty.
  template <typename Normal>
  std::string Optional(const std::string& path, std::string_view value, const char* rule,
                       Normal normal) {
    return value.empty() ? "" : Keep(path, normal(value), rule);
  }

  std::string Text(const std::string& path, std::string_view value) {
    return Optional(path, value, kNoControl, NormaliseText);
  }
  std::string Language(std::string_view value) {
    return Optional("contact.language_code", value, kLanguage, NormaliseLanguage);
  }
  std::string Region(const std::string& path, std::string_view value) {
    return Optional(path, value, kRegion, NormaliseRegion);
  }
  std::string TimeZone(std::string_view value) {
    return Optional("contact.time_zone", value, kTimeZone, NormaliseTimeZone);
  }

  v1::Contact::Kind Kind(v1::Contact::Kind kind) {
    if (!v1::Contact::Kind_IsValid(kind)) faults_.Add("contact.kind", kKind);
    return kind;
  }

  // Normal forms in the order given, each once.
  template <typename Values, typename Normal>
  std::vector<std::string> Each(const std::string& path, const Values& values, const char* rule,
                                Normal normal) {
    std::vector<std::string> kept;
    for (int i = 0; i < values.size(); ++i) {
      std::string value = Keep(fmt::format("{}[{}]", path, i), normal(values[i]), rule);
      if (std::find(kept.begin(), kept.end(), value) == kept.end()) kept.push_back(value);
    }
    return kept;
  }

  std::vector<std::string> Phones(const v1::Contact& contact, const std::string& region_code) {
    const std::string& region = region_code.empty() ? options_.default_region : region_code;
    return Each("contact.phones", contact.phones(), kPhone,
                [&](std::string_view text) { return NormalisePhone(text, region); });
  }

  std::vector<std::string> Tags(const v1::Contact& contact) {
    auto tags = Each("contact.tags", contact.tags(), kNoControl, NormaliseText);
    for (int i = 0; i < contact.tags_size(); ++i) {
      const auto tag = NormaliseText(contact.tags(i));
      if (tag && tag->empty()) faults_.Add(fmt::format("contact.tags[{}]", i), kNotEmpty);
    }
    std::sort(tags.begin(), tags.end());
    return tags;
  }

  std::vector<Preference> Preferences(const v1::Contact& contact) {
    std::map<std::pair<std::string, std::string>, v1::Preference::Attitude> kept;
    for (int i = 0; i < contact.preferences_size(); ++i) {
      const v1::Preference& each = contact.preferences(i);
      const std::string path = fmt::format("contact.preferences[{}]", i);
      if (!v1::Preference::Attitude_IsValid(each.attitude()) ||
          each.attitude() == v1::Preference::ATTITUDE_UNSPECIFIED) {
        faults_.Add(path + ".attitude", kAttitude);
      }
      if (!kept.try_emplace({each.channel(), each.topic()}, each.attitude()).second) {
        faults_.Add(path, kTwice);
      }
    }
    std::vector<Preference> preferences;
    for (const auto& [about, attitude] : kept) {
      preferences.push_back({about.first, about.second, attitude});
    }
    return preferences;
  }

  std::vector<Concern> Concerns(const v1::Contact& contact) {
    std::map<std::string, std::string> kept;
    for (int i = 0; i < contact.concerns_size(); ++i) {
      const v1::Concern& each = contact.concerns(i);
      const std::string path = fmt::format("contact.concerns[{}]", i);
      if (!kept.try_emplace(each.topic(), Text(path + ".text", each.text())).second) {
        faults_.Add(path, kTwice);
      }
    }
    std::vector<Concern> concerns;
    for (auto& [topic, text] : kept) concerns.push_back({topic, std::move(text)});
    return concerns;
  }

  PostalAddress Address(const std::string& path, const v1::PostalAddress& message) {
    PostalAddress address;
    for (int i = 0; i < message.lines_size(); ++i) {
      address.lines.push_back(Text(fmt::format("{}.lines[{}]", path, i), message.lines(i)));
    }
    address.locality = Text(path + ".locality", message.locality());
    address.administrative_area =
        Text(path + ".administrative_area", message.administrative_area());
    address.postal_code = Text(path + ".postal_code", message.postal_code());
    address.region_code = Region(path + ".region_code", message.region_code());
    address.label = Text(path + ".label", message.label());
    return address;
  }

  const ContactOptions& options_;
  FieldFaults& faults_;
};

bool HasControl(std::string_view value) {
  return std::any_of(value.begin(), value.end(),
                     [](char c) { return static_cast<unsigned char>(c) < ' '; });
}

void CheckKeyPart(const std::string& path, std::string_view value, FieldFaults& faults) {
  if (value.empty()) faults.Add(path, kNotEmpty);
  if (HasControl(value)) faults.Add(path, kNoControl);
}

}  // namespace

Profile Normalise(const v1::Contact& contact, const ContactOptions& options, FieldFaults& faults) {
  return Reader(options, faults).Read(contact);
}

void CheckSource(const std::string& path, std::string_view source, FieldFaults& faults) {
  if (HasControl(source)) faults.Add(path, kNoControl);
}

void CheckKey(const std::string& path, const v1::ExternalKey& key, FieldFaults& faults) {
  CheckKeyPart(path + ".source", key.source(), faults);
  CheckKeyPart(path + ".key", key.key(), faults);
}

std::optional<ExternalKey> CheckExternalKey(const v1::Contact& contact, FieldFaults& faults) {
  if (!contact.has_external_key()) return std::nullopt;
  const auto& key = contact.external_key();
  CheckKey("contact.external_key", key, faults);
  return ExternalKey{key.source(), key.key()};
}

}  // namespace crm::contact
