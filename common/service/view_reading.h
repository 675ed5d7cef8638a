#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "common/base/ids.h"
#include "common/storage/store.h"

namespace crm {

// One projection as a call reads it.
struct ProjectionReading {
  const RowReader* rows = nullptr;
  // Topic whose events it folds.
  std::string_view topic;
  // Each partition holds everything below, at least.
  std::array<Offset, kPartitions> read_to{};
};

// The projections of one service, as one call reads them. The stores stay open as long as it lives.
// Not thread-safe.
class ServiceReading {
 public:
  ProjectionReading core;

  // Stops the process where the service has no such view.
  const ProjectionReading& view(std::string_view name) const { return views_.at(name); }
  void AddView(std::string_view name, ProjectionReading reading,
               std::shared_ptr<const void> held_open) {
    views_[name] = reading;
    held_open_.push_back(std::move(held_open));
  }

 private:
  absl::flat_hash_map<std::string_view, ProjectionReading> views_;
  std::vector<std::shared_ptr<const void>> held_open_;
};

}  // namespace crm
