#include "services/contact/api/core_contacts.h"

#include <utility>
#include <vector>

#include "common/aggregate/aggregate.h"
#include "common/aggregate/core_rows.h"
#include "common/base/status.h"
#include "crm/common/v1/storage.pb.h"
#include "services/contact/api/contact_view.h"

namespace crm::contact {
namespace {

constexpr size_t kMaxPageBytes = 2 << 20;

absl::Status UnreadableRow() {
  return Error(absl::StatusCode::kDataLoss, "ROW_UNREADABLE",
               "a row of the core store cannot be read; rebuild the projection");
}

}  // namespace

absl::StatusOr<std::optional<v1::Contact>> CoreContacts::Find(std::string_view name) {
  const Partition partition = PartitionOfSubject(tenant_, name);
  CRM_ASSIGN_OR_RETURN(const auto row, core_.Get(AggregateKey(partition, tenant_, name)));
  if (!row) return std::nullopt;
  return Open(partition, name, *row);
}

absl::StatusOr<std::optional<v1::Contact>> CoreContacts::Open(Partition partition,
                                                              std::string_view name,
                                                              std::string_view row) {
  CRM_ASSIGN_OR_RETURN(const bool quarantined, IsQuarantined(partition, name));
  if (quarantined) return std::nullopt;
  const std::string_view resource = ResourceOfRow(row);
  v1::Contact contact;
  if (resource.empty() ||
      !contact.ParseFromArray(resource.data(), static_cast<int>(resource.size()))) {
    return UnreadableRow();
  }
  return contact;
}

absl::StatusOr<bool> CoreContacts::IsQuarantined(Partition partition, std::string_view name) {
  CRM_ASSIGN_OR_RETURN(const bool any, HasMarks(partition));
  if (!any) return false;
  CRM_ASSIGN_OR_RETURN(const auto row, core_.Get(MarkKey(partition, tenant_, name)));
  if (!row) return false;
  crm::common::v1::SubjectMark mark;
  if (!mark.ParseFromString(*row)) return UnreadableRow();
  return mark.quarantined();
}

absl::StatusOr<bool> CoreContacts::HasMarks(Partition partition) {
  std::optional<bool>& known = has_marks_[static_cast<size_t>(partition)];
  if (!known) {
    CRM_ASSIGN_OR_RETURN(const auto row, core_.Get(FamilyPrefix(partition, 's')));
    known = row.has_value();
  }
  return *known;
}

bool IsThere(const v1::Contact& contact) {
  return contact.kind() != v1::Contact::KIND_UNSPECIFIED && !contact.has_purge_time() &&
         contact.moved_to().empty();
}

bool IsLiving(const v1::Contact& contact) {
  return IsThere(contact) && !contact.has_delete_time() && !contact.has_erase_time();
}

bool IsBasic(v1::ContactView view, bool unspecified_is_basic) {
  return view == v1::BASIC || (view == v1::CONTACT_VIEW_UNSPECIFIED && unspecified_is_basic);
}

void ClearAllButBasic(v1::Contact* contact) {
  static const std::vector<uint32_t> kLeftOut = NotInBasicView();
  for (const uint32_t number : kLeftOut) {
    const auto* field = v1::Contact::descriptor()->FindFieldByNumber(static_cast<int>(number));
    contact->GetReflection()->ClearField(contact, field);
  }
}

bool ContactPage::full() const {
  return contacts_->size() == page_size_ || bytes_ >= kMaxPageBytes;
}

void ContactPage::Add(v1::Contact&& contact) {
  if (basic_) ClearAllButBasic(&contact);
  bytes_ += contact.ByteSizeLong();
  *contacts_->Add() = std::move(contact);
}

}  // namespace crm::contact
