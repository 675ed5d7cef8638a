#pragma once

#include <functional>
#include <span>
#include <vector>

#include "absl/status/statusor.h"

namespace crm::analytics {

// Finds the maximum of a smooth log likelihood over the logarithms of its positive parameters.
// Pure; any thread.

struct LogLikelihood {
  double value = 0;
  // By the parameters' logarithms.
  std::vector<double> gradient;
};

using LogLikelihoodAt = std::function<LogLikelihood(std::span<const double> log_parameters)>;

struct Maximum {
  std::vector<double> log_parameters;
  double value = 0;
};

// From each of `starts` by NLopt's SLSQP (Kraft 1994, "Algorithm 733", ACM TOMS 20:3), the best end
// improved by Newton steps until they no longer move it. Every parameter's logarithm stays within
// [-bound, bound]. No randomness, no clock: the same function and starts give the same bits.
// FAILED_PRECONDITION DEGENERATE_FIT unless the end is a strict maximum inside of the bounds: data
// that do not determine the parameters have none.
absl::StatusOr<Maximum> Maximise(const LogLikelihoodAt& log_likelihood,
                                 std::span<const std::vector<double>> starts, double bound);

}  // namespace crm::analytics
