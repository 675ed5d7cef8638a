#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "tests/simulation/reaction_simulation.h"
#include "tests/simulation/tally_plot.h"

namespace crm::simulation {
namespace {

struct Flags {
  uint64_t seeds = 1000;
  uint64_t first_seed = 1;
};
Flags flags;

ReactionRunResult RunTallies(ReactionRunOptions options) {
  TallyPlot plot;
  return RunReactions(plot, options);
}

TEST(ReactionSimulation, EachEventTakesEffectExactlyOnceUnderEverySeed) {
  ReactionTotals totals;
  int failed = 0;
  for (uint64_t i = 0; i < flags.seeds && failed < 5; ++i) {
    const uint64_t seed = flags.first_seed + i;
    const ReactionRunResult result = RunTallies({.seed = seed});
    totals.Add(result.totals);
    if (result.findings.empty()) continue;
    ++failed;
    std::string text = fmt::format("seed {}; again with: --first-seed={} --seeds=1\n", seed, seed);
    for (const Finding& finding : result.findings) {
      text += fmt::format("  {}: {}\n", FaultName(finding.fault), finding.text);
    }
    ADD_FAILURE() << text;
  }
  fmt::print("seeds {} to {}: {}\n", flags.first_seed, flags.first_seed + flags.seeds - 1,
             totals.ToString());
}

// Seeds until the checks report a fault, at most `limit`.
void ExpectCaught(ReactionRunOptions options, uint64_t limit) {
  for (uint64_t seed = 1; seed <= limit; ++seed) {
    options.seed = seed;
    for (const Finding& finding : RunTallies(options).findings) {
      if (finding.fault != Fault::kNotOnce) continue;
      fmt::print("caught by seed {}: {}\n", seed, finding.text);
      return;
    }
  }
  ADD_FAILURE() << "not caught within " << limit << " seeds";
}

TEST(PlantedReactionFault, ReactingWithoutRequestIdsMovesTwice) {
  ExpectCaught({.fault_no_request_id = true}, 200);
}

TEST(PlantedReactionFault, RecordingBeforeTheEffectsLosesEvents) {
  ExpectCaught({.faults = {.record_before_effects = true}}, 200);
}

TEST(PlantedReactionFault, SkippingAnEventWithANewOwnerLosesIt) {
  ExpectCaught({.faults = {.skip_on_open = true}}, 200);
}

}  // namespace

bool ParseFlag(const std::string& argument) {
  const auto number = [&](const std::string& name, uint64_t* value) {
    if (!argument.starts_with(name)) return false;
    *value = std::stoull(argument.substr(name.size()));
    return true;
  };
  return number("--seeds=", &flags.seeds) || number("--first-seed=", &flags.first_seed);
}

}  // namespace crm::simulation

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    if (crm::simulation::ParseFlag(argv[i])) continue;
    fmt::print(stderr, "unknown flag {}; there are --seeds= --first-seed=\n", argv[i]);
    return 2;
  }
  return RUN_ALL_TESTS();
}
