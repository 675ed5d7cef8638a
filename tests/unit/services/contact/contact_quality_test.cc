#include "services/contact/projection/contact_quality.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <ctime>
#include <map>
#include <set>

#include "common/projection/batch_rows.h"
#include "common/storage/memory_store.h"
#include "services/contact/domain/golden_record.h"
#include "services/contact/domain/profile_fields.h"
#include "tests/unit/services/contact/contacts.h"
#include "tests/unit/services/contact/quality.h"

namespace crm::contact {
namespace {

using testing::Ada;
using testing::Created;
using testing::Deleted;
using testing::Erased;
using testing::Missing;
using testing::Named;
using testing::OpenedEvent;
using testing::Purged;
using testing::ResolvedEvent;
using testing::Undeleted;

constexpr Partition kPartition = 3;
constexpr int64_t kDay = 86'400;

// The view's rows of one partition.
class View {
 public:
  void Fold(const std::string& id, const testing::Happened& happened) {
    auto record = std::make_unique<v1::ContactRecord>();
    *record->mutable_metadata() = happened.metadata;
    *record->mutable_contact() = happened.event;
    const auto* folded = &record->contact();
    Add("contacts/" + id, std::move(record), folded, v1::ContactRecord::kContactFieldNumber);
  }
  // On a day since 1970.
  void Fold(const std::string& id, const v1::ContactEvent& event, int64_t day = 0) {
    testing::Happened happened{event, {}};
    SetTimestamp(day * kDay * kSecond, happened.metadata.mutable_recorded_time());
    Fold(id, happened);
  }
  void Fold(const std::string& id, const v1::QualityEvent& event) {
    auto record = std::make_unique<v1::ContactRecord>();
    *record->mutable_quality() = event;
    const auto* folded = &record->quality();
    Add("contacts/" + id + "/quality", std::move(record), folded,
        v1::ContactRecord::kQualityFieldNumber);
  }
  void Unreadable(const std::string& id) {
    Flush();
    With([&](crm::Fold& fold) {
      return fold.Unreadable("t", "contacts/" + id, 0, absl::DataLossError("damaged"));
    });
  }
  // What was added since, as one batch.
  void Flush() {
    With([this](crm::Fold& fold) {
      for (const Event& event : waiting_) CRM_RETURN_IF_ERROR(fold.Apply({&event, 1}));
      return absl::OkStatus();
    });
    waiting_.clear();
  }

  QualityCounts Counts(std::string_view tenant = "t") {
    Flush();
    QualityCounts counts;
    EXPECT_TRUE(ContactQualityView::AddCounts(rows_, kPartition, tenant, &counts).ok());
    return counts;
  }

  std::map<std::string, std::string> Rows() {
    Flush();
    std::map<std::string, std::string> all;
    for (auto rows = rows_.Scan("", ""); rows->Valid(); rows->Next()) {
      all.emplace(rows->key(), rows->value());
    }
    return all;
  }

 private:
  void Add(const std::string& aggregate, std::unique_ptr<v1::ContactRecord> record,
           const google::protobuf::Message* folded, int field) {
    record->mutable_metadata()->set_tenant("t");
    record->mutable_metadata()->set_aggregate(aggregate);
    Event& event = waiting_.emplace_back();
    event.metadata = &record->metadata();
    event.aggregate_event = folded;
    event.aggregate_field = field;
    event.record = std::move(record);
  }

  template <typename Do>
  void With(Do what) {
    BatchRows batch(rows_);
    const auto fold = view_.Begin(kPartition, batch);
    ASSERT_TRUE(what(*fold).ok());
    ASSERT_TRUE(fold->Flush().ok());
    ASSERT_TRUE(rows_.Write(batch.Take()).ok());
  }

  ContactQualityView view_;
  MemoryStore rows_;
  std::vector<Event> waiting_;
};

using Fields = std::map<std::string, int64_t>;

TEST(ContactQualityView, CountsFieldsWithValues) {
  View view;
  Profile named = Named("Ada");
  named.custom_fields["age"] = int64_t{36};
  view.Fold("c1", Created(named));
  view.Fold("c2", Created(Ada()));
  const QualityCounts counts = view.Counts();
  EXPECT_EQ(counts.contacts, 2);
  EXPECT_EQ(counts.unreachable, 1);
  EXPECT_EQ(counts.filled, (Fields{{"kind", 2},
                                   {"display_name", 2},
                                   {"given_name", 1},
                                   {"emails", 1},
                                   {"phones", 1},
                                   {"addresses", 1},
                                   {"language_code", 1},
                                   {"region_code", 1},
                                   {"tags", 1},
                                   {"custom_fields.age", 1}}));
  EXPECT_EQ(view.Counts("other"), QualityCounts());
}

TEST(ContactQualityView, ContactsCountInTheMonthOfTheirLastObservation) {
  View view;
  view.Fold("c1", Created(Ada()), 0);
  view.Fold("c2", Created(Ada()), 59);
  view.Fold("c1", testing::Renamed("Ada King"), 30);
  EXPECT_EQ(view.Counts().last_observed, (Fields{{"1970-01", 1}, {"1970-03", 1}}));
  view.Fold("c1", testing::Renamed("Ada"), 31);
  EXPECT_EQ(view.Counts().last_observed, (Fields{{"1970-02", 1}, {"1970-03", 1}}));
  view.Fold("c3", Created(Ada()), -1);
  EXPECT_EQ(view.Counts().last_observed, (Fields{{"1969-12", 1}, {"1970-02", 1}, {"1970-03", 1}}));
}

TEST(ContactQualityView, OpenIssuesCountByKindAndOncePerField) {
  View view;
  view.Fold("c1", OpenedEvent(Missing("emails")));
  EXPECT_EQ(view.Counts(), QualityCounts()) << "the contact is not born yet";
  view.Fold("c1", Created(Ada()));
  view.Fold("c1", OpenedEvent({"bounces", v1::QualityIssue::INVALID, "emails", ""}));
  view.Fold("c1", OpenedEvent({"old", v1::QualityIssue::STALE, "", ""}));
  QualityCounts counts = view.Counts();
  EXPECT_EQ(counts.doubted, (Fields{{"emails", 1}}));
  EXPECT_EQ(counts.issues.size(), 3u);
  view.Fold("c1", ResolvedEvent("missing-emails"));
  view.Fold("c1", ResolvedEvent("old"));
  counts = view.Counts();
  EXPECT_EQ(counts.doubted, (Fields{{"emails", 1}}));
  EXPECT_EQ(counts.issues,
            (std::map<v1::QualityIssue::Kind, int64_t>{{v1::QualityIssue::INVALID, 1}}));
}

TEST(ContactQualityView, DeletedPurgedErasedAndUnreadableLeave) {
  View view;
  for (const char* id : {"c1", "c2", "c3", "c4"}) {
    view.Fold(id, Created(Ada()));
    view.Fold(id, OpenedEvent(Missing("tags")));
  }
  view.Fold("c1", Deleted());
  view.Fold("c2", Deleted());
  view.Fold("c2", Purged());
  view.Fold("c3", Erased());
  view.Unreadable("c4");
  EXPECT_EQ(view.Counts(), QualityCounts());
  for (const char* id : {"c3", "c4"}) view.Fold(id, Created(Ada()));
  EXPECT_EQ(view.Counts(), QualityCounts());
  view.Fold("c1", Undeleted());
  view.Fold("c2", Created(Named("Ada")));
  const QualityCounts counts = view.Counts();
  EXPECT_EQ(counts.contacts, 2);
  EXPECT_EQ(counts.unreachable, 1);
  EXPECT_EQ(counts.doubted, (Fields{{"tags", 2}}));
}

TEST(ContactQualityView, BusinessLineTellsFieldsAndIssues) {
  View view;
  Profile named = Named("Ada");
  named.custom_fields["age"] = int64_t{36};
  view.Fold("c1", Created(named));
  view.Fold("c1", OpenedEvent(Missing("emails")));
  view.Fold("c2", OpenedEvent(Missing("emails")));
  std::vector<std::string> lines;
  for (const auto& [key, value] : view.Rows()) {
    const std::string line = ContactQualityView().BusinessLine(key, value);
    if (!line.empty()) lines.push_back(line);
  }
  EXPECT_EQ(lines, (std::vector<std::string>{"t c1 kind display_name custom_fields.age "
                                             "missing-emails=MISSING:emails"}));
}

std::string MonthOf(TimeNs time) {
  const std::time_t seconds = time / kSecond;
  std::tm civil{};
  gmtime_r(&seconds, &civil);
  return fmt::format("{:04}-{:02}", civil.tm_year + 1900, civil.tm_mon + 1);
}

// When anything of the contact was observed last, since it was born last.
TimeNs LastObserved(const std::vector<testing::Happened>& history) {
  TimeNs last = 0;
  for (const testing::Happened& each : history) {
    if (each.event.has_created()) last = ObservedTime(each.metadata);
    if (each.event.has_profile_changed()) last = std::max(last, ObservedTime(each.metadata));
  }
  return last;
}

// From scratch, over what commands left of each contact.
void CountOne(const Contact& contact, TimeNs last_observed, const ContactQuality& quality,
              QualityCounts* counts) {
  if (contact.existence != Existence::kLiving) return;
  ++counts->contacts;
  const Profile& profile = contact.profile;
  if (profile.emails.empty() && profile.phones.empty() && profile.addresses.empty()) {
    ++counts->unreachable;
  }
  for (const std::string& field : FieldsWithValue(profile)) ++counts->filled[field];
  ++counts->last_observed[MonthOf(last_observed)];
  std::set<std::string> doubted;
  for (const auto& [id, issue] : quality.issues) {
    if (!issue.open()) continue;
    ++counts->issues[issue.kind];
    if (!issue.field.empty()) doubted.insert(issue.field);
  }
  for (const std::string& field : doubted) ++counts->doubted[field];
}

// One contact as commands leave it.
struct Known {
  Contact contact;
  std::vector<testing::Happened> history;
  ContactQuality quality;
};

TEST(ContactQualityViewProperty, CountsAreThoseOfAllContactsAndErasureLeavesNothing) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    testing::Draw draw(seed);
    testing::DrawQuality draw_quality(seed);
    View view, shredded;
    std::map<std::string, Known> known;
    for (int i = 0; i < 80; ++i) {
      const std::string id = "c" + std::to_string(draw.Below(6));
      Known& one = known[id];
      if (draw.Below(8) == 0) view.Flush();
      if (draw.Below(3) == 0) {
        const auto take = [&](const auto& command) {
          const auto events = QualityDecider::Decide(one.quality, command);
          if (!events.ok()) return;
          for (const v1::QualityEvent& event : *events) {
            view.Fold(id, event);
            shredded.Fold(id, testing::Shredded(event));
            common::v1::EventMetadata metadata;
            SetTimestamp((i + 1) * kSecond, metadata.mutable_recorded_time());
            one.quality = QualityDecider::Evolve(one.quality, event, metadata);
          }
        };
        draw.Below(2) == 0 ? take(draw_quality.AnOpening())
                           : take(ResolveIssue{.issue = draw_quality.AnIssue()});
        continue;
      }
      testing::Recorder recorder;
      one.contact = draw.Execute(one.contact, &recorder);
      for (testing::Happened happened : recorder.history()) {
        // So that there are months.
        auto* time = happened.metadata.has_occurred_time()
                         ? happened.metadata.mutable_occurred_time()
                         : happened.metadata.mutable_recorded_time();
        time->set_seconds(time->seconds() % 1'000 * 20 * kDay);
        one.history.push_back(happened);
        view.Fold(id, happened);
        happened.event = testing::Shredded(happened.event);
        shredded.Fold(id, happened);
      }
    }
    QualityCounts expected;
    for (const auto& [id, one] : known) {
      CountOne(one.contact, LastObserved(one.history), one.quality, &expected);
    }
    EXPECT_EQ(view.Counts(), expected);
    for (const auto& [id, one] : known) {
      view.Fold(id, Erased());
      shredded.Fold(id, Erased());
    }
    EXPECT_EQ(view.Rows(), shredded.Rows());
    EXPECT_EQ(view.Counts(), QualityCounts());
  }
}

}  // namespace
}  // namespace crm::contact
