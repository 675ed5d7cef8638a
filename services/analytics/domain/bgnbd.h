#pragma once

#include <span>

#include "absl/status/statusor.h"
#include "services/analytics/domain/purchases.h"

namespace crm::analytics {

// BG/NBD: how often customers buy and whether they still do. Fader, Hardie and Lee (2005),
// "Counting Your Customers" the Easy Way, Marketing Science 24:2; equations are numbered as there.
//
// While alive a customer buys at a rate lambda, which over the customers is Gamma(r, alpha)
// distributed; after each purchase he leaves for good with probability p, which is Beta(a, b)
// distributed. Time is in weeks; alpha is in weeks, r, a and b have no unit.
//
// Pure; any thread. Answers are finite, never NaN. Sums run in a fixed order: the same customers,
// in any order, give the same bits on one machine. INVALID_ARGUMENT: INVALID_PARAMETERS unless all
// four are finite and above zero; INVALID_HISTORY for what PurchaseHistory does not allow (t_x > T,
// not finite, repeats without t_x); INVALID_HORIZON for a time that is negative, not finite or more
// than kLongestHorizon times alpha + T.

struct BgNbdParameters {
  double r = 0;
  double alpha = 0;
  double a = 0;
  double b = 0;
  bool operator==(const BgNbdParameters&) const = default;
};

struct BgNbdFit {
  BgNbdParameters parameters;
  double log_likelihood = 0;
};

inline constexpr double kLeastParameter = 1e-12;
inline constexpr double kMostParameter = 1e12;
inline constexpr double kLongestHorizon = 100'000;

// Maximum likelihood over the customers. Customers who nearly never leave, or all with one
// probability, do not determine a and b; then those are some that make the likelihood as high as
// any, a / (a + b) still is the mean probability, and expectations are sound. FAILED_PRECONDITION:
// NO_CUSTOMERS; NO_REPEATS when nobody bought again; DEGENERATE_FIT when the customers do not
// determine r and alpha (one customer, all alike).
absl::StatusOr<BgNbdFit> FitBgNbd(std::span<const PurchaseHistory> customers);

// Sum over the customers of ln L (equation 6), in logarithms throughout.
absl::StatusOr<double> BgNbdLogLikelihood(const BgNbdParameters& parameters,
                                          std::span<const PurchaseHistory> customers);

// E[X(t)] (equation 9): purchases of a customer of whom nothing is known in the `weeks` after his
// first. The 2F1 of the paper loses digits near a = 1 and has poles; its expansion by the count of
// purchases is used, of which every term is positive: sum over k of P(more than k without leaving)
// E[(1 - p)^k].
absl::StatusOr<double> ExpectedPurchases(const BgNbdParameters& parameters, double weeks);

// E[Y(t) | x, t_x, T] (equation 10): purchases in the `weeks` after T of a customer with this
// history.
absl::StatusOr<double> ExpectedFuturePurchases(const BgNbdParameters& parameters,
                                               const PurchaseHistory& history, double weeks);

// P(alive | x, t_x, T) at T, in [0, 1]: Fader and Hardie (2008), "Computing P(alive) Using the
// BG/NBD Model". 1 without repeats, for the model lets nobody leave before a repeat.
absl::StatusOr<double> AliveProbability(const BgNbdParameters& parameters,
                                        const PurchaseHistory& history);

}  // namespace crm::analytics
