#include "common/service/projection_store.h"

#include "common/base/status.h"
#include "common/projection/tail_runner.h"

namespace crm {

ProjectionStore::ProjectionStore(Options options, Log& log, const Projection& projection,
                                 EventSource source)
    : options_(std::move(options)),
      log_(log),
      projection_(projection),
      source_(source),
      generation_(options_.root, std::string(projection.name()), projection.version()) {}

void ProjectionStore::Note(const std::string& text) const {
  if (options_.note) options_.note("projection " + std::string(projection_.name()) + ": " + text);
}

absl::Status ProjectionStore::CheckPositions(const RowReader& store) const {
  for (Partition p = 0; p < kPartitions; ++p) {
    CRM_ASSIGN_OR_RETURN(const StoredPosition position, LoadPosition(store, p));
    CRM_RETURN_IF_ERROR(CheckPosition(log_, p, position));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Store>> ProjectionStore::OpenSound() {
  CRM_ASSIGN_OR_RETURN(std::unique_ptr<RocksStore> store, generation_.Open(options_.store));
  CRM_RETURN_IF_ERROR(CheckPositions(*store));
  return std::unique_ptr<Store>(std::move(store));
}

absl::StatusOr<std::unique_ptr<Store>> ProjectionStore::Open() {
  if (!generation_.exists()) {
    Note("not there yet, built from the log");
    return BuildAndPublish();
  }
  absl::StatusOr<std::unique_ptr<Store>> store = OpenSound();
  if (store.ok()) {
    (void)generation_.DeleteOthers();
    return store;
  }
  if (store.status().code() == absl::StatusCode::kDataLoss) {
    CRM_RETURN_IF_ERROR(SetAside());
    return BuildAndPublish();
  }
  if (store.status().code() == absl::StatusCode::kNotFound) {
    Note(std::string(store.status().message()) + "; rebuilt");
    return BuildAndPublish();
  }
  return store;
}

absl::Status ProjectionStore::SetAside() {
  // Somebody removed it: as good as set aside.
  if (!generation_.exists()) return absl::OkStatus();
  CRM_ASSIGN_OR_RETURN(const std::string where, generation_.SetAside());
  Note("damaged, set aside as " + where + " and rebuilt from the log");
  return absl::OkStatus();
}

absl::Status ProjectionStore::Build(const std::function<bool(const RebuildProgress&)>& progress) {
  return BuildWith(1, progress);
}

absl::Status ProjectionStore::BuildWith(
    int threads, const std::function<bool(const RebuildProgress&)>& progress) {
  CRM_ASSIGN_OR_RETURN(const std::unique_ptr<RocksStore> store, generation_.Build(options_.store));
  RebuildOptions options;
  options.threads = threads;
  options.buffer_bytes = options_.rebuild_buffer_bytes;
  options.progress = progress;
  return BulkRebuild(log_, projection_, source_, *store, options).status();
}

absl::StatusOr<std::unique_ptr<Store>> ProjectionStore::Publish() {
  CRM_RETURN_IF_ERROR(generation_.Publish());
  absl::StatusOr<std::unique_ptr<Store>> store = OpenSound();
  if (store.ok()) (void)generation_.DeleteOthers();
  return store;
}

absl::StatusOr<std::unique_ptr<Store>> ProjectionStore::BuildAndPublish() {
  CRM_RETURN_IF_ERROR(BuildWith(options_.start_threads, options_.progress));
  return Publish();
}

}  // namespace crm
