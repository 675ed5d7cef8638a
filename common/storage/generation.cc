#include "common/storage/generation.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <filesystem>

#include "common/base/status.h"
#include "common/storage/files.h"

namespace crm {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kDamaged = ".damaged-";

// n of "<name>.damaged-<n>"; 0 for any other name.
int DamagedNumber(std::string_view sibling, std::string_view name) {
  if (!sibling.starts_with(name)) return 0;
  sibling.remove_prefix(name.size());
  if (!sibling.starts_with(kDamaged)) return 0;
  return std::atoi(std::string(sibling.substr(kDamaged.size())).c_str());
}

}  // namespace

Generation::Generation(std::string root, std::string store, int version)
    : root_(std::move(root)),
      store_(std::move(store)),
      name_(fmt::format("{}-{}", store_, version)),
      path_(root_ + "/" + name_) {}

bool Generation::exists() const {
  return FileExists(path_);
}

absl::StatusOr<std::unique_ptr<RocksStore>> Generation::Open(
    const RocksStoreOptions& options) const {
  return RocksStore::Open(path_, options);
}

absl::StatusOr<std::string> Generation::SetAside() const {
  int last = 0;
  std::vector<std::string> earlier;
  for (const std::string& sibling : Siblings()) {
    const int number = DamagedNumber(sibling, name_);
    if (number == 0) continue;
    last = std::max(last, number);
    earlier.push_back(root_ + "/" + sibling);
  }
  const std::string aside = fmt::format("{}{}{}", path_, kDamaged, last + 1);
  CRM_RETURN_IF_ERROR(RenameInDirectory(path_, aside));
  for (const std::string& path : earlier) CRM_RETURN_IF_ERROR(RemoveTree(path));
  return aside;
}

absl::StatusOr<std::unique_ptr<RocksStore>> Generation::Build(
    const RocksStoreOptions& options) const {
  CRM_RETURN_IF_ERROR(RemoveTree(BuildPath()));
  return RocksStore::Open(BuildPath(), options);
}

absl::Status Generation::Publish() const {
  const std::string built = BuildPath();
  if (!exists()) return RenameInDirectory(built, path_);
  if (renameat2(AT_FDCWD, built.c_str(), AT_FDCWD, path_.c_str(), RENAME_EXCHANGE) == 0) {
    CRM_RETURN_IF_ERROR(SyncDirectory(root_));
    return RemoveTree(built);
  }
  CRM_RETURN_IF_ERROR(RemoveTree(path_));
  return RenameInDirectory(built, path_);
}

absl::Status Generation::DeleteOthers() const {
  for (const std::string& sibling : Siblings()) {
    if (sibling != name_) CRM_RETURN_IF_ERROR(RemoveTree(root_ + "/" + sibling));
  }
  return absl::OkStatus();
}

std::vector<std::string> Generation::Siblings() const {
  std::vector<std::string> siblings;
  std::error_code error;
  for (fs::directory_iterator it(root_, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    const std::string prefix = store_ + "-";
    if (!name.starts_with(prefix) || name.size() == prefix.size()) continue;
    if (std::isdigit(static_cast<unsigned char>(name[prefix.size()])) != 0) {
      siblings.push_back(name);
    }
  }
  return siblings;
}

}  // namespace crm
