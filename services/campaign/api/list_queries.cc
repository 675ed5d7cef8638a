#include "services/campaign/api/list_queries.h"

#include <utility>

#include "common/base/status.h"
#include "common/base/timestamp.h"
#include "services/campaign/api/page.h"
#include "services/campaign/api/requests.h"
#include "services/campaign/domain/reach.h"
#include "services/campaign/projection/campaign_outcomes.h"
#include "services/campaign/projection/campaigns_by_time.h"

namespace crm::campaign {
namespace {

using Added = absl::StatusOr<std::optional<size_t>>;

constexpr std::string_view kCampaigns = "campaigns/";

absl::Status CheckField(const char* field, std::string_view collection, const std::string& name) {
  FieldFaults faults;
  CheckName(field, collection, name, faults);
  return faults.ToStatus();
}

absl::StatusOr<v1::Send> RefusalAt(const MergedRows& rows, const std::string& campaign) {
  v1::RefusalRow row;
  if (!row.ParseFromArray(rows.value().data(), static_cast<int>(rows.value().size()))) {
    return Error(absl::StatusCode::kDataLoss, "ROW_UNREADABLE",
                 "a row of a view cannot be parsed; rebuild the view");
  }
  const std::string_view place = rows.place();
  const size_t contact_end = place.find('\0');
  const std::string contact = std::string("contacts/").append(place.substr(0, contact_end));
  v1::Send send;
  send.set_contact(contact);
  send.set_campaign(campaign);
  send.set_step(std::string(place.substr(contact_end + 1)));
  send.set_send(SendId(contact, campaign, send.step()));
  send.set_channel(row.channel());
  send.set_state(row.state());
  send.set_reason(row.reason());
  SetTimestamp(row.decide_time_ns(), send.mutable_decide_time());
  send.mutable_basis()->set_ledger(contact + "/consents");
  send.mutable_basis()->set_version(row.consent_version());
  send.mutable_basis()->set_partition(rows.partition());
  send.mutable_basis()->set_read_to(row.consent_read_to());
  send.set_sends_in_window(row.sends_in_window());
  return send;
}

}  // namespace

absl::StatusOr<std::string> ListCampaigns(const QueryContext& context,
                                          const v1::ListCampaignsRequest& request) {
  const bool by_time = request.order_by() == "create_time";
  if (!by_time && !request.order_by().empty() && request.order_by() != "name") {
    return InvalidField("order_by", "must be name or create_time");
  }
  v1::ListCampaignsResponse response;
  const auto by_time_prefix = [&](Partition partition) {
    return CampaignsByTime::ListPrefix(partition, context.caller.tenant);
  };
  const auto visit = [&](const MergedRows& rows) -> Added {
    std::string name = by_time ? CampaignsByTime::NameAt(rows.place())
                               : std::string(kCampaigns).append(rows.place());
    CRM_ASSIGN_OR_RETURN(auto campaign,
                         FindResource<v1::Campaign>(context, rows.partition(), std::move(name)));
    if (!campaign) return std::nullopt;
    *response.add_campaigns() = *std::move(campaign);
    return response.campaigns().rbegin()->ByteSizeLong();
  };
  const Page::List list =
      by_time ? Page::List{"ListCampaigns", "create_time",
                           *context.reading.view(CampaignsByTime::kName).rows, by_time_prefix}
              : Page::List{"ListCampaigns", "name", *context.reading.core.rows,
                           CorePrefix(context, kCampaigns)};
  CRM_ASSIGN_OR_RETURN(std::string next, Page(context).Fill(request, list, visit));
  response.set_next_page_token(std::move(next));
  return response.SerializeAsString();
}

absl::StatusOr<std::string> ListRefusals(const QueryContext& context,
                                         const v1::ListRefusalsRequest& request) {
  CRM_RETURN_IF_ERROR(CheckField("campaign", "campaigns", request.campaign()));
  v1::ListRefusalsResponse response;
  const auto prefix = [&](Partition partition) {
    return CampaignOutcomes::RefusalsPrefix(partition, context.caller.tenant, request.campaign());
  };
  const auto visit = [&](const MergedRows& rows) -> Added {
    CRM_ASSIGN_OR_RETURN(v1::Send send, RefusalAt(rows, request.campaign()));
    *response.add_refusals() = std::move(send);
    return response.refusals().rbegin()->ByteSizeLong();
  };
  CRM_ASSIGN_OR_RETURN(
      std::string next,
      Page(context).Fill(request,
                         {"ListRefusals", request.campaign(),
                          *context.reading.view(CampaignOutcomes::kName).rows, prefix},
                         visit));
  response.set_next_page_token(std::move(next));
  return response.SerializeAsString();
}

}  // namespace crm::campaign
