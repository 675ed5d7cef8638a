#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/base/secret.h"
#include "common/service/service_definition.h"
#include "tests/cluster/cluster_writers.h"
#include "tests/simulation/checker.h"

namespace crm {

struct RunTotals;

// Calls to the contact service as its callers saw them, brought into the form that the checker of
// the simulation judges. One thread.
class CallHistory {
 public:
  CallHistory(const Secret& secret, std::vector<Attempt> attempts, std::vector<TokenRead> reads);
  ~CallHistory();

  // The whole log as it lies, through a replica at rest.
  absl::Status ReadLog(const ContactClient& client);
  void AddDump(const std::string& replica, const ContactClient::Hashes& core);

  // After the two. A line for each finding.
  std::vector<std::string> Check();
  void Count(RunTotals* totals) const;

 private:
  class Preparation;

  void AddCalls();
  void AddReads();
  void AddLogEntry(const admin::v1::LogEntry& entry);
  Outcome OutcomeOf(const Attempt& attempt, const simulation::Call& call);
  Offset OffsetIn(const std::string& token, Partition partition);
  simulation::Ruling Rule(const simulation::Call& call, const Aggregate& aggregate) const;

  const Secret& secret_;
  const std::vector<Attempt> attempts_;
  const std::vector<TokenRead> reads_;
  ServiceDefinition service_;
  LogIdentity identity_;
  simulation::History history_;
  // By attempt; for rulings.
  std::vector<std::shared_ptr<const Command>> commands_;
  // Events of a request id that every reader applies.
  std::map<std::string, int64_t> valid_events_;
  int64_t void_events_ = 0;
  std::vector<std::string> faults_;
};

}  // namespace crm
