#include "tools/crmctl/importing/refused_rows.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "common/base/status.h"

namespace crm::crmctl {

RefusedRows::~RefusedRows() {
  if (fd_ >= 0) close(fd_);
}

bool RefusedRows::Resume(int64_t bytes) {
  if (path_.empty()) return true;
  std::error_code error;
  if (bytes == 0) {
    if (std::filesystem::exists(path_, error)) {
      std::filesystem::rename(path_, path_ + ".old", error);
    }
    return true;
  }
  const auto size = std::filesystem::file_size(path_, error);
  if (error || size < static_cast<uintmax_t>(bytes)) return false;
  std::filesystem::resize_file(path_, static_cast<uintmax_t>(bytes), error);
  bytes_ = bytes;
  return !error;
}

void RefusedRows::Add(const std::string& row) {
  if (path_.empty()) return;
  if (bytes_ == 0 && waiting_.empty()) waiting_ = header_;
  waiting_ += row;
}

absl::Status RefusedRows::Open() {
  // The rows are as personal as the input.
  fd_ = open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd_ >= 0) return absl::OkStatus();
  return Error(absl::StatusCode::kPermissionDenied, "FILE_UNWRITABLE",
               fmt::format("cannot write the refused rows to {}: {}; name another file with "
                           "--refused",
                           path_, std::strerror(errno)));
}

absl::Status RefusedRows::Flush() {
  if (waiting_.empty()) return absl::OkStatus();
  if (fd_ < 0) CRM_RETURN_IF_ERROR(Open());
  const ssize_t wrote = pwrite(fd_, waiting_.data(), waiting_.size(), bytes_);
  if (wrote != static_cast<ssize_t>(waiting_.size())) {
    return Error(
        absl::StatusCode::kUnavailable, "FILE_UNWRITABLE",
        fmt::format("cannot write {}: {}; is the disk full?", path_, std::strerror(errno)));
  }
  bytes_ += wrote;
  waiting_.clear();
  return absl::OkStatus();
}

}  // namespace crm::crmctl
