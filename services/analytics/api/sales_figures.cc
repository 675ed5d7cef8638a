#include "services/analytics/api/sales_figures.h"

#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "common/base/timestamp.h"
#include "services/analytics/api/currency.h"
#include "services/analytics/domain/concentration.h"
#include "services/analytics/domain/model_error.h"
#include "services/analytics/projection/customer_rows.h"
#include "services/analytics/projection/order_facts.h"

namespace crm::analytics {
namespace {

constexpr int kMaxCurvePoints = 1000;
constexpr double kDefaultFractions[] = {0.01, 0.05, 0.1, 0.2, 0.5};

// The last day that counts. All days where no time is set.
template <typename Request>
int32_t LastDay(const Request& request) {
  return request.has_analysis_time() ? DayOf(ToTimeNs(request.analysis_time()))
                                     : std::numeric_limits<int32_t>::max();
}

template <typename Request>
void CheckTime(const Request& request, FieldFaults& faults) {
  if (!IsTimestamp(request.analysis_time())) faults.Add("analysis_time", "must be a time");
}

absl::Status Check(const v1::GetConcentrationRequest& request) {
  FieldFaults faults;
  CheckTime(request, faults);
  if (!FindCurrency(request.currency_code())) {
    faults.Add("currency_code", "must be an ISO 4217 code such as EUR");
  }
  for (int i = 0; i < request.top_fractions_size(); ++i) {
    const double fraction = request.top_fractions(i);
    if (!(fraction >= 0 && fraction <= 1)) {
      faults.Add("top_fractions[" + std::to_string(i) + "]", "must be 0 to 1");
    }
  }
  if (request.curve_points() < 0 || request.curve_points() > kMaxCurvePoints) {
    faults.Add("curve_points", "must be 0 to 1000");
  }
  return faults.ToStatus();
}

int32_t Ppm(double fraction) {
  return static_cast<int32_t>(std::lround(fraction * kWholePpm));
}

std::vector<int32_t> TopsOf(const v1::GetConcentrationRequest& request) {
  std::vector<int32_t> tops;
  for (const double fraction : request.top_fractions()) tops.push_back(Ppm(fraction));
  if (!tops.empty()) return tops;
  for (const double fraction : kDefaultFractions) tops.push_back(Ppm(fraction));
  return tops;
}

std::vector<int32_t> CurveOf(int steps) {
  std::vector<int32_t> tops;
  if (steps == 0) return tops;
  for (int64_t i = 0; i <= steps; ++i) {
    tops.push_back(static_cast<int32_t>(i * kWholePpm / steps));
  }
  return tops;
}

struct Buyer {
  std::string id;
  int64_t purchases = 0;
  int64_t amount = 0;
};

absl::StatusOr<std::vector<Buyer>> BuyersOf(const QueryContext& context,
                                            const v1::GetConcentrationRequest& request) {
  const int32_t last_day = LastDay(request);
  const std::string currency = FindCurrency(request.currency_code())->code;
  std::vector<Buyer> buyers;
  const auto read = OrderFacts::OfTenant(
      *context.reading.view(OrderFacts::kName).rows, context.caller.tenant,
      [&](std::string_view id, const DayFact& fact) {
        if (fact.currency != currency || fact.day > last_day) return;
        if (buyers.empty() || buyers.back().id != id) buyers.push_back({std::string(id)});
        buyers.back().purchases += fact.purchases;
        buyers.back().amount = AddHeld(buyers.back().amount, fact.amount_minor);
      });
  if (!read.ok()) return read.status();
  std::erase_if(buyers, [](const Buyer& buyer) { return buyer.purchases == 0; });
  return buyers;
}

// Amounts that are too large are the customers' fault, not the request's.
absl::Status AsPrecondition(const absl::Status& status) {
  if (ReasonOf(status) != kAmountOverflow) return status;
  return NoAnswer(kAmountOverflow, std::string(status.message()));
}

absl::Status AddPoints(std::span<const CustomerSales> customers, const std::vector<int32_t>& tops,
                       google::protobuf::RepeatedPtrField<v1::ConcentrationPoint>* out) {
  const auto points = Concentration(customers, tops);
  if (!points.ok()) return AsPrecondition(points.status());
  for (const ConcentrationPoint& point : *points) {
    v1::ConcentrationPoint* added = out->Add();
    added->set_fraction(static_cast<double>(point.top_ppm) / kWholePpm);
    added->set_customers(point.customers);
    added->set_amount_minor(point.amount_minor);
    added->set_share(point.share);
  }
  return absl::OkStatus();
}

// Sums up facts by currency; those of one contact come together.
class Totals {
 public:
  void Add(std::string_view id, const DayFact& fact) {
    v1::CurrencySales& sales = sales_[std::string(fact.currency)];
    sales.set_orders(sales.orders() + fact.purchases);
    sales.set_returns(sales.returns() + fact.returns);
    sales.set_amount_minor(AddHeld(sales.amount_minor(), fact.amount_minor));
    if (fact.purchases == 0) return;
    sales.set_purchase_days(sales.purchase_days() + 1);
    if (id == last_id_ && fact.currency == last_currency_) return;
    sales.set_customers(sales.customers() + 1);
    last_id_ = id;
    last_currency_ = fact.currency;
  }

  v1::SalesTotals Answer() {
    v1::SalesTotals answer;
    for (auto& [currency, sales] : sales_) {
      sales.set_currency_code(currency);
      *answer.add_sales() = std::move(sales);
    }
    return answer;
  }

 private:
  std::map<std::string, v1::CurrencySales> sales_;
  // Of the customer counted last.
  std::string last_id_;
  std::string last_currency_;
};

}  // namespace

absl::StatusOr<v1::Concentration> GetConcentration(const QueryContext& context,
                                                   const v1::GetConcentrationRequest& request) {
  CRM_RETURN_IF_ERROR(Check(request));
  CRM_ASSIGN_OR_RETURN(const std::vector<Buyer> buyers, BuyersOf(context, request));
  std::vector<CustomerSales> customers;
  v1::Concentration answer;
  for (const Buyer& buyer : buyers) {
    customers.push_back({buyer.id, buyer.amount});
    answer.set_amount_minor(AddHeld(answer.amount_minor(), buyer.amount));
  }
  answer.set_customers(static_cast<int64_t>(customers.size()));
  CRM_RETURN_IF_ERROR(AddPoints(customers, TopsOf(request), answer.mutable_top()));
  const std::vector<int32_t> curve = CurveOf(request.curve_points());
  if (!curve.empty()) CRM_RETURN_IF_ERROR(AddPoints(customers, curve, answer.mutable_curve()));
  return answer;
}

absl::StatusOr<v1::SalesTotals> GetSalesTotals(const QueryContext& context,
                                               const v1::GetSalesTotalsRequest& request) {
  FieldFaults faults;
  CheckTime(request, faults);
  CRM_RETURN_IF_ERROR(faults.ToStatus());
  const int32_t last_day = LastDay(request);
  Totals totals;
  const auto read =
      OrderFacts::OfTenant(*context.reading.view(OrderFacts::kName).rows, context.caller.tenant,
                           [&](std::string_view id, const DayFact& fact) {
                             if (fact.day <= last_day) totals.Add(id, fact);
                           });
  if (!read.ok()) return read.status();
  return totals.Answer();
}

}  // namespace crm::analytics
