#include "tools/crmctl/report_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <map>

#include "common/base/status.h"
#include "crm/analytics/v1/analytics_service.pb.h"
#include "crm/campaign/v1/campaign_service.pb.h"
#include "crm/contact/v1/contact_service.pb.h"
#include "tools/crmctl/answers.h"
#include "tools/crmctl/report/report.h"

namespace crm::crmctl {
namespace {

constexpr int64_t kSecondsPerDay = 86'400;
constexpr int kCurvePoints = 100;
constexpr int kPage = 1000;
constexpr int32_t kNever = std::numeric_limits<int32_t>::max();

std::string Analytics(const char* method) {
  return std::string("/crm.analytics.v1.AnalyticsService/") + method;
}
std::string Campaigns(const char* method) {
  return std::string("/crm.campaign.v1.CampaignService/") + method;
}

int32_t DayOf(const google::protobuf::Timestamp& time) {
  return static_cast<int32_t>(time.seconds() / kSecondsPerDay);
}

std::string NameOf(const contact::v1::Contact& contact) {
  if (!contact.display_name().empty()) return contact.display_name();
  if (!contact.external_key().key().empty()) return contact.external_key().key();
  return contact.name();
}

std::string NameOf(const campaign::v1::Campaign& campaign) {
  if (!campaign.display_name().empty()) return campaign.display_name();
  if (!campaign.external_key().key().empty()) return campaign.external_key().key();
  return campaign.name();
}

// Gathers what the report shows, section by section.
class ReportReader {
 public:
  ReportReader(RpcClient& client, const ReportArguments& arguments)
      : client_(client), arguments_(arguments) {
    report_.title = arguments.title;
    report_.currency.code = arguments.currency;
    report_.currency.minor_digits = CurrencyDecimals(arguments.currency);
  }

  absl::StatusOr<Report> Read() {
    CRM_RETURN_IF_ERROR(ReadSales());
    CRM_RETURN_IF_ERROR(ReadTypes());
    CRM_RETURN_IF_ERROR(ReadCampaigns());
    CRM_RETURN_IF_ERROR(ReadConcentration());
    CRM_RETURN_IF_ERROR(ReadRfm());
    CRM_RETURN_IF_ERROR(ReadTopCustomers());
    CRM_RETURN_IF_ERROR(ReadCustomer());
    return std::move(report_);
  }

 private:
  absl::Status ReadSales() {
    analytics::v1::SalesTotals totals;
    CRM_RETURN_IF_ERROR(
        client_.Call(Analytics("GetSalesTotals"), analytics::v1::GetSalesTotalsRequest(), &totals));
    for (const auto& sales : totals.sales()) {
      report_.facts.push_back({"Customers who bought", WithThousands(sales.customers())});
      report_.facts.push_back({"Orders", WithThousands(sales.orders())});
      report_.facts.push_back({"Sales", MoneyText(sales.amount_minor(), sales.currency_code())});
    }
    return absl::OkStatus();
  }

  absl::Status ReadTypes() {
    campaign::v1::CompareCampaignsResponse compared;
    CRM_RETURN_IF_ERROR(client_.Call(Campaigns("CompareCampaigns"),
                                     campaign::v1::CompareCampaignsRequest(), &compared));
    for (const auto& group : compared.by_category()) {
      if (group.contacts_sent() == 0) continue;
      const std::string type = group.category().empty() ? "no category" : group.category();
      report_.campaign_types.push_back({type, group.contacts_sent(), group.responders()});
    }
    return absl::OkStatus();
  }

  absl::Status ReadCampaigns() {
    campaign::v1::ListCampaignsRequest request;
    request.set_page_size(kPage);
    campaign::v1::ListCampaignsResponse campaigns;
    CRM_RETURN_IF_ERROR(client_.Call(Campaigns("ListCampaigns"), request, &campaigns));
    campaign::v1::ListCampaignStatisticsRequest all;
    all.set_page_size(kPage);
    campaign::v1::ListCampaignStatisticsResponse statistics;
    CRM_RETURN_IF_ERROR(client_.Call(Campaigns("ListCampaignStatistics"), all, &statistics));
    std::map<std::string, campaign::v1::CampaignStatistics> by_name;
    for (const auto& each : statistics.statistics()) by_name[each.campaign()] = each;
    for (const auto& campaign : campaigns.campaigns()) {
      const auto& counted = by_name[campaign.name()];
      names_[campaign.name()] = NameOf(campaign);
      CampaignRow row{NameOf(campaign), campaign.category(),     std::nullopt,
                      std::nullopt,     counted.contacts_sent(), counted.responders()};
      if (campaign.has_start_time()) row.start_day = DayOf(campaign.start_time());
      if (campaign.has_end_time()) row.end_day = DayOf(campaign.end_time());
      report_.campaigns.push_back(std::move(row));
    }
    std::stable_sort(report_.campaigns.begin(), report_.campaigns.end(),
                     [](const CampaignRow& a, const CampaignRow& b) {
                       return a.start_day.value_or(kNever) < b.start_day.value_or(kNever);
                     });
    return absl::OkStatus();
  }

  absl::Status ReadConcentration() {
    analytics::v1::GetConcentrationRequest request;
    request.set_currency_code(arguments_.currency);
    request.add_top_fractions(0.2);
    request.set_curve_points(kCurvePoints);
    analytics::v1::Concentration answer;
    CRM_RETURN_IF_ERROR(client_.Call(Analytics("GetConcentration"), request, &answer));
    for (const auto& point : answer.curve()) {
      report_.concentration.curve.push_back({point.fraction(), point.share()});
    }
    if (answer.top_size() > 0) {
      report_.concentration.highlight = {answer.top(0).fraction(), answer.top(0).share()};
    }
    return absl::OkStatus();
  }

  absl::Status ReadRfm() {
    analytics::v1::RfmSegments segments;
    CRM_RETURN_IF_ERROR(client_.Call(Analytics("GetRfmSegments"),
                                     analytics::v1::GetRfmSegmentsRequest(), &segments));
    if (segments.contacts() == 0) return absl::OkStatus();
    report_.rfm.emplace();
    for (const auto& segment : segments.segments()) {
      report_.rfm->at(static_cast<size_t>(segment.recency_score() - 1))
          .at(static_cast<size_t>(segment.frequency_score() - 1)) = segment.contacts();
    }
    return absl::OkStatus();
  }

  absl::Status ReadTopCustomers() {
    analytics::v1::ListContactScoresRequest request;
    request.set_order_by("value.lifetime_value_minor desc");
    request.set_page_size(arguments_.top_customers);
    analytics::v1::ListContactScoresResponse answer;
    CRM_RETURN_IF_ERROR(client_.Call(Analytics("ListContactScores"), request, &answer));
    for (const auto& scores : answer.scores()) {
      const auto& value = scores.value();
      report_.top_customers.push_back({CustomerName(scores.name()), value.lifetime_value_minor(),
                                       value.alive_probability(), value.expected_purchases(),
                                       value.expected_spend_minor()});
    }
    return absl::OkStatus();
  }

  // As people know the contact; its name where the contact is not known.
  std::string CustomerName(const std::string& scores) {
    contact::v1::GetContactRequest request;
    request.set_name(scores.substr(0, scores.rfind('/')));
    contact::v1::Contact contact;
    const absl::Status status =
        client_.Call("/crm.contact.v1.ContactService/GetContact", request, &contact);
    return status.ok() ? NameOf(contact) : request.name();
  }

  absl::Status ReadCustomer() {
    if (arguments_.customer.name.empty() && arguments_.customer.key.empty()) {
      return absl::OkStatus();
    }
    analytics::v1::GetCustomer360Request request;
    request.set_timeline_size(kPage);
    request.set_sends_size(kPage);
    request.set_responses_size(kPage);
    if (!arguments_.customer.name.empty()) {
      request.set_name(arguments_.customer.name);
    } else {
      CRM_ASSIGN_OR_RETURN(*request.mutable_external_key(), ParseKey(arguments_.customer.key));
    }
    analytics::v1::Customer360 customer;
    CRM_RETURN_IF_ERROR(client_.Call(Analytics("GetCustomer360"), request, &customer));
    report_.customer.emplace();
    AddProfile(customer, *report_.customer);
    AddTimeline(customer, *report_.customer);
    return ReadStages(customer.contact(), *report_.customer);
  }

  void AddProfile(const analytics::v1::Customer360& customer, CustomerStory& story) {
    const auto& contact = customer.profile().contact();
    story.name = NameOf(contact);
    story.profile.push_back({"Name in the CRM", customer.contact()});
    for (const std::string& tag : contact.tags()) story.profile.push_back({"Tag", tag});
    for (const auto& sales : customer.totals().sales()) {
      story.profile.push_back({"Orders", WithThousands(sales.orders())});
      story.profile.push_back({"Sales", MoneyText(sales.amount_minor(), sales.currency_code())});
    }
    const auto& scores = customer.scores().scores();
    if (scores.has_rfm()) story.scores.push_back({"RFM", std::to_string(scores.rfm().score())});
    if (scores.has_value()) {
      story.scores.push_back(
          {"P(alive)", fmt::format("{:.4f}", scores.value().alive_probability())});
    }
    for (const auto& consent : customer.consents().consents()) {
      ConsentRow row{consent.purpose(), consent.channel(),
                     EnumText(contact::v1::Consent::State_Name(consent.state())),
                     consent.wording_version(), std::nullopt};
      if (consent.has_decided_time()) row.day = DayOf(consent.decided_time());
      story.consents.push_back(std::move(row));
    }
    for (const auto& membership : customer.memberships().memberships()) {
      story.memberships.push_back(membership.segment());
    }
  }

  std::string CampaignName(const std::string& name) const {
    const auto found = names_.find(name);
    return found == names_.end() ? name : found->second;
  }

  void AddTimeline(const analytics::v1::Customer360& customer, CustomerStory& story) const {
    using Kind = TimelineEntry::Kind;
    for (const auto& entry : customer.timeline().entries()) {
      const int32_t day = DayOf(entry.occurred_time());
      if (entry.has_order()) {
        story.timeline.push_back({Kind::kOrder, day, fmt::format("{} lines", entry.order().lines()),
                                  entry.order().total_minor()});
      } else {
        story.timeline.push_back(
            {Kind::kInteraction, day, entry.interaction().channel(), std::nullopt});
      }
    }
    for (const auto& send : customer.sends().sends()) {
      const std::string text = fmt::format("campaign {}, {}", CampaignName(send.campaign()),
                                           EnumText(campaign::v1::Send::State_Name(send.state())));
      story.timeline.push_back({Kind::kSend, DayOf(send.decide_time()), text, std::nullopt});
    }
    for (const auto& response : customer.responses().responses()) {
      const std::string text =
          fmt::format("{} of campaign {}", response.kind(), CampaignName(response.campaign()));
      story.timeline.push_back(
          {Kind::kResponse, DayOf(response.response_time()), text, std::nullopt});
    }
  }

  // A contact that never moved has no stages to tell of.
  absl::Status ReadStages(const std::string& contact, CustomerStory& story) {
    contact::v1::ListLifecycleRevisionsRequest request;
    request.set_name(contact + "/lifecycle");
    contact::v1::ListLifecycleRevisionsResponse answer;
    const absl::Status status =
        client_.Call("/crm.contact.v1.ContactService/ListLifecycleRevisions", request, &answer);
    if (status.code() == absl::StatusCode::kNotFound) return absl::OkStatus();
    CRM_RETURN_IF_ERROR(status);
    for (const auto& revision : answer.revisions()) {
      const auto& stage = revision.lifecycle();
      story.stages.push_back({EnumText(contact::v1::LifecycleStage_Name(stage.stage())),
                              DayOf(stage.stage_time()), stage.reason()});
    }
    return absl::OkStatus();
  }

  RpcClient& client_;
  const ReportArguments& arguments_;
  Report report_;
  // Of campaigns.
  std::map<std::string, std::string> names_;
};

}  // namespace

absl::Status WriteReport(RpcClient& client, Console& console, const ReportArguments& arguments) {
  CRM_ASSIGN_OR_RETURN(const Report report, ReportReader(client, arguments).Read());
  std::ofstream file(arguments.file, std::ios::binary | std::ios::trunc);
  file << RenderReport(report);
  file.close();
  if (!file) {
    return Error(
        absl::StatusCode::kInvalidArgument, "FILE_UNWRITABLE",
        fmt::format("cannot write {}: check the path and its permissions", arguments.file));
  }
  if (!console.json) console.out << fmt::format("The report is in {}\n", arguments.file);
  return absl::OkStatus();
}

}  // namespace crm::crmctl
