#include "tools/crmctl/importing/vcard_contact.h"

#include <fmt/format.h>
#include <unicode/locid.h>
#include <unicode/uloc.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <map>
#include <optional>

#include "common/base/bytes.h"
#include "common/base/hash.h"
#include "tools/crmctl/cell_values.h"

namespace crm::crmctl {
namespace {

using contact::v1::Contact;
using contact::v1::PostalAddress;

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return lower;
}

std::string_view Without(std::string_view text, std::string_view prefix) {
  if (Lower(text.substr(0, prefix.size())) == prefix) text.remove_prefix(prefix.size());
  return text;
}

// By code and by English name, in lower case.
std::map<std::string, std::string> MakeRegions() {
  std::map<std::string, std::string> regions;
  for (const char* const* code = uloc_getISOCountries(); *code != nullptr; ++code) {
    icu::UnicodeString name;
    icu::Locale("", *code).getDisplayCountry(icu::Locale::getEnglish(), name);
    std::string utf8;
    regions[Lower(name.toUTF8String(utf8))] = *code;
    regions[Lower(*code)] = *code;
  }
  return regions;
}

// The code of a country that is written as its code or by its English name; else empty.
std::string RegionOf(const std::string& country) {
  static const auto regions = MakeRegions();
  const auto found = regions.find(Lower(country));
  return found == regions.end() ? "" : found->second;
}

// "20240501T120000Z" as "2024-05-01T12:00:00Z"; other forms as they are.
std::string WithSeparators(std::string text) {
  const bool basic = text.size() >= 8 && text.find('-') == std::string::npos;
  if (!basic) return text;
  if (text.size() >= 15 && text[8] == 'T') {
    text.insert(13, ":");
    text.insert(11, ":");
  }
  text.insert(6, "-");
  text.insert(4, "-");
  return text;
}

std::optional<google::protobuf::Timestamp> RevisionTime(const std::string& value) {
  std::string text = WithSeparators(value);
  constexpr size_t kWithoutZone = 19;
  if (text.size() == kWithoutZone) text += 'Z';
  return ParseTime(text);
}

// Reads one card. Not thread-safe.
class CardReader {
 public:
  CardReader(const Vcard& card, VcardContact& made)
      : card_(card), made_(made), contact_(*made.request.mutable_contact()) {}

  void Read(const std::string& source, const std::string& region) {
    Version();
    for (const VcardProperty* property : ByPreference()) Property(*property);
    for (const char* path :
         {"display_name", "given_name", "family_name", "emails", "phones", "addresses"}) {
      Decide(path);
    }
    if (contact_.region_code().empty() && !region.empty()) {
      contact_.set_region_code(region);
      Decide("region_code");
    }
    auto* key = contact_.mutable_external_key();
    key->set_source(source);
    key->set_key(uid_.empty() ? Digest() : uid_);
  }

 private:
  void Fault(int64_t line, std::string what) { made_.faults.push_back({line, 0, std::move(what)}); }
  void Decide(const char* path) { made_.request.mutable_update_mask()->add_paths(path); }

  // The preferred ones first, else in the card's order.
  std::vector<const VcardProperty*> ByPreference() const {
    std::vector<const VcardProperty*> properties;
    for (const VcardProperty& property : card_.properties) properties.push_back(&property);
    std::stable_sort(properties.begin(), properties.end(), [](const auto* a, const auto* b) {
      return a->Preference() < b->Preference();
    });
    return properties;
  }

  void Version() {
    const auto found =
        std::find_if(card_.properties.begin(), card_.properties.end(),
                     [](const VcardProperty& property) { return property.name == "VERSION"; });
    if (found == card_.properties.end()) {
      Fault(card_.line, "VERSION is missing; it must be 3.0 or 4.0");
    } else if (found->value != "3.0" && found->value != "4.0") {
      Fault(found->line, "VERSION must be 3.0 or 4.0; export the contacts as one of these");
    }
  }

  bool IsReadable(const VcardProperty& property) {
    for (const auto& [name, value] : property.parameters) {
      const bool printable = name == "ENCODING" && Lower(value) == "quoted-printable";
      if (printable || Lower(value) == "quoted-printable") {
        Fault(
            property.line,
            property.name + " is quoted-printable, which vCard 3.0 has not; export as 3.0 or 4.0");
        return false;
      }
      if (name == "CHARSET" && Lower(value) != "utf-8") {
        Fault(property.line, property.name + " is not UTF-8; export the contacts as UTF-8");
        return false;
      }
    }
    return true;
  }

  void Property(const VcardProperty& property) {
    if (!IsReadable(property)) return;
    const std::string& name = property.name;
    if (name == "VERSION" || name == "PRODID") return;
    if (name == "FN") return Text(property, contact_.mutable_display_name());
    if (name == "N") return Name(property);
    if (name == "EMAIL") return Email(property);
    if (name == "TEL" && !property.HasType("fax")) return Phone(property);
    if (name == "ADR") return Address(property);
    if (name == "CATEGORIES") return Categories(property);
    if (name == "UID") return Uid(property);
    if (name == "REV") return Revision(property);
    if (name == "KIND" || name == "X-ADDRESSBOOKSERVER-KIND") return Kind(property);
    if (name == "LANG") return Language(property);
    if (name == "TZ" && property.value.find('/') != std::string::npos) return Zone(property);
    if (!Unescaped(property.value).empty()) made_.left_out.push_back(name);
  }

  static void Text(const VcardProperty& property, std::string* to) {
    if (to->empty()) *to = OneLine(Unescaped(property.value));
  }

  static std::string OneLine(std::string text) {
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text;
  }

  // One of the parts between semicolons; its own parts between commas are joined by blanks.
  static std::string Part(const VcardProperty& property, size_t part) {
    const auto parts = SplitValue(property.value, ';');
    std::string text;
    if (part >= parts.size()) return text;
    for (const std::string_view each : SplitValue(parts[part], ',')) {
      if (each.empty()) continue;
      if (!text.empty()) text += ' ';
      text += Unescaped(each);
    }
    return text;
  }

  void Name(const VcardProperty& property) {
    contact_.set_family_name(OneLine(Part(property, 0)));
    std::string given = OneLine(Part(property, 1));
    const std::string additional = OneLine(Part(property, 2));
    if (!given.empty() && !additional.empty()) given += ' ';
    contact_.set_given_name(given + additional);
  }

  void Email(const VcardProperty& property) {
    const std::string value = Unescaped(property.value);
    const std::string_view address = Without(value, "mailto:");
    if (!address.empty()) contact_.add_emails(std::string(address));
  }

  void Phone(const VcardProperty& property) {
    const std::string value = Unescaped(property.value);
    const std::string_view number = Without(value, "tel:");
    if (!number.empty()) contact_.add_phones(std::string(number));
  }

  void Address(const VcardProperty& property) {
    PostalAddress address;
    for (const size_t part : {0, 1, 2}) {
      std::string lines = Part(property, part);
      for (size_t end = 0; !lines.empty(); lines.erase(0, end)) {
        end = std::min(lines.find('\n'), lines.size());
        if (end > 0) address.add_lines(lines.substr(0, end));
        if (end < lines.size()) ++end;
      }
    }
    address.set_locality(OneLine(Part(property, 3)));
    address.set_administrative_area(OneLine(Part(property, 4)));
    address.set_postal_code(OneLine(Part(property, 5)));
    const std::string country = OneLine(Part(property, 6));
    address.set_region_code(RegionOf(country));
    // A country by another name is not lost.
    if (address.region_code().empty() && !country.empty()) address.add_lines(country);
    if (address.ByteSizeLong() == 0) return;
    if (contact_.region_code().empty() && !address.region_code().empty()) {
      contact_.set_region_code(address.region_code());
      Decide("region_code");
    }
    for (const char* label : {"home", "work"}) {
      if (property.HasType(label)) address.set_label(label);
    }
    *contact_.add_addresses() = std::move(address);
  }

  void Categories(const VcardProperty& property) {
    if (contact_.tags().empty()) Decide("tags");
    for (const std::string_view tag : SplitValue(property.value, ',')) {
      if (!tag.empty()) contact_.add_tags(OneLine(Unescaped(tag)));
    }
  }

  void Uid(const VcardProperty& property) {
    const std::string value = Unescaped(property.value);
    uid_ = Without(value, "urn:uuid:");
  }

  void Revision(const VcardProperty& property) {
    if (const auto time = RevisionTime(property.value)) {
      *made_.request.mutable_observe_time() = *time;
    } else {
      Fault(property.line, "REV must be a time such as 20240501T120000Z");
    }
  }

  void Kind(const VcardProperty& property) {
    const std::string kind = Lower(property.value);
    if (kind != "individual" && kind != "org" && kind != "organization") {
      return Fault(property.line,
                   "KIND must be individual or org; groups and places are no contacts");
    }
    contact_.set_kind(kind == "individual" ? Contact::PERSON : Contact::ORGANIZATION);
    Decide("kind");
  }

  void Language(const VcardProperty& property) {
    if (!contact_.language_code().empty()) return;
    contact_.set_language_code(property.value);
    Decide("language_code");
  }

  void Zone(const VcardProperty& property) {
    contact_.set_time_zone(Unescaped(property.value));
    Decide("time_zone");
  }

  // Of a card without UID: the same name, first address and first number are the same person.
  std::string Digest() const {
    std::string text = contact_.display_name() + '\n' + contact_.family_name() + '\n' +
                       contact_.given_name() + '\n';
    if (contact_.emails_size() > 0) text += Lower(contact_.emails(0));
    text += '\n';
    for (const char c : contact_.phones_size() > 0 ? contact_.phones(0) : std::string()) {
      if ((c >= '0' && c <= '9') || c == '+') text.push_back(c);
    }
    return "card-" + Base32(Hash128(text));
  }

  const Vcard& card_;
  VcardContact& made_;
  Contact& contact_;
  std::string uid_;
};

}  // namespace

VcardContact ToContact(const Vcard& card, const std::string& source, const std::string& region) {
  VcardContact made;
  CardReader(card, made).Read(source, region);
  return made;
}

}  // namespace crm::crmctl
