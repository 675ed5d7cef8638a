#include <gtest/gtest.h>

#include <memory>

#include "tests/simulation/plot_test.h"
#include "tests/simulation/tally_plot.h"

namespace crm::simulation {
namespace {

std::unique_ptr<Plot> Tallies() {
  return std::make_unique<TallyPlot>();
}

TEST(ReactionSimulation, EachEventTakesEffectExactlyOnceUnderEverySeed) {
  ExpectNothingFound(Tallies, 1000);
}

TEST(PlantedReactionFault, ReactingWithoutRequestIdsMovesTwice) {
  ExpectCaught(Tallies, {.fault_no_request_id = true}, Fault::kNotOnce, 200);
}

TEST(PlantedReactionFault, RecordingBeforeTheEffectsLosesEvents) {
  ExpectCaught(Tallies, {.faults = {.record_before_effects = true}}, Fault::kNotOnce, 200);
}

TEST(PlantedReactionFault, SkippingAnEventWithANewOwnerLosesIt) {
  ExpectCaught(Tallies, {.faults = {.skip_on_open = true}}, Fault::kNotOnce, 200);
}

}  // namespace
}  // namespace crm::simulation
