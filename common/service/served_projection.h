#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "common/base/mutex.h"
#include "common/projection/position_tracker.h"
#include "common/service/projection_store.h"

namespace crm {

// What keeps a projection's store at the log's end: lanes for the core, a tail for a view.
class ProjectionDriver {
 public:
  virtual ~ProjectionDriver() = default;
  virtual absl::Status Start() = 0;
  // Joins the driver's threads; nothing touches the store afterwards.
  virtual void Stop() = 0;
};

// One projection in operation: its store, what drives it, and how it is rebuilt or healed while the
// process serves. Thread-safe.
class ServedProjection {
 public:
  // Makes the driver of a store. `failed` is called once when store or log cannot be read any more;
  // it returns at once.
  using MakeDriver = std::function<std::unique_ptr<ProjectionDriver>(
      Store& store, std::function<void(absl::Status)> failed)>;

  // What one call works with: keeps the store open until it is let go.
  struct Serving {
    std::unique_ptr<Store> store;
    std::unique_ptr<ProjectionDriver> driver;
    ~Serving();
  };

  ServedProjection(ProjectionStore store, const Projection& projection, PositionTracker& tracker,
                   MakeDriver make_driver);
  ~ServedProjection();

  // Opens (building where needed) and drives the store.
  absl::Status Start();
  // Stops driving; the store stays readable for those who hold it.
  void Stop();

  // Null while the projection is being healed.
  std::shared_ptr<Serving> serving() const;

  // Builds anew from the log, then swaps. ABORTED: a rebuild runs already.
  absl::Status Rebuild(const std::function<bool(const RebuildProgress&)>& progress);

  // Opens anew after `failed` was called, rebuilds where a read answered DATA_LOSS; a no-op else.
  // Called by the host's own thread now and then.
  absl::Status HealIfNeeded();
  // A read met a damaged row here or in another store of the service: HealIfNeeded checks the whole
  // store.
  void ReportDamage() { suspected_ = true; }

  bool rebuilding() const { return rebuilding_; }
  const Projection& projection() const { return projection_; }
  PositionTracker& tracker() const { return tracker_; }
  // The topic it folds.
  Log& log() const { return store_.log(); }
  EventSource source() const { return store_.source(); }

 private:
  absl::Status Drive(std::unique_ptr<Store> store);
  void DriverFailed(const absl::Status& why);
  // With the serving store closed: opens, builds where needed, and drives.
  absl::Status Reopen();
  // Waits until no call holds the store, then stops the driver and closes it. ABORTED, and serving
  // goes on: a call (a dump to a slow reader) would not let go.
  absl::Status CloseServing();

  ProjectionStore store_;
  const Projection& projection_;
  PositionTracker& tracker_;
  MakeDriver make_driver_;
  mutable Mutex mutex_;
  std::shared_ptr<Serving> serving_;
  // The driver has failed, or none could be started: to be opened anew. `damaged_`: the store is to
  // be set aside before.
  std::atomic<bool> failed_{false};
  std::atomic<bool> damaged_{false};
  std::atomic<bool> suspected_{false};
  std::atomic<bool> rebuilding_{false};
  std::atomic<bool> stopped_{false};
  Mutex letting_go_;
  // One rebuild, heal or stop at a time.
  Mutex work_;
};

}  // namespace crm
