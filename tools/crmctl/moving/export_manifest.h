#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/log/record.h"
#include "crm/common/v1/log_export.pb.h"

// The files of an exported log; their format stands in crm/common/v1/log_export.proto.
namespace crm::crmctl {

inline constexpr char kManifestFile[] = "manifest.json";

// NOT_FOUND (NO_EXPORT): none there. DATA_LOSS (EXPORT_DAMAGED): it is not as it was written, or
// its segments do not follow one another. FAILED_PRECONDITION (EXPORT_NEWER): of a newer version.
absl::StatusOr<common::v1::ExportManifest> LoadManifest(const std::string& directory);

// Sets its checksum and replaces the one that is there; durable when it returns.
absl::Status SaveManifest(const std::string& directory, common::v1::ExportManifest& manifest);

// The segment's place below the export's directory.
std::string SegmentFile(const std::string& topic, Partition partition, Offset first);

// Appends the record as a segment holds it.
void AppendExported(std::string* segment, const Record& record);

// All records of a segment. DATA_LOSS (EXPORT_DAMAGED) names the file: missing, of another size or
// checksum than the manifest says, or with other records in it.
absl::StatusOr<std::vector<Record>> ReadSegment(const std::string& directory,
                                                const common::v1::ExportedSegment& segment);

}  // namespace crm::crmctl
