#include "common/aggregate/core_fold.h"

#include <google/protobuf/text_format.h>

#include <algorithm>

#include "common/aggregate/core_rows.h"
#include "common/aggregate/reaction_progress.h"
#include "common/base/bytes.h"
#include "common/base/check.h"
#include "common/base/status.h"
#include "common/projection/provenance.h"

namespace crm {
namespace {

using common::v1::DedupRow;
using common::v1::SubjectMark;

std::string HistoryValue(const Event& event) {
  std::string value;
  value.reserve(8 + event.value.size());
  AppendBe64(&value, static_cast<uint64_t>(event.offset));
  value.append(event.value);
  return value;
}

// Commands that record one birth and nothing else are most commands of an import: what tells their
// repeats lies in the row of the state, not in a row of its own.
bool IsBirth(std::span<const Event> command) {
  const common::v1::EventMetadata& metadata = *command.front().metadata;
  return command.size() == 1 && metadata.aggregate_version() == 1 &&
         SubjectOf(metadata.aggregate()) == metadata.aggregate();
}

bool Erases(const Event& event) {
  return event.event->GetDescriptor() == common::v1::SubjectErased::descriptor();
}

}  // namespace

absl::StatusOr<CoreState::Entry*> CoreState::FindEntry(Rows& rows, const AggregateType& type,
                                                       std::string_view tenant,
                                                       const std::string& name) {
  std::string key = AggregateKey(partition_, tenant, name);
  if (const auto found = cached_.find(key); found != cached_.end()) return &*found;
  std::unique_ptr<Aggregate> aggregate = type.New(name);
  CRM_ASSIGN_OR_RETURN(const std::optional<std::string> row, rows.Get(key));
  if (row.has_value()) CRM_RETURN_IF_ERROR(aggregate->FromRow(*row));
  return &*cached_.emplace(std::move(key), Cached{std::move(aggregate)}).first;
}

absl::StatusOr<Aggregate*> CoreState::Find(Rows& rows, const AggregateType& type,
                                           std::string_view tenant, const std::string& name) {
  CRM_ASSIGN_OR_RETURN(const Entry* entry, FindEntry(rows, type, tenant, name));
  return entry->second.aggregate.get();
}

absl::StatusOr<std::optional<SubjectMark>> CoreState::Mark(Rows& rows, std::string_view tenant,
                                                           std::string_view subject) {
  if (!has_marks_.has_value()) {
    CRM_ASSIGN_OR_RETURN(const auto any, rows.Get(FamilyPrefix(partition_, 's')));
    has_marks_ = any.has_value();
  }
  if (!*has_marks_) return std::nullopt;
  const std::string key = MarkKey(partition_, tenant, subject);
  if (const auto found = marks_.find(key); found != marks_.end()) return found->second.mark;
  CRM_ASSIGN_OR_RETURN(const auto row, rows.Get(key));
  if (!row.has_value()) return std::nullopt;
  SubjectMark mark;
  if (!mark.ParseFromString(*row)) {
    return Error(absl::StatusCode::kDataLoss, "ROW_UNREADABLE",
                 "a row of the core store cannot be read; rebuild the projection");
  }
  return mark;
}

void CoreState::PutMark(Rows& rows, std::string_view tenant, std::string_view subject,
                        const SubjectMark& mark) {
  std::string key = MarkKey(partition_, tenant, subject);
  rows.Put(FamilyPrefix(partition_, 's'), "");
  rows.Put(key, mark.SerializeAsString());
  marks_[std::move(key)] = {mark, std::nullopt};
  has_marks_ = true;
}

absl::StatusOr<CoreState::Entries> CoreState::CheckVersions(Rows& rows,
                                                            std::span<const Event> command) {
  Entries entries;
  for (const Event& event : command) {
    const auto type = types_.find(event.aggregate_field);
    if (type == types_.end()) {
      return Error(absl::StatusCode::kFailedPrecondition, "AGGREGATE_UNKNOWN",
                   "the event belongs to a kind of aggregate this service does not host");
    }
    CRM_ASSIGN_OR_RETURN(Entry * entry, FindEntry(rows, *type->second, event.metadata->tenant(),
                                                  event.metadata->aggregate()));
    entry->second.checked_version = entry->second.aggregate->info().version;
    entries.push_back(entry);
  }
  for (size_t i = 0; i < command.size(); ++i) {
    if (command[i].metadata->aggregate_version() != ++entries[i]->second.checked_version) {
      return Error(absl::StatusCode::kFailedPrecondition, "VERSION_GAP",
                   "the event's version does not follow the aggregate's");
    }
  }
  return entries;
}

absl::Status CoreState::Apply(Rows& rows, std::span<const Event> command) {
  CRM_ASSIGN_OR_RETURN(const Entries entries, CheckVersions(rows, command));
  for (size_t i = 0; i < command.size(); ++i) {
    const Event& event = command[i];
    const common::v1::EventMetadata& metadata = *event.metadata;
    Cached& cached = entries[i]->second;
    cached.aggregate->Apply(event);
    rows.Put(HistoryKey(partition_, metadata.tenant(), metadata.aggregate(),
                        metadata.aggregate_version()),
             HistoryValue(event));
    if (!cached.dirty) dirty_.push_back(entries[i]);
    cached.dirty = true;
  }
  const Event& end = command.back();
  const common::v1::EventMetadata& metadata = *end.metadata;
  const std::string_view subject = SubjectOf(metadata);
  if (Erases(end)) {
    SubjectMark mark;
    mark.set_erased(true);
    PutMark(rows, metadata.tenant(), subject, mark);
    return ForgetRequests(rows, metadata.tenant(), subject);
  }
  if (metadata.request_id().empty()) return absl::OkStatus();
  if (IsBirth(command)) {
    entries.back()->second.aggregate->set_birth({metadata.request_id(), end.payload_hmac});
    return absl::OkStatus();
  }
  DedupRow dedup;
  dedup.set_payload_hmac(end.payload_hmac);
  dedup.set_aggregate(metadata.aggregate());
  dedup.set_version(metadata.aggregate_version());
  rows.Put(DedupKey(partition_, metadata.tenant(), subject, metadata.request_id()),
           dedup.SerializeAsString());
  return absl::OkStatus();
}

// What is kept of requests came from sealed parts: gone with the keys.
absl::Status CoreState::ForgetRequests(Rows& rows, std::string_view tenant,
                                       std::string_view subject) {
  rows.DeletePrefix(DedupPrefix(partition_, tenant, subject));
  std::string key = AggregateKey(partition_, tenant, subject);
  if (const auto found = cached_.find(key); found != cached_.end()) {
    found->second.aggregate->set_birth({});
    if (!found->second.dirty) dirty_.push_back(&*found);
    found->second.dirty = true;
    return absl::OkStatus();
  }
  CRM_ASSIGN_OR_RETURN(const auto row, rows.Get(key));
  if (row.has_value()) rows.Put(std::move(key), WithoutBirth(*row));
  return absl::OkStatus();
}

absl::StatusOr<Birth> CoreState::BirthOf(Rows& rows, std::string_view tenant,
                                         std::string_view subject) {
  const std::string key = AggregateKey(partition_, tenant, subject);
  if (const auto found = cached_.find(key); found != cached_.end()) {
    return found->second.aggregate->birth();
  }
  CRM_ASSIGN_OR_RETURN(const auto row, rows.Get(key));
  return row.has_value() ? BirthOfRow(*row) : Birth{};
}

absl::StatusOr<std::optional<DedupRow>> CoreState::FindDedup(Rows& rows, std::string_view tenant,
                                                             std::string_view subject,
                                                             std::string_view request_id) {
  DedupRow dedup;
  CRM_ASSIGN_OR_RETURN(const Birth birth, BirthOf(rows, tenant, subject));
  if (birth.request_id == request_id) {
    dedup.set_payload_hmac(birth.payload_hmac);
    dedup.set_aggregate(std::string(subject));
    dedup.set_version(1);
    return dedup;
  }
  CRM_ASSIGN_OR_RETURN(const auto row, rows.Get(DedupKey(partition_, tenant, subject, request_id)));
  if (!row.has_value()) return std::nullopt;
  if (dedup.ParseFromString(*row)) return dedup;
  return Error(absl::StatusCode::kDataLoss, "ROW_UNREADABLE",
               "a row of the core store cannot be read; rebuild the projection");
}

void CoreState::PutDirty(Rows& rows, uint64_t number) {
  for (Entry* entry : dirty_) {
    auto& [key, cached] = *entry;
    rows.Put(key, cached.aggregate->ToRow());
    cached.dirty = false;
    cached.last_command = number;
  }
  dirty_.clear();
  for (auto& [key, cached] : marks_) {
    if (!cached.last_command.has_value()) cached.last_command = number;
  }
}

absl::Status CoreState::Quarantine(Rows& rows, std::string_view tenant, std::string_view subject,
                                   Offset offset, const absl::Status& why) {
  CRM_ASSIGN_OR_RETURN(std::optional<SubjectMark> mark, Mark(rows, tenant, subject));
  if (mark.has_value() && mark->quarantined()) return absl::OkStatus();
  if (!mark.has_value()) mark.emplace();
  mark->set_quarantined(true);
  mark->set_offset(offset);
  mark->set_reason(ReasonOf(why));
  PutMark(rows, tenant, subject, *mark);
  common::v1::DeadLetter letter;
  letter.set_offset(offset);
  letter.set_tenant(std::string(tenant));
  letter.set_subject(std::string(subject));
  letter.set_reason(ReasonOf(why));
  rows.Put(DeadLetterKey(partition_, offset), letter.SerializeAsString());
  return absl::OkStatus();
}

void CoreState::ListForeign(Rows& rows, Offset offset, std::string_view reason) {
  common::v1::DeadLetter letter;
  letter.set_offset(offset);
  letter.set_reason(std::string(reason));
  letter.set_foreign(true);
  rows.Put(DeadLetterKey(partition_, offset), letter.SerializeAsString());
}

void CoreState::Forget(uint64_t number) {
  absl::erase_if(cached_, [number](const auto& entry) {
    return !entry.second.dirty && entry.second.last_command <= number;
  });
  absl::erase_if(marks_, [number](const auto& entry) {
    return entry.second.last_command.has_value() && *entry.second.last_command <= number;
  });
}

void CoreState::Clear() {
  cached_.clear();
  dirty_.clear();
  marks_.clear();
  has_marks_.reset();
}

void PatchOffset(std::string* history_value, Offset offset) {
  std::string be;
  AppendBe64(&be, static_cast<uint64_t>(offset));
  history_value->replace(0, be.size(), be);
}

namespace {

class CoreFold final : public Fold {
 public:
  CoreFold(const AggregateTypes& types, Partition partition, Rows& rows)
      : state_(types, partition), rows_(rows) {}

  absl::Status Apply(std::span<const Event> command) override {
    const common::v1::EventMetadata& metadata = *command.back().metadata;
    const std::string_view subject = SubjectOf(metadata);
    CRM_ASSIGN_OR_RETURN(const auto mark, state_.Mark(rows_, metadata.tenant(), subject));
    if (mark.has_value() && mark->quarantined()) return absl::OkStatus();
    absl::Status status = state_.Apply(rows_, command);
    if (status.code() != absl::StatusCode::kFailedPrecondition) return status;
    return Unreadable(metadata.tenant(), subject, command.back().offset, status);
  }

  absl::Status Unreadable(std::string_view tenant, std::string_view subject, Offset offset,
                          const absl::Status& why) override {
    return state_.Quarantine(rows_, tenant, subject, offset, why);
  }

  absl::Status Foreign(Offset offset, std::string_view reason) override {
    state_.ListForeign(rows_, offset, reason);
    return absl::OkStatus();
  }

  absl::Status Flush() override {
    state_.PutDirty(rows_);
    state_.Clear();
    return absl::OkStatus();
  }

 private:
  CoreState state_;
  Rows& rows_;
};

// "deals" of "contacts/c1/deals/d2", "lifecycle" of "contacts/c1/lifecycle".
std::string_view CollectionOf(std::string_view name) {
  const bool singleton = std::count(name.begin(), name.end(), '/') % 2 == 0;
  const size_t last = name.rfind('/');
  if (singleton) return last == std::string_view::npos ? name : name.substr(last + 1);
  const std::string_view parent = name.substr(0, last);
  const size_t before = parent.rfind('/');
  return before == std::string_view::npos ? parent : parent.substr(before + 1);
}

}  // namespace

CoreProjection::CoreProjection(AggregateTypes types, int version)
    : types_(std::move(types)), version_(version) {
  types_[kReactionField] = &ReactionProgressType();
}

std::unique_ptr<Fold> CoreProjection::Begin(Partition partition, Rows& rows) const {
  return std::make_unique<CoreFold>(types_, partition, rows);
}

std::string CoreProjection::BusinessLine(std::string_view key, std::string_view value) const {
  if (key.size() < 2 || key[1] != 'a') return "";
  const size_t zero = key.find('\0', 2);
  // How far reactions came is no part of what the rows mean.
  if (zero == 2) return "";
  const std::string_view kind = CollectionOf(key.substr(zero + 1));
  for (const auto& [field, type] : types_) {
    if (type->collection() != kind) continue;
    std::unique_ptr<google::protobuf::Message> resource(type->resource().New());
    const std::string_view bytes = ResourceOfRow(value);
    if (!resource->ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
      return "unreadable";
    const bool deleted = [&] {
      const auto* time = resource->GetDescriptor()->FindFieldByName("delete_time");
      return time != nullptr && resource->GetReflection()->HasField(*resource, time);
    }();
    ClearProvenance(resource.get());
    google::protobuf::TextFormat::Printer printer;
    printer.SetSingleLineMode(true);
    std::string text;
    printer.PrintToString(*resource, &text);
    return std::string(key.substr(2, zero - 2)) + " " + text + (deleted ? "deleted" : "");
  }
  return "";
}

}  // namespace crm
