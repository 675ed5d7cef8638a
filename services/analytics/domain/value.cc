#include "services/analytics/domain/value.h"

#include <boost/math/quadrature/gauss.hpp>
#include <cmath>

#include "services/analytics/domain/model_error.h"

namespace crm::analytics {
namespace {

constexpr double kWeeksPerYear = 365.25 / 7;
constexpr double kHighestDiscount = 10;
constexpr unsigned kNodes = 20;

absl::Status CheckDiscount(double yearly) {
  if (yearly >= 0 && yearly <= kHighestDiscount) return {};
  return Malformed(kInvalidDiscount, "a yearly discount is 0 to 10, e.g. 0.1 for 10 %");
}

}  // namespace

absl::StatusOr<double> DiscountedExpectedPurchases(const BgNbdParameters& parameters,
                                                   const PurchaseHistory& history,
                                                   const ValueTerms& terms) {
  CRM_RETURN_IF_ERROR(CheckDiscount(terms.yearly_discount));
  const double horizon = terms.horizon_weeks;
  // The longest time stands for all: nodes lie within it.
  CRM_ASSIGN_OR_RETURN(const double undiscounted,
                       ExpectedFuturePurchases(parameters, history, horizon));
  const double rate = std::log1p(terms.yearly_discount) / kWeeksPerYear;
  if (rate == 0) return undiscounted;
  // Over s with t = (alpha + T)(e^s - 1) the integrand bends little, so that few nodes suffice.
  const double scale = parameters.alpha + history.observed_weeks;
  const auto integrand = [&](double s) {
    const double weeks = scale * std::expm1(s);
    const double purchases =
        ExpectedFuturePurchases(parameters, history, std::min(weeks, horizon)).value_or(0);
    return std::exp(-rate * weeks) * purchases * (scale + weeks);
  };
  const double integral = boost::math::quadrature::gauss<double, kNodes>::integrate(
      integrand, 0.0, std::log1p(horizon / scale));
  return std::exp(-rate * horizon) * undiscounted + rate * integral;
}

absl::StatusOr<CustomerValue> ValueCustomer(const BgNbdParameters& purchases,
                                            const GammaGammaParameters& spend,
                                            const PurchaseHistory& history, double mean_spend,
                                            const ValueTerms& terms) {
  CustomerValue value;
  CRM_ASSIGN_OR_RETURN(value.alive_probability, AliveProbability(purchases, history));
  CRM_ASSIGN_OR_RETURN(value.expected_purchases,
                       ExpectedFuturePurchases(purchases, history, terms.horizon_weeks));
  CRM_ASSIGN_OR_RETURN(value.expected_spend, ExpectedSpend(spend, {history.repeats, mean_spend}));
  CRM_ASSIGN_OR_RETURN(const double discounted,
                       DiscountedExpectedPurchases(purchases, history, terms));
  value.lifetime_value = value.expected_spend * discounted;
  return value;
}

}  // namespace crm::analytics
