#include "tools/crmctl/contact_commands.h"

#include <fmt/format.h>
#include <google/protobuf/util/time_util.h>

#include "common/base/status.h"
#include "crm/contact/v1/contact_service.pb.h"
#include "tools/crmctl/exit_code.h"
#include "tools/crmctl/table.h"

namespace crm::crmctl {
namespace {

using contact::v1::Contact;
using contact::v1::ContactRevision;

std::string Method(const char* name) {
  return std::string("/crm.contact.v1.ContactService/") + name;
}

std::string Joined(const google::protobuf::RepeatedPtrField<std::string>& values) {
  return fmt::format("{}", fmt::join(values, ", "));
}

// The name people would call the contact by; households have none.
std::string DisplayName(const Contact& contact) {
  if (!contact.display_name().empty()) return contact.display_name();
  const bool both = !contact.given_name().empty() && !contact.family_name().empty();
  return contact.given_name() + (both ? " " : "") + contact.family_name();
}

std::string KeyText(const Contact& contact) {
  if (!contact.has_external_key()) return "";
  return contact.external_key().source() + "/" + contact.external_key().key();
}

std::string AddressText(const contact::v1::PostalAddress& address) {
  std::string text = Joined(address.lines());
  for (const std::string* part : {&address.postal_code(), &address.locality(),
                                  &address.administrative_area(), &address.region_code()}) {
    if (!part->empty()) text += (text.empty() ? "" : ", ") + *part;
  }
  return address.label().empty() ? text : text + " (" + address.label() + ")";
}

std::string KindText(const Contact& contact) {
  if (contact.kind() == Contact::ORGANIZATION) return "organization";
  return contact.kind() == Contact::PERSON ? "person" : "";
}

std::string ValueText(const contact::v1::CustomValue& value) {
  using Case = contact::v1::CustomValue::ValueCase;
  switch (value.value_case()) {
    case Case::kText:
      return value.text();
    case Case::kInteger:
      return std::to_string(value.integer());
    case Case::kNumber:
      return fmt::format("{}", value.number());
    case Case::kFlag:
      return value.flag() ? "yes" : "no";
    case Case::kDate:
      return value.date();
    case Case::kChoice:
      return value.choice();
    case Case::VALUE_NOT_SET:
      break;
  }
  return "";
}

void PrintContact(const Console& console, const Contact& contact) {
  if (console.json) return console.PrintJson(contact);
  Table table({{"FIELD"}, {"VALUE"}});
  const auto add = [&table](const char* field, const std::string& value) {
    if (!value.empty() && value != "-") table.Add({field, value});
  };
  add("name", contact.name());
  add("kind", KindText(contact));
  add("external key", KeyText(contact));
  add("display name", contact.display_name());
  add("given name", contact.given_name());
  add("family name", contact.family_name());
  for (const std::string& email : contact.emails()) add("e-mail", email);
  for (const std::string& phone : contact.phones()) add("phone", phone);
  for (const auto& address : contact.addresses()) add("address", AddressText(address));
  add("language", contact.language_code());
  add("region", contact.region_code());
  add("time zone", contact.time_zone());
  for (const std::string& tag : contact.tags()) add("tag", tag);
  for (const auto& value : contact.custom_fields()) add(value.field().c_str(), ValueText(value));
  add("etag", contact.etag());
  add("created", TimeText(contact, "create_time"));
  add("updated", TimeText(contact, "update_time"));
  add("deleted", TimeText(contact, "delete_time"));
  add("erased", TimeText(contact, "erase_time"));
  console.out << table.ToString();
}

absl::Status NoContactWithKey() {
  return Error(absl::StatusCode::kNotFound, "CONTACT_NOT_FOUND",
               "there is no contact with this external key; check SOURCE/KEY and --tenant");
}

std::string ActorText(const common::v1::Actor& actor) {
  if (actor.principal().empty()) return "-";
  if (actor.on_behalf_of().empty()) return actor.principal();
  return actor.principal() + " for " + actor.on_behalf_of();
}

void AddRevision(const ContactRevision& revision, Table* table) {
  table->Add({std::to_string(revision.version()), TimeText(revision, "recorded_time"),
              revision.event_type(), ActorText(revision.actor()), Joined(revision.changed_fields()),
              revision.request_id().empty() ? "-" : revision.request_id()});
}

}  // namespace

absl::StatusOr<contact::v1::ExternalKey> ParseKey(const std::string& text) {
  const size_t slash = text.find('/');
  if (slash == 0 || slash == std::string::npos || slash + 1 == text.size()) {
    return Error(absl::StatusCode::kInvalidArgument, "KEY_MALFORMED",
                 "--key takes SOURCE/KEY, e.g. complete-journey/1023");
  }
  contact::v1::ExternalKey key;
  key.set_source(text.substr(0, slash));
  key.set_key(text.substr(slash + 1));
  return key;
}

// Names derive from a secret of the server's: it is asked what an upsert would do, which records
// nothing.
absl::StatusOr<std::string> NameOfContact(RpcClient& client, const ContactChoice& choice) {
  if (!choice.name.empty()) return choice.name;
  contact::v1::UpsertContactRequest request;
  CRM_ASSIGN_OR_RETURN(*request.mutable_contact()->mutable_external_key(), ParseKey(choice.key));
  request.set_validate_only(true);
  contact::v1::UpsertContactResponse response;
  CRM_RETURN_IF_ERROR(client.Call(Method("UpsertContact"), request, &response));
  if (response.outcome() == contact::v1::UpsertContactResponse::CREATED) return NoContactWithKey();
  return response.contact().name();
}

common::v1::AsOf ParseAsOf(const std::string& text) {
  common::v1::AsOf as_of;
  google::protobuf::Timestamp time;
  if (google::protobuf::util::TimeUtil::FromString(text, &time)) {
    *as_of.mutable_time() = time;
  } else {
    as_of.set_position(text);
  }
  return as_of;
}

absl::Status GetContact(RpcClient& client, Console& console, const GetArguments& arguments) {
  contact::v1::GetContactRequest request;
  CRM_ASSIGN_OR_RETURN(*request.mutable_name(), NameOfContact(client, arguments.contact));
  if (!arguments.as_of.empty()) *request.mutable_as_of() = ParseAsOf(arguments.as_of);
  Contact contact;
  CRM_RETURN_IF_ERROR(client.Call(Method("GetContact"), request, &contact));
  PrintContact(console, contact);
  return absl::OkStatus();
}

// A page at a time, so that memory holds one.
void PrintPage(Console& console, const google::protobuf::RepeatedPtrField<Contact>& contacts) {
  Table table({{"NAME"}, {"KIND"}, {"DISPLAY NAME"}, {"EXTERNAL KEY"}, {"TAGS"}});
  for (const Contact& contact : contacts) {
    if (console.json) {
      console.PrintJson(contact);
    } else {
      table.Add({contact.name(), KindText(contact), DisplayName(contact), KeyText(contact),
                 Joined(contact.tags())});
    }
  }
  if (!table.empty()) console.out << table.ToString();
}

std::string CountText(int64_t count) {
  return fmt::format("{} contact{}", WithThousands(count), count == 1 ? "" : "s");
}

absl::Status ListContacts(RpcClient& client, Console& console, const ListArguments& arguments) {
  contact::v1::ListContactsRequest request;
  request.set_order_by(arguments.order_by);
  request.set_filter(arguments.filter);
  request.set_view(console.json ? contact::v1::FULL : contact::v1::BASIC);
  request.set_page_size(arguments.page_size);
  if (arguments.all && arguments.page_size == 0) request.set_page_size(1000);
  request.set_page_token(arguments.page_token);
  request.set_show_deleted(arguments.show_deleted);
  contact::v1::ListContactsResponse response;
  int64_t count = 0;
  do {
    CRM_RETURN_IF_ERROR(client.Call(Method("ListContacts"), request, &response));
    PrintPage(console, response.contacts());
    count += response.contacts_size();
    request.set_page_token(response.next_page_token());
  } while (arguments.all && !response.next_page_token().empty());
  console.err << CountText(count);
  if (!response.next_page_token().empty()) {
    console.err << "; there are more: --all, or --page-token " << response.next_page_token();
  }
  console.err << '\n';
  return absl::OkStatus();
}

absl::Status SearchContacts(RpcClient& client, Console& console, const std::string& prefix) {
  contact::v1::SearchContactsRequest request;
  request.set_prefix(prefix);
  request.set_page_size(1000);
  request.set_view(console.json ? contact::v1::FULL : contact::v1::BASIC);
  contact::v1::SearchContactsResponse response;
  int64_t count = 0;
  do {
    CRM_RETURN_IF_ERROR(client.Call(Method("SearchContacts"), request, &response));
    PrintPage(console, response.contacts());
    count += response.contacts_size();
    request.set_page_token(response.next_page_token());
  } while (!response.next_page_token().empty());
  console.err << CountText(count) << '\n';
  return absl::OkStatus();
}

absl::Status ContactHistory(RpcClient& client, Console& console, const ContactChoice& contact) {
  contact::v1::ListContactRevisionsRequest request;
  CRM_ASSIGN_OR_RETURN(*request.mutable_name(), NameOfContact(client, contact));
  request.set_page_size(1000);
  contact::v1::ListContactRevisionsResponse response;
  Table table({{"VERSION", Table::Align::kRight},
               {"RECORDED"},
               {"EVENT"},
               {"ACTOR"},
               {"CHANGED FIELDS"},
               {"REQUEST ID"}});
  do {
    CRM_RETURN_IF_ERROR(client.Call(Method("ListContactRevisions"), request, &response));
    for (const ContactRevision& revision : response.revisions()) {
      if (console.json) {
        console.PrintJson(revision);
      } else {
        AddRevision(revision, &table);
      }
    }
    request.set_page_token(response.next_page_token());
  } while (!response.next_page_token().empty());
  if (!console.json) console.out << table.ToString();
  return absl::OkStatus();
}

}  // namespace crm::crmctl
