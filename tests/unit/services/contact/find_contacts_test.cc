#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "common/base/status.h"
#include "common/base/timestamp.h"
#include "services/contact/api/contact_filter.h"
#include "tests/support/test_seed.h"
#include "tests/unit/services/contact/desk.h"
#include "tests/unit/services/contact/filter_reference.h"

namespace crm::contact {
namespace {

using testing::Desk;
using ::testing::ElementsAre;
using testing::FaultyFields;
using testing::FilterDraw;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

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

const std::vector<std::string>& Orders() {
  static const auto* orders = new std::vector<std::string>{
      "name",        "display_name",    "family_name", "create_time", "create_time desc",
      "update_time", "update_time desc"};
  return *orders;
}

// Less than, equal to or greater than 0, ids aside.
int Compared(const v1::Contact& a, const v1::Contact& b, const std::string& order) {
  if (order == "display_name") return testing::Collated(a.display_name(), b.display_name());
  if (order == "family_name") return testing::Collated(a.family_name(), b.family_name());
  const bool create = order.starts_with("create");
  const auto time = [&](const v1::Contact& contact) {
    return ToTimeNs(create ? contact.create_time() : contact.update_time());
  };
  if (order == "name" || time(a) == time(b)) return 0;
  return (time(a) < time(b)) == !order.ends_with("desc") ? -1 : 1;
}

void SortBy(const std::string& order, std::vector<v1::Contact>* contacts) {
  std::sort(contacts->begin(), contacts->end(), [&](const auto& a, const auto& b) {
    const int compared = Compared(a, b, order);
    if (compared != 0) return compared < 0;
    return order.ends_with("desc") ? a.name() > b.name() : a.name() < b.name();
  });
}

// What commands take of a random contact.
v1::Contact Accepted(FilterDraw& draw, bool custom_fields = false) {
  const v1::Contact drawn = draw.AContact();
  v1::Contact contact;
  contact.set_kind(drawn.kind());
  contact.set_display_name(drawn.display_name());
  contact.set_given_name(drawn.given_name());
  contact.set_family_name(drawn.family_name());
  contact.set_region_code(draw.OneOf<std::string>({"", "CH", "DE"}));
  contact.set_language_code(draw.OneOf<std::string>({"", "en-GB", "de"}));
  for (const auto& address : drawn.addresses()) {
    contact.add_addresses()->set_locality(address.locality());
  }
  for (const auto& tag : drawn.tags()) contact.add_tags(tag);
  for (const auto& value : drawn.custom_fields()) {
    const bool kept = !value.has_choice() || !value.choice().empty();
    if (custom_fields && kept) *contact.add_custom_fields() = value;
  }
  if (draw.Below(2) == 0) contact.add_emails(draw.OneOf<std::string>({"a@b.ch", "b@b.ch"}));
  if (draw.Below(3) == 0) contact.add_phones("+41446681800");
  return contact;
}

std::vector<v1::Contact> Listed(Contacts& contacts, v1::ListContactsRequest request,
                                FilterDraw& draw) {
  std::vector<v1::Contact> listed;
  do {
    request.set_page_size(static_cast<int>(1 + draw.Below(9)));
    const auto page = contacts.desk.List(request);
    EXPECT_TRUE(page.ok()) << page.status() << "\n" << request.DebugString();
    if (!page.ok()) break;
    EXPECT_LE(page->contacts_size(), request.page_size());
    listed.insert(listed.end(), page->contacts().begin(), page->contacts().end());
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  return listed;
}

TEST(ListContactsProperty, EqualsTheReferenceOnRandomDataFiltersAndOrders) {
  FilterDraw draw(TestSeed());
  size_t met = 0;
  for (int round = 0; round < 20; ++round) {
    Contacts contacts;
    contacts.Declare(testing::DeclaredFields());
    for (int i = 0; i < 40; ++i) contacts.Put(i, Accepted(draw, true));
    for (int i = 0; i < 15; ++i) contacts.Put(static_cast<int>(draw.Below(40)), Accepted(draw, true));
    contacts.Delete(3);
    contacts.Erase(7);
    const auto living = contacts.Living();
    for (int i = 0; i < 100; ++i) {
      const auto filter = draw.AFilter(2);
      v1::ListContactsRequest request;
      request.set_filter(testing::TextOf(filter, draw));
      request.set_order_by(draw.OneOf(Orders()));
      std::vector<v1::Contact> expected;
      for (const auto& contact : living) {
        if (testing::Meets(contact, filter)) expected.push_back(contact);
      }
      SortBy(request.order_by(), &expected);
      met += expected.size();
      ASSERT_EQ(NamesOf(Listed(contacts, request, draw)), NamesOf(expected))
          << request.DebugString();
    }
  }
  EXPECT_GT(met, 10'000u);
}

// Comparisons that indexes answer, which random filters seldom consist of.
TEST(ListContactsProperty, IndexedComparisonsEqualTheReference) {
  FilterDraw draw(TestSeed());
  Contacts contacts;
  for (int i = 0; i < 200; ++i) contacts.Put(i, Accepted(draw));
  const auto living = contacts.Living();
  const std::vector<std::string> equalities = {
      "region_code = \"CH\"",    "language_code = \"de\"",
      "kind = ORGANIZATION",     "kind = PERSON",
      "tags:\"it's\"",           "emails:\"a@b.ch\"",
      "phones:\"+41446681800\"", "external_key.source = \"crm\""};
  for (const auto& equality : equalities) {
    for (const auto& order : Orders()) {
      v1::ListContactsRequest request;
      request.set_order_by(order);
      request.set_filter(equality);
      const auto filter = ParseContactFilter(equality, {});
      std::vector<v1::Contact> expected;
      for (const auto& contact : living) {
        if (Matches(*filter, contact)) expected.push_back(contact);
      }
      SortBy(order, &expected);
      EXPECT_EQ(NamesOf(Listed(contacts, request, draw)), NamesOf(expected)) << equality;
    }
  }
  for (int i = 0; i < 200; ++i) {
    const std::string order = draw.OneOf(Orders());
    if (order == "name") continue;
    const std::string field = order.substr(0, order.find(' '));
    const auto& one = draw.OneOf(living);
    std::string literal;
    if (field.ends_with("name")) {
      literal = field == "display_name" ? one.display_name() : one.family_name();
      if (literal.empty()) continue;
      literal = "\"" + literal + "\"";
    } else {
      // A whole second; desks have no others.
      const auto& time = field == "create_time" ? one.create_time() : one.update_time();
      literal = fmt::format("1970-01-01T00:{:02}:{:02}Z", time.seconds() / 60, time.seconds() % 60);
    }
    v1::ListContactsRequest request;
    request.set_order_by(order);
    request.set_filter(field + draw.OneOf<std::string>({" < ", " <= ", " > ", " >= ", " = "}) +
                       literal + " AND " + field + " <= " + literal);
    const auto filter = ParseContactFilter(request.filter(), {});
    ASSERT_TRUE(filter.ok()) << request.filter();
    std::vector<v1::Contact> expected;
    for (const auto& contact : living) {
      if (Matches(*filter, contact)) expected.push_back(contact);
    }
    SortBy(order, &expected);
    EXPECT_EQ(NamesOf(Listed(contacts, request, draw)), NamesOf(expected)) << request.filter();
  }
}

// Whoever is neither born nor moved in the order nor gone during a walk is met once, nobody twice.
TEST(ListContactsProperty, PagesAreCompleteAndWithoutRepeatsWhileContactsChange) {
  FilterDraw draw(TestSeed());
  for (const std::string order :
       {"name", "display_name", "family_name", "create_time", "create_time desc"}) {
    Contacts contacts;
    for (int i = 0; i < 60; ++i) contacts.Put(i, Accepted(draw));
    std::set<std::string> stay;
    for (int i = 0; i < 30; ++i) stay.insert(contacts.names.at(i));
    std::vector<std::string> met;
    v1::ListContactsRequest request;
    request.set_order_by(order);
    request.set_page_size(4);
    request.set_filter("NOT linked_keys:*");
    int next = 100;
    do {
      const auto page = contacts.desk.List(request);
      ASSERT_TRUE(page.ok());
      for (const auto& name : NamesOf(page->contacts())) met.push_back(name);
      request.set_page_token(page->next_page_token());
      contacts.Put(next++, Accepted(draw));
      const int number = 30 + static_cast<int>(draw.Below(30));
      if (contacts.names.contains(number)) contacts.Delete(number);
      v1::Contact same;
      EXPECT_TRUE(same.ParseFromString(*contacts.desk.Get(contacts.names.at(next % 30))));
      same.set_region_code("AT");
      contacts.Put(next % 30, same);
    } while (!request.page_token().empty());
    EXPECT_EQ(std::set<std::string>(met.begin(), met.end()).size(), met.size()) << order;
    for (const auto& name : stay) EXPECT_EQ(std::count(met.begin(), met.end(), name), 1) << order;
  }
}

TEST(ListContacts, TokenBelongsToFilterAndOrder) {
  Contacts contacts;
  for (int i = 0; i < 3; ++i) contacts.Put(i, "Ada");
  v1::ListContactsRequest request;
  request.set_page_size(1);
  request.set_filter("kind = PERSON");
  request.set_page_token(contacts.desk.List(request)->next_page_token());
  EXPECT_TRUE(contacts.desk.List(request).ok());
  v1::ListContactsRequest other = request;
  other.set_filter("kind:*");
  EXPECT_EQ(ReasonOf(contacts.desk.List(other).status()), "PAGE_TOKEN_INVALID");
  other = request;
  other.set_order_by("create_time");
  EXPECT_EQ(ReasonOf(contacts.desk.List(other).status()), "PAGE_TOKEN_INVALID");
}

TEST(ListContacts, FiltersKnowTheFieldsOfTheirTenant) {
  Contacts contacts;
  contacts.Put(1, "Ada");
  v1::ListContactsRequest request;
  request.set_filter("NOT custom_fields.tier:*");
  EXPECT_EQ(ReasonOf(contacts.desk.List(request).status()), "FILTER_INVALID");
  contacts.Declare(testing::DeclaredFields());
  EXPECT_EQ(contacts.desk.List(request)->contacts_size(), 1);
  contacts.desk.set_tenant("u");
  EXPECT_EQ(ReasonOf(contacts.desk.List(request).status()), "FILTER_INVALID");
}

TEST(ListContacts, LargePagesAreBasicAndOthersFullUnlessAViewIsAskedFor) {
  Contacts contacts;
  v1::Contact ada;
  ada.add_addresses()->set_locality("London");
  contacts.Put(1, ada);
  const auto addresses = [&](int page_size, v1::ContactView view) {
    v1::ListContactsRequest request;
    request.set_page_size(page_size);
    request.set_view(view);
    return contacts.desk.List(request)->contacts(0).addresses_size();
  };
  EXPECT_EQ(addresses(100, v1::CONTACT_VIEW_UNSPECIFIED), 1);
  EXPECT_EQ(addresses(101, v1::CONTACT_VIEW_UNSPECIFIED), 0);
  EXPECT_EQ(addresses(101, v1::FULL), 1);
  EXPECT_EQ(addresses(1, v1::BASIC), 0);
}

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
