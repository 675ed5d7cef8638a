#include "services/campaign/api/campaign_requests.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "services/campaign/projection/campaign_aggregate.h"

namespace crm::campaign {
namespace {

constexpr int32_t kMaxCapSends = 1000;
constexpr int32_t kMaxCapDays = 3650;

void CheckSteps(const v1::Campaign& campaign, FieldFaults& faults) {
  std::set<std::string_view> seen;
  for (int i = 0; i < campaign.steps_size(); ++i) {
    const v1::Step& step = campaign.steps(i);
    const std::string path = fmt::format("campaign.steps[{}].", i);
    CheckText(path + "subject", TextKind::kLine, step.subject(), faults);
    CheckText(path + "body", TextKind::kLines, step.body(), faults);
    if (!seen.insert(step.step()).second) faults.Add(path + "step", "is there twice");
  }
}

void CheckCap(const v1::FrequencyCap& cap, FieldFaults& faults) {
  if (cap.sends() < 1 || cap.sends() > kMaxCapSends) {
    faults.Add("campaign.cap.sends", fmt::format("must be 1 to {}", kMaxCapSends));
  }
  if (cap.days() < 1 || cap.days() > kMaxCapDays) {
    faults.Add("campaign.cap.days", fmt::format("must be 1 to {}", kMaxCapDays));
  }
}

CampaignContent CheckContent(const v1::Campaign& campaign, FieldFaults& faults) {
  CheckText("campaign.display_name", TextKind::kLine, campaign.display_name(), faults);
  CheckText("campaign.category", TextKind::kLine, campaign.category(), faults);
  const auto start =
      ReadTime("campaign.start_time", campaign.has_start_time(), campaign.start_time(), faults);
  const auto end =
      ReadTime("campaign.end_time", campaign.has_end_time(), campaign.end_time(), faults);
  if (start && end && *end <= *start) faults.Add("campaign.end_time", "must be after start_time");
  if (!campaign.segment().empty()) {
    CheckName("campaign.segment", "segments", campaign.segment(), faults);
  }
  CheckSteps(campaign, faults);
  if (campaign.has_cap()) CheckCap(campaign.cap(), faults);
  return ReadContent(campaign);
}

// Empty = the fields that are set.
CampaignMask ReadMask(const google::protobuf::FieldMask& mask, const CampaignContent& content,
                      FieldFaults& faults) {
  const CampaignContent empty;
  CampaignMask all;
  CampaignMask set;
  ForEachField([&](const char* name, auto field) {
    all.emplace_back(name);
    if (!(content.*field == empty.*field)) set.emplace_back(name);
  });
  if (mask.paths().empty()) return set;
  CampaignMask named(mask.paths().begin(), mask.paths().end());
  if (named == CampaignMask{"*"}) return all;
  const bool known = std::all_of(named.begin(), named.end(), [&](const std::string& path) {
    return std::find(all.begin(), all.end(), path) != all.end();
  });
  if (!known)
    faults.Add("update_mask", fmt::format("may be \"*\" or name {}", fmt::join(all, " ")));
  return named;
}

absl::Status CheckCampaignName(const std::string& name) {
  FieldFaults faults;
  CheckName("name", "campaigns", name, faults);
  return faults.ToStatus();
}

}  // namespace

PreparedCommand CampaignRequests::Create(const Caller& caller,
                                         const v1::CreateCampaignRequest& request,
                                         const NameMaker& names) const {
  const v1::Campaign& campaign = request.campaign();
  FieldFaults faults;
  CampaignContent content = CheckContent(campaign, faults);
  if (campaign.has_external_key()) {
    CheckKey("campaign.external_key", campaign.external_key(), faults);
  }
  CRM_RETURN_IF_ERROR(faults.ToStatus());
  std::string name = campaign.has_external_key()
                         ? CampaignOfKey(caller, campaign.external_key(), names)
                         : names.FromRequest("campaigns", 'k', caller.tenant, request.request_id());
  return CommandAbout<CampaignAggregate>(
      *type_, std::move(name), "", CreateCampaign{std::move(content), ReadExternalKey(campaign)});
}

PreparedCommand CampaignRequests::Update(const Caller&, const v1::UpdateCampaignRequest& request,
                                         const NameMaker&) const {
  const v1::Campaign& campaign = request.campaign();
  FieldFaults faults;
  CheckName("campaign.name", "campaigns", campaign.name(), faults);
  CampaignContent content = CheckContent(campaign, faults);
  CampaignMask mask = ReadMask(request.update_mask(), content, faults);
  CRM_RETURN_IF_ERROR(faults.ToStatus());
  return CommandAbout<CampaignAggregate>(*type_, campaign.name(), campaign.etag(),
                                         UpdateCampaign{std::move(content), std::move(mask)});
}

PreparedCommand CampaignRequests::Launch(const Caller&, const v1::LaunchCampaignRequest& request,
                                         const NameMaker&) const {
  CRM_RETURN_IF_ERROR(CheckCampaignName(request.name()));
  return CommandAbout<CampaignAggregate>(*type_, request.name(), request.etag(),
                                         LaunchCampaign{clock_->Now()});
}

PreparedCommand CampaignRequests::Start(const Caller&, const v1::StartStepRequest& request,
                                        const NameMaker&) const {
  CRM_RETURN_IF_ERROR(CheckCampaignName(request.name()));
  return CommandAbout<CampaignAggregate>(*type_, request.name(), request.etag(),
                                         StartStep{request.step(), clock_->Now()});
}

PreparedCommand CampaignRequests::End(const Caller&, const v1::EndCampaignRequest& request,
                                      const NameMaker&) const {
  CRM_RETURN_IF_ERROR(CheckCampaignName(request.name()));
  return CommandAbout<CampaignAggregate>(*type_, request.name(), request.etag(), EndCampaign{});
}

}  // namespace crm::campaign
