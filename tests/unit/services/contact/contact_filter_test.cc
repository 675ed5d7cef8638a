#include "services/contact/api/contact_filter.h"

#include <google/rpc/error_info.pb.h>
#include <gtest/gtest.h>

#include "common/base/status.h"
#include "tests/support/test_seed.h"
#include "tests/unit/services/contact/desk.h"
#include "tests/unit/services/contact/filter_reference.h"

namespace crm::contact {
namespace {

std::vector<FieldDeclaration> Declared() {
  auto declared = testing::DeclaredFields();
  declared.push_back({.id = "big", .type = v1::CustomField::INTEGER});
  return declared;
}

bool Meets(const std::string& text, const v1::Contact& contact) {
  const auto filter = ParseContactFilter(text, Declared());
  EXPECT_TRUE(filter.ok()) << text << ": " << filter.status();
  return filter.ok() && Matches(*filter, contact);
}

v1::Contact Ada() {
  v1::Contact ada;
  ada.set_kind(v1::Contact::PERSON);
  ada.set_display_name("Ada Lovelace");
  ada.set_region_code("GB");
  ada.add_emails("ada@example.com");
  ada.add_tags("it's \"new\"");
  ada.add_addresses()->set_region_code("CH");
  ada.mutable_create_time()->set_seconds(1767225600);
  auto* big = ada.add_custom_fields();
  big->set_field("big");
  big->set_integer((int64_t{1} << 62) + 1);
  return ada;
}

TEST(ContactFilter, ABlankOneMeetsAll) {
  EXPECT_TRUE(Meets("", Ada()));
  EXPECT_TRUE(Meets(" \n", v1::Contact()));
}

TEST(ContactFilter, OrBindsMoreTightlyThanAnd) {
  EXPECT_FALSE(
      Meets("kind = ORGANIZATION AND region_code = \"GB\" OR kind = PERSON AND "
            "region_code = \"CH\"",
            Ada()));
  EXPECT_TRUE(Meets("region_code = \"GB\" AND kind = ORGANIZATION OR kind = PERSON", Ada()));
  EXPECT_TRUE(Meets("-kind = ORGANIZATION AND NOT (region_code='CH' AND kind=PERSON)", Ada()));
}

TEST(ContactFilter, WhatIsNotKnownComparesFalse) {
  EXPECT_FALSE(Meets("language_code = \"de\"", Ada()));
  EXPECT_FALSE(Meets("language_code != \"de\"", Ada()));
  EXPECT_TRUE(Meets("NOT language_code = \"de\" AND NOT language_code:*", Ada()));
  EXPECT_FALSE(Meets("custom_fields.tier = \"gold\" OR custom_fields.tier != \"gold\"", Ada()));
}

TEST(ContactFilter, TextsMayHoldAnything) {
  EXPECT_TRUE(Meets(R"(tags:"it's \"new\"")", Ada()));
  EXPECT_TRUE(Meets(R"(tags:'it\'s "new"')", Ada()));
  EXPECT_TRUE(
      Meets("addresses.region_code:\"CH\" AND addresses:* AND emails:\"ada@example.com\"", Ada()));
}

TEST(ContactFilter, NumbersAreComparedExactly) {
  EXPECT_TRUE(Meets("custom_fields.big = 4611686018427387905", Ada()));
  EXPECT_FALSE(Meets("custom_fields.big = 4611686018427387904", Ada()));
  EXPECT_TRUE(Meets("custom_fields.big > 4611686018427387904 AND custom_fields.big:*", Ada()));
}

TEST(ContactFilter, NamesAreOrderedAsPeopleSort) {
  EXPECT_TRUE(Meets("display_name > \"ab\" AND display_name < \"ädb\"", Ada()));
}

TEST(ContactFilter, TimesMayHaveAnOffset) {
  EXPECT_TRUE(
      Meets("create_time = \"2026-01-01\" AND create_time = 2026-01-01T01:30:00+01:30", Ada()));
  EXPECT_TRUE(Meets("create_time < 2026-01-01T00:00:00.000000001Z", Ada()));
}

TEST(ContactFilter, ParenthesesWithinOneAnotherAreParsed) {
  const std::string open(kMaxFilterDepth, '('), close(kMaxFilterDepth, ')');
  EXPECT_TRUE(Meets(open + "kind = PERSON" + close, Ada()));
}

struct Fault {
  std::string text;
  size_t position;
};

size_t PositionOf(const absl::Status& status) {
  google::rpc::ErrorInfo info;
  const auto detail = status.GetPayload("type.googleapis.com/google.rpc.ErrorInfo");
  if (!detail || !info.ParseFromString(std::string(*detail))) return SIZE_MAX;
  return std::stoul(info.metadata().at("position"));
}

TEST(ContactFilter, FaultsNameTheByte) {
  const std::string many = [] {
    std::string text = "kind:*";
    for (size_t i = 0; i < kMaxFilterTerms; ++i) text += " OR kind:*";
    return text;
  }();
  const std::vector<Fault> faults = {
      {"shoe_size > 42", 0},
      {"kind", 4},
      {"kind = ", 7},
      {"kind = DUCK", 7},
      {"kind = KIND_UNSPECIFIED", 7},
      {"kind = 1", 7},
      {"kind > PERSON", 5},
      {"kind = PERSON kind = PERSON", 14},
      {"kind = PERSON AND", 17},
      {"kind = PERSON and kind:*", 14},
      {"AND kind:*", 0},
      {"NOT NOT kind:*", 4},
      {"()", 1},
      {"(kind:*", 7},
      {"kind:*)", 6},
      {"region_code = CH", 14},
      {"region_code = \"\"", 14},
      {"region_code < \"CH\"", 12},
      {"region_code : \"CH\"", 12},
      {"region_code = \"CH", 14},
      {"region_code = \"a\nb\"", 16},
      {"region_code = \"a\\b\"", 17},
      {"emails = \"a\"", 7},
      {"addresses = \"a\"", 10},
      {"addresses:\"a\"", 9},
      {"create_time > yesterday", 14},
      {"create_time > 5", 14},
      {"create_time > \"2026-02-30\"", 14},
      {"create_time > 2026-01-01T00:00:00+25:00", 14},
      {"custom_fields", 0},
      {"custom_fields.", 0},
      {"custom_fields.Tier = 1", 0},
      {"custom_fields.a.b = 1", 0},
      {"custom_fields.unheard_of = 1", 0},
      {"custom_fields.tier = 5", 21},
      {"custom_fields.tier < \"text\"", 19},
      {"custom_fields.vip = 1", 20},
      {"custom_fields.vip < true", 18},
      {"custom_fields.age = 0.5", 20},
      {"custom_fields.age = \"1\"", 20},
      {"custom_fields.height = tall", 23},
      {"custom_fields.since > \"2026-02-30\"", 22},
      {"custom_fields.level = \"none of them\"", 22},
      {"custom_fields.age = 12345678901234567890123456789012345678901", 20},
      {"custom_fields.age = 9223372036854775808", 20},
      {"name = \"contacts/c1\"", 0},
      {"kind ~ PERSON", 5},
      {"kind = \xff", 0},
      {std::string(10'000, '('), static_cast<size_t>(kMaxFilterDepth)},
      {"region_code = \"" + std::string(1 << 20, 'a') + "\"", kMaxFilterBytes},
      {many, many.size() - 6}};
  for (const Fault& fault : faults) {
    const absl::Status status = ParseContactFilter(fault.text, Declared()).status();
    const std::string shown = fault.text.substr(0, 60);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << shown;
    EXPECT_EQ(ReasonOf(status), "FILTER_INVALID") << shown;
    EXPECT_EQ(testing::FaultyFields(status), std::vector<std::string>{"filter"}) << shown;
    EXPECT_EQ(PositionOf(status), fault.position) << shown << ": " << status;
  }
}

TEST(ContactFilterProperty, EqualsTheReferenceOnRandomDataAndFilters) {
  const uint64_t seed = TestSeed();
  testing::FilterDraw draw(seed);
  int met = 0;
  for (int i = 0; i < 10'000; ++i) {
    const auto reference = draw.AFilter(3);
    const std::string text = testing::TextOf(reference, draw);
    const v1::Contact contact = draw.AContact();
    const bool expected = testing::Meets(contact, reference);
    met += expected ? 1 : 0;
    ASSERT_EQ(Meets(text, contact), expected) << text << "\n" << contact.DebugString();
  }
  // Both answers are common, or little is compared.
  EXPECT_GT(met, 2'000);
  EXPECT_LT(met, 8'000);
}

// Cut, doubled and mixed up filters: each is parsed or refused with a byte of the text.
TEST(ContactFilterProperty, AnyTextIsParsedOrRefused) {
  testing::FilterDraw draw(TestSeed());
  for (int i = 0; i < 10'000; ++i) {
    std::string text = testing::TextOf(draw.AFilter(3), draw);
    for (size_t n = draw.Below(4); n > 0; --n) {
      const size_t at = draw.Below(text.size() + 1);
      if (draw.Below(2) == 0)
        text = text.substr(0, at) + text.substr(at + draw.Below(text.size() - at + 1));
      if (draw.Below(2) == 0)
        text.insert(
            at, draw.OneOf<std::string>({"(", ")", "\"", ":", "*", "-", " AND ", "é", "\\", "1"}));
      if (text.empty()) text = "(";
    }
    const auto filter = ParseContactFilter(text, testing::DeclaredFields());
    if (filter.ok()) continue;
    EXPECT_EQ(ReasonOf(filter.status()), "FILTER_INVALID");
    EXPECT_LE(PositionOf(filter.status()), text.size()) << text;
  }
}

}  // namespace
}  // namespace crm::contact
