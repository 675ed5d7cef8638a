#include "common/projection/event_schema.h"

#include "common/base/check.h"
#include "common/base/status.h"
#include "crm/common/v1/reaction.pb.h"

namespace crm {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::OneofDescriptor;

absl::Status Unreadable(std::string_view reason, std::string_view message) {
  return Error(absl::StatusCode::kDataLoss, reason, message);
}

}  // namespace

KeyParts SplitKey(std::string_view key) {
  const size_t slash = key.find('/');
  if (slash == std::string_view::npos) return {key, {}};
  return {key.substr(0, slash), key.substr(slash + 1)};
}

std::string_view SubjectOf(std::string_view aggregate) {
  const size_t collection = aggregate.find('/');
  if (collection == std::string_view::npos) return aggregate;
  return aggregate.substr(0, aggregate.find('/', collection + 1));
}

std::string_view SubjectOf(const common::v1::EventMetadata& metadata) {
  return metadata.tenant().empty() ? std::string_view() : SubjectOf(metadata.aggregate());
}

std::string RecordKey(std::string_view tenant, std::string_view aggregate) {
  if (tenant.empty()) return "";
  const std::string_view subject = SubjectOf(aggregate);
  std::string key;
  key.reserve(tenant.size() + 1 + subject.size());
  key.append(tenant);
  key.push_back('/');
  key.append(subject);
  return key;
}

EventSchema::EventSchema(const Message& record) : prototype_(record) {
  const Descriptor* descriptor = record.GetDescriptor();
  metadata_field_ = descriptor->FindFieldByName("metadata");
  aggregate_oneof_ = descriptor->FindOneofByName("aggregate");
  CRM_CHECK(metadata_field_ != nullptr && aggregate_oneof_ != nullptr);
  CRM_CHECK(metadata_field_->message_type() == common::v1::EventMetadata::descriptor());
  for (int i = 0; i < aggregate_oneof_->field_count(); ++i) {
    const Descriptor* aggregate = aggregate_oneof_->field(i)->message_type();
    CRM_CHECK((aggregate_oneof_->field(i)->number() == kReactionField) ==
              (aggregate == common::v1::ReactionEvent::descriptor()));
    const OneofDescriptor* events = aggregate->FindOneofByName("event");
    CRM_CHECK(events != nullptr);
    event_oneofs_[aggregate] = events;
    for (int j = 0; j < events->field_count(); ++j) {
      const Descriptor* event = events->field(j)->message_type();
      EventType type;
      if (const OneofDescriptor* personal = event->FindOneofByName("personal")) {
        type.plain = event->FindFieldByName("plain");
        type.sealed = event->FindFieldByName("sealed");
        CRM_CHECK(personal->field_count() == 2 && type.plain != nullptr && type.sealed != nullptr);
      }
      event_types_[event] = type;
    }
  }
}

const EventSchema::EventType* EventSchema::Find(const Descriptor* event) const {
  const auto found = event_types_.find(event);
  return found == event_types_.end() ? nullptr : &found->second;
}

bool EventSchema::Locate(Event* event) const {
  const Message& record = *event->record;
  const auto* reflection = record.GetReflection();
  const FieldDescriptor* aggregate = reflection->GetOneofFieldDescriptor(record, aggregate_oneof_);
  if (aggregate == nullptr) return false;
  event->aggregate_field = aggregate->number();
  event->aggregate_event = &reflection->GetMessage(record, aggregate);
  const auto* inner = event->aggregate_event->GetReflection();
  const FieldDescriptor* type = inner->GetOneofFieldDescriptor(
      *event->aggregate_event, event_oneofs_.at(aggregate->message_type()));
  if (type == nullptr) return false;
  event->event = &inner->GetMessage(*event->aggregate_event, type);
  event->metadata = static_cast<const common::v1::EventMetadata*>(
      &reflection->GetMessage(record, metadata_field_));
  return true;
}

common::v1::EventMetadata* EventSchema::MutableMetadata(Message* record) const {
  return static_cast<common::v1::EventMetadata*>(
      record->GetReflection()->MutableMessage(record, metadata_field_));
}

absl::StatusOr<Event> EventSchema::Encode(std::unique_ptr<Message> record, Sealer& sealer) const {
  Event event;
  event.record = std::move(record);
  if (!Locate(&event)) {
    return Error(absl::StatusCode::kInternal, "EVENT_EMPTY", "an event record holds no event");
  }
  event.payload_hmac = event.metadata->payload_hmac();
  const EventType& type = *Find(event.event->GetDescriptor());
  auto* inner = const_cast<Message*>(event.event);
  const auto* reflection = inner->GetReflection();
  if (type.plain == nullptr || !reflection->HasField(*inner, type.plain)) {
    event.record->SerializeToString(&event.value);
    return event;
  }
  auto* metadata = const_cast<common::v1::EventMetadata*>(event.metadata);
  common::v1::SealedContent content;
  reflection->GetMessage(*inner, type.plain).SerializeToString(content.mutable_personal());
  content.set_payload_hmac(event.payload_hmac);
  metadata->clear_payload_hmac();
  CRM_ASSIGN_OR_RETURN(common::v1::Sealed sealed,
                       sealer.Seal(metadata->tenant(), SubjectOf(metadata->aggregate()), content));
  // The sealed part takes the plain one's place in the oneof just while the record is serialised.
  std::unique_ptr<Message> plain(reflection->ReleaseMessage(inner, type.plain));
  *static_cast<common::v1::Sealed*>(reflection->MutableMessage(inner, type.sealed)) =
      std::move(sealed);
  event.record->SerializeToString(&event.value);
  reflection->SetAllocatedMessage(inner, plain.release(), type.plain);
  return event;
}

absl::StatusOr<Event> EventSchema::Decode(Record&& record, Sealer& sealer) const {
  Event event;
  event.offset = record.offset;
  event.record.reset(prototype_.New());
  if (!event.record->ParseFromString(record.value)) {
    return Unreadable("EVENT_MALFORMED", "the record is not a message of its topic");
  }
  if (!Locate(&event)) {
    // A oneof member this binary does not know leaves its oneof empty.
    return Error(absl::StatusCode::kUnimplemented, "EVENT_UNKNOWN",
                 "the event is of a type that only a newer version knows");
  }
  const KeyParts key = SplitKey(record.key);
  if (key.tenant != event.metadata->tenant() || key.subject != SubjectOf(*event.metadata) ||
      record.key.empty() != (event.aggregate_field == kReactionField)) {
    return Unreadable("EVENT_FOREIGN", "the event names another subject than its record's key");
  }
  event.payload_hmac = event.metadata->payload_hmac();
  CRM_RETURN_IF_ERROR(OpenPersonal(key, sealer, &event));
  event.value = std::move(record.value);
  return event;
}

// Puts the content of the sealed part in the plain one's place.
absl::Status EventSchema::OpenPersonal(const KeyParts& key, Sealer& sealer, Event* event) const {
  const EventType& type = *Find(event->event->GetDescriptor());
  if (type.plain == nullptr) return absl::OkStatus();
  auto* inner = const_cast<Message*>(event->event);
  const auto* reflection = inner->GetReflection();
  if (reflection->HasField(*inner, type.plain)) {
    return Unreadable("EVENT_NOT_SEALED", "the event holds personal fields in the clear");
  }
  if (!reflection->HasField(*inner, type.sealed)) return absl::OkStatus();
  CRM_ASSIGN_OR_RETURN(Sealer::Opened opened,
                       sealer.Open(key.tenant, key.subject,
                                   static_cast<const common::v1::Sealed&>(
                                       reflection->GetMessage(*inner, type.sealed))));
  if (opened.outcome == Sealer::Opened::Outcome::kShredded) {
    reflection->ClearField(inner, type.sealed);
    event->shredded = true;
    return absl::OkStatus();
  }
  if (!reflection->MutableMessage(inner, type.plain)->ParseFromString(opened.content.personal())) {
    return Unreadable("EVENT_MALFORMED", "the sealed part is not a message of its type");
  }
  event->payload_hmac = opened.content.payload_hmac();
  return absl::OkStatus();
}

}  // namespace crm
