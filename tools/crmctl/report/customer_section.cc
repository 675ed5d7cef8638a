#include <fmt/format.h>

#include <algorithm>

#include "tools/crmctl/report/charts.h"
#include "tools/crmctl/report/figures.h"
#include "tools/crmctl/report/sections.h"

namespace crm::crmctl {
namespace {

// Rows of the time line's table: the latest.
constexpr size_t kMostEntries = 100;

std::string KindOf(const TimelineEntry& entry) {
  switch (entry.kind) {
    case TimelineEntry::Kind::kOrder:
      return "Order";
    case TimelineEntry::Kind::kSend:
      return "Send";
    case TimelineEntry::Kind::kResponse:
      return "Response";
    case TimelineEntry::Kind::kInteraction:
      return "Interaction";
  }
  return {};
}

void Stages(const std::vector<StageRow>& stages, Markup& out) {
  out.Leaf("h3", "Life cycle");
  if (stages.empty()) return NoData("No stage is recorded.", out);
  BeginTable("", {{"Stage"}, {"Since"}, {"Reason"}}, out);
  for (const StageRow& stage : stages) {
    Row({{stage.stage}, {Date(stage.day)}, {stage.reason}}, out);
  }
  EndTable(out);
}

void Consents(const std::vector<ConsentRow>& consents, Markup& out) {
  out.Leaf("h3", "Consents");
  if (consents.empty()) return NoData("No consent was ever given.", out);
  BeginTable("", {{"Purpose"}, {"Channel"}, {"State"}, {"Since"}, {"Wording"}}, out);
  for (const ConsentRow& consent : consents) {
    Row({{consent.purpose},
         {consent.channel},
         {consent.state},
         {consent.day.has_value() ? Date(*consent.day) : ""},
         {consent.wording_version}},
        out);
  }
  EndTable(out);
}

void Memberships(const std::vector<std::string>& memberships, Markup& out) {
  out.Leaf("h3", "Segments and campaigns");
  if (memberships.empty()) return NoData("In none.", out);
  out.Begin("ul", {{"class", "chips"}});
  for (const std::string& membership : memberships) out.Leaf("li", membership);
  out.End();
}

void EntriesTable(const std::vector<TimelineEntry>& latest_first, const Currency& currency,
                  Markup& out) {
  const size_t shown = std::min(latest_first.size(), kMostEntries);
  out.Begin("details");
  out.Leaf("summary", shown == latest_first.size()
                          ? fmt::format("All {} entries", shown)
                          : fmt::format("The latest {} of {} entries", shown, latest_first.size()));
  BeginTable("", {{"Date"}, {"What"}, {"Details"}, {"Amount", true}}, out);
  for (size_t i = 0; i < shown; ++i) {
    const TimelineEntry& entry = latest_first[i];
    const std::string amount =
        entry.amount_minor.has_value() ? Money(currency, *entry.amount_minor) : "";
    Row({{Date(entry.day)}, {KindOf(entry)}, {entry.text}, {amount, true}}, out);
  }
  EndTable(out);
  out.End();
}

void Timeline(std::vector<TimelineEntry> timeline, const Currency& currency, Markup& out) {
  out.Leaf("h3", "Time line");
  if (timeline.empty()) return NoData("Nothing happened yet.", out);
  std::stable_sort(timeline.begin(), timeline.end(),
                   [](const auto& a, const auto& b) { return a.day > b.day; });
  out.Begin("figure");
  DrawTimeline("timeline", "Orders, sends, responses and interactions over time", timeline, out);
  out.Leaf("figcaption", "The height of an order is its amount.");
  out.End();
  EntriesTable(timeline, currency, out);
}

}  // namespace

void CustomerSection(const CustomerStory& customer, const Currency& currency, Markup& out) {
  out.Leaf("p", customer.name, {{"class", "lead"}});
  if (!customer.profile.empty()) Facts(customer.profile, "profile", out);
  out.Leaf("h3", "Scores");
  if (customer.scores.empty()) {
    NoData("No scores are computed.", out);
  } else {
    Facts(customer.scores, "scores", out);
  }
  Stages(customer.stages, out);
  Consents(customer.consents, out);
  Memberships(customer.memberships, out);
  Timeline(customer.timeline, currency, out);
}

}  // namespace crm::crmctl
