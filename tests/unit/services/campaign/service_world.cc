#include "tests/unit/services/campaign/service_world.h"

#include "tests/support/as_host.h"

#include <algorithm>

namespace crm::campaign::testing {

class ServiceWorld::Reader final : public AggregateReader {
 public:
  explicit Reader(ServiceWorld& world) : world_(world) {}
  absl::StatusOr<const Aggregate*> Find(const AggregateType& type,
                                        const std::string& name) override {
    return &world_.StateOf(type, name);
  }

 private:
  ServiceWorld& world_;
};

ServiceWorld::ServiceWorld(std::shared_ptr<Outbox> outbox)
    : service_(MakeCampaignService(std::move(outbox), clock_)) {
  for (ViewDefinition& view : service_.views) {
    const std::string topic = view.topic.empty() ? service_.topic : view.topic;
    views_.push_back(
        {topic, &logs_[topic], std::make_unique<FoldedView>(std::move(view.projection)), {}});
  }
  for (const auto& reaction : service_.reactions) AddReactors(*reaction);
  makers_["crm.contact.events"] =
      std::make_unique<EventMaker>(contact::v1::ContactRecord::default_instance());
  makers_[service_.topic] = std::make_unique<EventMaker>(v1::CampaignRecord::default_instance());
}

void ServiceWorld::AddReactors(Reaction& reaction) {
  const std::string topic(reaction.topic());
  std::vector<const View*> before;
  for (const std::string& name : reaction.views()) {
    for (const View& view : views_) {
      if (view.rows->projection().name() == name && view.topic == topic) before.push_back(&view);
    }
  }
  for (Partition source = 0; source < kPartitions; ++source) {
    for (Partition p = 0; p < kPartitions; ++p) {
      if (p != source && !reaction.broadcast()) continue;
      const auto* log = &logs_[topic][static_cast<size_t>(source)];
      reactors_.push_back({&reaction, source, p, log, before, {}, {}});
    }
  }
}

void ServiceWorld::Append(std::string_view topic, const std::string& aggregate,
                          std::unique_ptr<google::protobuf::Message> record) {
  const std::string name(topic);
  clock_.Advance(kMillisecond);
  auto event =
      std::make_shared<Event>(makers_.at(name)->Make(aggregate, std::move(record), clock_.Now()));
  logs_[name][static_cast<size_t>(PartitionOfEvent(*event))].push_back(event);
  all_[name].push_back(std::move(event));
}

absl::StatusOr<std::string> ServiceWorld::Execute(std::string_view method,
                                                  const google::protobuf::Message& request) {
  for (const CommandMethod& candidate : service_.commands) {
    if (candidate.method != method) continue;
    CRM_ASSIGN_OR_RETURN(const auto command, PrepareAsHost(candidate, {caller_, names_}, request));
    CRM_ASSIGN_OR_RETURN(Outcome outcome, Run(*command));
    return candidate.render(std::move(outcome));
  }
  return absl::UnimplementedError(std::string(method));
}

absl::StatusOr<std::string> ServiceWorld::Ask(std::string_view method,
                                              const google::protobuf::Message& request) {
  const ServiceReading reading = Reading();
  const QueryContext context{caller_, names_, reading, {schema_, sealer_}, std::nullopt, secret_,
                             random_, now(),  nullptr};
  for (const QueryMethod& candidate : service_.queries) {
    if (candidate.method == method) return candidate.run(context, request);
  }
  return absl::UnimplementedError(std::string(method));
}

bool ServiceWorld::Step(const std::function<int(int)>& pick) {
  const size_t all = views_.size() * kPartitions + reactors_.size();
  return StepFrom(static_cast<size_t>(pick(static_cast<int>(all))), pick);
}

bool ServiceWorld::StepFrom(size_t at, const std::function<int(int)>& pick) {
  const size_t folds = views_.size() * kPartitions;
  const size_t all = folds + reactors_.size();
  for (size_t tried = 0; tried < all; ++tried, at = (at + 1) % all) {
    last_ = at;
    if (at < folds) {
      View& view = views_[at / kPartitions];
      const auto p = static_cast<Partition>(at % kPartitions);
      if (CanFold(view, p)) return Fold(view, p), true;
    } else if (CanReact(reactors_[at - folds])) {
      return React(reactors_[at - folds], pick), true;
    }
  }
  return false;
}

void ServiceWorld::Crash() {
  for (Reactor& reactor : reactors_) reactor.at = reactor.recorded;
}

void ServiceWorld::ForgetReactions() {
  for (Reactor& reactor : reactors_) reactor.at = reactor.recorded = {};
}

void ServiceWorld::FoldViews() {
  for (View& view : views_) {
    for (Partition p = 0; p < kPartitions; ++p) {
      while (CanFold(view, p)) Fold(view, p);
    }
  }
}

void ServiceWorld::Settle() {
  while (StepFrom(last_, [](int) { return 0; })) {
  }
}

std::map<std::string, std::string> ServiceWorld::Rows(std::string_view name) const {
  for (const View& view : views_) {
    if (view.rows->projection().name() == name) return view.rows->AllRows();
  }
  return {};
}

// In one batch a partition, as a bulk rebuild folds.
std::map<std::string, std::string> ServiceWorld::Rebuilt(std::string_view name) {
  std::map<std::string, std::string> all;
  for (const View& view : views_) {
    if (view.rows->projection().name() != name) continue;
    for (Partition p = 0; p < kPartitions; ++p) {
      MemoryStore empty;
      BatchRows rows(empty);
      const auto fold = view.rows->projection().Begin(p, rows);
      for (const auto& event : (*view.log)[static_cast<size_t>(p)]) {
        CRM_CHECK(fold->Apply({event.get(), 1}).ok());
      }
      CRM_CHECK(fold->Flush().ok());
      CRM_CHECK(empty.Write(rows.Take()).ok());
      for (auto at = empty.Scan("", ""); at->Valid(); at->Next()) {
        all.emplace(at->key(), at->value());
      }
    }
  }
  return all;
}

ServiceReading ServiceWorld::Reading() const {
  ServiceReading reading;
  reading.core.rows = &core_;
  for (const View& view : views_) {
    ProjectionReading shown{&view.rows->rows(), view.topic, {}};
    for (Partition p = 0; p < kPartitions; ++p) {
      shown.read_to[static_cast<size_t>(p)] = view.rows->read_to(p);
    }
    reading.AddView(view.rows->projection().name(), shown, nullptr);
  }
  return reading;
}

bool ServiceWorld::CanFold(const View& view, Partition partition) {
  const auto p = static_cast<size_t>(partition);
  return view.next[p] < (*view.log)[p].size();
}

void ServiceWorld::Fold(View& view, Partition partition) {
  const auto p = static_cast<size_t>(partition);
  const auto event = (*view.log)[p][view.next[p]++];
  view.rows->Fold(partition, {event.get(), 1});
}

bool ServiceWorld::CanReact(const Reactor& reactor) {
  if (reactor.at.next >= reactor.log->size()) return false;
  return std::all_of(reactor.views.begin(), reactor.views.end(), [&](const View* view) {
    return view->next[static_cast<size_t>(reactor.source)] > reactor.at.next;
  });
}

// May stop, as a crash does, between any two commands: then the step is taken again.
void ServiceWorld::React(Reactor& reactor, const std::function<int(int)>& pick) {
  const std::string topic(reactor.reaction->topic());
  const auto event = (*reactor.log)[reactor.at.next];
  const auto done = [&] {
    ++reactor.at.next;
    reactor.at.progress.clear();
    if (pick(4) == 0) reactor.recorded = reactor.at;
  };
  if (!reactor.reaction->Concerns(*event)) {
    done();
    if (CanReact(reactor)) React(reactor, pick);
    return;
  }
  const ServiceReading reading = Reading();
  const ReactionContext context{reactor.partition, kTenant, names_, now(), reading};
  const auto step = reactor.reaction->React(context, *event, reactor.at.progress);
  if (absl::IsUnavailable(step.status())) return;
  CRM_CHECK(step.ok());
  for (const auto& command : step->commands) {
    const std::string id = std::string(reactor.reaction->name()) + " " + topic + " " +
                           std::to_string(reactor.source) + " " + std::to_string(event->offset) +
                           " " + command->aggregate;
    if (requests_.contains(id)) continue;
    const auto outcome = Run(*command);
    if (outcome.ok() && outcome->events > 0) requests_.insert(id);
    if (pick(16) == 15) return;
  }
  if (step->progress.empty()) return done();
  reactor.at.progress = step->progress;
  if (pick(4) == 0) reactor.recorded = reactor.at;
}

absl::StatusOr<Outcome> ServiceWorld::Run(const Command& command) {
  Reader reader(*this);
  Outcome outcome;
  outcome.aggregate = command.aggregate;
  outcome.version_before = StateOf(*command.type, command.aggregate).info().version;
  CRM_ASSIGN_OR_RETURN(auto events, command.Decide(reader));
  for (NewEvent& decided : events) {
    Append(service_.topic, decided.aggregate, std::move(decided.record));
    Aggregate& state = StateOf(*decided.type, decided.aggregate);
    const Event& event = *all_[service_.topic].back();
    state.Apply(event);
    RowBatch row;
    row.Put(AggregateKey(PartitionOfEvent(event), kTenant, decided.aggregate), state.ToRow());
    CRM_CHECK(core_.Write(row).ok());
  }
  outcome.events = static_cast<int64_t>(events.size());
  outcome.resource = StateOf(*command.type, command.aggregate).Render();
  return outcome;
}

Aggregate& ServiceWorld::StateOf(const AggregateType& type, const std::string& name) {
  auto& state = aggregates_[name];
  if (state == nullptr) state = type.New(name);
  return *state;
}

}  // namespace crm::campaign::testing
