#include "tests/bench/kafka_replicas.h"

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/client_unary_call.h>
#include <grpcpp/impl/codegen/proto_utils.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <map>
#include <set>
#include <thread>
#include <utility>

#include "common/base/hash.h"
#include "common/base/status.h"
#include "common/log/record.h"
#include "crm/admin/v1/admin_service.pb.h"
#include "crm/contact/v1/contact_service.pb.h"
#include "tests/bench/bench_loads.h"
#include "tests/bench/child_process.h"
#include "tests/bench/sample_contacts.h"

namespace crm {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr char kUpdate[] = "/crm.contact.v1.ContactService/UpdateContact";
constexpr char kStatus[] = "/crm.admin.v1.AdminService/GetStatus";
constexpr std::chrono::seconds kDeadline{10};
constexpr std::chrono::milliseconds kTryFor{1000};
constexpr std::chrono::seconds kPatience{90};
constexpr std::chrono::milliseconds kPoll{5};
// Request ids of other loads of the same log begin at 1.
constexpr int kRun = 9000;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Blocking calls to one process.
class Client {
 public:
  explicit Client(const std::string& address)
      : channel_(grpc::CreateChannel(address, grpc::InsecureChannelCredentials())) {}

  // `position`: sent as the least position to read from where not empty; after a write its token.
  template <typename Request, typename Response>
  grpc::Status Call(const char* method, const Request& request, Response* response,
                    std::string* position = nullptr,
                    std::chrono::milliseconds deadline = kDeadline) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + deadline);
    if (position != nullptr && !position->empty()) {
      context.AddMetadata("crm-min-position", *position);
    }
    const grpc::internal::RpcMethod rpc(method, grpc::internal::RpcMethod::NORMAL_RPC);
    const grpc::Status status =
        grpc::internal::BlockingUnaryCall<Request, Response, google::protobuf::MessageLite,
                                          google::protobuf::MessageLite>(
            channel_.get(), rpc, &context, request, response);
    if (position != nullptr) {
      const auto& trailing = context.GetServerTrailingMetadata();
      const auto found = trailing.find("crm-position");
      if (found != trailing.end()) position->assign(found->second.data(), found->second.size());
    }
    return status;
  }

 private:
  const std::shared_ptr<grpc::Channel> channel_;
};

struct Replica {
  std::unique_ptr<ServerProcess> process;
  std::unique_ptr<Client> client;
};

absl::Status Failed(const char* what, const grpc::Status& status) {
  return absl::InternalError(fmt::format("{}: {}", what, status.error_message()));
}

Partition PartitionOfContact(const std::string& name) {
  return PartitionOf("default/" + name);
}

class Replicas {
 public:
  explicit Replicas(const KafkaReplicasOptions& options)
      : options_(options), loads_({options.programs, options.work, 3600, 0}) {}

  absl::Status Start() {
    for (size_t i = 0; i < replicas_.size(); ++i) CRM_RETURN_IF_ERROR(StartOne(i));
    CRM_RETURN_IF_ERROR(AwaitShares());
    // A contact in each partition.
    while (contacts_.size() < kPartitions) {
      contact::v1::Contact contact;
      CRM_RETURN_IF_ERROR(Create(0, &contact, nullptr));
      contacts_.emplace(PartitionOfContact(contact.name()), contact.name());
    }
    return absl::OkStatus();
  }

  absl::Status Stop() {
    for (Replica& replica : replicas_) CRM_RETURN_IF_ERROR(replica.process->Stop());
    return absl::OkStatus();
  }

  // Milliseconds beyond the median read without a token.
  absl::StatusOr<std::vector<double>> ReadsWithTokens(int count) {
    std::vector<double> with;
    std::vector<double> without;
    while (static_cast<int>(with.size()) < count) {
      contact::v1::Contact contact;
      std::string position;
      CRM_RETURN_IF_ERROR(Create(0, &contact, &position));
      const Clock::time_point replied = Clock::now();
      // A contact of the reader's own partitions waits for nothing.
      if (!owned_[0].contains(PartitionOfContact(contact.name()))) continue;
      CRM_ASSIGN_OR_RETURN(const double waited, TimeGet(1, contact.name(), &position, replied));
      CRM_ASSIGN_OR_RETURN(const double plain, TimeGet(1, contact.name(), nullptr, Clock::now()));
      with.push_back(waited);
      without.push_back(plain);
    }
    const double base = Median(without);
    for (double& each : with) each = std::max(0.0, each - base);
    return with;
  }

  // Creates at the first replica, 16 in flight; `load` is to be joined.
  absl::Status LoadFor(double seconds, std::thread* load) {
    const fs::path requests = loads_.WriteCreates(static_cast<int64_t>(seconds * 20'000));
    *load = std::thread([this, requests, seconds] {
      (void)loads_.Run(replicas_[0].process->address(), kCreateMethod, requests,
                       {"--in-flight", "16", "--seconds", fmt::format("{}", seconds)});
    });
    return absl::OkStatus();
  }

  // Seconds until every partition of the victim accepts commands again.
  absl::StatusOr<double> KillOne(size_t victim) {
    CRM_RETURN_IF_ERROR(AwaitShares());
    std::set<Partition> pending = owned_[victim];
    const Clock::time_point begun = Clock::now();
    replicas_[victim].process->Kill();
    while (!pending.empty()) {
      if (Clock::now() - begun > kPatience) return absl::InternalError("no failover");
      std::erase_if(pending, [&](Partition p) { return Accepts(1 - victim, p); });
    }
    const double seconds = SecondsSince(begun);
    CRM_RETURN_IF_ERROR(StartOne(victim));
    return seconds;
  }

  // The longest time without an accepted command, over the victim's partitions, in seconds.
  absl::StatusOr<double> StopOne(size_t victim) {
    CRM_RETURN_IF_ERROR(AwaitShares());
    const Clock::time_point begun = Clock::now();
    std::map<Partition, Clock::time_point> last;
    for (const Partition p : owned_[victim]) last[p] = begun;
    absl::Status stopped;
    std::atomic<bool> gone = false;
    std::thread stopper([&] {
      stopped = replicas_[victim].process->Stop();
      gone = true;
    });
    double longest = 0;
    // Once more round all of them after it is gone.
    for (bool after = false; !after;) {
      after = gone;
      for (auto& [partition, accepted] : last) {
        while (!Accepts(1 - victim, partition) && Clock::now() - begun < kPatience) {
        }
        longest = std::max(longest, SecondsSince(accepted));
        accepted = Clock::now();
      }
    }
    stopper.join();
    CRM_RETURN_IF_ERROR(stopped);
    CRM_RETURN_IF_ERROR(StartOne(victim));
    return longest;
  }

 private:
  absl::Status StartOne(size_t i) {
    std::vector<std::string> arguments = options_.server;
    arguments.insert(arguments.end(), {"--instance", fmt::format("replica-{}", i + 1)});
    CRM_ASSIGN_OR_RETURN(replicas_[i].process,
                         ServerProcess::Start(std::move(arguments),
                                              options_.work / fmt::format("replica-{}", i + 1)));
    replicas_[i].client = std::make_unique<Client>(replicas_[i].process->address());
    return absl::OkStatus();
  }

  absl::StatusOr<std::set<Partition>> OwnedBy(size_t i) {
    admin::v1::GetStatusRequest request;
    admin::v1::GetStatusResponse response;
    const grpc::Status status = replicas_[i].client->Call(kStatus, request, &response);
    if (!status.ok()) return Failed("GetStatus", status);
    std::set<Partition> owned;
    for (const auto& service : response.services()) {
      for (const auto& partition : service.partitions()) {
        if (partition.owned()) owned.insert(partition.partition());
      }
    }
    return owned;
  }

  // Both own half of the partitions.
  absl::Status AwaitShares() {
    const Clock::time_point begun = Clock::now();
    while (Clock::now() - begun < kPatience) {
      for (size_t i = 0; i < replicas_.size(); ++i) {
        CRM_ASSIGN_OR_RETURN(owned_[i], OwnedBy(i));
      }
      if (owned_[0].size() == kPartitions / 2 && owned_[1].size() == kPartitions / 2) {
        return absl::OkStatus();
      }
      std::this_thread::sleep_for(kPoll);
    }
    return absl::InternalError(
        fmt::format("the replicas own {} and {} partitions", owned_[0].size(), owned_[1].size()));
  }

  absl::Status Create(size_t at, contact::v1::Contact* contact, std::string* position) {
    const grpc::Status status =
        replicas_[at].client->Call(kCreateMethod, SampleCreate(kRun, ++number_), contact, position);
    return status.ok() ? absl::OkStatus() : Failed("CreateContact", status);
  }

  absl::StatusOr<double> TimeGet(size_t at, const std::string& name, std::string* position,
                                 Clock::time_point since) {
    contact::v1::GetContactRequest request;
    request.set_name(name);
    contact::v1::Contact contact;
    const grpc::Status status = replicas_[at].client->Call(kGetMethod, request, &contact, position);
    if (status.ok()) return 1000 * SecondsSince(since);
    // Without a token the other replica may not know it yet.
    if (position == nullptr) return Failed("GetContact", status);
    return Failed("GetContact with the token of the write", status);
  }

  bool Accepts(size_t at, Partition partition) {
    contact::v1::UpdateContactRequest request;
    request.mutable_contact()->set_name(contacts_.at(partition));
    request.mutable_contact()->set_display_name(fmt::format("Name {}", ++number_));
    request.set_request_id(fmt::format("update-{:012}", number_));
    contact::v1::Contact contact;
    return replicas_[at].client->Call(kUpdate, request, &contact, nullptr, kTryFor).ok();
  }

  const KafkaReplicasOptions& options_;
  BenchLoads loads_;
  std::array<Replica, 2> replicas_;
  std::array<std::set<Partition>, 2> owned_;
  std::map<Partition, std::string> contacts_;
  int64_t number_ = 0;
};

void Tell(const std::string& what) {
  std::fprintf(stderr, "bench: %s\n", what.c_str());
}

absl::Status Tokens(Replicas& replicas, const KafkaReplicasOptions& options, const char* when,
                    std::vector<BenchRow>* rows) {
  CRM_ASSIGN_OR_RETURN(const std::vector<double> waits, replicas.ReadsWithTokens(options.reads));
  Tell(fmt::format(
      "extra wait of a read with a token, {}: p50 {:.2f}, p90 {:.2f}, p99 {:.2f}, "
      "most {:.2f} ms",
      when, Quantile(waits, 0.5), Quantile(waits, 0.9), Quantile(waits, 0.99), Quantile(waits, 1)));
  BenchRow p50 = AtMost(fmt::format("read with token elsewhere, {}, p50", when),
                        Quantile(waits, 0.5), "ms", 50);
  p50.aim.reset();
  rows->push_back(p50);
  rows->push_back(AtMost(fmt::format("read with token elsewhere, {}, p99", when),
                         Quantile(waits, 0.99), "ms", 50));
  return absl::OkStatus();
}

absl::Status Failovers(Replicas& replicas, const KafkaReplicasOptions& options,
                       std::vector<BenchRow>* rows) {
  std::vector<double> kills;
  std::vector<double> stops;
  for (int i = 0; i < options.failovers; ++i) {
    CRM_ASSIGN_OR_RETURN(const double stop, replicas.StopOne(static_cast<size_t>(i % 2)));
    stops.push_back(stop);
    CRM_ASSIGN_OR_RETURN(const double kill, replicas.KillOne(static_cast<size_t>(i % 2)));
    kills.push_back(kill);
    Tell(fmt::format("failover: killed {:.2f} s, stopped {:.3f} s", kill, stop));
  }
  rows->push_back(AtMost(fmt::format("owner killed, median of {}", kills.size()), Median(kills),
                         "s", options.session_seconds + 2));
  rows->push_back(
      AtMost("owner killed, longest", Quantile(kills, 1), "s", options.session_seconds + 2));
  rows->push_back(
      AtMost(fmt::format("owner stopped, median of {}", stops.size()), Median(stops), "s", 1));
  rows->push_back(AtMost("owner stopped, longest", Quantile(stops, 1), "s", 1));
  return absl::OkStatus();
}

}  // namespace

absl::Status MeasureReplicas(const KafkaReplicasOptions& options, bool tokens, bool failover,
                             std::vector<BenchRow>* rows) {
  Replicas replicas(options);
  CRM_RETURN_IF_ERROR(replicas.Start());
  if (tokens) {
    CRM_RETURN_IF_ERROR(Tokens(replicas, options, "idle", rows));
    std::thread load;
    CRM_RETURN_IF_ERROR(replicas.LoadFor(options.reads * 0.02, &load));
    const absl::Status status = Tokens(replicas, options, "16 creates in flight", rows);
    load.join();
    CRM_RETURN_IF_ERROR(status);
  }
  if (failover) CRM_RETURN_IF_ERROR(Failovers(replicas, options, rows));
  return replicas.Stop();
}

}  // namespace crm
