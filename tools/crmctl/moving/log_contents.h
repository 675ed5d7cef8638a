#pragma once

#include <fmt/format.h>

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/log/log.h"

// What lies in a log, from its first record on, wherever the log lies: in an engine, in files of an
// export, or in a place that is being filled.
namespace crm::crmctl {

// One partition of one topic.
struct LogPlace {
  std::string topic;
  Partition partition = 0;

  std::string ToString() const { return fmt::format("{} partition {}", topic, partition); }
};

// Not thread-safe.
class LogContents {
 public:
  // An error ends the reading and is its answer.
  using Each = std::function<absl::Status(const std::vector<Record>&)>;

  virtual ~LogContents() = default;
  // For people: "the log in /var/lib/crm".
  virtual std::string name() const = 0;
  // Sorted.
  virtual std::vector<std::string> topics() const = 0;
  // The offset after the last record; 0 for a topic that is not there. Of what is only read, the
  // same at every call.
  virtual absl::StatusOr<Offset> End(const LogPlace& place) = 0;
  // The records of [from, to) in order, without a hole, some at a time. DATA_LOSS names the place.
  virtual absl::Status Read(const LogPlace& place, Offset from, Offset to, const Each& each) = 0;
};

// A whole log to be moved.
class LogSource : public LogContents {
 public:
  virtual const LogIdentity& identity() const = 0;
};

// A log that is being filled with another's records, at the same offsets. What a broken run left is
// there at the next.
class LogDraft : public LogContents {
 public:
  // Before anything else. FAILED_PRECONDITION: something else lies there, named; nothing was
  // changed.
  virtual absl::Status Begin(const LogIdentity& identity,
                             const std::vector<std::string>& topics) = 0;
  // The records follow what the partition holds.
  virtual absl::Status Append(const LogPlace& place, const std::vector<Record>& records) = 0;
  // What was appended is durable when this returns, and read back from where it lies, not from
  // memory.
  virtual absl::Status Settle() = 0;
  // All is there and was compared: makes it a log.
  virtual absl::Status Finish() = 0;
};

}  // namespace crm::crmctl
