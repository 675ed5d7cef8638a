#pragma once

#include <deque>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "common/base/random.h"
#include "common/log/fence_filter.h"
#include "crm/common/v1/reaction.pb.h"

namespace crm {

// Faults planted by the simulation's own tests, to show that its checker notices. Never set in
// production.
struct PlantedReactionFaults {
  // Takes an event for done as soon as its commands are known.
  bool record_before_effects = false;
  // Overlooks the first event after opening behind a recorded position.
  bool skip_on_open = false;
};

// What a cursor counts, since it was made.
struct ReactionCounts {
  // Events reacted to in full, commands answered for good, those of them refused, steps and records
  // tried again.
  int64_t events = 0;
  int64_t commands = 0;
  int64_t refused = 0;
  int64_t retries = 0;

  ReactionCounts& operator+=(const ReactionCounts& other);
};

// How one reaction of one owner comes along in one source partition, without threads, I/O or clock:
// told what happened, it answers with what to do. Drives the simulation and production alike.
//
// Exactly once in effect. What is durable when:
//
//   1. A command's effect: when it is answered OK, its events are confirmed by the log.
//   2. A refusal: when the RecordReaction that holds it is answered OK.
//   3. ReactedTo: is submitted only after 1 or 2 holds for every command of every event below its
//      offset, and of every step of the event at its offset before its progress; refusals not
//      recorded yet travel in the same command, before it.
//
// So nothing is left out: a new owner resumes at the last ReactedTo in the log of its partition,
// which it has folded before it is open, and meets each event again that is not done for sure. And
// nothing is done twice: a command that is met again bears the same request id (a hash of the
// event, the reaction and the aggregate) and no payload HMAC, so that the lane answers what it
// recorded the first time, whatever the repeat would decide now; where the first recorded nothing,
// the decider decides anew, and an idempotent one records nothing again. A refused command is known
// by its fingerprint until ReactedTo has passed its event, and is not sent again. A reaction thus
// sends at most one command to an aggregate for an event, over all its steps.
//
// Commands leave in the order of events, `window` events at a time; an aggregate's commands keep
// that order as long as none of them has to be tried again.
//
// Not thread-safe: belongs to the reactor.
class ReactionCursor {
 public:
  struct Options {
    std::string topic;
    Partition source = 0;
    // Events in flight.
    size_t window = 256;
    // ReactedTo is recorded where commands were sent since the last one: after so many, or after so
    // long, or when nothing has been in flight for so long. Where none was sent: after as many
    // events that concern the reaction, or when it is this far ahead of the last one, so that a new
    // owner reacts and reads little twice.
    int64_t record_commands = 1000;
    TimeNs record_after = 5 * kSecond;
    TimeNs record_idle_after = kSecond;
    Offset record_distance = 10'000;
    // An event that no command was sent for is recorded like a command: for reactions where a
    // repeat, met much later, would find something to do.
    bool record_each_event = false;
    // Before a step or a record is tried again, doubling, jittered.
    TimeNs min_backoff = 20 * kMillisecond;
    TimeNs max_backoff = 5 * kSecond;
    // A command that was not answered by then counts as UNAVAILABLE.
    TimeNs answer_timeout = 60 * kSecond;
    PlantedReactionFaults faults;
  };

  // An event of the source, by its record.
  struct EventAt {
    Offset offset = 0;
    int64_t fence = 0;
    int64_t seq = 0;
  };
  // Where to read on, and the fence filter's state there.
  struct Place {
    Offset offset = 0;
    FenceState fence;
  };
  // Names one answer of React, so that late answers are told from those waited for.
  struct Step {
    Offset offset = 0;
    uint64_t attempt = 0;
  };

  // Call Reaction::React for the event; report Stepped or StepFailed.
  struct React {
    Step step;
    std::string progress;
  };
  // Submit these as one RecordReaction; report Recorded. One at a time.
  struct Record {
    std::vector<common::v1::ReactionEvent> events;
  };
  // The event will not be asked for any more.
  struct Done {
    Offset offset = 0;
  };
  using Output = std::variant<React, Record, Done>;

  ReactionCursor(Options options, Random& random);

  // --- what happened; `now` is monotonic
  // The partition is owned, and this is what its core has recorded.
  void Open(const common::v1::ReactionProgress& progress, TimeNs now);
  // Ownership was lost, or is not known. Answers that come still are ignored.
  void Close();
  // A valid event, in offset order; what lies before next() is skipped.
  void Read(const EventAt& event, bool concerns, TimeNs now);
  // React answered with commands about these aggregates of the event's tenant, then `progress`.
  // Answers which of them to submit, by index: those not settled by an earlier attempt at the same
  // step, nor recorded as refused by an earlier owner.
  std::vector<size_t> Stepped(const Step& step, const std::string& tenant,
                              const std::vector<std::string>& aggregates,
                              const std::string& progress, TimeNs now);
  // React answered with an error: the step is tried again.
  void StepFailed(const Step& step, TimeNs now);
  // How a command of the step ended. UNAVAILABLE, RESOURCE_EXHAUSTED, ABORTED, DEADLINE_EXCEEDED
  // and a damaged row: the step is tried again. Another error is a refusal. `tenant` is the
  // event's.
  void Answered(const Step& step, const std::string& aggregate, const std::string& tenant,
                const absl::Status& status, TimeNs now);
  void Recorded(const absl::Status& status, TimeNs now);
  void Tick(TimeNs now);
  // No event is begun any more; once none is in flight, what is done is recorded.
  void Finish(TimeNs now);

  // What to do now, in order; each is handed out once.
  std::vector<Output> Take() { return std::exchange(outputs_, {}); }
  bool has_outputs() const { return !outputs_.empty(); }

  bool is_open() const { return open_; }
  // The first offset not yet read.
  const Place& next() const { return next_; }
  // All before was reacted to.
  Offset reacted_to() const { return entries_.empty() ? done_.offset : entries_.front().at.offset; }
  // Events read and not done.
  size_t waiting() const { return entries_.size(); }
  // Something is under way, or waits for its time to be recorded: Tick it.
  bool restless() const { return open_ && (!entries_.empty() || recording() || unrecorded()); }
  const ReactionCounts& counts() const { return counts_; }

 private:
  enum class Phase { kWaiting, kReacting, kSubmitted, kBackOff, kDone };
  struct Entry {
    EventAt at;
    // Behind it and what follows it and concerns nobody.
    Place after;
    Phase phase = Phase::kWaiting;
    std::string progress;
    std::string next_progress;
    uint64_t attempt = 0;
    // Aggregates of this step whose command was answered for good, and how many others are to be.
    std::set<std::string> settled;
    std::set<std::string> outstanding;
    bool failed = false;
    // Answered for good and not counted in commands_since_.
    int64_t commands = 0;
    TimeNs backoff = 0;
    // When to try again, or to give up waiting.
    TimeNs due = 0;
  };

  Entry* Find(const Step& step, Phase phase);
  void Start();
  void AskToReact(Entry& entry);
  void BackOff(Entry& entry, TimeNs now);
  void EndStep(Entry& entry, TimeNs now);
  void PopDone(TimeNs now);
  TimeNs Jittered(TimeNs* backoff);

  // Commands are in flight.
  bool submitted() const;
  bool recording() const { return in_record_; }
  bool unrecorded() const { return !refusals_.empty() || commands_since_ + events_since_ > 0; }
  common::v1::ReactedTo Position() const;
  bool PositionIsDue(TimeNs now) const;
  void RecordIfDue(TimeNs now);

  const Options options_;
  Random& random_;
  bool open_ = false;
  bool finishing_ = false;
  Place next_;
  // Where no event waits: all before was reacted to.
  Place done_;
  // Of events that concern the reaction, in order; the first `started_` are in flight or done.
  std::deque<Entry> entries_;
  size_t started_ = 0;
  uint64_t attempts_ = 0;
  bool skip_one_ = false;

  // Offsets and fingerprints of refusals recorded before it was opened.
  std::set<std::pair<Offset, uint64_t>> known_refusals_;

  // The last position recorded or on its way.
  common::v1::ReactedTo recorded_;
  TimeNs recorded_at_ = 0;
  TimeNs last_done_at_ = 0;
  // Commands, or what counts as one, and events that lie between it and the position now.
  int64_t commands_since_ = 0;
  int64_t events_since_ = 0;
  // Not yet on their way, oldest first.
  std::vector<common::v1::ReactionEvent> refusals_;
  // The record in flight.
  bool in_record_ = false;
  std::vector<common::v1::ReactionEvent> record_;
  int64_t record_commands_ = 0;
  int64_t record_events_ = 0;
  TimeNs record_backoff_ = 0;
  TimeNs record_not_before_ = 0;

  ReactionCounts counts_;
  std::vector<Output> outputs_;
};

// Whether a command answered like this is to be tried again.
bool IsRetried(const absl::Status& status);

}  // namespace crm
