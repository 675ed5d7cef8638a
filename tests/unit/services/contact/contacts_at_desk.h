#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "tests/unit/services/contact/desk.h"

namespace crm::contact::testing {

// A desk with contacts, by a number each.
class Contacts {
 public:
  explicit Contacts(const ContactOptions& options = {}) : desk(options) {}

  // The tenant's own fields.
  void Declare(const std::vector<FieldDeclaration>& fields) {
    v1::CreateTenantRequest request;
    for (const FieldDeclaration& field : fields) {
      auto* declared = request.mutable_tenant()->add_custom_fields();
      declared->set_id(field.id);
      declared->set_type(field.type);
      for (const auto& choice : field.choices) declared->add_choices(choice);
    }
    EXPECT_TRUE(desk.Execute("CreateTenant", request).ok());
  }

  // Creates or changes; answers the contact's name.
  std::string Put(int number, const v1::Contact& content) {
    v1::UpsertContactRequest request;
    *request.mutable_contact() = content;
    auto* key = request.mutable_contact()->mutable_external_key();
    key->set_source(number % 3 == 0 ? "crm" : "shop");
    key->set_key(std::to_string(number));
    request.mutable_update_mask()->add_paths("*");
    const auto bytes = desk.Execute("UpsertContact", request);
    EXPECT_TRUE(bytes.ok()) << bytes.status();
    v1::UpsertContactResponse response;
    EXPECT_TRUE(response.ParseFromString(bytes.value_or("")));
    names[number] = response.contact().name();
    return response.contact().name();
  }
  std::string Put(int number, const std::string& display_name) {
    v1::Contact contact;
    contact.set_display_name(display_name);
    return Put(number, contact);
  }
  void Delete(int number) {
    v1::DeleteContactRequest request;
    request.set_name(names.at(number));
    EXPECT_TRUE(desk.Execute("DeleteContact", request).ok());
    names.erase(number);
  }
  void Erase(int number) {
    desk.Erase(names.at(number));
    names.erase(number);
  }

  std::vector<v1::Contact> Living() {
    std::vector<v1::Contact> living;
    for (const auto& [number, name] : names) {
      v1::Contact contact;
      EXPECT_TRUE(contact.ParseFromString(*desk.Get(name)));
      living.push_back(std::move(contact));
    }
    return living;
  }

  template <typename Response, typename Request>
  absl::StatusOr<Response> Ask(std::string_view method, const Request& request) {
    CRM_ASSIGN_OR_RETURN(const std::string bytes, desk.Ask(method, request));
    Response response;
    EXPECT_TRUE(response.ParseFromString(bytes));
    return response;
  }
  absl::StatusOr<v1::SearchContactsResponse> Search(const v1::SearchContactsRequest& request) {
    return Ask<v1::SearchContactsResponse>("SearchContacts", request);
  }
  absl::StatusOr<v1::LookupContactsResponse> Lookup(const v1::LookupContactsRequest& request) {
    return Ask<v1::LookupContactsResponse>("LookupContacts", request);
  }

  Desk desk;
  std::map<int, std::string> names;
};

template <typename Messages>
std::vector<std::string> NamesOf(const Messages& contacts) {
  std::vector<std::string> names;
  for (const auto& contact : contacts) names.push_back(contact.name());
  return names;
}

}  // namespace crm::contact::testing
