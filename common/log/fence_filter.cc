#include "common/log/fence_filter.h"

#include <utility>

#include "common/base/check.h"

namespace crm {

FenceFilter::Verdict FenceFilter::Next(Record record) {
  // A command that nobody took was taken as far as the next record is concerned.
  if (!partial_.empty() && partial_.back().last) partial_.clear();
  if (record.kind == RecordKind::kOwn) {
    void_records_ += static_cast<int64_t>(partial_.size());
    partial_.clear();
    state_ = {record.offset, 1};
    return Verdict::kControl;
  }
  if (Voids(record)) {
    ++void_records_;
    return Verdict::kVoid;
  }
  if (record.kind != RecordKind::kEvent) return Verdict::kControl;
  ++state_.next_seq;
  partial_.push_back(std::move(record));
  return partial_.back().last ? Verdict::kCommand : Verdict::kPartial;
}

std::vector<Record> FenceFilter::TakeCommand() {
  CRM_CHECK(!partial_.empty() && partial_.back().last);
  std::vector<Record> command = std::move(partial_);
  partial_.clear();
  return command;
}

}  // namespace crm
