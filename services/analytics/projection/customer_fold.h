#pragma once

#include <optional>
#include <string_view>

#include "common/projection/projection.h"

namespace crm::analytics {

// The part of a fold that all views of customers share: it takes events of contacts apart and keeps
// out contacts whose history cannot be read, for good.
//
//   key                          value
//   partition 's' tenant 0 id    -    (this contact is kept out)
//   partition 's'                -    (the partition has such rows)
//
// Not thread-safe.
class CustomerFold : public Fold {
 public:
  CustomerFold(Partition partition, Rows& rows) : partition_(partition), rows_(rows) {}

  absl::Status Apply(std::span<const Event> command) final;
  absl::Status Unreadable(std::string_view tenant, std::string_view subject, Offset offset,
                          const absl::Status& why) final;
  absl::Status Flush() override { return absl::OkStatus(); }

 protected:
  // One event of a contact's aggregate.
  virtual absl::Status ApplyOne(const Event& event, std::string_view tenant,
                                std::string_view id) = 0;
  // Deletes all rows of a contact.
  virtual absl::Status Forget(std::string_view tenant, std::string_view id) = 0;
  // One event of what belongs to no contact.
  virtual absl::Status ApplyOther(const Event&) { return absl::OkStatus(); }

  Partition partition() const { return partition_; }
  Rows& rows() { return rows_; }

 private:
  absl::StatusOr<bool> IsKeptOut(std::string_view tenant, std::string_view id);

  const Partition partition_;
  Rows& rows_;
  // Whether anybody is kept out; unknown until first asked.
  std::optional<bool> any_kept_out_;
};

// Whether a view's rows of a contact are missing because its history cannot be read. DATA_LOSS.
absl::StatusOr<bool> IsKeptOut(const RowReader& rows, std::string_view tenant, std::string_view id);

}  // namespace crm::analytics
