#pragma once

#include <algorithm>
#include <cmath>
#include <functional>

namespace crm::analytics {

// Slow reference for the models: what a mixing distribution makes of a quantity, by the trapezoid
// rule on a line of logarithms or log odds, where the integrands fade out to both sides, so that
// the rule converges faster than any power of its step. Every density is divided by its own
// integral: no formula of the models, no gamma function takes part.

using Function = std::function<double(double)>;

// The step that a bell of width 1 / sqrt(sharpness) needs.
inline double StepFor(double sharpness) {
  return std::min(.25, .7 / std::sqrt(sharpness));
}

inline double Integral(const Function& f, double from, double to, double step) {
  double sum = 0;
  for (double x = from; x < to; x += step) sum += f(x);
  return sum * step;
}

// E[f(x)] for x of a Gamma(shape, rate) distribution, where f is no sharper than x^power e^-x.
inline double GammaMean(double shape, double rate, double power, const Function& f) {
  // The density times x, over y = ln x, up to a factor: its peak, at x = shape / rate, is 1.
  const double centre = std::log(shape / rate);
  const auto weight = [&](double y) {
    return std::exp(shape * (y - centre) - shape * std::expm1(y - centre));
  };
  const double from = centre - 25 / shape - 12 / std::sqrt(shape);
  const double to = centre + std::log1p(60 / shape + 12 / std::sqrt(shape));
  const double step = StepFor(shape + power);
  const auto weighted = [&](double y) { return weight(y) * f(std::exp(y)); };
  return Integral(weighted, from, to, step) / Integral(weight, from, to, step);
}

// E[f(x)] for x of a Beta(a, b) distribution.
inline double BetaMean(double a, double b, const Function& f) {
  // The density times x (1 - x), over the log odds w of x, up to a factor.
  const double centre = std::log(a / b);
  const auto log_weight = [&](double w) {
    return -a * std::log1p(std::exp(-w)) - b * std::log1p(std::exp(w));
  };
  const auto weight = [&](double w) { return std::exp(log_weight(w) - log_weight(centre)); };
  const double from = centre - 25 / a - std::log1p(60 / b + 12 / std::sqrt(b)) - 12 / std::sqrt(a);
  const double to = centre + 25 / b + std::log1p(60 / a + 12 / std::sqrt(a)) + 12 / std::sqrt(b);
  const double step = StepFor(a + 1);
  const auto weighted = [&](double w) { return weight(w) * f(1 / (1 + std::exp(-w))); };
  return Integral(weighted, from, to, step) / Integral(weight, from, to, step);
}

}  // namespace crm::analytics
