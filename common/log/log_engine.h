#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/log/log.h"

namespace crm {

// Who should own which partitions of one topic. Only a hint: a wrong one costs availability, never
// correctness (docs/fenced-log.md). Thread-safe.
class OwnershipHints {
 public:
  // True where this process should own the partition. Runs on a thread of the engine and must not
  // block; each call replaces the one before.
  using Mine = std::array<bool, kPartitions>;
  using OnChange = std::function<void(const Mine&)>;

  virtual ~OwnershipHints() = default;
  // Begins to take part. `changed` runs from now on whenever the hint changes; until it first runs
  // there is none. `replaced` runs once when another process took this instance's name: this one
  // must leave.
  virtual void Start(OnChange changed, std::function<void()> replaced) = 0;
  // Other live instances that take part, by name; asks the log's servers and may block up to
  // `patience`. Empty where none is known.
  virtual std::vector<std::string> Peers(TimeNs patience) = 0;
  // How far the partition is folded here, for tools that show the lag of consumers. Nothing relies
  // on it.
  virtual void Folded(Partition partition, Offset read_to) = 0;
  // Takes part no more; `changed` does not run afterwards.
  virtual void Stop() = 0;
};

// A log of several topics, as a process works with it. Thread-safe.
class LogEngine {
 public:
  virtual ~LogEngine() = default;

  // The topic must be one the engine was opened with. Lives as long as the engine.
  virtual Log& Topic(std::string_view name) = 0;
  virtual std::vector<std::string> topics() const = 0;
  virtual const LogIdentity& identity() const = 0;

  // Whether other processes may append to it: lanes then follow the log instead of knowing all
  // that is in it, and who owns a partition changes.
  virtual bool shared() const = 0;
  // Null where this process owns every partition for as long as it runs. `group`: the service's
  // name; its replicas share it.
  virtual std::unique_ptr<OwnershipHints> Hints(const std::string& topic,
                                                const std::string& group) = 0;

  // Reads all there is and checks what the engine can check. DATA_LOSS names the place.
  virtual absl::Status Verify() const = 0;
  // Whether the log is still the one that was opened: there, complete, set up as it must be. Called
  // every few seconds; may block a little. UNAVAILABLE: cannot be told now. FAILED_PRECONDITION or
  // DATA_LOSS: names topic, what is wrong and the remedy; what this process serves of that topic is
  // not to be trusted any more.
  virtual absl::Status Check() = 0;
};

}  // namespace crm
