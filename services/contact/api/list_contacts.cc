#include "services/contact/api/list_contacts.h"

#include <array>
#include <optional>
#include <utility>

#include "common/aggregate/aggregate.h"
#include "common/aggregate/core_rows.h"
#include "common/base/check.h"
#include "common/base/status.h"
#include "common/projection/list_page.h"
#include "crm/common/v1/storage.pb.h"
#include "services/contact/projection/contact_by_name.h"

namespace crm::contact {
namespace {

// A page ends after so many rows looked at or bytes found, so that one call costs a bounded amount
// and its answer fits into a message.
constexpr int kMaxExamined = 10'000;
constexpr size_t kMaxPageBytes = 2 << 20;

constexpr std::string_view kCollection = "contacts/";

enum class Order { kName, kDisplayName };

std::optional<Order> OrderOf(std::string_view order_by) {
  if (order_by.empty() || order_by == "name") return Order::kName;
  if (order_by == "display_name") return Order::kDisplayName;
  return std::nullopt;
}

absl::Status Check(const v1::ListContactsRequest& request) {
  FieldFaults faults;
  const auto order = OrderOf(request.order_by());
  if (!order) faults.Add("order_by", "must be name or display_name");
  if (order == Order::kDisplayName && request.show_deleted()) {
    faults.Add("show_deleted", "is offered with order_by name only");
  }
  return faults.ToStatus();
}

absl::Status UnreadableRow() {
  return Error(absl::StatusCode::kDataLoss, "ROW_UNREADABLE",
               "a row of the core store cannot be read; rebuild the projection");
}

// The core's contacts of one tenant. Not thread-safe.
class CoreContacts {
 public:
  CoreContacts(const RowReader& core, std::string_view tenant) : core_(core), tenant_(tenant) {}

  // Nothing where the contact is not known or cannot be read.
  absl::StatusOr<std::optional<v1::Contact>> Find(Partition partition, std::string_view name) {
    CRM_ASSIGN_OR_RETURN(const auto row, core_.Get(AggregateKey(partition, tenant_, name)));
    if (!row) return std::nullopt;
    return Open(partition, name, *row);
  }

  absl::StatusOr<std::optional<v1::Contact>> Open(Partition partition, std::string_view name,
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

 private:
  absl::StatusOr<bool> IsQuarantined(Partition partition, std::string_view name) {
    CRM_ASSIGN_OR_RETURN(const bool any, HasMarks(partition));
    if (!any) return false;
    CRM_ASSIGN_OR_RETURN(const auto row, core_.Get(MarkKey(partition, tenant_, name)));
    if (!row) return false;
    crm::common::v1::SubjectMark mark;
    if (!mark.ParseFromString(*row)) return UnreadableRow();
    return mark.quarantined();
  }

  absl::StatusOr<bool> HasMarks(Partition partition) {
    std::optional<bool>& known = has_marks_[partition];
    if (!known) {
      CRM_ASSIGN_OR_RETURN(const auto row, core_.Get(FamilyPrefix(partition, 's')));
      known = row.has_value();
    }
    return *known;
  }

  const RowReader& core_;
  const std::string_view tenant_;
  std::array<std::optional<bool>, kPartitions> has_marks_;
};

// The places of one tenant's contacts in one order, from `after` on.
class Places {
 public:
  Places(const QueryContext& context, Order order, std::string_view after)
      : order_(order),
        contacts_(*context.reading.core.rows, context.caller.tenant),
        rows_(Source(context, order), Prefix(context.caller.tenant, order), after) {}

  MergedRows& rows() { return rows_; }

  // The contact at the present place, if it can be shown.
  absl::StatusOr<std::optional<v1::Contact>> Contact() {
    if (order_ == Order::kDisplayName) {
      return contacts_.Find(rows_.partition(), ContactByName::NameAt(rows_.place()));
    }
    // What belongs to a contact lies behind it.
    if (rows_.place().find('/') != std::string_view::npos) return std::nullopt;
    const std::string name = std::string(kCollection).append(rows_.place());
    return contacts_.Open(rows_.partition(), name, rows_.value());
  }

 private:
  static const RowReader& Source(const QueryContext& context, Order order) {
    if (order == Order::kName) return *context.reading.core.rows;
    return *context.reading.view(ContactByName::kName).rows;
  }

  static std::function<std::string(Partition)> Prefix(const std::string& tenant, Order order) {
    return [&tenant, order](Partition partition) {
      return order == Order::kName ? AggregateKey(partition, tenant, kCollection)
                                   : ContactByName::ListPrefix(partition, tenant);
    };
  }

  const Order order_;
  CoreContacts contacts_;
  MergedRows rows_;
};

bool IsShown(const v1::Contact& contact, bool show_deleted) {
  return show_deleted || (!contact.has_delete_time() && !contact.has_erase_time());
}

// Fills `page` from the places; answers the place it ended at, or nothing at the end of the list.
absl::StatusOr<std::optional<std::string>> FillPage(Places& places, int page_size,
                                                    bool show_deleted,
                                                    v1::ListContactsResponse& page) {
  std::string last;
  size_t bytes = 0;
  MergedRows& rows = places.rows();
  for (int examined = 0; rows.Valid(); rows.Next(), ++examined) {
    const bool full = page.contacts_size() == page_size || bytes >= kMaxPageBytes;
    if (full || examined == kMaxExamined) return last;
    last = rows.place();
    CRM_ASSIGN_OR_RETURN(auto contact, places.Contact());
    if (!contact || !IsShown(*contact, show_deleted)) continue;
    bytes += contact->ByteSizeLong();
    *page.add_contacts() = *std::move(contact);
  }
  CRM_RETURN_IF_ERROR(rows.status());
  return std::nullopt;
}

}  // namespace

absl::StatusOr<std::string> ListContacts(const QueryContext& context,
                                         const v1::ListContactsRequest& request) {
  CRM_RETURN_IF_ERROR(Check(request));
  const Order order = *OrderOf(request.order_by());
  CRM_ASSIGN_OR_RETURN(const int page_size, PageSize(request.page_size()));
  const std::string query = QueryHash(
      context.caller.tenant, "ListContacts",
      {order == Order::kName ? "name" : "display_name", request.show_deleted() ? "deleted" : ""});
  CRM_ASSIGN_OR_RETURN(const std::string after,
                       OpenPageToken(query, request.page_token(), context.secret));
  Places places(context, order, after);
  v1::ListContactsResponse page;
  CRM_ASSIGN_OR_RETURN(const auto end, FillPage(places, page_size, request.show_deleted(), page));
  if (end) page.set_next_page_token(SealPageToken(query, *end, context.secret, context.random));
  return page.SerializeAsString();
}

}  // namespace crm::contact
