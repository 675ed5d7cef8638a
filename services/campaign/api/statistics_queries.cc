#include "services/campaign/api/statistics_queries.h"

#include <map>
#include <utility>

#include "common/base/status.h"
#include "services/campaign/api/page.h"
#include "services/campaign/api/requests.h"
#include "services/campaign/projection/campaign_outcomes.h"

namespace crm::campaign {
namespace {

constexpr std::string_view kCampaigns = "campaigns/";
constexpr int64_t kMaxCompared = 10'000;

void WriteCounts(const v1::OutcomeRow& row, v1::SendCounts* counts) {
  counts->set_decided(row.decided());
  counts->set_handed_off(row.handed_off());
  counts->set_cancelled(row.cancelled());
  counts->set_recorded(row.recorded());
  counts->set_delivered(row.delivered());
  counts->set_bounced(row.bounced());
  counts->set_responses(row.responses());
  for (const auto& refused : row.refused()) {
    auto* count = counts->add_refused();
    count->set_reason(refused.reason());
    count->set_count(refused.count());
  }
}

double Rate(int64_t part, int64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

// `Message` is CampaignStatistics or GroupStatistics.
template <typename Message>
void WriteSum(const v1::OutcomeRow& sum, Message* message) {
  WriteCounts(sum, message->mutable_counts());
  message->set_contacts_sent(sum.contacts_sent());
  message->set_responders(sum.responders());
  message->set_response_rate(Rate(sum.responders(), sum.contacts_sent()));
}

using Outcomes = std::map<std::string, v1::OutcomeRow>;

v1::OutcomeRow Sum(const Outcomes& steps) {
  v1::OutcomeRow sum;
  for (const auto& [step, row] : steps) AddOutcomes(row, &sum);
  return sum;
}

absl::StatusOr<Outcomes> OutcomesOf(const QueryContext& context, const std::string& campaign) {
  return ReadOutcomes(*context.reading.view(CampaignOutcomes::kName).rows, context.caller.tenant,
                      campaign);
}

v1::CampaignStatistics StatisticsOf(const v1::Campaign& campaign, const Outcomes& steps) {
  v1::CampaignStatistics statistics;
  statistics.set_campaign(campaign.name());
  statistics.set_display_name(campaign.display_name());
  statistics.set_type(campaign.type());
  statistics.set_category(campaign.category());
  WriteSum(Sum(steps), &statistics);
  return statistics;
}

// The campaigns of one type or category.
struct Group {
  int64_t campaigns = 0;
  v1::OutcomeRow sum;

  void Add(const v1::OutcomeRow& row) {
    ++campaigns;
    AddOutcomes(row, &sum);
  }
  void WriteTo(v1::GroupStatistics* message) const {
    message->set_campaigns(campaigns);
    WriteSum(sum, message);
  }
};

}  // namespace

absl::StatusOr<std::string> GetCampaignStatistics(const QueryContext& context,
                                                  const v1::GetCampaignStatisticsRequest& request) {
  FieldFaults faults;
  CheckName("name", "campaigns", request.name(), faults);
  CRM_RETURN_IF_ERROR(faults.ToStatus());
  const Partition partition = PartitionOfSubject(context.caller.tenant, request.name());
  CRM_ASSIGN_OR_RETURN(const std::string bytes,
                       ReadResource(*context.reading.core.rows,
                                    {partition, context.caller.tenant, request.name()}, true));
  v1::Campaign campaign;
  campaign.ParseFromString(bytes);
  CRM_ASSIGN_OR_RETURN(const Outcomes steps, OutcomesOf(context, request.name()));
  v1::CampaignStatistics statistics = StatisticsOf(campaign, steps);
  for (const auto& [step, row] : steps) {
    auto* shown = statistics.add_steps();
    shown->set_step(step);
    WriteCounts(row, shown->mutable_counts());
  }
  return statistics.SerializeAsString();
}

absl::StatusOr<std::string> ListCampaignStatistics(
    const QueryContext& context, const v1::ListCampaignStatisticsRequest& request) {
  v1::ListCampaignStatisticsResponse response;
  const auto visit = [&](const MergedRows& rows) -> absl::StatusOr<std::optional<size_t>> {
    const std::string name = std::string(kCampaigns).append(rows.place());
    CRM_ASSIGN_OR_RETURN(const auto campaign,
                         FindResource<v1::Campaign>(context, rows.partition(), name));
    if (!campaign) return std::nullopt;
    CRM_ASSIGN_OR_RETURN(const Outcomes steps, OutcomesOf(context, name));
    *response.add_statistics() = StatisticsOf(*campaign, steps);
    return response.statistics().rbegin()->ByteSizeLong();
  };
  CRM_ASSIGN_OR_RETURN(std::string next,
                       Page(context).Fill(request,
                                          {"ListCampaignStatistics", "", *context.reading.core.rows,
                                           CorePrefix(context, kCampaigns)},
                                          visit));
  response.set_next_page_token(std::move(next));
  return response.SerializeAsString();
}

absl::StatusOr<std::string> CompareCampaigns(const QueryContext& context,
                                             const v1::CompareCampaignsRequest&) {
  std::map<v1::Campaign::Type, Group> by_type;
  std::map<std::string, Group> by_category;
  int64_t compared = 0;
  MergedRows rows(*context.reading.core.rows, CorePrefix(context, kCampaigns), "");
  for (; rows.Valid(); rows.Next()) {
    const std::string name = std::string(kCampaigns).append(rows.place());
    CRM_ASSIGN_OR_RETURN(const auto campaign,
                         FindResource<v1::Campaign>(context, rows.partition(), name));
    if (!campaign) continue;
    if (++compared > kMaxCompared) {
      return Error(absl::StatusCode::kFailedPrecondition, "TOO_MANY_CAMPAIGNS",
                   "there are too many campaigns to compare in one call; page through "
                   "ListCampaignStatistics");
    }
    CRM_ASSIGN_OR_RETURN(const Outcomes steps, OutcomesOf(context, name));
    const v1::OutcomeRow sum = Sum(steps);
    by_type[campaign->type()].Add(sum);
    by_category[campaign->category()].Add(sum);
  }
  CRM_RETURN_IF_ERROR(rows.status());
  v1::CompareCampaignsResponse response;
  for (const auto& [type, group] : by_type) {
    group.WriteTo(response.add_by_type());
    response.mutable_by_type()->rbegin()->set_type(type);
  }
  for (const auto& [category, group] : by_category) {
    group.WriteTo(response.add_by_category());
    response.mutable_by_category()->rbegin()->set_category(category);
  }
  return response.SerializeAsString();
}

}  // namespace crm::campaign
