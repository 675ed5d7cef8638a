#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace crm {

// Keeps every other process out of a directory while it lives; a killed process frees it. The lock
// file names its holder for people.
class DirectoryLock {
 public:
  // FAILED_PRECONDITION (DIRECTORY_IN_USE), at once, when another process or another part of this
  // one holds it; the message names holder, directory and remedy.
  static absl::StatusOr<std::unique_ptr<DirectoryLock>> Take(const std::string& directory);
  ~DirectoryLock();
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

 private:
  explicit DirectoryLock(int fd) : fd_(fd) {}
  const int fd_;
};

}  // namespace crm
