#pragma once

#include <random>
#include <vector>

#include "services/analytics/domain/bgnbd.h"
#include "services/analytics/domain/gamma_gamma.h"

namespace crm::analytics {

// A draw of uniform [0, 1) that is the same with every library.
double Uniform(std::mt19937_64& random);

// From `low` to `high`, even in the logarithm.
double LogUniform(std::mt19937_64& random, double low, double high);

// Customers who behave as BG/NBD says, each told step by step: purchase times and coin flips,
// observed for 1 to `weeks` weeks. Two purchases may lie as near as a second apart.
std::vector<PurchaseHistory> SimulateHistories(const BgNbdParameters& parameters, int customers,
                                               double weeks, std::mt19937_64& random);

// One such customer, with `rate` purchases a week and probability `leaves` after each repeat.
PurchaseHistory SimulateHistory(double rate, double leaves, double weeks, std::mt19937_64& random);

// Mean spends as Gamma-Gamma says, of 1 to `most_repeats` repeat purchases.
std::vector<RepeatSpend> SimulateSpends(const GammaGammaParameters& parameters, int customers,
                                        int most_repeats, std::mt19937_64& random);

}  // namespace crm::analytics
