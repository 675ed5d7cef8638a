#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/aggregate/core_fold.h"
#include "common/projection/event_schema.h"
#include "common/service/service_definition.h"
#include "common/storage/storage_budget.h"
#include "tools/crmctl/inspection.h"

namespace crm {
class EmbeddedLogEngine;
class Generation;
class Log;
class Store;
}  // namespace crm

namespace crm::crmctl {

// Works on the data directory of a stopped server, with the log's lock held so that none starts
// meanwhile. Reads, but for RebuildProjection and AdoptRestored; opening the log repairs a torn
// tail, as a start would.
class FileInspection final : public Inspection {
 public:
  // `services` are those whose events and projections can be read. FAILED_PRECONDITION
  // (DIRECTORY_IN_USE): a server runs on it. NOT_FOUND: there is no log. DATA_LOSS: it is damaged.
  static absl::StatusOr<std::unique_ptr<FileInspection>> Open(
      const std::string& data_directory, std::vector<ServiceDefinition> services);
  ~FileInspection() override;

  absl::StatusOr<admin::v1::GetStatusResponse> GetStatus() override;
  absl::StatusOr<admin::v1::ListDeadLettersResponse> ListDeadLetters(
      const admin::v1::ListDeadLettersRequest& request) override;
  absl::StatusOr<admin::v1::ListReactionRefusalsResponse> ListReactionRefusals(
      const admin::v1::ListReactionRefusalsRequest& request) override;
  // Without `follow`: nobody writes.
  absl::Status ReadLog(const admin::v1::ReadLogRequest& request,
                       const Each<admin::v1::LogEntry>& each) override;
  absl::Status VerifyLog(const admin::v1::VerifyLogRequest& request,
                         const Each<admin::v1::VerifyLogResponse>& each) override;
  absl::Status RebuildProjection(const admin::v1::RebuildProjectionRequest& request,
                                 const Each<admin::v1::RebuildProjectionProgress>& each) override;
  absl::Status DumpProjection(const admin::v1::DumpProjectionRequest& request,
                              const Each<admin::v1::DumpProjectionResponse>& each) override;
  absl::Status VerifyProjection(const admin::v1::VerifyProjectionRequest& request,
                                const Each<admin::v1::VerifyProjectionResponse>& each) override;

  struct Adopted {
    int64_t epoch = 0;
    // Where the projections lie that were set aside.
    std::vector<std::string> set_aside;
  };
  // Declares that the log was restored from an older copy: sets every projection aside, for the
  // next start to build anew, then begins a new epoch of the log. May be repeated.
  absl::StatusOr<Adopted> AdoptRestored();

 private:
  struct Folded;
  struct Service;

  FileInspection(std::string data_directory, std::unique_ptr<EmbeddedLogEngine> engine,
                 std::vector<ServiceDefinition> services);

  absl::StatusOr<Service*> FindService(const std::string& name) const;
  absl::StatusOr<Service*> FindTopic(const std::string& topic) const;
  absl::StatusOr<const Folded*> FindProjection(const Service& service,
                                               const std::string& name) const;
  Generation GenerationOf(const Service& service, const Projection& projection) const;
  // NOT_FOUND where it was not built yet.
  absl::StatusOr<std::unique_ptr<Store>> OpenStore(const Service& service,
                                                   const Projection& projection) const;
  absl::Status AddStatus(const Service& service, admin::v1::ServiceStatus* status) const;
  absl::Status AddForeignRecords(const Service& service, admin::v1::ServiceStatus* status) const;

  const std::string data_directory_;
  std::unique_ptr<StorageBudget> budget_;
  std::unique_ptr<EmbeddedLogEngine> engine_;
  std::vector<std::unique_ptr<Service>> services_;
};

}  // namespace crm::crmctl
