#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"

namespace crm::crmctl {

// The file of the rows that were refused, in the order of the input; there is none before the
// first. Not thread-safe.
class RefusedRows {
 public:
  // `path` empty: refused rows are not kept. `header` begins the file.
  RefusedRows(std::string path, std::string header)
      : path_(std::move(path)), header_(std::move(header)) {}
  ~RefusedRows();
  RefusedRows(const RefusedRows&) = delete;
  RefusedRows& operator=(const RefusedRows&) = delete;

  // Goes on after the first `bytes` of the file, what follows is dropped. False: the file is
  // shorter. With 0 bytes an old file of that name is kept as PATH.old.
  bool Resume(int64_t bytes);
  // One row, ready to be written. An error once the file cannot be written; then it is no use to go
  // on.
  void Add(const std::string& row);
  // All that was added is in the file. PERMISSION_DENIED, UNAVAILABLE.
  absl::Status Flush();

  const std::string& path() const { return path_; }
  int64_t bytes() const { return bytes_; }

 private:
  absl::Status Open();

  const std::string path_;
  const std::string header_;
  int fd_ = -1;
  // In the file.
  int64_t bytes_ = 0;
  std::string waiting_;
};

}  // namespace crm::crmctl
