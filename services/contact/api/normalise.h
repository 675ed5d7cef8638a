#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "crm/contact/v1/contact.pb.h"
#include "services/contact/domain/contact.h"
#include "services/contact/domain/tenant.h"

namespace crm::contact {

// What a request leaves open.
struct ContactOptions {
  // ISO 3166-1 alpha-2: where phone numbers without a country code are dialled when the contact has
  // no region_code. Empty: such numbers are refused.
  std::string default_region;
  // BCP 47: of contacts that are created without a language. Empty: they have none.
  std::string default_language;
  // What the tenant declares. Others are refused.
  std::vector<FieldDeclaration> custom_fields{};
  // What the tenant declares; null: only the time counts.
  std::shared_ptr<const Survivorship> survivorship{};
  // Of the tenant's settings; 0: it has none.
  int64_t settings_version = 0;
};

// The profile as it is kept. Done before the decision, and never in a fold: the answers of ICU and
// libphonenumber change with their versions, so the event carries the result.
//
//   names, address fields   NFC, trimmed
//   emails, phones          email_address.h, phone_number.h; the order stays, repeats are dropped
//   language, region, zone  text.h
//   tags                    NFC, trimmed, sorted by bytes, repeats dropped
//   custom fields           custom_values.h
//   kind                    unspecified stays so
//
// All faults go to `faults` by path ("contact.emails[1]"), without the value. Idempotent: a profile
// that went through comes back the same.
Profile Normalise(const v1::Contact& contact, const ContactOptions& options, FieldFaults& faults);

// External keys are opaque: kept byte by byte, only checked.
// Faults unless `source` can name one; an empty one does not.
void CheckSource(const std::string& path, std::string_view source, FieldFaults& faults);
void CheckKey(const std::string& path, const v1::ExternalKey& key, FieldFaults& faults);
// Nothing where the contact has none.
std::optional<ExternalKey> CheckExternalKey(const v1::Contact& contact, FieldFaults& faults);

}  // namespace crm::contact
