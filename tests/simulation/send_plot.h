#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/simulation/plot.h"
#include "tests/simulation/send_check.h"

namespace crm::simulation {

// The campaign service's reactions send-of-step and hand-off, with its own deciders and views.
// Contacts enter and leave a segment, campaigns are created and launched and their steps started,
// while consents are granted and withdrawn in the contact topic, which every node's views follow at
// their own pace. The outbox fails now and then, before or after it has kept what it was given.
//
// In the end there is at most one decision for each campaign, step and contact; each stands on the
// consent that the contact topic has at the position it names; each send that was decided was
// handed over once or cancelled; frequency caps hold; nobody who was a member was left out; and a
// rebuild hands over nothing.
class SendPlot final : public Plot {
 public:
  // Planted faults, to show that the checks notice.
  struct Options {
    // The decider does not know what it decided before; of effect where request ids are missing.
    bool fault_decide_anew = false;
    // A decision names an older position than that of the facts it stands on.
    bool fault_older_basis = false;
    // What is kept in the outbox is forgotten at times.
    bool fault_outbox_forgets = false;
  };

  explicit SendPlot(const Options& options);
  ~SendPlot() override;

  std::string source_topic() const override { return "crm.contact.events"; }
  std::string topic() const override { return "crm.campaign.events"; }
  const google::protobuf::Message& source_record() const override;
  const google::protobuf::Message& record() const override;
  const AggregateTypes& types() const override;
  std::vector<Reaction*> reactions() override;
  std::vector<PlotView> views() const override;
  void Begin(const std::vector<Partition>& partitions, Dice& dice) override;
  std::vector<NewEvent> NextSource(Partition partition, Dice& dice) override;
  std::unique_ptr<Command> NextCommand(Dice& dice) override;
  void CalmDown() override;
  // A step that was started for nobody is recorded within this time; met again later, it would find
  // who has entered the segment since.
  TimeNs pause_before_rebuild() const override { return 3 * kSecond; }
  void Rest() override;
  std::vector<Finding> Check(const std::vector<ToldEvent>& source,
                             const std::vector<ToldEvent>& own) const override;

  // After Check.
  const SendTotals& totals() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace crm::simulation
