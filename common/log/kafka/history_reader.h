#pragma once

#include <list>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/mutex.h"
#include "common/log/kafka/kafka_client.h"
#include "common/log/kafka/record_run.h"

namespace crm {

// Reads older records. A reader that goes on where it stopped finds what was fetched ahead; the
// cursors that were not used for longest make room for others. Thread-safe.
class HistoryReader {
 public:
  // `memory_bytes`: for what is fetched ahead.
  HistoryReader(KafkaConnection connection, size_t memory_bytes, KafkaNote note);
  ~HistoryReader();

  // Records of [from, end), at least one, as many as make a good batch, without a hole. DATA_LOSS:
  // they are not there any more; UNAVAILABLE: no broker answered in time.
  absl::StatusOr<std::vector<Record>> Read(const std::string& topic, Partition partition,
                                           Offset from, Offset end);

 private:
  struct Cursor;
  struct Client;

  absl::StatusOr<Cursor*> Take(const std::string& topic, Partition partition, Offset from);
  absl::StatusOr<Client*> ClientFor(const std::string& topic, Partition partition);
  void Return(Cursor* cursor, bool keep);
  void MakeRoom();

  const KafkaConnection connection_;
  const size_t cursors_allowed_;
  const size_t cursor_bytes_;
  const KafkaNote note_;
  Mutex mutex_;
  std::vector<std::unique_ptr<Client>> clients_;
  // The one used last at the end.
  std::list<std::unique_ptr<Cursor>> cursors_;
};

}  // namespace crm
