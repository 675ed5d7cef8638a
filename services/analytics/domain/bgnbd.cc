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
// One for each day that a date may have.
constexpr int32_t kMostRepeats = kLastDay - kFirstDay;
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
  if (!std::isfinite(history.observed_weeks)) return false;
  if (history.repeats < 0 || history.repeats > kMostRepeats) return false;
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

// A log likelihood and its derivatives by the parameters.
struct Slopes {
  double value = 0;
  double r = 0;
  double alpha = 0;
  double a = 0;
  double b = 0;

  void Add(const Slopes& other, double times) {
    value += times * other.value;
    r += times * other.r;
    alpha += times * other.alpha;
    a += times * other.a;
    b += times * other.b;
  }
};

// ln L of a customer is the first part, that of one who lives, and for repeaters ln(1 + odds that
// he has gone). r ln(alpha / (alpha + T)) stands as a whole: its terms are large and cancel.
class CustomerLikelihood {
 public:
  CustomerLikelihood(const BgNbdParameters& p, int32_t most_repeats)
      : p_(p),
        of_r_(p.r, most_repeats),
        of_b_(p.b, most_repeats),
        of_ab_(p.a + p.b, most_repeats) {}

  Slopes Of(const PurchaseHistory& history) const {
    Slopes slopes = OfTheLiving(history);
    if (history.repeats > 0) slopes.Add(OfTheGone(history), 1);
    return slopes;
  }

 private:
  Slopes OfTheLiving(const PurchaseHistory& history) const {
    const int32_t x = history.repeats;
    const double time = p_.alpha + history.observed_weeks;
    const double log_silence = std::log1p(history.observed_weeks / p_.alpha);
    return {.value = of_r_.Log(x) - p_.r * log_silence - x * std::log(time) + of_b_.Log(x) -
                     of_ab_.Log(x),
            .r = of_r_.Slope(x) - log_silence,
            .alpha = p_.r / p_.alpha - (p_.r + x) / time,
            .a = -of_ab_.Slope(x),
            .b = of_b_.Slope(x) - of_ab_.Slope(x)};
  }

  Slopes OfTheGone(const PurchaseHistory& history) const {
    const int32_t x = history.repeats;
    const double log_odds = LogOddsGone(p_, history);
    const double gone = Logistic(log_odds);
    const double until_last = p_.alpha + history.last_weeks;
    const double silence = (history.observed_weeks - history.last_weeks) / until_last;
    return {.value = Log1pExp(log_odds),
            .r = gone * std::log1p(silence),
            .alpha = -gone * (p_.r + x) * silence / (p_.alpha + history.observed_weeks),
            .a = gone / p_.a,
            .b = -gone / (p_.b + x - 1)};
  }

  BgNbdParameters p_;
  RisingFactorials of_r_;
  RisingFactorials of_b_;
  RisingFactorials of_ab_;
};

// `groups` is sorted by repeats and not empty.
Slopes SumOver(const std::vector<Group>& groups, const BgNbdParameters& p) {
  const CustomerLikelihood likelihood(p, groups.back().history.repeats);
  Slopes sum;
  for (const Group& group : groups) sum.Add(likelihood.Of(group.history), group.customers);
  return sum;
}

double MeanObservedWeeks(const std::vector<Group>& groups) {
  double weeks = 0;
  double customers = 0;
  for (const Group& group : groups) {
    weeks += group.customers * group.history.observed_weeks;
    customers += group.customers;
  }
  return weeks / customers;
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
  return {slopes.value,
          {slopes.r * p.r, slopes.alpha * p.alpha, (slopes.a - slopes.b) * p.a * p.b / (p.a + p.b),
           slopes.a * p.a + slopes.b * p.b}};
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
  return SumOver(GroupsOf(customers), parameters).value;
}

absl::StatusOr<BgNbdFit> FitBgNbd(std::span<const PurchaseHistory> customers) {
  if (customers.empty()) return NoAnswer(kNoCustomers, "there is no customer; record orders first");
  for (const PurchaseHistory& history : customers) CRM_RETURN_IF_ERROR(CheckHistory(history));
  const bool repeats = std::any_of(customers.begin(), customers.end(),
                                   [](const auto& history) { return history.repeats > 0; });
  if (!repeats) return NoAnswer(kNoRepeats, "no customer bought on a second day; wait for repeats");
  const std::vector<Group> groups = GroupsOf(customers);
  const double weeks = MeanObservedWeeks(groups);
  const auto at = [&](std::span<const double> coordinates) {
    const BgNbdParameters parameters = FromCoordinates(coordinates, weeks);
    return ByCoordinates(SumOver(groups, parameters), parameters);
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
