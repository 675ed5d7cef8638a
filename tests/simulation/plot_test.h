#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "tests/simulation/reaction_simulation.h"

// Tests of one plot over many seeds. The program that links it has a main, with the flags
// --first-seed= and --seeds=.
namespace crm::simulation {

using MakePlot = std::function<std::unique_ptr<Plot>()>;
// Called with each plot after its run.
using AfterRun = std::function<void(const Plot&)>;

// One run a seed, `seeds` of them where no flag says otherwise; fails with what each of the first
// five bad ones found and how to replay it, and prints the totals.
void ExpectNothingFound(const MakePlot& make, uint64_t seeds, const AfterRun& after = {});

// Fails unless one of the first `limit` seeds finds a fault of this kind.
void ExpectCaught(const MakePlot& make, ReactionRunOptions options, Fault fault, uint64_t limit);

}  // namespace crm::simulation
