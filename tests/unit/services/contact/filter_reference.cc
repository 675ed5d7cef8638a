#include "tests/unit/services/contact/filter_reference.h"

#include <fmt/format.h>
#include <unicode/coll.h>

#include <cmath>
#include <functional>

namespace crm::contact::testing {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using Type = ReferenceFilter::Type;
using Kind = ReferenceFilter::Kind;

const std::vector<std::string> kNames = {"",    "Ada",    "ada",    "Zoë",
                                         "zoe", "Müller", "Muller", "Ärger"};
const std::vector<std::string> kCodes = {"", "CH", "DE", "en-GB"};
const std::vector<std::string> kWords = {"", "email", "phone", "offers"};
const std::vector<std::string> kTricky = {"a b", "it's", "say \"no\"", "back\\slash", "*"};
const std::vector<std::string> kDates = {"2026-01-31", "2026-02-01"};
// Seconds since 1970, and as times are written.
const std::vector<std::pair<int64_t, std::string>> kTimes = {
    {1767225600, "2026-01-01T00:00:00Z"},
    {1767225600, "2026-01-01T02:00:00+02:00"},
    {1767225601, "2026-01-01T00:00:01Z"},
    {1767312000, "2026-01-02"}};

bool IsName(const std::string& field) {
  return field == "display_name" || field == "given_name" || field == "family_name";
}
bool IsTime(const std::string& field) {
  return field == "create_time" || field == "update_time";
}
bool IsEnum(const std::string& field) {
  return field == "kind" || field == "preferences.attitude";
}
bool IsMessage(const std::string& field) {
  return field == "addresses" || field == "external_key" || field == "linked_keys" ||
         field == "preferences" || field == "concerns";
}
bool IsCustom(const std::string& field) {
  return field.starts_with("custom_fields.");
}
bool IsRepeated(const std::string& field) {
  return v1::Contact::descriptor()
      ->FindFieldByName(field.substr(0, field.find('.')))
      ->is_repeated();
}

const std::vector<std::string>& Fields() {
  static const auto* fields = new std::vector<std::string>{"kind",
                                                           "display_name",
                                                           "given_name",
                                                           "family_name",
                                                           "emails",
                                                           "phones",
                                                           "addresses",
                                                           "addresses.region_code",
                                                           "addresses.administrative_area",
                                                           "addresses.locality",
                                                           "addresses.postal_code",
                                                           "addresses.label",
                                                           "language_code",
                                                           "region_code",
                                                           "time_zone",
                                                           "tags",
                                                           "external_key",
                                                           "external_key.source",
                                                           "external_key.key",
                                                           "linked_keys",
                                                           "linked_keys.source",
                                                           "preferences",
                                                           "preferences.channel",
                                                           "preferences.topic",
                                                           "preferences.attitude",
                                                           "concerns",
                                                           "concerns.topic",
                                                           "create_time",
                                                           "update_time",
                                                           "custom_fields.tier",
                                                           "custom_fields.age",
                                                           "custom_fields.height",
                                                           "custom_fields.vip",
                                                           "custom_fields.since",
                                                           "custom_fields.level",
                                                           "custom_fields.nobody_has"};
  return *fields;
}

// Calls `each` with every message that holds the last field of the path.
void Walk(const Message& message, std::string_view path,
          const std::function<void(const Message&, const FieldDescriptor*)>& each) {
  const size_t dot = path.find('.');
  const auto* field = message.GetDescriptor()->FindFieldByName(std::string(path.substr(0, dot)));
  if (dot == std::string_view::npos) return each(message, field);
  const auto* reflection = message.GetReflection();
  if (!field->is_repeated()) {
    return Walk(reflection->GetMessage(message, field), path.substr(dot + 1), each);
  }
  for (int i = 0; i < reflection->FieldSize(message, field); ++i) {
    Walk(reflection->GetRepeatedMessage(message, field, i), path.substr(dot + 1), each);
  }
}

bool Holds(long double difference, const std::string& op) {
  if (op == "=" || op == ":") return difference == 0;
  if (op == "!=") return difference != 0;
  if (op == "<") return difference < 0;
  if (op == "<=") return difference <= 0;
  return op == ">" ? difference > 0 : difference >= 0;
}

bool TextHolds(const std::string& value, const ReferenceFilter& term) {
  if (value.empty()) return false;
  if (term.op == "*") return true;
  if (term.type != Type::kText) return false;
  if (term.op == "=" || term.op == ":") return value == term.text;
  if (term.op == "!=") return value != term.text;
  return Holds(Collated(value, term.text), term.op);
}

bool LeafHolds(const Message& message, const FieldDescriptor* field, int index,
               const ReferenceFilter& term) {
  const auto* reflection = message.GetReflection();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return TextHolds(field->is_repeated() ? reflection->GetRepeatedString(message, field, index)
                                            : reflection->GetString(message, field),
                       term);
    case FieldDescriptor::CPPTYPE_ENUM: {
      const auto* value = reflection->GetEnum(message, field);
      if (value->number() == 0) return false;
      return term.op == "*" || (value->name() == term.text) == (term.op != "!=");
    }
    case FieldDescriptor::CPPTYPE_MESSAGE: {
      if (!field->is_repeated() && !reflection->HasField(message, field)) return false;
      if (term.op == "*") return true;
      const auto& time =
          static_cast<const google::protobuf::Timestamp&>(reflection->GetMessage(message, field));
      return Holds(static_cast<long double>(time.seconds()) - term.number +
                       static_cast<long double>(time.nanos()) / 1e9L,
                   term.op);
    }
    default:
      return false;
  }
}

bool CustomHolds(const v1::CustomValue& value, const ReferenceFilter& term) {
  const auto* set = value.GetReflection()->GetOneofFieldDescriptor(
      value, v1::CustomValue::descriptor()->FindOneofByName("value"));
  if (set == nullptr) return false;
  if (term.op == "*") return true;
  if (set->name() == "flag") {
    return term.type == Type::kFlag && (value.flag() == (term.text == "true")) == (term.op == "=");
  }
  if (set->name() == "integer" || set->name() == "number") {
    const long double number = set->name() == "integer" ? value.integer() : value.number();
    return term.type == Type::kNumber && Holds(number - term.number, term.op);
  }
  if (term.type != Type::kText) return false;
  const std::string text = value.GetReflection()->GetString(value, set);
  if (set->name() != "date" && term.op != "=" && term.op != "!=") return false;
  return Holds(text.compare(term.text), term.op);
}

bool TermHolds(const v1::Contact& contact, const ReferenceFilter& term) {
  bool any = false;
  if (IsCustom(term.field)) {
    for (const auto& value : contact.custom_fields()) {
      if ("custom_fields." + value.field() == term.field) any = any || CustomHolds(value, term);
    }
    return any;
  }
  Walk(contact, term.field, [&](const Message& message, const FieldDescriptor* field) {
    const int count = field->is_repeated() ? message.GetReflection()->FieldSize(message, field) : 1;
    for (int i = 0; i < count; ++i) any = any || LeafHolds(message, field, i, term);
  });
  return any;
}

std::string Quoted(const std::string& text, FilterDraw& draw) {
  const char quote = draw.Below(2) == 0 ? '"' : '\'';
  std::string quoted(1, quote);
  for (const char c : text) {
    if (c == quote || c == '\\') quoted.push_back('\\');
    quoted.push_back(c);
  }
  return quoted + quote;
}

std::string TermText(const ReferenceFilter& term, FilterDraw& draw) {
  const std::string blank = draw.Below(2) == 0 ? " " : "";
  if (term.op == "*") return term.field + blank + ":" + blank + "*";
  const bool quoted =
      term.type == Type::kText ||
      ((term.type == Type::kTime || term.type == Type::kEnum) && draw.Below(2) == 0);
  return term.field + blank + term.op + blank +
         (quoted ? Quoted(term.literal, draw) : term.literal);
}

}  // namespace

int Collated(const std::string& a, const std::string& b) {
  UErrorCode error = U_ZERO_ERROR;
  static const icu::Collator* const root =
      icu::Collator::createInstance(icu::Locale::getRoot(), error);
  return root->compare(icu::UnicodeString::fromUTF8(a), icu::UnicodeString::fromUTF8(b), error);
}

const std::vector<FieldDeclaration>& DeclaredFields() {
  using v1::CustomField;
  static const auto* fields = new std::vector<FieldDeclaration>{
      {.id = "tier", .type = CustomField::TEXT},
      {.id = "age", .type = CustomField::INTEGER},
      {.id = "height", .type = CustomField::NUMBER},
      {.id = "vip", .type = CustomField::FLAG},
      {.id = "since", .type = CustomField::DATE},
      {.id = "level", .type = CustomField::CHOICE, .choices = {"email", "phone", "offers"}},
      {.id = "nobody_has", .type = CustomField::TEXT}};
  return *fields;
}

v1::Contact FilterDraw::AContact() {
  v1::Contact contact;
  contact.set_name(fmt::format("contacts/c{}", Below(1'000'000)));
  contact.set_kind(static_cast<v1::Contact::Kind>(Below(3)));
  contact.set_display_name(OneOf(kNames));
  contact.set_given_name(OneOf(kNames));
  contact.set_family_name(OneOf(kNames));
  contact.set_language_code(OneOf(kCodes));
  contact.set_region_code(OneOf(kCodes));
  contact.set_time_zone(OneOf(kCodes));
  for (size_t n = Below(3); n > 0; --n) contact.add_emails(OneOf(kWords));
  for (size_t n = Below(3); n > 0; --n) contact.add_phones(OneOf(kWords));
  for (size_t n = Below(3); n > 0; --n) contact.add_tags(OneOf(kTricky));
  for (size_t n = Below(3); n > 0; --n) {
    auto* address = contact.add_addresses();
    address->set_locality(OneOf(kNames));
    address->set_administrative_area(OneOf(kNames));
    address->set_postal_code(OneOf(kCodes));
    address->set_region_code(OneOf(kCodes));
    address->set_label(OneOf(kWords));
  }
  if (Below(2) == 0) {
    contact.mutable_external_key()->set_source(OneOf(kWords));
    contact.mutable_external_key()->set_key(OneOf(kTricky));
  }
  for (size_t n = Below(3); n > 0; --n) contact.add_linked_keys()->set_source(OneOf(kWords));
  for (size_t n = Below(3); n > 0; --n) {
    auto* preference = contact.add_preferences();
    preference->set_channel(OneOf(kWords));
    preference->set_topic(OneOf(kWords));
    preference->set_attitude(static_cast<v1::Preference::Attitude>(Below(3)));
  }
  for (size_t n = Below(3); n > 0; --n) contact.add_concerns()->set_topic(OneOf(kWords));
  contact.mutable_create_time()->set_seconds(OneOf(kTimes).first);
  contact.mutable_update_time()->set_seconds(OneOf(kTimes).first);
  contact.mutable_update_time()->set_nanos(static_cast<int>(Below(2)) * 500'000'000);
  const auto custom = [&](const char* field) {
    auto* value = contact.add_custom_fields();
    value->set_field(field);
    return value;
  };
  if (Below(2) == 0) custom("tier")->set_text(OneOf(kTricky));
  if (Below(2) == 0) custom("age")->set_integer(static_cast<int64_t>(Below(5)) - 2);
  if (Below(2) == 0) custom("height")->set_number(static_cast<double>(Below(5)) / 2);
  if (Below(2) == 0) custom("vip")->set_flag(Below(2) == 0);
  if (Below(2) == 0) custom("since")->set_date(OneOf(kDates));
  if (Below(2) == 0) custom("level")->set_choice(OneOf(kWords));
  if (Below(8) == 0) custom("nobody_has");
  return contact;
}

void FilterDraw::SetLiteral(const std::string& field, ReferenceFilter* term) {
  if (IsTime(field)) {
    const auto& [seconds, written] = OneOf(kTimes);
    term->type = Type::kTime;
    term->number = seconds;
    // A date without quotation marks is written as one, too.
    term->literal = written;
    return;
  }
  if (IsEnum(field)) {
    term->type = Type::kEnum;
    term->text = field == "kind" ? OneOf<std::string>({"PERSON", "ORGANIZATION"})
                                 : OneOf<std::string>({"WANTED", "UNWANTED"});
    term->literal = term->text;
    return;
  }
  if (field == "custom_fields.vip") {
    term->type = Type::kFlag;
    term->literal = term->text = OneOf<std::string>({"true", "false"});
    return;
  }
  if (field == "custom_fields.age" || field == "custom_fields.height") {
    term->type = Type::kNumber;
    const int halves = (static_cast<int>(Below(9)) - 4) * (field == "custom_fields.age" ? 2 : 1);
    term->number = halves / 2.0L;
    term->literal =
        halves % 2 == 0 ? std::to_string(halves / 2) : fmt::format("{:.2f}", halves / 2.0);
    return;
  }
  term->type = Type::kText;
  do {
    if (field == "custom_fields.since") {
      term->text = OneOf(kDates);
    } else if (field == "custom_fields.level") {
      term->text = OneOf(kWords);
    } else {
      term->text =
          OneOf(OneOf<std::vector<std::string>>({kNames, kCodes, kWords, kTricky, kDates}));
    }
  } while (term->text.empty());
  term->literal = term->text;
}

ReferenceFilter FilterDraw::ATerm() {
  ReferenceFilter term;
  term.field = OneOf(Fields());
  const bool repeated = IsRepeated(term.field) && !IsCustom(term.field);
  const bool ordered = IsName(term.field) || IsTime(term.field) ||
                       term.field == "custom_fields.age" || term.field == "custom_fields.height" ||
                       term.field == "custom_fields.since";
  if (IsMessage(term.field) || Below(8) == 0) {
    term.op = "*";
    return term;
  }
  if (repeated) {
    term.op = ":";
  } else {
    term.op = OneOf<std::string>(ordered ? std::vector<std::string>{"=", "!=", "<", "<=", ">", ">="}
                                         : std::vector<std::string>{"=", "!="});
  }
  SetLiteral(term.field, &term);
  return term;
}

ReferenceFilter FilterDraw::AFilter(int depth) {
  if (depth == 0 || Below(3) == 0) return ATerm();
  ReferenceFilter filter;
  filter.kind = OneOf<Kind>({Kind::kAnd, Kind::kOr, Kind::kNot});
  const size_t children = filter.kind == Kind::kNot ? 1 : 2 + Below(2);
  for (size_t i = 0; i < children; ++i) filter.children.push_back(AFilter(depth - 1));
  return filter;
}

std::string TextOf(const ReferenceFilter& filter, FilterDraw& draw) {
  // OR binds more tightly than AND, NOT more tightly than both and applies once.
  const auto child_text = [&](const ReferenceFilter& child) {
    const bool needs = filter.kind == Kind::kNot
                           ? child.kind != Kind::kTerm
                           : filter.kind == Kind::kOr && child.kind == Kind::kAnd;
    const std::string text = TextOf(child, draw);
    return needs || draw.Below(6) == 0 ? "( " + text + ")" : text;
  };
  switch (filter.kind) {
    case Kind::kTerm:
      return TermText(filter, draw);
    case Kind::kNot:
      return (draw.Below(2) == 0 ? "NOT " : "-") + child_text(filter.children[0]);
    case Kind::kAnd:
    case Kind::kOr:
      break;
  }
  std::string text;
  for (const auto& child : filter.children) {
    if (!text.empty()) text += filter.kind == Kind::kAnd ? "  AND " : " OR\n";
    text += child_text(child);
  }
  return text;
}

bool Meets(const v1::Contact& contact, const ReferenceFilter& filter) {
  switch (filter.kind) {
    case Kind::kTerm:
      return TermHolds(contact, filter);
    case Kind::kNot:
      return !Meets(contact, filter.children[0]);
    case Kind::kAnd:
      for (const auto& child : filter.children) {
        if (!Meets(contact, child)) return false;
      }
      return true;
    case Kind::kOr:
      for (const auto& child : filter.children) {
        if (Meets(contact, child)) return true;
      }
      return false;
  }
  return false;
}

}  // namespace crm::contact::testing
