#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "common/projection/event_schema.h"
#include "common/storage/store.h"

namespace crm {

// Rows a fold reads and changes: its own changes first, then the store's. Not thread-safe.
class Rows {
 public:
  virtual ~Rows() = default;
  virtual absl::StatusOr<std::optional<std::string>> Get(std::string_view key) = 0;
  virtual void Put(std::string key, std::string value) = 0;
  virtual void Delete(std::string key) = 0;
  virtual void DeletePrefix(std::string prefix) = 0;
};

// Folds the commands of one partition, in log order. Not thread-safe.
class Fold {
 public:
  virtual ~Fold() = default;
  // Whether commands of records with this key ("tenant/subject") change nothing: they are passed
  // over without being decoded.
  virtual bool Skips(std::string_view /*record_key*/) const { return false; }
  // Changes rows by one complete command. Pure: the same commands give the same rows, whatever the
  // batches. An error means rows could not be read; the fold is abandoned.
  virtual absl::Status Apply(std::span<const Event> command) = 0;
  // A command of this subject cannot be decoded or opened. Nothing of the subject is folded from
  // here on.
  virtual absl::Status Unreadable(std::string_view tenant, std::string_view subject, Offset offset,
                                  const absl::Status& why) = 0;
  // A record that no reader applies and none of our owners wrote, or not like this; see
  // common/projection/foreign_records.h. May be met again with the same position.
  virtual absl::Status Foreign(Offset, std::string_view /*reason*/) { return absl::OkStatus(); }
  // Writes what is held back (states not yet serialised) to the rows. Apply may follow.
  virtual absl::Status Flush() = 0;
};

// A deterministic fold of one topic's valid events into rows: the core, or a view. Immutable,
// thread-safe.
//
// Keys start with one byte, the partition, then one for the family; family 'm' (the position)
// belongs to the runner.
class Projection {
 public:
  virtual ~Projection() = default;
  // "core" or the view's name; part of the directory's name.
  virtual std::string_view name() const = 0;
  // Raised when the rows of the same log change (a golden test tells).
  virtual int version() const = 0;
  virtual std::unique_ptr<Fold> Begin(Partition partition, Rows& rows) const = 0;
  // Whether its folds are given what belongs to no customer: how far reactions have come.
  virtual bool folds_reactions() const { return false; }
  // One line of the business dump for a row, or empty where the row means nothing by itself. Leaves
  // out versions, positions, ids of events and recorded times.
  virtual std::string BusinessLine(std::string_view key, std::string_view value) const = 0;
};

}  // namespace crm
