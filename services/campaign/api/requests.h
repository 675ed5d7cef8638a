#pragma once

#include <google/protobuf/timestamp.pb.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/service/service_definition.h"
#include "crm/contact/v1/contact.pb.h"
#include "services/campaign/domain/campaign.h"

// What the requests of all parts of the service have in common.
namespace crm::campaign {

using PreparedCommand = absl::StatusOr<std::unique_ptr<Command>>;

// The command over one aggregate by its decider.
template <typename T, typename C>
std::unique_ptr<Command> CommandAbout(const AggregateType& type, std::string name, std::string etag,
                                      C command) {
  auto about = std::make_unique<DeciderCommand<T, C>>(type, std::move(name), std::move(command));
  about->etag = std::move(etag);
  return about;
}

// Faults unless `name` is one of `collection` ("campaigns").
void CheckName(std::string path, std::string_view collection, std::string_view name,
               FieldFaults& faults);
// Faults where there are control characters; `lines` allows those that end and indent lines.
enum class TextKind { kLine, kLines };
void CheckText(std::string path, TextKind kind, std::string_view value, FieldFaults& faults);
// Faults where a part has control characters.
void CheckKey(const std::string& path, const contact::v1::ExternalKey& key, FieldFaults& faults);
// The time of a field that is set; faults for one outside the years 1970 to 2262.
std::optional<TimeNs> ReadTime(std::string path, bool is_set,
                               const google::protobuf::Timestamp& time, FieldFaults& faults);

// Names of things with this key in another system.
std::string ContactOfKey(const Caller& caller, const contact::v1::ExternalKey& key,
                         const NameMaker& names);
std::string CampaignOfKey(const Caller& caller, const contact::v1::ExternalKey& key,
                          const NameMaker& names);

// The contact that a request names by `contact` or by `contact_key`; faults unless by one of them.
template <typename Request>
std::string ContactOf(const Caller& caller, const Request& request, const NameMaker& names,
                      FieldFaults& faults) {
  if (request.contact().empty() == !request.has_contact_key()) {
    faults.Add("contact", "name the contact by contact or by contact_key, and by one of them only");
    return "";
  }
  if (!request.has_contact_key()) {
    CheckName("contact", "contacts", request.contact(), faults);
    return request.contact();
  }
  CheckKey("contact_key", request.contact_key(), faults);
  return ContactOfKey(caller, request.contact_key(), names);
}

// The same of `campaign` and `campaign_key`.
template <typename Request>
std::string CampaignOf(const Caller& caller, const Request& request, const NameMaker& names,
                       FieldFaults& faults) {
  if (request.campaign().empty() == !request.has_campaign_key()) {
    faults.Add("campaign",
               "name the campaign by campaign or by campaign_key, and by one of them only");
    return "";
  }
  if (!request.has_campaign_key()) {
    CheckName("campaign", "campaigns", request.campaign(), faults);
    return request.campaign();
  }
  CheckKey("campaign_key", request.campaign_key(), faults);
  return CampaignOfKey(caller, request.campaign_key(), names);
}

}  // namespace crm::campaign
