#pragma once

#include <deque>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "common/base/random.h"
#include "common/log/fence_filter.h"
#include "common/log/record.h"

namespace crm {

// Faults planted by the simulation's own tests, to show that its checker notices. Never set in
// production.
struct PlantedFaults {
  // Confirms a command when it is delivered, whatever lies between.
  bool confirm_without_contiguity = false;
  // Takes a gap for empty instead of reading it back.
  bool skip_gap_read_back = false;
  // Overlooks an ownership record of its own that lands late.
  bool ignore_own_late_own = false;
  // Loses the record at every offset divisible by this.
  Offset skip_record = 0;
  // Takes an event under its own fence for its own, whatever it says.
  bool confirm_forged = false;
};

// The ownership protocol of one partition, without threads, I/O or clock: told what happened, it
// answers with what to do. Drives the simulation and production alike. The argument why it is safe:
// docs/fenced-log.md.
//
// Every record of the partition passes through one FenceFilter in offset order, whether it was read
// from the log or is the owner's own and was delivered right behind what has been read. A command
// is confirmed exactly when the filter completes it: what is acknowledged is what every reader
// applies.
//
// Invariants:
//   1. read_to() only grows, by one record at a time.
//   2. While open, the filter's fence is this instance's own ownership record.
//   3. Commands are confirmed in the order of Propose.
//   4. After Lost, nothing proposed before is ever confirmed by this instance (it may still be
//      applied, as everyone applies it, when it is read).
//   5. A command is confirmed by its own records only: what somebody else wrote under this
//      instance's fence counts for every reader, and ends the reign.
//
// Not thread-safe: belongs to a lane.
class FencedPartition {
 public:
  struct Options {
    Partition partition = 0;
    // Name of this instance, and where others forward commands to.
    std::string owner;
    std::string endpoint;
    std::string log_id;
    std::string secret_check;
    int64_t epoch = 0;
    // Of the ownership record in force where it resumes; empty where it is not known.
    std::string latest_endpoint;
    // Between claims, doubling, jittered.
    TimeNs min_backoff = 100 * kMillisecond;
    TimeNs max_backoff = 5 * kSecond;
    // A claim whose delivery is not reported by then is made anew.
    TimeNs claim_timeout = 10 * kSecond;
    PlantedFaults faults;
  };

  // Append `records`; report Delivered or DeliveryUnknown with `id`.
  struct Append {
    uint64_t id;
    RecordBatch records;
  };
  // Read the log from read_to() on, at least up to `to` (exclusive), into Read. kNoOffset: up to
  // the log's end as of now. An owner that reads its partition's tail all the time need not do
  // anything.
  struct ReadBack {
    Offset from;
    Offset to;
  };
  // A command every reader applies now, in log order.
  struct Apply {
    // What Propose answered, where the command is this instance's own and unresolved; else 0.
    uint64_t number = 0;
    // Offsets of its events.
    std::vector<Offset> offsets;
    // Its events; where it is its own, `last` stands for them.
    std::vector<Record> records;
    // Its last event.
    std::shared_ptr<const Record> last;
  };
  // A record read from the log that no reader applies. In order with Apply.
  struct Passed {
    Record record;
  };
  // Open for commands.
  struct Opened {};
  // No longer owner; whatever was proposed and not applied has an unknown outcome.
  struct Lost {
    // Where the new owner takes commands, if known.
    std::string endpoint;
    // Everything below was under this instance's fence and has been handed out.
    Offset at = 0;
  };
  using Output = std::variant<Append, ReadBack, Apply, Passed, Opened, Lost>;

  // Resumes where the projection stands.
  FencedPartition(Options options, FenceState state, Offset read_to, Random& random);

  // --- what happened
  // The assignment says this instance should own the partition (or should not). A back-off that is
  // running is kept. A RELEASE that names this instance counts as a hint until the next one, or
  // until somebody else owns the partition. Where a hint goes away, a claim under way is given up
  // and an open partition is released to whoever is hinted.
  void Hint(bool mine, TimeNs now);
  void Tick(TimeNs now);
  // Where each record of the append came to lie; kNoOffset: it is durable, at a place that only
  // reading tells.
  void Delivered(uint64_t append, std::span<const Offset> offsets);
  void DeliveryUnknown(uint64_t append, TimeNs now);
  // A record read from the log, in offset order; what lies below read_to() is skipped. DATA_LOSS: a
  // record is missing before it.
  absl::Status Read(Record record, TimeNs now);
  // Hands the partition over: appends RELEASE behind what was proposed, and claims again only after
  // a new Hint. A claim under way is given up.
  void Release(const std::string& successor);

  // --- commands
  bool open() const { return state_ == State::kOpen && !releasing_; }
  // Stamps fence, seq and last onto one command's events and queues them for the next Flush. Needs
  // open(). Answers the command's number: 1, 2, 3 …
  uint64_t Propose(std::vector<Record> events);
  // Sends what was proposed as one append.
  void Flush();

  // When Tick has something to do next, by the clock it is told; kNever: nothing.
  static constexpr TimeNs kNever = std::numeric_limits<TimeNs>::max();
  TimeNs next_tick() const;
  // A RELEASE is under way.
  bool releasing() const { return state_ == State::kOpen && releasing_; }

  // What to do now, in order; each is handed out once.
  std::vector<Output> Take() { return std::exchange(outputs_, {}); }

  Offset read_to() const { return read_to_; }
  const FenceState& fence_state() const { return filter_.state(); }
  int64_t void_records() const { return filter_.void_records(); }
  // Endpoint of the latest ownership record; empty where it was released or lost since.
  const std::string& owner_endpoint() const { return owner_endpoint_; }
  // Commands proposed and neither applied nor lost.
  size_t unresolved() const { return pending_.size(); }
  // Times somebody wrote under this instance's fence what it never proposed, or its own records
  // landed out of order: each cost the partition.
  int64_t usurped() const { return usurped_; }

 private:
  enum class State { kFollowing, kClaiming, kOpen };
  struct Pending {
    uint64_t number;
    // Place of its last event under the fence.
    int64_t last_seq;
  };

  bool Wanted() const { return hinted_ || named_successor_; }
  void Claim(TimeNs now);
  // `at`: what lies below was handed out.
  void Lose(Offset at, TimeNs now);
  void BackOff(TimeNs now);
  void GiveUpClaim();
  // The event that this instance sent under this place; null where it sent none.
  const Record* Sent(int64_t seq) const;
  // While open: whether an event under our fence cannot be confirmed or leaves one of ours void.
  bool Usurps(const Record& record, bool own) const;
  void LoseToUsurper(TimeNs now);
  void ForgetConfirmed();
  // Feeds the record at read_to(); `source` is where an own record lies in memory.
  void Accept(Record record, std::shared_ptr<const Record> source, TimeNs now);
  // Not an event of a command.
  void AcceptOther(Record record, bool own, TimeNs now);
  void AcceptControl(const Record& record, TimeNs now);
  void AcceptCommand(std::shared_ptr<const Record> last);
  // Feeds own delivered records that lie at read_to() now; asks for a read-back where one lies
  // beyond.
  void AcceptDelivered(TimeNs now);
  // Only under PlantedFaults.
  void ConfirmUnread(const Record& record, Offset offset);
  void Send(std::vector<Record> records);

  const Options options_;
  Random& random_;
  State state_ = State::kFollowing;
  FenceFilter filter_;
  Offset read_to_;
  bool hinted_ = false;
  // By the RELEASE of the owner before.
  bool named_successor_ = false;
  bool releasing_ = false;
  std::string attempt_;
  std::string owner_endpoint_;
  TimeNs now_ = 0;
  TimeNs claim_at_ = 0;
  TimeNs backoff_;
  TimeNs opened_at_ = 0;
  TimeNs claim_deadline_ = 0;
  Offset asked_to_ = 0;

  int64_t next_seq_ = 1;
  uint64_t next_number_ = 1;
  uint64_t next_append_ = 1;
  std::vector<Record> proposed_;
  // Appends in flight.
  std::map<uint64_t, RecordBatch> in_flight_;
  // Own records delivered and not yet reached by read_to_.
  std::map<Offset, std::shared_ptr<const Record>> delivered_;
  // Events sent under the current fence, up to the last that is confirmed, in order of seq.
  std::deque<RecordBatch> sent_;
  // Own commands under the current fence, in order.
  std::deque<Pending> pending_;
  std::vector<Output> outputs_;
  // Only under PlantedFaults: own commands up to this place were confirmed unread.
  int64_t confirmed_unread_ = 0;
  int64_t usurped_ = 0;
};

}  // namespace crm
