#pragma once

#include <span>
#include <string_view>

#include "common/projection/projection.h"
#include "services/campaign/projection/unread_subjects.h"

namespace crm::campaign {

// A fold of what is known of contacts, event by event. Subjects that are no contacts are passed
// over. Of a contact one of whose commands cannot be read, nothing is known from there on; events
// of types that only a newer writer knows are passed over. Not thread-safe.
class AudienceFold : public Fold {
 public:
  AudienceFold(Partition partition, Rows& rows) : unread_(partition, rows) {}

  absl::Status Apply(std::span<const Event> command) final;
  absl::Status Unreadable(std::string_view tenant, std::string_view subject, Offset offset,
                          const absl::Status& why) final;
  absl::Status Flush() override { return absl::OkStatus(); }

 protected:
  // A contact of a tenant; `id` is the name without "contacts/".
  struct Whose {
    std::string_view tenant;
    std::string_view id;
  };
  virtual absl::Status ApplyOne(const Whose& whose, const Event& event) = 0;
  // Deletes all rows of the contact.
  virtual absl::Status Forget(const Whose& whose) = 0;

 private:
  UnreadSubjects unread_;
};

}  // namespace crm::campaign
