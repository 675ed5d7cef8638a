#include "services/contact/projection/contact_by_name.h"

#include <gtest/gtest.h>

#include <map>

#include "common/base/bytes.h"
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
using testing::Renamed;
using testing::Shredded;

constexpr Partition kPartition = 3;

// The view's rows of one partition, one event a command.
class View {
 public:
  void Fold(const std::string& id, const v1::ContactEvent& contact_event) {
    auto record = std::make_unique<v1::ContactRecord>();
    record->mutable_metadata()->set_tenant("t");
    record->mutable_metadata()->set_aggregate("contacts/" + id);
    record->mutable_metadata()->set_aggregate_version(++versions_[id]);
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

  std::vector<std::string> Listed() {
    const std::string prefix = ContactByName::ListPrefix(kPartition, "t");
    std::vector<std::string> names;
    for (auto rows = rows_.Scan(prefix, PrefixEnd(prefix)); rows->Valid(); rows->Next()) {
      names.push_back(ContactByName::NameAt(rows->key().substr(prefix.size())));
    }
    return names;
  }

  // All rows, by key.
  std::map<std::string, std::string> Rows() {
    std::map<std::string, std::string> all;
    for (auto rows = rows_.Scan("", ""); rows->Valid(); rows->Next()) {
      all.emplace(rows->key(), rows->value());
    }
    return all;
  }

 private:
  template <typename Do>
  void With(Do what) {
    BatchRows batch(rows_);
    const auto fold = view_.Begin(kPartition, batch);
    ASSERT_TRUE(what(*fold).ok());
    ASSERT_TRUE(fold->Flush().ok());
    ASSERT_TRUE(rows_.Write(batch.Take()).ok());
  }

  ContactByName view_;
  MemoryStore rows_;
  std::map<std::string, int64_t> versions_;
};

using Names = std::vector<std::string>;

TEST(ContactByName, OrderIsThatOfPeopleAndTheNamelessComeFirst) {
  View view;
  view.Fold("c1", Created(Named("zebra")));
  view.Fold("c2", Created(Named("Ärger")));
  view.Fold("c3", Created(Named("apfel")));
  view.Fold("c4", Created(Named("")));
  view.Fold("c5", Created(Named("Azur")));
  view.Fold("c6", Created(Named("apfel")));
  EXPECT_EQ(view.Listed(), (Names{"contacts/c4", "contacts/c3", "contacts/c6", "contacts/c2",
                                  "contacts/c5", "contacts/c1"}));
}

TEST(ContactByName, RenamedContactMoves) {
  View view;
  view.Fold("c1", Created(Named("Ada")));
  view.Fold("c2", Created(Named("Bea")));
  view.Fold("c1", Renamed("Cleo"));
  EXPECT_EQ(view.Listed(), (Names{"contacts/c2", "contacts/c1"}));
  EXPECT_EQ(view.Rows().size(), 4u);
}

TEST(ContactByName, OtherChangesKeepThePlace) {
  View view;
  view.Fold("c1", Created(Named("Ada")));
  const auto before = view.Rows();
  v1::ContactEvent moved;
  moved.mutable_profile_changed()->set_region_code("CH");
  moved.mutable_profile_changed()->add_changed_fields("region_code");
  view.Fold("c1", moved);
  EXPECT_EQ(view.Rows(), before);
}

TEST(ContactByName, DeletedErasedAndUnreadableLeaveWithoutATrace) {
  View view;
  for (const char* id : {"c1", "c2", "c3"}) view.Fold(id, Created(Named("Ada")));
  view.Fold("c1", Deleted());
  view.Fold("c2", Erased());
  view.Unreadable("c3");
  EXPECT_TRUE(view.Rows().empty());
  for (const char* id : {"c1", "c2", "c3"}) view.Fold(id, Renamed("Ada King"));
  EXPECT_TRUE(view.Rows().empty());
}

TEST(ContactByName, BusinessLineTellsTenantContactAndName) {
  View view;
  view.Fold("c1", Created(Named("Ada")));
  Names lines;
  for (const auto& [key, value] : view.Rows()) {
    lines.push_back(ContactByName().BusinessLine(key, value));
  }
  EXPECT_EQ(lines, (Names{"", "t c1 " + Hex(CollationKey("Ada"))}));
}

TEST(ContactByNameProperty, ErasureLaw) {
  for (uint64_t seed = 1; seed <= 500; ++seed) {
    SCOPED_TRACE(seed);
    Draw draw(seed);
    View plain, shredded;
    for (const auto& happened : draw.AHistory()) {
      plain.Fold("c1", happened.event);
      shredded.Fold("c1", Shredded(happened.event));
    }
    plain.Fold("c1", Erased());
    shredded.Fold("c1", Erased());
    EXPECT_EQ(shredded.Rows(), plain.Rows());
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
  }
  EXPECT_EQ(CollationKey(""), "");
  EXPECT_LT(CollationKey("resume"), CollationKey("résumé"));
  EXPECT_LT(CollationKey("résumé"), CollationKey("Resumes"));
}

}  // namespace
}  // namespace crm::contact
