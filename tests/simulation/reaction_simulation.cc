#include "tests/simulation/reaction_simulation.h"

#include <fmt/format.h>

#include "common/aggregate/core_rows.h"
#include "common/base/secret.h"
#include "common/projection/bulk_rebuild.h"
#include "common/projection/dump.h"
#include "common/service/reactor.h"
#include "common/service/service_definition.h"
#include "tests/simulation/lagging_view.h"
#include "tests/simulation/node.h"
#include "tests/simulation/reference_log.h"
#include "tests/simulation/source_writer.h"
#include "tests/support/test_sealer.h"

namespace crm::simulation {
namespace {

constexpr TimeNs kPatience = 120 * kSecond;
// What was sent before the faults ended has landed by then.
constexpr TimeNs kAftermath = 7 * kSecond;

class VirtualClock final : public Clock {
 public:
  explicit VirtualClock(const VirtualTime& time) : time_(time) {}
  TimeNs Now() const override { return kWallStart + time_.now(); }
  TimeNs Monotonic() const override { return time_.now(); }

 private:
  const VirtualTime& time_;
};

class Run;

// A node with the reactions of its process.
class ReactingNode final : public ReactionHost {
 public:
  ReactingNode(Run& run, Surroundings& around, std::string name, uint64_t seed);

  void Start();
  void Crash(bool lose_store);
  Node& node() { return node_; }
  // One for each topic that reactions follow.
  const std::vector<std::unique_ptr<Reactor>>& reactors() const { return reactors_; }
  void CalmDown();
  // In lives before this one.
  int64_t retries() const { return retries_; }

  std::optional<Offset> Reign(Partition partition) override;
  std::shared_ptr<const ServiceReading> Read() override;
  void Submit(std::unique_ptr<Command> command) override;

 private:
  void Turn(uint64_t life);
  int64_t Retries() const;

  Run& run_;
  Node node_;
  Dice dice_;
  SeededRandom random_;
  std::vector<std::unique_ptr<LaggingView>> views_;
  std::vector<std::unique_ptr<Reactor>> reactors_;
  uint64_t life_ = 0;
  int64_t retries_ = 0;
};

class Run {
 public:
  Run(Plot& plot, const ReactionRunOptions& options)
      : options_(options),
        plot_(plot),
        dice_(options.seed),
        weather_(Weather::Draw(dice_)),
        core_(plot.types(), 1),
        schema_(plot.record()),
        source_schema_(plot.source_record()),
        log_(time_, dice_.Seed(), weather_, plot.topic()),
        source_({source_schema_, sealer_}, dice_.Seed(), plot.source_topic()),
        clock_(time_),
        secret_(*Secret::FromBytes(std::string(32, 's'))),
        names_(secret_, name_random_, "simulated"),
        around_{time_, weather_, log_, core_, schema_, sealer_, {}, {}, false} {
    for (size_t i = 0; i < weather_.partitions; ++i) {
      around_.partitions.push_back(static_cast<Partition>(i));
    }
    plot_.Begin(around_.partitions, dice_);
    log_.landed = [this](Partition, const Record& record) {
      totals_.ownerships += record.kind == RecordKind::kOwn ? 1 : 0;
    };
    for (size_t i = 0; i < weather_.nodes; ++i) {
      nodes_.push_back(
          std::make_unique<ReactingNode>(*this, around_, fmt::format("node-{}", i), dice_.Seed()));
      ReactingNode* node = nodes_.back().get();
      node->node().failed = [this, node] { CrashAndRestart(*node); };
    }
    DrawReactorOptions();
  }

  ReactionRunResult Go() {
    for (auto& node : nodes_) node->Start();
    ShiftHints();
    Mishaps();
    Every(weather_.until / 40, [this] { HappenInSource(); });
    Every(weather_.until / 30, [this] { SendCommand(); });
    time_.RunUntil(weather_.until);
    Heal();
    if (!RunUntilQuiet(kAftermath)) ReportMissing("after the faults");
    time_.RunUntil(time_.now() + plot_.pause_before_rebuild());
    plot_.Rest();
    const size_t events = OwnEvents(nullptr);
    for (auto& node : nodes_) DumpStore(node->node().name(), node->node().store());
    RebuildAll();
    if (OwnEvents(nullptr) != events) {
      Report(Fault::kNotOnce,
             fmt::format("a rebuild reacted: {} events became {}", events, OwnEvents(nullptr)));
    }
    return Conclude();
  }

  // --- for nodes

  std::vector<std::unique_ptr<Reactor>> MakeReactors(ReactionHost& host, Random& random) {
    std::vector<Reaction*> of_source;
    std::vector<Reaction*> of_own;
    for (Reaction* reaction : plot_.reactions()) {
      (reaction->topic() == plot_.topic() ? of_own : of_source).push_back(reaction);
    }
    std::vector<std::unique_ptr<Reactor>> reactors;
    const auto add = [&](std::vector<Reaction*> reactions, Log& log, const EventSchema& schema) {
      if (reactions.empty()) return;
      reactors.push_back(
          std::make_unique<Reactor>(reactor_options_, std::move(reactions), plot_.record(), log,
                                    EventSource{schema, sealer_}, names_, clock_, random, host));
    };
    add(std::move(of_source), source_.log(), source_schema_);
    add(std::move(of_own), log_.log(), schema_);
    return reactors;
  }

  LaggingView::Source SourceOf(const std::string& topic) {
    if (topic == plot_.topic()) {
      return {[this](Partition p) -> const std::vector<Record>& { return log_.records(p); },
              {schema_, sealer_},
              log_.log().identity()};
    }
    LaggingView::Source source{{}, {source_schema_, sealer_}, source_.log().identity()};
    if (topic != plot_.source_topic()) return source;
    source.records = [this](Partition p) -> const std::vector<Record>& {
      return source_.records(p);
    };
    return source;
  }

  std::vector<std::unique_ptr<LaggingView>> MakeViews() {
    std::vector<std::unique_ptr<LaggingView>> views;
    for (const PlotView& view : plot_.views()) {
      views.push_back(std::make_unique<LaggingView>(view, SourceOf(view.topic), around_.partitions,
                                                    dice_.Seed()));
    }
    return views;
  }

  VirtualTime& time() { return time_; }

  bool Owned(Partition partition) const {
    return static_cast<size_t>(partition) < around_.partitions.size();
  }

  // To a node that takes it, if any, as a forwarded call: what is lost on the way, or with the
  // node, is answered UNAVAILABLE in the end.
  void Route(ReactingNode& from, std::unique_ptr<Command> command) {
    const Partition partition = command->partition.has_value()
                                    ? *command->partition
                                    : PartitionOfSubject(command->caller.tenant, command->subject);
    const auto done =
        std::make_shared<std::function<void(absl::StatusOr<Outcome>)>>(std::move(command->done));
    const auto answer = [done](absl::StatusOr<Outcome> outcome) {
      if (auto once = std::exchange(*done, nullptr)) once(std::move(outcome));
    };
    const auto unavailable = [answer] { answer(absl::UnavailableError("no answer")); };
    ReactingNode* to = Owned(partition) ? Taker(from, partition) : nullptr;
    if (to == nullptr) return unavailable();
    time_.After(3 * kSecond, unavailable);
    if (Lost()) return;
    command->done = [answer, lost = Lost()](absl::StatusOr<Outcome> outcome) {
      if (!lost) answer(std::move(outcome));
    };
    const auto shared = std::make_shared<std::unique_ptr<Command>>(std::move(command));
    const TimeNs delay = dice_.Chance(0.02) && !around_.calm ? dice_.Between(0, 2 * kSecond)
                                                             : dice_.Between(10'000, kMillisecond);
    time_.After(delay,
                [to, partition, shared] { to->node().Submit(partition, std::move(*shared)); });
  }

 private:
  ReactingNode* Taker(ReactingNode& from, Partition partition) {
    if (from.node().Open(partition)) return &from;
    for (auto& node : nodes_) {
      if (node->node().Open(partition)) return node.get();
    }
    return nullptr;
  }
  bool Lost() { return !around_.calm && dice_.Chance(weather_.message_lost / 2); }

  void DrawReactorOptions() {
    ReactionCursor::Options& cursor = reactor_options_.cursor;
    cursor.window = 1 + dice_.Below(8);
    cursor.record_commands = dice_.Between(1, 20);
    cursor.record_after = dice_.Between(50 * kMillisecond, 2 * kSecond);
    cursor.record_idle_after = dice_.Between(20 * kMillisecond, 2 * kSecond);
    // What is recorded in a topic that is followed itself makes it longer.
    cursor.record_distance = dice_.Between(5, 60) + (plot_.views().empty() ? 0 : 20);
    // A command that was given up is not begun with any more.
    cursor.answer_timeout = 5 * kSecond;
    reactor_options_.command_deadline = kSecond;
    reactor_options_.max_commands = 1 + dice_.Below(32);
    reactor_options_.max_events = 2 + dice_.Below(20);
    cursor.faults = options_.faults;
    reactor_options_.fault_no_request_id = options_.fault_no_request_id;
  }

  // --- what happens

  void HappenInSource() {
    const auto partition = static_cast<Partition>(dice_.Below(around_.partitions.size() + 1));
    source_.Write(partition, plot_.NextSource(partition, dice_), clock_.Now());
  }

  void SendCommand() {
    std::unique_ptr<Command> command = plot_.NextCommand(dice_);
    if (command == nullptr) return;
    command->done = [](const absl::StatusOr<Outcome>&) {};
    Route(AnyNode(), std::move(command));
  }

  ReactingNode& AnyNode() { return *nodes_[dice_.Below(nodes_.size())]; }

  void Every(TimeNs mean, const std::function<void()>& happen) {
    if (mean == 0) return;
    time_.After(dice_.Between(mean / 4, mean * 2), [this, mean, happen] {
      if (around_.calm) return;
      happen();
      Every(mean, happen);
    });
  }

  void Mishaps() {
    Every(weather_.between_pauses, [this] { PauseOne(); });
    Every(weather_.between_crashes, [this] { CrashAndRestart(AnyNode()); });
    Every(weather_.between_hints, [this] { ShiftHints(); });
    Every(weather_.between_releases, [this] { ReleaseOne(); });
  }

  void PauseOne() {
    Node& node = AnyNode().node();
    if (!node.up() || node.paused()) return;
    node.Pause();
    time_.After(dice_.Between(10 * kMillisecond, 4 * kSecond), [&node] { node.Resume(); });
  }

  void CrashAndRestart(ReactingNode& node) {
    if (!node.node().up()) return;
    ++totals_.crashes;
    node.Crash(false);
    time_.After(dice_.Between(kMillisecond, 2 * kSecond), [&node] {
      if (!node.node().up()) node.Start();
    });
  }

  void ShiftHints() {
    for (const Partition p : around_.partitions) {
      const size_t first = dice_.Below(nodes_.size());
      const size_t second = dice_.Chance(0.25) ? dice_.Below(nodes_.size()) : first;
      for (size_t i = 0; i < nodes_.size(); ++i) SendHint(i, p, i == first || i == second);
    }
  }

  void SendHint(size_t node, Partition partition, bool mine) {
    time_.After(dice_.Between(kMillisecond, 100 * kMillisecond),
                [this, node, partition, mine] { nodes_[node]->node().Hint(partition, mine); });
  }

  void ReleaseOne() {
    Node& node = AnyNode().node();
    const Partition partition = dice_.Pick(around_.partitions);
    if (!node.Open(partition)) return;
    const std::string successor = AnyNode().node().name();
    node.Post([successor](Lane& lane) { lane.Release(successor); }, partition);
  }

  // --- the end

  void Heal() {
    around_.calm = true;
    log_.CalmDown();
    plot_.CalmDown();
    for (auto& node : nodes_) {
      node->CalmDown();
      if (!node->node().up()) node->Start();
      node->node().Resume();
    }
    SettleOwners();
  }

  void SettleOwners() {
    for (const Partition p : around_.partitions) {
      const size_t owner = dice_.Below(nodes_.size());
      time_.After(200 * kMillisecond, [this, owner, p] {
        for (size_t i = 0; i < nodes_.size(); ++i) SendHint(i, p, i == owner);
      });
    }
  }

  // Answers no sooner than after `least`.
  bool RunUntilQuiet(TimeNs least) {
    const TimeNs begun = time_.now();
    time_.RunUntil(begun + least);
    while (!Quiet() && time_.now() < begun + kPatience) {
      time_.RunUntil(time_.now() + 300 * kMillisecond);
    }
    return Quiet();
  }

  bool Quiet() {
    for (const Partition p : around_.partitions) {
      size_t owners = 0;
      for (auto& node : nodes_) {
        if (node->node().lane(p) == nullptr || node->node().lane(p)->read_to() < log_.end(p) ||
            node->node().lane(p)->unanswered() > 0) {
          return false;
        }
        if (!node->node().Open(p)) continue;
        ++owners;
        if (!AllReacted(*node, p)) return false;
      }
      if (owners != 1) return false;
    }
    return true;
  }

  bool AllReacted(const ReactingNode& node, Partition partition) {
    size_t seats = 0;
    for (const auto& reactor : node.reactors()) {
      for (const ReactionStanding& standing : reactor->standings()) {
        if (standing.partition != partition) continue;
        ++seats;
        const Offset end = standing.topic == plot_.topic() ? log_.end(standing.source)
                                                           : source_.end(standing.source);
        if (standing.waiting > 0 || standing.reacted_to < end) return false;
      }
    }
    return seats > 0;
  }

  void ReportMissing(const std::string& when) {
    for (const Partition p : around_.partitions) {
      for (auto& node : nodes_) {
        if (!node->node().Open(p) || AllReacted(*node, p)) continue;
        Report(Fault::kProgress, fmt::format("{}: {} has not reacted to all in partition {}", when,
                                             node->node().name(), p));
      }
    }
    if (findings_.empty()) Report(Fault::kProgress, when + ": no owner, or not read to the end");
  }

  void RebuildAll() {
    for (auto& node : nodes_) node->Crash(true);
    for (auto& node : nodes_) node->Start();
    SettleOwners();
    if (!RunUntilQuiet(2 * kSecond)) ReportMissing("after the rebuild");
  }

  void DumpStore(const std::string& replica, const Store& store) {
    for (const Partition p : around_.partitions) {
      const auto summary = DumpPartition(store, core_, p, DumpKind::kCanonical, {});
      dumps_.push_back({replica, p, summary.ok() ? summary->hash : "unreadable"});
    }
  }

  void Report(Fault fault, std::string text) { findings_.push_back({fault, std::move(text)}); }

  // Valid events of the service's own topic that are no progress of reactions.
  size_t OwnEvents(std::vector<ToldEvent>* told) {
    std::map<Partition, std::vector<Record>> records;
    for (const Partition p : around_.partitions) records[p] = log_.records(p);
    const CheckerOptions options{{schema_, sealer_}, core_.types(), nullptr};
    ReferenceLog log = ReadReference(records, options);
    size_t count = 0;
    for (ValidCommand& command : log.commands) {
      for (Event& event : command.events) {
        count += event.aggregate_field != kReactionField ? 1 : 0;
        if (told == nullptr) continue;
        const Offset offset = event.offset;
        told->push_back(
            {command.partition, offset, std::make_shared<const Event>(std::move(event))});
      }
    }
    if (told != nullptr) {
      for (Finding& finding : log.findings) findings_.push_back(std::move(finding));
    }
    return count;
  }

  ReactionRunResult Conclude() {
    MemoryStore bulk;
    const auto rebuilt = BulkRebuild(log_.log(), core_, {schema_, sealer_}, bulk, RebuildOptions());
    if (!rebuilt.ok()) Report(Fault::kBroken, rebuilt.status().ToString());
    dumps_.clear();
    for (auto& node : nodes_) DumpStore(node->node().name(), node->node().store());
    DumpStore("rebuild", bulk);
    for (const ReplicaDump& dump : dumps_) {
      for (const ReplicaDump& other : dumps_) {
        if (dump.partition != other.partition || dump.hash == other.hash) continue;
        Report(Fault::kReplicas, fmt::format("partition {}: {} differs from {}", dump.partition,
                                             dump.replica, other.replica));
      }
    }
    std::vector<ToldEvent> own;
    totals_.own_events = static_cast<int64_t>(OwnEvents(&own));
    totals_.progress_events = static_cast<int64_t>(own.size()) - totals_.own_events;
    totals_.source_events = static_cast<int64_t>(source_.told().size());
    for (Finding& finding : plot_.Check(source_.told(), own)) {
      findings_.push_back(std::move(finding));
    }
    for (const ToldEvent& told : own) {
      if (told.event->event->GetDescriptor() != common::v1::ReactionRefused::descriptor()) continue;
      ++totals_.refusals;
    }
    for (const auto& node : nodes_) totals_.retries += node->retries();
    return {std::move(findings_), totals_};
  }

  const ReactionRunOptions options_;
  Plot& plot_;
  Dice dice_;
  const Weather weather_;
  VirtualTime time_;
  testing::TestSealer sealer_;
  const CoreProjection core_;
  const EventSchema schema_;
  const EventSchema source_schema_;
  FaultyLog log_;
  SourceWriter source_;
  const VirtualClock clock_;
  const Secret secret_;
  SeededRandom name_random_{1};
  const NameMaker names_;
  Surroundings around_;
  Reactor::Options reactor_options_;
  std::vector<std::unique_ptr<ReactingNode>> nodes_;
  std::vector<ReplicaDump> dumps_;
  std::vector<Finding> findings_;
  ReactionTotals totals_;
};

ReactingNode::ReactingNode(Run& run, Surroundings& around, std::string name, uint64_t seed)
    : run_(run),
      node_(around, std::move(name), seed),
      dice_(seed + 1),
      random_(seed + 2),
      views_(run.MakeViews()) {}

void ReactingNode::Start() {
  node_.Start();
  for (auto& view : views_) view->Start();
  reactors_ = run_.MakeReactors(*this, random_);
  Turn(++life_);
}

void ReactingNode::Crash(bool lose_store) {
  ++life_;
  retries_ += Retries();
  reactors_.clear();
  for (auto& view : views_) view->Crash(lose_store);
  lose_store ? node_.CrashAndLoseStore() : node_.Crash();
}

void ReactingNode::CalmDown() {
  for (auto& view : views_) view->CalmDown();
}

void ReactingNode::Turn(uint64_t life) {
  if (life != life_) return;
  if (!node_.paused()) {
    for (auto& view : views_) view->Advance();
    for (auto& reactor : reactors_) (void)reactor->Turn(0);
  }
  run_.time().After(dice_.Between(2 * kMillisecond, 60 * kMillisecond),
                    [this, life] { Turn(life); });
}

int64_t ReactingNode::Retries() const {
  int64_t sum = 0;
  for (const auto& reactor : reactors_) {
    for (const ReactionCounts& counts : reactor->counts()) sum += counts.retries;
  }
  return sum;
}

std::optional<Offset> ReactingNode::Reign(Partition partition) {
  if (!run_.Owned(partition) || node_.lane(partition) == nullptr) return std::nullopt;
  const Lane& lane = *node_.lane(partition);
  if (!lane.open()) return std::nullopt;
  return lane.fence().fence_state().fence;
}

std::shared_ptr<const ServiceReading> ReactingNode::Read() {
  auto reading = std::make_shared<ServiceReading>();
  reading->core.rows = &node_.store();
  for (auto& view : views_) reading->AddView(view->name(), view->Read(), nullptr);
  return reading;
}

void ReactingNode::Submit(std::unique_ptr<Command> command) {
  run_.Route(*this, std::move(command));
}

}  // namespace

void ReactionTotals::Add(const ReactionTotals& other) {
  source_events += other.source_events;
  own_events += other.own_events;
  progress_events += other.progress_events;
  refusals += other.refusals;
  retries += other.retries;
  ownerships += other.ownerships;
  crashes += other.crashes;
}

std::string ReactionTotals::ToString() const {
  return fmt::format(
      "{} source events, {} own events, {} events of progress, {} refusals, {} retries, "
      "{} ownerships, {} crashes",
      source_events, own_events, progress_events, refusals, retries, ownerships, crashes);
}

ReactionRunResult RunReactions(Plot& plot, const ReactionRunOptions& options) {
  return Run(plot, options).Go();
}

}  // namespace crm::simulation
