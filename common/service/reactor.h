#pragma once

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/aggregate/reaction_cursor.h"
#include "common/base/clock.h"
#include "common/base/mutex.h"
#include "common/log/log.h"
#include "common/projection/partition_fold.h"
#include "common/projection/steady_tail.h"
#include "common/service/reaction.h"

namespace crm {

// What reactions need of the host they run in. Thread-safe.
class ReactionHost {
 public:
  virtual ~ReactionHost() = default;
  // The ownership record under which the partition takes commands; nothing where it takes none. The
  // core has folded everything below by then.
  virtual std::optional<Offset> Reign(Partition partition) = 0;
  // Null while a projection is healed.
  virtual std::shared_ptr<const ServiceReading> Read() = 0;
  // Answers through command->done, on any thread, maybe before it returns; or never, where the
  // process dies.
  virtual void Submit(std::unique_ptr<Command> command) = 0;
};

// How far one reaction of one owned partition came in one source partition.
struct ReactionStanding {
  std::string reaction;
  std::string topic;
  Partition partition = 0;
  Partition source = 0;
  // All before was reacted to.
  Offset reacted_to = 0;
  // Events read and not done.
  int64_t waiting = 0;
};

// Reacts to the events of one topic, for the partitions that the host owns: one tail, one fence
// filter a source partition, each event decoded once and handed to the cursor of every reaction and
// owned partition that it concerns. Opened anew with each reign, from what the core has recorded.
// No thread of its own: the runner calls Turn, as does the simulation. Not thread-safe, but for
// Wake and what is said so.
class Reactor {
 public:
  struct Options {
    ReactionCursor::Options cursor;
    // Commands in flight, over all partitions; a step that was begun is submitted whole.
    size_t max_commands = 1024;
    // Events of a source partition that are read and not done; above it the partition is read on
    // only when half of them are.
    size_t max_events = 1024;
    // After which a lane need not begin with a command any more.
    TimeNs command_deadline = 10 * kSecond;
    // Commands have no request id: a planted fault for the simulation.
    bool fault_no_request_id = false;
  };

  // All that it refers to outlives it; what was submitted may be answered later still. `record` is
  // the record message of the service's own topic, `events` reads those of `source`.
  Reactor(Options options, std::vector<Reaction*> reactions,
          const google::protobuf::Message& record, Log& source, EventSource events,
          const NameMaker& names, const Clock& clock, Random& random, ReactionHost& host);
  ~Reactor();

  // Takes what came in, reads on, reacts, submits; waits up to `max_wait` where there is nothing to
  // do. An error: the source, or one more partition of it, cannot be read now.
  absl::Status Turn(TimeNs max_wait);
  // Makes a Turn that waits return. Thread-safe.
  void Wake();

  // Begins no further event. After some turns drained() tells that nothing is under way any more.
  void Finish();
  bool drained() const;

  // As of the last turn or a little earlier. Thread-safe.
  std::vector<ReactionStanding> standings() const;
  // By reaction, in the order given. Thread-safe.
  std::vector<ReactionCounts> counts() const;
  // Records of the source that could not be decoded, and were passed over. Thread-safe.
  int64_t unreadable() const;

 private:
  struct SourceEvent;
  struct Seat;
  struct Source;
  struct Inbox;
  struct In;
  // The seats of one reaction and owned partition: they are opened and closed together.
  struct Bench {
    size_t reaction = 0;
    Partition partition = 0;
    std::optional<Offset> reign;
    std::vector<Seat*> seats;
  };

  void TakeIn(TimeNs now);
  void FollowReigns(TimeNs now);
  absl::Status Open(Bench& bench, Offset reign, const ServiceReading& reading, TimeNs now);
  void Close(Bench& bench);
  void ReadFrom(Partition source, const ReactionCursor::Place& place);
  absl::Status ReadOn(TimeNs max_wait);
  void OpenTail();
  void SetTail(std::unique_ptr<SteadyTail> tail);
  void TakeRecords(TailBatch batch, TimeNs now);
  void TakeCommand(Partition source, std::vector<Record> records, TimeNs now);
  void TakeEvent(Partition source, Record record, TimeNs now);
  void PauseOrResume();
  void Tick(TimeNs now);
  void Touch(Seat& seat);
  void Collect();
  void Act(TimeNs now);
  bool ViewsHaveRead(const Seat& seat, Offset offset, const ServiceReading& reading) const;
  void React(Seat& seat, const ReactionCursor::React& step, const ServiceReading& reading,
             TimeNs now);
  void Fill(Command& command, const Seat& seat, const SourceEvent& event) const;
  void SubmitStep(Seat& seat, const ReactionCursor::Step& step, std::unique_ptr<Command> command,
                  const std::string& tenant);
  void SubmitRecord(Seat& seat, ReactionCursor::Record record);
  TimeNs Patience(TimeNs max_wait) const;
  void Publish(TimeNs now);

  const Options options_;
  const std::vector<Reaction*> reactions_;
  const google::protobuf::Message& record_;
  Log& log_;
  EventSource decode_;
  const NameMaker& names_;
  const Clock& clock_;
  ReactionHost& host_;

  std::vector<std::unique_ptr<Seat>> seats_;
  std::array<std::unique_ptr<Source>, kPartitions> sources_;
  std::vector<Bench> benches_;
  std::unique_ptr<SteadyTail> tail_;
  bool tail_stale_ = true;
  // Seats with outputs, and seats with steps to take.
  std::vector<Seat*> touched_;
  std::deque<Seat*> ready_;
  size_t commands_in_flight_ = 0;
  size_t records_in_flight_ = 0;
  bool finishing_ = false;
  bool blocked_on_views_ = false;
  bool restless_ = false;
  bool seats_missing_ = true;
  // Cursors took or gave up events since sources were paused or resumed.
  bool sources_changed_ = true;
  TimeNs next_tick_ = 0;
  TimeNs next_publish_ = 0;
  // Outlives the reactor as long as answers are owed.
  std::shared_ptr<Inbox> inbox_;

  mutable Mutex published_mutex_;
  std::vector<ReactionStanding> published_;
  std::vector<ReactionCounts> published_counts_;
  int64_t published_unreadable_ = 0;
  int64_t unreadable_ = 0;
};

// The request id of what a reaction does to an aggregate for an event: 32 hex digits, the same for
// whoever meets the event. The log's epoch is no part of it, as the record stays the same through a
// restore; its recorded time is, as a later record may take the place of one that was lost.
std::string ReactionRequestId(Partition source, const ReactionCursor::EventAt& at,
                              const common::v1::EventMetadata& metadata, std::string_view reaction,
                              std::string_view aggregate);

}  // namespace crm
