#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/container/node_hash_map.h"
#include "common/aggregate/aggregate.h"
#include "common/projection/projection.h"
#include "crm/common/v1/storage.pb.h"

namespace crm {

// The kinds of aggregate of one topic, by number of their field in the record message.
using AggregateTypes = absl::flat_hash_map<int, const AggregateType*>;

// The core's rows of one partition, as commands and folds meet them: aggregates in memory above
// rows. The one place that writes resource, history, dedup and mark rows: an owner folds its own
// commands here before they are confirmed, everyone else afterwards, so both write the same. Not
// thread-safe.
class CoreState {
 public:
  CoreState(const AggregateTypes& types, Partition partition)
      : types_(types), partition_(partition) {}

  // Version 0 where there is no such aggregate. Valid until the entry is erased.
  absl::StatusOr<Aggregate*> Find(Rows& rows, const AggregateType& type, std::string_view tenant,
                                  const std::string& name);

  // How the subject is marked, if it is.
  absl::StatusOr<std::optional<common::v1::SubjectMark>> Mark(Rows& rows, std::string_view tenant,
                                                              std::string_view subject);

  // The earlier request of this id within the subject, if there was one.
  absl::StatusOr<std::optional<common::v1::DedupRow>> FindDedup(Rows& rows, std::string_view tenant,
                                                                std::string_view subject,
                                                                std::string_view request_id);

  // Lists a record that no reader applies; see Fold::Foreign.
  void ListForeign(Rows& rows, Offset offset, std::string_view reason);

  // Folds one command: aggregates change in memory and are dirty; history, dedup and mark rows are
  // put. Where an event's offset is not known, its history row begins with kNoOffset (see
  // PatchOffset). FAILED_PRECONDITION: versions do not follow one another, nothing has changed.
  absl::Status Apply(Rows& rows, std::span<const Event> command);

  // Puts the rows of dirty aggregates. `number` marks them as changed by this command of the
  // owner's.
  void PutDirty(Rows& rows, uint64_t number = 0);

  // Marks a subject as unreadable from `offset` on, with a dead letter.
  absl::Status Quarantine(Rows& rows, std::string_view tenant, std::string_view subject,
                          Offset offset, const absl::Status& why);

  // Forgets aggregates that no command after `number` changed: their rows are in the store.
  void Forget(uint64_t number);
  // Forgets everything, unwritten changes too.
  void Clear();
  size_t cached() const { return cached_.size(); }

 private:
  struct Cached {
    std::unique_ptr<Aggregate> aggregate;
    uint64_t last_command = 0;
    bool dirty = false;
    // While a command is checked: the version after its events so far.
    int64_t checked_version = 0;
  };

  // Entries stay where they are until erased.
  using CachedAggregates = absl::node_hash_map<std::string, Cached>;
  using Entry = CachedAggregates::value_type;
  absl::StatusOr<Entry*> FindEntry(Rows& rows, const AggregateType& type, std::string_view tenant,
                                   const std::string& name);
  // The events' aggregates.
  using Entries = absl::InlinedVector<Entry*, 4>;
  absl::StatusOr<Entries> CheckVersions(Rows& rows, std::span<const Event> command);
  struct CachedMark {
    common::v1::SubjectMark mark;
    // As in Cached; unknown until PutDirty.
    std::optional<uint64_t> last_command;
  };
  absl::StatusOr<Birth> BirthOf(Rows& rows, std::string_view tenant, std::string_view subject);
  // Forgets the requests of a subject.
  absl::Status ForgetRequests(Rows& rows, std::string_view tenant, std::string_view subject);
  void PutMark(Rows& rows, std::string_view tenant, std::string_view subject,
               const common::v1::SubjectMark& mark);

  const AggregateTypes& types_;
  const Partition partition_;
  // By AggregateKey.
  CachedAggregates cached_;
  std::vector<Entry*> dirty_;
  // Marks put here that may not be in the rows yet, by MarkKey.
  absl::flat_hash_map<std::string, CachedMark> marks_;
  // Whether the partition has any mark at all; unknown until first asked.
  std::optional<bool> has_marks_;
};

// Writes the offset into a history row's value that was made before the offset was known.
void PatchOffset(std::string* history_value, Offset offset);

// The fold of the core store as a projection: for replicas, rebuilds and verification.
class CoreProjection final : public Projection {
 public:
  // Knows reactions' progress beside `types`.
  CoreProjection(AggregateTypes types, int version);

  std::string_view name() const override { return "core"; }
  int version() const override { return version_; }
  std::unique_ptr<Fold> Begin(Partition partition, Rows& rows) const override;
  bool folds_reactions() const override { return true; }
  std::string BusinessLine(std::string_view key, std::string_view value) const override;

  const AggregateTypes& types() const { return types_; }

 private:
  AggregateTypes types_;
  int version_;
};

}  // namespace crm
