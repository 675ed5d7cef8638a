#pragma once

#include <cstdint>
#include <span>

#include "absl/status/statusor.h"

namespace crm::analytics {

// Gamma-Gamma: what customers spend on a purchase. Fader and Hardie (2013), "The Gamma-Gamma Model
// of Monetary Value", http://www.brucehardie.com/notes/025/; equations are numbered as there.
//
// A purchase is Gamma(p, nu) distributed, nu over the customers is Gamma(q, gamma) distributed;
// spend does not depend on how often a customer buys. gamma has the unit of the spend (here and in
// the run's parameters minor units), p and q have none. A log likelihood belongs to the unit: in
// hundredths of it, it is lower by the number of customers times ln 100.
//
// Pure; any thread. Answers are finite, never NaN. Sums run in a fixed order: the same customers,
// in any order, give the same bits on one machine. INVALID_ARGUMENT: INVALID_PARAMETERS unless all
// three are finite and above zero; INVALID_SPEND for repeats below zero, or a mean spend that is
// not finite.

struct GammaGammaParameters {
  double p = 0;
  double q = 0;
  double gamma = 0;
  bool operator==(const GammaGammaParameters&) const = default;
};

struct GammaGammaFit {
  GammaGammaParameters parameters;
  double log_likelihood = 0;
  // The repeaters it rests on.
  int64_t customers = 0;
};

struct RepeatSpend {
  // x: repeat purchases.
  int32_t repeats = 0;
  // Mean of these, in any unit.
  double mean = 0;
};

// Maximum likelihood over the customers with repeats and a mean above zero; the others say nothing
// of the model (its density is of positive amounts). FAILED_PRECONDITION: NO_CUSTOMERS; NO_REPEATS
// when nobody has any; NO_SPEND when no repeater's mean is above zero; DEGENERATE_FIT when they do
// not determine the parameters (one, all alike); NO_MEAN_SPEND when q <= 1: spend is so uneven that
// its mean over the customers is infinite.
absl::StatusOr<GammaGammaFit> FitGammaGamma(std::span<const RepeatSpend> customers);

// Sum of ln L (equation 1a) over the same customers; FAILED_PRECONDITION as FitGammaGamma.
absl::StatusOr<double> GammaGammaLogLikelihood(const GammaGammaParameters& parameters,
                                               std::span<const RepeatSpend> customers);

// E[M | x, mean] (equation 5): what a purchase of the customer brings on average, between his own
// mean and the population's p gamma / (q - 1), which it is without repeats. In the mean's unit. A
// mean below zero counts as zero. FAILED_PRECONDITION NO_MEAN_SPEND when p x + q <= 1.
absl::StatusOr<double> ExpectedSpend(const GammaGammaParameters& parameters,
                                     const RepeatSpend& customer);

}  // namespace crm::analytics
