#pragma once

#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "common/base/mutex.h"
#include "crm/campaign/v1/outbox.pb.h"

namespace crm::campaign {

// Where sends are handed over to the channels' adapters. What is put under a send's id first stays
// there for ever: a message, or a note that it is withheld. So of two that act on the same send,
// one of them perhaps an owner that was paused and woke up, both learn the same; a message is
// handed over at most once, and never after it was withheld. Thread-safe. Every implementation
// passes tests/unit/services/campaign/outbox_suite.h.
class Outbox {
 public:
  virtual ~Outbox() = default;
  // Puts `message` under its send's id where nothing is yet; answers what is there then.
  // UNAVAILABLE: try again.
  virtual absl::StatusOr<v1::OutboxMessage> Put(const v1::OutboxMessage& message) = 0;
};

// For tests and trials: gone with the process.
class MemoryOutbox final : public Outbox {
 public:
  absl::StatusOr<v1::OutboxMessage> Put(const v1::OutboxMessage& message) override;
  // All that is there, by send.
  absl::flat_hash_map<std::string, v1::OutboxMessage> Content() const;

 private:
  mutable Mutex mutex_;
  absl::flat_hash_map<std::string, v1::OutboxMessage> messages_;
};

// A file a send, "{send}.json", in a folder that several processes may share. Drafts begin with a
// dot; one that a crash leaves behind means nothing. A file outlives the process at once; it
// outlives a loss of power some seconds later, when the file system has written it, so that such a
// loss may cost messages but never doubles one.
class FileOutbox final : public Outbox {
 public:
  // Makes the folder when it is first needed.
  explicit FileOutbox(std::string directory) : directory_(std::move(directory)) {}

  absl::StatusOr<v1::OutboxMessage> Put(const v1::OutboxMessage& message) override;

 private:
  absl::StatusOr<std::string> WriteDraft(const v1::OutboxMessage& message) const;

  const std::string directory_;
};

}  // namespace crm::campaign
