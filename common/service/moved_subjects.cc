#include "common/service/moved_subjects.h"

#include <google/rpc/error_info.pb.h>

#include "common/aggregate/core_rows.h"

namespace crm {
namespace {

using google::protobuf::Message;

std::string MovedToOf(const Message& prototype, std::string_view resource) {
  const auto* field = prototype.GetDescriptor()->FindFieldByName("moved_to");
  if (field == nullptr) return "";
  const std::unique_ptr<Message> message(prototype.New());
  if (!message->ParseFromArray(resource.data(), static_cast<int>(resource.size()))) return "";
  return message->GetReflection()->GetString(*message, field);
}

}  // namespace

std::string MovedTo(const absl::Status& refusal) {
  const auto payload = refusal.GetPayload("type.googleapis.com/google.rpc.ErrorInfo");
  google::rpc::ErrorInfo info;
  if (!payload.has_value() || !info.ParseFromString(std::string(*payload))) return "";
  const auto contact = info.metadata().find("contact");
  return info.reason() == "MOVED" && contact != info.metadata().end() ? contact->second : "";
}

std::string AliasTarget(const RowReader& core, const ServiceDefinition& definition,
                        const std::string& tenant, const std::string& subject) {
  const std::string_view collection = std::string_view(subject).substr(0, subject.find('/'));
  for (const auto& type : definition.aggregates) {
    if (type->collection() != collection) continue;
    const auto row = core.Get(AggregateKey(PartitionOfSubject(tenant, subject), tenant, subject));
    if (!row.ok() || !row->has_value()) return "";
    return MovedToOf(type->resource(), ResourceOfRow(**row));
  }
  return "";
}

void Retarget(const std::string& subject, Command* command) {
  command->aggregate = subject + command->aggregate.substr(command->subject.size());
  command->subject = subject;
}

}  // namespace crm
