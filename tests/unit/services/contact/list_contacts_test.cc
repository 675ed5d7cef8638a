#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "common/base/timestamp.h"
#include "services/contact/api/contact_filter.h"
#include "tests/support/test_seed.h"
#include "tests/unit/services/contact/contacts_at_desk.h"
#include "tests/unit/services/contact/filter_reference.h"

namespace crm::contact {
namespace {

using testing::Contacts;
using testing::FilterDraw;
using testing::NamesOf;

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
    for (int i = 0; i < 15; ++i)
      contacts.Put(static_cast<int>(draw.Below(40)), Accepted(draw, true));
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

}  // namespace
}  // namespace crm::contact
