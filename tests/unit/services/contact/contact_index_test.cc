#include "services/contact/projection/contact_index.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "common/base/bytes.h"
#include "common/base/status.h"
#include "common/base/timestamp.h"
#include "common/projection/batch_rows.h"
#include "common/storage/memory_store.h"
#include "services/contact/projection/collation.h"
#include "tests/unit/services/contact/contacts.h"

namespace crm::contact {
namespace {

using testing::Created;
using testing::Deleted;
using testing::Draw;
using testing::Erased;
using testing::Named;
using testing::Purged;
using testing::Renamed;
using testing::Shredded;
using testing::Undeleted;
using Order = ContactIndex::Order;
using Facet = ContactIndex::Facet;
using Names = std::vector<std::string>;

constexpr Partition kPartition = 3;

const Secret& TheSecret() {
  static const Secret secret = *Secret::FromBytes(std::string(32, 's'));
  return secret;
}

// The view's rows of one partition, one event a command.
class View {
 public:
  View() { view_.UseSecret(TheSecret()); }

  // Every event is recorded a second after the one before, unless time stands still.
  explicit View(bool time_passes) : View() { second_ = time_passes ? kSecond : 0; }

  void Fold(const std::string& id, const v1::ContactEvent& contact_event) {
    auto record = std::make_unique<v1::ContactRecord>();
    record->mutable_metadata()->set_tenant("t");
    record->mutable_metadata()->set_aggregate("contacts/" + id);
    record->mutable_metadata()->set_aggregate_version(++versions_[id]);
    SetTimestamp(now_ += second_, record->mutable_metadata()->mutable_recorded_time());
    *record->mutable_contact() = contact_event;
    std::vector<Event> command(1);
    command[0].metadata = &record->metadata();
    command[0].aggregate_event = &record->contact();
    command[0].aggregate_field = v1::ContactRecord::kContactFieldNumber;
    command[0].record = std::move(record);
    With([&](crm::Fold& fold) { return fold.Apply(command); });
  }

  void Unreadable(const std::string& id) {
    With([&](crm::Fold& fold) {
      return fold.Unreadable("t", "contacts/" + id, 0, absl::DataLossError("damaged"));
    });
  }

  Names Listed(Order order) {
    Names names;
    for (const std::string& place : Places(ContactIndex::OrderPrefix(kPartition, "t", order))) {
      names.push_back(ContactIndex::NameAt(order, place));
    }
    return names;
  }

  Names With(Facet facet, const std::string& value) {
    return Places(ContactIndex::FacetPrefix(
        kPartition, "t", ContactIndex::FacetHash(TheSecret(), "t", facet, value)));
  }

  // How much the words of all contacts have in common with the contact's word before, in order.
  std::vector<int> CommonWithBefore() {
    std::vector<int> common;
    const std::string prefix = ContactIndex::WordPrefix(kPartition, "t");
    for (auto rows = rows_.Scan(prefix, PrefixEnd(prefix)); rows->Valid(); rows->Next()) {
      common.push_back(rows->value()[0]);
    }
    return common;
  }

  // All rows, by key.
  std::map<std::string, std::string> Rows() {
    std::map<std::string, std::string> all;
    for (auto rows = rows_.Scan("", ""); rows->Valid(); rows->Next()) {
      all.emplace(rows->key(), rows->value());
    }
    return all;
  }

  // But those that hold whole contacts.
  std::set<std::string> IndexKeys() {
    std::set<std::string> keys;
    for (const auto& [key, value] : Rows()) {
      if (key[1] != 'c') keys.insert(key);
    }
    return keys;
  }

 private:
  Names Places(const std::string& prefix) {
    Names places;
    for (auto rows = rows_.Scan(prefix, PrefixEnd(prefix)); rows->Valid(); rows->Next()) {
      places.emplace_back(rows->key().substr(prefix.size()));
    }
    return places;
  }

  template <typename Do>
  void With(Do what) {
    BatchRows batch(rows_);
    const auto fold = view_.Begin(kPartition, batch);
    ASSERT_TRUE(what(*fold).ok());
    ASSERT_TRUE(fold->Flush().ok());
    ASSERT_TRUE(rows_.Write(batch.Take()).ok());
  }

  ContactIndex view_;
  MemoryStore rows_;
  std::map<std::string, int64_t> versions_;
  TimeNs now_ = kSecond;
  TimeNs second_ = kSecond;
};

v1::ContactEvent Moved(const std::string& region) {
  v1::ContactEvent event;
  event.mutable_profile_changed()->set_region_code(region);
  event.mutable_profile_changed()->add_changed_fields("region_code");
  return event;
}

TEST(ContactIndex, OrderIsThatOfPeopleAndTheNamelessComeFirst) {
  View view;
  int number = 0;
  for (const char* name : {"zebra", "Ärger", "apfel", "", "Azur", "apfel"}) {
    Profile profile = Named(name);
    profile.family_name = name;
    view.Fold("c" + std::to_string(++number), Created(profile));
  }
  const Names expected = {"contacts/c4", "contacts/c3", "contacts/c6",
                          "contacts/c2", "contacts/c5", "contacts/c1"};
  EXPECT_EQ(view.Listed(Order::kDisplayName), expected);
  EXPECT_EQ(view.Listed(Order::kFamilyName), expected);
}

TEST(ContactIndex, TimesOfBirthStayAndThoseOfChangesMove) {
  View view;
  view.Fold("c2", Created(Named("Ada")));
  view.Fold("c1", Created(Named("Bea")));
  view.Fold("c2", Moved("CH"));
  EXPECT_EQ(view.Listed(Order::kCreateTime), (Names{"contacts/c2", "contacts/c1"}));
  EXPECT_EQ(view.Listed(Order::kUpdateTime), (Names{"contacts/c1", "contacts/c2"}));
}

TEST(ContactIndex, RenamedContactMoves) {
  View view;
  view.Fold("c1", Created(Named("Ada")));
  view.Fold("c2", Created(Named("Bea")));
  view.Fold("c1", Renamed("Cleo"));
  EXPECT_EQ(view.Listed(Order::kDisplayName), (Names{"contacts/c2", "contacts/c1"}));
  EXPECT_EQ(view.IndexKeys().size(), 2u * 5);
}

TEST(ContactIndex, ValuesLeadToTheirContacts) {
  View view;
  view.Fold("c1", Created(testing::Ada()));
  view.Fold("c2", Created(Named("Bea")));
  view.Fold("c2", Moved("GB"));
  EXPECT_EQ(view.With(Facet::kRegion, "GB"), (Names{"c1", "c2"}));
  EXPECT_EQ(view.With(Facet::kEmail, "ada@example.com"), Names{"c1"});
  EXPECT_EQ(view.With(Facet::kPhone, "+442079460000"), Names{"c1"});
  EXPECT_EQ(view.With(Facet::kTag, "age:36"), Names{"c1"});
  EXPECT_EQ(view.With(Facet::kLanguage, "en-GB"), Names{"c1"});
  EXPECT_EQ(view.With(Facet::kEmail, "+442079460000"), Names{});
  view.Fold("c2", Moved("CH"));
  EXPECT_EQ(view.With(Facet::kRegion, "GB"), Names{"c1"});
}

TEST(ContactIndex, NoPersonalTextStandsInAKey) {
  View view;
  view.Fold("c1", Created(testing::Ada()));
  for (const std::string& key : view.IndexKeys()) {
    for (const char* text : {"ada", "Ada", "+44", "age:36"}) {
      EXPECT_EQ(key.find(text), std::string::npos) << text;
    }
  }
}

TEST(ContactIndex, WordTellsWhatItHasInCommonWithTheOneBefore) {
  View view;
  view.Fold("c1", Created(Named("Anna Annabel Zoe")));
  // "anna annabel zoe", "annabel zoe", "zoe"; the weight of the blank differs from that of a b.
  EXPECT_EQ(view.CommonWithBefore().size(), 3u);
  EXPECT_EQ(view.CommonWithBefore()[0], 0);
  EXPECT_GE(view.CommonWithBefore()[1], 4);
  EXPECT_LE(view.CommonWithBefore()[2], 2);
}

TEST(ContactIndex, DeletedLeaveAndComeBack) {
  View view(false);
  view.Fold("c1", Created(testing::Ada()));
  const auto before = view.Rows();
  view.Fold("c1", Deleted());
  EXPECT_TRUE(view.IndexKeys().empty());
  view.Fold("c1", Undeleted());
  EXPECT_EQ(view.Rows(), before);
}

TEST(ContactIndex, ErasedAndUnreadableLeaveWithoutATrace) {
  View view;
  for (const char* id : {"c1", "c2", "c3"}) view.Fold(id, Created(testing::Ada()));
  view.Fold("c1", Deleted());
  view.Fold("c1", Purged());
  view.Fold("c1", Erased());
  view.Fold("c2", Erased());
  view.Unreadable("c3");
  EXPECT_TRUE(view.Rows().empty());
  for (const char* id : {"c1", "c2", "c3"}) {
    view.Fold(id, Renamed("Ada King"));
    view.Fold(id, Undeleted());
  }
  EXPECT_TRUE(view.Rows().empty());
}

TEST(ContactIndex, OfAPurgedContactTimesAreLeft) {
  View view;
  view.Fold("c1", Created(testing::Ada()));
  view.Fold("c1", Deleted());
  view.Fold("c1", Purged());
  const auto purged = view.Rows();
  ASSERT_EQ(purged.size(), 1u);
  v1::Contact left;
  ASSERT_TRUE(left.ParseFromString(purged.begin()->second));
  left.clear_create_time();
  left.clear_purge_time();
  EXPECT_EQ(left.ByteSizeLong(), 0u) << left.DebugString();
  view.Fold("c1", Renamed("Ada King"));
  view.Fold("c1", Undeleted());
  EXPECT_EQ(view.Rows(), purged);
}

TEST(ContactIndex, PurgedContactIsBornAnewAsOfItsFirstBirth) {
  View view;
  view.Fold("c1", Created(Named("Ada")));
  view.Fold("c2", Created(Named("Zoe")));
  view.Fold("c1", Deleted());
  view.Fold("c1", Purged());
  view.Fold("c1", Created(Named("Bea")));
  EXPECT_EQ(view.Listed(Order::kDisplayName), (Names{"contacts/c1", "contacts/c2"}));
  EXPECT_EQ(view.Listed(Order::kCreateTime), (Names{"contacts/c1", "contacts/c2"}));
}

TEST(ContactIndex, AliasIsNoContact) {
  View view;
  v1::ContactEvent alias;
  alias.mutable_alias_recorded()->set_contact("contacts/c2");
  view.Fold("c1", alias);
  EXPECT_TRUE(view.Rows().empty());
}

TEST(ContactIndex, WithoutASecretNothingIsFolded) {
  MemoryStore store;
  BatchRows rows(store);
  const absl::Status status = ContactIndex().Begin(kPartition, rows)->Apply({});
  EXPECT_EQ(ReasonOf(status), "SECRET_UNKNOWN");
}

TEST(ContactIndex, BusinessLineTellsTenantContactAndName) {
  View view;
  view.Fold("c1", Created(Named("Ada")));
  std::set<std::string> lines;
  for (const auto& [key, value] : view.Rows()) {
    lines.insert(ContactIndex().BusinessLine(key, value));
  }
  EXPECT_EQ(lines, (std::set<std::string>{"", "t c1 " + Hex(CollationKey("Ada"))}));
}

// Draws what may become of a contact that lives or is deleted.
v1::ContactEvent AnyChange(Draw& draw) {
  switch (draw.Below(6)) {
    case 0:
      return Deleted();
    case 1:
      return Undeleted();
    case 2:
      return Moved(draw.Below(2) == 0 ? "CH" : "");
    default:
      return draw.AnEvent();
  }
}

TEST(ContactIndexProperty, ErasureLaw) {
  for (uint64_t seed = 1; seed <= 500; ++seed) {
    SCOPED_TRACE(seed);
    Draw draw(seed);
    View plain, shredded;
    std::vector<v1::ContactEvent> history;
    for (const auto& happened : draw.AHistory()) history.push_back(happened.event);
    for (int i = draw.Below(5); i > 0; --i) history.push_back(AnyChange(draw));
    for (const auto& event : history) {
      plain.Fold("c1", event);
      shredded.Fold("c1", Shredded(event));
    }
    plain.Fold("c1", Erased());
    shredded.Fold("c1", Erased());
    EXPECT_TRUE(plain.Rows().empty());
    EXPECT_EQ(shredded.Rows(), plain.Rows());
  }
}

// Whatever led to a contact, its rows are those of one born as it is now.
TEST(ContactIndexProperty, RowsDependOnTheContactAlone) {
  for (uint64_t seed = 1; seed <= 500; ++seed) {
    SCOPED_TRACE(seed);
    Draw draw(seed);
    View changed(false), born(false);
    Contact contact;
    for (const auto& [event, metadata] : draw.AHistory()) {
      changed.Fold("c1", event);
      contact = ContactDecider::Evolve(std::move(contact), event, metadata);
    }
    if (contact.existence == Existence::kLiving) {
      v1::ContactEvent birth = Created(contact.profile);
      if (contact.external_key) {
        auto* key = birth.mutable_created()->mutable_plain()->mutable_external_key();
        key->set_source(contact.external_key->source);
        key->set_key(contact.external_key->key);
      }
      born.Fold("c1", birth);
    }
    EXPECT_EQ(changed.IndexKeys(), born.IndexKeys());
  }
}

TEST(CollationKey, IsBoundedWithoutZeroBytesAndKeepsOrder) {
  SeededRandom random(3);
  for (int i = 0; i < 500; ++i) {
    std::string text;
    for (uint64_t n = random.Next64() % 170; n > 0; --n) {
      text += std::vector<std::string>{"a", "Z", "é", "山", "\U0001F600", " "}[random.Next64() % 6];
    }
    const std::string key = CollationKey(text);
    EXPECT_LE(key.size(), 256u);
    EXPECT_EQ(key.find('\0'), std::string::npos);
    EXPECT_LE(key, CollationKey(text + "b"));
    EXPECT_LE(CompareCollated(text, text + "b"), 0);
  }
  EXPECT_EQ(CollationKey(""), "");
  EXPECT_LT(CollationKey("resume"), CollationKey("résumé"));
  EXPECT_LT(CollationKey("résumé"), CollationKey("Resumes"));
  EXPECT_LT(CompareCollated("résumé", "Resumes"), 0);
}

}  // namespace
}  // namespace crm::contact
