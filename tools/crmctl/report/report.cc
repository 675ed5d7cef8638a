#include "tools/crmctl/report/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tools/crmctl/report/charts.h"
#include "tools/crmctl/report/figures.h"
#include "tools/crmctl/report/sections.h"
#include "tools/crmctl/report/style.h"
#include "tools/crmctl/table.h"

namespace crm::crmctl {
namespace {

constexpr int kHeatLevels = 5;

double Share(int64_t part, int64_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0;
}

std::string Of(int64_t part, int64_t whole) {
  return WithThousands(part) + " of " + WithThousands(whole);
}

void ResponseSection(const Report& report, Markup& out) {
  if (report.campaign_types.empty()) return NoData("No campaign was sent.", out);
  std::vector<Bar> bars;
  for (const CampaignTypeRow& row : report.campaign_types) {
    bars.push_back({row.type, Share(row.responses, row.sends),
                    Rate(row.responses, row.sends) + "  \u00B7  " + Of(row.responses, row.sends)});
  }
  out.Begin("figure");
  DrawBars("response", "Response rate by campaign type", bars, out);
  out.Leaf("figcaption", "Customers who responded, of those a campaign was sent to.");
  out.End();
}

void CampaignsSection(const Report& report, Markup& out) {
  if (report.campaigns.empty()) return NoData("There is no campaign.", out);
  const auto date = [](const std::optional<int32_t>& day) { return day ? Date(*day) : ""; };
  BeginTable("",
             {{"Campaign"},
              {"Type"},
              {"From"},
              {"To"},
              {"Sent to", true},
              {"Responded", true},
              {"Rate", true}},
             out);
  for (const CampaignRow& row : report.campaigns) {
    Row({{row.name},
         {row.type},
         {date(row.start_day)},
         {date(row.end_day)},
         {WithThousands(row.sends), true},
         {WithThousands(row.responses), true},
         {Rate(row.responses, row.sends), true}},
        out);
  }
  EndTable(out);
}

void ConcentrationSection(const Report& report, Markup& out) {
  const Concentration& concentration = report.concentration;
  if (concentration.curve.empty()) return NoData("There are no sales.", out);
  out.Begin("figure");
  DrawConcentration("concentration", "Share of sales held by the top customers", concentration,
                    out);
  out.Leaf("figcaption", "The dotted line is where all customers would buy the same.");
  out.End();
  out.Begin("details").Leaf("summary", "Figures of the curve");
  BeginTable("", {{"Top customers"}, {"Share of sales", true}}, out);
  for (const ConcentrationRow& row : concentration.curve) {
    Row({{Percent(row.customers, 0)}, {Percent(row.sales), true}}, out);
  }
  EndTable(out);
  out.End();
}

int64_t Largest(const RfmCounts& counts) {
  int64_t most = 0;
  for (const auto& row : counts) most = std::max(most, *std::max_element(row.begin(), row.end()));
  return most;
}

// Nobody is level 0; levels are even in the count's square root, so that small segments differ too.
int HeatLevel(int64_t count, int64_t most) {
  if (count <= 0 || most <= 0) return 0;
  const double level = std::ceil(kHeatLevels * std::sqrt(Share(count, most)));
  return std::clamp(static_cast<int>(level), 1, kHeatLevels);
}

void RfmSection(const Report& report, Markup& out) {
  if (!report.rfm.has_value()) return NoData("No scores are computed.", out);
  const int64_t most = Largest(*report.rfm);
  out.Begin(
      "div",
      {{"class", "scroll"}, {"tabindex", "0"}, {"role", "group"}, {"aria-label", "RFM segments"}});
  out.Begin("table", {{"class", "heat"}});
  out.Leaf("caption", "Customers by recency (5 bought last) and frequency (5 bought most often).");
  out.Begin("thead").Begin("tr");
  out.Leaf("th", "Recency", {{"scope", "col"}});
  for (int frequency = 1; frequency <= 5; ++frequency) {
    out.Leaf("th", fmt::format("Frequency {}", frequency), {{"scope", "col"}});
  }
  out.End().End().Begin("tbody");
  for (int recency = 5; recency >= 1; --recency) {
    out.Begin("tr").Leaf("th", fmt::format("{}", recency), {{"scope", "row"}});
    for (const int64_t count : (*report.rfm)[recency - 1]) {
      out.Leaf("td", WithThousands(count), {{"class", fmt::format("h{}", HeatLevel(count, most))}});
    }
    out.End();
  }
  out.End().End().End();
}

double LargestValue(const std::vector<ValueRow>& rows) {
  double most = 0;
  for (const ValueRow& row : rows) {
    if (std::isfinite(row.lifetime_value_minor)) most = std::max(most, row.lifetime_value_minor);
  }
  return most;
}

void ValueSection(const Report& report, Markup& out) {
  if (report.top_customers.empty()) return NoData("No values are computed.", out);
  const double most = LargestValue(report.top_customers);
  BeginTable(
      "",
      {{"Customer"}, {"Expected value"}, {"P(alive)"}, {"Purchases", true}, {"Spend each", true}},
      out);
  for (const ValueRow& row : report.top_customers) {
    out.Begin("tr").Leaf("th", row.customer, {{"scope", "row"}});
    MeterCell(most > 0 ? row.lifetime_value_minor / most : 0,
              Money(report.currency, row.lifetime_value_minor), out);
    MeterCell(row.alive_probability, Percent(row.alive_probability, 1), out);
    out.Leaf("td", Decimal(row.expected_purchases, 1), {{"class", "number"}});
    out.Leaf("td", Money(report.currency, row.expected_spend_minor), {{"class", "number"}});
    out.End();
  }
  EndTable(out);
}

void OneCustomerSection(const Report& report, Markup& out) {
  if (!report.customer.has_value()) return NoData("No customer was chosen.", out);
  CustomerSection(*report.customer, report.currency, out);
}

Markup::Attributes StyleOf(const Cell& cell) {
  if (!cell.number) return {};
  return {{"class", "number"}};
}

struct Section {
  std::string_view id;
  std::string_view title;
  std::string_view lead;
  void (*write)(const Report&, Markup&);
};

constexpr Section kSections[] = {
    {"responses", "Response by campaign type", "", ResponseSection},
    {"campaigns", "Campaigns", "", CampaignsSection},
    {"sales", "Concentration of sales", "", ConcentrationSection},
    {"segments", "RFM segments", "", RfmSection},
    {"value", "Most valuable customers",
     "What customers are expected to bring, and how likely it is that they still buy.",
     ValueSection},
    {"customer", "One customer", "", OneCustomerSection},
};

void Head(const Report& report, Markup& out) {
  out.Begin("head");
  out.Empty("meta", {{"charset", "utf-8"}});
  out.Empty("meta", {{"http-equiv", "Content-Security-Policy"},
                     {"content", "default-src 'none'; style-src 'unsafe-inline'"}});
  out.Empty("meta", {{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}});
  out.Leaf("title", report.title);
  out.Style(ReportStyle());
  out.End();
}

void PageHeader(const Report& report, Markup& out) {
  out.Begin("header").Leaf("h1", report.title);
  out.Leaf("p", report.subtitle, {{"class", "lead"}});
  if (!report.facts.empty()) Facts(report.facts, "summary", out);
  out.Begin("nav", {{"aria-label", "Sections"}}).Begin("ul");
  for (const Section& section : kSections) {
    out.Begin("li").Leaf("a", section.title, {{"href", fmt::format("#{}", section.id)}}).End();
  }
  out.End().End().End();
}

void PageSection(const Section& section, const Report& report, Markup& out) {
  const std::string heading = fmt::format("{}-heading", section.id);
  out.Begin("section", {{"id", std::string(section.id)}, {"aria-labelledby", heading}});
  out.Leaf("h2", section.title, {{"id", heading}});
  if (!section.lead.empty()) out.Leaf("p", section.lead, {{"class", "lead"}});
  section.write(report, out);
  out.End();
}

}  // namespace

void BeginTable(std::string_view caption, const std::vector<Cell>& headings, Markup& out) {
  out.Begin("div", {{"class", "scroll"}}).Begin("table");
  if (!caption.empty()) out.Leaf("caption", caption);
  out.Begin("thead").Begin("tr");
  for (const Cell& heading : headings) {
    Markup::Attributes attributes = StyleOf(heading);
    attributes.emplace_back("scope", "col");
    out.Leaf("th", heading.text, attributes);
  }
  out.End().End().Begin("tbody");
}

void EndTable(Markup& out) {
  out.End().End().End();
}

void Row(const std::vector<Cell>& cells, Markup& out) {
  out.Begin("tr");
  for (const Cell& cell : cells) {
    if (&cell == &cells.front()) {
      out.Leaf("th", cell.text, {{"scope", "row"}});
    } else {
      out.Leaf("td", cell.text, StyleOf(cell));
    }
  }
  out.End();
}

void Facts(const std::vector<Fact>& facts, std::string_view style, Markup& out) {
  out.Begin("dl", {{"class", fmt::format("facts {}", style)}});
  for (const Fact& fact : facts) {
    out.Begin("div").Leaf("dt", fact.label).Leaf("dd", fact.value).End();
  }
  out.End();
}

void NoData(std::string_view text, Markup& out) {
  out.Leaf("p", text, {{"class", "note"}});
}

void MeterCell(double share, const std::string& figure, Markup& out) {
  const double length = std::isfinite(share) ? std::clamp(share, 0.0, 1.0) : 0;
  out.Begin("td").Begin("span", {{"class", "meter"}, {"aria-hidden", "true"}});
  out.Begin("i", {{"style", fmt::format("width:{:.1f}%", 100 * length)}}).End();
  out.End().Text(figure).End();
}

std::string RenderReport(const Report& report) {
  Markup out;
  out.Begin("html", {{"lang", "en"}, {"xmlns", "http://www.w3.org/1999/xhtml"}});
  Head(report, out);
  out.Begin("body");
  PageHeader(report, out);
  out.Begin("main");
  for (const Section& section : kSections) PageSection(section, report, out);
  out.End();
  out.Begin("footer").Leaf("p", "Made by crmctl. This page loads nothing and sends nothing.").End();
  out.End().End();
  return "<!DOCTYPE html>\n" + std::move(out).Finish();
}

}  // namespace crm::crmctl
