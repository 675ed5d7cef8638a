#include "services/contact/domain/contact.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/given_when_then.h"
#include "tests/unit/services/contact/contacts.h"

namespace crm::contact {
namespace {

using testing::Ada;
using testing::Created;
using testing::Deleted;
using testing::Draw;
using testing::Erased;
using testing::Fold;
using testing::Named;
using testing::Renamed;
using testing::Shredded;

auto Given(const std::vector<v1::ContactEvent>& events) {
  return crm::testing::Given<ContactDecider>(events);
}

UpdateContact Rename(std::string name) {
  return {Named(std::move(name)), {"display_name"}};
}

UpsertContact Upsert(Profile profile, FieldMask mask) {
  return {std::move(profile), std::move(mask), ExternalKey{"shop", "7"}};
}

TEST(ContactDecider, UnknownContactIsCreated) {
  const auto events = ContactDecider::Decide({}, CreateContact{Ada(), ExternalKey{"shop", "7"}});
  const v1::ContactEvent event = testing::OnlyEvent(events);
  EXPECT_EQ(event.created().plain().display_name(), "Ada Lovelace");
  EXPECT_EQ(event.created().plain().external_key().key(), "7");
  EXPECT_EQ(event.created().language_code(), "en-GB");
  const Contact contact = Fold({event});
  EXPECT_EQ(contact.existence, Existence::kLiving);
  EXPECT_EQ(contact.profile, Ada());
  EXPECT_EQ(contact.external_key, (ExternalKey{"shop", "7"}));
}

TEST(ContactDecider, ContactWithoutKindIsAPerson) {
  EXPECT_EQ(Fold({Created(Named("Ada"))}).profile.kind, v1::Contact::PERSON);
}

TEST(ContactDecider, NamelessContactIsCreatedWithAPersonalPart) {
  EXPECT_TRUE(Created(Profile{}).created().has_plain());
}

TEST(ContactDecider, LivingContactIsNotCreatedAgain) {
  Given({Created(Ada())}).When(CreateContact{Ada(), {}}).ThenRefused("CONTACT_EXISTS");
}

TEST(ContactDecider, DeletedContactIsNotCreatedAgain) {
  Given({Created(Ada()), Deleted()}).When(CreateContact{Ada(), {}}).ThenRefused("CONTACT_EXISTS");
}

TEST(ContactDecider, ChangeCarriesTheChangedFieldsOnly) {
  Profile wanted = Ada();
  wanted.display_name = "Ada King";
  wanted.region_code = "CH";
  wanted.given_name = "not in the mask";
  v1::ContactEvent event = Renamed("Ada King");
  event.mutable_profile_changed()->set_region_code("CH");
  event.mutable_profile_changed()->add_changed_fields("region_code");
  Given({Created(Ada())})
      .When(UpdateContact{wanted, {"region_code", "emails", "display_name"}})
      .ThenRecorded({event});
}

TEST(ContactDecider, FieldIsCleared) {
  Given({Created(Ada())}).When(Rename("")).ThenRecorded({Renamed("")});
  EXPECT_EQ(Fold({Created(Ada()), Renamed("")}).profile.display_name, "");
}

TEST(ContactDecider, UnchangedUpdateRecordsNothing) {
  Given({Created(Ada())}).When(Rename("Ada Lovelace")).ThenNothing();
  Given({Created(Ada())}).When(UpdateContact{Profile{}, {}}).ThenNothing();
}

TEST(ContactDecider, KindIsNeverUnspecified) {
  Given({Created(Ada())}).When(UpdateContact{Profile{}, {"kind"}}).ThenNothing();
}

TEST(ContactDecider, UnknownContactCannotBeUpdated) {
  Given({}).When(Rename("Ada")).ThenRefused("CONTACT_NOT_FOUND");
}

TEST(ContactDecider, DeletedContactCannotBeUpdated) {
  Given({Created(Ada()), Deleted()}).When(Rename("Ada King")).ThenRefused("CONTACT_DELETED");
}

TEST(ContactDecider, ContactIsDeletedOnce) {
  Given({Created(Ada())}).When(DeleteContact{}).ThenRecorded({Deleted()});
  Given({Created(Ada()), Deleted()}).When(DeleteContact{}).ThenNothing();
}

TEST(ContactDecider, UnknownContactCannotBeDeleted) {
  Given({}).When(DeleteContact{}).ThenRefused("CONTACT_NOT_FOUND");
}

TEST(ContactDecider, UpsertCreatesTheUnknownWhole) {
  v1::ContactEvent event = Created(Ada());
  auto* key = event.mutable_created()->mutable_plain()->mutable_external_key();
  key->set_source("shop");
  key->set_key("7");
  Given({}).When(Upsert(Ada(), {"display_name"})).ThenRecorded({event});
}

TEST(ContactDecider, UpsertChangesTheLiving) {
  Given({Created(Ada())})
      .When(Upsert(Named("Ada King"), {"display_name"}))
      .ThenRecorded({Renamed("Ada King")});
  Given({Created(Ada())}).When(Upsert(Ada(), {"display_name", "emails"})).ThenNothing();
}

TEST(ContactDecider, DeletedContactCannotBeUpserted) {
  Given({Created(Ada()), Deleted()}).When(Upsert(Ada(), {})).ThenRefused("CONTACT_DELETED");
}

TEST(ContactDecider, ErasedContactRefusesEverything) {
  for (const auto& history : {std::vector{Created(Ada()), Erased()}, {Erased()}}) {
    Given(history).When(CreateContact{Ada(), {}}).ThenRefused("CONTACT_ERASED");
    Given(history).When(Rename("Ada")).ThenRefused("CONTACT_ERASED");
    Given(history).When(DeleteContact{}).ThenRefused("CONTACT_ERASED");
    Given(history).When(Upsert(Ada(), {})).ThenRefused("CONTACT_ERASED");
  }
}

TEST(ContactDecider, ErasureLeavesNothingPersonal) {
  Profile left;
  left.kind = v1::Contact::PERSON;
  left.language_code = "en-GB";
  left.region_code = "GB";
  const Contact contact = Fold({Created(Ada()), Erased()});
  EXPECT_EQ(contact.profile, left);
  EXPECT_EQ(contact.external_key, std::nullopt);
}

constexpr uint64_t kSeeds = 2000;

TEST(ContactDeciderProperty, DecidingTwiceGivesNothingNew) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    Draw draw(seed);
    const Contact contact = Fold(draw.AHistory());
    const UpsertContact command{draw.AProfile(), draw.AMask(), draw.AKey()};
    const auto events = ContactDecider::Decide(contact, command);
    if (!events.ok()) continue;
    Contact after = contact;
    for (const auto& event : *events) after = ContactDecider::Evolve(std::move(after), event);
    const auto again = ContactDecider::Decide(after, command);
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_TRUE(again->empty()) << (*again)[0].DebugString();
  }
}

// Events pass through bytes, as they do in the log.
TEST(ContactDeciderProperty, StateAfterDecisionsIsStateAfterReplay) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    Draw draw(seed);
    Contact live;
    std::vector<v1::ContactEvent> log;
    for (int i = 0; i < 10; ++i) {
      const auto events = draw.Command(live);
      if (!events.ok()) continue;
      for (const auto& event : *events) {
        live = ContactDecider::Evolve(std::move(live), event);
        ASSERT_TRUE(log.emplace_back().ParseFromString(event.SerializeAsString()));
      }
    }
    EXPECT_EQ(Fold(log), live);
  }
}

TEST(ContactDeciderProperty, ChangeLeadsToWhatWasAsked) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    Draw draw(seed);
    const Contact before{.existence = Existence::kLiving,
                         .profile = Fold({Created(draw.AProfile())}).profile};
    const UpdateContact command{draw.AProfile(), draw.AMask()};
    const auto events = ContactDecider::Decide(before, command);
    ASSERT_TRUE(events.ok());
    Contact after = before;
    for (const auto& event : *events) after = ContactDecider::Evolve(std::move(after), event);
    ForEachField([&](const std::string& name, auto field) {
      const auto& mask = command.mask;
      const bool asked = std::find(mask.begin(), mask.end(), name) != mask.end();
      if (asked && name == "kind") return;
      EXPECT_TRUE(after.profile.*field == (asked ? command.profile : before.profile).*field)
          << name;
    });
  }
}

TEST(ContactDeciderProperty, AnyOrderOfEventsFolds) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    Draw draw(seed);
    Contact contact;
    for (int i = 0; i < 20; ++i) {
      contact = ContactDecider::Evolve(std::move(contact), draw.AnEvent());
      if (contact.existence == Existence::kUnknown) {
        EXPECT_EQ(contact, Contact{});
      }
      if (contact.existence == Existence::kLiving) {
        EXPECT_NE(contact.profile.kind, v1::Contact::KIND_UNSPECIFIED);
      }
    }
  }
}

TEST(ContactDeciderProperty, ErasureLaw) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    Draw draw(seed);
    std::vector<v1::ContactEvent> plain = draw.AHistory();
    for (int i = draw.Below(4); i > 0; --i) plain.push_back(draw.AnEvent());
    std::vector<v1::ContactEvent> shredded;
    for (const auto& event : plain) shredded.push_back(Shredded(event));
    EXPECT_EQ(Fold(shredded).existence, Fold(plain).existence);
    plain.push_back(Erased());
    shredded.push_back(Erased());
    EXPECT_EQ(Fold(shredded), Fold(plain));
  }
}

}  // namespace
}  // namespace crm::contact
