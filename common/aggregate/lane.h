#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "common/aggregate/command.h"
#include "common/aggregate/core_fold.h"
#include "common/log/fenced_partition.h"
#include "common/projection/batch_rows.h"
#include "common/projection/event_schema.h"
#include "common/projection/position.h"

namespace crm {

// What a lane asks of the world around it. Answers come back through the lane's methods, on its
// thread.
class LaneOutside {
 public:
  virtual ~LaneOutside() = default;
  // Answer with Lane::Delivered or DeliveryUnknown.
  virtual void Append(Partition partition, uint64_t id, RecordBatch records) = 0;
  // Answer with Lane::Read for each record from `from` on, at least up to `to`.
  virtual void ReadBack(Partition partition, Offset from, Offset to) = 0;
  // Answer with Lane::End: the log's end, read after this call.
  virtual void ReadEnd(Partition partition) = 0;
  // The core has folded the partition up to here.
  virtual void Advanced(Partition partition, Offset read_to) = 0;
  // Nothing is right any more (the core store failed, or the log has a hole); the lane takes no
  // commands and folds nothing until it is made anew.
  virtual void Failed(Partition partition, const absl::Status& why) = 0;
};

// What a lane counts.
struct LaneCounts {
  int64_t commands = 0;
  int64_t events = 0;
  int64_t repeats = 0;
  int64_t conflicts = 0;
  int64_t quarantined = 0;
  // Records listed that nobody of ours wrote.
  int64_t foreign = 0;
  int64_t lost = 0;

  LaneCounts& operator+=(const LaneCounts& other);
};

// The command path of one partition of one service, read top to bottom: dedup, load, decide, seal,
// append; and once the log has confirmed: fold into the core, reply. Without threads, I/O or clock;
// belongs to one thread. Where an acknowledged write becomes durable: the log engine's append,
// between Outside::Append and Delivered.
//
// Guarantees: a command is answered OK only after the log has confirmed its events and the core
// holds them. Answers without events (unchanged, refused, repeated) leave only when all appended
// before them is confirmed and the log's end, read after they came, shows that the partition is
// still owned. UNAVAILABLE means: outcome unknown, repeat with the same request id.
class Lane {
 public:
  struct Options {
    FencedPartition::Options fence;
    // Dedup rows are not used: a planted fault for the simulation.
    bool fault_ignore_dedup = false;
  };

  // What it refers to outlives it. `position` is where the core stands.
  Lane(Options options, const CoreProjection& core, const EventSchema& schema, Sealer& sealer,
       Store& store, const StoredPosition& position, Random& random, LaneOutside& outside);

  // Decides and appends with the next Flush, or answers at once where it cannot. `now` is the wall
  // clock, `monotonic` the other one.
  void Submit(std::unique_ptr<Command> command, TimeNs now, TimeNs monotonic);
  // Sends what was submitted, folds what was confirmed, replies. Call after each turn's inputs.
  void Flush();
  // Flush in two halves, so that lanes of one thread share a write: `Prepare` sends, folds and adds
  // what the core must hold to `rows`; `Complete` is told how writing them ended, and replies.
  // Nothing else is called in between.
  void Prepare(RowBatch& rows);
  void Complete(const absl::Status& written);

  // --- what happened outside; `now` is monotonic
  void Hint(bool mine, TimeNs now) {
    if (failure_.ok()) fence_.Hint(mine, now);
  }
  void Tick(TimeNs now) {
    if (failure_.ok()) fence_.Tick(now);
  }
  void Release(const std::string& successor) {
    if (failure_.ok()) fence_.Release(successor);
  }
  void Delivered(uint64_t id, std::span<const Offset> offsets) {
    if (failure_.ok()) fence_.Delivered(id, offsets);
  }
  void DeliveryUnknown(uint64_t id, TimeNs now) {
    if (failure_.ok()) fence_.DeliveryUnknown(id, now);
  }
  // The partition's log cannot be read any more: as after Outside::Failed.
  void Stop(const absl::Status& why) {
    if (failure_.ok()) Fail(why);
  }
  void Read(Record record, TimeNs now);
  void End(Offset end);
  void EndUnknown();

  bool open() const { return opened_ && fence_.open(); }
  // When Tick has something to do next; see FencedPartition::next_tick.
  TimeNs next_tick() const { return failure_.ok() ? fence_.next_tick() : FencedPartition::kNever; }
  bool releasing() const { return failure_.ok() && fence_.releasing(); }
  Offset read_to() const { return fence_.read_to(); }
  const FencedPartition& fence() const { return fence_; }
  const LaneCounts& counts() const { return counts_; }
  // Aggregates held in memory: those that unanswered commands changed.
  size_t held() const { return overlay_.cached(); }
  // Commands not yet answered.
  size_t unanswered() const { return answers_.size(); }

 private:
  // An answer that waits for its turn.
  struct Answer {
    // Number of the proposed command; 0 = recorded nothing.
    uint64_t number = 0;
    std::unique_ptr<Command> command;
    absl::StatusOr<Outcome> outcome = Outcome{};
    // Folded already, to be written once the log has confirmed.
    RowBatch rows;
    TimeNs recorded_time = 0;
    // A repeat is rendered when its turn comes: the first execution is in the core by then.
    bool repeat = false;
    common::v1::DedupRow repeat_of;
    // Waits for a log end read after it came.
    uint64_t end_request = 0;
  };
  class Reader;

  absl::StatusOr<Outcome> Decide(Command& command, TimeNs now, Answer* answer);
  absl::StatusOr<std::optional<common::v1::DedupRow>> FindDedup(const Command& command, Rows& rows);
  absl::StatusOr<std::vector<Event>> Stamp(const Command& command, std::vector<NewEvent> decided,
                                           Rows& rows, TimeNs now);
  absl::StatusOr<Outcome> Validate(const Command& command, const std::vector<Event>& events,
                                   Outcome outcome);
  void Propose(const Command& command, std::vector<Event> events, Rows& rows, Answer* answer,
               Outcome* outcome);

  // Handles what the fence has put out so far.
  void HandleOutputs();
  void Handle(FencedPartition::Output output);
  void Confirm(FencedPartition::Apply apply);
  void ListForeign(const Record& record);
  void FoldForeign(FencedPartition::Apply apply);
  absl::Status FoldOrQuarantine(const std::string& key, const std::vector<Event>& events,
                                Offset offset, absl::Status decoded);
  void MoveTo(const FencedPartition::Apply& apply, TimeNs recorded_time);
  // Rows and position in one batch; then the answers that waited for it may leave.
  void WriteCore();
  void PutRows(RowBatch& rows);
  void Written();
  void Reply();
  bool MayLeave(const Answer& answer) const;
  absl::StatusOr<Outcome> RenderRepeat(const Answer& answer);
  void HandleLost(const FencedPartition::Lost& lost);
  void AnswerAll(const absl::Status& proposed, const absl::Status& others);
  void Fail(const absl::Status& why);

  const Options options_;
  const Partition partition_;
  const CoreProjection& core_;
  const EventSchema& schema_;
  Sealer& sealer_;
  Store& store_;
  LaneOutside& outside_;
  FencedPartition fence_;
  StoredPosition position_;
  absl::Status failure_;
  bool opened_ = false;

  // Aggregates with unconfirmed events folded in, and the dedup rows of unconfirmed commands by
  // key.
  CoreState overlay_;
  absl::flat_hash_map<std::string, common::v1::DedupRow> unconfirmed_;
  // Folds of others' commands.
  BatchRows foreign_rows_;
  CoreState foreign_;
  bool foreign_dirty_ = false;

  // In order of arrival; from `to_confirm_` on none is confirmed.
  std::deque<Answer> answers_;
  size_t to_confirm_ = 0;
  // Of confirmed commands, for the next WriteCore, with their last record.
  RowBatch rows_;
  std::vector<std::string> confirmed_requests_;
  std::shared_ptr<const Record> last_;
  uint64_t confirmed_ = 0;
  uint64_t written_ = 0;
  // What the fence has put out below is folded; behind fence_.read_to() while outputs wait.
  Offset handled_ = 0;
  Offset advanced_ = 0;
  TimeNs recorded_time_ = 0;

  // Log ends asked for: requests are numbered; those answered and not reached yet wait in `ends_`;
  // all up to `end_reached_` are reached by what is folded.
  uint64_t end_requested_ = 0;
  uint64_t end_reached_ = 0;
  bool end_in_flight_ = false;
  bool end_wanted_ = false;
  std::deque<std::pair<uint64_t, Offset>> ends_;

  LaneCounts counts_;
};

}  // namespace crm
