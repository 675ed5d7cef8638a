#include "tests/cluster/cluster.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "common/base/check.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "tests/support/eventually.h"

namespace crm {
namespace {

// A replica that does not answer is asked no longer than this.
const CallOptions kGlance{{}, 2 * kSecond};

}  // namespace

std::string ContactBinary() {
  return CRM_CONTACT_BINARY;
}

Cluster::Cluster() {
  SystemRandom random;
  auto secret = Secret::FromFile(SecretFile(), &random);
  CRM_CHECK(secret.ok());
  secret_ = std::make_unique<Secret>(*std::move(secret));
}

Cluster::~Cluster() {
  // A process that stands still, too, before the brokers go.
  for (auto& [name, replica] : replicas_) replica->Kill();
  for (auto& namesake : namesakes_) namesake->Kill();
}

absl::Status Cluster::Start(const std::string& name, int brokers) {
  CRM_ASSIGN_OR_RETURN(brokers_, KafkaCluster::Start({.name = name, .brokers = brokers}));
  return absl::OkStatus();
}

std::vector<std::string> Cluster::EngineFlags(const std::string& instance) const {
  return {"--engine",
          "kafka",
          "--kafka-bootstrap",
          brokers_->bootstrap(),
          "--create-topics",
          "--secret-file",
          SecretFile(),
          "--instance",
          instance,
          "--kafka-session-timeout",
          fmt::format("{}s", kSessionTimeout / kSecond)};
}

absl::Status Cluster::StartReplica(const std::string& name) {
  auto& replica = replicas_[name];
  if (replica == nullptr) {
    replica = std::make_unique<ServerProcess>(directory_.File(name), EngineFlags(name),
                                              CRM_CONTACT_BINARY);
  }
  if (absl::Status status = replica->Start(); !status.ok()) return status;
  clients_[name] = std::make_unique<ContactClient>(replica->address());
  callers_.Put(name, replica->address());
  return absl::OkStatus();
}

ServerProcess& Cluster::LaunchNamesake(const std::string& instance) {
  namesakes_.push_back(std::make_unique<ServerProcess>(
      directory_.File(fmt::format("{}-again-{}", instance, namesakes_.size())),
      EngineFlags(instance), CRM_CONTACT_BINARY));
  namesakes_.back()->Launch();
  return *namesakes_.back();
}

void Cluster::Forget(const std::string& name) {
  callers_.Remove(name);
  clients_.erase(name);
  replicas_.erase(name);
  std::filesystem::remove_all(directory_.File(name));
}

std::vector<std::string> Cluster::names() const {
  std::vector<std::string> names;
  for (const auto& [name, replica] : replicas_) names.push_back(name);
  return names;
}

int Cluster::Owned(const std::string& name) const {
  const auto status = client(name).Status(kGlance);
  if (!status.ok()) return -1;
  int owned = 0;
  for (const auto& service : status.response.services()) {
    for (const auto& partition : service.partitions()) owned += partition.owned() ? 1 : 0;
  }
  return owned;
}

bool Cluster::Settled(const std::vector<std::string>& names) const {
  int all = 0;
  for (const std::string& name : names) {
    const int owned = Owned(name);
    if (owned <= 0) return false;
    all += owned;
  }
  return all == kPartitions;
}

absl::Status Cluster::WaitUntilSettled(TimeNs wait) {
  if (Eventually(wait, [this] { return Settled(names()); })) return absl::OkStatus();
  std::string owned;
  for (const std::string& name : names()) owned += fmt::format(" {} owns {}", name, Owned(name));
  return absl::DeadlineExceededError("partitions are not shared out:" + owned);
}

absl::Status Cluster::WaitUntilFolded(TimeNs wait) {
  std::string behind;
  const auto folded = [&](const std::string& name) {
    const auto status = client(name).Status(kGlance);
    behind = name + " " + status.status.ToString();
    if (!status.ok()) return false;
    for (const auto& service : status.response.services()) {
      for (const auto& projection : service.projections()) {
        behind = fmt::format("{} {} is {} behind", name, projection.projection(), projection.lag());
        if (projection.lag() != 0 || projection.rebuilding()) return false;
      }
    }
    return true;
  };
  const auto all = [&] {
    const auto everyone = names();
    return std::all_of(everyone.begin(), everyone.end(), folded);
  };
  if (Eventually(wait, all)) return absl::OkStatus();
  return absl::DeadlineExceededError(behind);
}

std::string Cluster::Errors() const {
  std::string text;
  const auto add = [&text](const std::string& name, const ServerProcess& process) {
    const std::string errors = process.errors();
    constexpr size_t kTail = 6000;
    text += fmt::format("--- {} wrote:\n{}\n", name,
                        errors.size() > kTail ? errors.substr(errors.size() - kTail) : errors);
  };
  for (const auto& [name, replica] : replicas_) add(name, *replica);
  for (const auto& namesake : namesakes_) add("a namesake", *namesake);
  return text;
}

}  // namespace crm
