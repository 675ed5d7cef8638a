#pragma once

#include <functional>
#include <span>
#include <vector>

#include "absl/status/statusor.h"

namespace crm::analytics {

// Finds the maximum of a smooth log likelihood over coordinates that range over all numbers, such
// as the logarithms of positive parameters. Pure; any thread.

using Coordinates = std::vector<double>;

struct LogLikelihood {
  double value = 0;
  // By the coordinates.
  Coordinates gradient;
};

using LogLikelihoodAt = std::function<LogLikelihood(std::span<const double>)>;

struct Maximum {
  Coordinates at;
  double value = 0;
};

struct Search {
  // Where to begin; the best end counts.
  std::vector<Coordinates> starts;
  // Every coordinate stays within [-bound, bound].
  double bound = 0;
  // So many of the first coordinates must be determined by the data. Of the others, those from the
  // first on that is not stay where the search left them, at a bound or on a plain of equal
  // likelihood.
  size_t determined = 0;
};

// From each start by NLopt's SLSQP (Kraft 1994, "Algorithm 733", ACM TOMS 20:3), the best end
// improved by Newton steps until they no longer move it. No randomness, no clock: the same function
// and search give the same bits on one machine. FAILED_PRECONDITION DEGENERATE_FIT unless the end
// is a strict maximum inside of the bounds in the coordinates that must be determined.
absl::StatusOr<Maximum> Maximise(const LogLikelihoodAt& log_likelihood, const Search& search);

}  // namespace crm::analytics
