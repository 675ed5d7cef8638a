#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "common/base/ids.h"
#include "crm/contact/v1/contact_events.pb.h"
#include "services/contact/domain/observations.h"
#include "services/contact/domain/profile.h"
#include "services/contact/domain/survivorship.h"

namespace crm::contact {

// Reasons of refusals.
inline constexpr std::string_view kContactNotFound = "CONTACT_NOT_FOUND";
inline constexpr std::string_view kContactExists = "CONTACT_EXISTS";
inline constexpr std::string_view kContactDeleted = "CONTACT_DELETED";
inline constexpr std::string_view kContactErased = "CONTACT_ERASED";
inline constexpr std::string_view kContactPurged = "CONTACT_PURGED";
inline constexpr std::string_view kContactNotDeleted = "CONTACT_NOT_DELETED";
inline constexpr std::string_view kExternalKeyTaken = "EXTERNAL_KEY_TAKEN";
inline constexpr std::string_view kExternalKeysFull = "EXTERNAL_KEYS_FULL";

// kMoved: an alias, born from a key that was linked to another contact.
enum class Existence : uint8_t { kUnknown, kLiving, kDeleted, kErased, kPurged, kMoved };

// What the rules need to know of one contact. Only Evolve builds it.
struct Contact {
  // kUnknown until ContactCreated; then the profile has a kind. kErased for good: nothing that
  // could identify the person is left, and no event changes it any more. kPurged may be born anew.
  Existence existence = Existence::kUnknown;
  Profile profile;
  // Set at birth, then immutable; of an alias the key that was linked.
  std::optional<ExternalKey> external_key;
  std::vector<ExternalKey> linked_keys;
  // Of the living and the deleted.
  Observations observations;
  // When it was deleted, purged or erased; 0 where it was not.
  TimeNs end_time = 0;
  // Name of the contact that an alias leads to.
  std::string moved_to;
  bool operator==(const Contact&) const = default;
};

// Further keys that a contact can have.
inline constexpr size_t kMaxLinkedKeys = 200;

// FAILED_PRECONDITION MOVED, with the contact's name in the metadata `contact`: all that concerns
// this name belongs there.
absl::Status Moved(const std::string& contact);

// Why what hangs on a contact takes no more changes: CONTACT_DELETED, CONTACT_ERASED. OK for the
// living, and for those that are not known yet or no longer.
absl::Status RefuseIfGone(Existence existence);

// Where and when values were observed.
struct Observed {
  // Empty: that of the command's external key; without one, entered directly.
  std::string source;
  // Nothing: now, and then the values are taken whatever the rule says.
  std::optional<TimeNs> time;
  // The tenant's rule; null = the default one: only the time counts.
  std::shared_ptr<const Survivorship> rule;
};

// A kind that is not specified is taken as a person. `mask` are the fields the source said
// something of, for observations with a time.
struct CreateContact {
  Profile profile;
  std::optional<ExternalKey> external_key;
  Observed observed{};
  FieldMask mask{};
};

enum class IfMissing : uint8_t { kRefuse, kAllow };

// The fields of `mask` become those of `profile`, as far as the rule takes them. With a time,
// "custom_fields" means those that the profile has, else all.
struct UpdateContact {
  Profile profile;
  FieldMask mask;
  Observed observed{};
  // Allowed: the contact is created where it is not known.
  IfMissing missing = IfMissing::kRefuse;
  // As UpsertContact's.
  std::vector<std::string> required_fields{};
};

struct DeleteContact {
  // Allowed: one that is not known is as good as deleted.
  IfMissing missing = IfMissing::kRefuse;
};

struct UndeleteContact {};
struct PurgeContact {};

// CreateContact where the contact is unknown, UpdateContact where it lives. With a time, of the
// whole profile those of `mask` alone are taken at birth too, and a default language.
struct UpsertContact {
  Profile profile;
  FieldMask mask;
  std::optional<ExternalKey> external_key;
  Observed observed{};
  // Ids of custom fields that a contact is born with: INVALID_ARGUMENT where it lacks one.
  std::vector<std::string> required_fields{};
};

// What is wrong with a birth without a value of each of these fields; empty: nothing.
std::string MissingAtBirth(const Profile& profile, const std::vector<std::string>& required_fields);
inline constexpr std::string_view kCustomFieldsPath = "contact.custom_fields";

// The stream of `key` becomes an alias of the contact.
struct RecordAlias {
  std::string contact;
  ExternalKey key;
};

// The contact gains the key whose stream became its alias.
struct LinkKey {
  ExternalKey key;
};

// The erasure law: folding a history without its personal parts and then SubjectErased gives the
// same state as folding the whole history and then SubjectErased. So nothing beside `personal` in
// an event, and no existence, depends on personal content.
//
// The golden record: per field the value with the greatest (rank of its source by the rule, time of
// the observation, source, bytes of the value) is shown, so that observations with times lead to
// the same contact in any order, and a repeat of them records nothing.
struct ContactDecider {
  using State = Contact;
  using Event = v1::ContactEvent;
  using Events = absl::InlinedVector<Event, 1>;

  static State Evolve(
      State contact, const Event& event,
      const common::v1::EventMetadata& metadata = common::v1::EventMetadata::default_instance());

  //             unknown, purged    living            deleted            erased
  //   Create    created            CONTACT_EXISTS    CONTACT_EXISTS     CONTACT_ERASED
  //   Update    CONTACT_NOT_FOUND  changed fields    CONTACT_DELETED    CONTACT_ERASED
  //   Delete    CONTACT_NOT_FOUND  deleted           nothing            CONTACT_ERASED
  //   Upsert    created            changed fields    CONTACT_DELETED    CONTACT_ERASED
  //   Undelete  CONTACT_NOT_FOUND  nothing           undeleted          CONTACT_ERASED
  //   Purge     nothing            CONTACT_NOT_DEL.  purged             nothing
  //   Alias     alias recorded     EXTERNAL_KEY_TAKEN, twice            CONTACT_ERASED
  //   LinkKey   CONTACT_NOT_FOUND  key linked        key linked         CONTACT_ERASED
  //
  // Undelete of the purged is CONTACT_PURGED. An alias answers MOVED; Purge of one is nothing, and
  // so is Alias to the same contact, to another one EXTERNAL_KEY_TAKEN.
  static absl::StatusOr<Events> Decide(const State& contact, const CreateContact& command);
  static absl::StatusOr<Events> Decide(const State& contact, const UpdateContact& command);
  static absl::StatusOr<Events> Decide(const State& contact, const DeleteContact& command);
  static absl::StatusOr<Events> Decide(const State& contact, const UpsertContact& command);
  static absl::StatusOr<Events> Decide(const State& contact, const UndeleteContact& command);
  static absl::StatusOr<Events> Decide(const State& contact, const PurgeContact& command);
  static absl::StatusOr<Events> Decide(const State& contact, const RecordAlias& command);
  static absl::StatusOr<Events> Decide(const State& contact, const LinkKey& command);
};

}  // namespace crm::contact
