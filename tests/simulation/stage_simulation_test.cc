#include <fmt/format.h>
#include <gtest/gtest.h>

#include <memory>

#include "tests/simulation/plot_test.h"
#include "tests/simulation/stage_plot.h"

namespace crm::simulation {
namespace {

MakePlot Stages(const StagePlot::Options& options = {}) {
  return [options] { return std::make_unique<StagePlot>(options); };
}

TEST(StageSimulation, EachOrderMovesTheStageExactlyOnceInEffectUnderEverySeed) {
  StageTotals sum;
  ExpectNothingFound(Stages(), 1000, [&](const Plot& plot) {
    const StageTotals& totals = static_cast<const StagePlot&>(plot).totals();
    sum.orders += totals.orders;
    sum.moves_by_orders += totals.moves_by_orders;
    sum.moves_by_hand += totals.moves_by_hand;
  });
  fmt::print("{} orders, {} moves by orders, {} by hand\n", sum.orders, sum.moves_by_orders,
             sum.moves_by_hand);
}

TEST(PlantedStageFault, WithoutRequestIdsAndEvidenceAnOrderMovesTwice) {
  ExpectCaught(Stages({.fault_forget_order = true}), {.fault_no_request_id = true}, Fault::kNotOnce,
               200);
}

TEST(PlantedStageFault, SkippingAnOrderWithANewOwnerLosesIt) {
  ExpectCaught(Stages(), {.faults = {.skip_on_open = true}}, Fault::kNotOnce, 200);
}

}  // namespace
}  // namespace crm::simulation
