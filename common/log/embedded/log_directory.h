#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace crm {

// The files of an embedded log, seen from outside RocksDB:
//
//   <directory>/lock      who uses it (DirectoryLock)
//   <directory>/log-id    the log's id; there once the log is made, so that a log that lost its
//   files is
//                         never taken for one that was not made yet
//   <directory>/db        the RocksDB
//   <directory>/db.new    a RocksDB being made; left over only by a crash during the first start
class LogDirectory {
 public:
  explicit LogDirectory(std::string path) : path_(std::move(path)) {}

  const std::string& path() const { return path_; }
  std::string db() const { return path_ + "/db"; }
  std::string draft() const { return path_ + "/db.new"; }

  // True: there is a log. False: none was made yet. DATA_LOSS: one was made and is gone.
  absl::StatusOr<bool> HasLog() const;

  // Makes what lies in draft() the log; durable when it returns.
  absl::Status Adopt(const std::string& log_id) const;
  // Writes the marker where a crash came between the two steps of Adopt.
  absl::Status Mark(const std::string& log_id) const;

  // Reads every write-ahead log and the manifest, byte by byte, and repairs a torn tail: the last
  // write-ahead log is cut after its last record when nothing readable follows. DATA_LOSS names
  // file and offset: readable records follow a break, an earlier file has one, or a file is
  // missing.
  absl::Status CheckAndRepair() const;
  // The same look without a repair, on a log in use: what of it was complete when the look began.
  // `settled` holds each write-ahead log's name and how many of its bytes are settled.
  absl::Status CheckWals(const std::vector<std::pair<std::string, int64_t>>& settled) const;
  // Names and sizes of the write-ahead logs, oldest first.
  absl::StatusOr<std::vector<std::pair<std::string, int64_t>>> Wals() const;

 private:
  absl::Status CheckWal(const std::string& name, bool newest) const;
  absl::Status CheckManifest() const;
  absl::Status Damaged(const std::string& what) const;

  const std::string path_;
};

}  // namespace crm
