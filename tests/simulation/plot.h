#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/aggregate/core_fold.h"
#include "common/projection/projection.h"
#include "common/service/reaction.h"
#include "tests/simulation/checker.h"
#include "tests/simulation/virtual_time.h"

namespace crm::simulation {

// A valid event of a finished run.
struct ToldEvent {
  Partition partition = 0;
  Offset offset = 0;
  std::shared_ptr<const Event> event;
};

inline constexpr char kSourceTopic[] = "simulated-source";
inline constexpr char kOwnTopic[] = "simulated";
// Tenant of all source events, and when a run begins by the wall clock.
inline constexpr char kPlotTenant[] = "acme";
inline constexpr TimeNs kWallStart = 1'700'000'000 * kSecond;

// A view of the service, which each node folds into a store of its own.
struct PlotView {
  // Outlives the run.
  const Projection* projection = nullptr;
  // Plot::topic() or Plot::source_topic(); of another topic nothing ever happens.
  std::string topic;
};

// What a simulated run of reactions is about: the deciders and reactions of a service, what happens
// in the topic they follow, and what must hold in the end. The rest (nodes, logs, faults, owners,
// crashes) is RunReactions'.
class Plot {
 public:
  virtual ~Plot() = default;

  // The topic that others write, and the service's own. A reaction follows one of them.
  virtual std::string source_topic() const { return kSourceTopic; }
  virtual std::string topic() const { return kOwnTopic; }
  // Their record messages.
  virtual const google::protobuf::Message& source_record() const = 0;
  virtual const google::protobuf::Message& record() const = 0;
  // Of the service's own topic.
  virtual const AggregateTypes& types() const = 0;
  virtual std::vector<Reaction*> reactions() = 0;
  // What reactions read beside the core.
  virtual std::vector<PlotView> views() const { return {}; }

  // Partitions of the service's own topic that have owners in this run.
  virtual void Begin(const std::vector<Partition>& partitions, Dice& dice) = 0;
  // Events of the next command recorded in the source topic, of one subject of `partition`; the
  // harness stamps them.
  virtual std::vector<NewEvent> NextSource(Partition partition, Dice& dice) = 0;
  // A command that somebody else gives to the service meanwhile, with caller and request id; or
  // none.
  virtual std::unique_ptr<Command> NextCommand(Dice&) { return nullptr; }
  // From here on React does not fail by itself.
  virtual void CalmDown() {}
  // So long after the faults are over and everything was reacted to, stores are lost.
  virtual TimeNs pause_before_rebuild() const { return 0; }
  // From here on, nothing may happen any more.
  virtual void Rest() {}

  // `own` are all events of the service's topic, those of reactions' progress too.
  virtual std::vector<Finding> Check(const std::vector<ToldEvent>& source,
                                     const std::vector<ToldEvent>& own) const = 0;
};

}  // namespace crm::simulation
