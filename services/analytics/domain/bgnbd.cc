#include "services/analytics/domain/bgnbd.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>
#include <vector>

#include "services/analytics/domain/maximum_likelihood.h"
#include "services/analytics/domain/model_error.h"

namespace crm::analytics {
namespace {

// Bounds of the coordinates of a fit: r is sought within e^±12, and so on.
constexpr double kBound = 12;
// Of a sum, what its omitted terms may add.
constexpr double kRest = 1e-16;

bool IsParameter(double x) {
  return x >= kLeastParameter && x <= kMostParameter;
}

absl::Status CheckParameters(const BgNbdParameters& p) {
  if (IsParameter(p.r) && IsParameter(p.alpha) && IsParameter(p.a) && IsParameter(p.b)) return {};
  return Malformed(kInvalidParameters,
                   fmt::format("r, alpha, a and b are {} to {}", kLeastParameter, kMostParameter));
}

bool IsSound(const PurchaseHistory& history) {
  if (!std::isfinite(history.observed_weeks) || history.repeats < 0) return false;
  if (!(history.last_weeks >= 0 && history.last_weeks <= history.observed_weeks)) return false;
  return (history.repeats == 0) == (history.last_weeks == 0);
}

absl::Status CheckHistory(const PurchaseHistory& history) {
  if (IsSound(history)) return {};
  return Malformed(kInvalidHistory,
                   "a history has repeats >= 0 and 0 <= t_x <= T, all finite, with t_x above zero "
                   "exactly where there are repeats");
}

absl::Status CheckHorizon(double weeks, const BgNbdParameters& p) {
  const double longest = weeks / p.alpha * std::max(1.0, p.r);
  if (weeks >= 0 && longest <= kLongestHorizon) return {};
  return Malformed(
      kInvalidHorizon,
      "a horizon is 0 weeks or more, and no longer than the model can look ahead; take "
      "a shorter one");
}

// Customers with one history.
struct Group {
  PurchaseHistory history;
  double customers = 0;
};

auto OrderOf(const PurchaseHistory& history) {
  return std::tie(history.repeats, history.last_weeks, history.observed_weeks);
}

// Sorted: sums do not depend on the order in which customers came.
std::vector<Group> GroupsOf(std::span<const PurchaseHistory> customers) {
  std::vector<PurchaseHistory> sorted(customers.begin(), customers.end());
  std::sort(sorted.begin(), sorted.end(),
            [](const auto& a, const auto& b) { return OrderOf(a) < OrderOf(b); });
  std::vector<Group> groups;
  for (const PurchaseHistory& history : sorted) {
    if (groups.empty() || !(groups.back().history == history)) groups.push_back({history, 0});
    groups.back().customers += 1;
  }
  return groups;
}

// ln Gamma(shape + x) - ln Gamma(shape) for x = 0, 1, 2 … and its derivative by the shape, summed
// over the factors: exact where a difference of two large ln Gamma is not.
class RisingFactorials {
 public:
  RisingFactorials(double shape, int32_t up_to) : logs_(1 + up_to), slopes_(1 + up_to) {
    for (int32_t x = 0; x < up_to; ++x) {
      logs_[x + 1] = logs_[x] + std::log(shape + x);
      slopes_[x + 1] = slopes_[x] + 1 / (shape + x);
    }
  }
  double Log(int32_t x) const { return logs_[x]; }
  double Slope(int32_t x) const { return slopes_[x]; }

 private:
  std::vector<double> logs_;
  std::vector<double> slopes_;
};

// The logarithm of how much more likely it is, given the history, that the customer left after the
// last purchase than that he is alive. Repeats only.
double LogOddsGone(const BgNbdParameters& p, const PurchaseHistory& history) {
  return std::log(p.a) - std::log(p.b + history.repeats - 1) +
         (p.r + history.repeats) * std::log1p((history.observed_weeks - history.last_weeks) /
                                              (p.alpha + history.last_weeks));
}

// ln(1 + e^x) without overflow.
double Log1pExp(double x) {
  return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
}

double Logistic(double x) {
  return 1 / (1 + std::exp(-x));
}

struct Slopes {
  double value = 0;
  // By each parameter.
  BgNbdParameters by;
};

// The log likelihood of grouped customers.
class GroupedLikelihood {
 public:
  explicit GroupedLikelihood(std::vector<Group> groups) : groups_(std::move(groups)) {}

  Slopes At(const BgNbdParameters& p) const;

  double MeanObservedWeeks() const {
    double weeks = 0;
    double customers = 0;
    for (const Group& group : groups_) {
      weeks += group.customers * group.history.observed_weeks;
      customers += group.customers;
    }
    return weeks / customers;
  }

 private:
  // Sorted by repeats.
  std::vector<Group> groups_;
};

Slopes GroupedLikelihood::At(const BgNbdParameters& p) const {
  const int32_t most = groups_.back().history.repeats;
  const RisingFactorials of_r(p.r, most);
  const RisingFactorials of_b(p.b, most);
  const RisingFactorials of_ab(p.a + p.b, most);
  double value = 0;
  double by_r = 0;
  double by_alpha = 0;
  double by_a = 0;
  double by_b = 0;
  for (const auto& [history, customers] : groups_) {
    const int32_t x = history.repeats;
    // ln(1 + T / alpha) in place of ln(alpha + T) - ln alpha: r ln alpha is large and cancels.
    const double log_alive_time = std::log(p.alpha + history.observed_weeks);
    double log_likelihood = of_r.Log(x) - p.r * std::log1p(history.observed_weeks / p.alpha) -
                            x * log_alive_time + of_b.Log(x) - of_ab.Log(x);
    double slope_r = of_r.Slope(x) - std::log1p(history.observed_weeks / p.alpha);
    double slope_alpha = p.r / p.alpha - (p.r + x) / (p.alpha + history.observed_weeks);
    double slope_a = -of_ab.Slope(x);
    double slope_b = of_b.Slope(x) - of_ab.Slope(x);
    if (x > 0) {
      const double log_odds = LogOddsGone(p, history);
      const double gone = Logistic(log_odds);
      const double silence = history.observed_weeks - history.last_weeks;
      log_likelihood += Log1pExp(log_odds);
      slope_r += gone * std::log1p(silence / (p.alpha + history.last_weeks));
      slope_alpha -= gone * (p.r + x) * silence / (p.alpha + history.last_weeks) /
                     (p.alpha + history.observed_weeks);
      slope_a += gone / p.a;
      slope_b -= gone / (p.b + x - 1);
    }
    value += customers * log_likelihood;
    by_r += customers * slope_r;
    by_alpha += customers * slope_alpha;
    by_a += customers * slope_a;
    by_b += customers * slope_b;
  }
  return {value, {by_r, by_alpha, by_a, by_b}};
}

// The fit's coordinates: ln r, ln of alpha in units of the mean time observed, and of the
// probability to leave the log odds of its mean and ln of its concentration a + b. Where nearly
// nobody leaves, or all with one probability, the last one or two hardly matter and have no maximum
// of their own.
BgNbdParameters FromCoordinates(std::span<const double> at, double weeks) {
  const double concentration = std::exp(at[3]);
  return {std::exp(at[0]), weeks * std::exp(at[1]), Logistic(at[2]) * concentration,
          Logistic(-at[2]) * concentration};
}

// The chain rule back from the parameters.
LogLikelihood ByCoordinates(const Slopes& slopes, const BgNbdParameters& p) {
  const auto& [r, alpha, a, b] = slopes.by;
  return {slopes.value,
          {r * p.r, alpha * p.alpha, (a - b) * p.a * p.b / (p.a + p.b), a * p.a + b * p.b}};
}

// Rare buyers, steady ones, and ones of whom few leave.
Search SearchPlan() {
  return {.starts = {{-1, -1.5, -1, 1}, {0, 0, 0, 0.5}, {0.5, -1, -3, 2}},
          .bound = kBound,
          .determined = 2};
}

// The count N of a negative binomial of shape r and odds t / alpha: with z = t / (alpha + t),
// P(N = 0) = (1 - z)^r and P(N = n + 1) = P(N = n) z (r + n) / (n + 1).
class PurchaseCount {
 public:
  PurchaseCount(double r, double odds)
      : r_(r),
        z_(odds / (1 + odds)),
        log_chance_(-r * std::log1p(odds)),
        chance_(std::exp(log_chance_)),
        more_(-std::expm1(log_chance_)) {}

  // P(N > n), from n = 0 on.
  double More() const { return more_; }

  // At least the sum of all later More(): the chances fall by `ratio` or faster from here on.
  double LaterMore() const {
    const double ratio = z_ * std::max(1.0, Growth());
    return ratio < 1 ? chance_ / ((1 - ratio) * (1 - ratio)) : HUGE_VAL;
  }

  void Next() {
    // A chance too small for a double is kept as a logarithm; it grows from there.
    log_chance_ += std::log(z_ * Growth());
    chance_ = chance_ < kLeastChance ? std::exp(log_chance_) : chance_ * z_ * Growth();
    more_ = std::max(0.0, more_ - chance_);
    n_ += 1;
  }

 private:
  static constexpr double kLeastChance = 1e-290;

  double Growth() const { return (r_ + n_) / (n_ + 1); }

  double r_;
  double z_;
  double log_chance_;
  double chance_;
  double more_;
  double n_ = 0;
};

double SumOfPurchases(const BgNbdParameters& p, double weeks) {
  if (weeks == 0) return 0;
  PurchaseCount count(p.r, weeks / p.alpha);
  double stayed = 1;
  double sum = 0;
  for (double k = 0;; ++k) {
    sum += count.More() * stayed;
    if (count.LaterMore() * stayed <= kRest * sum) return sum;
    stayed *= (p.b + k) / (p.a + p.b + k);
    count.Next();
  }
}

}  // namespace

absl::StatusOr<double> BgNbdLogLikelihood(const BgNbdParameters& parameters,
                                          std::span<const PurchaseHistory> customers) {
  CRM_RETURN_IF_ERROR(CheckParameters(parameters));
  if (customers.empty()) return NoAnswer(kNoCustomers, "there is no customer; record orders first");
  for (const PurchaseHistory& history : customers) CRM_RETURN_IF_ERROR(CheckHistory(history));
  return GroupedLikelihood(GroupsOf(customers)).At(parameters).value;
}

absl::StatusOr<BgNbdFit> FitBgNbd(std::span<const PurchaseHistory> customers) {
  if (customers.empty()) return NoAnswer(kNoCustomers, "there is no customer; record orders first");
  for (const PurchaseHistory& history : customers) CRM_RETURN_IF_ERROR(CheckHistory(history));
  const bool repeats = std::any_of(customers.begin(), customers.end(),
                                   [](const auto& history) { return history.repeats > 0; });
  if (!repeats) return NoAnswer(kNoRepeats, "no customer bought on a second day; wait for repeats");
  const GroupedLikelihood likelihood(GroupsOf(customers));
  const double weeks = likelihood.MeanObservedWeeks();
  const auto at = [&](std::span<const double> coordinates) {
    const BgNbdParameters parameters = FromCoordinates(coordinates, weeks);
    return ByCoordinates(likelihood.At(parameters), parameters);
  };
  CRM_ASSIGN_OR_RETURN(const Maximum maximum, Maximise(at, SearchPlan()));
  return BgNbdFit{FromCoordinates(maximum.at, weeks), maximum.value};
}

absl::StatusOr<double> ExpectedPurchases(const BgNbdParameters& parameters, double weeks) {
  CRM_RETURN_IF_ERROR(CheckParameters(parameters));
  CRM_RETURN_IF_ERROR(CheckHorizon(weeks, parameters));
  return SumOfPurchases(parameters, weeks);
}

absl::StatusOr<double> ExpectedFuturePurchases(const BgNbdParameters& parameters,
                                               const PurchaseHistory& history, double weeks) {
  CRM_ASSIGN_OR_RETURN(const double alive, AliveProbability(parameters, history));
  // Given that he is alive, the history updates both mixing distributions to ones of the same kind.
  BgNbdParameters updated = parameters;
  updated.r += history.repeats;
  updated.alpha += history.observed_weeks;
  updated.b += history.repeats;
  CRM_ASSIGN_OR_RETURN(const double purchases, ExpectedPurchases(updated, weeks));
  return alive * purchases;
}

absl::StatusOr<double> AliveProbability(const BgNbdParameters& parameters,
                                        const PurchaseHistory& history) {
  CRM_RETURN_IF_ERROR(CheckParameters(parameters));
  CRM_RETURN_IF_ERROR(CheckHistory(history));
  if (history.repeats == 0) return 1;
  return Logistic(-LogOddsGone(parameters, history));
}

}  // namespace crm::analytics
