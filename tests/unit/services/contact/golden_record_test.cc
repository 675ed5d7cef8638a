#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "common/projection/provenance.h"
#include "services/contact/domain/golden_record.h"
#include "services/contact/domain/profile_fields.h"
#include "services/contact/projection/contact_aggregate.h"
#include "tests/support/test_seed.h"
#include "tests/unit/services/contact/contacts.h"

// The golden record: what a contact shows when several sources tell of it.
namespace crm::contact {
namespace {

using testing::Draw;
using testing::Named;
using testing::Recorder;

// A contact and its history, made by upserts of one key.
struct Told {
  Contact contact;
  Recorder recorder;

  // How many events it recorded.
  size_t Tell(const UpsertContact& command) {
    const auto events = ContactDecider::Decide(contact, command);
    EXPECT_TRUE(events.ok()) << events.status();
    contact = recorder.Record(std::move(contact), *events, command.observed.time);
    return events->size();
  }
};

UpsertContact Says(const std::string& source, TimeNs time, const std::string& display_name) {
  return {.profile = Named(display_name),
          .mask = {"display_name"},
          .external_key = ExternalKey{"shop", "7"},
          .observed = {.source = source, .time = time, .rule = nullptr}};
}

UpsertContact Ruled(UpsertContact command, std::vector<std::string> sources) {
  auto rule = std::make_shared<Survivorship>();
  rule->rules.push_back({{}, std::move(sources)});
  command.observed.rule = std::move(rule);
  return command;
}

std::string NameAfter(const std::vector<UpsertContact>& observations) {
  Told told;
  for (const auto& each : observations) told.Tell(each);
  return told.contact.profile.display_name;
}

TEST(GoldenRecord, TheLatestObservationIsShown) {
  EXPECT_EQ(NameAfter({Says("shop", 1, "Ada"), Says("crm", 2, "Ada King")}), "Ada King");
  EXPECT_EQ(NameAfter({Says("crm", 2, "Ada King"), Says("shop", 1, "Ada")}), "Ada King");
}

TEST(GoldenRecord, ABetterSourceIsShownWhateverTheTime) {
  const std::vector<std::string> best = {"crm", "shop"};
  const auto shop = Ruled(Says("shop", 9, "Ada"), best);
  const auto crm = Ruled(Says("crm", 2, "Ada King"), best);
  const auto other = Ruled(Says("other", 10, "A. King"), best);
  EXPECT_EQ(NameAfter({shop, crm, other}), "Ada King");
  EXPECT_EQ(NameAfter({other, crm, shop}), "Ada King");
}

TEST(GoldenRecord, TiesAreBrokenBySourceThenByValue) {
  EXPECT_EQ(NameAfter({Says("a", 1, "Zoe"), Says("b", 1, "Ada")}), "Ada");
  EXPECT_EQ(NameAfter({Says("b", 1, "Ada"), Says("a", 1, "Zoe")}), "Ada");
  EXPECT_EQ(NameAfter({Says("a", 1, "Zoe"), Says("a", 1, "Ada")}), "Zoe");
  EXPECT_EQ(NameAfter({Says("a", 1, "Ada"), Says("a", 1, "Zoe")}), "Zoe");
}

TEST(GoldenRecord, WhatIsEnteredNowIsTakenWhateverTheRule) {
  Told told;
  told.Tell(Ruled(Says("crm", 9'000'000 * kSecond, "Ada King"), {"crm"}));
  UpsertContact direct = Says("shop", 0, "Ada");
  direct.observed.time.reset();
  EXPECT_EQ(told.Tell(Ruled(direct, {"crm"})), 1u);
  EXPECT_EQ(told.contact.profile.display_name, "Ada");
}

TEST(GoldenRecord, ALosingValueIsRecordedOnce) {
  Told told;
  told.Tell(Says("crm", 5, "Ada King"));
  EXPECT_EQ(told.Tell(Says("shop", 3, "Ada")), 1u);
  const auto& event = told.recorder.history().back().event.profile_changed();
  EXPECT_EQ(event.superseded_fields(0), "display_name");
  EXPECT_EQ(ReadSuperseded(event).display_name, "Ada");
  EXPECT_TRUE(event.changed_fields().empty());
  EXPECT_EQ(told.Tell(Says("shop", 3, "Ada")), 0u);
  EXPECT_EQ(told.Tell(Says("shop", 2, "Adda")), 0u);
  EXPECT_EQ(told.Tell(Says("shop", 4, "Ada")), 1u);
  EXPECT_EQ(told.contact.profile.display_name, "Ada King");
}

TEST(GoldenRecord, TheSameValueSeenLaterIsConfirmed) {
  Told told;
  told.Tell(Says("crm", 5, "Ada King"));
  EXPECT_EQ(told.Tell(Says("shop", 7, "Ada King")), 1u);
  EXPECT_EQ(told.recorder.history().back().event.profile_changed().confirmed_fields(0),
            "display_name");
  // It stands as of 7 now.
  told.Tell(Says("crm", 6, "Ada"));
  EXPECT_EQ(told.contact.profile.display_name, "Ada King");
}

TEST(GoldenRecord, AFieldThatWasSaidToBeEmptyIsKnownToBe) {
  UpsertContact empty = Says("crm", 5, "");
  empty.mask = {"display_name", "tags"};
  EXPECT_EQ(NameAfter({empty, Says("shop", 3, "Ada")}), "");
  EXPECT_EQ(NameAfter({Says("shop", 3, "Ada"), empty}), "");
}

TEST(GoldenRecord, ADefaultGivesWayToAnyObservation) {
  UpsertContact early = Says("crm", 5, "Ada");
  early.profile.language_code = "en";
  UpsertContact french = Says("shop", 1, "Ada");
  french.profile.language_code = "fr";
  french.profile.kind = v1::Contact::ORGANIZATION;
  french.mask = {"language_code", "kind"};
  Told told;
  told.Tell(early);
  EXPECT_EQ(told.contact.profile.language_code, "en");
  told.Tell(french);
  EXPECT_EQ(told.contact.profile.language_code, "fr");
  EXPECT_EQ(told.contact.profile.kind, v1::Contact::ORGANIZATION);
}

TEST(GoldenRecord, CustomFieldsAreFieldsOfTheirOwn) {
  UpsertContact a = Says("crm", 5, "");
  a.profile.custom_fields = {{"a", int64_t{1}}, {"b", int64_t{1}}};
  a.mask = {"custom_fields.a", "custom_fields.b"};
  UpsertContact b = Says("shop", 7, "");
  b.profile.custom_fields = {{"b", int64_t{2}}};
  b.mask = {"custom_fields.b", "custom_fields.a"};
  Told told;
  told.Tell(a);
  told.Tell(b);
  EXPECT_EQ(told.contact.profile.custom_fields, (CustomFields{{"b", int64_t{2}}}));
}

TEST(GoldenRecord, TheRuleOfAFieldComesBeforeThatOfItsGroupAndOfAll) {
  const Survivorship rule{.rules = {{{}, {"x"}},
                                    {{"custom_fields"}, {"y"}},
                                    {{"custom_fields.a", "tags"}, {"z", "x"}}}};
  EXPECT_EQ(rule.Rank("custom_fields.a", "z"), 0);
  EXPECT_EQ(rule.Rank("custom_fields.a", "x"), 1);
  EXPECT_EQ(rule.Rank("custom_fields.a", "y"), 2);
  EXPECT_EQ(rule.Rank("custom_fields.b", "y"), 0);
  EXPECT_EQ(rule.Rank("emails", "x"), 0);
  EXPECT_EQ(rule.Rank("emails", ""), 1);
  EXPECT_EQ(Survivorship().Rank("emails", "x"), Survivorship().Rank("emails", "y"));
}

TEST(GoldenRecord, WhatIsRememberedOfSourcesIsBounded) {
  Told told;
  told.Tell(Says("crm", 1'000'000, "Ada King"));
  for (int i = 0; i < 1'100; ++i) told.Tell(Says("s" + std::to_string(i), 1 + i, "Ada"));
  EXPECT_EQ(told.contact.observations.superseded.size(), Observations::kMaxSuperseded);
  EXPECT_EQ(told.contact.observations.Superseded("s0", "display_name"), nullptr);
  EXPECT_NE(told.contact.observations.Superseded("s1099", "display_name"), nullptr);
}

// --- properties

// The contact without what tells of the log, as a business dump has it.
std::string Business(const Contact& contact) {
  v1::Contact resource = ContactAggregate::Store(contact, {.name = "contacts/c1", .version = 1});
  ClearProvenance(&resource);
  return resource.DebugString();
}

std::vector<UpsertContact> RandomObservations(Draw& draw) {
  const auto rule = draw.ARule();
  std::vector<UpsertContact> observations;
  for (int i = 1 + draw.Below(8); i > 0; --i) {
    UpsertContact& each = observations.emplace_back();
    each.profile = draw.AProfile();
    each.mask = draw.AMask();
    each.external_key = ExternalKey{"shop", "7"};
    each.observed = {.source = draw.ASource(), .time = draw.Below(5) * kSecond, .rule = rule};
  }
  return observations;
}

Told TellAll(const std::vector<UpsertContact>& observations) {
  Told told;
  for (const auto& each : observations) told.Tell(each);
  return told;
}

TEST(GoldenRecordProperty, AnyOrderOfObservationsGivesTheSameContact) {
  const uint64_t seed = TestSeed();
  std::mt19937_64 shuffle(seed);
  for (uint64_t i = 0; i < 2'000; ++i) {
    SCOPED_TRACE(seed + i);
    Draw draw(seed + i);
    std::vector<UpsertContact> observations = RandomObservations(draw);
    // What nobody says of a contact comes from its birth: all agree on it.
    for (auto& each : observations) each.profile.language_code = "";
    const Told first = TellAll(observations);
    for (int order = 0; order < 3; ++order) {
      std::shuffle(observations.begin(), observations.end(), shuffle);
      const Told again = TellAll(observations);
      ASSERT_EQ(Business(again.contact), Business(first.contact));
      EXPECT_EQ(again.contact.observations.rest, first.contact.observations.rest);
      EXPECT_EQ(again.contact.observations.named, first.contact.observations.named);
    }
  }
}

TEST(GoldenRecordProperty, ARepeatOfTheSameObservationsRecordsNothing) {
  const uint64_t seed = TestSeed();
  std::mt19937_64 shuffle(seed);
  for (uint64_t i = 0; i < 2'000; ++i) {
    SCOPED_TRACE(seed + i);
    Draw draw(seed + i);
    std::vector<UpsertContact> observations = RandomObservations(draw);
    Told told = TellAll(observations);
    std::shuffle(observations.begin(), observations.end(), shuffle);
    for (const auto& each : observations) ASSERT_EQ(told.Tell(each), 0u);
  }
}

// "custom_fields" names those that are given.
bool Tells(const UpsertContact& observation, const std::string& field) {
  const auto named = [&](std::string_view name) {
    return std::find(observation.mask.begin(), observation.mask.end(), name) !=
           observation.mask.end();
  };
  if (named(field)) return true;
  return field.starts_with(CustomFieldName("")) && named(kCustomFields) &&
         HasValue(observation.profile, field);
}

// The rule as the documents state it, evaluated slowly.
TEST(GoldenRecordProperty, TheGreatestObservationIsShown) {
  const uint64_t seed = TestSeed();
  for (uint64_t i = 0; i < 2'000; ++i) {
    SCOPED_TRACE(seed + i);
    Draw draw(seed + i);
    const std::vector<UpsertContact> observations = RandomObservations(draw);
    const Told told = TellAll(observations);
    for (const std::string field : {"display_name", "emails", "tags", "custom_fields.a"}) {
      using Key = std::tuple<int, TimeNs, std::string, std::string>;
      std::optional<Key> greatest;
      for (const auto& each : observations) {
        if (!Tells(each, field)) continue;
        const std::string source = each.observed.source.empty() ? "shop" : each.observed.source;
        Key key{-each.observed.rule->Rank(field, source), *each.observed.time, source,
                ValueBytes(each.profile, field)};
        if (!greatest || key > *greatest) greatest = key;
      }
      const std::string shown = ValueBytes(told.contact.profile, field);
      EXPECT_EQ(shown, greatest ? std::get<3>(*greatest) : ValueBytes({}, field)) << field;
    }
  }
}

}  // namespace
}  // namespace crm::contact
