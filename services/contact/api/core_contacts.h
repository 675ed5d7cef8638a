#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/service/service_definition.h"
#include "crm/contact/v1/contact_service.pb.h"

namespace crm::contact {

// The core's contacts of one tenant, for queries that find them by views. Not thread-safe; borrows
// the rows and the tenant.
class CoreContacts {
 public:
  explicit CoreContacts(const QueryContext& context)
      : core_(*context.reading.core.rows), tenant_(context.caller.tenant) {}

  // Nothing where the contact is not known or its history cannot be read. DATA_LOSS: the row
  // cannot be.
  absl::StatusOr<std::optional<v1::Contact>> Find(std::string_view name);
  // As Find, of a row at hand.
  absl::StatusOr<std::optional<v1::Contact>> Open(Partition partition, std::string_view name,
                                                  std::string_view row);

 private:
  absl::StatusOr<bool> IsQuarantined(Partition partition, std::string_view name);
  absl::StatusOr<bool> HasMarks(Partition partition);

  const RowReader& core_;
  const std::string_view tenant_;
  std::array<std::optional<bool>, kPartitions> has_marks_;
};

// Born, and neither purged nor a mere alias.
bool IsThere(const v1::Contact& contact);
// As IsThere, and neither deleted nor erased.
bool IsLiving(const v1::Contact& contact);

// Whether contacts are answered without what BASIC leaves out; `unspecified_is_basic` tells what
// the method takes for no view.
bool IsBasic(v1::ContactView view, bool unspecified_is_basic);
void ClearAllButBasic(v1::Contact* contact);

// Contacts of one page, up to a number and about as many bytes as fit into a message.
// Not thread-safe.
class ContactPage {
 public:
  using Contacts = google::protobuf::RepeatedPtrField<v1::Contact>;
  ContactPage(Contacts* contacts, int page_size, bool basic)
      : contacts_(contacts), page_size_(page_size), basic_(basic) {}

  bool full() const;
  void Add(v1::Contact&& contact);

 private:
  Contacts* const contacts_;
  const int page_size_;
  const bool basic_;
  size_t bytes_ = 0;
};

// Rows that one call looks at before its page ends, so that a call costs a bounded amount.
inline constexpr int kMaxExamined = 10'000;

}  // namespace crm::contact
