#include "common/storage/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "common/base/status.h"

namespace crm {
namespace {

namespace fs = std::filesystem;

// Closes a descriptor at the end of a scope.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

absl::Status WriteAll(int fd, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t written = write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return FileError("write", path);
    content.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

std::string ParentOf(const std::string& path) {
  const std::string parent = fs::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

}  // namespace

absl::Status FileError(std::string_view action, const std::string& path) {
  return Error(absl::StatusCode::kUnavailable, "FILE_ERROR",
               fmt::format("cannot {} {}: {}", action, path, std::strerror(errno)));
}

bool FileExists(const std::string& path) {
  std::error_code error;
  return fs::exists(path, error);
}

absl::Status MakeDirectories(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (!error) return absl::OkStatus();
  errno = error.value();
  return FileError("make the directory", path);
}

absl::Status SyncDirectory(const std::string& path) {
  const Descriptor fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0) return FileError("open", path);
  if (fsync(fd.get()) != 0) return FileError("sync", path);
  return absl::OkStatus();
}

absl::Status TruncateFile(const std::string& path, int64_t bytes) {
  const Descriptor fd(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (fd.get() < 0) return FileError("open", path);
  if (ftruncate(fd.get(), bytes) != 0) return FileError("truncate", path);
  if (fsync(fd.get()) != 0) return FileError("sync", path);
  return absl::OkStatus();
}

absl::Status WriteFileAtomically(const std::string& path, std::string_view content) {
  const std::string draft = path + ".new";
  {
    const Descriptor fd(open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (fd.get() < 0) return FileError("make", draft);
    CRM_RETURN_IF_ERROR(WriteAll(fd.get(), content, draft));
    if (fsync(fd.get()) != 0) return FileError("sync", draft);
  }
  return RenameInDirectory(draft, path);
}

absl::StatusOr<std::string> ReadWholeFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return FileError("open", path);
  std::ostringstream content;
  content << in.rdbuf();
  if (in.bad()) return FileError("read", path);
  return std::move(content).str();
}

absl::Status RenameInDirectory(const std::string& from, const std::string& to) {
  if (rename(from.c_str(), to.c_str()) != 0) return FileError("rename", from);
  return SyncDirectory(ParentOf(to));
}

absl::Status RemoveTree(const std::string& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (!error) return absl::OkStatus();
  errno = error.value();
  return FileError("remove", path);
}

}  // namespace crm
