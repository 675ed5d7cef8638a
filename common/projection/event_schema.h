#pragma once

#include <google/protobuf/message.h>

#include <memory>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "common/log/record.h"
#include "common/projection/sealing.h"

namespace crm {

// One event, decoded and opened. Movable.
struct Event {
  // Where it lies in the log; kNoOffset while that is not known (an owner's own, before it is
  // confirmed).
  Offset offset = kNoOffset;
  // The record's value, as logged.
  std::string value;
  // The topic's record message.
  std::unique_ptr<google::protobuf::Message> record;
  // Point into `record`: its metadata; the message of the aggregate's own oneof ("ContactEvent");
  // the event in it ("ContactCreated").
  const common::v1::EventMetadata* metadata = nullptr;
  const google::protobuf::Message* aggregate_event = nullptr;
  const google::protobuf::Message* event = nullptr;
  // Number of the aggregate's field in the record message.
  int aggregate_field = 0;
  // Personal fields were destroyed.
  bool shredded = false;
  // From the metadata, or from within the Sealed.
  std::string payload_hmac;
};

// Splits the record key "tenant/subject". Empty parts for an empty key.
struct KeyParts {
  std::string_view tenant;
  std::string_view subject;
};
KeyParts SplitKey(std::string_view key);

// The root resource name of an aggregate's name: "contacts/c1/deals/d2" -> "contacts/c1".
std::string_view SubjectOf(std::string_view aggregate);

// The subject as the record key has it: empty where the event belongs to no customer, which its
// empty tenant tells.
std::string_view SubjectOf(const common::v1::EventMetadata& metadata);

// The key of an event's record; empty where the tenant is.
std::string RecordKey(std::string_view tenant, std::string_view aggregate);

// Number of the field that holds a ReactionEvent in every topic's record message.
inline constexpr int kReactionField = 2;

// What the core knows of a topic's record message (PROTOCOL: `metadata = 1; oneof aggregate {…}`,
// the first member of which may be `ReactionEvent reaction = 2`; each aggregate with its own `oneof
// event`, personal fields in `oneof personal {plain; sealed;}`). Built from the descriptor, so no
// service is named here. Immutable, thread-safe.
class EventSchema {
 public:
  // `record` is the topic's record message. Stops the process when it does not have the shape
  // above.
  explicit EventSchema(const google::protobuf::Message& record);

  // From a stamped record (metadata, an event with `plain` personal fields) to the event as a
  // reader of the log would decode it; `value` is what to append, with the personal fields and the
  // payload HMAC sealed. INTERNAL where the record holds no event.
  absl::StatusOr<Event> Encode(std::unique_ptr<google::protobuf::Message> record,
                               Sealer& sealer) const;

  // DATA_LOSS: cannot be parsed, holds a `plain` personal part, names a key other than the
  // record's (only a ReactionEvent has none), or cannot be opened. UNIMPLEMENTED: an event type of
  // a newer writer. The record loses its value to the event; where an error is answered it stays
  // whole.
  absl::StatusOr<Event> Decode(Record&& record, Sealer& sealer) const;

  common::v1::EventMetadata* MutableMetadata(google::protobuf::Message* record) const;
  const google::protobuf::Message& prototype() const { return prototype_; }

 private:
  struct EventType {
    const google::protobuf::FieldDescriptor* plain = nullptr;
    const google::protobuf::FieldDescriptor* sealed = nullptr;
  };

  const EventType* Find(const google::protobuf::Descriptor* event) const;
  // Sets aggregate_field, aggregate_event and event; false where a oneof is empty.
  bool Locate(Event* event) const;
  absl::Status OpenPersonal(const KeyParts& key, Sealer& sealer, Event* event) const;

  const google::protobuf::Message& prototype_;
  const google::protobuf::FieldDescriptor* metadata_field_;
  const google::protobuf::OneofDescriptor* aggregate_oneof_;
  absl::flat_hash_map<const google::protobuf::Descriptor*, EventType> event_types_;
  absl::flat_hash_map<const google::protobuf::Descriptor*, const google::protobuf::OneofDescriptor*>
      event_oneofs_;
};

}  // namespace crm
