#include "services/analytics/domain/maximum_likelihood.h"

#include <nlopt.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>

#include "services/analytics/domain/model_error.h"

namespace crm::analytics {
namespace {

using Matrix = std::vector<Coordinates>;

constexpr int kEvaluations = 2000;
constexpr double kTolerance = 1e-10;
constexpr int kNewtonSteps = 50;
// The longest Newton step, in any coordinate: far from the maximum the quadratic fits badly.
constexpr double kLongestStep = 1;
constexpr double kShortestStep = 1e-10;
// Of the central differences of the gradient: their error is of the order of its square.
constexpr double kDifference = 1e-4;
// Least curvature of a maximum: a standard error of 100 in a coordinate determines nothing.
constexpr double kLeastCurvature = 1e-4;

absl::Status Degenerate() {
  return NoAnswer(kDegenerateFit,
                  "the customers do not determine the model's parameters; take more customers or a "
                  "longer time");
}

double Minus(unsigned count, const double* at, double* gradient, void* function) {
  const auto& log_likelihood = *static_cast<const LogLikelihoodAt*>(function);
  const LogLikelihood found = log_likelihood({at, count});
  for (unsigned i = 0; gradient != nullptr && i < count; ++i) gradient[i] = -found.gradient[i];
  return -found.value;
}

// The end of one search, wherever that is: NLopt's result says only why it stopped.
Coordinates SearchFrom(const LogLikelihoodAt& log_likelihood, const Coordinates& start,
                       double bound) {
  const std::unique_ptr<nlopt_opt_s, void (*)(nlopt_opt)> optimiser(
      nlopt_create(NLOPT_LD_SLSQP, static_cast<unsigned>(start.size())), nlopt_destroy);
  nlopt_set_min_objective(optimiser.get(), Minus, const_cast<LogLikelihoodAt*>(&log_likelihood));
  nlopt_set_lower_bounds1(optimiser.get(), -bound);
  nlopt_set_upper_bounds1(optimiser.get(), bound);
  nlopt_set_xtol_abs1(optimiser.get(), kTolerance);
  nlopt_set_maxeval(optimiser.get(), kEvaluations);
  Coordinates at = start;
  double value = 0;
  nlopt_optimize(optimiser.get(), at.data(), &value);
  return at;
}

// Minus the second derivatives by the first `count` coordinates: central differences of the
// gradient, made symmetric.
Matrix Curvature(const LogLikelihoodAt& log_likelihood, const Coordinates& at, size_t count) {
  Matrix rows(count, Coordinates(count));
  for (size_t i = 0; i < count; ++i) {
    Coordinates above = at;
    Coordinates below = at;
    above[i] += kDifference;
    below[i] -= kDifference;
    const Coordinates high = log_likelihood(above).gradient;
    const Coordinates low = log_likelihood(below).gradient;
    for (size_t j = 0; j < count; ++j) rows[i][j] = (low[j] - high[j]) / (2 * kDifference);
  }
  for (size_t i = 0; i < count; ++i) {
    for (size_t j = 0; j < i; ++j) rows[i][j] = rows[j][i] = (rows[i][j] + rows[j][i]) / 2;
  }
  return rows;
}

// The lower factor L of L L' = matrix; nullopt unless every pivot is at least kLeastCurvature.
std::optional<Matrix> Cholesky(const Matrix& matrix) {
  const size_t count = matrix.size();
  Matrix lower(count, Coordinates(count));
  for (size_t i = 0; i < count; ++i) {
    for (size_t j = 0; j <= i; ++j) {
      double rest = matrix[i][j];
      for (size_t k = 0; k < j; ++k) rest -= lower[i][k] * lower[j][k];
      if (i == j && !(rest >= kLeastCurvature)) return std::nullopt;
      lower[i][j] = i == j ? std::sqrt(rest) : rest / lower[j][j];
    }
  }
  return lower;
}

// The solution of lower lower' x = right.
Coordinates Solve(const Matrix& lower, Coordinates right) {
  const size_t count = right.size();
  for (size_t i = 0; i < count; ++i) {
    for (size_t k = 0; k < i; ++k) right[i] -= lower[i][k] * right[k];
    right[i] /= lower[i][i];
  }
  for (size_t i = count; i-- > 0;) {
    for (size_t k = i + 1; k < count; ++k) right[i] -= lower[k][i] * right[k];
    right[i] /= lower[i][i];
  }
  return right;
}

double Longest(const Coordinates& step) {
  double longest = 0;
  for (const double length : step) longest = std::max(longest, std::abs(length));
  return longest;
}

// The point moved by the step, cut to kLongestStep.
Coordinates Moved(Coordinates at, const Coordinates& step) {
  const double longest = Longest(step);
  const double scale = longest > kLongestStep ? kLongestStep / longest : 1;
  for (size_t i = 0; i < step.size(); ++i) at[i] += scale * step[i];
  return at;
}

bool Within(const Coordinates& at, size_t count, double bound) {
  return std::all_of(at.begin(), at.begin() + static_cast<ptrdiff_t>(count),
                     [&](double x) { return std::abs(x) < bound; });
}

// Moves the first `count` coordinates. Each step is taken where the surface is convex, so it leads
// upwards; nullopt where it is not, or when the steps do not come to rest inside of the bounds.
std::optional<Coordinates> ImproveByNewton(const LogLikelihoodAt& log_likelihood, Coordinates at,
                                           size_t count, double bound) {
  for (int i = 0; i < kNewtonSteps; ++i) {
    const std::optional<Matrix> lower = Cholesky(Curvature(log_likelihood, at, count));
    if (!lower.has_value()) return std::nullopt;
    Coordinates slope = log_likelihood(at).gradient;
    slope.resize(count);
    const Coordinates step = Solve(*lower, std::move(slope));
    at = Moved(std::move(at), step);
    if (!Within(at, count, bound)) return std::nullopt;
    if (Longest(step) < kShortestStep) return at;
  }
  return std::nullopt;
}

}  // namespace

absl::StatusOr<Maximum> Maximise(const LogLikelihoodAt& log_likelihood, const Search& search) {
  Maximum best{.value = -std::numeric_limits<double>::infinity()};
  for (const Coordinates& start : search.starts) {
    const Coordinates end = SearchFrom(log_likelihood, start, search.bound);
    const double value = log_likelihood(end).value;
    if (value > best.value) best = {end, value};
  }
  for (size_t count = best.at.size(); count > 0 && count >= search.determined; --count) {
    const auto at = ImproveByNewton(log_likelihood, best.at, count, search.bound);
    if (at.has_value()) return Maximum{*at, log_likelihood(*at).value};
  }
  return Degenerate();
}

}  // namespace crm::analytics
