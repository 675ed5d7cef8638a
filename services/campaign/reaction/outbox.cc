#include "services/campaign/reaction/outbox.h"

#include <fcntl.h>
#include <google/protobuf/util/json_util.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "common/base/check.h"
#include "common/base/status.h"
#include "common/storage/files.h"

namespace crm::campaign {
namespace {

constexpr mode_t kReadable = 0644;

std::string ToJson(const v1::OutboxMessage& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string json;
  CRM_CHECK(google::protobuf::util::MessageToJsonString(message, &json, options).ok());
  return json + "\n";
}

// A file of a later version may have more fields.
absl::StatusOr<v1::OutboxMessage> ReadMessage(const std::string& path) {
  CRM_ASSIGN_OR_RETURN(const std::string json, ReadWholeFile(path));
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  v1::OutboxMessage message;
  if (google::protobuf::util::JsonStringToMessage(json, &message, options).ok()) return message;
  return Error(absl::StatusCode::kUnavailable, "OUTBOX_UNREADABLE",
               path + " is no message of the outbox; move it away");
}

absl::Status WriteWhole(int fd, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t written = write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return FileError("write", path);
    content.remove_prefix(static_cast<size_t>(written));
  }
  return fchmod(fd, kReadable) == 0 ? absl::OkStatus() : FileError("make readable", path);
}

}  // namespace

absl::StatusOr<v1::OutboxMessage> MemoryOutbox::Put(const v1::OutboxMessage& message) {
  MutexLock lock(mutex_);
  return messages_.try_emplace(message.send(), message).first->second;
}

absl::flat_hash_map<std::string, v1::OutboxMessage> MemoryOutbox::Content() const {
  MutexLock lock(mutex_);
  return messages_;
}

// link() puts the whole file under its name or fails because the name is taken: there is no moment
// at which part of it can be seen, and none at which two can win. Only a loss of power leaves a
// file empty.
absl::StatusOr<v1::OutboxMessage> FileOutbox::Put(const v1::OutboxMessage& message) {
  const std::string path = directory_ + "/" + message.send() + ".json";
  struct stat file;
  const bool exists = stat(path.c_str(), &file) == 0;
  if (exists && file.st_size > 0) return ReadMessage(path);
  CRM_ASSIGN_OR_RETURN(const std::string draft, WriteDraft(message));
  if (exists && rename(draft.c_str(), path.c_str()) == 0) return message;
  const int cause = link(draft.c_str(), path.c_str()) == 0 ? 0 : errno;
  unlink(draft.c_str());
  if (cause == EEXIST) return ReadMessage(path);
  errno = cause;
  if (cause != 0) return FileError("make", path);
  return message;
}

absl::StatusOr<std::string> FileOutbox::WriteDraft(const v1::OutboxMessage& message) const {
  const std::string name = directory_ + "/.draft-XXXXXX";
  std::string draft = name;
  int fd = mkostemp(draft.data(), O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) {
    CRM_RETURN_IF_ERROR(MakeDirectories(directory_));
    draft = name;
    fd = mkostemp(draft.data(), O_CLOEXEC);
  }
  if (fd < 0) return FileError("make a file in", directory_);
  absl::Status status = WriteWhole(fd, ToJson(message), draft);
  close(fd);
  if (status.ok()) return draft;
  unlink(draft.c_str());
  return status;
}

}  // namespace crm::campaign
