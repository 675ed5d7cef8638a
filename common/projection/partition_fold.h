#pragma once

#include <memory>
#include <optional>
#include <string>

#include "common/log/fence_filter.h"
#include "common/log/log.h"
#include "common/projection/event_schema.h"
#include "common/projection/position.h"
#include "common/projection/projection.h"

namespace crm {

// How records of a topic become events: its record message, and the key to their sealed parts.
struct EventSource {
  const EventSchema& schema;
  Sealer& sealer;
};

// Folds one partition of a log into rows, record by record: fence filter, decoding, the
// projection's fold, position. The same for tails, rebuilds and verification. Not thread-safe.
class PartitionFold {
 public:
  // Resumes at `at.stored`; `rows` outlives it.
  PartitionFold(const Projection& projection, EventSource source, const LogIdentity& identity,
                Partition partition, StoredPosition at, Rows& rows);

  // The next record in offset order. A record that cannot be decoded is the fold's to note; an
  // error here means the rows could not be read, or a record is missing (DATA_LOSS).
  absl::Status Accept(Record record);

  // Completes the rows: states held back by the fold, and the position.
  absl::Status Flush();

  const StoredPosition& position() const { return position_; }
  int64_t events() const { return events_; }
  int64_t unreadable() const { return unreadable_; }

 private:
  absl::Status NoteVoid(Record record);
  absl::Status FoldCommand(std::vector<Record> records);
  // Moves on behind a command that changes nothing, and behind one that is not the projection's.
  absl::Status PassOver(Record last);
  absl::Status SkipReaction(std::vector<Event>& events, Record last);

  EventSource source_;
  const Partition partition_;
  Rows& rows_;
  const bool folds_reactions_;
  FenceFilter filter_;
  StoredPosition position_;
  std::unique_ptr<Fold> fold_;
  // Of the last command since Flush: its hash is due only then.
  std::optional<Record> last_;
  int64_t events_ = 0;
  int64_t unreadable_ = 0;
};

}  // namespace crm
