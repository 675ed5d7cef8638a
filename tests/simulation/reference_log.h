#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/simulation/checker.h"

namespace crm::simulation {

// One valid command, as the fence rule has it.
struct ValidCommand {
  Partition partition = 0;
  std::vector<Event> events;
  // The offset after its last event.
  Offset end = 0;

  const common::v1::EventMetadata& metadata() const { return *events.back().metadata; }
};

// An aggregate right after one of its events.
struct VersionOf {
  // Points into ReferenceLog::commands.
  size_t command = 0;
  std::shared_ptr<const Aggregate> aggregate;
};

using AggregateName = std::pair<std::string, std::string>;  // tenant, name

// The log as every reader must understand it, worked out slowly from all of it.
struct ReferenceLog {
  std::vector<ValidCommand> commands;
  // Version v at place v; place 0 is the aggregate before its birth.
  std::map<AggregateName, std::vector<VersionOf>> aggregates;
  // Every event record, void ones too: tenant, aggregate, request id, payload.
  std::vector<std::vector<std::string>> all_events;
  std::vector<Finding> findings;
};

ReferenceLog ReadReference(const std::map<Partition, std::vector<Record>>& log,
                           const CheckerOptions& options);

}  // namespace crm::simulation
