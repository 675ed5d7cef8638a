#include "common/aggregate/lane.h"

#include <algorithm>

#include "common/aggregate/core_rows.h"
#include "common/aggregate/history.h"
#include "common/aggregate/would_record.h"
#include "common/base/check.h"
#include "common/base/status.h"
#include "common/base/timestamp.h"
#include "common/projection/foreign_records.h"

namespace crm {
namespace {

using common::v1::DedupRow;

absl::Status NotOwner(const std::string& endpoint) {
  return Error(absl::StatusCode::kUnavailable, "NOT_OWNER",
               "this process does not take commands for the partition now; retry with the same "
               "request_id",
               {{"owner", endpoint}});
}

absl::Status OutcomeUnknown() {
  return Error(absl::StatusCode::kUnavailable, "OUTCOME_UNKNOWN",
               "the command may or may not be recorded; retry with the same request_id to learn");
}

absl::Status CheckEtag(const Command& command, int64_t version) {
  if (command.etag.empty() || version == 0 || command.etag == std::to_string(version)) {
    return absl::OkStatus();
  }
  return Error(absl::StatusCode::kAborted, "ETAG_STALE",
               "the resource has changed since it was read; read it again and redo the change",
               {{"current_etag", std::to_string(version)}});
}

std::shared_ptr<const google::protobuf::Message> CopyOf(const google::protobuf::Message& message) {
  std::shared_ptr<google::protobuf::Message> copy(message.New());
  copy->CopyFrom(message);
  return copy;
}

// Rows for an owner's command: reads go to the store, changes to a batch of their own. What the
// command itself changed is in memory, in the overlay.
class CommandRows final : public Rows {
 public:
  explicit CommandRows(const RowReader& store) : store_(store) {}
  absl::StatusOr<std::optional<std::string>> Get(std::string_view key) override {
    return store_.Get(key);
  }
  void Put(std::string key, std::string value) override {
    batch_.Put(std::move(key), std::move(value));
  }
  void Delete(std::string key) override { batch_.Delete(std::move(key)); }
  void DeletePrefix(std::string prefix) override { batch_.DeletePrefix(std::move(prefix)); }
  RowBatch& batch() { return batch_; }

 private:
  const RowReader& store_;
  RowBatch batch_;
};

}  // namespace

// What a decider sees: the overlay above the core.
class Lane::Reader final : public AggregateReader {
 public:
  Reader(Lane& lane, Rows& rows, const Command& command)
      : lane_(lane), rows_(rows), command_(command) {}
  absl::StatusOr<const Aggregate*> Find(const AggregateType& type,
                                        const std::string& name) override {
    CRM_CHECK(SubjectOf(name) == command_.subject);
    return lane_.overlay_.Find(rows_, type, command_.caller.tenant, name);
  }

 private:
  Lane& lane_;
  Rows& rows_;
  const Command& command_;
};

Lane::Lane(Options options, const CoreProjection& core, const EventSchema& schema, Sealer& sealer,
           Store& store, const StoredPosition& position, Random& random, LaneOutside& outside)
    : options_(std::move(options)),
      partition_(options_.fence.partition),
      core_(core),
      schema_(schema),
      sealer_(sealer),
      store_(store),
      outside_(outside),
      fence_(options_.fence, position.fence, position.stored, random),
      position_(position),
      overlay_(core.types(), partition_),
      foreign_rows_(store),
      foreign_(core.types(), partition_),
      recorded_time_(position.recorded_time) {}

LaneCounts& LaneCounts::operator+=(const LaneCounts& other) {
  commands += other.commands;
  events += other.events;
  repeats += other.repeats;
  conflicts += other.conflicts;
  quarantined += other.quarantined;
  foreign += other.foreign;
  lost += other.lost;
  return *this;
}

// --- from submission to append

void Lane::Submit(std::unique_ptr<Command> command, TimeNs now, TimeNs monotonic) {
  ++counts_.commands;
  if (!failure_.ok()) return command->done(failure_);
  if (!opened_ || !fence_.open()) return command->done(NotOwner(fence_.owner_endpoint()));
  if (command->deadline != 0 && monotonic > command->deadline) {
    return command->done(Error(absl::StatusCode::kDeadlineExceeded, "DEADLINE_EXCEEDED",
                               "the deadline passed before the command was decided"));
  }
  Answer answer;
  answer.outcome = Decide(*command, now, &answer);
  answer.command = std::move(command);
  if (answer.number == 0) {
    // A read that is under way began too early.
    answer.end_request = end_requested_ + 1;
    end_wanted_ = true;
  }
  answers_.push_back(std::move(answer));
}

absl::StatusOr<Outcome> Lane::Decide(Command& command, TimeNs now, Answer* answer) {
  CommandRows rows(store_);
  CRM_ASSIGN_OR_RETURN(const auto mark,
                       overlay_.Mark(rows, command.caller.tenant,
                                     command.partition.has_value() ? "" : command.subject));
  if (mark.has_value() && mark->quarantined()) {
    return Error(absl::StatusCode::kDataLoss, "SUBJECT_UNREADABLE",
                 "a record of this subject cannot be read; see crmctl dead-letters");
  }
  if (mark.has_value() && mark->erased()) {
    return Error(absl::StatusCode::kFailedPrecondition, "ERASED", "the subject was erased");
  }
  CRM_ASSIGN_OR_RETURN(
      const Aggregate* before,
      overlay_.Find(rows, *command.type, command.caller.tenant, command.aggregate));
  CRM_ASSIGN_OR_RETURN(const auto dedup, FindDedup(command, rows));
  if (dedup.has_value()) {
    if (dedup->payload_hmac() != command.payload_hmac) {
      return InvalidField("request_id", "was used before with another payload");
    }
    ++counts_.repeats;
    answer->repeat = true;
    answer->repeat_of = *dedup;
    return Outcome{};
  }
  const int64_t version_before = before->info().version;
  if (const absl::Status status = CheckEtag(command, version_before); !status.ok()) {
    ++counts_.conflicts;
    return status;
  }
  Reader reader(*this, rows, command);
  CRM_ASSIGN_OR_RETURN(std::vector<NewEvent> decided, command.Decide(reader));
  Outcome outcome;
  outcome.aggregate = command.aggregate;
  outcome.partition = partition_;
  outcome.version_before = version_before;
  outcome.events = static_cast<int64_t>(decided.size());
  if (decided.empty()) {
    outcome.version = version_before;
    outcome.resource = before->Render();
    return outcome;
  }
  if (decided.back().aggregate != command.aggregate) {
    return Error(absl::StatusCode::kInternal, "COMMAND_MISSHAPEN",
                 "the last event of a command must be of the aggregate its answer shows");
  }
  CRM_ASSIGN_OR_RETURN(std::vector<Event> events, Stamp(command, std::move(decided), rows, now));
  if (command.validate_only) return Validate(command, events, std::move(outcome));
  Propose(command, std::move(events), rows, answer, &outcome);
  return outcome;
}

absl::StatusOr<std::optional<DedupRow>> Lane::FindDedup(const Command& command, Rows& rows) {
  if (command.request_id.empty()) return std::nullopt;
  const std::string key =
      DedupKey(partition_, command.caller.tenant, command.subject, command.request_id);
  if (const auto found = unconfirmed_.find(key); found != unconfirmed_.end()) return found->second;
  if (options_.fault_ignore_dedup) return std::nullopt;
  return overlay_.FindDedup(rows, command.caller.tenant, command.subject, command.request_id);
}

absl::StatusOr<std::vector<Event>> Lane::Stamp(const Command& command,
                                               std::vector<NewEvent> decided, Rows& rows,
                                               TimeNs now) {
  const TimeNs recorded = std::max(now, recorded_time_);
  absl::flat_hash_map<std::string, int64_t> versions;
  std::vector<Event> events;
  events.reserve(decided.size());
  for (NewEvent& next : decided) {
    auto [version, first] = versions.try_emplace(next.aggregate, 0);
    if (first) {
      CRM_ASSIGN_OR_RETURN(const Aggregate* aggregate,
                           overlay_.Find(rows, *next.type, command.caller.tenant, next.aggregate));
      version->second = aggregate->info().version;
    }
    common::v1::EventMetadata* metadata = schema_.MutableMetadata(next.record.get());
    metadata->set_tenant(command.caller.tenant);
    metadata->set_aggregate(next.aggregate);
    metadata->set_aggregate_version(++version->second);
    metadata->set_request_id(command.request_id);
    metadata->set_correlation_id(command.caller.correlation_id);
    *metadata->mutable_actor() = command.caller.actor;
    if (command.occurred_time != 0) {
      SetTimestamp(command.occurred_time, metadata->mutable_occurred_time());
    }
    SetTimestamp(recorded, metadata->mutable_recorded_time());
    metadata->set_batch_id(command.batch_id);
    metadata->set_settings_version(command.settings_version);
    metadata->set_causation_id(command.causation_id);
    if (command.source.has_value()) *metadata->mutable_source() = *command.source;
    metadata->set_traceparent(command.caller.traceparent);
    metadata->set_payload_hmac(command.payload_hmac);
    CRM_ASSIGN_OR_RETURN(Event event, schema_.Encode(std::move(next.record), sealer_));
    events.push_back(std::move(event));
  }
  return events;
}

absl::StatusOr<Outcome> Lane::Validate(const Command& command, const std::vector<Event>& events,
                                       Outcome outcome) {
  CommandRows rows(store_);
  CRM_ASSIGN_OR_RETURN(
      const Aggregate* current,
      overlay_.Find(rows, *command.type, command.caller.tenant, command.aggregate));
  const std::unique_ptr<Aggregate> would_be = current->Clone();
  for (const Event& event : events) {
    if (event.metadata->aggregate() == command.aggregate) would_be->Apply(event);
  }
  outcome.version = would_be->info().version;
  outcome.last_record = CopyOf(*events.back().record);
  outcome.resource = would_be->Render();
  outcome.would_record = RenderWouldRecord(schema_, events);
  return outcome;
}

void Lane::Propose(const Command& command, std::vector<Event> events, Rows& rows, Answer* answer,
                   Outcome* outcome) {
  CRM_CHECK(overlay_.Apply(rows, events).ok());
  const std::string key = RecordKey(command.caller.tenant, command.subject);
  answer->recorded_time = recorded_time_ = ToTimeNs(events.back().metadata->recorded_time());
  std::vector<Record> records(events.size());
  for (size_t i = 0; i < events.size(); ++i) {
    records[i].key = key;
    records[i].value = std::move(events[i].value);
  }
  answer->number = fence_.Propose(std::move(records));
  overlay_.PutDirty(rows, answer->number);
  answer->rows = std::move(static_cast<CommandRows&>(rows).batch());
  if (!command.request_id.empty()) {
    DedupRow& dedup = unconfirmed_[DedupKey(partition_, command.caller.tenant, command.subject,
                                            command.request_id)];
    dedup.set_payload_hmac(command.payload_hmac);
    dedup.set_aggregate(command.aggregate);
    dedup.set_version(events.back().metadata->aggregate_version());
  }
  const std::string state_key = AggregateKey(partition_, command.caller.tenant, command.aggregate);
  for (const RowBatch::Op& op : answer->rows.ops()) {
    if (op.key == state_key) outcome->resource = std::string(ResourceOfRow(op.value));
  }
  outcome->version = events.back().metadata->aggregate_version();
  outcome->last_record = std::move(events.back().record);
  counts_.events += static_cast<int64_t>(events.size());
}

// --- from the log's word to the core and the reply

void Lane::Flush() {
  RowBatch rows;
  Prepare(rows);
  Complete(rows.empty() ? absl::OkStatus() : store_.Write(rows));
}

void Lane::Prepare(RowBatch& rows) {
  if (!failure_.ok()) return;
  fence_.Flush();
  HandleOutputs();
  if (failure_.ok()) PutRows(rows);
}

void Lane::Complete(const absl::Status& written) {
  if (!failure_.ok()) return;
  if (!written.ok()) return Fail(written);
  Written();
  if (end_wanted_ && !end_in_flight_) {
    end_wanted_ = false;
    end_in_flight_ = true;
    ++end_requested_;
    outside_.ReadEnd(partition_);
  }
  Reply();
}

void Lane::HandleOutputs() {
  for (auto outputs = fence_.Take(); !outputs.empty(); outputs = fence_.Take()) {
    for (FencedPartition::Output& output : outputs) Handle(std::move(output));
  }
  handled_ = fence_.read_to();
}

void Lane::Handle(FencedPartition::Output output) {
  if (!failure_.ok()) return;
  if (auto* append = std::get_if<FencedPartition::Append>(&output)) {
    outside_.Append(partition_, append->id, std::move(append->records));
  } else if (auto* read = std::get_if<FencedPartition::ReadBack>(&output)) {
    outside_.ReadBack(partition_, read->from, read->to);
  } else if (auto* apply = std::get_if<FencedPartition::Apply>(&output)) {
    apply->number != 0 ? Confirm(std::move(*apply)) : FoldForeign(std::move(*apply));
  } else if (const auto* passed = std::get_if<FencedPartition::Passed>(&output)) {
    ListForeign(passed->record);
  } else if (std::holds_alternative<FencedPartition::Opened>(output)) {
    opened_ = true;
  } else {
    HandleLost(std::get<FencedPartition::Lost>(output));
  }
}

void Lane::Read(Record record, TimeNs now) {
  if (!failure_.ok()) return;
  if (const absl::Status status = fence_.Read(std::move(record), now); !status.ok()) Fail(status);
}

void Lane::Confirm(FencedPartition::Apply apply) {
  CRM_CHECK(to_confirm_ < answers_.size());
  while (answers_[to_confirm_].number == 0) ++to_confirm_;
  Answer& answer = answers_[to_confirm_++];
  CRM_CHECK(answer.number == apply.number);
  size_t next = 0;
  for (RowBatch::Op& op : answer.rows.mutable_ops()) {
    if (next == apply.offsets.size()) break;
    if (IsHistoryKey(op.key)) PatchOffset(&op.value, apply.offsets[next++]);
  }
  rows_.Append(std::move(answer.rows));
  confirmed_ = apply.number;
  Outcome& outcome = *answer.outcome;
  outcome.position = apply.offsets.back() + 1;
  if (!answer.command->request_id.empty()) {
    confirmed_requests_.push_back(DedupKey(partition_, answer.command->caller.tenant,
                                           answer.command->subject, answer.command->request_id));
  }
  MoveTo(apply, answer.recorded_time);
}

void Lane::ListForeign(const Record& record) {
  const std::string reason = ReasonToList(record, schema_);
  if (reason.empty()) return;
  ++counts_.foreign;
  foreign_.ListForeign(foreign_rows_, record.offset, reason);
  foreign_dirty_ = true;
}

void Lane::FoldForeign(FencedPartition::Apply apply) {
  // Folds read the store: what this lane confirmed before must be in it.
  if (!rows_.empty()) WriteCore();
  overlay_.Clear();
  std::vector<Event> events;
  absl::Status status;
  const std::string key = apply.records.back().key;
  for (Record& record : apply.records) {
    absl::StatusOr<Event> event = schema_.Decode(std::move(record), sealer_);
    if (status = event.status(); !status.ok()) break;
    events.push_back(std::move(*event));
  }
  TimeNs recorded = position_.recorded_time;
  if (status.ok()) recorded = ToTimeNs(events.back().metadata->recorded_time());
  status = FoldOrQuarantine(key, events, apply.offsets.back(), status);
  if (!status.ok()) return Fail(status);
  foreign_dirty_ = true;
  MoveTo(apply, recorded);
}

absl::Status Lane::FoldOrQuarantine(const std::string& key, const std::vector<Event>& events,
                                    Offset offset, absl::Status decoded) {
  const KeyParts parts = SplitKey(key);
  CRM_ASSIGN_OR_RETURN(const auto mark, foreign_.Mark(foreign_rows_, parts.tenant, parts.subject));
  if (mark.has_value() && mark->quarantined()) return absl::OkStatus();
  if (decoded.ok()) {
    decoded = foreign_.Apply(foreign_rows_, events);
    // Any other error is the store's, not the record's.
    if (decoded.code() != absl::StatusCode::kFailedPrecondition) return decoded;
  }
  ++counts_.quarantined;
  return foreign_.Quarantine(foreign_rows_, parts.tenant, parts.subject, offset, decoded);
}

void Lane::MoveTo(const FencedPartition::Apply& apply, TimeNs recorded_time) {
  handled_ = position_.stored = apply.offsets.back() + 1;
  position_.fence = {apply.last->fence, apply.last->seq + 1};
  position_.recorded_time = recorded_time;
  recorded_time_ = std::max(recorded_time_, recorded_time);
  last_ = apply.last;
}

void Lane::WriteCore() {
  if (!failure_.ok()) return;
  RowBatch rows;
  PutRows(rows);
  const absl::Status status = rows.empty() ? absl::OkStatus() : store_.Write(rows);
  status.ok() ? Written() : Fail(status);
}

void Lane::PutRows(RowBatch& rows) {
  if (foreign_dirty_) {
    foreign_.PutDirty(foreign_rows_);
    rows_.Append(foreign_rows_.Take());
    foreign_.Clear();
    foreign_dirty_ = false;
  }
  if (last_ != nullptr) {
    position_.read_to = handled_;
    position_.stored_hash = RecordHash(*last_);
    rows_.Put(PositionRowKey(partition_), EncodePosition(position_));
  }
  if (rows_.empty()) return;
  rows.Append(std::move(rows_));
}

void Lane::Written() {
  // Also what commands only looked at.
  if (overlay_.cached() > 0) overlay_.Forget(confirmed_);
  if (last_ != nullptr) {
    last_.reset();
    for (const std::string& key : confirmed_requests_) unconfirmed_.erase(key);
    confirmed_requests_.clear();
  }
  written_ = confirmed_;
  if (handled_ <= advanced_) return;
  advanced_ = handled_;
  outside_.Advanced(partition_, advanced_);
}

bool Lane::MayLeave(const Answer& answer) const {
  if (answer.number != 0) return answer.number <= written_;
  return answer.end_request <= end_reached_;
}

void Lane::Reply() {
  for (; !ends_.empty() && ends_.front().second <= advanced_; ends_.pop_front()) {
    end_reached_ = ends_.front().first;
  }
  while (!answers_.empty() && MayLeave(answers_.front())) {
    Answer answer = std::move(answers_.front());
    answers_.pop_front();
    if (to_confirm_ > 0) --to_confirm_;
    if (answer.repeat) answer.outcome = RenderRepeat(answer);
    if (answer.outcome.ok() && answer.outcome->position == 0) {
      answer.outcome->position = advanced_;
    }
    answer.command->done(std::move(answer.outcome));
  }
}

absl::StatusOr<Outcome> Lane::RenderRepeat(const Answer& answer) {
  const Command& command = *answer.command;
  Outcome outcome;
  outcome.aggregate = answer.repeat_of.aggregate();
  outcome.partition = partition_;
  outcome.repeated = true;
  CRM_ASSIGN_OR_RETURN(
      const auto aggregate,
      FoldHistory(store_, schema_, sealer_, *command.type,
                  {partition_, command.caller.tenant, outcome.aggregate}, [&](const Event& event) {
                    if (event.metadata->aggregate_version() > answer.repeat_of.version()) {
                      return false;
                    }
                    if (event.metadata->request_id() != command.request_id) return true;
                    ++outcome.events;
                    outcome.last_record = CopyOf(*event.record);
                    return true;
                  }));
  outcome.version = aggregate->info().version;
  outcome.version_before = outcome.version - outcome.events;
  outcome.resource = aggregate->Render();
  return outcome;
}

void Lane::End(Offset end) {
  end_in_flight_ = false;
  ends_.emplace_back(end_requested_, end);
}

void Lane::EndUnknown() {
  // Asked again with the next turn, under the next number: its answer serves those who waited for
  // this one and those who came since.
  end_in_flight_ = false;
  end_wanted_ = true;
}

void Lane::HandleLost(const FencedPartition::Lost& lost) {
  ++counts_.lost;
  // Answers whose log end lies before the loss may leave; what was read since is not theirs to see.
  handled_ = lost.at;
  WriteCore();
  Reply();
  opened_ = false;
  overlay_.Clear();
  unconfirmed_.clear();
  confirmed_requests_.clear();
  recorded_time_ = position_.recorded_time;
  AnswerAll(OutcomeUnknown(), NotOwner(lost.endpoint));
}

void Lane::AnswerAll(const absl::Status& proposed, const absl::Status& others) {
  to_confirm_ = 0;
  for (Answer& answer : std::exchange(answers_, {})) {
    answer.command->done(answer.number != 0 ? proposed : others);
  }
}

void Lane::Fail(const absl::Status& why) {
  const std::string reason = ReasonOf(why);
  failure_ = Error(absl::StatusCode::kUnavailable, reason.empty() ? "LANE_FAILED" : reason,
                   "the partition cannot be served: " + std::string(why.message()));
  opened_ = false;
  AnswerAll(OutcomeUnknown(), failure_);
  outside_.Failed(partition_, why);
}

}  // namespace crm
