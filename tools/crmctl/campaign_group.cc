#include <fmt/format.h>

#include <limits>

#include "crm/campaign/v1/campaign_service.pb.h"
#include "tools/crmctl/answers.h"
#include "tools/crmctl/cell_values.h"
#include "tools/crmctl/command_groups.h"

namespace crm::crmctl {
namespace {

using namespace campaign::v1;  // NOLINT: this file is about nothing else

constexpr char kSegmentFooter[] = R"(
Filters are written as in docs/segments.md, for example
  orders.count >= 10 AND tag("age:45-54")
  value.alive_probability < 0.5 AND rfm.monetary >= 4

Example:
  crmctl segment create --name "at risk" --filter 'value.alive_probability < 0.5')";

constexpr char kCampaignFooter[] = R"(
--step is ID:CHANNEL:PURPOSE, may repeat, in the order they are to be sent.

Example:
  crmctl campaign create --name "Come back" --type win-back --segment segments/s… \
      --step hello:email:marketing --cap 2/30 --subject "We miss you" --body "Dear customer, …")";

constexpr int kRefusalsShown = 1000;

std::string Method(const char* name) {
  return std::string("/crm.campaign.v1.CampaignService/") + name;
}

absl::Status Malformed(const std::string& what) {
  return Error(absl::StatusCode::kInvalidArgument, "ARGUMENT_MALFORMED", what);
}

// Everything a list holds, a page after the other.
template <typename Item, typename Request, typename Response>
absl::StatusOr<google::protobuf::RepeatedPtrField<Item>> AllPages(
    RpcClient& client, const char* method, Request request,
    const google::protobuf::RepeatedPtrField<Item>& (Response::*items)() const) {
  google::protobuf::RepeatedPtrField<Item> all;
  request.set_page_size(1000);
  do {
    Response page;
    CRM_RETURN_IF_ERROR(client.Call(Method(method), request, &page));
    all.MergeFrom((page.*items)());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return all;
}

// --- segments

struct SegmentArguments {
  std::string name;
  std::string display_name;
  std::string filter;
  bool snapshot = false;
  std::string request_id;
  int page_size = 0;
};

void PrintSegments(Console& console, const google::protobuf::RepeatedPtrField<Segment>& segments) {
  PrintList(console, {{"NAME"}, {"KIND"}, {"CALLED"}, {"FILTER"}}, segments,
            [](const Segment& segment) -> std::vector<std::string> {
              return {segment.name(), EnumText(Segment::Kind_Name(segment.kind())),
                      segment.display_name(), segment.filter()};
            });
}

absl::Status CreateOneSegment(RpcClient& client, Console& console, const SegmentArguments& to) {
  CreateSegmentRequest request;
  request.set_request_id(to.request_id);
  request.mutable_segment()->set_display_name(to.display_name);
  request.mutable_segment()->set_filter(to.filter);
  request.mutable_segment()->set_kind(to.snapshot ? Segment::SNAPSHOT : Segment::DYNAMIC);
  google::protobuf::RepeatedPtrField<Segment> created;
  CRM_RETURN_IF_ERROR(client.Call(Method("CreateSegment"), request, created.Add()));
  PrintSegments(console, created);
  return absl::OkStatus();
}

absl::Status ListAllSegments(RpcClient& client, Console& console) {
  CRM_ASSIGN_OR_RETURN(const auto segments,
                       AllPages<Segment>(client, "ListSegments", ListSegmentsRequest(),
                                         &ListSegmentsResponse::segments));
  PrintSegments(console, segments);
  return absl::OkStatus();
}

// Every page for programs and for counting; people see the first.
absl::Status ListMembers(RpcClient& client, Console& console, const SegmentArguments& to) {
  ListSegmentMembersRequest request;
  request.set_segment(to.name);
  request.set_page_size(1000);
  int64_t count = 0;
  do {
    ListSegmentMembersResponse response;
    CRM_RETURN_IF_ERROR(client.Call(Method("ListSegmentMembers"), request, &response));
    for (const std::string& contact : response.contacts()) {
      if (console.json) {
        console.out << fmt::format(R"({{"contact":"{}"}})", contact) << '\n';
      } else if (count < to.page_size) {
        console.out << contact << '\n';
      }
      ++count;
    }
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  if (!console.json) console.out << WithThousands(count) << " contacts\n";
  return absl::OkStatus();
}

void AddSegmentCommands(CommandTree& tree) {
  CLI::App* group = tree.AddGroup(&tree.app(), "segment", "Target groups");
  auto* to = tree.Keep<SegmentArguments>();
  CLI::App* create = tree.AddCall(
      group, "create", "Define one",
      [to](RpcClient& client, Console& console) { return CreateOneSegment(client, console, *to); });
  create->footer(kSegmentFooter);
  create->add_option("--filter", to->filter, "Which contacts")->required();
  create->add_option("--name", to->display_name, "What people call it");
  create->add_flag("--snapshot", to->snapshot, "Those that match now; does not follow the facts");
  create->add_option("--request-id", to->request_id, "A repeat with the same id changes nothing");
  tree.AddCall(group, "list", "All of them", ListAllSegments);
  CLI::App* members = tree.AddCall(
      group, "members", "The contacts in one",
      [to](RpcClient& client, Console& console) { return ListMembers(client, console, *to); });
  members->add_option("NAME", to->name, "segments/{id}")->required();
  members->add_option("--show", to->page_size, "How many to print; all are counted");
}

// --- campaigns

struct CampaignArguments {
  std::string name;
  std::string display_name;
  std::string category;
  std::string type;
  std::string segment;
  std::vector<std::string> steps;
  std::string cap;
  std::string subject;
  std::string body;
  std::string step;
  std::string request_id;
  int show = kRefusalsShown;
};

absl::StatusOr<Step> ParseStep(const std::string& text, const CampaignArguments& to) {
  const size_t first = text.find(':');
  const size_t second = text.find(':', first + 1);
  if (first == std::string::npos || second == std::string::npos) {
    return Malformed("--step takes ID:CHANNEL:PURPOSE, e.g. hello:email:marketing");
  }
  Step step;
  step.set_step(text.substr(0, first));
  step.set_channel(text.substr(first + 1, second - first - 1));
  step.set_purpose(text.substr(second + 1));
  step.set_subject(to.subject);
  step.set_body(to.body);
  return step;
}

absl::Status ParseCap(const std::string& text, FrequencyCap* cap) {
  const size_t slash = text.find('/');
  const auto sends = ParseWhole(text.substr(0, slash));
  const auto days = slash == std::string::npos ? std::nullopt : ParseWhole(text.substr(slash + 1));
  const auto fits = [](const std::optional<int64_t>& number) {
    return number && *number >= 0 && *number <= std::numeric_limits<int32_t>::max();
  };
  if (!fits(sends) || !fits(days)) return Malformed("--cap takes SENDS/DAYS, e.g. 2/30");
  cap->set_sends(static_cast<int32_t>(*sends));
  cap->set_days(static_cast<int32_t>(*days));
  return absl::OkStatus();
}

Campaign::Type TypeOf(const std::string& type) {
  if (type == "win-back") return Campaign::WIN_BACK;
  if (type == "prospecting") return Campaign::PROSPECTING;
  if (type == "loyalty") return Campaign::LOYALTY;
  return type == "cross-sell" ? Campaign::CROSS_SELL : Campaign::TYPE_UNSPECIFIED;
}

void PrintCampaigns(Console& console,
                    const google::protobuf::RepeatedPtrField<Campaign>& campaigns) {
  PrintList(console, {{"NAME"}, {"KEY"}, {"TYPE"}, {"STATE"}, Right("STEPS"), {"CALLED"}},
            campaigns, [](const Campaign& campaign) -> std::vector<std::string> {
              return {campaign.name(),
                      campaign.external_key().key(),
                      campaign.category().empty() ? EnumText(Campaign::Type_Name(campaign.type()))
                                                  : campaign.category(),
                      EnumText(Campaign::State_Name(campaign.state())),
                      fmt::format("{}/{}", campaign.steps_started(), campaign.steps_size()),
                      campaign.display_name()};
            });
}

template <typename Request>
absl::Status CallAndPrint(RpcClient& client, Console& console, const char* method,
                          const Request& request) {
  google::protobuf::RepeatedPtrField<Campaign> answered;
  CRM_RETURN_IF_ERROR(client.Call(Method(method), request, answered.Add()));
  PrintCampaigns(console, answered);
  return absl::OkStatus();
}

absl::Status CreateOneCampaign(RpcClient& client, Console& console, const CampaignArguments& to) {
  CreateCampaignRequest request;
  request.set_request_id(to.request_id);
  Campaign* campaign = request.mutable_campaign();
  campaign->set_display_name(to.display_name);
  campaign->set_category(to.category);
  campaign->set_type(TypeOf(to.type));
  campaign->set_segment(to.segment);
  for (const std::string& step : to.steps) {
    CRM_ASSIGN_OR_RETURN(*campaign->add_steps(), ParseStep(step, to));
  }
  if (!to.cap.empty()) CRM_RETURN_IF_ERROR(ParseCap(to.cap, campaign->mutable_cap()));
  return CallAndPrint(client, console, "CreateCampaign", request);
}

absl::Status Launch(RpcClient& client, Console& console, const CampaignArguments& to) {
  LaunchCampaignRequest request;
  request.set_name(to.name);
  return CallAndPrint(client, console, "LaunchCampaign", request);
}

absl::Status StartOneStep(RpcClient& client, Console& console, const CampaignArguments& to) {
  StartStepRequest request;
  request.set_name(to.name);
  request.set_step(to.step);
  return CallAndPrint(client, console, "StartStep", request);
}

absl::Status End(RpcClient& client, Console& console, const CampaignArguments& to) {
  EndCampaignRequest request;
  request.set_name(to.name);
  return CallAndPrint(client, console, "EndCampaign", request);
}

absl::Status ListAllCampaigns(RpcClient& client, Console& console) {
  CRM_ASSIGN_OR_RETURN(const auto campaigns,
                       AllPages<Campaign>(client, "ListCampaigns", ListCampaignsRequest(),
                                          &ListCampaignsResponse::campaigns));
  PrintCampaigns(console, campaigns);
  return absl::OkStatus();
}

int64_t RefusedOf(const SendCounts& counts) {
  int64_t refused = 0;
  for (const ReasonCount& reason : counts.refused()) refused += reason.count();
  return refused;
}

// One row of counts, after the cells that name it.
template <typename Counted>
std::vector<std::string> CountCells(std::vector<std::string> named, const Counted& counted) {
  const SendCounts& counts = counted.counts();
  for (const int64_t number :
       {counts.decided(), counts.handed_off() + counts.recorded(), RefusedOf(counts),
        counts.responses(), counted.contacts_sent(), counted.responders()}) {
    named.push_back(WithThousands(number));
  }
  named.push_back(PercentText(counted.response_rate()));
  return named;
}

std::vector<Table::Column> CountColumns(std::vector<Table::Column> named) {
  for (const char* heading :
       {"DECIDED", "SENT", "REFUSED", "RESPONSES", "CONTACTS", "RESPONDED", "RATE"}) {
    named.push_back(Right(heading));
  }
  return named;
}

absl::Status Statistics(RpcClient& client, Console& console) {
  CRM_ASSIGN_OR_RETURN(const auto statistics_of_all,
                       AllPages<CampaignStatistics>(client, "ListCampaignStatistics",
                                                    ListCampaignStatisticsRequest(),
                                                    &ListCampaignStatisticsResponse::statistics));
  PrintList(console, CountColumns({{"CAMPAIGN"}, {"CALLED"}}), statistics_of_all,
            [](const CampaignStatistics& statistics) {
              return CountCells({statistics.campaign(), statistics.display_name()}, statistics);
            });
  return absl::OkStatus();
}

absl::Status Compare(RpcClient& client, Console& console) {
  CompareCampaignsResponse response;
  CRM_RETURN_IF_ERROR(
      client.Call(Method("CompareCampaigns"), CompareCampaignsRequest(), &response));
  PrintList(console, CountColumns({{"CATEGORY"}, Right("CAMPAIGNS")}), response.by_category(),
            [](const GroupStatistics& group) {
              return CountCells({group.category(), WithThousands(group.campaigns())}, group);
            });
  return absl::OkStatus();
}

absl::Status Refusals(RpcClient& client, Console& console, const CampaignArguments& to) {
  ListRefusalsRequest request;
  request.set_campaign(to.name);
  request.set_page_size(to.show);
  ListRefusalsResponse response;
  CRM_RETURN_IF_ERROR(client.Call(Method("ListRefusals"), request, &response));
  PrintList(console, {{"CONTACT"}, {"STEP"}, {"STATE"}, {"REASON"}}, response.refusals(),
            [](const Send& send) -> std::vector<std::string> {
              return {send.contact(), send.step(), EnumText(Send::State_Name(send.state())),
                      send.reason()};
            });
  return absl::OkStatus();
}

void AddCreateCampaign(CommandTree& tree, CLI::App* group) {
  auto* to = tree.Keep<CampaignArguments>();
  CLI::App* create =
      tree.AddCall(group, "create", "Draft one", [to](RpcClient& client, Console& console) {
        return CreateOneCampaign(client, console, *to);
      });
  create->footer(kCampaignFooter);
  create->add_option("--name", to->display_name, "What people call it");
  create->add_option("--type", to->type, "What it is for")
      ->check(CLI::IsMember({"win-back", "prospecting", "loyalty", "cross-sell"}));
  create->add_option("--category", to->category, "What statistics group by");
  create->add_option("--segment", to->segment, "Whom it writes to")->required();
  create->add_option("--step", to->steps, "ID:CHANNEL:PURPOSE")
      ->required()
      ->allow_extra_args(false);
  create->add_option("--cap", to->cap, "At most SENDS/DAYS to one contact, of all campaigns");
  create->add_option("--subject", to->subject, "Of the message");
  create->add_option("--body", to->body, "Of the message");
  create->add_option("--request-id", to->request_id, "A repeat with the same id changes nothing");
}

void AddSendCommands(CommandTree& tree) {
  CLI::App* group = tree.AddGroup(&tree.app(), "send", "What was sent to a contact, and why not");
  auto* contact = tree.Keep<ContactChoice>();
  CLI::App* list = tree.AddCall(
      group, "list", "Decisions and sends of one contact",
      [contact](RpcClient& client, Console& console) -> absl::Status {
        ListSendsRequest request;
        CRM_RETURN_IF_ERROR(SetContact(*contact, &request));
        ListSendsResponse response;
        CRM_RETURN_IF_ERROR(client.Call(Method("ListSends"), request, &response));
        PrintList(console, {{"TIME"}, {"CAMPAIGN"}, {"STEP"}, {"CHANNEL"}, {"STATE"}, {"REASON"}},
                  response.sends(), [](const Send& send) -> std::vector<std::string> {
                    return {TimeText(send, "decide_time"),
                            send.campaign(),
                            send.step(),
                            send.channel(),
                            EnumText(Send::State_Name(send.state())),
                            send.reason()};
                  });
        return absl::OkStatus();
      });
  CommandTree::AddContactChoice(list, contact);
}

}  // namespace

void AddCampaignCommands(CommandTree& tree) {
  AddSegmentCommands(tree);
  CLI::App* group = tree.AddGroup(&tree.app(), "campaign", "Campaigns and what came of them");
  AddCreateCampaign(tree, group);
  auto* to = tree.Keep<CampaignArguments>();
  const auto add = [&](const char* name, const char* what, auto run) {
    CLI::App* command = tree.AddCall(
        group, name, what,
        [to, run](RpcClient& client, Console& console) { return run(client, console, *to); });
    command->add_option("NAME", to->name, "campaigns/{id}")->required();
    return command;
  };
  add("launch", "Let the first step go", Launch);
  add("start-step", "Let the next step go", StartOneStep)
      ->add_option("STEP", to->step, "Its id")
      ->required();
  add("end", "Start no further step", End);
  add("refusals", "Whom it did not write to, and why", Refusals)
      ->add_option("--show", to->show, "How many, up to 1000")
      ->check(CLI::Range(1, kRefusalsShown));
  tree.AddCall(group, "list", "All of them", ListAllCampaigns);
  tree.AddCall(group, "statistics", "What came of each", Statistics);
  tree.AddCall(group, "compare", "What came of them, by category", Compare);
  AddSendCommands(tree);
}

}  // namespace crm::crmctl
