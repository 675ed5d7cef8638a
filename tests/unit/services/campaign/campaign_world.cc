#include "tests/unit/services/campaign/campaign_world.h"

namespace crm::campaign::testing {

ServiceReading World::Reading() const {
  static constexpr const char* kNames[] = {"crm.contact.events", "crm.interaction.events",
                                           "crm.analytics.events", "crm.campaign.events"};
  ServiceReading reading;
  reading.core.rows = &core_;
  for (int t = 0; t < kTopics; ++t) {
    ProjectionReading view{&views_[t].rows(), kNames[t], {}};
    for (Partition p = 0; p < kPartitions; ++p) {
      view.read_to[static_cast<size_t>(p)] = views_[t].read_to(p);
    }
    reading.AddView(views_[t].projection().name(), view, nullptr);
  }
  reading.AddView(members_.projection().name(), {&members_.rows(), kNames[kOwn], {}}, nullptr);
  return reading;
}

bool World::Fold(Topic topic) {
  if (unfolded_[topic].empty()) return false;
  const std::shared_ptr<Event> event = std::move(unfolded_[topic].front());
  unfolded_[topic].pop_front();
  const Partition partition = PartitionOfEvent(*event);
  views_[topic].Fold(partition, {event.get(), 1});
  if (topic == kOwn) members_.Fold(partition, {event.get(), 1});
  if (!reactions_[topic]->Concerns(*event)) return true;
  if (!reactions_[topic]->broadcast()) tasks_[topic].push_back({topic, event, partition, ""});
  for (Partition p = 0; reactions_[topic]->broadcast() && p < kPartitions; ++p) {
    tasks_[topic].push_back({topic, event, p, ""});
  }
  return true;
}

bool World::React(Topic topic, bool again) {
  if (tasks_[topic].empty()) return false;
  Task task = std::move(tasks_[topic].front());
  tasks_[topic].pop_front();
  const ServiceReading reading = Reading();
  const ReactionContext context{task.partition, kTenant, names_, now_, reading};
  auto step = reactions_[topic]->React(context, *task.event, task.progress);
  CRM_CHECK(step.ok());
  for (auto& command : step->commands) {
    std::string id = std::to_string(topic) + " " + std::to_string(PartitionOfEvent(*task.event)) +
                     " " + std::to_string(task.event->offset) + " " + command->aggregate;
    commands_[topic].push_back({std::move(id), std::move(command)});
  }
  if (again) tasks_[topic].push_back(task);
  if (!step->progress.empty()) {
    task.progress = step->progress;
    tasks_[topic].push_back(std::move(task));
  }
  return true;
}

bool World::Execute(Topic topic) {
  if (commands_[topic].empty()) return false;
  Pending pending = std::move(commands_[topic].front());
  commands_[topic].pop_front();
  if (recorded_.contains(pending.request_id)) return true;
  ++commands_executed_;
  Reader reader(*this);
  auto events = pending.command->Decide(reader);
  CRM_CHECK(events.ok());
  if (!events->empty()) recorded_.insert(std::move(pending.request_id));
  for (NewEvent& decided : *events) {
    ReachState& state = StateOf(decided.aggregate);
    auto event = std::make_shared<Event>(
        makers_[kOwn].Make(decided.aggregate, std::move(decided.record), now_ += kSecond));
    state.Apply(*event);
    RowBatch row;
    row.Put(AggregateKey(PartitionOfEvent(*event), kTenant, decided.aggregate), state.ToRow());
    CRM_CHECK(core_.Write(row).ok());
    unfolded_[kOwn].push_back(std::move(event));
  }
  return true;
}

void World::Settle() {
  for (bool busy = true; busy;) {
    busy = false;
    for (const Topic topic : {kContacts, kOrders, kScores, kOwn}) {
      while (Fold(topic)) busy = true;
      while (React(topic, false)) busy = true;
      while (Execute(topic)) busy = true;
    }
  }
}

}  // namespace crm::campaign::testing
