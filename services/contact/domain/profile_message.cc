#include "services/contact/domain/profile_message.h"

namespace crm::contact {

PostalAddress ReadAddress(const v1::PostalAddress& message) {
  return {.lines = ToVector(message.lines()),
          .locality = message.locality(),
          .administrative_area = message.administrative_area(),
          .postal_code = message.postal_code(),
          .region_code = message.region_code(),
          .label = message.label()};
}

void WriteAddress(const PostalAddress& address, v1::PostalAddress* message) {
  for (const auto& line : address.lines) message->add_lines(line);
  message->set_locality(address.locality);
  message->set_administrative_area(address.administrative_area);
  message->set_postal_code(address.postal_code);
  message->set_region_code(address.region_code);
  message->set_label(address.label);
}

Preference ReadPreference(const v1::Preference& message) {
  return {message.channel(), message.topic(), message.attitude()};
}

void WritePreference(const Preference& preference, v1::Preference* message) {
  message->set_channel(preference.channel);
  message->set_topic(preference.topic);
  message->set_attitude(preference.attitude);
}

std::optional<CustomValue> ReadCustomValue(const v1::CustomValue& message) {
  switch (message.value_case()) {
    case v1::CustomValue::kText:
      return message.text();
    case v1::CustomValue::kInteger:
      return int64_t{message.integer()};
    case v1::CustomValue::kNumber:
      return message.number();
    case v1::CustomValue::kFlag:
      return message.flag();
    case v1::CustomValue::kDate:
      return Date{message.date()};
    case v1::CustomValue::kChoice:
      return Choice{message.choice()};
    case v1::CustomValue::VALUE_NOT_SET:
      return std::nullopt;
  }
  return std::nullopt;
}

void WriteCustomValue(const std::string& field, const CustomValue& value,
                      v1::CustomValue* message) {
  message->set_field(field);
  struct Writer {
    v1::CustomValue* message;
    void operator()(const std::string& text) const { message->set_text(text); }
    void operator()(int64_t integer) const { message->set_integer(integer); }
    void operator()(double number) const { message->set_number(number); }
    void operator()(bool flag) const { message->set_flag(flag); }
    void operator()(const Date& date) const { message->set_date(date.text); }
    void operator()(const Choice& choice) const { message->set_choice(choice.id); }
  };
  std::visit(Writer{message}, value);
}

}  // namespace crm::contact
