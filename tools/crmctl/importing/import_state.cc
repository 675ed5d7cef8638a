#include "tools/crmctl/importing/import_state.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <sstream>

#include "common/base/bytes.h"
#include "common/base/hash.h"
#include "common/base/status.h"

namespace crm::crmctl {
namespace {

// One write of a fixed size, in place.
constexpr size_t kBytes = 512;
constexpr ssize_t kEntry = sizeof(uint64_t);
constexpr size_t kBlock = 64 << 10;
constexpr char kFormat[] = "crmctl-import-1";

std::string Sealed(std::string text) {
  text += ' ' + Hex(Hash128(text));
  text.resize(kBytes - 1, ' ');
  return text + '\n';
}

// Format, what it is about, id, numbers, and a hash of these.
std::string ToText(const std::string& about, const ImportState& state) {
  return Sealed(fmt::format("{} {} {} {} {} {} {} {}", kFormat, about, state.id, state.done,
                            state.refused_bytes, state.refused, state.counts.size(),
                            fmt::join(state.counts, " ")));
}

}  // namespace

absl::StatusOr<std::unique_ptr<ImportStateFile>> ImportStateFile::Open(const std::string& path,
                                                                       std::string_view about) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    return Error(absl::StatusCode::kPermissionDenied, "FILE_UNWRITABLE",
                 fmt::format("cannot write {}: {}; name another place for the import's state with "
                             "--state",
                             path, std::strerror(errno)));
  }
  std::unique_ptr<ImportStateFile> file(
      new ImportStateFile(path, fd, Hex(Hash128(about)).substr(0, 16)));
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    return Error(absl::StatusCode::kFailedPrecondition, "IMPORT_RUNNING",
                 fmt::format("this import is running already: another crmctl holds {}", path));
  }
  file->Read();
  if (file->found_.id.empty()) file->StartOver();
  return file;
}

ImportStateFile::~ImportStateFile() {
  close(fd_);
}

void ImportStateFile::Read() {
  std::string text(kBytes, '\0');
  const ssize_t got = pread(fd_, text.data(), text.size(), 0);
  text.resize(got < 0 ? 0 : static_cast<size_t>(got));
  std::istringstream in(text);
  std::string format;
  std::string about;
  ImportState state;
  size_t counts = 0;
  in >> format >> about >> state.id >> state.done >> state.refused_bytes >> state.refused >> counts;
  if (!in || counts > kBytes) return;
  state.counts.resize(counts);
  for (int64_t& count : state.counts) in >> count;
  if (!in || text != ToText(about, state)) return;
  found_other_ = about != about_;
  if (found_other_) return;
  found_ = std::move(state);
  ReadAccepted();
}

void ImportStateFile::ReadAccepted() {
  std::string bytes(kBlock, '\0');
  for (off_t at = kBytes;; at += kBlock) {
    const ssize_t got = pread(fd_, bytes.data(), bytes.size(), at);
    for (ssize_t i = 0; i + kEntry <= got; i += kEntry) {
      uint64_t entry = 0;
      std::memcpy(&entry, bytes.data() + i, kEntry);
      const auto row = static_cast<int64_t>(entry >> 8);
      if (row < found_.done || !found_.accepted.emplace(row, static_cast<uint8_t>(entry)).second) {
        continue;
      }
      noted_.push_back(entry);
    }
    if (got < static_cast<ssize_t>(bytes.size())) return;
  }
}

absl::Status ImportStateFile::WriteAt(const void* bytes, size_t size, int64_t at) {
  if (pwrite(fd_, bytes, size, at) == static_cast<ssize_t>(size)) return absl::OkStatus();
  return Error(absl::StatusCode::kUnavailable, "FILE_UNWRITABLE",
               fmt::format("cannot write {}: {}; is the disk full?", path_, std::strerror(errno)));
}

// Dying in between is fine: the notes are written again behind a state that is not newer than they
// are, and old ones say nothing new.
absl::Status ImportStateFile::Write(const ImportState& state) {
  std::erase_if(noted_,
                [&](uint64_t entry) { return static_cast<int64_t>(entry >> 8) < state.done; });
  const std::string text = ToText(about_, state);
  CRM_RETURN_IF_ERROR(WriteAt(text.data(), text.size(), 0));
  CRM_RETURN_IF_ERROR(WriteAt(noted_.data(), noted_.size() * kEntry, kBytes));
  end_ = static_cast<int64_t>(kBytes + noted_.size() * kEntry);
  // What is left behind them are notes of rows that are done or among them.
  return absl::OkStatus();
}

absl::Status ImportStateFile::NoteAccepted(int64_t row, uint8_t outcome) {
  noted_.push_back(static_cast<uint64_t>(row) << 8 | outcome);
  CRM_RETURN_IF_ERROR(WriteAt(&noted_.back(), kEntry, end_));
  end_ += kEntry;
  return absl::OkStatus();
}

void ImportStateFile::StartOver() {
  found_ = {};
  noted_.clear();
  // Notes of another import must not be taken for this one's.
  if (ftruncate(fd_, 0) != 0) unlink(path_.c_str());
}

void ImportStateFile::Remove() {
  unlink(path_.c_str());
}

}  // namespace crm::crmctl
