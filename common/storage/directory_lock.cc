#include "common/storage/directory_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/base/status.h"
#include "common/storage/files.h"

namespace crm {
namespace {

std::string HolderOf(const std::string& path) {
  auto content = ReadWholeFile(path);
  if (!content.ok() || content->empty()) return "another process";
  while (!content->empty() && content->back() == '\n') content->pop_back();
  return *content;
}

absl::Status WriteHolder(int fd, const std::string& path) {
  char host[256] = {};
  if (gethostname(host, sizeof(host) - 1) != 0) return FileError("name the holder of", path);
  const std::string holder = fmt::format("process {} on host {}\n", getpid(), host);
  if (ftruncate(fd, 0) != 0) return FileError("truncate", path);
  const ssize_t written = pwrite(fd, holder.data(), holder.size(), 0);
  if (written != static_cast<ssize_t>(holder.size())) return FileError("write", path);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<DirectoryLock>> DirectoryLock::Take(const std::string& directory) {
  const std::string path = directory + "/lock";
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return FileError("open", path);
  std::unique_ptr<DirectoryLock> lock(new DirectoryLock(fd));
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    return Error(absl::StatusCode::kFailedPrecondition, "DIRECTORY_IN_USE",
                 fmt::format("{} is in use by {}: stop it first, or choose another --data-dir",
                             directory, HolderOf(path)));
  }
  CRM_RETURN_IF_ERROR(WriteHolder(fd, path));
  return lock;
}

DirectoryLock::~DirectoryLock() {
  close(fd_);
}

}  // namespace crm
