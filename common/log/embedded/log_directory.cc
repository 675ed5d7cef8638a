#include "common/log/embedded/log_directory.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "common/base/status.h"
#include "common/storage/block_log_scan.h"
#include "common/storage/files.h"

namespace crm {
namespace {

namespace fs = std::filesystem;

constexpr char kRemedy[] =
    "Nothing was changed. Restore the log from a backup (docs/runbooks), or mend the disk";

}  // namespace

absl::Status LogDirectory::Damaged(const std::string& what) const {
  return Error(absl::StatusCode::kDataLoss, "LOG_DAMAGED",
               fmt::format("the log in {} is damaged: {}. {}", path_, what, kRemedy));
}

absl::StatusOr<bool> LogDirectory::HasLog() const {
  if (FileExists(db())) return true;
  if (!FileExists(path_ + "/log-id")) return false;
  return Damaged("its directory db is missing, although log-id says that a log was made here");
}

absl::Status LogDirectory::Adopt(const std::string& log_id) const {
  CRM_RETURN_IF_ERROR(RenameInDirectory(draft(), db()));
  return Mark(log_id);
}

absl::Status LogDirectory::Mark(const std::string& log_id) const {
  const std::string marker = path_ + "/log-id";
  if (FileExists(marker)) return absl::OkStatus();
  return WriteFileAtomically(marker, log_id + "\n");
}

absl::Status LogDirectory::CheckAndRepair() const {
  CRM_RETURN_IF_ERROR(CheckManifest());
  CRM_ASSIGN_OR_RETURN(const auto wals, Wals());
  // RocksDB makes one whenever it opens and deletes one only after a newer one exists.
  if (wals.empty()) return Damaged("it has no write-ahead log");
  for (const auto& wal : wals) CRM_RETURN_IF_ERROR(CheckWal(wal.first, &wal == &wals.back()));
  return absl::OkStatus();
}

absl::Status LogDirectory::CheckWals(
    const std::vector<std::pair<std::string, int64_t>>& settled) const {
  for (const auto& [name, bytes] : settled) {
    const auto scan = ScanBlockLog(db() + "/" + name, bytes);
    // Files whose records all went to tables are deleted meanwhile.
    if (!scan.ok() && !FileExists(db() + "/" + name)) continue;
    if (!scan.ok()) return scan.status();
    if (scan->clean()) continue;
    return Damaged(fmt::format("db/{} cannot be read at byte {}", name, scan->intact_bytes));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::pair<std::string, int64_t>>> LogDirectory::Wals() const {
  std::vector<std::pair<std::string, int64_t>> wals;
  std::error_code error;
  for (fs::directory_iterator it(db(), error), end; !error && it != end; it.increment(error)) {
    if (it->path().extension() != ".log") continue;
    const auto bytes = static_cast<int64_t>(it->file_size(error));
    if (!error) wals.emplace_back(it->path().filename().string(), bytes);
    error.clear();
  }
  if (error) {
    errno = error.value();
    return FileError("list", db());
  }
  // Names are numbers of six digits or more.
  std::sort(wals.begin(), wals.end(), [](const auto& a, const auto& b) {
    return std::pair(a.first.size(), a.first) < std::pair(b.first.size(), b.first);
  });
  return wals;
}

absl::Status LogDirectory::CheckWal(const std::string& name, bool newest) const {
  const std::string file = db() + "/" + name;
  CRM_ASSIGN_OR_RETURN(const BlockLogScan scan, ScanBlockLog(file));
  if (scan.clean()) return absl::OkStatus();
  if (scan.valid_after_break) {
    return Damaged(fmt::format("db/{} cannot be read at byte {}, while records follow at byte {}",
                               name, scan.intact_bytes, *scan.valid_after_break));
  }
  if (!newest) {
    return Damaged(fmt::format("db/{} cannot be read at byte {}, while a newer one exists", name,
                               scan.intact_bytes));
  }
  return TruncateFile(file, scan.intact_bytes);
}

// RocksDB drops an unfinished last entry without a word, although the write-ahead log whose flush
// it recorded may be gone. An entry is synced before that, so a power loss can tear it only in the
// moment it is written: rare enough to ask a person.
absl::Status LogDirectory::CheckManifest() const {
  const auto current = ReadWholeFile(db() + "/CURRENT");
  if (!current.ok()) return Damaged("db/CURRENT is missing or unreadable");
  const std::string name = current->substr(0, current->find('\n'));
  if (!name.starts_with("MANIFEST-") || !FileExists(db() + "/" + name)) {
    return Damaged("db/CURRENT names no manifest that is there");
  }
  CRM_ASSIGN_OR_RETURN(const BlockLogScan scan, ScanBlockLog(db() + "/" + name));
  if (scan.clean() && scan.file_bytes > 0) return absl::OkStatus();
  return Damaged(fmt::format("db/{} cannot be read at byte {} of {}", name, scan.intact_bytes,
                             scan.file_bytes));
}

}  // namespace crm
