#include "common/service/served_projection.h"

#include "common/base/status.h"

namespace crm {
namespace {

constexpr TimeNs kLetGoPause = kMillisecond;
constexpr int kLetGoTries = 10'000;

}  // namespace

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
  serving->driver =
      make_driver_(*serving->store, [this](const absl::Status& why) { DriverFailed(why); });
  CRM_RETURN_IF_ERROR(serving->driver->Start());
  MutexLock lock(mutex_);
  serving_ = std::move(serving);
  return absl::OkStatus();
}

void ServedProjection::DriverFailed(const absl::Status& why) {
  store_.Note("stopped: " + std::string(why.message()));
  const std::string reason = ReasonOf(why);
  if (reason == "STORAGE_DAMAGED" || reason == "ROW_UNREADABLE") damaged_ = true;
  failed_ = true;
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

absl::Status ServedProjection::CloseServing() {
  std::shared_ptr<Serving> closing;
  {
    MutexLock lock(mutex_);
    closing = std::exchange(serving_, nullptr);
  }
  if (closing == nullptr) return absl::OkStatus();
  // Calls end soon; none of them waits for the projection. Nobody tells when the last one lets go.
  MutexLock lock(letting_go_);
  CondVar pause;
  for (int i = 0; i < kLetGoTries && closing.use_count() > 1; ++i) {
    pause.WaitFor(lock, kLetGoPause, [] { return false; });
  }
  if (closing.use_count() == 1) {
    closing->driver->Stop();
    return absl::OkStatus();
  }
  MutexLock serving_lock(mutex_);
  serving_ = std::move(closing);
  return Error(absl::StatusCode::kAborted, "PROJECTION_IN_USE",
               "a call holds the projection for too long, such as a dump to a slow reader; end it "
               "and try again");
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
  if (status.ok()) status = CloseServing();
  if (status.ok()) {
    // What fails from here on is news, and the healer's to mend.
    damaged_ = failed_ = false;
    absl::StatusOr<std::unique_ptr<Store>> store = store_.Publish();
    status = store.ok() ? Drive(std::move(*store)) : store.status();
    if (!status.ok()) failed_ = true;
  }
  rebuilding_ = false;
  return status;
}

absl::Status ServedProjection::HealIfNeeded() {
  if (stopped_) return absl::OkStatus();
  if (suspected_.exchange(false)) {
    const auto serving = this->serving();
    if (serving != nullptr && !serving->store->Verify().ok()) damaged_ = failed_ = true;
  }
  if (!failed_) return absl::OkStatus();
  MutexLock work(work_);
  // Stop may have come first.
  if (stopped_) return absl::OkStatus();
  rebuilding_ = true;
  absl::Status status = CloseServing();
  if (status.ok()) status = Reopen();
  rebuilding_ = false;
  return status;
}

absl::Status ServedProjection::Reopen() {
  if (damaged_) CRM_RETURN_IF_ERROR(store_.SetAside());
  damaged_ = failed_ = false;
  absl::StatusOr<std::unique_ptr<Store>> store = store_.Open();
  absl::Status status = store.ok() ? Drive(std::move(*store)) : store.status();
  if (!status.ok()) failed_ = true;
  return status;
}

}  // namespace crm
