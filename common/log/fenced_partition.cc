#include "common/log/fenced_partition.h"

#include <algorithm>
#include <limits>

#include "common/base/check.h"
#include "common/base/status.h"
#include "crm/common/v1/log_control.pb.h"

namespace crm {
namespace {

// What the filter looks at. The event that ends an own command is confirmed at once, so its key and
// value need no copy; an event before it may yet be handed out as a foreign command's.
Record Frame(const Record& source, Offset offset) {
  Record frame;
  if (source.last) {
    frame.kind = source.kind;
    frame.fence = source.fence;
    frame.seq = source.seq;
    frame.last = true;
  } else {
    frame = source;
  }
  frame.offset = offset;
  return frame;
}

bool SameEvent(const Record& one, const Record& other) {
  return one.kind == other.kind && one.last == other.last && one.key == other.key &&
         one.value == other.value;
}

}  // namespace

FencedPartition::FencedPartition(Options options, FenceState state, Offset read_to, Random& random)
    : options_(std::move(options)),
      random_(random),
      filter_(state),
      read_to_(read_to),
      owner_endpoint_(options_.latest_endpoint),
      backoff_(options_.min_backoff) {}

void FencedPartition::Hint(bool mine, TimeNs now) {
  now_ = now;
  const bool gone = hinted_ && !mine;
  hinted_ = mine;
  named_successor_ = false;
  if (!mine) GiveUpClaim();
  if (gone) Release("");
  Tick(now);
}

void FencedPartition::GiveUpClaim() {
  if (state_ != State::kClaiming) return;
  state_ = State::kFollowing;
  in_flight_.clear();
}

TimeNs FencedPartition::next_tick() const {
  if (state_ == State::kFollowing && Wanted()) return claim_at_;
  return state_ == State::kClaiming ? claim_deadline_ : kNever;
}

void FencedPartition::Tick(TimeNs now) {
  now_ = now;
  if (state_ == State::kFollowing && Wanted() && now >= claim_at_) Claim(now);
  if (state_ == State::kClaiming && now >= claim_deadline_) Claim(now);
}

void FencedPartition::Claim(TimeNs now) {
  state_ = State::kClaiming;
  attempt_ = random_.Uuid();
  claim_deadline_ = now + options_.claim_timeout;
  // What became of an earlier claim does not matter any more.
  in_flight_.clear();
  common::v1::LogControl control;
  common::v1::Own* own = control.mutable_own();
  own->set_attempt(attempt_);
  own->set_owner(options_.owner);
  own->set_endpoint(options_.endpoint);
  own->set_log_id(options_.log_id);
  own->set_secret_check(options_.secret_check);
  own->set_epoch(options_.epoch);
  Record record;
  record.kind = RecordKind::kOwn;
  record.value = control.SerializeAsString();
  std::vector<Record> records;
  records.push_back(std::move(record));
  Send(std::move(records));
}

void FencedPartition::Send(std::vector<Record> records) {
  const uint64_t id = next_append_++;
  auto batch = std::make_shared<const std::vector<Record>>(std::move(records));
  in_flight_[id] = batch;
  if (batch->front().kind == RecordKind::kEvent) sent_.push_back(batch);
  outputs_.push_back(Append{id, std::move(batch)});
}

uint64_t FencedPartition::Propose(std::vector<Record> events) {
  CRM_CHECK(open() && !events.empty());
  for (Record& event : events) {
    event.kind = RecordKind::kEvent;
    event.fence = filter_.state().fence;
    event.seq = next_seq_++;
    event.last = &event == &events.back();
    proposed_.push_back(std::move(event));
  }
  pending_.push_back({next_number_, next_seq_ - 1});
  return next_number_++;
}

void FencedPartition::Flush() {
  if (!proposed_.empty()) Send(std::exchange(proposed_, {}));
}

void FencedPartition::Release(const std::string& successor) {
  hinted_ = false;
  named_successor_ = false;
  GiveUpClaim();
  if (!open()) return;
  releasing_ = true;
  Flush();
  common::v1::LogControl control;
  control.mutable_release()->set_successor(successor);
  Record record;
  record.kind = RecordKind::kRelease;
  record.fence = filter_.state().fence;
  record.value = control.SerializeAsString();
  std::vector<Record> records;
  records.push_back(std::move(record));
  Send(std::move(records));
}

void FencedPartition::Delivered(uint64_t append, std::span<const Offset> offsets) {
  const auto found = in_flight_.find(append);
  if (found == in_flight_.end()) return;
  const RecordBatch batch = std::move(found->second);
  in_flight_.erase(found);
  CRM_CHECK(offsets.size() == batch->size());
  // It is only a matter of reading now, however long that takes.
  if (state_ == State::kClaiming) claim_deadline_ = kNever;
  bool somewhere = false;
  for (size_t i = 0; i < offsets.size(); ++i) {
    if (offsets[i] == kNoOffset) somewhere = true;
    if (options_.faults.confirm_without_contiguity) ConfirmUnread((*batch)[i], offsets[i]);
    if (offsets[i] == kNoOffset || offsets[i] < read_to_) continue;
    // Shares the batch's ownership: nothing is copied.
    delivered_.emplace(offsets[i], std::shared_ptr<const Record>(batch, &(*batch)[i]));
  }
  AcceptDelivered(now_);
  if (somewhere) outputs_.push_back(ReadBack{read_to_, kNoOffset});
}

void FencedPartition::ConfirmUnread(const Record& record, Offset offset) {
  if (pending_.empty() || pending_.front().last_seq != record.seq || offset == read_to_) return;
  Apply apply;
  apply.number = pending_.front().number;
  apply.offsets = {offset};
  apply.last = std::make_shared<const Record>(record);
  pending_.pop_front();
  confirmed_unread_ = record.seq;
  outputs_.push_back(std::move(apply));
}

void FencedPartition::AcceptDelivered(TimeNs now) {
  while (!delivered_.empty()) {
    auto first = delivered_.begin();
    if (first->first < read_to_) {
      delivered_.erase(first);
      continue;
    }
    if (first->first > read_to_) {
      if (options_.faults.skip_gap_read_back) {
        read_to_ = first->first;
        continue;
      }
      // What lies between belongs to someone else, or to a delivery of ours whose report was lost.
      if (asked_to_ < first->first) {
        asked_to_ = first->first;
        outputs_.push_back(ReadBack{read_to_, asked_to_});
      }
      return;
    }
    const std::shared_ptr<const Record> source = std::move(first->second);
    delivered_.erase(first);
    Accept(Frame(*source, read_to_), source, now);
  }
}

void FencedPartition::DeliveryUnknown(uint64_t append, TimeNs now) {
  now_ = now;
  const auto found = in_flight_.find(append);
  if (found == in_flight_.end()) return;
  const bool was_claim = found->second->front().kind == RecordKind::kOwn;
  in_flight_.erase(found);
  if (state_ == State::kOpen) {
    // The records may land later or never; only a new fence tells which side of it they are on.
    owner_endpoint_.clear();
    Lose(read_to_, now);
    if (Wanted()) Claim(now);
  } else if (state_ == State::kClaiming && was_claim) {
    state_ = State::kFollowing;
    BackOff(now);
  }
}

absl::Status FencedPartition::Read(Record record, TimeNs now) {
  now_ = now;
  if (record.offset < read_to_) return absl::OkStatus();
  if (record.offset > read_to_) {
    return Error(absl::StatusCode::kDataLoss, "LOG_HOLE",
                 "the log answered offset " + std::to_string(record.offset) + " of partition " +
                     std::to_string(options_.partition) + " where " + std::to_string(read_to_) +
                     " was expected");
  }
  Accept(std::move(record), nullptr, now);
  AcceptDelivered(now);
  return absl::OkStatus();
}

void FencedPartition::Accept(Record record, std::shared_ptr<const Record> source, TimeNs now) {
  if (state_ == State::kOpen && Usurps(record, source != nullptr)) LoseToUsurper(now);
  ++read_to_;
  const Offset skip = options_.faults.skip_record;
  if (skip > 0 && record.kind == RecordKind::kEvent && record.offset % skip == 0) return;
  const bool control = record.kind != RecordKind::kEvent;
  if (control && options_.faults.ignore_own_late_own && state_ != State::kFollowing) {
    common::v1::LogControl parsed;
    if (parsed.ParseFromString(record.value) && parsed.own().owner() == options_.owner &&
        parsed.own().attempt() != attempt_) {
      return;
    }
  }
  if (!filter_.Counts(record)) return AcceptOther(std::move(record), source != nullptr, now);
  if (filter_.Next(std::move(record)) != FenceFilter::Verdict::kCommand) return;
  AcceptCommand(std::move(source));
  ForgetConfirmed();
}

void FencedPartition::AcceptOther(Record record, bool own, TimeNs now) {
  if (filter_.Next(record) == FenceFilter::Verdict::kControl) return AcceptControl(record, now);
  // Of an own record only a frame is at hand; there is nothing to say about it either.
  const bool hole = record.kind == RecordKind::kForeign && record.value.empty();
  if (!own && !hole) outputs_.push_back(Passed{std::move(record)});
}

const Record* FencedPartition::Sent(int64_t seq) const {
  for (const RecordBatch& batch : sent_) {
    if (seq < batch->front().seq) return nullptr;
    if (seq <= batch->back().seq) return &(*batch)[static_cast<size_t>(seq - batch->front().seq)];
  }
  return nullptr;
}

bool FencedPartition::Usurps(const Record& record, bool own) const {
  if (options_.faults.confirm_forged || record.kind != RecordKind::kEvent) return false;
  if (record.fence != filter_.state().fence || record.seq < filter_.state().next_seq) return false;
  if (record.seq == filter_.state().next_seq) {
    if (own) return false;
    const Record* sent = Sent(record.seq);
    return sent == nullptr || !SameEvent(record, *sent);
  }
  // Void for every reader. If it is ours, one of ours before it is missing, and can only come too
  // late.
  if (own) return true;
  const Record* sent = Sent(record.seq);
  return sent != nullptr && SameEvent(record, *sent);
}

void FencedPartition::LoseToUsurper(TimeNs now) {
  ++usurped_;
  owner_endpoint_.clear();
  Lose(read_to_, now);
}

// Looked at only where a record is read from the log: a batch stays until its last is confirmed.
void FencedPartition::ForgetConfirmed() {
  while (!sent_.empty() && sent_.front()->back().seq < filter_.state().next_seq) {
    sent_.pop_front();
  }
}

void FencedPartition::AcceptControl(const Record& record, TimeNs now) {
  common::v1::LogControl control;
  // An unreadable ownership record still moves the fence: the filter looks at its kind alone.
  const bool readable = control.ParseFromString(record.value);
  if (record.kind == RecordKind::kRelease) {
    if (record.fence != filter_.state().fence) return;
    owner_endpoint_.clear();
    const bool own = state_ == State::kOpen;
    if (own) Lose(record.offset, now);
    if (!readable) return;
    const std::string& successor = control.release().successor();
    if (successor == options_.owner) named_successor_ = true;
    // Nobody is there to duel with.
    if (successor == options_.owner || (successor.empty() && !own)) claim_at_ = now;
    return;
  }
  if (record.kind != RecordKind::kOwn) return;
  owner_endpoint_ = control.own().endpoint();
  if (control.own().owner() != options_.owner) named_successor_ = false;
  if (state_ == State::kClaiming && readable && control.own().attempt() == attempt_) {
    state_ = State::kOpen;
    releasing_ = false;
    next_seq_ = 1;
    sent_.clear();
    confirmed_unread_ = 0;
    opened_at_ = now;
    outputs_.push_back(Opened{});
    return;
  }
  if (state_ == State::kOpen) Lose(record.offset, now);
}

void FencedPartition::AcceptCommand(std::shared_ptr<const Record> last) {
  std::vector<Record> records = filter_.TakeCommand();
  if (state_ == State::kOpen && records.back().seq <= confirmed_unread_) return;
  Apply apply;
  for (const Record& record : records) apply.offsets.push_back(record.offset);
  if (state_ == State::kOpen && !pending_.empty() &&
      pending_.front().last_seq == records.back().seq) {
    apply.number = pending_.front().number;
    pending_.pop_front();
  }
  apply.last = last ? std::move(last) : std::make_shared<const Record>(records.back());
  if (apply.number == 0) apply.records = std::move(records);
  outputs_.push_back(std::move(apply));
}

void FencedPartition::Lose(Offset at, TimeNs now) {
  state_ = State::kFollowing;
  proposed_.clear();
  pending_.clear();
  // What was delivered beyond read_to() is read like anyone's; what is in flight reports to nobody.
  in_flight_.clear();
  delivered_.clear();
  sent_.clear();
  asked_to_ = 0;
  // Two that are both hinted take turns that grow longer; only a long reign starts over.
  if (now - opened_at_ >= 2 * options_.max_backoff) backoff_ = options_.min_backoff;
  BackOff(now);
  outputs_.push_back(Lost{owner_endpoint_, at});
}

void FencedPartition::BackOff(TimeNs now) {
  const TimeNs jitter = static_cast<TimeNs>(random_.Next64() % static_cast<uint64_t>(backoff_));
  claim_at_ = now + backoff_ / 2 + jitter;
  backoff_ = std::min(2 * backoff_, options_.max_backoff);
}

}  // namespace crm
