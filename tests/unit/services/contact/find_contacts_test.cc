#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "tests/support/test_seed.h"
#include "tests/unit/services/contact/contacts_at_desk.h"
#include "tests/unit/services/contact/filter_reference.h"

namespace crm::contact {
namespace {

using testing::Contacts;
using ::testing::ElementsAre;
using testing::FaultyFields;
using testing::FilterDraw;
using ::testing::IsEmpty;
using testing::NamesOf;
using ::testing::UnorderedElementsAre;

TEST(LookupContacts, FindsByEMailPhoneAndKey) {
  Contacts contacts({.default_region = "CH"});
  v1::Contact ada;
  ada.add_emails("Ada@Example.com");
  ada.add_phones("044 668 18 00");
  const std::string name = contacts.Put(1, ada);
  const std::string other = contacts.Put(2, ada);
  contacts.Put(4, "Bea");
  v1::LookupContactsRequest request;
  request.set_email(" Ada@EXAMPLE.com");
  EXPECT_THAT(NamesOf(contacts.Lookup(request)->contacts()), UnorderedElementsAre(name, other));
  request.set_phone("044 668 18 00");
  EXPECT_THAT(NamesOf(contacts.Lookup(request)->contacts()), UnorderedElementsAre(name, other));
  request.set_region_code("DE");
  EXPECT_THAT(contacts.Lookup(request)->contacts(), IsEmpty());
  request.mutable_external_key()->set_source("shop");
  request.mutable_external_key()->set_key("1");
  EXPECT_THAT(NamesOf(contacts.Lookup(request)->contacts()), ElementsAre(name));
  contacts.Delete(1);
  EXPECT_THAT(contacts.Lookup(request)->contacts(), IsEmpty());
  request.set_email("Ada@example.com");
  EXPECT_THAT(NamesOf(contacts.Lookup(request)->contacts()), ElementsAre(other));
  contacts.desk.set_tenant("u");
  EXPECT_THAT(contacts.Lookup(request)->contacts(), IsEmpty());
}

TEST(LookupContacts, ChangedAddressLeadsNowhere) {
  Contacts contacts;
  v1::Contact ada;
  ada.add_emails("ada@example.com");
  contacts.Put(1, ada);
  ada.set_emails(0, "ada@example.org");
  const std::string name = contacts.Put(1, ada);
  v1::LookupContactsRequest request;
  request.set_email("ada@example.com");
  EXPECT_THAT(contacts.Lookup(request)->contacts(), IsEmpty());
  request.set_email("ada@example.org");
  EXPECT_THAT(NamesOf(contacts.Lookup(request)->contacts()), ElementsAre(name));
}

TEST(LookupContacts, LinkedKeyLeadsToItsContact) {
  Contacts contacts;
  const std::string name = contacts.Put(1, "Ada");
  v1::LinkExternalKeyRequest link;
  link.set_contact(name);
  link.mutable_external_key()->set_source("crm");
  link.mutable_external_key()->set_key("A-7");
  ASSERT_TRUE(contacts.desk.Execute("LinkExternalKey", link).ok());
  v1::LookupContactsRequest request;
  *request.mutable_external_key() = link.external_key();
  EXPECT_THAT(NamesOf(contacts.Lookup(request)->contacts()), ElementsAre(name));
  // The alias itself is no contact.
  EXPECT_THAT(NamesOf(contacts.desk.List({})->contacts()), ElementsAre(name));
  v1::ListContactsRequest all;
  all.set_show_deleted(true);
  EXPECT_THAT(NamesOf(contacts.desk.List(all)->contacts()), ElementsAre(name));
}

TEST(LookupContacts, UndeletedContactIsFoundAgain) {
  Contacts contacts;
  v1::Contact ada;
  ada.add_emails("ada@example.com");
  const std::string name = contacts.Put(1, ada);
  contacts.Delete(1);
  v1::LookupContactsRequest request;
  request.set_email("ada@example.com");
  EXPECT_THAT(contacts.Lookup(request)->contacts(), IsEmpty());
  v1::UndeleteContactRequest undelete;
  undelete.set_name(name);
  ASSERT_TRUE(contacts.desk.Execute("UndeleteContact", undelete).ok());
  EXPECT_THAT(NamesOf(contacts.Lookup(request)->contacts()), ElementsAre(name));
}

TEST(LookupContacts, SaysWhenThereAreMore) {
  Contacts contacts;
  v1::Contact ada;
  ada.add_emails("ada@example.com");
  for (int i = 0; i < 100; ++i) contacts.Put(i, ada);
  v1::LookupContactsRequest request;
  request.set_email("ada@example.com");
  EXPECT_EQ(contacts.Lookup(request)->contacts_size(), 100);
  EXPECT_FALSE(contacts.Lookup(request)->more());
  contacts.Put(100, ada);
  EXPECT_EQ(contacts.Lookup(request)->contacts_size(), 100);
  EXPECT_TRUE(contacts.Lookup(request)->more());
}

TEST(LookupContacts, FaultsNameTheField) {
  Contacts contacts;
  v1::LookupContactsRequest request;
  EXPECT_THAT(FaultyFields(contacts.Lookup(request).status()), ElementsAre("key"));
  request.set_email("not an address");
  EXPECT_THAT(FaultyFields(contacts.Lookup(request).status()), ElementsAre("email"));
  request.set_phone("044 668 18 00");
  EXPECT_THAT(FaultyFields(contacts.Lookup(request).status()), ElementsAre("phone"));
  request.set_region_code("XX");
  EXPECT_THAT(FaultyFields(contacts.Lookup(request).status()), ElementsAre("region_code", "phone"));
  request.mutable_external_key()->set_source("shop");
  EXPECT_THAT(FaultyFields(contacts.Lookup(request).status()), ElementsAre("external_key.key"));
}

std::vector<std::string> Found(Contacts& contacts, const std::string& prefix, int page_size = 3) {
  v1::SearchContactsRequest request;
  request.set_prefix(prefix);
  request.set_page_size(page_size);
  std::vector<std::string> names;
  do {
    const auto page = contacts.Search(request);
    EXPECT_TRUE(page.ok()) << page.status();
    if (!page.ok()) break;
    for (const auto& contact : page->contacts()) names.push_back(contact.display_name());
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  return names;
}

TEST(SearchContacts, FindsAnyWordInTheOrderOfWords) {
  Contacts contacts;
  contacts.Put(1, "Ada Lovelace");
  contacts.Put(2, "Łukasz Adamski");
  contacts.Put(3, "Zoë Ädams");
  contacts.Put(4, "Bea");
  EXPECT_THAT(Found(contacts, "ad"), ElementsAre("Ada Lovelace", "Zoë Ädams", "Łukasz Adamski"));
  EXPECT_THAT(Found(contacts, "ADAM"), UnorderedElementsAre("Łukasz Adamski", "Zoë Ädams"));
  EXPECT_THAT(Found(contacts, "luk"), ElementsAre("Łukasz Adamski"));
  EXPECT_THAT(Found(contacts, "x"), IsEmpty());
}

TEST(SearchContacts, ShowsAContactOnce) {
  Contacts contacts;
  v1::Contact anna;
  anna.set_display_name("Anna Annabel Anders");
  anna.set_given_name("Anna");
  anna.set_family_name("Anders-Annen");
  contacts.Put(1, anna);
  contacts.Put(2, "Anke");
  for (const int page_size : {1, 2, 50}) {
    EXPECT_THAT(Found(contacts, "an", page_size), ElementsAre("Anna Annabel Anders", "Anke"));
    EXPECT_THAT(Found(contacts, "annab", page_size), ElementsAre("Anna Annabel Anders"));
  }
}

TEST(SearchContacts, RenamedAndDeletedAreNotFound) {
  Contacts contacts;
  contacts.Put(1, "Ada");
  contacts.Put(2, "Adele");
  contacts.Put(1, "Bea");
  EXPECT_THAT(Found(contacts, "a"), ElementsAre("Adele"));
  contacts.Delete(2);
  EXPECT_THAT(Found(contacts, "a"), IsEmpty());
}

TEST(SearchContacts, PrefixMayBeLongerThanTheRowsAre) {
  Contacts contacts;
  const std::string same = "Extraordinarily Longwinded Denomination Incorporated of ";
  contacts.Put(1, same + "Zurich");
  contacts.Put(2, same + "Zug");
  EXPECT_THAT(Found(contacts, same + "zur"), ElementsAre(same + "Zurich"));
  EXPECT_EQ(Found(contacts, same + "zu").size(), 2u);
}

TEST(SearchContacts, FaultsNameTheField) {
  Contacts contacts;
  v1::SearchContactsRequest request;
  request.set_prefix("…");
  EXPECT_THAT(FaultyFields(contacts.Search(request).status()), ElementsAre("prefix"));
  request.set_prefix("a");
  request.set_page_size(-1);
  EXPECT_THAT(FaultyFields(contacts.Search(request).status()), ElementsAre("page_size"));
}

// Every contact whose names have such a word, once, whatever the pages.
TEST(SearchContactsProperty, FindsAllAndNoOther) {
  FilterDraw draw(TestSeed());
  const std::vector<std::string> words = {"an",  "Ann", "anna", "ÀNNE", "bo",
                                          "Bob", "бо",  "Ёж",   "王",   "王小"};
  const auto name = [&] {
    std::string text;
    for (size_t n = draw.Below(4); n > 0; --n) text += draw.OneOf(words) + " ";
    return text;
  };
  const std::map<std::string, std::vector<std::string>> of_prefix = {
      {"an", {"an", "Ann", "anna", "ÀNNE"}},
      {"ann", {"Ann", "anna", "ÀNNE"}},
      {"b", {"bo", "Bob"}},
      {"е", {"Ёж"}},
      {"王", {"王", "王小"}},
      {"王小", {"王小"}}};
  for (int round = 0; round < 20; ++round) {
    Contacts contacts;
    for (int i = 0; i < 40; ++i) {
      v1::Contact contact;
      contact.set_display_name(std::to_string(i) + " " + name());
      contact.set_given_name(name());
      contact.set_family_name(name());
      contacts.Put(i, contact);
    }
    for (const auto& [prefix, matching] : of_prefix) {
      std::vector<std::string> expected;
      for (const auto& contact : contacts.Living()) {
        const std::string all = " " + contact.display_name() + " " + contact.given_name() + " " +
                                contact.family_name() + " ";
        const bool matches = std::any_of(matching.begin(), matching.end(), [&](const auto& word) {
          return all.find(" " + word + " ") != std::string::npos;
        });
        if (matches) expected.push_back(contact.display_name());
      }
      EXPECT_THAT(Found(contacts, prefix, static_cast<int>(1 + draw.Below(20))),
                  ::testing::UnorderedElementsAreArray(expected))
          << prefix;
    }
  }
}

}  // namespace
}  // namespace crm::contact
