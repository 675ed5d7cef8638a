#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "crm/contact/v1/contact_events.pb.h"

namespace crm::contact {

// Reasons of refusals.
inline constexpr std::string_view kContactNotFound = "CONTACT_NOT_FOUND";
inline constexpr std::string_view kContactExists = "CONTACT_EXISTS";
inline constexpr std::string_view kContactDeleted = "CONTACT_DELETED";
inline constexpr std::string_view kContactErased = "CONTACT_ERASED";

struct PostalAddress {
  std::vector<std::string> lines;
  std::string locality;
  std::string administrative_area;
  std::string postal_code;
  std::string region_code;
  std::string label;
  bool operator==(const PostalAddress&) const = default;
};

struct ExternalKey {
  std::string source;
  std::string key;
  bool operator==(const ExternalKey&) const = default;
};

struct Preference {
  std::string channel;
  std::string topic;
  v1::Preference::Attitude attitude = v1::Preference::ATTITUDE_UNSPECIFIED;
  bool operator==(const Preference&) const = default;
};

struct Concern {
  std::string topic;
  std::string text;
  bool operator==(const Concern&) const = default;
};

// A day of the calendar, "2026-01-31".
struct Date {
  std::string text;
  bool operator==(const Date&) const = default;
};

// One of a declaration's choices.
struct Choice {
  std::string id;
  bool operator==(const Choice&) const = default;
};

// Values of declared fields by the declaration's id.
using CustomValue = std::variant<std::string, int64_t, double, bool, Date, Choice>;
using CustomFields = std::map<std::string, CustomValue>;

// What callers may change of a contact, already normalised. The fields mean what they mean in
// crm.contact.v1.Contact.
struct Profile {
  v1::Contact::Kind kind = v1::Contact::KIND_UNSPECIFIED;
  std::string display_name;
  std::string given_name;
  std::string family_name;
  std::vector<std::string> emails;
  std::vector<std::string> phones;
  std::vector<PostalAddress> addresses;
  std::string language_code;
  std::string region_code;
  std::string time_zone;
  std::vector<std::string> tags;
  // Sorted by channel and topic.
  std::vector<Preference> preferences;
  // Sorted by topic.
  std::vector<Concern> concerns;
  CustomFields custom_fields;
  bool operator==(const Profile&) const = default;
};

// Calls visit(name in the API, member of Profile) for every field, always in this order.
template <typename Visit>
void ForEachField(Visit&& visit) {
  visit("kind", &Profile::kind);
  visit("display_name", &Profile::display_name);
  visit("given_name", &Profile::given_name);
  visit("family_name", &Profile::family_name);
  visit("emails", &Profile::emails);
  visit("phones", &Profile::phones);
  visit("addresses", &Profile::addresses);
  visit("language_code", &Profile::language_code);
  visit("region_code", &Profile::region_code);
  visit("time_zone", &Profile::time_zone);
  visit("tags", &Profile::tags);
  visit("preferences", &Profile::preferences);
  visit("concerns", &Profile::concerns);
  visit("custom_fields", &Profile::custom_fields);
}

// Names of fields of Profile; a name that is none of them selects nothing.
using FieldMask = std::vector<std::string>;

enum class Existence : uint8_t { kUnknown, kLiving, kDeleted, kErased };

// What the rules need to know of one contact. Only Evolve builds it.
struct Contact {
  // kUnknown until ContactCreated; then the profile has a kind. kErased for good: nothing that
  // could identify the person is left, and no event changes it any more.
  Existence existence = Existence::kUnknown;
  Profile profile;
  // Set at birth, then immutable.
  std::optional<ExternalKey> external_key;
  bool operator==(const Contact&) const = default;
};

// Why what hangs on a contact takes no more changes: CONTACT_DELETED, CONTACT_ERASED. OK for the
// living, and for those that are not known yet.
absl::Status RefuseIfGone(Existence existence);

// A kind that is not specified is taken as a person.
struct CreateContact {
  Profile profile;
  std::optional<ExternalKey> external_key;
};

// The fields of `mask` become those of `profile`.
struct UpdateContact {
  Profile profile;
  FieldMask mask;
};

struct DeleteContact {};

// CreateContact where the contact is unknown, UpdateContact where it lives.
struct UpsertContact {
  Profile profile;
  FieldMask mask;
  std::optional<ExternalKey> external_key;
  // Ids of custom fields that a contact is born with: INVALID_ARGUMENT where it lacks one.
  std::vector<std::string> required_fields{};
};

// What is wrong with a birth without a value of each of these fields; empty: nothing.
std::string MissingAtBirth(const Profile& profile, const std::vector<std::string>& required_fields);
inline constexpr std::string_view kCustomFieldsPath = "contact.custom_fields";

// The erasure law: folding a history without its personal parts and then SubjectErased gives the
// same state as folding the whole history and then SubjectErased. So nothing beside `personal` in
// an event, and no existence, depends on personal content.
struct ContactDecider {
  using State = Contact;
  using Event = v1::ContactEvent;
  using Events = absl::InlinedVector<Event, 1>;

  static State Evolve(State contact, const Event& event);

  //             unknown            living            deleted            erased
  //   Create    created            CONTACT_EXISTS    CONTACT_EXISTS     CONTACT_ERASED
  //   Update    CONTACT_NOT_FOUND  changed fields    CONTACT_DELETED    CONTACT_ERASED
  //   Delete    CONTACT_NOT_FOUND  deleted           nothing            CONTACT_ERASED
  //   Upsert    created            changed fields    CONTACT_DELETED    CONTACT_ERASED
  static absl::StatusOr<Events> Decide(const State& contact, const CreateContact& command);
  static absl::StatusOr<Events> Decide(const State& contact, const UpdateContact& command);
  static absl::StatusOr<Events> Decide(const State& contact, const DeleteContact& command);
  static absl::StatusOr<Events> Decide(const State& contact, const UpsertContact& command);
};

}  // namespace crm::contact
