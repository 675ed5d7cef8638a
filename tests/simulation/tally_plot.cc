#include "tests/simulation/tally_plot.h"

#include <fmt/format.h>

#include <map>
#include <tuple>

#include "common/base/status.h"
#include "tests/simulation/tally.pb.h"
#include "tests/support/contact_commands.h"

namespace crm::simulation {
namespace {

constexpr size_t kChunk = 2;

// --- the decider

struct TallyState {
  int64_t total = 0;
  bool closed = false;
  bool operator==(const TallyState&) const = default;
};
struct MoveTally {
  int64_t by = 0;
};
struct CloseTally {
  bool close = true;
};

struct TallyDecider {
  using State = TallyState;
  using Event = v1::TallyEvent;
  using Events = std::vector<Event>;

  static State Evolve(State state, const Event& event) {
    if (event.has_moved()) state.total += event.moved().by();
    if (event.has_closed()) state.closed = true;
    if (event.has_reopened()) state.closed = false;
    return state;
  }
  static absl::StatusOr<Events> Decide(const State& state, const MoveTally& command) {
    if (state.closed) {
      return Error(absl::StatusCode::kFailedPrecondition, "TALLY_CLOSED", "the tally is closed");
    }
    Events events(1);
    events[0].mutable_moved()->set_by(command.by);
    return events;
  }
  static absl::StatusOr<Events> Decide(const State& state, const CloseTally& command) {
    if (state.closed == command.close) return Events();
    Events events(1);
    command.close ? void(events[0].mutable_closed()) : void(events[0].mutable_reopened());
    return events;
  }
};

struct TallyAggregate {
  using Decider = TallyDecider;
  using Resource = v1::Tally;
  using Record = v1::TallyRecord;
  static constexpr int kRecordField = 10;
  static constexpr std::string_view kCollection = "contacts";
  static v1::TallyEvent* Mutable(Record* record) { return record->mutable_tally(); }
  static TallyState Load(const Resource& row) { return {row.total(), row.closed()}; }
  static Resource Store(const TallyState& state, const AggregateInfo& info) {
    Resource row;
    row.set_name(info.name);
    row.set_total(state.total);
    row.set_closed(state.closed);
    return row;
  }
};

const TypedAggregateType<TallyAggregate>& TallyType() {
  static const auto* type = new TypedAggregateType<TallyAggregate>();
  return *type;
}

std::unique_ptr<Command> Move(const std::string& name, int64_t by) {
  return std::make_unique<DeciderCommand<TallyAggregate, MoveTally>>(TallyType(), name,
                                                                     MoveTally{by});
}

const v1::FactEvent& FactOf(const Event& event) {
  return static_cast<const v1::FactEvent&>(*event.aggregate_event);
}

// --- the reactions

using Subjects = std::map<Partition, std::vector<std::string>>;

class MoveOnFact final : public Reaction {
 public:
  explicit MoveOnFact(std::function<bool()> fails) : fails_(std::move(fails)) {}
  std::string_view name() const override { return "move-on-fact"; }
  std::string_view topic() const override { return kSourceTopic; }
  const google::protobuf::Message& record() const override {
    return v1::FactRecord::default_instance();
  }
  bool Concerns(const Event& event) const override {
    return FactOf(event).has_happened() && FactOf(event).happened().amount() != 0;
  }
  absl::StatusOr<ReactionStep> React(const ReactionContext&, const Event& event,
                                     std::string_view) override {
    if (fails_()) return absl::UnavailableError("not now");
    ReactionStep step;
    step.commands.push_back(Move(event.metadata->aggregate(), FactOf(event).happened().amount()));
    return step;
  }

 private:
  const std::function<bool()> fails_;
};

class MoveAllOnBonus final : public Reaction {
 public:
  MoveAllOnBonus(const Subjects& subjects, std::function<bool()> fails)
      : subjects_(subjects), fails_(std::move(fails)) {}
  std::string_view name() const override { return "move-all-on-bonus"; }
  std::string_view topic() const override { return kSourceTopic; }
  const google::protobuf::Message& record() const override {
    return v1::FactRecord::default_instance();
  }
  bool broadcast() const override { return true; }
  bool Concerns(const Event& event) const override { return FactOf(event).has_granted(); }
  absl::StatusOr<ReactionStep> React(const ReactionContext& context, const Event& event,
                                     std::string_view progress) override {
    if (fails_()) return absl::UnavailableError("not now");
    const auto& all = subjects_.at(context.partition);
    const size_t from = progress.empty() ? 0 : std::stoul(std::string(progress));
    const size_t to = std::min(all.size(), from + kChunk);
    ReactionStep step;
    for (size_t i = from; i < to; ++i) {
      step.commands.push_back(Move(all[i], FactOf(event).granted().amount()));
    }
    if (to < all.size()) step.progress = std::to_string(to);
    return step;
  }

 private:
  const Subjects& subjects_;
  const std::function<bool()> fails_;
};

// --- what must hold: by source partition, offset, reaction's kind and tally

using Place = std::tuple<Partition, Offset, std::string>;

struct Effects {
  std::vector<int64_t> moved;
  int64_t refused = 0;
};

std::map<Place, Effects> EffectsOf(const std::vector<ToldEvent>& own) {
  std::map<Place, Effects> effects;
  for (const ToldEvent& told : own) {
    if (told.event->aggregate_field == kReactionField) {
      const auto& event =
          static_cast<const common::v1::ReactionEvent&>(*told.event->aggregate_event);
      if (!event.has_refused()) continue;
      const auto& refused = event.refused();
      ++effects[{refused.source().partition(), refused.source().offset(), refused.aggregate()}]
            .refused;
      continue;
    }
    const auto& event = static_cast<const v1::TallyEvent&>(*told.event->aggregate_event);
    if (!event.has_moved()) continue;
    const auto& metadata = *told.event->metadata;
    effects[{metadata.source().partition(), metadata.source().offset(), metadata.aggregate()}]
        .moved.push_back(event.moved().by());
  }
  return effects;
}

}  // namespace

struct TallyPlot::State {
  Subjects subjects;
  AggregateTypes types{{TallyAggregate::kRecordField, &TallyType()}};
  Dice dice{1};
  double failures = 0;
  int64_t next_bonus = 0;
  int64_t next_request = 0;
  std::vector<std::unique_ptr<Reaction>> reactions;
};

TallyPlot::TallyPlot() : state_(std::make_unique<State>()) {
  const auto fails = [state = state_.get()] { return state->dice.Chance(state->failures); };
  state_->reactions.push_back(std::make_unique<MoveOnFact>(fails));
  state_->reactions.push_back(std::make_unique<MoveAllOnBonus>(state_->subjects, fails));
}
TallyPlot::~TallyPlot() = default;

const google::protobuf::Message& TallyPlot::source_record() const {
  return v1::FactRecord::default_instance();
}
const google::protobuf::Message& TallyPlot::record() const {
  return v1::TallyRecord::default_instance();
}
const AggregateTypes& TallyPlot::types() const {
  return state_->types;
}

std::vector<Reaction*> TallyPlot::reactions() {
  std::vector<Reaction*> all;
  for (const auto& reaction : state_->reactions) all.push_back(reaction.get());
  return all;
}

void TallyPlot::Begin(const std::vector<Partition>& partitions, Dice& dice) {
  state_->dice = Dice(dice.Seed());
  state_->failures = dice.Chance(0.5) ? 0.1 : 0;
  for (const Partition p : partitions) {
    state_->subjects[p] = testing::SubjectsIn(p, kPlotTenant, 1 + dice.Below(6));
  }
}

std::vector<NewEvent> TallyPlot::NextSource(Partition partition, Dice& dice) {
  std::vector<NewEvent> events;
  const auto owned = state_->subjects.find(partition);
  const bool bonus = owned == state_->subjects.end() || dice.Chance(0.15);
  const std::string subject =
      bonus ? "bonuses/b" + std::to_string(state_->next_bonus++) : dice.Pick(owned->second);
  const size_t count = 1 + dice.Below(3);
  for (size_t i = 0; i < count; ++i) {
    auto record = std::make_unique<v1::FactRecord>();
    if (bonus && i == 0) {
      record->mutable_fact()->mutable_granted()->set_amount(dice.Between(1, 9));
    } else {
      // Some concern nobody; those of a bonus have no tally.
      record->mutable_fact()->mutable_happened()->set_amount(
          bonus || dice.Chance(0.3) ? 0 : dice.Between(1, 9));
    }
    events.push_back({nullptr, subject, std::move(record)});
  }
  return events;
}

std::unique_ptr<Command> TallyPlot::NextCommand(Dice& dice) {
  auto at = state_->subjects.begin();
  std::advance(at, dice.Below(state_->subjects.size()));
  auto command = std::make_unique<DeciderCommand<TallyAggregate, CloseTally>>(
      TallyType(), dice.Pick(at->second), CloseTally{dice.Chance(0.4)});
  command->caller.tenant = kPlotTenant;
  command->request_id = "close-" + std::to_string(state_->next_request++);
  return command;
}

void TallyPlot::CalmDown() {
  state_->failures = 0;
}

std::vector<Finding> TallyPlot::Check(const std::vector<ToldEvent>& source,
                                      const std::vector<ToldEvent>& own) const {
  std::vector<Finding> findings;
  std::map<Place, Effects> effects = EffectsOf(own);
  const auto expect = [&](const ToldEvent& told, const std::string& tally, int64_t amount) {
    const auto found = effects.extract(Place{told.partition, told.offset, tally});
    const Effects was = found.empty() ? Effects() : found.mapped();
    const bool once = was.moved.size() + static_cast<size_t>(was.refused) > 0 &&
                      was.moved.size() <= 1 && was.refused <= 1 &&
                      (was.moved.empty() || was.moved[0] == amount);
    if (once) return;
    findings.push_back(
        {Fault::kNotOnce,
         fmt::format("the event {}/{} moved {} {} times and was refused {} times", told.partition,
                     told.offset, tally, was.moved.size(), was.refused)});
  };
  for (const ToldEvent& told : source) {
    const v1::FactEvent& fact = FactOf(*told.event);
    if (fact.has_granted()) {
      for (const auto& [partition, tallies] : state_->subjects) {
        for (const std::string& tally : tallies) expect(told, tally, fact.granted().amount());
      }
    } else if (fact.happened().amount() != 0) {
      expect(told, told.event->metadata->aggregate(), fact.happened().amount());
    }
  }
  for (const auto& [place, effect] : effects) {
    findings.push_back({Fault::kUnissued,
                        fmt::format("{} moved for {}/{}, which asks for nothing",
                                    std::get<2>(place), std::get<0>(place), std::get<1>(place))});
  }
  return findings;
}

}  // namespace crm::simulation
