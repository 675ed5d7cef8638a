// Writes the golden log of crm.contact.events to stdout:
//
//   make_contact_events > tests/golden/contact_events.txt
//
// What is there stays as it is: cases are added at the end of WriteCases, so that the file only
// grows. A changed line would mean that events recorded long ago are written, and so read, another
// way.

#include <google/protobuf/util/json_util.h>

#include <array>
#include <cstdio>
#include <functional>
#include <memory>

#include "common/base/check.h"
#include "common/base/hash.h"
#include "common/base/timestamp.h"
#include "crm/common/v1/log_control.pb.h"
#include "crm/contact/v1/contact_events.pb.h"
#include "tests/golden/golden_file.h"
#include "tests/support/contact_log.h"

namespace crm::testing {
namespace {

using contact::v1::Contact;
using contact::v1::ContactPersonal;
using contact::v1::ContactRecord;

// Number of a field, or of an event type, of a later writer; never given to one of ours.
constexpr int kLaterField = 1900;

class Writer {
 public:
  void Own(const std::string& what, Partition partition) {
    Lane& lane = lanes_[static_cast<size_t>(partition)];
    common::v1::LogControl control;
    control.mutable_own()->set_attempt("attempt at " + std::to_string(lane.next));
    control.mutable_own()->set_owner("golden");
    control.mutable_own()->set_log_id("golden");
    lane.fence = lane.next;
    lane.seq = 0;
    Record record;
    record.kind = RecordKind::kOwn;
    record.value = control.SerializeAsString();
    Write({what, partition, std::move(record), "-", ""});
  }

  // The event as its owner records it.
  void Event(const std::string& what, const ContactRecord& message, bool last = true) {
    std::string json;
    google::protobuf::util::JsonPrintOptions options;
    options.preserve_proto_field_names = true;
    ContactRecord shown = message;
    const auto event =
        ContactSchema().Encode(std::make_unique<ContactRecord>(message), ContactSource().sealer);
    CRM_CHECK(event.ok());
    *shown.mutable_metadata() = *event->metadata;
    CRM_CHECK(google::protobuf::util::MessageToJsonString(shown, &json, options).ok());
    Put(what, message, event->value, last, json, event->payload_hmac);
  }
  // A value that no reader of today decodes.
  void Unreadable(const std::string& what, const ContactRecord& message, std::string value) {
    Put(what, message, std::move(value), true, "-", "");
  }
  // An event of another owner's, too late.
  void Void(const std::string& what, const ContactRecord& message) {
    const auto event =
        ContactSchema().Encode(std::make_unique<ContactRecord>(message), ContactSource().sealer);
    Record record;
    record.key = KeyOf(message);
    record.fence = 0;
    record.seq = 1;
    record.last = true;
    record.value = event->value;
    const Partition partition = PartitionOf(record.key);
    Write({what, partition, std::move(record), "-", ""});
  }

  static std::string KeyOf(const ContactRecord& message) {
    return message.metadata().tenant() + "/" +
           std::string(SubjectOf(message.metadata().aggregate()));
  }

 private:
  struct Lane {
    // The genesis record is at 0.
    Offset next = 1;
    Offset fence = kNoOffset;
    int64_t seq = 0;
  };

  void Put(const std::string& what, const ContactRecord& message, std::string value, bool last,
           const std::string& json, const std::string& hmac) {
    Record record;
    record.key = KeyOf(message);
    const Partition partition = PartitionOf(record.key);
    Lane& lane = lanes_[static_cast<size_t>(partition)];
    if (lane.fence == kNoOffset) Own("The first owner of a partition", partition);
    record.fence = lane.fence;
    record.seq = ++lane.seq;
    record.last = last;
    record.value = std::move(value);
    Write({what, partition, std::move(record), json, hmac});
  }

  void Write(const GoldenRecord& golden) {
    ++lanes_[static_cast<size_t>(golden.partition)].next;
    std::fputs(ToText(golden).c_str(), stdout);
  }

  std::array<Lane, kPartitions> lanes_;
};

// A record of the `version`th event of contacts/<id>, which may go on ("c1/consents"), without an
// event.
ContactRecord RecordOf(const std::string& id, int64_t version, const std::string& tenant) {
  static int64_t recorded = 0;
  ContactRecord record;
  auto* metadata = record.mutable_metadata();
  metadata->set_tenant(tenant);
  metadata->set_aggregate("contacts/" + id);
  metadata->set_aggregate_version(version);
  SetTimestamp(1'700'000'000 * kSecond + ++recorded * kMillisecond,
               metadata->mutable_recorded_time());
  return record;
}

ContactRecord Of(const std::string& id, int64_t version, const std::string& tenant = "default") {
  ContactRecord record = RecordOf(id, version, tenant);
  record.mutable_metadata()->set_request_id("request-" + id + "-" + std::to_string(version));
  record.mutable_metadata()->set_payload_hmac("hmac of " + id + " " + std::to_string(version));
  return record;
}

void SetFullMetadata(common::v1::EventMetadata* metadata) {
  metadata->set_schema_version(1);
  metadata->set_causation_id("cause");
  metadata->set_correlation_id("correlation");
  metadata->mutable_actor()->set_principal("employees/e1");
  metadata->mutable_actor()->set_kind(common::v1::Actor::EMPLOYEE);
  metadata->mutable_actor()->set_team("service");
  metadata->mutable_actor()->set_department("sales");
  metadata->mutable_actor()->set_on_behalf_of("employees/e2");
  SetTimestamp(1'600'000'000 * kSecond, metadata->mutable_occurred_time());
  SetTimestamp(1'500'000'000 * kSecond, metadata->mutable_valid()->mutable_start());
  SetTimestamp(1'800'000'000 * kSecond + 1, metadata->mutable_valid()->mutable_end());
  metadata->set_batch_id("batch-1");
  metadata->mutable_source()->set_topic("crm.interaction.events");
  metadata->mutable_source()->set_partition(3);
  metadata->mutable_source()->set_offset(1234567890123);
  metadata->set_settings_version(7);
  metadata->set_traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
}

void SetFullPersonal(ContactPersonal* personal) {
  personal->set_display_name("Zoë Müller-Åström");
  personal->set_given_name("Zoë");
  personal->set_family_name("Müller-Åström");
  personal->add_emails("zoe@example.com");
  personal->add_emails("z.mueller@example.org");
  personal->add_phones("+41446681800");
  personal->add_phones("+14155552671");
  auto* home = personal->add_addresses();
  home->add_lines("Bahnhofstrasse 1");
  home->add_lines("c/o Åström");
  home->set_locality("Zürich");
  home->set_administrative_area("ZH");
  home->set_postal_code("8001");
  home->set_region_code("CH");
  home->set_label("home");
  personal->add_addresses()->set_label("work");
  personal->mutable_external_key()->set_source("complete-journey");
  personal->mutable_external_key()->set_key("household-1");
  personal->add_tags("age:45-54");
  personal->add_tags("owner");
}

ContactRecord Created(ContactRecord record, const std::string& display_name) {
  auto* created = record.mutable_contact()->mutable_created();
  created->set_kind(Contact::PERSON);
  created->mutable_plain()->set_display_name(display_name);
  return record;
}

void AddLaterField(google::protobuf::Message* message) {
  message->GetReflection()->MutableUnknownFields(message)->AddLengthDelimited(kLaterField, "later");
}

void WriteProfiles(Writer& writer) {
  ContactRecord minimal = RecordOf("minimal", 1, "default");
  minimal.mutable_contact()->mutable_created();
  writer.Event("Created with nothing but what the core needs", minimal);

  ContactRecord full = Of("full", 1);
  SetFullMetadata(full.mutable_metadata());
  auto* created = full.mutable_contact()->mutable_created();
  SetFullPersonal(created->mutable_plain());
  created->set_kind(Contact::PERSON);
  created->set_language_code("de-CH");
  created->set_region_code("CH");
  created->set_time_zone("Europe/Zurich");
  writer.Event("Created with every field", full);

  ContactRecord organization = Created(Of("organization", 1), "李記 Imports, Ltd.");
  organization.mutable_contact()->mutable_created()->set_kind(Contact::ORGANIZATION);
  writer.Event("An organisation", organization);
  writer.Event("The same id under another tenant", Created(Of("full", 1, "acme"), "Ada"));
}

void WriteChanges(Writer& writer) {
  ContactRecord renamed = Of("full", 2);
  auto* changed = renamed.mutable_contact()->mutable_profile_changed();
  changed->add_changed_fields("display_name");
  changed->mutable_plain()->set_display_name("Zoë Åström");
  writer.Event("One personal field changed", renamed);

  ContactRecord moved = Of("full", 3);
  changed = moved.mutable_contact()->mutable_profile_changed();
  changed->add_changed_fields("region_code");
  changed->set_region_code("SE");
  writer.Event("Nothing personal changed", moved);

  ContactRecord cleared = Of("full", 4);
  changed = cleared.mutable_contact()->mutable_profile_changed();
  for (const char* field : {"emails", "addresses", "time_zone"}) changed->add_changed_fields(field);
  changed->mutable_plain();
  writer.Event("Fields cleared", cleared);

  ContactRecord all = Of("full", 5);
  changed = all.mutable_contact()->mutable_profile_changed();
  SetFullPersonal(changed->mutable_plain());
  changed->mutable_plain()->clear_external_key();
  changed->set_kind(Contact::ORGANIZATION);
  changed->set_language_code("sv");
  changed->set_region_code("SE");
  changed->set_time_zone("Europe/Stockholm");
  for (const char* field : {"kind", "display_name", "given_name", "family_name", "emails", "phones",
                            "addresses", "language_code", "region_code", "time_zone", "tags"}) {
    changed->add_changed_fields(field);
  }
  writer.Event("Every field changed", all);

  writer.Event("First of a command of two events", Created(Of("twice", 1), "Bea"), false);
  ContactRecord second = Of("twice", 2);
  changed = second.mutable_contact()->mutable_profile_changed();
  changed->add_changed_fields("display_name");
  changed->mutable_plain()->set_display_name("Beatrice");
  writer.Event("Second of the command", second);
}

void WriteEnds(Writer& writer) {
  writer.Event("Created, to be deleted", Created(Of("deleted", 1), "Cleo"));
  ContactRecord deleted = Of("deleted", 2);
  deleted.mutable_contact()->mutable_deleted();
  writer.Event("Deleted", deleted);

  ContactRecord to_erase = Of("erased", 1);
  SetFullPersonal(to_erase.mutable_contact()->mutable_created()->mutable_plain());
  to_erase.mutable_contact()->mutable_created()->set_language_code("fr");
  writer.Event("Created, to be erased", to_erase);
  ContactRecord erased = Of("erased", 2);
  erased.mutable_contact()->mutable_erased()->set_reason("requested");
  writer.Event("Erased", erased);

  ContactRecord shredded = Of("shredded", 1);
  shredded.mutable_contact()->mutable_created()->set_kind(Contact::PERSON);
  writer.Event("Created, its personal part gone", shredded);
}

void WriteStrangers(Writer& writer) {
  ContactRecord later = Created(Of("later", 1), "Dora");
  AddLaterField(&later);
  AddLaterField(later.mutable_metadata());
  AddLaterField(later.mutable_contact()->mutable_created());
  AddLaterField(later.mutable_contact()->mutable_created()->mutable_plain());
  writer.Event("Fields that only a later version knows", later);

  ContactRecord unknown = Of("unknown", 2);
  writer.Event("Created, before an event of an unknown type", Created(Of("unknown", 1), "Eve"));
  AddLaterField(unknown.mutable_contact());
  writer.Unreadable("An event of a type that only a later version knows", unknown,
                    unknown.SerializeAsString());
  ContactRecord after = Of("unknown", 3);
  after.mutable_contact()->mutable_deleted();
  writer.Event("What follows is not folded", after);

  writer.Unreadable("No message at all", Created(Of("broken", 1), "Finn"), "\xff not a message");
  ContactRecord clear = Created(Of("clear", 1), "Gus");
  writer.Unreadable("Personal fields that are not sealed", clear, clear.SerializeAsString());
  writer.Event("A version is missing", Created(Of("gap", 2), "Hal"));

  const ContactRecord lost = Created(Of("lost", 1), "Ida");
  const Partition partition = PartitionOf(Writer::KeyOf(lost));
  writer.Own("A second owner", partition);
  writer.Void("Written under no fence", lost);
  writer.Event("The same under the fence in force", lost);
}

contact::v1::ConsentGranted* Grant(ContactRecord& record, const std::string& channel) {
  auto* granted = record.mutable_consent()->mutable_granted();
  granted->mutable_plain();
  granted->set_purpose("marketing");
  granted->set_channel(channel);
  return granted;
}

contact::v1::ConsentWithdrawn* Withdraw(ContactRecord& record, const std::string& channel) {
  auto* withdrawn = record.mutable_consent()->mutable_withdrawn();
  withdrawn->mutable_plain();
  withdrawn->set_purpose("marketing");
  withdrawn->set_channel(channel);
  return withdrawn;
}

void WriteConsents(Writer& writer) {
  ContactRecord bare = Of("consenting/consents", 1);
  Grant(bare, "email");
  writer.Event("A consent of a contact that is not known yet", bare);

  ContactRecord full = Of("consenting/consents", 2);
  auto* granted = Grant(full, "sms");
  granted->set_recipient("partner");
  granted->set_wording_version("2026-01");
  SetTimestamp(1'800'000'000 * kSecond, granted->mutable_expire_time());
  granted->mutable_plain()->set_evidence("form 7 of Zoë");
  writer.Event("A consent with every field", full);

  ContactRecord withdrawn = Of("consenting/consents", 3);
  Withdraw(withdrawn, "sms")->set_recipient("partner");
  withdrawn.mutable_consent()->mutable_withdrawn()->mutable_plain()->set_evidence("call of May");
  writer.Event("The consent withdrawn", withdrawn);

  ContactRecord again = Of("consenting/consents", 4);
  Grant(again, "post");
  writer.Event("Another consent", again);
  ContactRecord all = Of("consenting/consents", 5);
  Withdraw(all, "email");
  writer.Event("A purpose withdrawn: its first channel", all, false);
  all = Of("consenting/consents", 6);
  Withdraw(all, "post");
  writer.Event("A purpose withdrawn: its second channel", all);

  ContactRecord shredded = Of("shredded/consents", 1);
  Grant(shredded, "email");
  shredded.mutable_consent()->mutable_granted()->clear_personal();
  writer.Event("A consent, its evidence gone", shredded);
}

ContactRecord Moved(ContactRecord record, contact::v1::LifecycleStage from,
                    contact::v1::LifecycleStage to) {
  auto* changed = record.mutable_lifecycle()->mutable_stage_changed();
  changed->mutable_plain();
  changed->set_from(from);
  changed->set_to(to);
  return record;
}

void WriteStages(Writer& writer) {
  using contact::v1::LifecycleStage;
  writer.Event("Moved by nobody knows what",
               Moved(Of("staged/lifecycle", 1), contact::v1::SUSPECT, contact::v1::PROSPECT));

  ContactRecord by_order =
      Moved(Of("staged/lifecycle", 2), contact::v1::PROSPECT, contact::v1::FIRST_TIME);
  SetFullMetadata(by_order.mutable_metadata());
  auto* changed = by_order.mutable_lifecycle()->mutable_stage_changed();
  changed->set_reason("order");
  changed->mutable_plain()->set_evidence("contacts/staged/orders/o1");
  writer.Event("Moved by an order", by_order);
  writer.Event("Born after its first order", Created(Of("staged", 1), "Jo"));
  writer.Event(
      "To a stage that only a later version knows",
      Moved(Of("staged/lifecycle", 3), contact::v1::FIRST_TIME, static_cast<LifecycleStage>(99)));

  ContactRecord shredded =
      Moved(Of("shredded/lifecycle", 1), contact::v1::SUSPECT, contact::v1::FIRST_TIME);
  shredded.mutable_lifecycle()->mutable_stage_changed()->clear_personal();
  writer.Event("Moved, its evidence gone", shredded);
}

// One command over all that belongs to a person.
void WriteErasure(Writer& writer) {
  writer.Event("Created, to be forgotten", Created(Of("forgotten", 1), "Kim"));
  ContactRecord consent = Of("forgotten/consents", 1);
  Grant(consent, "email")->mutable_plain()->set_evidence("form 8 of Kim");
  writer.Event("A consent, to be forgotten", consent);
  writer.Event("A move, to be forgotten",
               Moved(Of("forgotten/lifecycle", 1), contact::v1::SUSPECT, contact::v1::PROSPECT));
  ContactRecord erased = Of("forgotten/consents", 2);
  erased.mutable_consent()->mutable_erased()->set_reason("requested");
  writer.Event("Consents erased", erased, false);
  erased = Of("forgotten/lifecycle", 2);
  erased.mutable_lifecycle()->mutable_erased()->set_reason("requested");
  writer.Event("Life cycle erased", erased, false);
  erased = Of("forgotten", 2);
  erased.mutable_contact()->mutable_erased()->set_reason("requested");
  writer.Event("And the contact with them", erased);
}

ContactRecord OfTenant(const std::string& tenant, int64_t version) {
  ContactRecord record = Of("", version, tenant);
  record.mutable_metadata()->set_aggregate("tenants/" + tenant);
  return record;
}

void WriteTenants(Writer& writer) {
  ContactRecord created = OfTenant("acme", 1);
  auto* settings = created.mutable_tenant()->mutable_created()->mutable_settings();
  settings->set_name("tenants/acme");
  settings->set_display_name("Acme");
  settings->set_default_region("CH");
  settings->set_default_language("de-CH");
  settings->set_etag("1");
  SetTimestamp(1'700'000'000 * kSecond, settings->mutable_create_time());
  SetTimestamp(1'700'000'000 * kSecond, settings->mutable_update_time());
  auto* field = settings->add_custom_fields();
  field->set_id("age");
  field->set_title("Age");
  field->set_type(contact::v1::CustomField::CHOICE);
  field->set_required(true);
  field->add_choices("young");
  field->add_choices("old");
  field->set_retired(true);
  auto* rule = settings->mutable_survivorship()->add_rules();
  rule->add_fields("custom_fields.age");
  rule->add_sources("shop");
  rule->add_sources("");
  writer.Event("A tenant with every setting", created);

  ContactRecord changed = OfTenant("acme", 2);
  changed.mutable_tenant()->mutable_settings_changed()->add_changed_fields("default_region");
  changed.mutable_tenant()->mutable_settings_changed()->mutable_settings()->set_default_region(
      "AT");
  writer.Event("One setting changed", changed);
  ContactRecord erased = OfTenant("acme", 3);
  erased.mutable_tenant()->mutable_erased()->set_reason("requested");
  writer.Event("An erasure, which means nothing to a tenant", erased);

  ContactRecord found = OfTenant("default", 1);
  found.mutable_tenant()->mutable_settings_changed()->add_changed_fields("default_language");
  found.mutable_tenant()->mutable_settings_changed()->mutable_settings()->set_default_language(
      "fr");
  writer.Event("First settings of a tenant that was there before", found);
}

void AddCustom(const char* field, const std::function<void(contact::v1::CustomValue*)>& set,
               ContactPersonal* personal) {
  contact::v1::CustomValue* value = personal->add_custom_fields();
  value->set_field(field);
  set(value);
}

// Fields that came with later versions.
void SetLaterPersonal(ContactPersonal* personal) {
  auto* preference = personal->add_preferences();
  preference->set_channel("email");
  preference->set_topic("offers");
  preference->set_attitude(contact::v1::Preference::UNWANTED);
  auto* concern = personal->add_concerns();
  concern->set_topic("privacy");
  concern->set_text("asks who sees the data");
  using Value = contact::v1::CustomValue;
  AddCustom(
      "a_text", [](Value* value) { value->set_text("x"); }, personal);
  AddCustom(
      "b_integer", [](Value* value) { value->set_integer(-7); }, personal);
  AddCustom(
      "c_number", [](Value* value) { value->set_number(0.5); }, personal);
  AddCustom(
      "d_flag", [](Value* value) { value->set_flag(true); }, personal);
  AddCustom(
      "e_date", [](Value* value) { value->set_date("2026-01-31"); }, personal);
  AddCustom(
      "f_choice", [](Value* value) { value->set_choice("gold"); }, personal);
}

// Every field, also those that no command takes.
void SetFullContact(Contact* contact) {
  ContactPersonal personal;
  SetFullPersonal(&personal);
  SetLaterPersonal(&personal);
  contact->set_name("contacts/observed");
  contact->set_kind(Contact::ORGANIZATION);
  contact->set_display_name(personal.display_name());
  contact->set_given_name(personal.given_name());
  contact->set_family_name(personal.family_name());
  *contact->mutable_emails() = personal.emails();
  *contact->mutable_phones() = personal.phones();
  *contact->mutable_addresses() = personal.addresses();
  contact->set_language_code("fr");
  contact->set_region_code("FR");
  contact->set_time_zone("Europe/Paris");
  *contact->mutable_external_key() = personal.external_key();
  *contact->mutable_tags() = personal.tags();
  contact->set_etag("3");
  for (auto* time : {contact->mutable_create_time(), contact->mutable_update_time(),
                     contact->mutable_delete_time(), contact->mutable_erase_time(),
                     contact->mutable_purge_time()}) {
    SetTimestamp(1'600'000'000 * kSecond, time);
  }
  *contact->mutable_preferences() = personal.preferences();
  *contact->mutable_concerns() = personal.concerns();
  *contact->mutable_custom_fields() = personal.custom_fields();
  *contact->add_linked_keys() = personal.external_key();
  auto* observation = contact->add_observations();
  observation->set_source("shop");
  SetTimestamp(1'600'000'000 * kSecond, observation->mutable_observe_time());
  observation->add_fields("tags");
  observation->set_superseded(true);
  contact->set_moved_to("contacts/other");
}

void ObserveAt(int64_t second, ContactRecord* record) {
  SetTimestamp(second * kSecond, record->mutable_metadata()->mutable_occurred_time());
}

void WriteObservations(Writer& writer) {
  ContactRecord born = Created(Of("observed", 1), "Lea");
  ObserveAt(1'500'000'000, &born);
  auto* created = born.mutable_contact()->mutable_created();
  SetLaterPersonal(created->mutable_plain());
  created->set_source("crm");
  created->add_cleared_fields("tags");
  created->add_unobserved_fields("kind");
  writer.Event("Observed in a system", born);

  ContactRecord changed = Of("observed", 2);
  ObserveAt(1'600'000'000, &changed);
  auto* change = changed.mutable_contact()->mutable_profile_changed();
  change->mutable_plain()->add_tags("vip");
  AddCustom(
      "a_text", [](contact::v1::CustomValue* value) { value->set_text("y"); },
      change->mutable_plain());
  change->set_source("shop");
  change->add_changed_fields("tags");
  change->add_changed_fields("custom_fields.a_text");
  change->add_changed_fields("custom_fields.d_flag");
  change->add_confirmed_fields("display_name");
  change->add_superseded_fields("custom_fields.b_integer");
  SetFullContact(change->mutable_plain()->mutable_superseded());
  writer.Event("Observed again: taken, confirmed and superseded", changed);

  ContactRecord lost = Of("observed", 3);
  ObserveAt(1'400'000'000, &lost);
  change = lost.mutable_contact()->mutable_profile_changed();
  change->mutable_plain()->mutable_superseded()->set_display_name("Lea Old");
  change->set_source("archive");
  change->add_superseded_fields("display_name");
  writer.Event("Observed in vain", lost);

  ContactRecord direct = Of("observed", 4);
  change = direct.mutable_contact()->mutable_profile_changed();
  change->mutable_plain()->set_given_name("Lea");
  change->add_changed_fields("given_name");
  writer.Event("Entered directly", direct);
}

void WriteAliases(Writer& writer) {
  ContactRecord alias = Of("alias", 1);
  auto* recorded = alias.mutable_contact()->mutable_alias_recorded();
  recorded->set_contact("contacts/observed");
  recorded->mutable_plain()->mutable_external_key()->set_source("billing");
  recorded->mutable_plain()->mutable_external_key()->set_key("17");
  writer.Event("A key becomes an alias", alias);
  ContactRecord linked = Of("observed", 5);
  *linked.mutable_contact()->mutable_key_linked()->mutable_plain()->mutable_external_key() =
      recorded->plain().external_key();
  writer.Event("And its contact lists it", linked);
}

void WriteReturns(Writer& writer) {
  ContactRecord deleted = Of("observed", 6);
  deleted.mutable_contact()->mutable_deleted();
  writer.Event("Deleted, to be taken back", deleted);
  ContactRecord undeleted = Of("observed", 7);
  undeleted.mutable_contact()->mutable_undeleted();
  writer.Event("Undeleted", undeleted);

  writer.Event("Created, to be purged", Created(Of("purged", 1), "Max"));
  deleted = Of("purged", 2);
  deleted.mutable_contact()->mutable_deleted();
  writer.Event("Deleted, to be purged", deleted);
  ContactRecord purged = Of("purged", 3);
  purged.mutable_contact()->mutable_purged();
  writer.Event("Purged", purged);
  writer.Event("Created, to be purged and born again", Created(Of("reborn", 1), "Mia"));
  deleted = Of("reborn", 2);
  deleted.mutable_contact()->mutable_deleted();
  writer.Event("Deleted, to be born again", deleted);
  purged = Of("reborn", 3);
  purged.mutable_contact()->mutable_purged();
  writer.Event("Purged, to be born again", purged);
  writer.Event("Born again", Created(Of("reborn", 4), "Mia II"));
}

void WriteQuality(Writer& writer) {
  ContactRecord opened = Of("doubted/quality", 1);
  auto* issue = opened.mutable_quality()->mutable_opened();
  issue->mutable_plain()->set_note("bounces since May");
  issue->set_issue("invalid-emails");
  issue->set_kind(contact::v1::QualityIssue::INVALID);
  issue->set_field("emails");
  writer.Event("A doubt, before the contact is known", opened);
  writer.Event("The contact in doubt", Created(Of("doubted", 1), "Pat"));
  ContactRecord resolved = Of("doubted/quality", 2);
  resolved.mutable_quality()->mutable_resolved()->mutable_plain()->set_note("asked Pat");
  resolved.mutable_quality()->mutable_resolved()->set_issue("invalid-emails");
  writer.Event("The doubt cleared up", resolved);
  opened.mutable_metadata()->CopyFrom(Of("doubted/quality", 3).metadata());
  writer.Event("And there again", opened);
  ContactRecord erased = Of("forgotten-too/quality", 1);
  erased.mutable_quality()->mutable_erased()->set_reason("requested");
  writer.Event("Doubts erased", erased);
}

ContactRecord OfRun(const std::string& id, int64_t version) {
  ContactRecord record = Of("", version);
  record.mutable_metadata()->set_aggregate("operations/" + id);
  return record;
}

void WritePurges(Writer& writer) {
  for (const std::string run : {"run", "cancelled-run"}) {
    ContactRecord requested = OfRun(run, 1);
    SetTimestamp(1'600'000'000 * kSecond,
                 requested.mutable_purge()->mutable_requested()->mutable_deleted_before());
    requested.mutable_purge()->mutable_requested()->set_force(run == "run");
    writer.Event("A purge requested", requested);
    ContactRecord done = OfRun(run, 2);
    done.mutable_purge()->mutable_partition_done()->set_partition(3);
    done.mutable_purge()->mutable_partition_done()->set_contacts(7);
    writer.Event("One of its partitions is done", done);
  }
  ContactRecord cancelled = OfRun("cancelled-run", 3);
  cancelled.mutable_purge()->mutable_cancelled();
  writer.Event("A purge cancelled", cancelled);
  ContactRecord erased = OfRun("run", 3);
  erased.mutable_purge()->mutable_erased()->set_reason("requested");
  writer.Event("A purge erased, which nothing records", erased);
}

void WriteCases() {
  Writer writer;
  WriteProfiles(writer);
  WriteChanges(writer);
  WriteEnds(writer);
  WriteStrangers(writer);
  WriteConsents(writer);
  WriteStages(writer);
  WriteErasure(writer);
  WriteTenants(writer);
  WriteObservations(writer);
  WriteAliases(writer);
  WriteReturns(writer);
  WriteQuality(writer);
  WritePurges(writer);
}

}  // namespace
}  // namespace crm::testing

int main() {
  crm::testing::WriteCases();
}
