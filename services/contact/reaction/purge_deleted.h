#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "common/service/reaction.h"

namespace crm::contact {

// What a run of PurgeContacts does.
struct PurgeCommands {
  // Purges a contact ("contacts/c1") where it is deleted, and was before the moment.
  std::function<std::unique_ptr<Command>(const std::string& contact, TimeNs deleted_before)> purge;
  // Notes on the run ("operations/o1") that a partition is done.
  std::function<std::unique_ptr<Command>(const std::string& run, Partition partition,
                                         int64_t contacts)>
      finish;
};

// A run was requested: the owner of each partition walks its contacts in order of name, purges
// those that were deleted before the run's moment, and notes on the run when it is through, each
// after what it did before is durable. A run that has ended is not gone on with. Thread-safe.
//
// What is counted: contacts that a step purges, and, as a step may be met again, those it finds
// purged since the run was requested. So one that another run purged meanwhile may count in both.
class PurgeDeleted final : public Reaction {
 public:
  // Looks at `chunk` rows of the core a step, and purges so many contacts at most.
  explicit PurgeDeleted(PurgeCommands commands, int chunk = 512)
      : commands_(std::move(commands)), chunk_(chunk) {}

  std::string_view name() const override { return "purge-deleted"; }
  std::string_view topic() const override { return "crm.contact.events"; }
  const google::protobuf::Message& record() const override;
  bool broadcast() const override { return true; }
  bool Concerns(const Event& event) const override;
  // `progress`: "12 contacts/c1", counted so far and the last contact looked at; "12" alone: all
  // were.
  absl::StatusOr<ReactionStep> React(const ReactionContext& context, const Event& event,
                                     std::string_view progress) override;

 private:
  struct Progress;
  // The next rows from `progress` on.
  absl::StatusOr<ReactionStep> Walk(const ReactionContext& context, const Event& event,
                                    Progress progress) const;

  const PurgeCommands commands_;
  const int chunk_;
};

}  // namespace crm::contact
