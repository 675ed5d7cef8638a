#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/log/log.h"
#include "common/projection/bulk_rebuild.h"
#include "common/storage/generation.h"

namespace crm {

// The store of one projection over one log, from what lies in its directory: opened where it is
// sound and stands where the log confirms, built anew where it is missing, damaged, of an earlier
// version or of another log. Not thread-safe.
class ProjectionStore {
 public:
  struct Options {
    // Directory of the service's stores.
    std::string root;
    RocksStoreOptions store;
    int64_t rebuild_buffer_bytes = 128 << 20;
    // That build a store before anything is served; beside a serving one, one thread builds.
    int start_threads = 2;
    // Told while a rebuild runs; false stops it.
    std::function<bool(const RebuildProgress&)> progress;
    // Told in a sentence what is done and why; for the log of the process.
    std::function<void(const std::string&)> note;
  };

  // What it refers to outlives it.
  ProjectionStore(Options options, Log& log, const Projection& projection, EventSource source);

  // FAILED_PRECONDITION (PROJECTION_AHEAD_OF_LOG): the projection knows events the log has lost;
  // nothing is touched. Everything else that is wrong with the directory is mended.
  absl::StatusOr<std::unique_ptr<Store>> Open();

  // Builds the store anew beside the serving one, to the log's end as of now. Publish then puts it
  // in the serving one's place; the serving store must be closed by then.
  absl::Status Build(const std::function<bool(const RebuildProgress&)>& progress);
  absl::StatusOr<std::unique_ptr<Store>> Publish();

  // Moves a store that answered DATA_LOSS out of the way, if it is still there. It must be closed.
  absl::Status SetAside();

  void Note(const std::string& text) const;
  Log& log() const { return log_; }
  EventSource source() const { return source_; }

 private:
  absl::StatusOr<std::unique_ptr<Store>> OpenSound();
  absl::Status CheckPositions(const RowReader& store) const;
  absl::Status BuildWith(int threads, const std::function<bool(const RebuildProgress&)>& progress);
  absl::StatusOr<std::unique_ptr<Store>> BuildAndPublish();

  const Options options_;
  Log& log_;
  const Projection& projection_;
  EventSource source_;
  Generation generation_;
};

}  // namespace crm
