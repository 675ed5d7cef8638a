#include "tests/simulation/plot_test.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace crm::simulation {
namespace {

struct Flags {
  std::optional<uint64_t> seeds;
  uint64_t first_seed = 1;
};
Flags flags;

std::string Described(uint64_t seed, const std::vector<Finding>& findings) {
  std::string text = fmt::format("seed {}; again with: --first-seed={} --seeds=1\n", seed, seed);
  for (const Finding& finding : findings) {
    text += fmt::format("  {}: {}\n", FaultName(finding.fault), finding.text);
  }
  return text;
}

bool ParseFlag(const std::string& argument) {
  const auto value_of = [&](const std::string& name) -> std::optional<uint64_t> {
    if (!argument.starts_with(name)) return std::nullopt;
    return std::stoull(argument.substr(name.size()));
  };
  if (const auto seeds = value_of("--seeds=")) flags.seeds = *seeds;
  if (const auto first = value_of("--first-seed=")) flags.first_seed = *first;
  return argument.starts_with("--seeds=") || argument.starts_with("--first-seed=");
}

}  // namespace

void ExpectNothingFound(const MakePlot& make, uint64_t seeds, const AfterRun& after) {
  const uint64_t end = flags.first_seed + flags.seeds.value_or(seeds);
  ReactionTotals totals;
  int failed = 0;
  for (uint64_t seed = flags.first_seed; seed < end && failed < 5; ++seed) {
    const std::unique_ptr<Plot> plot = make();
    const ReactionRunResult result = RunReactions(*plot, {.seed = seed});
    totals.Add(result.totals);
    if (after) after(*plot);
    if (result.findings.empty()) continue;
    ++failed;
    ADD_FAILURE() << Described(seed, result.findings);
  }
  fmt::print("seeds {} to {}: {}\n", flags.first_seed, end - 1, totals.ToString());
}

void ExpectCaught(const MakePlot& make, ReactionRunOptions options, Fault fault, uint64_t limit) {
  for (options.seed = 1; options.seed <= limit; ++options.seed) {
    for (const Finding& finding : RunReactions(*make(), options).findings) {
      if (finding.fault != fault) continue;
      fmt::print("caught by seed {}: {}\n", options.seed, finding.text);
      return;
    }
  }
  ADD_FAILURE() << "not caught within " << limit << " seeds";
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
