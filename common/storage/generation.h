#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/storage/rocks_store.h"

namespace crm {

// The directories of one store (a service's core, or a view):
//
//   <root>/<store>-<version>             what serves
//   <root>/<store>-<version>.building    what is being built beside it
//   <root>/<store>-<version>.damaged-<n> what was set aside, n growing
//
// Everything is a fold of the log, so any of them may be deleted at any time. Not thread-safe;
// whoever moves a directory has closed the store in it.
class Generation {
 public:
  Generation(std::string root, std::string store, int version);

  const std::string& path() const { return path_; }
  // True when there is something to open, or to set aside.
  bool exists() const;

  // Opens the serving store, empty where there was none. DATA_LOSS: damaged; SetAside, then open
  // again.
  absl::StatusOr<std::unique_ptr<RocksStore>> Open(const RocksStoreOptions& options) const;

  // Moves the serving directory out of the way, for people to look at, and answers its new path.
  // Earlier damaged ones are deleted: they hold disk space and personal data.
  absl::StatusOr<std::string> SetAside() const;

  // An empty store beside the serving one; what an interrupted build left is deleted.
  absl::StatusOr<std::unique_ptr<RocksStore>> Build(const RocksStoreOptions& options) const;
  // Puts the built store in the serving one's place, in one step where the file system can, and
  // deletes what served before. Interrupted, there is the old, the new, or none (then it is
  // rebuilt), never a mix.
  absl::Status Publish() const;

  // Deletes the store's other versions, unfinished builds and damaged ones.
  absl::Status DeleteOthers() const;

 private:
  std::string BuildPath() const { return path_ + ".building"; }
  // Names in the root that belong to this store, whatever the version.
  std::vector<std::string> Siblings() const;

  const std::string root_;
  const std::string store_;
  const std::string name_;
  const std::string path_;
};

}  // namespace crm
