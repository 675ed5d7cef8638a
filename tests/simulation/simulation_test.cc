#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <map>
#include <string>

#include "tests/simulation/simulation.h"

namespace crm::simulation {
namespace {

struct Flags {
  uint64_t seeds = 2000;
  uint64_t first_seed = 1;
  // Runs this seed alone, without the tests.
  uint64_t only_seed = 0;
  bool verbose = false;
};
Flags flags;

std::string Describe(uint64_t seed, const std::vector<Finding>& findings) {
  std::string text =
      fmt::format("seed {}; again with: simulation_test --seed={} --verbose\n", seed, seed);
  for (const Finding& finding : findings) {
    text += fmt::format("  {}: {}\n", FaultName(finding.fault), finding.text);
  }
  return text;
}

TEST(Simulation, KeepsEveryPromiseUnderEverySeed) {
  Totals totals;
  int failed = 0;
  for (uint64_t i = 0; i < flags.seeds && failed < 5; ++i) {
    const uint64_t seed = flags.first_seed + i;
    const SimulationResult result = Simulate({.seed = seed});
    totals.Add(result.totals);
    if (result.findings.empty()) continue;
    ++failed;
    ADD_FAILURE() << Describe(seed, result.findings);
  }
  fmt::print("seeds {} to {}: {}\n", flags.first_seed, flags.first_seed + flags.seeds - 1,
             totals.ToString());
}

TEST(Simulation, ReplaysASeedExactly) {
  for (const uint64_t seed : {3u, 1003u, 2003u}) {
    EXPECT_EQ(Simulate({.seed = seed}).trace_hash, Simulate({.seed = seed}).trace_hash);
    EXPECT_NE(Simulate({.seed = seed}).trace_hash, Simulate({.seed = seed + 1}).trace_hash);
  }
}

}  // namespace

int RunOne() {
  const SimulationResult result = Simulate({.seed = flags.only_seed, .verbose = flags.verbose});
  fmt::print("{}\n", result.totals.ToString());
  std::string hex;
  for (const char c : result.trace_hash) hex += fmt::format("{:02x}", static_cast<uint8_t>(c));
  fmt::print("trace {}\n", hex);
  if (!result.findings.empty()) fmt::print("{}", Describe(flags.only_seed, result.findings));
  return result.findings.empty() ? 0 : 1;
}

bool ParseFlag(const std::string& argument) {
  const auto number = [&](const std::string& name, uint64_t* value) {
    if (!argument.starts_with(name)) return false;
    *value = std::stoull(argument.substr(name.size()));
    return true;
  };
  if (argument == "--verbose") return flags.verbose = true;
  return number("--seeds=", &flags.seeds) || number("--first-seed=", &flags.first_seed) ||
         number("--seed=", &flags.only_seed);
}

}  // namespace crm::simulation

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    if (crm::simulation::ParseFlag(argv[i])) continue;
    fmt::print(stderr, "unknown flag {}; there are --seeds= --first-seed= --seed= --verbose\n",
               argv[i]);
    return 2;
  }
  if (crm::simulation::flags.only_seed != 0) return crm::simulation::RunOne();
  return RUN_ALL_TESTS();
}
