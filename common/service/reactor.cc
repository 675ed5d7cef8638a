#include "common/service/reactor.h"

#include <algorithm>

#include "absl/container/flat_hash_set.h"
#include "common/aggregate/reaction_progress.h"
#include "common/base/bytes.h"
#include "common/base/check.h"
#include "common/base/hash.h"
#include "common/base/status.h"
#include "common/base/timestamp.h"

namespace crm {
namespace {

constexpr TimeNs kTick = 20 * kMillisecond;
constexpr TimeNs kPublish = 200 * kMillisecond;
// Ownership is asked for this often while it is missing; views that are behind, more often.
constexpr TimeNs kReignPause = 50 * kMillisecond;
constexpr TimeNs kViewPause = kMillisecond;

}  // namespace

struct Reactor::SourceEvent {
  ReactionCursor::EventAt at;
  std::string id;
  Event event;
};

// One reaction for one owned partition and one source partition.
struct Reactor::Seat {
  Seat(size_t reaction_index, Partition owned, Partition from, ReactionCursor::Options options,
       Random& random)
      : reaction(reaction_index),
        partition(owned),
        source(from),
        cursor(std::move(options), random) {}

  const size_t reaction;
  const Partition partition;
  const Partition source;
  ReactionCursor cursor;
  // Those the cursor may still ask for.
  std::map<Offset, std::shared_ptr<const SourceEvent>> events;
  std::deque<ReactionCursor::React> steps;
  // Numbers of records submitted, so that a late answer of an earlier reign is not taken for a
  // later record's.
  uint64_t record = 0;
  bool touched = false;
  bool ready = false;
};

struct Reactor::Source {
  FenceFilter filter;
  Offset read_to = 0;
  bool followed = false;
  bool paused = false;
  // Its log is damaged, trimmed or replaced.
  bool at_fault = false;
  std::vector<Seat*> seats;
};

// An answer on its way to a cursor.
struct Reactor::In {
  Seat* seat = nullptr;
  // 0: of a step.
  uint64_t record = 0;
  ReactionCursor::Step step;
  std::string aggregate;
  std::string tenant;
  absl::Status status;
};

struct Reactor::Inbox {
  Mutex mutex;
  CondVar wake;
  std::vector<In> in;
  SteadyTail* tail = nullptr;
  bool woken = false;

  void Post(In one) {
    MutexLock lock(mutex);
    in.push_back(std::move(one));
    if (in.size() == 1) Wake();
  }
  // Under the mutex.
  void Wake() {
    woken = true;
    if (tail != nullptr) tail->Wake();
    wake.NotifyAll();
  }
};

std::string ReactionRequestId(Partition source, const ReactionCursor::EventAt& at,
                              const common::v1::EventMetadata& metadata, std::string_view reaction,
                              std::string_view aggregate) {
  PieceHasher hasher;
  hasher.Add(static_cast<uint64_t>(source));
  hasher.Add(static_cast<uint64_t>(at.fence));
  hasher.Add(static_cast<uint64_t>(at.seq));
  hasher.Add(static_cast<uint64_t>(ToTimeNs(metadata.recorded_time())));
  hasher.Add(reaction);
  hasher.Add(aggregate);
  return Hex(hasher.Digest());
}

Reactor::Reactor(Options options, std::vector<Reaction*> reactions,
                 const google::protobuf::Message& record, Log& source, EventSource events,
                 const NameMaker& names, const Clock& clock, Random& random, ReactionHost& host)
    : options_(std::move(options)),
      reactions_(std::move(reactions)),
      record_(record),
      log_(source),
      decode_(events),
      names_(names),
      clock_(clock),
      host_(host),
      inbox_(std::make_shared<Inbox>()) {
  for (auto& each : sources_) each = std::make_unique<Source>();
  for (size_t r = 0; r < reactions_.size(); ++r) {
    CRM_CHECK(reactions_[r]->topic() == log_.topic());
    for (Partition p = 0; p < kPartitions; ++p) {
      Bench& bench = benches_.emplace_back(Bench{r, p, std::nullopt, {}});
      for (Partition q = 0; q < kPartitions; ++q) {
        if (p != q && !reactions_[r]->broadcast()) continue;
        ReactionCursor::Options cursor = options_.cursor;
        cursor.topic = log_.topic();
        cursor.source = q;
        cursor.record_each_event = reactions_[r]->broadcast();
        seats_.push_back(std::make_unique<Seat>(r, p, q, std::move(cursor), random));
        bench.seats.push_back(seats_.back().get());
        sources_[static_cast<size_t>(q)]->seats.push_back(seats_.back().get());
      }
    }
  }
}

Reactor::~Reactor() {
  SetTail(nullptr);
}

void Reactor::Wake() {
  MutexLock lock(inbox_->mutex);
  inbox_->Wake();
}

absl::Status Reactor::Turn(TimeNs max_wait) {
  const TimeNs now = clock_.Monotonic();
  TakeIn(now);
  FollowReigns(now);
  PauseOrResume();
  Collect();
  absl::Status read = ReadOn(Patience(max_wait));
  const TimeNs later = clock_.Monotonic();
  TakeIn(later);
  Tick(later);
  Collect();
  Act(later);
  Publish(later);
  return read;
}

// --- what came in

void Reactor::TakeIn(TimeNs now) {
  std::vector<In> in;
  {
    MutexLock lock(inbox_->mutex);
    in.swap(inbox_->in);
    inbox_->woken = false;
  }
  for (const In& one : in) {
    Seat& seat = *one.seat;
    if (one.record == 0) {
      --commands_in_flight_;
      seat.cursor.Answered(one.step, one.aggregate, one.tenant, one.status, now);
    } else {
      --records_in_flight_;
      if (one.record == seat.record) seat.cursor.Recorded(one.status, now);
    }
    Touch(seat);
  }
}

void Reactor::FollowReigns(TimeNs now) {
  seats_missing_ = false;
  std::shared_ptr<const ServiceReading> reading;
  bool asked = false;
  for (Bench& bench : benches_) {
    const std::optional<Offset> reign = host_.Reign(bench.partition);
    if (bench.reign.has_value() && bench.reign == reign) continue;
    if (bench.reign.has_value()) Close(bench);
    if (reign.has_value() && !std::exchange(asked, true)) reading = host_.Read();
    // What cannot be opened now is tried again with a later turn.
    const bool opened =
        reign.has_value() && reading != nullptr && Open(bench, *reign, *reading, now).ok();
    seats_missing_ = seats_missing_ || !opened;
  }
}

void Reactor::Close(Bench& bench) {
  bench.reign.reset();
  sources_changed_ = true;
  for (Seat* seat : bench.seats) {
    seat->cursor.Close();
    seat->events.clear();
    seat->steps.clear();
  }
}

absl::Status Reactor::Open(Bench& bench, Offset reign, const ServiceReading& reading, TimeNs now) {
  CRM_ASSIGN_OR_RETURN(const common::v1::ReactionProgress progress,
                       ReadReactionProgress(*reading.core.rows, bench.partition,
                                            reactions_[bench.reaction]->name()));
  bench.reign = reign;
  sources_changed_ = true;
  for (Seat* seat : bench.seats) {
    seat->cursor.Open(progress, now);
    ReadFrom(seat->source, seat->cursor.next());
  }
  return absl::OkStatus();
}

// --- reading

void Reactor::ReadFrom(Partition source, const ReactionCursor::Place& place) {
  Source& from = *sources_[static_cast<size_t>(source)];
  if (from.followed && from.read_to <= place.offset) return;
  from.followed = true;
  from.filter = FenceFilter(place.fence);
  from.read_to = place.offset;
  tail_stale_ = true;
}

void Reactor::PauseOrResume() {
  if (!std::exchange(sources_changed_, false)) return;
  for (const auto& source : sources_) {
    if (!source->followed) continue;
    size_t most = 0;
    bool any_open = false;
    for (const Seat* seat : source->seats) {
      most = std::max(most, seat->cursor.waiting());
      any_open = any_open || seat->cursor.is_open();
    }
    const bool pause = most > (source->paused ? options_.max_events / 2 : options_.max_events);
    if (pause != source->paused || !any_open) tail_stale_ = true;
    source->paused = pause;
    source->followed = any_open;
  }
}

void Reactor::SetTail(std::unique_ptr<SteadyTail> tail) {
  {
    MutexLock lock(inbox_->mutex);
    inbox_->tail = tail.get();
  }
  tail_ = std::move(tail);
}

void Reactor::OpenTail() {
  SetTail(nullptr);
  std::vector<TailStart> starts;
  for (Partition q = 0; q < kPartitions; ++q) {
    const Source& source = *sources_[static_cast<size_t>(q)];
    if (source.followed && !source.paused && !source.at_fault)
      starts.push_back({q, source.read_to});
  }
  if (!starts.empty()) SetTail(std::make_unique<SteadyTail>(log_, std::move(starts)));
  tail_stale_ = false;
}

absl::Status Reactor::ReadOn(TimeNs max_wait) {
  if (tail_stale_) OpenTail();
  if (tail_ == nullptr) {
    MutexLock lock(inbox_->mutex);
    if (max_wait > 0) inbox_->wake.WaitFor(lock, max_wait, [this] { return inbox_->woken; });
    return absl::OkStatus();
  }
  {
    // Whoever posts from here on wakes the tail.
    MutexLock lock(inbox_->mutex);
    if (inbox_->woken) max_wait = 0;
  }
  CRM_ASSIGN_OR_RETURN(SteadyTail::Read read, tail_->Poll(max_wait));
  if (!read.fault.ok()) {
    sources_[static_cast<size_t>(read.batch.partition)]->at_fault = true;
    return read.fault;
  }
  if (!read.batch.records.empty()) TakeRecords(std::move(read.batch), clock_.Monotonic());
  return absl::OkStatus();
}

void Reactor::TakeRecords(TailBatch batch, TimeNs now) {
  Source& source = *sources_[static_cast<size_t>(batch.partition)];
  sources_changed_ = true;
  for (Record& record : batch.records) {
    if (record.offset < source.read_to) continue;
    source.read_to = record.offset + 1;
    if (source.filter.Next(std::move(record)) != FenceFilter::Verdict::kCommand) continue;
    TakeCommand(batch.partition, source.filter.TakeCommand(), now);
  }
}

void Reactor::TakeCommand(Partition source, std::vector<Record> records, TimeNs now) {
  for (Record& record : records) TakeEvent(source, std::move(record), now);
}

void Reactor::TakeEvent(Partition source, Record record, TimeNs now) {
  auto taken = std::make_shared<SourceEvent>();
  taken->at = {record.offset, record.fence, record.seq};
  // Without a key: of no customer, and so of no concern.
  bool concerns_any = !record.key.empty();
  if (concerns_any) {
    taken->id = EventId(log_.identity().epoch, source, record);
    absl::StatusOr<Event> event = decode_.schema.Decode(std::move(record), decode_.sealer);
    concerns_any = event.ok();
    event.ok() ? void(taken->event = *std::move(event)) : void(++unreadable_);
  }
  std::vector<bool> concerns(reactions_.size());
  for (size_t r = 0; concerns_any && r < reactions_.size(); ++r) {
    concerns[r] = reactions_[r]->Concerns(taken->event);
  }
  for (Seat* seat : sources_[static_cast<size_t>(source)]->seats) {
    if (!seat->cursor.is_open() || taken->at.offset < seat->cursor.next().offset) continue;
    if (concerns[seat->reaction]) seat->events[taken->at.offset] = taken;
    seat->cursor.Read(taken->at, concerns[seat->reaction], now);
    Touch(*seat);
  }
}

// --- acting

void Reactor::Tick(TimeNs now) {
  if (now < next_tick_) return;
  next_tick_ = now + kTick;
  restless_ = false;
  for (const auto& seat : seats_) {
    if (!seat->cursor.restless()) continue;
    restless_ = true;
    seat->cursor.Tick(now);
    Touch(*seat);
  }
}

void Reactor::Touch(Seat& seat) {
  restless_ = true;
  if (!seat.cursor.has_outputs() || std::exchange(seat.touched, true)) return;
  touched_.push_back(&seat);
}

// From what cursors put out to steps to take; records go at once.
void Reactor::Collect() {
  for (Seat* seat : std::exchange(touched_, {})) {
    seat->touched = false;
    sources_changed_ = true;
    for (ReactionCursor::Output& output : seat->cursor.Take()) {
      if (auto* react = std::get_if<ReactionCursor::React>(&output)) {
        seat->steps.push_back(std::move(*react));
      } else if (auto* record = std::get_if<ReactionCursor::Record>(&output)) {
        SubmitRecord(*seat, std::move(*record));
      } else {
        seat->events.erase(std::get<ReactionCursor::Done>(output).offset);
      }
    }
    if (!seat->steps.empty() && !std::exchange(seat->ready, true)) ready_.push_back(seat);
  }
}

void Reactor::Act(TimeNs now) {
  blocked_on_views_ = false;
  if (ready_.empty() || finishing_ || commands_in_flight_ >= options_.max_commands) return;
  const auto reading = host_.Read();
  if (reading == nullptr) return;
  // Each ready seat once, as far as it comes.
  for (size_t left = ready_.size(); left > 0; --left) {
    Seat& seat = *ready_.front();
    ready_.pop_front();
    while (!seat.steps.empty() && commands_in_flight_ < options_.max_commands) {
      if (!ViewsHaveRead(seat, seat.steps.front().step.offset, *reading)) {
        blocked_on_views_ = true;
        break;
      }
      const ReactionCursor::React step = std::move(seat.steps.front());
      seat.steps.pop_front();
      React(seat, step, *reading, now);
    }
    seat.ready = !seat.steps.empty();
    if (seat.ready) ready_.push_back(&seat);
  }
}

bool Reactor::ViewsHaveRead(const Seat& seat, Offset offset, const ServiceReading& reading) const {
  const auto views = reactions_[seat.reaction]->views();
  return std::all_of(views.begin(), views.end(), [&](const std::string& name) {
    const ProjectionReading& view = reading.view(name);
    return view.topic != log_.topic() || view.read_to[static_cast<size_t>(seat.source)] > offset;
  });
}

void Reactor::React(Seat& seat, const ReactionCursor::React& step, const ServiceReading& reading,
                    TimeNs now) {
  const auto found = seat.events.find(step.step.offset);
  if (found == seat.events.end()) return;
  const std::shared_ptr<const SourceEvent> event = found->second;
  const std::string& tenant = event->event.metadata->tenant();
  const ReactionContext context{seat.partition, tenant, names_, clock_.Now(), reading};
  absl::StatusOr<ReactionStep> next =
      reactions_[seat.reaction]->React(context, event->event, step.progress);
  if (!next.ok()) {
    seat.cursor.StepFailed(step.step, now);
    return Touch(seat);
  }
  std::vector<std::string> aggregates;
  absl::flat_hash_set<std::string_view> different;
  for (const auto& command : next->commands) {
    // Two would bear the same request id, and the second be taken for a repeat of the first.
    CRM_CHECK(different.insert(command->aggregate).second);
    aggregates.push_back(command->aggregate);
  }
  for (const size_t i : seat.cursor.Stepped(step.step, tenant, aggregates, next->progress, now)) {
    Fill(*next->commands[i], seat, *event);
    SubmitStep(seat, step.step, std::move(next->commands[i]), tenant);
  }
  Touch(seat);
}

void Reactor::Fill(Command& command, const Seat& seat, const SourceEvent& event) const {
  const std::string_view reaction = reactions_[seat.reaction]->name();
  const common::v1::EventMetadata& metadata = *event.event.metadata;
  command.caller.tenant = metadata.tenant();
  command.caller.actor.set_principal(ReactionAggregate(reaction));
  command.caller.actor.set_kind(common::v1::Actor::SERVICE);
  command.caller.correlation_id = metadata.correlation_id();
  command.caller.traceparent = metadata.traceparent();
  if (!options_.fault_no_request_id) {
    const std::string part = command.request_id.empty() ? "" : " " + command.request_id;
    command.request_id =
        ReactionRequestId(seat.source, event.at, metadata, reaction, command.aggregate + part);
  }
  // What a repeat would do differently, because it reads later, is no other request.
  command.payload_hmac.clear();
  common::v1::SourcePosition& source = command.source.emplace();
  source.set_topic(log_.topic());
  source.set_partition(seat.source);
  source.set_offset(event.at.offset);
  command.causation_id = event.id;
  command.deadline = clock_.Monotonic() + options_.command_deadline;
}

void Reactor::SubmitStep(Seat& seat, const ReactionCursor::Step& step,
                         std::unique_ptr<Command> command, const std::string& tenant) {
  ++commands_in_flight_;
  In in{&seat, 0, step, command->aggregate, tenant, {}};
  command->done = [inbox = inbox_, in = std::move(in)](const absl::StatusOr<Outcome>& outcome) {
    In answer = in;
    answer.status = outcome.status();
    inbox->Post(std::move(answer));
  };
  host_.Submit(std::move(command));
}

void Reactor::SubmitRecord(Seat& seat, ReactionCursor::Record record) {
  ++records_in_flight_;
  auto command = std::make_unique<RecordReaction>(record_, reactions_[seat.reaction]->name(),
                                                  seat.partition, std::move(record.events));
  command->caller.actor.set_principal(command->aggregate);
  command->caller.actor.set_kind(common::v1::Actor::SERVICE);
  command->done = [inbox = inbox_, &seat,
                   number = ++seat.record](const absl::StatusOr<Outcome>& outcome) {
    inbox->Post({&seat, number, {}, "", "", outcome.status()});
  };
  host_.Submit(std::move(command));
}

TimeNs Reactor::Patience(TimeNs max_wait) const {
  if (!touched_.empty()) return 0;
  const bool room = commands_in_flight_ < options_.max_commands;
  if (!ready_.empty() && room) return blocked_on_views_ ? std::min(max_wait, kViewPause) : 0;
  if (restless_) return std::min(max_wait, kTick);
  return seats_missing_ ? std::min(max_wait, kReignPause) : max_wait;
}

// --- the end, and what is seen from outside

void Reactor::Finish() {
  finishing_ = true;
  const TimeNs now = clock_.Monotonic();
  for (const auto& seat : seats_) {
    seat->cursor.Finish(now);
    Touch(*seat);
  }
  Collect();
}

bool Reactor::drained() const {
  return finishing_ && commands_in_flight_ == 0 && records_in_flight_ == 0;
}

void Reactor::Publish(TimeNs now) {
  if (now < next_publish_) return;
  next_publish_ = now + kPublish;
  std::vector<ReactionStanding> standings;
  std::vector<ReactionCounts> counts(reactions_.size());
  for (const auto& seat : seats_) {
    counts[seat->reaction] += seat->cursor.counts();
    if (!seat->cursor.is_open()) continue;
    // Where nothing waits, void and control records behind the last event are passed too.
    const auto waiting = static_cast<int64_t>(seat->cursor.waiting());
    Offset reacted_to = seat->cursor.reacted_to();
    if (waiting == 0) {
      reacted_to = std::max(reacted_to, sources_[static_cast<size_t>(seat->source)]->read_to);
    }
    standings.push_back({std::string(reactions_[seat->reaction]->name()), log_.topic(),
                         seat->partition, seat->source, reacted_to, waiting});
  }
  MutexLock lock(published_mutex_);
  published_ = std::move(standings);
  published_counts_ = std::move(counts);
  published_unreadable_ = unreadable_;
}

std::vector<ReactionStanding> Reactor::standings() const {
  MutexLock lock(published_mutex_);
  return published_;
}

std::vector<ReactionCounts> Reactor::counts() const {
  MutexLock lock(published_mutex_);
  return published_counts_;
}

int64_t Reactor::unreadable() const {
  MutexLock lock(published_mutex_);
  return published_unreadable_;
}

}  // namespace crm
