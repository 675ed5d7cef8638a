#include "tools/crmctl/importing/contact_field.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "common/base/status.h"
#include "tools/crmctl/cell_values.h"

namespace crm::crmctl {
namespace {

using contact::v1::Contact;
using contact::v1::CustomField;
using contact::v1::PostalAddress;
using google::protobuf::FieldDescriptor;

constexpr int kMaxAddresses = 20;
constexpr std::array<const char*, 9> kTexts = {"display_name", "given_name", "family_name",
                                               "emails",       "phones",     "language_code",
                                               "region_code",  "time_zone",  "tags"};
constexpr std::array<std::pair<std::string_view, CustomField::Type>, 6> kTypes = {
    {{"text", CustomField::TEXT},
     {"integer", CustomField::INTEGER},
     {"number", CustomField::NUMBER},
     {"flag", CustomField::FLAG},
     {"date", CustomField::DATE},
     {"choice", CustomField::CHOICE}}};

// "addresses[1].lines" in its parts.
struct Path {
  std::string_view name;
  std::optional<std::string_view> word;
  std::string_view part;
  std::string_view type;
};

std::optional<Path> Split(std::string_view text) {
  Path path;
  path.name = text.substr(0, text.find_first_of("[.:"));
  text.remove_prefix(path.name.size());
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    path.word = text.substr(1, end - 1);
    text.remove_prefix(end + 1);
  }
  if (text.starts_with('.')) {
    path.part = text.substr(1, text.find(':') - 1);
    text.remove_prefix(path.part.size() + 1);
  }
  if (text.starts_with(':')) {
    path.type = text.substr(1);
    text = {};
  }
  return text.empty() ? std::optional(path) : std::nullopt;
}

absl::Status NoField(std::string_view text) {
  return Error(absl::StatusCode::kInvalidArgument, "FIELD_UNKNOWN",
               fmt::format("'{}' is no field; there are: {}, tags[WORD], concerns[TOPIC], "
                           "preferences[CHANNEL/TOPIC], custom_fields.ID",
                           text, fmt::join(ContactField::Plain(), ", ")));
}

std::optional<bool> ReadFlag(std::string_view value) {
  const std::string lower = [&] {
    std::string copy(value);
    for (char& c : copy) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    return copy;
  }();
  for (const char* yes : {"true", "yes", "1", "wanted"}) {
    if (lower == yes) return true;
  }
  for (const char* no : {"false", "no", "0", "unwanted"}) {
    if (lower == no) return false;
  }
  return std::nullopt;
}

std::optional<double> ReadNumber(std::string_view value) {
  double number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size()) return std::nullopt;
  return number;
}

}  // namespace

std::vector<std::string> ContactField::Plain() {
  std::vector<std::string> fields(kTexts.begin(), kTexts.end());
  const auto* address = PostalAddress::descriptor();
  for (int i = 0; i < address->field_count(); ++i) {
    fields.push_back("addresses." + address->field(i)->name());
  }
  return fields;
}

bool ContactField::NeedsType(std::string_view text) {
  const auto path = Split(text);
  return path && path->name == "custom_fields" && path->type.empty();
}

absl::StatusOr<ContactField> ContactField::Parse(std::string_view text,
                                                 const CustomFieldTypes& types) {
  const auto path = Split(text);
  if (!path) return NoField(text);
  const std::string name(path->name);
  if (name == "addresses") return ParseAddress(path->word.value_or("0"), path->part);
  if (name == "custom_fields") return ParseCustom(path->part, path->type, types);
  if (!path->part.empty() || !path->type.empty()) return NoField(text);
  const std::string word(path->word.value_or(""));
  if (name == "tags" && path->word && !word.empty()) {
    ContactField field(Kind::kTag, name, std::string(text));
    field.word_ = word;
    field.repeats_ = true;
    return field;
  }
  if (name == "concerns" && !word.empty()) {
    ContactField field(Kind::kConcern, name, std::string(text));
    field.word_ = word;
    return field;
  }
  if (name == "preferences" && word.find('/') != std::string::npos) {
    ContactField field(Kind::kPreference, name, std::string(text));
    field.channel_ = word.substr(0, word.find('/'));
    field.word_ = word.substr(word.find('/') + 1);
    return field;
  }
  const bool known = std::find(kTexts.begin(), kTexts.end(), name) != kTexts.end();
  if (!known || path->word) return NoField(text);
  ContactField field(Kind::kText, name, name);
  field.field_ = Contact::descriptor()->FindFieldByName(name);
  field.repeats_ = field.field_->is_repeated();
  return field;
}

absl::StatusOr<ContactField> ContactField::ParseAddress(std::string_view index,
                                                        std::string_view part) {
  const std::string text = fmt::format("addresses[{}].{}", index, part);
  ContactField field(Kind::kAddress, "addresses", text);
  field.field_ = PostalAddress::descriptor()->FindFieldByName(std::string(part));
  const auto number = ParseWhole(index);
  if (field.field_ == nullptr || !number || *number < 0 || *number >= kMaxAddresses) {
    return NoField(text);
  }
  field.index_ = static_cast<int>(*number);
  field.repeats_ = field.field_->is_repeated();
  return field;
}

absl::StatusOr<ContactField> ContactField::ParseCustom(std::string_view id, std::string_view type,
                                                       const CustomFieldTypes& types) {
  ContactField field(Kind::kCustom, fmt::format("custom_fields.{}", id),
                     fmt::format("custom_fields.{}", id));
  field.word_ = id;
  if (id.empty()) return NoField("custom_fields");
  if (type.empty()) {
    const auto declared = types.find(id);
    if (declared != types.end()) field.type_ = declared->second;
  }
  for (const auto& [name, known] : kTypes) {
    if (name == type) field.type_ = known;
  }
  if (field.type_ != CustomField::TYPE_UNSPECIFIED) return field;
  return Error(absl::StatusCode::kInvalidArgument, "CUSTOM_FIELD_UNKNOWN",
               fmt::format("the type of custom_fields.{0} is not known: declare the field (crmctl "
                           "tenant set), or name a type: custom_fields.{0}:text, :integer, "
                           ":number, :flag, :date or :choice",
                           id));
}

std::string ContactField::Set(Contact* contact, const std::string& value) const {
  switch (kind_) {
    case Kind::kText:
      if (repeats_) {
        contact->GetReflection()->AddString(contact, field_, value);
      } else {
        contact->GetReflection()->SetString(contact, field_, value);
      }
      return "";
    case Kind::kTag:
      contact->add_tags(word_ + ":" + value);
      return "";
    case Kind::kAddress: {
      while (contact->addresses_size() <= index_) contact->add_addresses();
      PostalAddress* address = contact->mutable_addresses(index_);
      if (repeats_) {
        address->GetReflection()->AddString(address, field_, value);
      } else {
        address->GetReflection()->SetString(address, field_, value);
      }
      return "";
    }
    case Kind::kConcern: {
      auto* concern = contact->add_concerns();
      concern->set_topic(word_);
      concern->set_text(value);
      return "";
    }
    case Kind::kPreference:
      return SetPreference(contact, value);
    case Kind::kCustom:
      return SetCustom(contact, value);
  }
  return "";
}

std::string ContactField::SetPreference(Contact* contact, const std::string& value) const {
  const auto wanted = ReadFlag(value);
  if (!wanted) return "must be wanted, yes, true or 1, or unwanted, no, false or 0";
  auto* preference = contact->add_preferences();
  preference->set_channel(channel_);
  preference->set_topic(word_);
  preference->set_attitude(*wanted ? contact::v1::Preference::WANTED
                                   : contact::v1::Preference::UNWANTED);
  return "";
}

std::string ContactField::SetCustom(Contact* contact, const std::string& value) const {
  contact::v1::CustomValue custom;
  custom.set_field(word_);
  if (type_ == CustomField::INTEGER) {
    const auto number = ParseWhole(value);
    if (!number) return "must be a whole number";
    custom.set_integer(*number);
  } else if (type_ == CustomField::NUMBER) {
    const auto number = ReadNumber(value);
    if (!number) return "must be a number";
    custom.set_number(*number);
  } else if (type_ == CustomField::FLAG) {
    const auto flag = ReadFlag(value);
    if (!flag) return "must be yes, true or 1, or no, false or 0";
    custom.set_flag(*flag);
  } else if (type_ == CustomField::DATE) {
    custom.set_date(value);
  } else if (type_ == CustomField::CHOICE) {
    custom.set_choice(value);
  } else {
    custom.set_text(value);
  }
  *contact->add_custom_fields() = std::move(custom);
  return "";
}

}  // namespace crm::crmctl
