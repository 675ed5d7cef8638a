#pragma once

#include <memory>
#include <string>

#include "crm/contact/v1/contact_service.pb.h"
#include "services/contact/api/requests.h"
#include "services/contact/reaction/purge_deleted.h"

namespace crm::contact {

// Requests about runs of PurgeContacts, and what the reaction purge-deleted does for one. Copied
// into the service's methods; borrows the types.
class PurgeRequests {
 public:
  PurgeRequests(const AggregateType& contact, const AggregateType& run)
      : contact_(&contact), run_(&run) {}

  PreparedCommand Purge(const CommandContext& context,
                        const v1::PurgeContactsRequest& request) const;
  // CancelOperation; `name` has the form of an operation's.
  PreparedCommand Cancel(const std::string& name) const;
  // RecordPurgedPartition, and what the reaction does.
  PreparedCommand Record(const CommandContext& context,
                         const v1::RecordPurgedPartitionRequest& request) const;
  PurgeCommands Commands() const;

 private:
  std::unique_ptr<Command> Finish(const std::string& run, Partition partition,
                                  int64_t contacts) const;

  const AggregateType* contact_;
  const AggregateType* run_;
};

}  // namespace crm::contact
