#include "common/aggregate/reaction_progress.h"

#include <algorithm>

#include "common/aggregate/core_rows.h"
#include "common/base/bytes.h"
#include "common/base/check.h"
#include "common/base/hash.h"

namespace crm {
namespace {

using common::v1::ReactedTo;
using common::v1::ReactionEvent;
using common::v1::ReactionProgress;
using common::v1::ReactionRefused;
using google::protobuf::Message;

constexpr std::string_view kCollection = "reactions";

bool SamePlace(const ReactedTo& a, const ReactedTo& b) {
  return a.topic() == b.topic() && a.partition() == b.partition();
}

uint64_t Fingerprint(const ReactionRefused& refused) {
  return RefusalFingerprint(refused.tenant(), refused.aggregate());
}

bool Known(const ReactionProgress& state, const ReactionRefused& refused) {
  const uint64_t fingerprint = Fingerprint(refused);
  return std::any_of(
      state.open_refusals().begin(), state.open_refusals().end(), [&](const auto& open) {
        return open.partition() == refused.source().partition() &&
               open.offset() == refused.source().offset() && open.fingerprint() == fingerprint;
      });
}

bool Passed(const ReactionProgress& state, const ReactionRefused& refused) {
  return refused.source().offset() <
         RecordedPosition(state, refused.source().topic(), refused.source().partition()).offset();
}

bool Passed(const ReactionProgress& state, const ReactedTo& to) {
  const ReactedTo at = RecordedPosition(state, to.topic(), to.partition());
  return to.offset() < at.offset() ||
         (to.offset() == at.offset() && to.progress() == at.progress());
}

bool Adds(const ReactionProgress& state, const ReactionEvent& event) {
  if (event.has_refused()) return !Passed(state, event.refused()) && !Known(state, event.refused());
  return !Passed(state, event.reacted_to());
}

void EvolveReactedTo(const ReactedTo& to, ReactionProgress* state) {
  auto* places = state->mutable_reacted_to();
  const auto before = [](const ReactedTo& a, const ReactedTo& b) {
    return a.topic() != b.topic() ? a.topic() < b.topic() : a.partition() < b.partition();
  };
  const auto at = std::lower_bound(places->begin(), places->end(), to, before);
  const auto index = static_cast<int>(at - places->begin());
  if (at == places->end() || !SamePlace(*at, to)) {
    *places->Add() = to;
    std::rotate(places->begin() + index, places->end() - 1, places->end());
  } else {
    *at = to;
  }
  // What lies below is never reacted to again.
  auto* open = state->mutable_open_refusals();
  open->erase(std::remove_if(open->begin(), open->end(),
                             [&to](const auto& refusal) {
                               return refusal.partition() == to.partition() &&
                                      refusal.offset() < to.offset();
                             }),
              open->end());
}

void EvolveRefused(const ReactionRefused& refused, ReactionProgress* state) {
  state->set_refused(state->refused() + 1);
  auto* open = state->add_open_refusals();
  open->set_partition(refused.source().partition());
  open->set_offset(refused.source().offset());
  open->set_fingerprint(Fingerprint(refused));
}

void EvolveState(const ReactionEvent& event, ReactionProgress* state) {
  if (event.has_reacted_to()) EvolveReactedTo(event.reacted_to(), state);
  if (event.has_refused()) EvolveRefused(event.refused(), state);
}

class ProgressAggregate final : public Aggregate {
 public:
  explicit ProgressAggregate(std::string name) : Aggregate(std::move(name)) {
    state_.set_name(info_.name);
  }
  const ReactionProgress& state() const { return state_; }
  std::unique_ptr<Aggregate> Clone() const override {
    return std::make_unique<ProgressAggregate>(*this);
  }

 private:
  void Evolve(const Event& event) override {
    EvolveState(static_cast<const ReactionEvent&>(*event.aggregate_event), &state_);
  }
  void RenderTo(std::string* out) const override { state_.AppendToString(out); }
  bool Parse(std::string_view resource) override {
    return state_.ParseFromArray(resource.data(), static_cast<int>(resource.size()));
  }

  ReactionProgress state_;
};

class ProgressType final : public AggregateType {
 public:
  int record_field() const override { return kReactionField; }
  std::string_view collection() const override { return kCollection; }
  const Message& resource() const override { return ReactionProgress::default_instance(); }
  std::unique_ptr<Aggregate> New(std::string name) const override {
    return std::make_unique<ProgressAggregate>(std::move(name));
  }
};

std::unique_ptr<Message> RecordOf(const Message& prototype, const ReactionEvent& event) {
  std::unique_ptr<Message> record(prototype.New());
  const auto* field = prototype.GetDescriptor()->FindFieldByNumber(kReactionField);
  CRM_CHECK(field != nullptr && field->message_type() == ReactionEvent::descriptor());
  record->GetReflection()->MutableMessage(record.get(), field)->CopyFrom(event);
  return record;
}

}  // namespace

const AggregateType& ReactionProgressType() {
  static const auto* type = new ProgressType();
  return *type;
}

std::string ReactionAggregate(std::string_view reaction) {
  return std::string(kCollection) + "/" + std::string(reaction);
}

absl::StatusOr<ReactionProgress> ReadReactionProgress(const RowReader& core, Partition partition,
                                                      std::string_view reaction) {
  ProgressAggregate aggregate(ReactionAggregate(reaction));
  CRM_ASSIGN_OR_RETURN(const auto row,
                       core.Get(AggregateKey(partition, "", aggregate.info().name)));
  if (row.has_value()) CRM_RETURN_IF_ERROR(aggregate.FromRow(*row));
  return aggregate.state();
}

ReactedTo RecordedPosition(const ReactionProgress& progress, std::string_view topic,
                           Partition source) {
  for (const ReactedTo& to : progress.reacted_to()) {
    if (to.topic() == topic && to.partition() == source) return to;
  }
  ReactedTo beginning;
  beginning.set_topic(std::string(topic));
  beginning.set_partition(source);
  beginning.set_fence(kNoOffset);
  beginning.set_next_seq(1);
  return beginning;
}

uint64_t RefusalFingerprint(std::string_view tenant, std::string_view aggregate) {
  PieceHasher hasher;
  hasher.Add(tenant);
  hasher.Add(aggregate);
  return ReadBe64(hasher.Digest().data());
}

RecordReaction::RecordReaction(const Message& record, std::string_view reaction,
                               Partition in_partition, std::vector<ReactionEvent> events)
    : record_(record), events_(std::move(events)) {
  type = &ReactionProgressType();
  aggregate = ReactionAggregate(reaction);
  subject = aggregate;
  partition = in_partition;
}

absl::StatusOr<std::vector<NewEvent>> RecordReaction::Decide(AggregateReader& aggregates) const {
  CRM_ASSIGN_OR_RETURN(const Aggregate* found, aggregates.Find(*type, aggregate));
  ReactionProgress state = static_cast<const ProgressAggregate*>(found)->state();
  std::vector<NewEvent> out;
  for (const ReactionEvent& event : events_) {
    if (!Adds(state, event)) continue;
    EvolveState(event, &state);
    out.push_back({type, aggregate, RecordOf(record_, event)});
  }
  return out;
}

}  // namespace crm
