#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"

namespace crm {

// What a look at every byte of a file in RocksDB's log format (write-ahead logs, manifests) found.
struct BlockLogScan {
  int64_t file_bytes = 0;
  // End of the last record before the first byte that cannot be read.
  int64_t intact_bytes = 0;
  // Where a readable record begins behind that byte: then the file was damaged, for records are
  // written in order. Absent: the rest was never written completely.
  std::optional<int64_t> valid_after_break;

  bool clean() const { return intact_bytes == file_bytes; }
};

// Reads the file independently of RocksDB, whose own recovery takes some damage for an unfinished
// write.
//
//   file     blocks of 32 KiB; fewer than 7 bytes at a block's end are zero
//   record   fragments, none across a block's end: FULL, or FIRST MIDDLE* LAST
//   fragment masked crc32c (4, little endian) of all that follows the length; length (2); type (1);
//            for the recyclable types (5 … 8) the low half of the file's number (4); payload
//
// `limit`: reads no further than that many bytes. Errors: UNAVAILABLE when the file cannot be read.
absl::StatusOr<BlockLogScan> ScanBlockLog(const std::string& path,
                                          std::optional<int64_t> limit = std::nullopt);

}  // namespace crm
