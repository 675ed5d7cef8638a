#include "services/analytics/domain/gamma_gamma.h"

#include <algorithm>
#include <boost/math/special_functions/digamma.hpp>
#include <boost/math/special_functions/gamma.hpp>
#include <cmath>
#include <tuple>
#include <vector>

#include "services/analytics/domain/maximum_likelihood.h"
#include "services/analytics/domain/model_error.h"

namespace crm::analytics {
namespace {

// Parameters are sought within e^±12 (gamma: times the geometric mean of the customers' spend,
// which few large customers do not move).
constexpr double kBound = 12;

// Boost answers faults by errno and special values; arguments here are finite and above zero.
using QuietPolicy = boost::math::policies::policy<
    boost::math::policies::domain_error<boost::math::policies::errno_on_error>,
    boost::math::policies::pole_error<boost::math::policies::errno_on_error>,
    boost::math::policies::overflow_error<boost::math::policies::errno_on_error>,
    boost::math::policies::evaluation_error<boost::math::policies::errno_on_error>,
    boost::math::policies::promote_double<false>>;

double LogGamma(double x) {
  return boost::math::lgamma(x, QuietPolicy());
}
double Digamma(double x) {
  return boost::math::digamma(x, QuietPolicy());
}

bool IsPositive(double x) {
  return std::isfinite(x) && x > 0;
}

absl::Status CheckParameters(const GammaGammaParameters& parameters) {
  const bool sound =
      IsPositive(parameters.p) && IsPositive(parameters.q) && IsPositive(parameters.gamma);
  if (sound) return {};
  return Malformed(kInvalidParameters, "p, q and gamma are finite and above zero");
}

absl::Status CheckSpend(const RepeatSpend& customer) {
  if (customer.repeats >= 0 && std::isfinite(customer.mean)) return {};
  return Malformed(kInvalidSpend, "repeats are not negative and a mean spend is finite");
}

absl::Status NoMeanSpend() {
  return NoAnswer(kNoMeanSpend,
                  "spend is too uneven over the customers to have a mean; take more customers or "
                  "leave out the outliers");
}

// Customers with the same repeats and mean.
struct Group {
  double repeats = 0;
  double mean = 0;
  double customers = 0;
};

// Sorted: sums do not depend on the order in which customers came.
std::vector<Group> GroupsOf(std::vector<RepeatSpend> customers) {
  std::sort(customers.begin(), customers.end(), [](const auto& a, const auto& b) {
    return std::tie(a.repeats, a.mean) < std::tie(b.repeats, b.mean);
  });
  std::vector<Group> groups;
  for (const auto& [repeats, mean] : customers) {
    const bool another =
        groups.empty() || groups.back().repeats != repeats || groups.back().mean != mean;
    if (another) groups.push_back({static_cast<double>(repeats), mean, 0});
    groups.back().customers += 1;
  }
  return groups;
}

// The customers the model speaks of.
absl::StatusOr<std::vector<RepeatSpend>> Usable(std::span<const RepeatSpend> customers) {
  if (customers.empty()) return NoAnswer(kNoCustomers, "there is no customer; record orders first");
  std::vector<RepeatSpend> usable;
  bool repeats = false;
  for (const RepeatSpend& customer : customers) {
    CRM_RETURN_IF_ERROR(CheckSpend(customer));
    repeats = repeats || customer.repeats > 0;
    if (customer.repeats > 0 && customer.mean > 0) usable.push_back(customer);
  }
  if (!repeats) return NoAnswer(kNoRepeats, "no customer bought on a second day; wait for repeats");
  if (usable.empty()) return NoAnswer(kNoSpend, "no repeat purchase brought in any money");
  return usable;
}

// The gradient is by ln p, ln q, ln gamma.
LogLikelihood LikelihoodAt(const GammaGammaParameters& g, const std::vector<Group>& groups) {
  const double log_gamma_q = LogGamma(g.q);
  const double digamma_q = Digamma(g.q);
  double value = 0;
  double by_p = 0;
  double by_q = 0;
  double by_gamma = 0;
  for (const auto& [x, mean, customers] : groups) {
    const double px = g.p * x;
    const double spent = x * mean;
    // Shares of gamma and of what was spent in gamma + x mean, as logarithms.
    const double log_prior = -std::log1p(spent / g.gamma);
    const double log_own = -std::log1p(g.gamma / spent);
    const double digamma_sum = Digamma(px + g.q);
    value += customers * (LogGamma(px + g.q) - LogGamma(px) - log_gamma_q + g.q * log_prior +
                          px * log_own - std::log(mean));
    by_p += customers * x * (digamma_sum - Digamma(px) + log_own);
    by_q += customers * (digamma_sum - digamma_q + log_prior);
    by_gamma += customers * (g.q / g.gamma - (px + g.q) / (g.gamma + spent));
  }
  return {value, {by_p * g.p, by_q * g.q, by_gamma * g.gamma}};
}

GammaGammaParameters FromLogs(std::span<const double> logs, double spend) {
  return {std::exp(logs[0]), std::exp(logs[1]), spend * std::exp(logs[2])};
}

double GeometricMeanOf(const std::vector<Group>& groups) {
  double sum = 0;
  double customers = 0;
  for (const Group& group : groups) {
    sum += group.customers * std::log(group.mean);
    customers += group.customers;
  }
  return std::exp(sum / customers);
}

// ln p, ln q, and ln gamma as a multiple of the geometric mean.
Search SearchPlan() {
  return {.starts = {{0, 1, 0}, {1.5, 1.5, -0.5}}, .bound = kBound, .determined = 3};
}

}  // namespace

absl::StatusOr<double> GammaGammaLogLikelihood(const GammaGammaParameters& parameters,
                                               std::span<const RepeatSpend> customers) {
  CRM_RETURN_IF_ERROR(CheckParameters(parameters));
  CRM_ASSIGN_OR_RETURN(std::vector<RepeatSpend> usable, Usable(customers));
  return LikelihoodAt(parameters, GroupsOf(std::move(usable))).value;
}

absl::StatusOr<GammaGammaFit> FitGammaGamma(std::span<const RepeatSpend> customers) {
  CRM_ASSIGN_OR_RETURN(std::vector<RepeatSpend> usable, Usable(customers));
  const auto count = static_cast<int64_t>(usable.size());
  const std::vector<Group> groups = GroupsOf(std::move(usable));
  const double spend = GeometricMeanOf(groups);
  CRM_ASSIGN_OR_RETURN(
      const Maximum maximum,
      Maximise([&](auto logs) { return LikelihoodAt(FromLogs(logs, spend), groups); },
               SearchPlan()));
  const GammaGammaParameters parameters = FromLogs(maximum.at, spend);
  if (parameters.q <= 1) return NoMeanSpend();
  return GammaGammaFit{parameters, maximum.value, count};
}

absl::StatusOr<double> ExpectedSpend(const GammaGammaParameters& parameters,
                                     const RepeatSpend& customer) {
  CRM_RETURN_IF_ERROR(CheckParameters(parameters));
  CRM_RETURN_IF_ERROR(CheckSpend(customer));
  const auto& [p, q, gamma] = parameters;
  const double x = customer.repeats;
  if (p * x + q <= 1) return NoMeanSpend();
  return p * (gamma + x * std::max(0.0, customer.mean)) / (p * x + q - 1);
}

}  // namespace crm::analytics
