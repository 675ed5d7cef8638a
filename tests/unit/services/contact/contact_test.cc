#include "services/contact/domain/contact.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "services/contact/domain/profile_fields.h"
#include "tests/support/given_when_then.h"
#include "tests/unit/services/contact/contacts.h"

namespace crm::contact {
namespace {

using testing::Ada;
using testing::AliasOf;
using testing::Created;
using testing::Deleted;
using testing::Draw;
using testing::Erased;
using testing::Fold;
using testing::Happened;
using testing::Linked;
using testing::Named;
using testing::Purged;
using testing::Recorder;
using testing::Renamed;
using testing::Shredded;
using testing::Undeleted;

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
  v1::ContactEvent renamed = Renamed("Ada King");
  renamed.mutable_profile_changed()->set_source("shop");
  Given({Created(Ada())}).When(Upsert(Named("Ada King"), {"display_name"})).ThenRecorded({renamed});
  Given({Created(Ada())}).When(Upsert(Ada(), {"display_name", "emails"})).ThenNothing();
}

TEST(ContactDecider, DeletedContactCannotBeUpserted) {
  Given({Created(Ada()), Deleted()}).When(Upsert(Ada(), {})).ThenRefused("CONTACT_DELETED");
}

TEST(ContactDecider, DeletionIsTakenBack) {
  Given({Created(Ada()), Deleted()}).When(UndeleteContact{}).ThenRecorded({Undeleted()});
  Given({Created(Ada())}).When(UndeleteContact{}).ThenNothing();
  EXPECT_EQ(Fold({Created(Ada()), Deleted(), Undeleted()}), Fold({Created(Ada())}));
}

TEST(ContactDecider, NobodyCannotBeUndeleted) {
  Given({}).When(UndeleteContact{}).ThenRefused("CONTACT_NOT_FOUND");
  Given({Created(Ada()), Deleted(), Purged()})
      .When(UndeleteContact{})
      .ThenRefused("CONTACT_PURGED");
}

TEST(ContactDecider, DeletedContactIsPurged) {
  Given({Created(Ada()), Deleted()}).When(PurgeContact{}).ThenRecorded({Purged()});
  Given({Created(Ada())}).When(PurgeContact{}).ThenRefused("CONTACT_NOT_DELETED");
  Given({}).When(PurgeContact{}).ThenNothing();
  Given({Created(Ada()), Deleted(), Purged()}).When(PurgeContact{}).ThenNothing();
  const Contact purged = Fold({Created(Ada()), Deleted(), Purged()});
  EXPECT_EQ(purged, (Contact{.existence = Existence::kPurged}));
}

TEST(ContactDecider, PurgedContactIsBornAnew) {
  const std::vector history = {Created(Ada()), Deleted(), Purged()};
  Given(history).When(CreateContact{Named("Bea"), {}}).ThenRecorded({Created(Named("Bea"))});
  Given(history).When(Rename("Bea")).ThenRefused("CONTACT_NOT_FOUND");
  Given(history).When(DeleteContact{}).ThenRefused("CONTACT_NOT_FOUND");
}

TEST(ContactDecider, MissingContactIsAllowed) {
  UpdateContact update = Rename("Ada");
  update.missing = IfMissing::kAllow;
  Given({}).When(update).ThenRecorded({Created(Named("Ada"))});
  Given({}).When(DeleteContact{IfMissing::kAllow}).ThenNothing();
}

TEST(ContactDecider, AliasLeadsElsewhere) {
  const std::vector history = {AliasOf("contacts/c2")};
  EXPECT_EQ(Fold(history).moved_to, "contacts/c2");
  Given(history).When(CreateContact{Ada(), {}}).ThenRefused("MOVED");
  Given(history).When(Upsert(Ada(), {})).ThenRefused("MOVED");
  Given(history).When(Rename("Ada")).ThenRefused("MOVED");
  Given(history).When(DeleteContact{}).ThenRefused("MOVED");
  Given(history).When(UndeleteContact{}).ThenRefused("MOVED");
  Given(history).When(LinkKey{{"crm", "1"}}).ThenRefused("MOVED");
  Given(history).When(PurgeContact{}).ThenNothing();
  Given(history).When(RecordAlias{"contacts/c2", {"crm", "9"}}).ThenNothing();
  Given(history).When(RecordAlias{"contacts/c3", {"crm", "9"}}).ThenRefused("EXTERNAL_KEY_TAKEN");
}

TEST(ContactDecider, KeyOfAContactIsNoAlias) {
  const RecordAlias command{"contacts/c2", {"crm", "9"}};
  Given({Created(Ada())}).When(command).ThenRefused("EXTERNAL_KEY_TAKEN");
  Given({Created(Ada()), Deleted()}).When(command).ThenRefused("EXTERNAL_KEY_TAKEN");
  Given({Created(Ada()), Erased()}).When(command).ThenRefused("CONTACT_ERASED");
  Given({Created(Ada()), Deleted(), Purged()}).When(command).ThenRecorded({AliasOf("contacts/c2")});
}

TEST(ContactDecider, KeyIsLinkedOnce) {
  Given({Created(Ada())}).When(LinkKey{{"crm", "9"}}).ThenRecorded({Linked("crm", "9")});
  Given({Created(Ada()), Deleted()}).When(LinkKey{{"crm", "9"}}).ThenRecorded({Linked("crm", "9")});
  Given({Created(Ada()), Linked("crm", "9")}).When(LinkKey{{"crm", "9"}}).ThenNothing();
  Given({}).When(LinkKey{{"crm", "9"}}).ThenRefused("CONTACT_NOT_FOUND");
  EXPECT_EQ(Fold({Created(Ada()), Linked("crm", "9")}).linked_keys,
            (std::vector<ExternalKey>{{"crm", "9"}}));
}

TEST(ContactDecider, KeysOfAContactAreBounded) {
  std::vector history = {Created(Ada())};
  for (size_t i = 0; i < kMaxLinkedKeys; ++i) history.push_back(Linked("crm", std::to_string(i)));
  Given(history).When(LinkKey{{"crm", "more"}}).ThenRefused("EXTERNAL_KEYS_FULL");
  Given(history).When(LinkKey{{"crm", "0"}}).ThenNothing();
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
    Observed observed = draw.AnObservation();
    observed.rule = draw.ARule();
    const UpsertContact command{draw.AProfile(), draw.AMask(), draw.AKey(), observed};
    const auto events = ContactDecider::Decide(contact, command);
    if (!events.ok()) continue;
    Recorder recorder;
    const Contact after = recorder.Record(contact, *events, observed.time);
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
    Recorder recorder;
    Contact live;
    for (int i = 0; i < 12; ++i) live = draw.Execute(std::move(live), &recorder);
    std::vector<Happened> log = recorder.history();
    for (Happened& each : log) {
      ASSERT_TRUE(each.event.ParseFromString(std::string(each.event.SerializeAsString())));
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
    const auto& mask = command.mask;
    const auto is_asked = [&mask](const std::string& name) {
      return std::find(mask.begin(), mask.end(), name) != mask.end();
    };
    for (const std::string id : {"a", "b", "c"}) {
      const std::string name = CustomFieldName(id);
      const bool asked = is_asked(name) || is_asked("custom_fields");
      EXPECT_TRUE(SameValue(after.profile, asked ? command.profile : before.profile, name)) << name;
    }
    ForEachField([&](const std::string& name, auto field) {
      const bool asked = is_asked(name);
      if ((asked && name == "kind") || name == "custom_fields") return;
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
    std::vector<Happened> plain = draw.AHistory();
    for (int i = draw.Below(4); i > 0; --i) plain.push_back({draw.AnEvent(), {}});
    std::vector<Happened> shredded;
    for (const auto& each : plain) shredded.push_back({Shredded(each.event), each.metadata});
    EXPECT_EQ(Fold(shredded).existence, Fold(plain).existence);
    plain.push_back({Erased(), {}});
    shredded.push_back({Erased(), {}});
    EXPECT_EQ(Fold(shredded), Fold(plain));
  }
}

}  // namespace
}  // namespace crm::contact
