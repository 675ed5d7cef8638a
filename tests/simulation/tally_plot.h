#pragma once

#include <memory>
#include <vector>

#include "tests/simulation/plot.h"

namespace crm::simulation {

// Facts about subjects move the subjects' tallies; a bonus moves the tallies of all, two at a time.
// The decider adds whatever it is told: only request ids keep it from adding twice. A tally that
// somebody has closed refuses. In the end every event has moved every tally it is about exactly
// once, or was refused once.
class TallyPlot final : public Plot {
 public:
  TallyPlot();
  ~TallyPlot() override;

  const google::protobuf::Message& source_record() const override;
  const google::protobuf::Message& record() const override;
  const AggregateTypes& types() const override;
  std::vector<Reaction*> reactions() override;
  void Begin(const std::vector<Partition>& partitions, Dice& dice) override;
  std::vector<NewEvent> NextSource(Partition partition, Dice& dice) override;
  std::unique_ptr<Command> NextCommand(Dice& dice) override;
  void CalmDown() override;
  std::vector<Finding> Check(const std::vector<ToldEvent>& source,
                             const std::vector<ToldEvent>& own) const override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace crm::simulation
