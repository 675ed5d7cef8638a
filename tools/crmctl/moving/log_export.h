#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "crm/common/v1/log_export.pb.h"
#include "tools/crmctl/moving/log_contents.h"

namespace crm {
class DirectoryLock;
}  // namespace crm

namespace crm::crmctl {

// Every segment of an export that is not as it was written: what is wrong with it. Empty: all is
// well. Errors: as LoadManifest.
absl::StatusOr<std::vector<std::string>> VerifyExport(const std::string& directory);

// A log in the files of an export, checked as it is read.
class ExportSource final : public LogSource {
 public:
  // FAILED_PRECONDITION (EXPORT_INCOMPLETE): it was broken off. Else as LoadManifest.
  static absl::StatusOr<ExportSource> Open(const std::string& directory);

  std::string name() const override;
  const LogIdentity& identity() const override { return identity_; }
  std::vector<std::string> topics() const override;
  absl::StatusOr<Offset> End(const LogPlace& place) override;
  absl::Status Read(const LogPlace& place, Offset from, Offset to, const Each& each) override;

 private:
  ExportSource(std::string directory, common::v1::ExportManifest manifest);

  std::string directory_;
  common::v1::ExportManifest manifest_;
  LogIdentity identity_;
};

// The files of an export being written, or extended by what the log has gained since.
class ExportDraft final : public LogDraft {
 public:
  // A segment ends once it holds so many bytes.
  static constexpr size_t kSegmentBytes = 64 << 20;

  explicit ExportDraft(std::string directory, size_t segment_bytes = kSegmentBytes);
  ~ExportDraft() override;

  std::string name() const override;
  std::vector<std::string> topics() const override;
  // FAILED_PRECONDITION: another log's export (OTHER_LOG), files that are none (TARGET_NOT_EMPTY),
  // or an export is at work (DIRECTORY_IN_USE).
  absl::Status Begin(const LogIdentity& identity, const std::vector<std::string>& topics) override;
  absl::StatusOr<Offset> End(const LogPlace& place) override;
  absl::Status Read(const LogPlace& place, Offset from, Offset to, const Each& each) override;
  absl::Status Append(const LogPlace& place, const std::vector<Record>& records) override;
  absl::Status Settle() override;
  absl::Status Finish() override;

 private:
  absl::Status LoadOrMake();
  absl::Status CloseSegment();

  const std::string directory_;
  const size_t segment_bytes_;
  std::unique_ptr<DirectoryLock> lock_;
  common::v1::ExportManifest manifest_;
  // The segment that grows, not written yet.
  common::v1::ExportedSegment open_;
  std::string bytes_;
};

}  // namespace crm::crmctl
