#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <set>
#include <string>

#include "common/base/bytes.h"
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

// Another process, so that the seeds of hash tables differ.
std::string TraceOfAnotherProcess(uint64_t seed) {
  const std::string command = fmt::format("/proc/{}/exe --seed={}", getpid(), seed);
  FILE* pipe = popen(command.c_str(), "r");
  std::string out;
  char chunk[256];
  while (pipe != nullptr && fgets(chunk, sizeof(chunk), pipe) != nullptr) out += chunk;
  if (pipe != nullptr) pclose(pipe);
  return out.substr(out.find("trace "));
}

TEST(Simulation, ReplaysASeedExactlyInAnotherProcess) {
  for (const uint64_t seed : {1u, 44u, 707u}) {
    const std::string first = TraceOfAnotherProcess(seed);
    EXPECT_EQ(first.size(), sizeof("trace ") + 32);
    EXPECT_EQ(first, TraceOfAnotherProcess(seed));
    EXPECT_EQ(first, fmt::format("trace {}\n", Hex(Simulate({.seed = seed}).trace_hash)));
  }
}

TEST(Simulation, ReplaysASeedExactly) {
  for (const uint64_t seed : {3u, 1003u, 2003u}) {
    EXPECT_EQ(Simulate({.seed = seed}).trace_hash, Simulate({.seed = seed}).trace_hash);
    EXPECT_NE(Simulate({.seed = seed}).trace_hash, Simulate({.seed = seed + 1}).trace_hash);
  }
}

// Seeds until the checker reports one of `expected`, at most `limit`.
void ExpectCaught(SimulationOptions options, const std::set<Fault>& expected, uint64_t limit) {
  for (uint64_t seed = 1; seed <= limit; ++seed) {
    options.seed = seed;
    const SimulationResult result = Simulate(options);
    for (const Finding& finding : result.findings) {
      if (!expected.contains(finding.fault)) continue;
      fmt::print("caught by seed {}: {}: {}\n", seed, FaultName(finding.fault), finding.text);
      return;
    }
  }
  ADD_FAILURE() << "not caught within " << limit << " seeds";
}

TEST(PlantedFault, ConfirmingWithoutContiguityLosesAcknowledgedCommands) {
  ExpectCaught({.faults = {.confirm_without_contiguity = true}}, {Fault::kNotOnce}, 500);
}

TEST(PlantedFault, TakingAGapForEmptyLosesAcknowledgedCommands) {
  ExpectCaught({.faults = {.skip_gap_read_back = true}}, {Fault::kNotOnce}, 500);
}

TEST(PlantedFault, OverlookingAnOwnLateOwnershipLosesAcknowledgedCommands) {
  ExpectCaught({.faults = {.ignore_own_late_own = true}}, {Fault::kNotOnce}, 500);
}

TEST(PlantedFault, SkippingARecordMakesTheReplicasDifferFromARebuild) {
  ExpectCaught({.faults = {.skip_record = 7}}, {Fault::kReplicas}, 500);
}

TEST(PlantedFault, ConfirmingWhatSomebodyElseWroteLosesAcknowledgedCommands) {
  ExpectCaught({.faults = {.confirm_forged = true}}, {Fault::kNotOnce}, 500);
}

TEST(PlantedFault, ForgettingRequestIdsExecutesTwice) {
  ExpectCaught({.fault_ignore_dedup = true}, {Fault::kNotOnce}, 500);
}

}  // namespace

int RunOne() {
  const SimulationResult result = Simulate({.seed = flags.only_seed, .verbose = flags.verbose});
  fmt::print("{}\n", result.totals.ToString());
  fmt::print("trace {}\n", Hex(result.trace_hash));
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
