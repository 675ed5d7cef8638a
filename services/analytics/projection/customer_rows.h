#pragma once

#include <google/protobuf/message.h>

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/projection/projection.h"
#include "common/storage/store.h"
#include "crm/common/v1/event.pb.h"

// What the keys and values of all views of customers have in common. `id` is a contact's name
// without "contacts/"; tenants and ids hold no zero byte.
namespace crm::analytics {

inline constexpr std::string_view kContacts = "contacts/";

// The contact's id in the name of any of its aggregates; empty where the name is of another kind.
std::string_view ContactIdOf(std::string_view aggregate);
// "contacts/{id}".
std::string ContactName(std::string_view id);
// The last part of a name.
std::string_view LastId(std::string_view name);

// partition family tenant 0
std::string TenantPrefix(Partition partition, char family, std::string_view tenant);
// partition family tenant 0 id: one row a contact.
std::string ContactKey(Partition partition, char family, std::string_view tenant,
                       std::string_view id);
// partition family tenant 0 id 0: start of a contact's many rows.
std::string ContactPrefix(Partition partition, char family, std::string_view tenant,
                          std::string_view id);

// The parts of a key after partition and family.
struct KeyOfContact {
  std::string_view tenant;
  std::string_view id;
  // What follows the id and its zero.
  std::string_view rest;
};
KeyOfContact SplitContactKey(std::string_view key);

// 8 bytes whose order is the order of times, and the reverse order.
std::string TimeAscending(TimeNs time);
std::string TimeDescending(TimeNs time);
TimeNs ReadTimeDescending(std::string_view bytes);

// When it took place; when it was recorded, where the event names no other time.
TimeNs OccurredTime(const common::v1::EventMetadata& metadata);
TimeNs RecordedTime(const common::v1::EventMetadata& metadata);

// The day of a time: days since 1970-01-01, UTC.
int32_t DayOf(TimeNs time);

// DATA_LOSS: a view's row is not what its fold wrote.
absl::Status UnreadableRow(std::string_view view);

// Parses a row; nullopt where there is none.
template <typename Message>
absl::StatusOr<std::optional<Message>> ParseRow(std::string_view view,
                                                absl::StatusOr<std::optional<std::string>> row) {
  if (!row.ok()) return row.status();
  if (!row->has_value()) return std::optional<Message>();
  Message message;
  if (!message.ParseFromString(**row)) return UnreadableRow(view);
  return std::optional<Message>(std::move(message));
}

// For business dumps: "tenant id text", without the fields that tell when it was recorded.
std::string BusinessText(std::string_view key, std::string_view value,
                         const google::protobuf::Message& type);

}  // namespace crm::analytics
