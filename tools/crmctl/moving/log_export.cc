#include "tools/crmctl/moving/log_export.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <tuple>

#include "common/base/sha256.h"
#include "common/base/status.h"
#include "common/storage/directory_lock.h"
#include "common/storage/files.h"
#include "tools/crmctl/moving/export_manifest.h"

namespace crm::crmctl {
namespace {

using common::v1::ExportedSegment;
using common::v1::ExportManifest;

// What is handed on at a time; a segment is many times that.
constexpr size_t kReadRecords = 4096;
constexpr size_t kReadBytes = 4 << 20;

Offset EndIn(const ExportManifest& manifest, const LogPlace& place) {
  Offset end = 0;
  for (const ExportedSegment& segment : manifest.segments()) {
    if (segment.topic() != place.topic || segment.partition() != place.partition) continue;
    end = std::max<Offset>(end, segment.last_offset() + 1);
  }
  return end;
}

// The records within [from, to), some at a time.
absl::Status HandOn(std::vector<Record> records, Offset from, Offset to,
                    const LogContents::Each& each) {
  std::vector<Record> batch;
  size_t bytes = 0;
  for (Record& record : records) {
    if (record.offset < from || record.offset >= to) continue;
    bytes += record.value.size();
    batch.push_back(std::move(record));
    if (batch.size() < kReadRecords && bytes < kReadBytes) continue;
    CRM_RETURN_IF_ERROR(each(batch));
    batch.clear();
    bytes = 0;
  }
  return batch.empty() ? absl::OkStatus() : each(batch);
}

absl::Status ReadIn(const std::string& directory, const ExportManifest& manifest,
                    const LogPlace& place, std::pair<Offset, Offset> range,
                    const LogContents::Each& each) {
  for (const ExportedSegment& segment : manifest.segments()) {
    if (segment.topic() != place.topic || segment.partition() != place.partition) continue;
    if (segment.last_offset() < range.first || segment.first_offset() >= range.second) continue;
    CRM_ASSIGN_OR_RETURN(std::vector<Record> records, ReadSegment(directory, segment));
    CRM_RETURN_IF_ERROR(HandOn(std::move(records), range.first, range.second, each));
  }
  return absl::OkStatus();
}

// The first file that no export left there; empty: none.
std::string StrangeFile(const std::string& directory) {
  const std::set<std::string> own = {"lock", kManifestFile, std::string(kManifestFile) + ".new"};
  std::error_code error;
  for (std::filesystem::directory_iterator it(directory, error), end; !error && it != end;
       it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (own.count(name) == 0) return name;
  }
  return "";
}

}  // namespace

absl::StatusOr<std::vector<std::string>> VerifyExport(const std::string& directory) {
  CRM_ASSIGN_OR_RETURN(const ExportManifest manifest, LoadManifest(directory));
  std::vector<std::string> problems;
  if (!manifest.complete()) problems.emplace_back("it was broken off: repeat the export");
  for (const ExportedSegment& segment : manifest.segments()) {
    const absl::Status status = ReadSegment(directory, segment).status();
    if (!status.ok()) problems.emplace_back(status.message());
  }
  return problems;
}

absl::StatusOr<ExportSource> ExportSource::Open(const std::string& directory) {
  CRM_ASSIGN_OR_RETURN(ExportManifest manifest, LoadManifest(directory));
  if (!manifest.complete()) {
    return Error(absl::StatusCode::kFailedPrecondition, "EXPORT_INCOMPLETE",
                 fmt::format("the export in {} was broken off, or is under way: repeat 'crmctl log "
                             "export' first",
                             directory));
  }
  return ExportSource(directory, std::move(manifest));
}

ExportSource::ExportSource(std::string directory, ExportManifest manifest)
    : directory_(std::move(directory)),
      manifest_(std::move(manifest)),
      identity_{manifest_.log_id(), manifest_.secret_check(), manifest_.epoch()} {}

std::string ExportSource::name() const {
  return "the export in " + directory_;
}

std::vector<std::string> ExportSource::topics() const {
  return {manifest_.topics().begin(), manifest_.topics().end()};
}

absl::StatusOr<Offset> ExportSource::End(const LogPlace& place) {
  return EndIn(manifest_, place);
}

absl::Status ExportSource::Read(const LogPlace& place, Offset from, Offset to, const Each& each) {
  return ReadIn(directory_, manifest_, place, {from, to}, each);
}

ExportDraft::ExportDraft(std::string directory, size_t segment_bytes)
    : directory_(std::move(directory)), segment_bytes_(segment_bytes) {}

ExportDraft::~ExportDraft() = default;

std::string ExportDraft::name() const {
  return "the export in " + directory_;
}

std::vector<std::string> ExportDraft::topics() const {
  return {manifest_.topics().begin(), manifest_.topics().end()};
}

absl::Status ExportDraft::LoadOrMake() {
  const auto manifest = LoadManifest(directory_);
  if (manifest.ok()) {
    manifest_ = *manifest;
    return absl::OkStatus();
  }
  if (!absl::IsNotFound(manifest.status())) return manifest.status();
  const std::string strange = StrangeFile(directory_);
  if (strange.empty()) return absl::OkStatus();
  return Error(absl::StatusCode::kFailedPrecondition, "TARGET_NOT_EMPTY",
               fmt::format("{} holds {}, which is no export. Nothing was written; choose an empty "
                           "directory",
                           directory_, strange));
}

absl::Status ExportDraft::Begin(const LogIdentity& identity,
                                const std::vector<std::string>& topics) {
  if (FileExists(directory_) && !FileExists(directory_ + "/" + kManifestFile)) {
    CRM_RETURN_IF_ERROR(LoadOrMake());
  }
  CRM_RETURN_IF_ERROR(MakeDirectories(directory_));
  CRM_ASSIGN_OR_RETURN(lock_, DirectoryLock::Take(directory_));
  CRM_RETURN_IF_ERROR(LoadOrMake());
  if (!manifest_.log_id().empty() && (manifest_.log_id() != identity.log_id ||
                                      manifest_.secret_check() != identity.secret_check)) {
    return Error(absl::StatusCode::kFailedPrecondition, "OTHER_LOG",
                 fmt::format("{} holds an export of log {}; this is log {}. Nothing was written; "
                             "choose another directory",
                             directory_, manifest_.log_id(), identity.log_id));
  }
  manifest_.set_log_id(identity.log_id);
  manifest_.set_secret_check(identity.secret_check);
  manifest_.set_epoch(identity.epoch);
  std::set<std::string> all(manifest_.topics().begin(), manifest_.topics().end());
  all.insert(topics.begin(), topics.end());
  manifest_.clear_topics();
  for (const std::string& topic : all) manifest_.add_topics(topic);
  return absl::OkStatus();
}

absl::StatusOr<Offset> ExportDraft::End(const LogPlace& place) {
  return EndIn(manifest_, place);
}

absl::Status ExportDraft::Read(const LogPlace& place, Offset from, Offset to, const Each& each) {
  return ReadIn(directory_, manifest_, place, {from, to}, each);
}

absl::Status ExportDraft::Append(const LogPlace& place, const std::vector<Record>& records) {
  const bool elsewhere = open_.topic() != place.topic || open_.partition() != place.partition;
  if (elsewhere) CRM_RETURN_IF_ERROR(CloseSegment());
  for (const Record& record : records) {
    if (bytes_.empty()) {
      open_.set_topic(place.topic);
      open_.set_partition(place.partition);
      open_.set_first_offset(record.offset);
    }
    AppendExported(&bytes_, record);
    open_.set_last_offset(record.offset);
    if (bytes_.size() >= segment_bytes_) CRM_RETURN_IF_ERROR(CloseSegment());
  }
  return absl::OkStatus();
}

// The segment first, then the manifest that tells of it: a crash between the two leaves a file that
// the next run writes anew.
absl::Status ExportDraft::CloseSegment() {
  if (bytes_.empty()) return absl::OkStatus();
  open_.set_file(SegmentFile(open_.topic(), open_.partition(), open_.first_offset()));
  open_.set_records(open_.last_offset() - open_.first_offset() + 1);
  open_.set_bytes(static_cast<int64_t>(bytes_.size()));
  open_.set_sha256(Sha256Hex(bytes_));
  if (manifest_.complete() || manifest_.segments().empty()) {
    manifest_.set_complete(false);
    CRM_RETURN_IF_ERROR(SaveManifest(directory_, manifest_));
  }
  CRM_RETURN_IF_ERROR(MakeDirectories(directory_ + "/" + open_.topic()));
  CRM_RETURN_IF_ERROR(SyncDirectory(directory_));
  CRM_RETURN_IF_ERROR(WriteFileAtomically(directory_ + "/" + open_.file(), bytes_));
  *manifest_.add_segments() = open_;
  const auto place = [](const ExportedSegment& segment) {
    return std::tuple(segment.topic(), segment.partition(), segment.first_offset());
  };
  std::sort(manifest_.mutable_segments()->begin(), manifest_.mutable_segments()->end(),
            [&](const auto& a, const auto& b) { return place(a) < place(b); });
  CRM_RETURN_IF_ERROR(SaveManifest(directory_, manifest_));
  open_.Clear();
  bytes_.clear();
  return absl::OkStatus();
}

absl::Status ExportDraft::Settle() {
  return CloseSegment();
}

absl::Status ExportDraft::Finish() {
  manifest_.set_complete(true);
  return SaveManifest(directory_, manifest_);
}

}  // namespace crm::crmctl
