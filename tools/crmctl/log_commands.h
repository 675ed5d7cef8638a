#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tools/crmctl/console.h"
#include "tools/crmctl/file_inspection.h"
#include "tools/crmctl/inspection.h"

namespace crm::crmctl {

struct LogArguments {
  // Empty: the only one there is.
  std::string topic;
  std::vector<int> partitions;
  int64_t from = 0;
  // Else from the beginning, or for a tail from the end.
  bool from_given = false;
  bool valid_only = false;
  std::string key;
  int64_t limit = 0;
};
// Records as they lie in the log, to its end as of now.
absl::Status LogCat(Inspection& inspection, Console& console, const LogArguments& arguments);
// Records as they come, until interrupted.
absl::Status LogTail(Inspection& inspection, Console& console, const LogArguments& arguments);
// A row a partition; the answer is no where one has a problem.
absl::Status LogVerify(Inspection& inspection, Console& console, const std::string& topic);

// INVALID_ARGUMENT that tells what adopt-restored would do, unless `confirmed`.
absl::Status CheckConfirmed(bool confirmed);
absl::Status LogAdoptRestored(FileInspection& files, Console& console);

}  // namespace crm::crmctl
