#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/simulation/plot.h"

namespace crm::simulation {

// What happened, over the runs of one plot.
struct StageTotals {
  int64_t orders = 0;
  int64_t moves_by_orders = 0;
  int64_t moves_by_hand = 0;
};

// The contact service's reaction to orders, with its own deciders. Orders of a few contacts become
// known, late, with dates in the future, several at once, corrected later; in half of the runs
// people move stages by hand meanwhile. In the end no order has moved a stage twice, none that the
// rules give an effect is without one, and where nobody moved anything by hand the stage and the
// number of moves are what the number of orders says.
class StagePlot final : public Plot {
 public:
  struct Options {
    // The decider does not know the order of the stage it stands at: a planted fault, of effect
    // where request ids are missing too.
    bool fault_forget_order = false;
  };

  explicit StagePlot(const Options& options);
  ~StagePlot() override;

  std::string source_topic() const override { return "crm.interaction.events"; }
  std::string topic() const override { return "crm.contact.events"; }
  const google::protobuf::Message& source_record() const override;
  const google::protobuf::Message& record() const override;
  const AggregateTypes& types() const override;
  std::vector<Reaction*> reactions() override;
  void Begin(const std::vector<Partition>& partitions, Dice& dice) override;
  std::vector<NewEvent> NextSource(Partition partition, Dice& dice) override;
  std::unique_ptr<Command> NextCommand(Dice& dice) override;
  std::vector<Finding> Check(const std::vector<ToldEvent>& source,
                             const std::vector<ToldEvent>& own) const override;

  // After Check.
  const StageTotals& totals() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace crm::simulation
