#include "tools/crmctl/moving/embedded_draft.h"

#include <algorithm>
#include <future>

#include "common/base/status.h"
#include "common/log/embedded/embedded_log.h"
#include "common/storage/files.h"
#include "tools/crmctl/moving/engine_source.h"

namespace crm::crmctl {
namespace {

absl::Status NotEmpty(const std::string& data_directory) {
  std::string what = "something that is no log";
  const auto log_id = ReadWholeFile(data_directory + "/log/log-id");
  if (log_id.ok()) what = "log " + log_id->substr(0, log_id->find('\n'));
  return Error(absl::StatusCode::kFailedPrecondition, "TARGET_NOT_EMPTY",
               fmt::format("{}/log holds {}. Nothing was written; choose another --data-dir, or "
                           "move that directory away",
                           data_directory, what));
}

}  // namespace

EmbeddedDraft::EmbeddedDraft(std::string data_directory)
    : data_directory_(std::move(data_directory)), draft_(data_directory_ + "/log.incomplete") {}

EmbeddedDraft::~EmbeddedDraft() = default;

std::string EmbeddedDraft::name() const {
  return "the log in " + data_directory_;
}

absl::Status EmbeddedDraft::Begin(const LogIdentity& identity,
                                  const std::vector<std::string>& topics) {
  if (FileExists(data_directory_ + "/log")) return NotEmpty(data_directory_);
  identity_ = identity;
  topics_ = topics;
  CRM_RETURN_IF_ERROR(Open());
  for (const std::string& topic : engine_->topics()) {
    if (std::find(topics.begin(), topics.end(), topic) != topics.end()) continue;
    return Error(absl::StatusCode::kFailedPrecondition, "TARGET_NOT_EMPTY",
                 fmt::format("{} holds topic {}, which is not to be moved; remove that directory "
                             "to begin again",
                             draft_, topic));
  }
  return absl::OkStatus();
}

absl::Status EmbeddedDraft::Open() {
  EmbeddedLogOptions options;
  options.directory = draft_;
  options.topics = topics_;
  options.restored = identity_;
  CRM_ASSIGN_OR_RETURN(engine_, EmbeddedLogEngine::Open(std::move(options)));
  return absl::OkStatus();
}

std::vector<std::string> EmbeddedDraft::topics() const {
  return engine_->topics();
}

absl::StatusOr<Offset> EmbeddedDraft::End(const LogPlace& place) {
  return engine_->Topic(place.topic).EndOffset(place.partition);
}

absl::Status EmbeddedDraft::Read(const LogPlace& place, Offset from, Offset to, const Each& each) {
  return ReadThrough(engine_->Topic(place.topic), place.partition, from, to, each);
}

// One at a time: the batches of a source are large.
absl::Status EmbeddedDraft::Append(const LogPlace& place, const std::vector<Record>& records) {
  auto appended = std::make_shared<std::promise<absl::Status>>();
  auto outcome = appended->get_future();
  CRM_RETURN_IF_ERROR(engine_->Topic(place.topic)
                          .Append(place.partition,
                                  std::make_shared<const std::vector<Record>>(records),
                                  [appended](const absl::StatusOr<std::vector<Offset>>& offsets) {
                                    appended->set_value(offsets.status());
                                  }));
  return outcome.get();
}

// Opened anew, it has nothing in memory but what it read from its files.
absl::Status EmbeddedDraft::Settle() {
  engine_.reset();
  return Open();
}

absl::Status EmbeddedDraft::Finish() {
  CRM_RETURN_IF_ERROR(engine_->Verify());
  engine_.reset();
  return RenameInDirectory(draft_, data_directory_ + "/log");
}

}  // namespace crm::crmctl
