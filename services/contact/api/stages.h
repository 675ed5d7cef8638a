#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "crm/contact/v1/contact_service.pb.h"
#include "services/contact/api/beside_contact.h"
#include "services/contact/api/requests.h"
#include "services/contact/domain/lifecycle.h"

namespace crm::contact {

// From requests about the life cycle, and from orders, to commands. Copied into the service's
// methods; borrows the types.
class StageRequests {
 public:
  explicit StageRequests(const ContactTypes& types) : types_(types) {}

  PreparedCommand Advance(const Caller& caller, const v1::AdvanceLifecycleRequest& request,
                          const NameMaker& names) const;
  // For the reaction to orders.
  std::unique_ptr<Command> ByOrder(const std::string& contact, MoveByOrder order) const;

 private:
  ContactTypes types_;
};

// From a validated request to the serialised response. DATA_LOSS: a row cannot be read.
absl::StatusOr<std::string> CountByStage(const QueryContext& context,
                                         const google::protobuf::Message& request);

}  // namespace crm::contact
