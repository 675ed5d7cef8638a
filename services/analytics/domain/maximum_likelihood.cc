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

using Vector = std::vector<double>;
using Matrix = std::vector<Vector>;

constexpr int kEvaluations = 2000;
constexpr double kTolerance = 1e-10;
constexpr int kNewtonSteps = 50;
// The longest Newton step, in any logarithm: far from the maximum the quadratic fits badly.
constexpr double kLongestStep = 1;
constexpr double kShortestStep = 1e-10;
// Of the central differences of the gradient: their error is of the order of its square.
constexpr double kDifference = 1e-4;
// Least curvature of a maximum: a standard error of 100 in a logarithm determines nothing.
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
Vector Search(const LogLikelihoodAt& log_likelihood, const Vector& start, double bound) {
  const std::unique_ptr<nlopt_opt_s, void (*)(nlopt_opt)> search(
      nlopt_create(NLOPT_LD_SLSQP, static_cast<unsigned>(start.size())), nlopt_destroy);
  nlopt_set_min_objective(search.get(), Minus, const_cast<LogLikelihoodAt*>(&log_likelihood));
  nlopt_set_lower_bounds1(search.get(), -bound);
  nlopt_set_upper_bounds1(search.get(), bound);
  nlopt_set_xtol_abs1(search.get(), kTolerance);
  nlopt_set_maxeval(search.get(), kEvaluations);
  Vector at = start;
  double value = 0;
  nlopt_optimize(search.get(), at.data(), &value);
  return at;
}

// Minus the second derivatives, by central differences of the gradient, made symmetric.
Matrix Curvature(const LogLikelihoodAt& log_likelihood, const Vector& at) {
  const size_t count = at.size();
  Matrix rows(count, Vector(count));
  for (size_t i = 0; i < count; ++i) {
    Vector above = at;
    Vector below = at;
    above[i] += kDifference;
    below[i] -= kDifference;
    const Vector high = log_likelihood(above).gradient;
    const Vector low = log_likelihood(below).gradient;
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
  Matrix lower(count, Vector(count));
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
Vector Solve(const Matrix& lower, Vector right) {
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

double Longest(const Vector& step) {
  double longest = 0;
  for (const double length : step) longest = std::max(longest, std::abs(length));
  return longest;
}

// The point moved by the step, cut to kLongestStep.
Vector Moved(Vector at, const Vector& step) {
  const double longest = Longest(step);
  const double scale = longest > kLongestStep ? kLongestStep / longest : 1;
  for (size_t i = 0; i < at.size(); ++i) at[i] += scale * step[i];
  return at;
}

bool Within(const Vector& at, double bound) {
  return std::all_of(at.begin(), at.end(), [&](double x) { return std::abs(x) < bound; });
}

// Each step is taken where the surface is convex, so it leads upwards; nullopt where it is not, or
// when the steps do not come to rest inside of the bounds.
std::optional<Vector> ImproveByNewton(const LogLikelihoodAt& log_likelihood, Vector at,
                                      double bound) {
  for (int i = 0; i < kNewtonSteps; ++i) {
    const std::optional<Matrix> lower = Cholesky(Curvature(log_likelihood, at));
    if (!lower.has_value()) return std::nullopt;
    const Vector step = Solve(*lower, log_likelihood(at).gradient);
    at = Moved(std::move(at), step);
    if (!Within(at, bound)) return std::nullopt;
    if (Longest(step) < kShortestStep) return at;
  }
  return std::nullopt;
}

}  // namespace

absl::StatusOr<Maximum> Maximise(const LogLikelihoodAt& log_likelihood,
                                 std::span<const Vector> starts, double bound) {
  Maximum best{.value = -std::numeric_limits<double>::infinity()};
  for (const Vector& start : starts) {
    const Vector end = Search(log_likelihood, start, bound);
    const double value = log_likelihood(end).value;
    if (value > best.value) best = {end, value};
  }
  if (best.log_parameters.empty()) return Degenerate();
  const auto at = ImproveByNewton(log_likelihood, best.log_parameters, bound);
  if (!at.has_value()) return Degenerate();
  return Maximum{*at, log_likelihood(*at).value};
}

}  // namespace crm::analytics
