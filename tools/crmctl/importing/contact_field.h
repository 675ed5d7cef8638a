#pragma once

#include <google/protobuf/descriptor.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "crm/contact/v1/contact.pb.h"
#include "crm/contact/v1/tenant.pb.h"

namespace crm::crmctl {

// Types of the tenant's own fields, by id.
using CustomFieldTypes = std::map<std::string, contact::v1::CustomField::Type, std::less<>>;

// A place in a contact that a cell can fill:
//
//   display_name given_name family_name language_code region_code time_zone
//   emails phones tags                   one more of them
//   tags[WORD]                           the tag "WORD:cell"
//   addresses.PART addresses[N].PART     PART: lines (one more), locality, administrative_area,
//                                        postal_code, region_code, label; N from 0
//   concerns[TOPIC]                      the text of the concern
//   preferences[CHANNEL/TOPIC]           wanted, yes, true, 1 / unwanted, no, false, 0; a part may
//   be
//                                        empty
//   custom_fields.ID                     a value of the tenant's own field, of the declared type;
//   custom_fields.ID:TYPE                or of the type named: text integer number flag date choice
//
// Immutable, thread-safe.
class ContactField {
 public:
  // INVALID_ARGUMENT says what there is.
  static absl::StatusOr<ContactField> Parse(std::string_view text, const CustomFieldTypes& types);
  // The fields without words and numbers of their own, for help.
  static std::vector<std::string> Plain();
  // Whether a type of the tenant's must be known to parse it.
  static bool NeedsType(std::string_view text);

  // Sets the field, or adds to it. What is wrong with the value, without the value; empty =
  // nothing.
  std::string Set(contact::v1::Contact* contact, const std::string& value) const;

  // What an update mask calls it.
  const std::string& mask_path() const { return mask_path_; }
  // It takes any number of values.
  bool repeats() const { return repeats_; }
  // A tag under a word.
  bool is_labelled_tag() const { return kind_ == Kind::kTag; }
  // Equal for what goes to the same place.
  const std::string& place() const { return place_; }

 private:
  enum class Kind { kText, kTag, kAddress, kConcern, kPreference, kCustom };

  ContactField(Kind kind, std::string mask_path, std::string place)
      : kind_(kind), mask_path_(std::move(mask_path)), place_(std::move(place)) {}
  static absl::StatusOr<ContactField> ParseAddress(std::string_view index, std::string_view part);
  static absl::StatusOr<ContactField> ParseCustom(std::string_view id, std::string_view type,
                                                  const CustomFieldTypes& types);
  std::string SetPreference(contact::v1::Contact* contact, const std::string& value) const;
  std::string SetCustom(contact::v1::Contact* contact, const std::string& value) const;

  Kind kind_;
  std::string mask_path_;
  std::string place_;
  bool repeats_ = false;
  // Of the contact, or of the address.
  const google::protobuf::FieldDescriptor* field_ = nullptr;
  // Tag's word, topic, or id.
  std::string word_;
  std::string channel_;
  int index_ = 0;
  contact::v1::CustomField::Type type_ = contact::v1::CustomField::TYPE_UNSPECIFIED;
};

}  // namespace crm::crmctl
