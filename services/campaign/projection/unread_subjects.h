#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/projection/projection.h"

namespace crm::campaign {

// Subjects of one partition of a view that are not folded any more, since a command of theirs could
// not be read.
//
//   key                                 value
//   partition 'u' tenant 0 subject      -
//   partition 'u'                       -      there are some in this partition
//
// Not thread-safe.
class UnreadSubjects {
 public:
  UnreadSubjects(Partition partition, Rows& rows) : partition_(partition), rows_(rows) {}

  absl::StatusOr<bool> Has(std::string_view tenant, std::string_view subject);
  void Add(std::string_view tenant, std::string_view subject);

 private:
  const Partition partition_;
  Rows& rows_;
  // Whether there are any; unknown until asked.
  std::optional<bool> any_;
};

}  // namespace crm::campaign
