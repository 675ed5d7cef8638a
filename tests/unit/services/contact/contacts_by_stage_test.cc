#include "services/contact/projection/contacts_by_stage.h"

#include <gtest/gtest.h>

#include <map>

#include "common/projection/batch_rows.h"
#include "common/storage/memory_store.h"
#include "tests/unit/services/contact/contacts.h"

namespace crm::contact {
namespace {

using testing::Ada;
using testing::Created;
using testing::Deleted;
using testing::Erased;
using testing::Renamed;

constexpr Partition kPartition = 3;

v1::LifecycleEvent To(v1::LifecycleStage to) {
  v1::LifecycleEvent event;
  event.mutable_stage_changed()->mutable_plain()->set_evidence("e");
  event.mutable_stage_changed()->set_to(to);
  return event;
}

// The view's rows of one partition, one event a command.
class View {
 public:
  void Fold(const std::string& id, const v1::ContactEvent& event) {
    auto record = RecordOf("contacts/" + id);
    *record->mutable_contact() = event;
    const auto* folded = &record->contact();
    Fold(std::move(record), folded, v1::ContactRecord::kContactFieldNumber);
  }
  void Fold(const std::string& id, const v1::LifecycleEvent& event) {
    auto record = RecordOf("contacts/" + id + "/lifecycle");
    *record->mutable_lifecycle() = event;
    const auto* folded = &record->lifecycle();
    Fold(std::move(record), folded, v1::ContactRecord::kLifecycleFieldNumber);
  }
  void Unreadable(const std::string& id) {
    With([&](crm::Fold& fold) {
      return fold.Unreadable("t", "contacts/" + id, 0, absl::DataLossError("damaged"));
    });
  }

  // Stages with contacts in them.
  std::map<v1::LifecycleStage, int64_t> Counts() {
    StageCounts counts{};
    EXPECT_TRUE(ContactsByStage::AddCounts(rows_, kPartition, "t", &counts).ok());
    std::map<v1::LifecycleStage, int64_t> found;
    for (size_t i = 0; i < counts.size(); ++i) {
      if (counts[i] != 0) found[static_cast<v1::LifecycleStage>(i)] = counts[i];
    }
    return found;
  }

  std::map<std::string, std::string> Rows() {
    std::map<std::string, std::string> all;
    for (auto rows = rows_.Scan("", ""); rows->Valid(); rows->Next()) {
      all.emplace(rows->key(), rows->value());
    }
    return all;
  }

 private:
  static std::unique_ptr<v1::ContactRecord> RecordOf(const std::string& aggregate) {
    auto record = std::make_unique<v1::ContactRecord>();
    record->mutable_metadata()->set_tenant("t");
    record->mutable_metadata()->set_aggregate(aggregate);
    return record;
  }

  void Fold(std::unique_ptr<v1::ContactRecord> record, const google::protobuf::Message* folded,
            int field) {
    std::vector<Event> command(1);
    command[0].metadata = &record->metadata();
    command[0].aggregate_event = folded;
    command[0].aggregate_field = field;
    command[0].record = std::move(record);
    With([&](crm::Fold& fold) { return fold.Apply(command); });
  }

  template <typename Do>
  void With(Do what) {
    BatchRows batch(rows_);
    const auto fold = view_.Begin(kPartition, batch);
    ASSERT_TRUE(what(*fold).ok());
    ASSERT_TRUE(fold->Flush().ok());
    ASSERT_TRUE(rows_.Write(batch.Take()).ok());
  }

  ContactsByStage view_;
  MemoryStore rows_;
};

using Counts = std::map<v1::LifecycleStage, int64_t>;

TEST(ContactsByStage, BornContactsAreSuspectsUntilTheyMove) {
  View view;
  for (const char* id : {"c1", "c2", "c3"}) view.Fold(id, Created(Ada()));
  EXPECT_EQ(view.Counts(), (Counts{{v1::SUSPECT, 3}}));
  view.Fold("c1", To(v1::FIRST_TIME));
  view.Fold("c1", To(v1::REPEAT));
  view.Fold("c2", To(v1::FIRST_TIME));
  view.Fold("c2", Renamed("Ada King"));
  EXPECT_EQ(view.Counts(), (Counts{{v1::SUSPECT, 1}, {v1::FIRST_TIME, 1}, {v1::REPEAT, 1}}));
}

TEST(ContactsByStage, WhoIsKnownByOrdersAloneCountsFromBirth) {
  View view;
  view.Fold("c1", To(v1::FIRST_TIME));
  EXPECT_EQ(view.Counts(), Counts());
  view.Fold("c1", Created(Ada()));
  EXPECT_EQ(view.Counts(), (Counts{{v1::FIRST_TIME, 1}}));
}

TEST(ContactsByStage, DeletedErasedAndUnreadableLeaveForGood) {
  View view;
  for (const char* id : {"c1", "c2", "c3", "c4"}) view.Fold(id, Created(Ada()));
  view.Fold("c1", Deleted());
  view.Fold("c2", Erased());
  view.Unreadable("c3");
  EXPECT_EQ(view.Counts(), (Counts{{v1::SUSPECT, 1}}));
  for (const char* id : {"c1", "c2", "c3"}) view.Fold(id, To(v1::PROSPECT));
  for (const char* id : {"c2", "c3"}) view.Fold(id, Created(Ada()));
  EXPECT_EQ(view.Counts(), (Counts{{v1::SUSPECT, 1}}));
}

TEST(ContactsByStage, BusinessLineTellsTenantContactAndStage) {
  View view;
  view.Fold("c1", Created(Ada()));
  view.Fold("c1", To(v1::PROSPECT));
  view.Fold("c2", To(v1::PROSPECT));
  std::vector<std::string> lines;
  for (const auto& [key, value] : view.Rows()) {
    const std::string line = ContactsByStage().BusinessLine(key, value);
    if (!line.empty()) lines.push_back(line);
  }
  EXPECT_EQ(lines, (std::vector<std::string>{"t c1 PROSPECT"}));
}

v1::LifecycleEvent Shredded(v1::LifecycleEvent event) {
  if (event.has_stage_changed()) event.mutable_stage_changed()->clear_personal();
  return event;
}

// Against a count of what each contact was last said to be; and the erasure law.
TEST(ContactsByStageProperty, CountsAreThoseOfTheContacts) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    testing::Draw draw(seed);
    View view, shredded;
    std::map<std::string, Contact> contacts;
    std::map<std::string, v1::LifecycleStage> stages;
    for (int i = 0; i < 60; ++i) {
      const std::string id = "c" + std::to_string(draw.Below(6));
      if (draw.Below(2) == 0) {
        const auto stage = static_cast<v1::LifecycleStage>(1 + draw.Below(kStages - 1));
        view.Fold(id, To(stage));
        shredded.Fold(id, Shredded(To(stage)));
        stages[id] = stage;
        continue;
      }
      testing::Recorder recorder;
      contacts[id] = draw.Execute(contacts[id], &recorder);
      for (const auto& happened : recorder.history()) {
        view.Fold(id, happened.event);
        shredded.Fold(id, testing::Shredded(happened.event));
      }
    }
    Counts expected;
    for (const auto& [id, contact] : contacts) {
      if (contact.existence != Existence::kLiving) continue;
      ++expected[stages.contains(id) ? stages[id] : v1::SUSPECT];
    }
    EXPECT_EQ(view.Counts(), expected);
    for (const auto& [id, contact] : contacts) {
      view.Fold(id, Erased());
      shredded.Fold(id, Erased());
    }
    EXPECT_EQ(view.Rows(), shredded.Rows());
  }
}

}  // namespace
}  // namespace crm::contact
