#pragma once

#include <functional>
#include <utility>

#include "common/projection/tail_runner.h"
#include "common/service/lane_runner.h"
#include "common/service/served_projection.h"

namespace crm {

// Drives a core store: the lanes that decide, or follow who does.
class CoreDriver final : public ProjectionDriver {
 public:
  // `served` is told the lanes once they have started, and null before they stop.
  template <typename... Arguments>
  explicit CoreDriver(std::function<void(LaneRunner*)> served, Arguments&&... arguments)
      : lanes(std::forward<Arguments>(arguments)...), served_(std::move(served)) {}

  absl::Status Start() override {
    absl::Status status = lanes.Start();
    if (status.ok()) served_(&lanes);
    return status;
  }
  void Stop() override {
    served_(nullptr);
    lanes.Stop();
  }

  LaneRunner lanes;

 private:
  const std::function<void(LaneRunner*)> served_;
};

// Drives a view's store.
class ViewDriver final : public ProjectionDriver {
 public:
  ViewDriver(const ServedProjection& view, Store& store, std::function<void(absl::Status)> failed)
      : tail_(view.log(), view.projection(), view.source(), store, view.tracker(),
              std::move(failed)) {}
  absl::Status Start() override { return tail_.Start(); }
  void Stop() override { tail_.Stop(); }

 private:
  TailRunner tail_;
};

}  // namespace crm
