#include <fmt/format.h>
#include <gtest/gtest.h>

#include <memory>

#include "tests/simulation/plot_test.h"
#include "tests/simulation/send_plot.h"

namespace crm::simulation {
namespace {

MakePlot Sends(const SendPlot::Options& options = {}) {
  return [options] { return std::make_unique<SendPlot>(options); };
}

// 10,000 seeds take some 80 s: --seeds=10000.
TEST(SendSimulation, OneDecisionAndOneHandOffByConsentAtItsPositionUnderEverySeed) {
  SendTotals sum;
  ExpectNothingFound(Sends(), 2000, [&](const Plot& plot) {
    sum.Add(static_cast<const SendPlot&>(plot).totals());
  });
  fmt::print("{}\n", sum.ToString());
}

TEST(PlantedSendFault, WithoutRequestIdsAndMemoryASendIsDecidedTwice) {
  ExpectCaught(Sends({.fault_decide_anew = true}), {.fault_no_request_id = true}, Fault::kNotOnce,
               200);
}

TEST(PlantedSendFault, ADecisionOnNewerFactsThanItNamesIsFound) {
  ExpectCaught(Sends({.fault_older_basis = true}), {}, Fault::kUnjustified, 200);
}

TEST(PlantedSendFault, AnOutboxThatForgetsHandsOverTwice) {
  ExpectCaught(Sends({.fault_outbox_forgets = true}), {}, Fault::kNotOnce, 200);
}

TEST(PlantedSendFault, RecordingBeforeTheEffectsLosesDecisionsOrHandOffs) {
  ExpectCaught(Sends(), {.faults = {.record_before_effects = true}}, Fault::kNotOnce, 200);
}

}  // namespace
}  // namespace crm::simulation
