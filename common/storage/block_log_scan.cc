#include "common/storage/block_log_scan.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <string_view>

#include "common/base/status.h"
#include "common/storage/crc32c.h"
#include "common/storage/files.h"

namespace crm {
namespace {

constexpr size_t kBlock = 32 * 1024;
constexpr size_t kHeader = 7;
constexpr size_t kRecyclableHeader = 11;

enum Type : uint8_t { kFull = 1, kFirst, kMiddle, kLast };
// Types above the fragments of records stand by themselves: settings RocksDB writes for itself.
constexpr uint8_t kRecyclableOffset = 4;
constexpr uint8_t kLastRecyclable = 8;

uint32_t LittleEndian32(const char* in) {
  uint32_t value = 0;
  for (int i = 3; i >= 0; --i) value = value << 8 | static_cast<uint8_t>(in[i]);
  return value;
}

uint32_t Masked(uint32_t crc) {
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8U;
}

struct Fragment {
  size_t bytes;
  // One of Type, whichever header it had; kFull for records that stand by themselves.
  uint8_t type;
};

class Scanner {
 public:
  Scanner(const std::string& path, BlockLogScan* scan) : scan_(scan) {
    number_ = static_cast<uint32_t>(
        std::strtoull(std::filesystem::path(path).filename().c_str(), nullptr, 10));
  }

  // False when nothing more needs to be read.
  bool Block(std::string_view block, int64_t base) {
    size_t at = 0;
    if (!broken_) at = ReadFragments(block, base);
    if (broken_) Search(block, base, at);
    return !scan_->valid_after_break.has_value();
  }

 private:
  // Follows the records; answers where the block can no longer be read, and sets broken_.
  size_t ReadFragments(std::string_view block, int64_t base) {
    size_t at = 0;
    while (at < block.size()) {
      if (kBlock - at < kHeader) return SkipPadding(block, base, at);
      const std::optional<Fragment> fragment = FragmentAt(block, at);
      const bool continues = fragment && (fragment->type == kMiddle || fragment->type == kLast);
      if (!fragment || continues != in_record_) {
        broken_ = true;
        return at;
      }
      at += fragment->bytes;
      in_record_ = fragment->type == kFirst || fragment->type == kMiddle;
      if (!in_record_) scan_->intact_bytes = base + static_cast<int64_t>(at);
    }
    return at;
  }

  size_t SkipPadding(std::string_view block, int64_t base, size_t at) {
    const std::string_view padding = block.substr(at);
    if (padding.find_first_not_of('\0') != padding.npos) {
      broken_ = true;
      return at;
    }
    if (!in_record_) scan_->intact_bytes = base + static_cast<int64_t>(block.size());
    return block.size();
  }

  void Search(std::string_view block, int64_t base, size_t at) {
    for (; at + kHeader <= block.size(); ++at) {
      if (!FragmentAt(block, at)) continue;
      scan_->valid_after_break = base + static_cast<int64_t>(at);
      return;
    }
  }

  std::optional<Fragment> FragmentAt(std::string_view block, size_t at) const {
    const std::string_view rest = block.substr(at);
    if (rest.size() < kHeader) return std::nullopt;
    const auto type = static_cast<uint8_t>(rest[6]);
    if (type == 0) return std::nullopt;
    const size_t length =
        static_cast<uint8_t>(rest[4]) | static_cast<size_t>(static_cast<uint8_t>(rest[5])) << 8;
    const bool recyclable = type > kRecyclableOffset && type <= kLastRecyclable;
    const size_t bytes = (recyclable ? kRecyclableHeader : kHeader) + length;
    if (bytes > rest.size()) return std::nullopt;
    // A recycled file still holds the records of the file it was made from.
    if (recyclable && LittleEndian32(rest.data() + kHeader) != number_) return std::nullopt;
    if (Masked(Crc32c(rest.substr(6, bytes - 6))) != LittleEndian32(rest.data())) {
      return std::nullopt;
    }
    if (type > kLastRecyclable) return Fragment{bytes, kFull};
    return Fragment{bytes, recyclable ? static_cast<uint8_t>(type - kRecyclableOffset) : type};
  }

  BlockLogScan* const scan_;
  uint32_t number_ = 0;
  bool in_record_ = false;
  bool broken_ = false;
};

// Fills `block` from the file; shorter only at its end.
absl::Status ReadBlock(int fd, const std::string& path, int64_t at, size_t wanted,
                       std::string* block) {
  block->resize(wanted);
  size_t filled = 0;
  while (filled < wanted) {
    const ssize_t got =
        pread(fd, block->data() + filled, wanted - filled, at + static_cast<int64_t>(filled));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FileError("read", path);
    if (got == 0) break;
    filled += static_cast<size_t>(got);
  }
  block->resize(filled);
  return absl::OkStatus();
}

absl::Status ScanBlocks(int fd, const std::string& path, BlockLogScan* scan) {
  Scanner scanner(path, scan);
  std::string block;
  for (int64_t at = 0; at < scan->file_bytes; at += kBlock) {
    const auto wanted = static_cast<size_t>(std::min<int64_t>(kBlock, scan->file_bytes - at));
    CRM_RETURN_IF_ERROR(ReadBlock(fd, path, at, wanted, &block));
    if (block.empty() || !scanner.Block(block, at)) break;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<BlockLogScan> ScanBlockLog(const std::string& path, std::optional<int64_t> limit) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return FileError("open", path);
  BlockLogScan scan;
  struct stat info = {};
  absl::Status status = fstat(fd, &info) == 0 ? absl::OkStatus() : FileError("look at", path);
  if (status.ok()) {
    scan.file_bytes = std::min<int64_t>(info.st_size, limit.value_or(info.st_size));
    status = ScanBlocks(fd, path, &scan);
  }
  close(fd);
  if (!status.ok()) return status;
  return scan;
}

}  // namespace crm
