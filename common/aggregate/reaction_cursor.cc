#include "common/aggregate/reaction_cursor.h"

#include <algorithm>

#include "common/aggregate/reaction_progress.h"
#include "common/base/status.h"

namespace crm {
namespace {

using common::v1::ReactedTo;
using common::v1::ReactionEvent;

// Above it no further event is begun until refusals are recorded.
constexpr size_t kMaxRefusals = 1024;

ReactionEvent Refusal(std::string_view topic, Partition source, Offset offset,
                      const std::string& tenant, const std::string& aggregate,
                      const absl::Status& status) {
  ReactionEvent event;
  auto* refused = event.mutable_refused();
  refused->mutable_source()->set_topic(std::string(topic));
  refused->mutable_source()->set_partition(source);
  refused->mutable_source()->set_offset(offset);
  refused->set_tenant(tenant);
  refused->set_aggregate(aggregate);
  refused->set_code(absl::StatusCodeToString(status.code()));
  refused->set_reason(ReasonOf(status));
  return event;
}

bool Same(const ReactedTo& a, const ReactedTo& b) {
  return a.offset() == b.offset() && a.progress() == b.progress();
}

}  // namespace

bool IsRetried(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kCancelled:
      return true;
    case absl::StatusCode::kDataLoss:
      // A subject that cannot be read is a matter for people; a row is mended by the host.
      return ReasonOf(status) != "SUBJECT_UNREADABLE";
    default:
      return false;
  }
}

ReactionCounts& ReactionCounts::operator+=(const ReactionCounts& other) {
  events += other.events;
  commands += other.commands;
  refused += other.refused;
  retries += other.retries;
  return *this;
}

ReactionCursor::ReactionCursor(Options options, Random& random)
    : options_(std::move(options)), random_(random) {}

void ReactionCursor::Open(const common::v1::ReactionProgress& progress, TimeNs now) {
  Close();
  open_ = true;
  const ReactedTo recorded = RecordedPosition(progress, options_.topic, options_.source);
  recorded_ = recorded;
  for (const auto& refusal : progress.open_refusals()) {
    if (refusal.partition() != options_.source) continue;
    known_refusals_.emplace(refusal.offset(), refusal.fingerprint());
  }
  next_ = done_ = {recorded.offset(), {recorded.fence(), recorded.next_seq()}};
  recorded_at_ = last_done_at_ = now;
  record_backoff_ = 0;
  record_not_before_ = 0;
  skip_one_ = options_.faults.skip_on_open && recorded.offset() > 0;
}

void ReactionCursor::Close() {
  open_ = false;
  entries_.clear();
  known_refusals_.clear();
  started_ = 0;
  refusals_.clear();
  record_.clear();
  in_record_ = false;
  commands_since_ = record_commands_ = 0;
  events_since_ = record_events_ = 0;
  outputs_.clear();
}

void ReactionCursor::Read(const EventAt& event, bool concerns, TimeNs now) {
  if (!open_ || finishing_ || event.offset < next_.offset) return;
  next_ = {event.offset + 1, {event.fence, event.seq + 1}};
  if (concerns && skip_one_) concerns = skip_one_ = false;
  if (concerns) {
    Entry entry;
    entry.at = event;
    entry.after = next_;
    // The first step begins where an owner before has left off.
    if (event.offset == recorded_.offset()) entry.progress = recorded_.progress();
    entries_.push_back(std::move(entry));
    return Start();
  }
  (entries_.empty() ? done_ : entries_.back().after) = next_;
  if (entries_.empty() && done_.offset - recorded_.offset() >= options_.record_distance) {
    RecordIfDue(now);
  }
}

void ReactionCursor::Start() {
  if (finishing_) return;
  while (started_ < std::min(options_.window, entries_.size()) && refusals_.size() < kMaxRefusals) {
    AskToReact(entries_[started_++]);
  }
}

void ReactionCursor::AskToReact(Entry& entry) {
  entry.phase = Phase::kReacting;
  entry.attempt = ++attempts_;
  entry.failed = false;
  entry.outstanding.clear();
  outputs_.push_back(React{{entry.at.offset, entry.attempt}, entry.progress});
}

ReactionCursor::Entry* ReactionCursor::Find(const Step& step, Phase phase) {
  const auto at =
      std::lower_bound(entries_.begin(), entries_.end(), step.offset,
                       [](const Entry& entry, Offset offset) { return entry.at.offset < offset; });
  if (at == entries_.end() || at->at.offset != step.offset) return nullptr;
  return at->attempt == step.attempt && at->phase == phase ? &*at : nullptr;
}

std::vector<size_t> ReactionCursor::Stepped(const Step& step, const std::string& tenant,
                                            const std::vector<std::string>& aggregates,
                                            const std::string& progress, TimeNs now) {
  Entry* entry = Find(step, Phase::kReacting);
  if (entry == nullptr) return {};
  entry->phase = Phase::kSubmitted;
  entry->next_progress = progress;
  entry->due = now + options_.answer_timeout;
  std::vector<size_t> submit;
  for (size_t i = 0; i < aggregates.size(); ++i) {
    if (entry->settled.contains(aggregates[i])) continue;
    if (known_refusals_.contains({step.offset, RefusalFingerprint(tenant, aggregates[i])})) {
      continue;
    }
    if (entry->outstanding.insert(aggregates[i]).second) submit.push_back(i);
  }
  if (options_.faults.record_before_effects) commands_since_ += options_.record_commands;
  if (submit.empty()) EndStep(*entry, now);
  if (options_.faults.record_before_effects) RecordIfDue(now);
  return submit;
}

void ReactionCursor::StepFailed(const Step& step, TimeNs now) {
  if (Entry* entry = Find(step, Phase::kReacting)) BackOff(*entry, now);
}

void ReactionCursor::Answered(const Step& step, const std::string& aggregate,
                              const std::string& tenant, const absl::Status& status, TimeNs now) {
  Entry* entry = Find(step, Phase::kSubmitted);
  if (entry == nullptr || entry->outstanding.erase(aggregate) == 0) return;
  if (IsRetried(status)) {
    entry->failed = true;
  } else {
    entry->settled.insert(aggregate);
    ++counts_.commands;
    ++entry->commands;
    if (!status.ok()) {
      ++counts_.refused;
      refusals_.push_back(
          Refusal(options_.topic, options_.source, step.offset, tenant, aggregate, status));
    }
  }
  if (entry->outstanding.empty()) EndStep(*entry, now);
  RecordIfDue(now);
}

void ReactionCursor::EndStep(Entry& entry, TimeNs now) {
  if (entry.failed) return BackOff(entry, now);
  entry.backoff = 0;
  entry.settled.clear();
  entry.progress = entry.next_progress;
  if (!entry.progress.empty()) {
    if (&entry == &entries_.front()) commands_since_ += std::exchange(entry.commands, 0);
    return AskToReact(entry);
  }
  entry.phase = Phase::kDone;
  ++counts_.events;
  outputs_.push_back(Done{entry.at.offset});
  PopDone(now);
}

void ReactionCursor::PopDone(TimeNs now) {
  last_done_at_ = now;
  while (!entries_.empty() && entries_.front().phase == Phase::kDone) {
    done_ = entries_.front().after;
    commands_since_ += entries_.front().commands + (options_.record_each_event ? 1 : 0);
    ++events_since_;
    entries_.pop_front();
    --started_;
  }
  Start();
  RecordIfDue(now);
}

TimeNs ReactionCursor::Jittered(TimeNs* backoff) {
  *backoff = std::clamp(2 * *backoff, options_.min_backoff, options_.max_backoff);
  const auto half = static_cast<uint64_t>(*backoff / 2);
  return *backoff - static_cast<TimeNs>(random_.Next64() % (half + 1));
}

void ReactionCursor::BackOff(Entry& entry, TimeNs now) {
  ++counts_.retries;
  entry.phase = Phase::kBackOff;
  entry.due = now + Jittered(&entry.backoff);
}

void ReactionCursor::Tick(TimeNs now) {
  if (!open_) return;
  for (size_t i = 0; i < started_; ++i) {
    Entry& entry = entries_[i];
    if (entry.due > now) continue;
    if (entry.phase == Phase::kSubmitted) BackOff(entry, now);
    if (entry.phase == Phase::kBackOff) AskToReact(entry);
  }
  RecordIfDue(now);
  Start();
}

void ReactionCursor::Finish(TimeNs now) {
  finishing_ = true;
  RecordIfDue(now);
}

bool ReactionCursor::submitted() const {
  return std::any_of(entries_.begin(), entries_.begin() + static_cast<ptrdiff_t>(started_),
                     [](const Entry& entry) { return entry.phase == Phase::kSubmitted; });
}

ReactedTo ReactionCursor::Position() const {
  ReactedTo position;
  position.set_topic(options_.topic);
  position.set_partition(options_.source);
  Place place = done_;
  if (options_.faults.record_before_effects) {
    place = next_;
  } else if (!entries_.empty()) {
    const Entry& first = entries_.front();
    place = {first.at.offset, {first.at.fence, first.at.seq}};
    position.set_progress(first.progress);
  }
  position.set_offset(place.offset);
  position.set_fence(place.fence.fence);
  position.set_next_seq(place.fence.next_seq);
  return position;
}

bool ReactionCursor::PositionIsDue(TimeNs now) const {
  if (Same(Position(), recorded_)) return false;
  if (commands_since_ > 0) {
    if (commands_since_ >= options_.record_commands) return true;
    if (now - recorded_at_ >= options_.record_after) return true;
    if (started_ == 0 && now - last_done_at_ >= options_.record_idle_after) return true;
  }
  if (events_since_ >= options_.record_commands) return true;
  if (finishing_ && !submitted() && commands_since_ + events_since_ > 0) return true;
  return Position().offset() - recorded_.offset() >= options_.record_distance;
}

void ReactionCursor::RecordIfDue(TimeNs now) {
  if (!open_ || in_record_ || now < record_not_before_) return;
  const bool position_due = PositionIsDue(now);
  if (refusals_.empty() && !position_due) return;
  record_ = std::exchange(refusals_, {});
  record_commands_ = record_events_ = 0;
  if (position_due) {
    recorded_ = Position();
    recorded_at_ = now;
    record_commands_ = std::exchange(commands_since_, 0);
    record_events_ = std::exchange(events_since_, 0);
    *record_.emplace_back().mutable_reacted_to() = recorded_;
  }
  in_record_ = true;
  outputs_.push_back(Record{record_});
}

void ReactionCursor::Recorded(const absl::Status& status, TimeNs now) {
  if (!open_ || !in_record_) return;
  in_record_ = false;
  std::vector<ReactionEvent> record = std::exchange(record_, {});
  if (status.ok()) {
    record_backoff_ = 0;
    Start();
    return RecordIfDue(now);
  }
  // Refusals go again as they were, the position as it is by then.
  ++counts_.retries;
  record_not_before_ = now + Jittered(&record_backoff_);
  commands_since_ += record_commands_;
  events_since_ += record_events_;
  if (record.back().has_reacted_to()) {
    record.pop_back();
    recorded_.set_offset(-1);
  }
  record.insert(record.end(), refusals_.begin(), refusals_.end());
  refusals_ = std::move(record);
}

}  // namespace crm
