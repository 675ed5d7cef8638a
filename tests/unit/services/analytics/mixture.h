#pragma once

#include <cmath>
#include <functional>

namespace crm::analytics {

// Slow reference for the models: what a mixing distribution makes of a quantity, by the trapezoid
// rule on a line of logarithms or log odds, where the integrands fade out to both sides, so that
// the rule converges faster than any power of its step. Every density is divided by its own
// integral: no formula of the models, no gamma function takes part.

using Function = std::function<double(double)>;

inline double Integral(const Function& f, double from, double to, int steps) {
  const double step = (to - from) / steps;
  double sum = (f(from) + f(to)) / 2;
  for (int i = 1; i < steps; ++i) sum += f(from + i * step);
  return sum * step;
}

// E[f(x)] for x of a Gamma(shape, rate) distribution.
inline double GammaMean(double shape, double rate, const Function& f, int steps = 4000) {
  // The density times x, over y = ln x, up to a factor: its peak, at x = shape / rate, is 1.
  const double centre = std::log(shape / rate);
  const auto weight = [&](double y) {
    return std::exp(shape * (y - centre) - shape * std::expm1(y - centre));
  };
  const double from = centre - 40 / shape - 40 / std::sqrt(shape);
  const double to = centre + std::log1p(60 / shape + 12 / std::sqrt(shape));
  const double above =
      Integral([&](double y) { return weight(y) * f(std::exp(y)); }, from, to, steps);
  return above / Integral(weight, from, to, steps);
}

// E[f(x)] for x of a Beta(a, b) distribution.
inline double BetaMean(double a, double b, const Function& f, int steps = 4000) {
  // The density times x (1 - x), over the log odds w of x, up to a factor.
  const double centre = std::log(a / b);
  const auto log_weight = [&](double w) {
    return -a * std::log1p(std::exp(-w)) - b * std::log1p(std::exp(w));
  };
  const auto weight = [&](double w) { return std::exp(log_weight(w) - log_weight(centre)); };
  const double from = centre - 40 / a - std::log1p(60 / b + 12 / std::sqrt(b)) - 12 / std::sqrt(a);
  const double to = centre + 40 / b + std::log1p(60 / a + 12 / std::sqrt(a)) + 12 / std::sqrt(b);
  const auto odds_to_share = [](double w) { return 1 / (1 + std::exp(-w)); };
  const double above =
      Integral([&](double w) { return weight(w) * f(odds_to_share(w)); }, from, to, steps);
  return above / Integral(weight, from, to, steps);
}

}  // namespace crm::analytics
