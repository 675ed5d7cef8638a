#include "tests/cluster/run_judge.h"

#include <fmt/format.h>

#include <map>

#include "tests/cluster/call_history.h"
#include "tests/crash/judge.h"

namespace crm {
namespace {

using Dump = admin::v1::DumpProjectionRequest;

constexpr TimeNs kQuiet = 60 * kSecond;
constexpr size_t kMaxLines = 20;
constexpr char kFresh[] = "fresh";

std::vector<std::string> Projections(const ContactClient& client) {
  std::vector<std::string> names;
  const auto status = client.Status();
  for (const auto& service : status.response.services()) {
    for (const auto& projection : service.projections()) names.push_back(projection.projection());
  }
  return names;
}

class Comparison {
 public:
  void Add(const std::string& replica, const std::string& projection,
           const ContactClient::Hashes& hashes) {
    if (!hashes.status.ok()) {
      return breaches.push_back(replica + " " + projection + ": " + hashes.status.ToString());
    }
    const auto [first, is_first] =
        first_.try_emplace(projection, std::pair{replica, hashes.by_partition});
    if (is_first || first->second.second == hashes.by_partition) return;
    breaches.push_back(
        fmt::format("{} of {} differs from that of {}", projection, replica, first->second.first));
  }

  std::vector<std::string> breaches;

 private:
  std::map<std::string, std::pair<std::string, std::map<int, std::string>>> first_;
};

void Compare(Cluster& cluster, Comparison* comparison) {
  if (const auto status = cluster.WaitUntilFolded(kQuiet); !status.ok()) {
    return comparison->breaches.push_back(status.ToString());
  }
  for (const std::string& replica : cluster.names()) {
    const ContactClient& client = cluster.client(replica);
    const auto projections = Projections(client);
    if (projections.empty()) comparison->breaches.push_back(replica + " shows no projection");
    for (const std::string& projection : projections) {
      comparison->Add(replica, projection, client.Dump(projection, Dump::CANONICAL));
    }
  }
}

}  // namespace

std::string RunTotals::ToString() const {
  return fmt::format(
      "{} attempts ({} without an answer), {} reads with tokens; the log holds {} records: {} "
      "events of which {} are void, {} ownerships, {} releases",
      attempts, unanswered, reads, records, events, void_events, ownerships, releases);
}

std::vector<std::string> CompareReplicas(Cluster& cluster) {
  Comparison comparison;
  if (const auto status = cluster.StartReplica(kFresh); !status.ok()) {
    return {"a replica with empty directories: " + status.ToString()};
  }
  if (const auto status = cluster.WaitUntilSettled(kQuiet); !status.ok()) {
    comparison.breaches.push_back(status.ToString());
  }
  Compare(cluster, &comparison);
  if (const auto code = cluster.replica(kFresh).Stop(); code.value_or(-1) != 0) {
    comparison.breaches.push_back(fmt::format("a stop answered {}", code.value_or(-1)));
  }
  cluster.Forget(kFresh);
  if (const auto status = cluster.WaitUntilSettled(kQuiet); !status.ok()) {
    comparison.breaches.push_back(status.ToString());
  }
  return comparison.breaches;
}

std::vector<std::string> JudgeRun(Cluster& cluster, RunRecord record, RunTotals* totals) {
  std::vector<std::string> breaches = CompareReplicas(cluster);
  const auto histories = std::move(record.histories);
  CallHistory calls(cluster.secret(), std::move(record.attempts), std::move(record.reads));
  const std::string first = cluster.names().front();
  if (const auto status = calls.ReadLog(cluster.client(first)); !status.ok()) {
    breaches.push_back("reading the log: " + status.ToString());
  }
  for (const std::string& replica : cluster.names()) {
    calls.AddDump(replica, cluster.client(replica).Dump("core", Dump::CANONICAL));
    for (const std::string& breach : Judge(cluster.client(replica), histories)) {
      breaches.push_back(replica + ": " + breach);
    }
  }
  for (std::string& breach : calls.Check()) breaches.push_back(std::move(breach));
  calls.Count(totals);
  if (breaches.size() > kMaxLines) breaches.resize(kMaxLines);
  return breaches;
}

}  // namespace crm
