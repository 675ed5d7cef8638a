#include "services/contact/api/explain_contact.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "common/aggregate/core_rows.h"
#include "common/aggregate/history.h"
#include "common/base/timestamp.h"
#include "common/service/resource_reads.h"
#include "crm/contact/v1/contact_service.pb.h"
#include "services/contact/api/requests.h"
#include "services/contact/domain/golden_record.h"
#include "services/contact/domain/profile_fields.h"
#include "services/contact/domain/profile_message.h"
#include "services/contact/projection/contact_aggregate.h"

namespace crm::contact {
namespace {

using common::v1::EventMetadata;
using google::protobuf::Message;

// What is known of one field.
struct FieldHistory {
  std::optional<v1::ObservedValue> taken;
  std::vector<v1::ObservedValue> others;
};

// Gathers, event by event, which values each field was given.
class Account {
 public:
  void Add(const v1::ContactEvent& event, const EventMetadata& metadata) {
    if (event.has_created()) Begin(event.created(), metadata);
    if (event.has_profile_changed()) Change(event.profile_changed(), metadata);
    // What was said of a person who is gone is no more to be told.
    if (event.has_purged() || event.has_erased()) fields_.clear();
  }

  const std::map<std::string, FieldHistory>& fields() const { return fields_; }

 private:
  void Begin(const v1::ContactCreated& event, const EventMetadata& metadata) {
    const Contact born = Born(event, metadata);
    fields_.clear();
    FieldMask fields = FieldsWithValue(born.profile);
    fields.insert(fields.end(), event.cleared_fields().begin(), event.cleared_fields().end());
    for (const std::string& field : fields) {
      v1::ObservedValue value = Value(born.profile, field, born.observations.rest.source, metadata);
      value.set_event_type("ContactCreated");
      const bool observed = born.observations.Standing(field, true) != nullptr;
      if (!observed) value.clear_observe_time();
      if (!observed) value.clear_source();
      fields_[field].taken = std::move(value);
    }
  }

  void Change(const v1::ContactProfileChanged& event, const EventMetadata& metadata) {
    const Profile values = ReadValues(event);
    for (const std::string& field : event.changed_fields()) {
      Take(field, Value(values, field, event.source(), metadata));
    }
    for (const std::string& field : event.confirmed_fields()) {
      v1::ObservedValue value = Value({}, field, event.source(), metadata);
      const auto& before = fields_[field].taken;
      if (before) *value.mutable_value() = before->value();
      Take(field, std::move(value));
    }
    const Profile superseded = ReadSuperseded(event);
    for (const std::string& field : event.superseded_fields()) {
      v1::ObservedValue value = Value(superseded, field, event.source(), metadata);
      value.set_superseded_at_once(true);
      fields_[field].others.push_back(std::move(value));
    }
  }

  void Take(const std::string& field, v1::ObservedValue value) {
    FieldHistory& history = fields_[field];
    if (history.taken) history.others.push_back(*std::move(history.taken));
    history.taken = std::move(value);
  }

  static v1::ObservedValue Value(const Profile& profile, const std::string& field,
                                 const std::string& source, const EventMetadata& metadata) {
    Profile only;
    CopyField(profile, field, &only);
    v1::ObservedValue value;
    WritePersonal(only, value.mutable_value());
    WriteOthers(only, value.mutable_value());
    value.set_source(source);
    SetTimestamp(ObservedTime(metadata), value.mutable_observe_time());
    value.set_version(metadata.aggregate_version());
    value.set_event_type("ContactProfileChanged");
    *value.mutable_recorded_time() = metadata.recorded_time();
    if (metadata.has_actor()) *value.mutable_actor() = metadata.actor();
    value.set_request_id(metadata.request_id());
    return value;
  }

  std::map<std::string, FieldHistory> fields_;
};

TimeNs TimeOf(const v1::ObservedValue& value) {
  return value.has_observe_time() ? ToTimeNs(value.observe_time()) : kByDefault;
}

void Fill(const std::string& field, FieldHistory history, v1::FieldExplanation* explanation) {
  explanation->set_field(field);
  if (history.taken) *explanation->mutable_taken() = *std::move(history.taken);
  std::stable_sort(history.others.begin(), history.others.end(),
                   [](const auto& a, const auto& b) { return TimeOf(a) > TimeOf(b); });
  for (v1::ObservedValue& other : history.others) *explanation->add_others() = std::move(other);
}

bool IsAsked(const v1::ExplainContactRequest& request, const std::string& field) {
  const auto& asked = request.fields();
  const std::string group = field.substr(0, field.find('.'));
  return asked.empty() || std::find(asked.begin(), asked.end(), field) != asked.end() ||
         std::find(asked.begin(), asked.end(), group) != asked.end();
}

void CheckFields(const v1::ExplainContactRequest& request, FieldFaults& faults) {
  for (int i = 0; i < request.fields_size(); ++i) {
    const std::string& field = request.fields(i);
    bool known = field.starts_with(CustomFieldName(""));
    ForEachField([&](std::string_view name, auto) { known = known || name == field; });
    if (known) continue;
    faults.Add("fields[" + std::to_string(i) + "]",
               "must be a field of Contact that can be changed, or custom_fields.{id}");
  }
}

absl::StatusOr<std::string> Explain(const QueryContext& context, const AggregateType& type,
                                    const v1::ExplainContactRequest& request) {
  const std::string& tenant = context.caller.tenant;
  const ResourceRef ref{PartitionOfSubject(tenant, context.subject), tenant, context.subject};
  const RowReader& core = *context.reading.core.rows;
  CRM_RETURN_IF_ERROR(ReadResource(core, ref, true).status());
  Account account;
  CRM_RETURN_IF_ERROR(VisitHistory(
      core, context.events.schema, context.events.sealer, {ref.partition, tenant, ref.name}, 1,
      [&](const Event& event) {
        if (event.aggregate_field != type.record_field()) return true;
        account.Add(static_cast<const v1::ContactEvent&>(*event.aggregate_event), *event.metadata);
        return true;
      }));
  v1::ExplainContactResponse response;
  for (const auto& [field, history] : account.fields()) {
    if (IsAsked(request, field)) Fill(field, history, response.add_fields());
  }
  return response.SerializeAsString();
}

}  // namespace

QueryMethod ExplainMethod(const AggregateType& type) {
  using Request = v1::ExplainContactRequest;
  QueryMethod method;
  method.method = "ExplainContact";
  method.run = [&type](const QueryContext& context, const Message& request) {
    return Explain(context, type, static_cast<const Request&>(request));
  };
  method.subject = [](const Caller&, const Message& message,
                      const NameMaker&) -> absl::StatusOr<std::string> {
    const auto& request = static_cast<const Request&>(message);
    FieldFaults faults;
    CheckContactName("name", request.name(), faults);
    CheckFields(request, faults);
    CRM_RETURN_IF_ERROR(faults.ToStatus());
    return request.name();
  };
  return method;
}

}  // namespace crm::contact
