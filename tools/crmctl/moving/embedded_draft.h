#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tools/crmctl/moving/log_contents.h"

namespace crm {
class DirectoryLock;
class EmbeddedLogEngine;
}  // namespace crm

namespace crm::crmctl {

// The embedded log of a data directory that has none yet. Until it is complete it lies in
// <data directory>/log.incomplete, where no server looks.
class EmbeddedDraft final : public LogDraft {
 public:
  explicit EmbeddedDraft(std::string data_directory);
  ~EmbeddedDraft() override;

  std::string name() const override;
  std::vector<std::string> topics() const override;
  // FAILED_PRECONDITION: a log lies there (TARGET_NOT_EMPTY), or a server or another copy is at
  // work (DIRECTORY_IN_USE). ALREADY_EXISTS (OTHER_LOG): another log's copy was begun there.
  absl::Status Begin(const LogIdentity& identity, const std::vector<std::string>& topics) override;
  absl::StatusOr<Offset> End(const LogPlace& place) override;
  absl::Status Read(const LogPlace& place, Offset from, Offset to, const Each& each) override;
  absl::Status Append(const LogPlace& place, const std::vector<Record>& records) override;
  absl::Status Settle() override;
  absl::Status Finish() override;

 private:
  absl::Status Open();

  const std::string data_directory_;
  const std::string draft_;
  LogIdentity identity_;
  std::vector<std::string> topics_;
  std::unique_ptr<EmbeddedLogEngine> engine_;
};

}  // namespace crm::crmctl
