#include "tests/support/damage.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "common/base/check.h"

namespace crm {
namespace {

namespace fs = std::filesystem;

template <typename Items>
const auto& AnyOf(const Items& items, std::mt19937_64& random) {
  CRM_CHECK(!items.empty());
  return *std::next(items.begin(), static_cast<int64_t>(random() % items.size()));
}

}  // namespace

std::string FileKind(const std::string& path) {
  const fs::path file(path);
  if (file.has_extension() && file.extension() != ".old") return file.extension().string();
  const std::string name = file.filename().string();
  return name.substr(0, name.find_first_of("-."));
}

std::vector<std::string> FilesBelow(const std::string& directory) {
  std::vector<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file() && entry.file_size() > 0) files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string Flip::ToString() const {
  return fmt::format("{} at {} xor {:#04x}", file, at, mask);
}

Flip PickFlip(const std::vector<std::string>& directories, std::mt19937_64& random) {
  std::map<std::string, std::vector<std::string>> by_kind;
  for (const std::string& directory : directories) {
    for (std::string& file : FilesBelow(directory)) by_kind[FileKind(file)].push_back(file);
  }
  Flip flip;
  flip.file = AnyOf(AnyOf(by_kind, random).second, random);
  flip.at = static_cast<int64_t>(random() % fs::file_size(flip.file));
  flip.mask = static_cast<uint8_t>(1 + random() % 255);
  return flip;
}

void Apply(const Flip& flip) {
  const int fd = open(flip.file.c_str(), O_RDWR | O_CLOEXEC);
  CRM_CHECK(fd >= 0);
  uint8_t byte = 0;
  CRM_CHECK(pread(fd, &byte, 1, flip.at) == 1);
  byte ^= flip.mask;
  CRM_CHECK(pwrite(fd, &byte, 1, flip.at) == 1);
  close(fd);
}

void CopyTree(const std::string& from, const std::string& to) {
  fs::remove_all(to);
  fs::copy(from, to, fs::copy_options::recursive);
}

}  // namespace crm
