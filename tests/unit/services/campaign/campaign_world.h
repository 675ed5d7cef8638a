#pragma once

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/aggregate/core_rows.h"
#include "common/base/check.h"
#include "common/base/timestamp.h"
#include "common/projection/batch_rows.h"
#include "common/projection/position.h"
#include "common/service/service_definition.h"
#include "common/storage/memory_store.h"
#include "crm/analytics/v1/analytics_events.pb.h"
#include "crm/contact/v1/contact_events.pb.h"
#include "crm/interaction/v1/interaction_events.pb.h"
#include "services/campaign/projection/audience_contacts.h"
#include "services/campaign/projection/audience_orders.h"
#include "services/campaign/projection/audience_scores.h"
#include "services/campaign/projection/reach_aggregate.h"
#include "services/campaign/projection/segment_aggregate.h"
#include "services/campaign/projection/segment_members.h"
#include "services/campaign/projection/segments.h"
#include "services/campaign/reaction/audience_reading.h"
#include "services/campaign/reaction/membership_of_facts.h"
#include "services/campaign/reaction/segment_backfill.h"

namespace crm::campaign::testing {

inline constexpr const char* kTenant = "t";

// One view over a memory store, fed event by event.
class FoldedView {
 public:
  explicit FoldedView(std::unique_ptr<Projection> projection)
      : projection_(std::move(projection)) {}

  void Fold(Partition partition, std::span<const Event> command) {
    Change(partition, command.back().offset, [&](crm::Fold& fold) { return fold.Apply(command); });
  }
  void Unreadable(Partition partition, const std::string& subject, Offset offset,
                  const absl::Status& why) {
    Change(partition, offset,
           [&](crm::Fold& fold) { return fold.Unreadable(kTenant, subject, offset, why); });
  }

  const MemoryStore& rows() const { return rows_; }
  const Projection& projection() const { return *projection_; }
  Offset read_to(Partition partition) const { return read_to_[static_cast<size_t>(partition)]; }

  std::map<std::string, std::string> AllRows() const {
    std::map<std::string, std::string> all;
    for (auto at = rows_.Scan("", ""); at->Valid(); at->Next()) all.emplace(at->key(), at->value());
    return all;
  }

 private:
  template <typename Do>
  void Change(Partition partition, Offset offset, Do what) {
    BatchRows batch(rows_);
    const auto fold = projection_->Begin(partition, batch);
    CRM_CHECK(what(*fold).ok());
    CRM_CHECK(fold->Flush().ok());
    StoredPosition position;
    position.read_to = position.stored = offset + 1;
    batch.Put(PositionRowKey(partition), EncodePosition(position));
    CRM_CHECK(rows_.Write(batch.Take()).ok());
    read_to_[static_cast<size_t>(partition)] = offset + 1;
  }

  std::unique_ptr<Projection> projection_;
  MemoryStore rows_;
  std::array<Offset, kPartitions> read_to_{};
};

// Makes events of one topic, as a reader of its log would decode them.
class EventMaker {
 public:
  explicit EventMaker(const google::protobuf::Message& record) : schema_(record) {}

  // `occurred` 0: not told.
  Event Make(const std::string& aggregate, std::unique_ptr<google::protobuf::Message> record,
             TimeNs recorded, TimeNs occurred = 0) {
    auto* metadata = schema_.MutableMetadata(record.get());
    metadata->set_tenant(kTenant);
    metadata->set_aggregate(aggregate);
    metadata->set_aggregate_version(++versions_[aggregate]);
    SetTimestamp(recorded, metadata->mutable_recorded_time());
    if (occurred != 0) SetTimestamp(occurred, metadata->mutable_occurred_time());
    auto event = schema_.Encode(std::move(record), sealer_);
    CRM_CHECK(event.ok());
    const Partition p = PartitionOfSubject(kTenant, SubjectOf(aggregate));
    event->offset = offsets_[static_cast<size_t>(p)]++;
    return *std::move(event);
  }
  int64_t version(const std::string& aggregate) { return versions_[aggregate]; }

 private:
  EventSchema schema_;
  PlainSealer sealer_;
  std::map<std::string, int64_t> versions_;
  std::array<Offset, kPartitions> offsets_{};
};

inline Partition PartitionOfEvent(const Event& event) {
  return PartitionOfSubject(kTenant, SubjectOf(event.metadata->aggregate()));
}

// The campaign service's segments over memory: each view behind its topic by as much as one likes,
// reactions behind the views, commands behind the reactions. Not thread-safe.
class World {
 public:
  enum Topic { kContacts, kOrders, kScores, kOwn };
  static constexpr int kTopics = 4;

  World() {
    const auto rules = std::make_shared<MembershipRules>(reach_type_);
    using Source = MembershipOfFacts::Source;
    reactions_[kContacts] = std::make_unique<MembershipOfFacts>(Source::kContact, rules);
    reactions_[kOrders] = std::make_unique<MembershipOfFacts>(Source::kOrders, rules);
    reactions_[kScores] = std::make_unique<MembershipOfFacts>(Source::kScores, rules);
    reactions_[kOwn] = std::make_unique<SegmentBackfill>(rules, 7);
  }

  void Append(Topic topic, const std::string& aggregate,
              std::unique_ptr<google::protobuf::Message> record, TimeNs occurred = 0) {
    unfolded_[topic].push_back(std::make_shared<Event>(
        makers_[topic].Make(aggregate, std::move(record), now_ += kSecond, occurred)));
  }
  void Append(const std::string& segment, const v1::SegmentEvent& event) {
    auto record = std::make_unique<v1::CampaignRecord>();
    *record->mutable_segment() = event;
    Append(kOwn, segment, std::move(record));
  }

  // Each one step, where there is one to take; false where there is none.
  bool Fold(Topic topic);
  // `again`: the event will be met once more, as after a crash.
  bool React(Topic topic, bool again);
  // The topics' reactions run on threads of their own: commands of one keep their order, those of
  // several come to the lane in any.
  bool Execute(Topic topic);
  // Until nothing is left to do.
  void Settle();

  Reach ReachOf(const std::string& contact) const {
    const auto at = reaches_.find(ReachName(contact));
    return at == reaches_.end() ? Reach() : at->second->state();
  }
  const FoldedView& members() const { return members_; }
  TimeNs now() const { return now_; }
  int64_t commands_executed() const { return commands_executed_; }
  ServiceReading Reading() const;
  int64_t version(Topic topic, const std::string& aggregate) {
    return makers_[topic].version(aggregate);
  }

 private:
  using ReachState = TypedAggregate<ReachAggregate>;
  struct Task {
    Topic topic;
    std::shared_ptr<Event> event;
    Partition partition;
    std::string progress;
  };
  struct Pending {
    std::string request_id;
    std::unique_ptr<Command> command;
  };
  class Reader final : public AggregateReader {
   public:
    explicit Reader(World& world) : world_(world) {}
    absl::StatusOr<const Aggregate*> Find(const AggregateType&, const std::string& name) override {
      return &world_.StateOf(name);
    }

   private:
    World& world_;
  };

  ReachState& StateOf(const std::string& name) {
    auto& state = reaches_[name];
    if (state == nullptr) state = std::make_unique<ReachState>(name);
    return *state;
  }

  ReachAggregateType reach_type_;
  EventMaker makers_[kTopics] = {EventMaker(contact::v1::ContactRecord::default_instance()),
                                 EventMaker(interaction::v1::InteractionRecord::default_instance()),
                                 EventMaker(analytics::v1::AnalyticsRecord::default_instance()),
                                 EventMaker(v1::CampaignRecord::default_instance())};
  FoldedView views_[kTopics] = {FoldedView(std::make_unique<AudienceContacts>()),
                                FoldedView(std::make_unique<AudienceOrders>()),
                                FoldedView(std::make_unique<AudienceScores>()),
                                FoldedView(std::make_unique<Segments>())};
  FoldedView members_{std::make_unique<SegmentMembers>()};
  MemoryStore core_;
  std::unique_ptr<Reaction> reactions_[kTopics];
  std::deque<std::shared_ptr<Event>> unfolded_[kTopics];
  std::deque<Task> tasks_[kTopics];
  std::deque<Pending> commands_[kTopics];
  // Request ids under which events were recorded.
  std::set<std::string> recorded_;
  std::map<std::string, std::unique_ptr<ReachState>> reaches_;
  SeededRandom random_{1};
  Secret secret_ = *Secret::FromBytes(std::string(32, 's'));
  NameMaker names_{secret_, random_, "campaign"};
  TimeNs now_ = 1'500'000'000 * kSecond;
  int64_t commands_executed_ = 0;
};

}  // namespace crm::campaign::testing
