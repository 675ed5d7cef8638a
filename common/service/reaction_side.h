#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "common/service/reactor.h"
#include "common/service/served_projection.h"
#include "common/service/service_definition.h"

namespace crm {

// What reactions see of the host they run in. Thread-safe.
class ReactionSide final : public ReactionHost {
 public:
  // All that it refers to outlives it.
  struct Of {
    const ServiceDefinition& definition;
    // Driven by a CoreDriver.
    const ServedProjection& core;
    const std::vector<std::unique_ptr<ServedProjection>>& views;
    // Null while a projection is healed.
    std::function<std::shared_ptr<const ServiceReading>()> read;
    std::function<void(std::unique_ptr<Command>)> submit;
  };

  explicit ReactionSide(Of of);

  std::optional<Offset> Reign(Partition partition) override;
  std::shared_ptr<const ServiceReading> Read() override { return of_.read(); }
  void Submit(std::unique_ptr<Command> command) override { of_.submit(std::move(command)); }

 private:
  // The views have folded every event that was reacted to in earlier reigns. Views that lag behind
  // would let a reaction to another topic decide on older facts, and nothing would repeat it.
  bool ViewsHaveRead(const RowReader& core, Partition partition) const;
  bool ViewsHaveRead(const common::v1::ReactedTo& to) const;

  const Of of_;
  // The reign in which the views were found to have read what was reacted to before.
  std::array<std::atomic<Offset>, kPartitions> caught_up_in_;
};

}  // namespace crm
