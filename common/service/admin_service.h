#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/rpc/server.h"
#include "common/service/service_host.h"

namespace crm {

// crm.admin.v1.AdminService over the hosts of one process. Thread-safe.
class AdminService {
 public:
  struct Options {
    std::string version;
    std::string engine;
    // Checks what lies under the log's records (files, checksums). DATA_LOSS names the place.
    std::function<absl::Status()> verify_files;
  };

  // The hosts outlive it.
  AdminService(Options options, std::vector<ServiceHost*> hosts, const Clock& clock,
               WorkQueue& work)
      : options_(std::move(options)), hosts_(std::move(hosts)), clock_(clock), work_(work) {}

  void Register(RpcServer& server);

 private:
  using Unary = absl::StatusOr<std::string> (AdminService::*)(const UnaryCall& call) const;
  using Stream = absl::Status (AdminService::*)(StreamCall& call) const;

  // Runs `method` on the work queue.
  UnaryHandler OnQueue(Unary method);
  StreamHandler OnThread(Stream method);
  // Has the projections checked and rebuilt where a stream met a damaged store.
  absl::Status Reported(absl::Status status) const;

  absl::StatusOr<ServiceHost*> FindHost(const std::string& service) const;
  absl::StatusOr<ServiceHost*> FindTopic(const std::string& topic) const;
  absl::StatusOr<ServedProjection*> FindProjection(const std::string& service,
                                                   const std::string& projection) const;

  absl::StatusOr<std::string> GetStatus(const UnaryCall& call) const;
  absl::StatusOr<std::string> ListDeadLetters(const UnaryCall& call) const;
  absl::StatusOr<std::string> ListReactionRefusals(const UnaryCall& call) const;
  absl::StatusOr<std::string> Quiesce(const UnaryCall& call) const;
  absl::Status RebuildProjection(StreamCall& call) const;
  absl::Status DumpProjection(StreamCall& call) const;
  absl::Status VerifyProjection(StreamCall& call) const;
  absl::Status ReadLog(StreamCall& call) const;
  absl::Status VerifyLog(StreamCall& call) const;

  const Options options_;
  const std::vector<ServiceHost*> hosts_;
  const Clock& clock_;
  WorkQueue& work_;
};

}  // namespace crm
