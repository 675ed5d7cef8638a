#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace crm::crmctl {

// What a report shows, as plain values; every text is taken as it is and escaped. Shares and
// probabilities are 0 to 1; a number that is not finite is shown as a dash. Days count from
// 1970-01-01.

struct Currency {
  // ISO 4217.
  std::string code = "USD";
  // Digits of the minor unit: 2 for USD, 0 for JPY.
  int minor_digits = 2;
};

// A number with a name, such as "Households 2,379".
struct Fact {
  std::string label;
  std::string value;
};

struct CampaignTypeRow {
  std::string type;
  int64_t sends = 0;
  int64_t responses = 0;
};

struct CampaignRow {
  std::string name;
  std::string type;
  std::optional<int32_t> start_day;
  std::optional<int32_t> end_day;
  int64_t sends = 0;
  int64_t responses = 0;
};

// The top share of customers and the share of sales they hold.
struct ConcentrationRow {
  double customers = 0;
  double sales = 0;
};

struct Concentration {
  // Ascending by customers.
  std::vector<ConcentrationRow> curve;
  // The point to tell of, e.g. the top fifth.
  std::optional<ConcentrationRow> highlight;
};

// Customers by [recency score - 1][frequency score - 1].
using RfmCounts = std::array<std::array<int64_t, 5>, 5>;

struct ValueRow {
  std::string customer;
  double lifetime_value_minor = 0;
  double alive_probability = 0;
  double expected_purchases = 0;
  double expected_spend_minor = 0;
};

struct StageRow {
  std::string stage;
  int32_t day = 0;
  std::string reason;
};

struct ConsentRow {
  std::string purpose;
  std::string channel;
  std::string state;
  std::string wording_version;
  std::optional<int32_t> day;
};

struct TimelineEntry {
  enum class Kind { kOrder, kSend, kResponse, kInteraction };
  Kind kind = Kind::kOrder;
  int32_t day = 0;
  std::string text;
  // Of an order.
  std::optional<int64_t> amount_minor;
};

// One customer's 360° view.
struct CustomerStory {
  std::string name;
  std::vector<Fact> profile;
  std::vector<Fact> scores;
  // In order of time; the last is the present one.
  std::vector<StageRow> stages;
  std::vector<ConsentRow> consents;
  // Segments and campaigns the customer is in.
  std::vector<std::string> memberships;
  // In any order.
  std::vector<TimelineEntry> timeline;
};

struct Report {
  std::string title;
  // Where the figures come from and the position they reflect.
  std::string subtitle;
  Currency currency;
  std::vector<Fact> facts;
  std::vector<CampaignTypeRow> campaign_types;
  std::vector<CampaignRow> campaigns;
  Concentration concentration;
  std::optional<RfmCounts> rfm;
  std::vector<ValueRow> top_customers;
  std::optional<CustomerStory> customer;
};

// The report as one HTML page: no script, nothing loaded from elsewhere (a content security policy
// in the page forbids both), charts as inline SVG with their figures as text beside them, light or
// dark as the reader's system. The page is well-formed XML too. A section without data says so. The
// same report gives the same bytes. Any thread.
std::string RenderReport(const Report& report);

}  // namespace crm::crmctl
