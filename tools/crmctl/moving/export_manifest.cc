#include "tools/crmctl/moving/export_manifest.h"

#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/util/json_util.h>

#include <map>

#include "common/base/bytes.h"
#include "common/base/sha256.h"
#include "common/base/status.h"
#include "common/storage/files.h"

namespace crm::crmctl {
namespace {

using common::v1::ExportedRecord;
using common::v1::ExportedSegment;
using common::v1::ExportManifest;

constexpr int kFormat = 1;

absl::Status Damaged(const std::string& directory, const std::string& what) {
  return Error(absl::StatusCode::kDataLoss, "EXPORT_DAMAGED",
               fmt::format("the export in {} is damaged: {}. Nothing was changed; take another "
                           "copy of it",
                           directory, what));
}

std::string ChecksumOf(ExportManifest manifest) {
  manifest.clear_sha256();
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream out(&bytes);
    google::protobuf::io::CodedOutputStream coded(&out);
    coded.SetSerializationDeterministic(true);
    manifest.SerializeToCodedStream(&coded);
  }
  return Sha256Hex(bytes);
}

absl::Status CheckContiguous(const std::string& directory, const ExportManifest& manifest) {
  std::map<std::pair<std::string, int>, int64_t> ends;
  for (const ExportedSegment& segment : manifest.segments()) {
    int64_t& end = ends[{segment.topic(), segment.partition()}];
    const bool follows = segment.partition() >= 0 && segment.partition() < kPartitions &&
                         segment.first_offset() == end && segment.records() > 0 &&
                         segment.last_offset() - segment.first_offset() + 1 == segment.records();
    if (!follows) return Damaged(directory, segment.file() + " does not follow the one before");
    end = segment.last_offset() + 1;
  }
  return absl::OkStatus();
}

bool ParseRecord(const ExportedRecord& from, Record* record) {
  if (from.kind() < 0 || from.kind() > static_cast<int>(RecordKind::kEpoch)) return false;
  record->offset = from.offset();
  record->kind = static_cast<RecordKind>(from.kind());
  record->key = from.key();
  record->fence = from.fence();
  record->seq = from.seq();
  record->last = from.last();
  record->value = from.value();
  return true;
}

// False where the bytes are not exactly the segment's records.
bool ParseSegment(std::string_view bytes, const ExportedSegment& segment,
                  std::vector<Record>* records) {
  ExportedRecord exported;
  while (!bytes.empty()) {
    std::string_view message;
    Record& record = records->emplace_back();
    if (!ReadSized(&bytes, &message) ||
        !exported.ParseFromArray(message.data(), static_cast<int>(message.size())) ||
        !ParseRecord(exported, &record)) {
      return false;
    }
    const auto nth = static_cast<int64_t>(records->size()) - 1;
    if (record.offset != segment.first_offset() + nth) return false;
  }
  return static_cast<int64_t>(records->size()) == segment.records();
}

}  // namespace

absl::StatusOr<ExportManifest> LoadManifest(const std::string& directory) {
  const std::string file = directory + "/" + kManifestFile;
  if (!FileExists(file)) {
    return Error(absl::StatusCode::kNotFound, "NO_EXPORT",
                 fmt::format("there is no export in {}: {} is missing", directory, kManifestFile));
  }
  CRM_ASSIGN_OR_RETURN(const std::string text, ReadWholeFile(file));
  ExportManifest manifest;
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  if (!google::protobuf::util::JsonStringToMessage(text, &manifest, options).ok()) {
    return Damaged(directory, std::string(kManifestFile) + " cannot be read");
  }
  if (manifest.format() > kFormat) {
    return Error(absl::StatusCode::kFailedPrecondition, "EXPORT_NEWER",
                 fmt::format("the export in {} has format {}; this crmctl knows format {}: use a "
                             "newer one",
                             directory, manifest.format(), kFormat));
  }
  if (manifest.sha256() != ChecksumOf(manifest)) {
    return Damaged(directory, std::string(kManifestFile) + " is not as it was written");
  }
  CRM_RETURN_IF_ERROR(CheckContiguous(directory, manifest));
  return manifest;
}

absl::Status SaveManifest(const std::string& directory, ExportManifest& manifest) {
  manifest.set_format(kFormat);
  manifest.set_sha256(ChecksumOf(manifest));
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.always_print_primitive_fields = true;
  std::string text;
  if (!google::protobuf::util::MessageToJsonString(manifest, &text, options).ok()) {
    return Error(absl::StatusCode::kInternal, "MANIFEST", "the manifest cannot be written as JSON");
  }
  return WriteFileAtomically(directory + "/" + kManifestFile, text);
}

std::string SegmentFile(const std::string& topic, Partition partition, Offset first) {
  return fmt::format("{}/{:02}-{:020}.records", topic, partition, first);
}

void AppendExported(std::string* segment, const Record& record) {
  ExportedRecord exported;
  exported.set_offset(record.offset);
  exported.set_kind(static_cast<int>(record.kind));
  exported.set_key(record.key);
  exported.set_fence(record.fence);
  exported.set_seq(record.seq);
  exported.set_last(record.last);
  exported.set_value(record.value);
  AppendSized(segment, exported.SerializeAsString());
}

absl::StatusOr<std::vector<Record>> ReadSegment(const std::string& directory,
                                                const ExportedSegment& segment) {
  const std::string path = directory + "/" + segment.file();
  if (!FileExists(path)) return Damaged(directory, segment.file() + " is missing");
  CRM_ASSIGN_OR_RETURN(const std::string bytes, ReadWholeFile(path));
  if (static_cast<int64_t>(bytes.size()) != segment.bytes()) {
    return Damaged(directory, fmt::format("{} has {} bytes instead of {}", segment.file(),
                                          bytes.size(), segment.bytes()));
  }
  if (Sha256Hex(bytes) != segment.sha256()) {
    return Damaged(directory, segment.file() + " has another SHA-256 than the manifest says");
  }
  std::vector<Record> records;
  if (ParseSegment(bytes, segment, &records)) return records;
  return Damaged(directory, segment.file() + " does not hold the records that the manifest says");
}

}  // namespace crm::crmctl
