#include "tests/unit/tools/crmctl/report/sample_report.h"

#include <algorithm>
#include <cmath>

namespace crm::crmctl {
namespace {

constexpr int32_t kNewYear2017 = 17167;

Concentration SampleConcentration() {
  Concentration concentration;
  for (int i = 0; i <= 20; ++i) {
    const double customers = i / 20.0;
    concentration.curve.push_back({customers, 1 - std::pow(1 - customers, 3.48)});
  }
  concentration.highlight = {.2, .5402};
  return concentration;
}

std::vector<CampaignRow> SampleCampaigns() {
  std::vector<CampaignRow> campaigns;
  for (int i = 1; i <= 27; ++i) {
    const int32_t start = kNewYear2017 + 12 * i;
    campaigns.push_back({"Campaign " + std::to_string(i), i % 3 == 0 ? "A" : "B", start, start + 40,
                         40 * i, 6 * i});
  }
  return campaigns;
}

RfmCounts SampleRfm() {
  RfmCounts counts{};
  for (int recency = 0; recency < 5; ++recency) {
    for (int frequency = 0; frequency < 5; ++frequency) {
      const int distance = std::abs(recency - frequency);
      counts[recency][frequency] = distance > 3 ? 0 : 240 >> (2 * distance);
    }
  }
  return counts;
}

std::vector<ValueRow> SampleValues() {
  std::vector<ValueRow> rows;
  for (int i = 0; i < 10; ++i) {
    rows.push_back({"complete-journey / " + std::to_string(1023 - 31 * i), 118'604.0 - 7'300 * i,
                    .998 - .013 * i * i / 3, 61.4 - 3 * i, 1931.7 + 11 * i});
  }
  return rows;
}

std::vector<TimelineEntry> SampleTimeline() {
  using Kind = TimelineEntry::Kind;
  std::vector<TimelineEntry> entries;
  for (int i = 0; i < 75; ++i) {
    entries.push_back({Kind::kOrder, kNewYear2017 + (i * 29) % 364, "Store 309, 4 lines",
                       300 + (i * i * 37) % 2400});
  }
  for (const int campaign : {8, 12, 13, 16, 17, 18, 20, 22}) {
    entries.push_back({Kind::kSend, kNewYear2017 + 12 * campaign,
                       "Campaign " + std::to_string(campaign), std::nullopt});
  }
  entries.push_back({Kind::kResponse, kNewYear2017 + 170, "Campaign 13, coupon", std::nullopt});
  entries.push_back(
      {Kind::kInteraction, kNewYear2017 + 200, "Asked for opening hours", std::nullopt});
  return entries;
}

CustomerStory SampleCustomer() {
  return {.name = "complete-journey / 2261",
          .profile = {{"Kind", "Person"}, {"Age", "45-54"}, {"Income", "50-74K"}, {"Kids", "2"}},
          .scores = {{"RFM", "5 4 3"}, {"Expected value", "412.60 USD"}, {"P(alive)", "99.1 %"}},
          .stages = {{"Suspect", kNewYear2017 + 2, "imported"},
                     {"First-time", kNewYear2017 + 3, "order"},
                     {"Repeat", kNewYear2017 + 9, "order"}},
          .consents = {{"marketing", "email", "granted", "2017-1", kNewYear2017 + 5},
                       {"marketing", "sms", "withdrawn", "2017-1", kNewYear2017 + 90}},
          .memberships = {"High value, at risk", "Spring loyalty"},
          .timeline = SampleTimeline()};
}

}  // namespace

Report SampleReport() {
  return {.title = "Complete Journey 2017",
          .subtitle = "A grocer's year: 2,379 households, as of 2017-12-31.",
          .currency = {"USD", 2},
          .facts = {{"Households", "2,379"},
                    {"Orders", "47,243"},
                    {"Sales", "233,935.24 USD"},
                    {"Sends", "6,589"},
                    {"Responses", "792"}},
          .campaign_types = {{"Type A", 3647, 604}, {"Type B", 2368, 154}, {"Type C", 574, 34}},
          .campaigns = SampleCampaigns(),
          .concentration = SampleConcentration(),
          .rfm = SampleRfm(),
          .top_customers = SampleValues(),
          .customer = SampleCustomer()};
}

}  // namespace crm::crmctl
