#pragma once

#include <google/protobuf/repeated_field.h>

#include <string>
#include <vector>

#include "services/contact/domain/contact.h"

namespace crm::contact {

// Between Profile and the protobuf messages that carry its fields under the same names.

template <typename Strings>
std::vector<std::string> ToVector(const Strings& strings) {
  return {strings.begin(), strings.end()};
}

PostalAddress ReadAddress(const v1::PostalAddress& message);
void WriteAddress(const PostalAddress& address, v1::PostalAddress* message);

Preference ReadPreference(const v1::Preference& message);
void WritePreference(const Preference& preference, v1::Preference* message);

// Nothing where the message has no value: the field is cleared.
std::optional<CustomValue> ReadCustomValue(const v1::CustomValue& message);
void WriteCustomValue(const std::string& field, const CustomValue& value, v1::CustomValue* message);

// `Message` is v1::Contact or v1::ContactPersonal.
template <typename Message>
void ReadPersonal(const Message& message, Profile* profile) {
  profile->display_name = message.display_name();
  profile->given_name = message.given_name();
  profile->family_name = message.family_name();
  profile->emails = ToVector(message.emails());
  profile->phones = ToVector(message.phones());
  for (const auto& address : message.addresses()) {
    profile->addresses.push_back(ReadAddress(address));
  }
  profile->tags = ToVector(message.tags());
  for (const auto& preference : message.preferences()) {
    profile->preferences.push_back(ReadPreference(preference));
  }
  for (const auto& concern : message.concerns()) {
    profile->concerns.push_back({concern.topic(), concern.text()});
  }
  for (const auto& custom : message.custom_fields()) {
    if (auto value = ReadCustomValue(custom)) {
      profile->custom_fields.insert_or_assign(custom.field(), *std::move(value));
    }
  }
}

template <typename Message>
void WritePersonal(const Profile& profile, Message* message) {
  message->set_display_name(profile.display_name);
  message->set_given_name(profile.given_name);
  message->set_family_name(profile.family_name);
  for (const auto& email : profile.emails) message->add_emails(email);
  for (const auto& phone : profile.phones) message->add_phones(phone);
  for (const auto& address : profile.addresses) WriteAddress(address, message->add_addresses());
  for (const auto& tag : profile.tags) message->add_tags(tag);
  for (const auto& preference : profile.preferences) {
    WritePreference(preference, message->add_preferences());
  }
  for (const auto& concern : profile.concerns) {
    auto* written = message->add_concerns();
    written->set_topic(concern.topic);
    written->set_text(concern.text);
  }
  for (const auto& [field, value] : profile.custom_fields) {
    WriteCustomValue(field, value, message->add_custom_fields());
  }
}

// `Message` is v1::Contact, v1::ContactCreated or v1::ContactProfileChanged.
template <typename Message>
void ReadOthers(const Message& message, Profile* profile) {
  profile->kind = message.kind();
  profile->language_code = message.language_code();
  profile->region_code = message.region_code();
  profile->time_zone = message.time_zone();
}

template <typename Message>
void WriteOthers(const Profile& profile, Message* message) {
  message->set_kind(profile.kind);
  message->set_language_code(profile.language_code);
  message->set_region_code(profile.region_code);
  message->set_time_zone(profile.time_zone);
}

// `Message` has an `external_key`.
template <typename Message>
std::optional<ExternalKey> ReadExternalKey(const Message& message) {
  if (!message.has_external_key()) return std::nullopt;
  return ExternalKey{message.external_key().source(), message.external_key().key()};
}

template <typename Message>
void WriteExternalKey(const std::optional<ExternalKey>& key, Message* message) {
  if (!key) return;
  message->mutable_external_key()->set_source(key->source);
  message->mutable_external_key()->set_key(key->key);
}

}  // namespace crm::contact
