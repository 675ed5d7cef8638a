#include "tests/simulation/stage_plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "common/base/timestamp.h"
#include "crm/interaction/v1/interaction_events.pb.h"
#include "services/contact/api/beside_contact.h"
#include "services/contact/projection/lifecycle_aggregate.h"
#include "services/contact/reaction/stage_of_orders.h"
#include "tests/support/contact_commands.h"

namespace crm::simulation {
namespace {

using contact::AdvanceLifecycle;
using contact::LifecycleAggregate;
using contact::LifecycleDecider;
using contact::LifecycleState;
using contact::MoveByOrder;
using contact::v1::LifecycleEvent;
using contact::v1::LifecycleStage;
using interaction::v1::InteractionRecord;
using interaction::v1::OrderEvent;

const contact::LifecycleAggregateType& Lifecycles() {
  static const auto* type = new contact::LifecycleAggregateType();
  return *type;
}

template <typename C>
std::unique_ptr<Command> OnLifecycle(const std::string& contact, C command) {
  return std::make_unique<contact::BesideContact<LifecycleAggregate, C>>(
      testing::Contacts(), Lifecycles(), contact, std::move(command));
}

// --- what must hold

using Place = std::pair<Partition, Offset>;

struct Order {
  std::string name;
  std::string contact;
  // As the reaction has it: not after it was recorded.
  TimeNs time = 0;
  int moves = 0;
};

struct Story {
  LifecycleState state;
  int64_t by_orders = 0;
  int64_t by_hand = 0;
  // By distinct name.
  std::set<std::string> orders;
};

class Checker {
 public:
  explicit Checker(const std::map<Partition, std::vector<std::string>>& subjects) {
    for (const auto& [partition, contacts] : subjects) {
      for (const std::string& contact : contacts) stories_[contact];
    }
  }

  void TakeOrder(const ToldEvent& told) {
    const common::v1::EventMetadata& metadata = *told.event->metadata;
    if (told.event->aggregate_field != InteractionRecord::kOrderFieldNumber) return;
    if (!static_cast<const OrderEvent&>(*told.event->aggregate_event).has_recorded()) return;
    Order order{.name = metadata.aggregate(),
                .contact = std::string(SubjectOf(metadata.aggregate())),
                .time = ToTimeNs(metadata.recorded_time())};
    if (metadata.has_occurred_time()) {
      order.time = std::min(order.time, ToTimeNs(metadata.occurred_time()));
    }
    const auto story = stories_.find(order.contact);
    // Of a partition that nobody owns.
    if (story == stories_.end()) return;
    story->second.orders.insert(order.name);
    orders_[{told.partition, told.offset}] = std::move(order);
  }

  void TakeMove(const ToldEvent& told) {
    if (told.event->aggregate_field != LifecycleAggregate::kRecordField) return;
    const auto& event = static_cast<const LifecycleEvent&>(*told.event->aggregate_event);
    const common::v1::EventMetadata& metadata = *told.event->metadata;
    Story& story = stories_[std::string(SubjectOf(metadata.aggregate()))];
    if (event.stage_changed().reason() == contact::kOrderReason) {
      ++story.by_orders;
      TakeMoveByOrder(metadata, event.stage_changed(), story);
    } else {
      ++story.by_hand;
    }
    story.state = LifecycleDecider::Evolve(std::move(story.state), event, metadata);
  }

  std::vector<Finding> Conclude() {
    for (const auto& [place, order] : orders_) CheckOrder(order);
    for (const auto& [contact, story] : stories_) CheckCounts(contact, story);
    return std::move(findings_);
  }

  void AddTo(StageTotals* totals) const {
    totals->orders += static_cast<int64_t>(orders_.size());
    for (const auto& [contact, story] : stories_) {
      totals->moves_by_orders += story.by_orders;
      totals->moves_by_hand += story.by_hand;
    }
  }

 private:
  void Report(Fault fault, std::string text) { findings_.push_back({fault, std::move(text)}); }

  void TakeMoveByOrder(const common::v1::EventMetadata& metadata,
                       const contact::v1::LifecycleStageChanged& moved, const Story& before) {
    const auto found = orders_.find({metadata.source().partition(), metadata.source().offset()});
    if (found == orders_.end() || found->second.contact != SubjectOf(metadata.aggregate())) {
      return Report(Fault::kUnissued, metadata.aggregate() + " was moved by no order of its own");
    }
    Order& order = found->second;
    if (++order.moves > 1) {
      Report(Fault::kNotOnce, fmt::format("{} moved the stage {} times", order.name, order.moves));
    }
    if (!Moves(before.state, order) || moved.from() != before.state.stage) {
      Report(Fault::kUnjustified, fmt::format("{} moved the stage against the rules", order.name));
    }
  }

  static bool Moves(const LifecycleState& state, const Order& order) {
    const auto events =
        LifecycleDecider::Decide(state, MoveByOrder{.order = order.name, .order_time = order.time});
    return events.ok() && !events->empty();
  }

  // What moved nothing then must move nothing now, so that meeting it again does no harm.
  void CheckOrder(const Order& order) {
    if (order.moves > 0 || !Moves(stories_[order.contact].state, order)) return;
    Report(Fault::kNotOnce, order.name + " has moved nothing, and would now");
  }

  void CheckCounts(const std::string& contact, const Story& story) {
    if (story.by_hand > 0) return;
    const auto moves = static_cast<int64_t>(std::min<size_t>(story.orders.size(), 2));
    const LifecycleStage stage = moves == 0   ? contact::v1::SUSPECT
                                 : moves == 1 ? contact::v1::FIRST_TIME
                                              : contact::v1::REPEAT;
    if (story.by_orders == moves && story.state.stage == stage) return;
    Report(Fault::kNotOnce,
           fmt::format("{} orders moved {} {} times, to {}", story.orders.size(), contact,
                       story.by_orders, contact::v1::LifecycleStage_Name(story.state.stage)));
  }

  std::map<Place, Order> orders_;
  std::map<std::string, Story> stories_;
  std::vector<Finding> findings_;
};

}  // namespace

struct StagePlot::State {
  std::map<Partition, std::vector<std::string>> subjects;
  // By contact, those that were told.
  std::map<std::string, std::vector<std::string>> orders;
  AggregateTypes types{{testing::ContactTraits::kRecordField, &testing::Contacts()},
                       {LifecycleAggregate::kRecordField, &Lifecycles()}};
  std::unique_ptr<Reaction> reaction;
  bool by_hand = false;
  int64_t next_order = 0;
  int64_t next_request = 0;
  int64_t commands_made = 0;
  StageTotals totals;
};

StagePlot::StagePlot(const Options& options) : state_(std::make_unique<State>()) {
  state_->reaction = std::make_unique<contact::StageOfOrders>(
      [state = state_.get(), options](const std::string& contact, MoveByOrder order) {
        const int64_t number = state->commands_made++;
        if (options.fault_forget_order) order.order += "#" + std::to_string(number);
        return OnLifecycle(contact, std::move(order));
      });
}
StagePlot::~StagePlot() = default;

const google::protobuf::Message& StagePlot::source_record() const {
  return InteractionRecord::default_instance();
}
const google::protobuf::Message& StagePlot::record() const {
  return contact::v1::ContactRecord::default_instance();
}
const AggregateTypes& StagePlot::types() const {
  return state_->types;
}
std::vector<Reaction*> StagePlot::reactions() {
  return {state_->reaction.get()};
}
const StageTotals& StagePlot::totals() const {
  return state_->totals;
}

void StagePlot::Begin(const std::vector<Partition>& partitions, Dice& dice) {
  state_->by_hand = dice.Chance(0.5);
  for (const Partition p : partitions) {
    state_->subjects[p] = testing::SubjectsIn(p, kPlotTenant, 1 + dice.Below(6));
  }
}

// Events of one contact; where the partition has none, of somebody else's.
std::vector<NewEvent> StagePlot::NextSource(Partition partition, Dice& dice) {
  const auto owned = state_->subjects.find(partition);
  const std::string contact =
      owned == state_->subjects.end() ? "contacts/elsewhere" : dice.Pick(owned->second);
  std::vector<std::string>& known = state_->orders[contact];
  std::vector<NewEvent> events;
  const size_t count = 1 + dice.Below(3);
  for (size_t i = 0; i < count; ++i) {
    auto record = std::make_unique<InteractionRecord>();
    std::string name = contact + "/interactions/i1";
    if (dice.Chance(0.7)) {
      name = fmt::format("{}/orders/o{}", contact, state_->next_order++);
      known.push_back(name);
      record->mutable_order()->mutable_recorded()->mutable_plain();
      if (dice.Chance(0.7)) {
        SetTimestamp(kWallStart + dice.Between(-5 * kSecond, 20 * kSecond),
                     record->mutable_metadata()->mutable_occurred_time());
      }
    } else if (!known.empty() && dice.Chance(0.5)) {
      name = dice.Pick(known);
      record->mutable_order()->mutable_corrected()->mutable_plain();
    } else {
      record->mutable_interaction()->mutable_logged()->mutable_plain();
    }
    events.push_back({nullptr, name, std::move(record)});
  }
  return events;
}

std::unique_ptr<Command> StagePlot::NextCommand(Dice& dice) {
  if (!state_->by_hand) return nullptr;
  auto at = state_->subjects.begin();
  std::advance(at, dice.Below(state_->subjects.size()));
  const std::string contact = dice.Pick(at->second);
  AdvanceLifecycle advance;
  advance.to = dice.Pick(std::vector<LifecycleStage>{contact::v1::PROSPECT, contact::v1::FIRST_TIME,
                                                     contact::v1::CLIENT, contact::v1::FORMER});
  const std::vector<std::string>& known = state_->orders[contact];
  const bool names_order = advance.to == contact::v1::FIRST_TIME && !known.empty();
  if (names_order) advance.evidence = dice.Pick(known);
  auto command = OnLifecycle(contact, std::move(advance));
  command->caller.tenant = kPlotTenant;
  command->request_id = "move-" + std::to_string(state_->next_request++);
  return command;
}

std::vector<Finding> StagePlot::Check(const std::vector<ToldEvent>& source,
                                      const std::vector<ToldEvent>& own) const {
  Checker checker(state_->subjects);
  for (const ToldEvent& told : source) checker.TakeOrder(told);
  for (const ToldEvent& told : own) checker.TakeMove(told);
  checker.AddTo(&state_->totals);
  return checker.Conclude();
}

}  // namespace crm::simulation
