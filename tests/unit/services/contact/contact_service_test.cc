#include "services/contact/api/contact_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "tests/unit/services/contact/desk.h"

namespace crm::contact {
namespace {

using testing::Desk;
using ::testing::ElementsAre;
using testing::FaultyFields;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class ContactServiceTest : public ::testing::Test {
 protected:
  absl::StatusOr<v1::Contact> Create(const std::string& display_name,
                                     const std::string& request_id) {
    v1::CreateContactRequest request;
    request.mutable_contact()->set_display_name(display_name);
    request.set_request_id(request_id);
    return AsContact(desk_.Execute("CreateContact", request));
  }

  static v1::UpsertContactRequest UpsertOf(const std::string& key, const std::string& name) {
    v1::UpsertContactRequest request;
    request.mutable_contact()->mutable_external_key()->set_source("shop");
    request.mutable_contact()->mutable_external_key()->set_key(key);
    request.mutable_contact()->set_display_name(name);
    return request;
  }

  v1::UpsertContactResponse Upsert(const v1::UpsertContactRequest& request) {
    const auto bytes = desk_.Execute("UpsertContact", request);
    EXPECT_TRUE(bytes.ok()) << bytes.status();
    v1::UpsertContactResponse response;
    EXPECT_TRUE(response.ParseFromString(bytes.value_or("")));
    return response;
  }

  void Delete(const std::string& name) {
    v1::DeleteContactRequest request;
    request.set_name(name);
    ASSERT_TRUE(desk_.Execute("DeleteContact", request).ok());
  }

  static absl::StatusOr<v1::Contact> AsContact(absl::StatusOr<std::string> bytes) {
    if (!bytes.ok()) return bytes.status();
    v1::Contact contact;
    EXPECT_TRUE(contact.ParseFromString(*bytes));
    return contact;
  }

  // Walks all pages.
  std::vector<v1::Contact> ListAll(v1::ListContactsRequest request) {
    std::vector<v1::Contact> contacts;
    do {
      const auto page = desk_.List(request);
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) break;
      contacts.insert(contacts.end(), page->contacts().begin(), page->contacts().end());
      request.set_page_token(page->next_page_token());
    } while (!request.page_token().empty());
    return contacts;
  }

  static v1::ListContactsRequest ListBy(const std::string& order_by, int page_size) {
    v1::ListContactsRequest request;
    request.set_order_by(order_by);
    request.set_page_size(page_size);
    return request;
  }

  static std::vector<std::string> DisplayNames(const std::vector<v1::Contact>& contacts) {
    std::vector<std::string> names;
    for (const auto& contact : contacts) names.push_back(contact.display_name());
    return names;
  }

  Desk desk_;
};

TEST_F(ContactServiceTest, EveryMethodOfTheServiceIsThere) {
  const ServiceDefinition& service = desk_.service();
  std::set<std::string> offered;
  for (const auto& resource : service.resources) {
    offered.insert({resource.get, resource.list_revisions, resource.batch_get});
  }
  offered.erase("");
  for (const auto& command : service.commands) offered.insert(command.method);
  for (const auto& query : service.queries) offered.insert(query.method);
  for (const auto& batch : service.batches) offered.insert(batch.first);
  std::set<std::string> declared;
  ASSERT_NE(service.rpc, nullptr);
  for (int i = 0; i < service.rpc->method_count(); ++i) {
    declared.insert(service.rpc->method(i)->name());
  }
  EXPECT_EQ(offered, declared);
}

TEST_F(ContactServiceTest, CreatedContactIsNormalised) {
  v1::CreateContactRequest request;
  request.mutable_contact()->set_name("contacts/ignored");
  request.mutable_contact()->set_display_name(" Ada ");
  request.mutable_contact()->add_emails("Ada@EXAMPLE.com");
  request.set_request_id("r1");
  const auto contact = AsContact(desk_.Execute("CreateContact", request));
  ASSERT_TRUE(contact.ok()) << contact.status();
  EXPECT_THAT(contact->name(), ::testing::StartsWith("contacts/c"));
  EXPECT_EQ(contact->display_name(), "Ada");
  EXPECT_EQ(contact->emails(0), "Ada@example.com");
  EXPECT_EQ(contact->kind(), v1::Contact::PERSON);
  EXPECT_EQ(contact->etag(), "1");
  EXPECT_EQ(ReasonOf(Create("Ada", "r1").status()), "CONTACT_EXISTS");
}

TEST_F(ContactServiceTest, NameComesFromTheExternalKeyOrTheRequest) {
  v1::CreateContactRequest request;
  *request.mutable_contact() = UpsertOf("7", "Ada").contact();
  request.set_request_id("r1");
  const auto keyed = AsContact(desk_.Execute("CreateContact", request));
  EXPECT_NE(keyed->name(), Create("Ada", "r1")->name());
  EXPECT_EQ(Upsert(UpsertOf("7", "Ada")).contact().name(), keyed->name());
  EXPECT_NE(Create("Ada", "")->name(), Create("Ada", "")->name());
}

TEST_F(ContactServiceTest, DefaultLanguageIsThatOfNewContactsOnly) {
  Desk desk({.default_language = "de-CH"});
  const auto upsert = [&](const v1::UpsertContactRequest& request) {
    v1::UpsertContactResponse response;
    EXPECT_TRUE(response.ParseFromString(*desk.Execute("UpsertContact", request)));
    return response;
  };
  v1::UpsertContactRequest request = UpsertOf("7", "Ada");
  EXPECT_EQ(upsert(request).contact().language_code(), "de-CH");
  EXPECT_EQ(upsert(request).outcome(), v1::UpsertContactResponse::UNCHANGED);
  request.mutable_contact()->set_language_code("fr");
  EXPECT_EQ(upsert(request).outcome(), v1::UpsertContactResponse::UPDATED);
  EXPECT_EQ(upsert(UpsertOf("7", "Ada")).contact().language_code(), "fr");
}

TEST_F(ContactServiceTest, UpdateChangesWhatTheMaskNames) {
  const std::string name = Create("Ada", "r1")->name();
  v1::UpdateContactRequest request;
  request.mutable_contact()->set_name(name);
  request.mutable_contact()->set_etag("1");
  request.mutable_contact()->set_family_name("King");
  auto contact = AsContact(desk_.Execute("UpdateContact", request));
  EXPECT_EQ(desk_.last_etag(), "1");
  EXPECT_EQ(contact->family_name(), "King");
  EXPECT_EQ(contact->display_name(), "Ada");
  request.mutable_update_mask()->add_paths("display_name");
  contact = AsContact(desk_.Execute("UpdateContact", request));
  EXPECT_EQ(contact->display_name(), "");
  request.mutable_contact()->clear_family_name();
  request.mutable_update_mask()->set_paths(0, "*");
  contact = AsContact(desk_.Execute("UpdateContact", request));
  EXPECT_EQ(contact->family_name(), "");
  EXPECT_EQ(contact->etag(), "4");
}

TEST_F(ContactServiceTest, MaskOfOtherFieldsIsRefused) {
  const std::string name = Create("Ada", "r1")->name();
  for (const char* path :
       {"name", "etag", "external_key", "create_time", "update_time", "delete_time", "erase_time",
        "nonsense", "addresses.lines", "", "Kind"}) {
    v1::UpdateContactRequest request;
    request.mutable_contact()->set_name(name);
    request.mutable_update_mask()->add_paths("display_name");
    request.mutable_update_mask()->add_paths(path);
    const auto answer = desk_.Execute("UpdateContact", request);
    EXPECT_EQ(answer.status().code(), absl::StatusCode::kInvalidArgument) << path;
    EXPECT_THAT(FaultyFields(answer.status()), ElementsAre("update_mask")) << path;
  }
}

TEST_F(ContactServiceTest, MalformedNameIsRefused) {
  const std::string id(26, 'a');
  for (const std::string& name :
       {std::string(), std::string("contacts/"), "contacts/" + id, "contacts/d" + id,
        "contacts/c" + id + "a", "contacts/C" + id, "contacts/c" + id.substr(1),
        "contacts/c1" + id.substr(1), "contacts/c" + id + "/deals/d1"}) {
    v1::DeleteContactRequest request;
    request.set_name(name);
    EXPECT_THAT(FaultyFields(desk_.Execute("DeleteContact", request).status()),
                ElementsAre("name"));
    v1::UpdateContactRequest update;
    update.mutable_contact()->set_name(name);
    update.mutable_update_mask()->add_paths("nonsense");
    EXPECT_THAT(FaultyFields(desk_.Execute("UpdateContact", update).status()),
                UnorderedElementsAre("contact.name", "update_mask"));
  }
  v1::DeleteContactRequest request;
  request.set_name("contacts/c" + id);
  EXPECT_EQ(ReasonOf(desk_.Execute("DeleteContact", request).status()), "CONTACT_NOT_FOUND");
}

TEST_F(ContactServiceTest, UpsertTellsWhatItDid) {
  EXPECT_EQ(Upsert(UpsertOf("7", "Ada")).outcome(), v1::UpsertContactResponse::CREATED);
  EXPECT_EQ(Upsert(UpsertOf("7", "Ada")).outcome(), v1::UpsertContactResponse::UNCHANGED);
  const auto updated = Upsert(UpsertOf("7", "Ada King"));
  EXPECT_EQ(updated.outcome(), v1::UpsertContactResponse::UPDATED);
  EXPECT_EQ(updated.contact().display_name(), "Ada King");
  EXPECT_EQ(updated.contact().external_key().key(), "7");
  Delete(updated.contact().name());
  EXPECT_EQ(ReasonOf(desk_.Execute("UpsertContact", UpsertOf("7", "Ada")).status()),
            "CONTACT_DELETED");
}

TEST_F(ContactServiceTest, ObservationIsOfTheRequestsSourceAndTime) {
  v1::UpsertContactRequest request = UpsertOf("7", "Ada");
  request.set_source("crm");
  request.mutable_observe_time()->set_seconds(1);
  const v1::Contact contact = Upsert(request).contact();
  ASSERT_EQ(contact.observations_size(), 2);
  EXPECT_EQ(contact.observations(0).source(), "crm");
  EXPECT_EQ(contact.observations(0).observe_time().seconds(), 1);
  EXPECT_TRUE(contact.observations(0).fields().empty());
  // Nobody said that she is a person.
  EXPECT_THAT(contact.observations(1).fields(), ElementsAre("kind"));
  EXPECT_FALSE(contact.observations(1).has_observe_time());
}

TEST_F(ContactServiceTest, ObservationsMayBeAMinuteAhead) {
  v1::UpsertContactRequest request = UpsertOf("7", "Ada");
  SetTimestamp(desk_.now() + 60 * kSecond, request.mutable_observe_time());
  EXPECT_TRUE(desk_.Execute("UpsertContact", request).ok());
  SetTimestamp(desk_.now() + 61 * kSecond, request.mutable_observe_time());
  EXPECT_THAT(FaultyFields(desk_.Execute("UpsertContact", request).status()),
              ElementsAre("observe_time"));
  request.mutable_observe_time()->set_nanos(-1);
  EXPECT_THAT(FaultyFields(desk_.Execute("UpsertContact", request).status()),
              ElementsAre("observe_time"));
}

TEST_F(ContactServiceTest, RuleOfTheTenantDecides) {
  v1::UpdateTenantRequest settings;
  settings.mutable_tenant()->set_name("tenants/t");
  settings.mutable_tenant()->mutable_survivorship()->add_rules()->add_sources("crm");
  ASSERT_TRUE(desk_.Execute("UpdateTenant", settings).ok());
  v1::UpsertContactRequest best = UpsertOf("7", "Ada King");
  best.set_source("crm");
  best.mutable_observe_time()->set_seconds(1);
  EXPECT_EQ(Upsert(best).outcome(), v1::UpsertContactResponse::CREATED);
  v1::UpsertContactRequest later = UpsertOf("7", "Ada");
  later.mutable_observe_time()->set_seconds(2);
  const auto superseded = Upsert(later);
  EXPECT_EQ(superseded.outcome(), v1::UpsertContactResponse::SUPERSEDED);
  EXPECT_EQ(superseded.contact().display_name(), "Ada King");
  EXPECT_EQ(Upsert(later).outcome(), v1::UpsertContactResponse::UNCHANGED);
}

TEST_F(ContactServiceTest, LinkedKeyIsListedByItsContact) {
  const std::string name = Upsert(UpsertOf("7", "Ada")).contact().name();
  v1::LinkExternalKeyRequest link;
  link.set_contact(name);
  link.mutable_external_key()->set_source("crm");
  link.mutable_external_key()->set_key("9");
  const auto alias = AsContact(desk_.Execute("LinkExternalKey", link));
  ASSERT_TRUE(alias.ok()) << alias.status();
  EXPECT_EQ(alias->moved_to(), name);
  v1::RecordLinkedKeyRequest record;
  record.set_contact(name);
  *record.mutable_external_key() = link.external_key();
  record.set_request_id("reaction");
  record.mutable_source()->set_topic("crm.contact.events");
  const auto listed = AsContact(desk_.Execute("RecordLinkedKey", record));
  ASSERT_TRUE(listed.ok()) << listed.status();
  EXPECT_THAT(listed->linked_keys(), SizeIs(1));
  v1::UpsertContactRequest by_key = UpsertOf("9", "Ada King");
  by_key.mutable_contact()->mutable_external_key()->set_source("crm");
  const auto moved = desk_.Execute("UpsertContact", by_key);
  EXPECT_EQ(ReasonOf(moved.status()), "MOVED");
}

TEST_F(ContactServiceTest, KeyWithConsentsOfItsOwnIsNotLinked) {
  const std::string name = Upsert(UpsertOf("7", "Ada")).contact().name();
  v1::GrantConsentRequest grant;
  grant.mutable_contact_key()->set_source("crm");
  grant.mutable_contact_key()->set_key("9");
  grant.set_purpose("marketing");
  grant.set_channel("email");
  ASSERT_TRUE(desk_.Execute("GrantConsent", grant).ok());
  v1::LinkExternalKeyRequest link;
  link.set_contact(name);
  *link.mutable_external_key() = grant.contact_key();
  EXPECT_EQ(ReasonOf(desk_.Execute("LinkExternalKey", link).status()), "EXTERNAL_KEY_TAKEN");
}

TEST_F(ContactServiceTest, UpsertNeedsAnExternalKey) {
  v1::UpsertContactRequest request;
  request.mutable_contact()->add_emails("nonsense");
  EXPECT_THAT(FaultyFields(desk_.Execute("UpsertContact", request).status()),
              ElementsAre("contact.emails[0]", "contact.external_key"));
}

TEST_F(ContactServiceTest, PagesTogetherHoldEveryContactOnce) {
  SeededRandom random(5);
  std::multiset<std::string> created;
  for (int i = 0; i < 120; ++i) {
    const std::string name = "N" + std::to_string(random.Next64() % 40);
    created.insert(name);
    ASSERT_TRUE(Create(name, std::to_string(i)).ok());
  }
  for (const char* order : {"", "name", "display_name"}) {
    for (const int page_size : {0, 1, 7, 119, 120, 1000}) {
      const auto contacts = ListAll(ListBy(order, page_size));
      const auto names = DisplayNames(contacts);
      EXPECT_EQ(std::multiset<std::string>(names.begin(), names.end()), created);
      EXPECT_TRUE(
          std::is_sorted(contacts.begin(), contacts.end(), [&](const auto& a, const auto& b) {
            return std::string_view(order) == "display_name"
                       ? std::pair(a.display_name(), a.name()) <
                             std::pair(b.display_name(), b.name())
                       : a.name() < b.name();
          }));
    }
  }
}

TEST_F(ContactServiceTest, PageTokenSurvivesWrites) {
  for (const char* name : {"a", "c", "e"}) ASSERT_TRUE(Create(name, name).ok());
  v1::ListContactsRequest request = ListBy("display_name", 2);
  const auto first = desk_.List(request);
  EXPECT_EQ(first->contacts(1).display_name(), "c");
  Delete(first->contacts(1).name());
  for (const char* name : {"b", "d"}) ASSERT_TRUE(Create(name, name).ok());
  request.set_page_token(first->next_page_token());
  EXPECT_THAT(DisplayNames(ListAll(request)), ElementsAre("d", "e"));
}

TEST_F(ContactServiceTest, DeletedErasedAndUnreadableAreNotListed) {
  std::map<std::string, std::string> names;
  for (const char* who : {"deleted", "erased", "unreadable", "living"}) {
    names[who] = Create(who, who)->name();
  }
  Delete(names["deleted"]);
  desk_.Erase(names["erased"]);
  desk_.Quarantine(names["unreadable"]);
  EXPECT_THAT(DisplayNames(ListAll(ListBy("name", 1))), ElementsAre("living"));
  EXPECT_THAT(DisplayNames(ListAll(ListBy("display_name", 1))), ElementsAre("living"));
  v1::ListContactsRequest request = ListBy("name", 1);
  request.set_show_deleted(true);
  EXPECT_THAT(DisplayNames(ListAll(request)),
              ::testing::UnorderedElementsAre("living", "deleted", ""));
}

TEST_F(ContactServiceTest, TenantsDoNotSeeEachOther) {
  ASSERT_TRUE(Create("Ada", "r1").ok());
  ASSERT_TRUE(Create("Bea", "r2").ok());
  const std::string token = desk_.List(ListBy("name", 1))->next_page_token();
  desk_.set_tenant("u");
  EXPECT_THAT(ListAll(ListBy("name", 0)), IsEmpty());
  EXPECT_THAT(ListAll(ListBy("display_name", 0)), IsEmpty());
  v1::ListContactsRequest request = ListBy("name", 1);
  request.set_page_token(token);
  EXPECT_EQ(ReasonOf(desk_.List(request).status()), "PAGE_TOKEN_INVALID");
}

TEST_F(ContactServiceTest, BadListRequestsAreRefusedByField) {
  ASSERT_TRUE(Create("Ada", "r1").ok());
  ASSERT_TRUE(Create("Bea", "r2").ok());
  EXPECT_THAT(FaultyFields(desk_.List(ListBy("name", -1)).status()), ElementsAre("page_size"));
  EXPECT_THAT(FaultyFields(desk_.List(ListBy("etag", 0)).status()), ElementsAre("order_by"));
  EXPECT_THAT(FaultyFields(desk_.List(ListBy("name desc", 0)).status()), ElementsAre("order_by"));
  v1::ListContactsRequest request = ListBy("display_name", 1);
  request.set_show_deleted(true);
  EXPECT_THAT(FaultyFields(desk_.List(request).status()), ElementsAre("show_deleted"));
  request.set_show_deleted(false);
  request.set_page_token(desk_.List(ListBy("name", 1))->next_page_token());
  EXPECT_THAT(FaultyFields(desk_.List(request).status()), ElementsAre("page_token"));
}

TEST_F(ContactServiceTest, LargeContactsMakeSmallPages) {
  v1::CreateContactRequest request;
  for (int i = 0; i < 20; ++i) {
    auto* address = request.mutable_contact()->add_addresses();
    for (int j = 0; j < 8; ++j) address->add_lines(std::string(256, 'x'));
  }
  for (int i = 0; i < 60; ++i) {
    request.set_request_id(std::to_string(i));
    ASSERT_TRUE(desk_.Execute("CreateContact", request).ok());
  }
  v1::ListContactsRequest full = ListBy("name", 1000);
  full.set_view(v1::FULL);
  const auto page = desk_.List(full);
  EXPECT_LT(page->ByteSizeLong(), 3u << 20);
  EXPECT_FALSE(page->next_page_token().empty());
  EXPECT_THAT(ListAll(full), SizeIs(60));
}

TEST(CheckContactOptions, CanonicalOrRefused) {
  const auto checked = CheckContactOptions({.default_region = "ch", .default_language = "DE-ch"});
  EXPECT_EQ(checked->default_region, "CH");
  EXPECT_EQ(checked->default_language, "de-CH");
  EXPECT_TRUE(CheckContactOptions({}).ok());
  EXPECT_THAT(
      FaultyFields(CheckContactOptions({.default_region = "XX", .default_language = "-"}).status()),
      ElementsAre("default_region", "default_language"));
}

}  // namespace
}  // namespace crm::contact
