#include "common/service/served_projection.h"

#include <thread>

#include "common/base/status.h"

namespace crm {

ServedProjection::Serving::~Serving() {
  // The driver's threads use the store.
  driver.reset();
}

ServedProjection::ServedProjection(ProjectionStore store, const Projection& projection,
                                   PositionTracker& tracker, MakeDriver make_driver)
    : store_(std::move(store)),
      projection_(projection),
      tracker_(tracker),
      make_driver_(std::move(make_driver)) {}

ServedProjection::~ServedProjection() {
  Stop();
}

absl::Status ServedProjection::Start() {
  MutexLock work(work_);
  CRM_ASSIGN_OR_RETURN(std::unique_ptr<Store> store, store_.Open());
  return Drive(std::move(store));
}

absl::Status ServedProjection::Drive(std::unique_ptr<Store> store) {
  auto serving = std::make_shared<Serving>();
  serving->store = std::move(store);
  serving->driver = make_driver_(*serving->store, [this](const absl::Status&) { damaged_ = true; });
  CRM_RETURN_IF_ERROR(serving->driver->Start());
  MutexLock lock(mutex_);
  serving_ = std::move(serving);
  return absl::OkStatus();
}

std::shared_ptr<ServedProjection::Serving> ServedProjection::serving() const {
  MutexLock lock(mutex_);
  return serving_;
}

void ServedProjection::Stop() {
  stopped_ = true;
  MutexLock work(work_);
  if (const auto serving = this->serving()) serving->driver->Stop();
  tracker_.Cancel();
}

void ServedProjection::CloseServing() {
  std::shared_ptr<Serving> closing;
  {
    MutexLock lock(mutex_);
    closing = std::exchange(serving_, nullptr);
  }
  if (closing == nullptr) return;
  closing->driver->Stop();
  // Calls that hold it end soon: none of them waits for the projection.
  while (closing.use_count() > 1) std::this_thread::yield();
}

absl::Status ServedProjection::Rebuild(
    const std::function<bool(const RebuildProgress&)>& progress) {
  if (rebuilding_.exchange(true)) {
    return Error(absl::StatusCode::kAborted, "REBUILD_RUNNING",
                 "this projection is being rebuilt already");
  }
  MutexLock work(work_);
  absl::Status status = store_.Build(progress);
  if (status.ok() && stopped_) status = absl::CancelledError("the process is stopping");
  if (status.ok()) {
    CloseServing();
    absl::StatusOr<std::unique_ptr<Store>> store = store_.Publish();
    status = store.ok() ? Drive(std::move(*store)) : store.status();
  }
  rebuilding_ = false;
  return status;
}

absl::Status ServedProjection::HealIfNeeded() {
  if (stopped_) return absl::OkStatus();
  if (suspected_.exchange(false)) {
    const auto serving = this->serving();
    if (serving != nullptr && !serving->store->Verify().ok()) damaged_ = true;
  }
  if (!damaged_) return absl::OkStatus();
  MutexLock work(work_);
  // Stop may have come first.
  if (stopped_) return absl::OkStatus();
  rebuilding_ = true;
  CloseServing();
  absl::Status status = store_.SetAside();
  if (status.ok()) {
    absl::StatusOr<std::unique_ptr<Store>> store = store_.Open();
    status = store.ok() ? Drive(std::move(*store)) : store.status();
  }
  if (status.ok()) damaged_ = false;
  rebuilding_ = false;
  return status;
}

}  // namespace crm
