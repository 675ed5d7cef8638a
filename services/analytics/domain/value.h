#pragma once

#include "absl/status/statusor.h"
#include "services/analytics/domain/bgnbd.h"
#include "services/analytics/domain/gamma_gamma.h"
#include "services/analytics/domain/purchases.h"

namespace crm::analytics {

// Lifetime value of a customer: what his purchases of the coming time are expected to be worth
// today. Fader, Hardie and Lee (2005), "RFM and CLV: Using Iso-Value Curves for Customer Base
// Analysis", Journal of Marketing Research 42:4: value = expected spend of a purchase times the
// discounted expected purchases, with the purchases of BG/NBD in place of Pareto/NBD and up to a
// horizon:
//
//   DEP = integral over t in [0, H] of (1 + d)^(-t / w) dE[Y(t)],  w = 365.25 / 7 weeks a year
//       = (1 + d)^(-H / w) E[Y(H)] + ln(1 + d) / w  integral over [0, H] of (1 + d)^(-t / w)
//       E[Y(t)] dt
//
// Discounting is continuous at the effective yearly rate d. It is revenue, not margin: the orders'
// amounts are all the model sees.
// Pure; any thread; the same input gives the same bits on one machine; answers are finite.

struct ValueTerms {
  // H, how far ahead; 0 and more.
  double horizon_weeks = 52;
  // d, yearly, e.g. 0.1; 0 = none, at most 10.
  double yearly_discount = 0;
};

struct CustomerValue {
  // At the analysis date, 0 to 1.
  double alive_probability = 0;
  // Within the horizon, not discounted.
  double expected_purchases = 0;
  // Of one purchase, in the unit of the Gamma-Gamma fit.
  double expected_spend = 0;
  // expected_spend times the discounted expected purchases, in that unit.
  double lifetime_value = 0;
};

// INVALID_ARGUMENT: INVALID_DISCOUNT, and what bgnbd.h and gamma_gamma.h refuse.
// FAILED_PRECONDITION NO_MEAN_SPEND as ExpectedSpend.
absl::StatusOr<CustomerValue> ValueCustomer(const BgNbdParameters& purchases,
                                            const GammaGammaParameters& spend,
                                            const PurchaseHistory& history, double mean_spend,
                                            const ValueTerms& terms);

// DEP above; to within 10^-6 of itself.
absl::StatusOr<double> DiscountedExpectedPurchases(const BgNbdParameters& parameters,
                                                   const PurchaseHistory& history,
                                                   const ValueTerms& terms);

}  // namespace crm::analytics
