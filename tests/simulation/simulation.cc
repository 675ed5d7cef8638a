#include "tests/simulation/simulation.h"

#include <fmt/format.h>

#include "common/aggregate/core_rows.h"
#include "common/base/check.h"
#include "common/base/hash.h"
#include "common/base/timestamp.h"
#include "common/projection/bulk_rebuild.h"
#include "common/projection/dump.h"
#include "crm/common/v1/log_control.pb.h"
#include "crm/contact/v1/contact_events.pb.h"
#include "tests/simulation/client.h"
#include "tests/simulation/node.h"
#include "tests/support/test_sealer.h"

namespace crm::simulation {
namespace {

// Every command is answered and every partition owned this long after the last fault.
constexpr TimeNs kPatience = 120 * kSecond;
// What was sent before the faults ended has landed by then.
constexpr TimeNs kAftermath = 10 * kSecond;
constexpr TimeNs kForgedFrom = 1'600'000'000 * kSecond;

class OneAggregate final : public AggregateReader {
 public:
  explicit OneAggregate(const Aggregate& aggregate) : aggregate_(aggregate) {}
  absl::StatusOr<const Aggregate*> Find(const AggregateType&, const std::string&) override {
    return &aggregate_;
  }

 private:
  const Aggregate& aggregate_;
};

class Simulation {
 public:
  explicit Simulation(const SimulationOptions& options)
      : options_(options),
        dice_(options.seed),
        weather_(Weather::Draw(dice_)),
        core_(testing::ContactTypes(), 1),
        log_(time_, dice_.Seed(), weather_),
        around_{time_,
                weather_,
                log_,
                core_,
                testing::ContactSchema(),
                sealer_,
                {},
                options.faults,
                options.fault_ignore_dedup} {
    for (size_t i = 0; i < weather_.partitions; ++i) {
      around_.partitions.push_back(static_cast<Partition>(i));
      subjects_[static_cast<Partition>(i)] =
          testing::SubjectsIn(static_cast<Partition>(i), kTenant, weather_.subjects_per_partition);
    }
    log_.landed = [this](Partition partition, const Record& record) { Note(partition, record); };
    MakeNodes();
    MakeClients();
  }

  SimulationResult Run() {
    for (auto& node : nodes_) node->Start();
    for (auto& client : clients_) client->Start();
    ShiftHints();
    Mishaps();
    time_.RunUntil(weather_.until);
    Heal();
    const bool quiet = RunUntilQuiet();
    SimulationResult result;
    if (!quiet) result.findings = WhatIsMissing();
    Conclude(&result);
    return result;
  }

 private:
  // --- what is there

  void MakeNodes() {
    for (size_t i = 0; i < weather_.nodes; ++i) {
      nodes_.push_back(std::make_unique<Node>(around_, "node-" + std::to_string(i), dice_.Seed()));
      Node* node = nodes_.back().get();
      node->advanced = [this, node](Partition p, Offset read_to) { SampleRead(*node, p, read_to); };
      node->failed = [this, node] { CrashAndRestart(*node); };
    }
  }

  void MakeClients() {
    for (size_t i = 0; i < weather_.clients; ++i) {
      clients_.push_back(std::make_unique<Client>(
          "client-" + std::to_string(i), dice_.Seed(), time_, weather_, subjects_,
          [this](const Request& request, Client::Answered answered) {
            Send(request, std::move(answered));
          }));
    }
  }

  Node& AnyNode() { return *nodes_[dice_.Below(nodes_.size())]; }

  // The first open node where there is one, most of the time.
  Node& Route(Partition partition) {
    if (dice_.Chance(0.75)) {
      for (auto& node : nodes_) {
        if (node->Open(partition)) return *node;
      }
    }
    return AnyNode();
  }

  // --- calls

  void Send(const Request& request, Client::Answered answered) {
    const size_t number = history_.calls.size();
    Call call;
    call.tenant = kTenant;
    call.aggregate = request.name;
    call.request_id = request.request_id;
    call.payload_hmac = request.payload_hmac();
    call.etag = request.etag;
    call.validate_only = request.validate_only;
    call.partition = request.partition;
    call.sent = time_.now();
    call.tag = number;
    history_.calls.push_back(std::move(call));
    requests_.push_back(request);
    if (Lost()) return;
    Node& node = Route(request.partition);
    std::unique_ptr<Command> command = request.MakeCommand();
    if (dice_.Chance(0.05)) command->deadline = time_.now() + dice_.Between(1, kSecond);
    command->done = [this, number, answered](absl::StatusOr<Outcome> outcome) {
      Answer(number, std::move(outcome), answered);
    };
    Trace(fmt::format("{} send {} to {}: {} {} etag '{}'{}", time_.now(), request.request_id,
                      node.name(), request.name, request.text, request.etag,
                      request.validate_only ? " validate" : ""));
    const auto shared = std::make_shared<std::unique_ptr<Command>>(std::move(command));
    // Now and then one is held up on the way and comes when nobody waits for it any more.
    const TimeNs delay = dice_.Chance(0.02) && !around_.calm ? dice_.Between(0, 5 * kSecond)
                                                             : dice_.Between(10'000, kMillisecond);
    time_.After(delay, [&node, shared, partition = request.partition] {
      node.Submit(partition, std::move(*shared));
    });
  }

  void Answer(size_t number, absl::StatusOr<Outcome> outcome, const Client::Answered& answered) {
    Call& call = history_.calls[number];
    Trace(fmt::format("{} answer {} {} version {} position {}{}", time_.now(), call.request_id,
                      outcome.ok() ? "OK" : ReasonOf(outcome.status()),
                      outcome.ok() ? outcome->version : 0, outcome.ok() ? outcome->position : 0,
                      outcome.ok() && outcome->repeated ? " repeated" : ""));
    if (call.answer.has_value()) {
      found_.push_back({Fault::kBroken, "call " + call.request_id + " was answered twice"});
    }
    call.answer = {time_.now(), outcome};
    if (Lost()) return;
    time_.After(dice_.Between(10'000, kMillisecond),
                [answered, outcome = std::move(outcome)] { answered(outcome); });
  }

  bool Lost() { return !around_.calm && dice_.Chance(weather_.message_lost); }

  void SampleRead(Node& node, Partition partition, Offset read_to) {
    if (!dice_.Chance(0.5)) return;
    ReadSeen read;
    read.replica = node.name();
    read.tenant = kTenant;
    read.aggregate = dice_.Pick(subjects_[partition]);
    read.partition = partition;
    read.min_position = read_to;
    const auto row = node.store().Get(AggregateKey(partition, kTenant, read.aggregate));
    if (!row.ok()) return;
    if (row->has_value()) {
      const auto aggregate = testing::Contacts().New(read.aggregate);
      if (aggregate->FromRow(**row).ok()) read.version = aggregate->info().version;
      read.resource = aggregate->Render();
    }
    history_.reads.push_back(std::move(read));
  }

  // --- faults

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
    Every(weather_.between_stops, [this] { StopOne(); });
    Every(weather_.between_foreign, [this] { WriteForeign(dice_.Pick(around_.partitions)); });
    Every(weather_.between_forged, [this] { Forge(dice_.Pick(around_.partitions)); });
  }

  void PauseOne() {
    Node& node = AnyNode();
    if (!node.up() || node.paused()) return;
    ++totals_.pauses;
    Trace(fmt::format("{} pause {}", time_.now(), node.name()));
    node.Pause();
    time_.After(dice_.Between(10 * kMillisecond, 4 * kSecond), [this, &node] {
      Trace(fmt::format("{} resume {}", time_.now(), node.name()));
      node.Resume();
    });
  }

  void CrashAndRestart(Node& node) {
    if (!node.up()) return;
    ++totals_.crashes;
    Trace(fmt::format("{} crash {}", time_.now(), node.name()));
    node.Crash();
    time_.After(dice_.Between(kMillisecond, 2 * kSecond), [this, &node] {
      if (node.up()) return;
      Trace(fmt::format("{} restart {}", time_.now(), node.name()));
      node.Start();
    });
  }

  // Mostly one node a partition, at times two or none.
  void ShiftHints() {
    for (const Partition p : around_.partitions) {
      const size_t first = dice_.Below(nodes_.size());
      const size_t second = dice_.Chance(0.25) ? dice_.Below(nodes_.size()) : first;
      const bool nobody = dice_.Chance(0.05);
      for (size_t i = 0; i < nodes_.size(); ++i) {
        SendHint(i, p, !nobody && (i == first || i == second));
      }
    }
  }

  void SendHint(size_t node, Partition partition, bool mine) {
    time_.After(dice_.Between(kMillisecond, 100 * kMillisecond), [this, node, partition, mine] {
      Trace(fmt::format("{} hint {} partition {}: {}", time_.now(), nodes_[node]->name(), partition,
                        mine));
      nodes_[node]->Hint(partition, mine);
    });
  }

  void ReleaseOne() {
    Node& node = AnyNode();
    const Partition partition = dice_.Pick(around_.partitions);
    if (!node.Open(partition)) return;
    ++totals_.releases;
    const std::string successor = AnyNode().name();
    Trace(fmt::format("{} {} releases partition {} to {}", time_.now(), node.name(), partition,
                      successor));
    node.Post([successor](Lane& lane) { lane.Release(successor); }, partition);
  }

  void StopOne() {
    Node& node = AnyNode();
    if (!node.up() || node.paused()) return;
    ++totals_.stops;
    const std::string successor = dice_.Chance(0.8) ? AnyNode().name() : "";
    Trace(fmt::format("{} stop {} for '{}'", time_.now(), node.name(), successor));
    node.Stop(successor);
    time_.After(dice_.Between(kSecond, 3 * kSecond), [this, &node] {
      if (!node.up()) node.Start();
    });
  }

  // None of it counts for any reader; some of it is listed.
  void WriteForeign(Partition partition) {
    std::vector<Record> records(1 + dice_.Below(3));
    for (Record& record : records) {
      ++totals_.foreign;
      record.kind = RecordKind::kForeign;
      if (dice_.Chance(0.3)) continue;
      record.value = "NO_HEADERS: somebody else wrote it";
      if (dice_.Chance(0.5)) continue;
      record.kind = RecordKind::kEvent;
      record.key = dice_.Chance(0.5) ? "nobody" : std::string(kTenant) + "/contacts/x";
      record.value = std::string(dice_.Below(40), static_cast<char>(dice_.Below(256)));
      record.fence = log_.end(partition) + 1 + static_cast<Offset>(dice_.Below(3));
      record.seq = 1;
      record.last = true;
    }
    log_.Inject(partition, std::move(records));
  }

  // What a copy of the owner's memory would write: its next event, another's in truth, and then an
  // ownership record. Without the latter, what the owner had under way may land behind it and be
  // valid although what it was decided on is not.
  void Forge(Partition partition) {
    FenceFilter filter;
    TimeNs recorded = kForgedFrom;
    bool whole = true;
    for (const Record& record : log_.records(partition)) {
      if (filter.Counts(record)) whole = record.last;
      if (record.kind == RecordKind::kOwn) whole = true;
      if (filter.Next(record) != FenceFilter::Verdict::kCommand) continue;
      const auto event = around_.schema.Decode(Record(record), sealer_);
      if (event.ok()) recorded = ToTimeNs(event->metadata->recorded_time());
    }
    if (filter.state().fence == kNoOffset || !whole) return;
    std::vector<Record> records = {ForgedEvent(partition, recorded), {}};
    records[0].fence = filter.state().fence;
    records[0].seq = filter.state().next_seq;
    records[0].last = true;
    common::v1::LogControl control;
    control.mutable_own()->set_attempt("forged");
    control.mutable_own()->set_owner("nobody");
    records[1].kind = RecordKind::kOwn;
    records[1].value = control.SerializeAsString();
    log_.Inject(partition, std::move(records));
  }

  Record ForgedEvent(Partition partition, TimeNs recorded) {
    const std::string id = "forged-" + std::to_string(totals_.forged++);
    history_.forged.insert(id);
    const std::string name =
        testing::SubjectsIn(partition, kTenant,
                            weather_.subjects_per_partition + static_cast<size_t>(totals_.forged))
            .back();
    auto record = std::make_unique<contact::v1::ContactRecord>();
    common::v1::EventMetadata& metadata = *record->mutable_metadata();
    metadata.set_tenant(kTenant);
    metadata.set_aggregate(name);
    metadata.set_aggregate_version(1);
    metadata.set_request_id(id);
    SetTimestamp(recorded, metadata.mutable_recorded_time());
    record->mutable_contact()->mutable_created()->mutable_plain()->set_display_name("Nobody");
    absl::StatusOr<Event> event = around_.schema.Encode(std::move(record), sealer_);
    CRM_CHECK(event.ok());
    Record forged;
    forged.key = RecordKey(kTenant, name);
    forged.value = std::move(event->value);
    return forged;
  }

  // --- the end

  void Heal() {
    Trace(fmt::format("{} heal", time_.now()));
    around_.calm = true;
    log_.CalmDown();
    for (auto& node : nodes_) {
      if (!node->up()) node->Start();
      node->Resume();
    }
    for (const Partition p : around_.partitions) {
      const size_t owner = dice_.Below(nodes_.size());
      // Hints may stay wrong for ever: two owners then take turns, and still all is answered.
      const size_t other = dice_.Chance(0.2) ? dice_.Below(nodes_.size()) : owner;
      // After those that are still under way.
      time_.After(200 * kMillisecond, [this, owner, other, p] {
        for (size_t i = 0; i < nodes_.size(); ++i) SendHint(i, p, i == owner || i == other);
      });
    }
  }

  bool RunUntilQuiet() {
    time_.RunUntil(weather_.until + kAftermath);
    while (time_.now() < weather_.until + kPatience) {
      if (Quiet()) return true;
      time_.RunUntil(time_.now() + 200 * kMillisecond);
    }
    return Quiet();
  }

  bool Quiet() {
    for (auto& client : clients_) {
      if (!client->done()) return false;
    }
    for (const Partition p : around_.partitions) {
      if (Owners(p) != 1) return false;
      for (auto& node : nodes_) {
        if (node->lane(p) == nullptr || node->lane(p)->read_to() < log_.end(p) ||
            node->lane(p)->unanswered() > 0) {
          return false;
        }
      }
    }
    return true;
  }

  size_t Owners(Partition partition) {
    size_t owners = 0;
    for (auto& node : nodes_) owners += node->Open(partition) ? 1 : 0;
    return owners;
  }

  std::vector<Finding> WhatIsMissing() {
    std::vector<Finding> findings;
    const auto add = [&](std::string text) {
      findings.push_back({Fault::kProgress, std::move(text)});
    };
    for (size_t i = 0; i < clients_.size(); ++i) {
      if (!clients_[i]->done()) add(fmt::format("client {} still waits", i));
    }
    for (const Partition p : around_.partitions) {
      add(fmt::format("partition {} has {} owners", p, Owners(p)));
      for (auto& node : nodes_) {
        if (node->lane(p) == nullptr) continue;
        add(fmt::format("{} has read partition {} to {} of {}, {} unanswered", node->name(), p,
                        node->lane(p)->read_to(), log_.end(p), node->lane(p)->unanswered()));
      }
    }
    return findings;
  }

  void Conclude(SimulationResult* result) {
    for (const Partition p : around_.partitions) history_.log[p] = log_.records(p);
    for (auto& node : nodes_) DumpStore(node->name(), node->store());
    Rebuild();
    CheckDuels();
    CheckerOptions options{
        {around_.schema, sealer_},
        testing::ContactTypes(),
        [this](const Call& call, const Aggregate& aggregate) { return Judge(call, aggregate); }};
    result->findings.insert(result->findings.end(), found_.begin(), found_.end());
    for (Finding& finding : CheckHistory(history_, options)) {
      result->findings.push_back(std::move(finding));
    }
    Count();
    result->totals = totals_;
    result->trace_hash = trace_.Digest();
  }

  // What the rules say, by the product's own decider: the simulation tests all that lies around it.
  Ruling Judge(const Call& call, const Aggregate& aggregate) const {
    const auto& state =
        static_cast<const TypedAggregate<testing::ContactTraits>&>(aggregate).state();
    if (state.existence == contact::Existence::kErased) {
      return {absl::StatusCode::kFailedPrecondition, "ERASED", false, ""};
    }
    const int64_t version = aggregate.info().version;
    if (!call.etag.empty() && version > 0 && call.etag != std::to_string(version)) {
      return {absl::StatusCode::kAborted, "ETAG_STALE", false, ""};
    }
    OneAggregate reader(aggregate);
    const auto events = requests_[call.tag].MakeCommand()->Decide(reader);
    if (!events.ok()) return {events.status().code(), ReasonOf(events.status()), false, ""};
    return {absl::StatusCode::kOk, "", !events->empty(), aggregate.Render()};
  }

  // Owners that are hinted at once take turns that grow longer.
  void CheckDuels() {
    const auto seconds = static_cast<size_t>((time_.now() - weather_.until) / kSecond);
    for (const auto& [partition, count] : late_ownerships_) {
      if (count <= 40 + seconds) continue;
      found_.push_back({Fault::kProgress, fmt::format("partition {} changed hands {} times in {} s",
                                                      partition, count, seconds)});
    }
  }

  void DumpStore(const std::string& replica, const Store& store) {
    for (const Partition p : around_.partitions) {
      const auto print = [&](std::string line) {
        if (options_.verbose) fmt::print("{} {} {}\n", replica, p, line);
      };
      const auto summary = DumpPartition(store, core_, p, DumpKind::kCanonical, print);
      history_.dumps.push_back({replica, p, summary.ok() ? summary->hash : "unreadable"});
    }
  }

  void Rebuild() {
    MemoryStore bulk;
    RebuildOptions options;
    options.buffer_bytes = dice_.Between(1, 20'000);
    const auto rebuilt = BulkRebuild(log_.log(), core_, {around_.schema, sealer_}, bulk, options);
    if (!rebuilt.ok()) found_.push_back({Fault::kBroken, rebuilt.status().ToString()});
    DumpStore("rebuild", bulk);
  }

  // --- what is seen

  void Note(Partition partition, const Record& record) {
    ++totals_.records;
    totals_.ownerships += record.kind == RecordKind::kOwn ? 1 : 0;
    late_ownerships_[partition] += around_.calm && record.kind == RecordKind::kOwn ? 1 : 0;
    Trace(fmt::format("{} landed {}/{} {} fence {} seq {}{} {}", time_.now(), partition,
                      record.offset, KindName(record.kind), record.fence, record.seq,
                      record.last ? " last" : "", record.key));
    trace_.Add(RecordHash(record));
  }

  void Trace(const std::string& line) {
    trace_.Add(line);
    if (options_.verbose) fmt::print("{}\n", line);
  }

  void Count() {
    totals_.calls = static_cast<int64_t>(history_.calls.size());
    totals_.reads = static_cast<int64_t>(history_.reads.size());
    for (const Call& call : history_.calls) {
      if (!call.answer.has_value()) continue;
      const auto& outcome = call.answer->outcome;
      if (outcome.ok()) {
        ++totals_.acknowledged;
        totals_.repeated += outcome->repeated ? 1 : 0;
      } else if (outcome.status().code() == absl::StatusCode::kUnavailable) {
        ++totals_.undecided;
      } else {
        ++totals_.refused;
      }
    }
    for (const Partition p : around_.partitions) {
      if (nodes_[0]->lane(p) == nullptr) continue;
      totals_.void_records += nodes_[0]->lane(p)->fence().void_records();
    }
  }

  const SimulationOptions options_;
  Dice dice_;
  const Weather weather_;
  VirtualTime time_;
  testing::TestSealer sealer_;
  const CoreProjection core_;
  FaultyLog log_;
  Surroundings around_;
  std::map<Partition, std::vector<std::string>> subjects_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<std::unique_ptr<Client>> clients_;
  History history_;
  // By Call::tag.
  std::vector<Request> requests_;
  std::vector<Finding> found_;
  // Since the faults ended.
  std::map<Partition, size_t> late_ownerships_;
  Totals totals_;
  PieceHasher trace_;
};

}  // namespace

void Totals::Add(const Totals& other) {
  calls += other.calls;
  acknowledged += other.acknowledged;
  refused += other.refused;
  undecided += other.undecided;
  repeated += other.repeated;
  reads += other.reads;
  records += other.records;
  void_records += other.void_records;
  ownerships += other.ownerships;
  releases += other.releases;
  crashes += other.crashes;
  pauses += other.pauses;
  stops += other.stops;
  foreign += other.foreign;
  forged += other.forged;
}

std::string Totals::ToString() const {
  return fmt::format(
      "{} calls: {} acknowledged ({} repeats), {} refused, {} undecided; {} reads; {} records, {} "
      "void; {} ownerships, {} releases, {} crashes, {} pauses, {} clean stops, {} foreign "
      "records, {} forged",
      calls, acknowledged, repeated, refused, undecided, reads, records, void_records, ownerships,
      releases, crashes, pauses, stops, foreign, forged);
}

SimulationResult Simulate(const SimulationOptions& options) {
  return Simulation(options).Run();
}

}  // namespace crm::simulation
