#pragma once

#include <memory>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/service/service_definition.h"
#include "services/contact/api/normalise.h"

namespace crm::contact {

// What requests leave open, as their tenant has it: its settings first, then the server's options.
// What was read of a tenant is kept until its settings change. Copies share it. Thread-safe.
class TenantOptions {
 public:
  explicit TenantOptions(ContactOptions server);

  using Shared = std::shared_ptr<const ContactOptions>;
  // For a command. DATA_LOSS: the settings cannot be read.
  absl::StatusOr<Shared> Of(const CommandContext& context) const;
  // For a query, as the core it reads has them.
  absl::StatusOr<Shared> Of(const QueryContext& context) const;

 private:
  class Cache;
  absl::StatusOr<Shared> Of(const std::string& tenant, std::string_view settings) const;

  std::shared_ptr<Cache> cache_;
};

}  // namespace crm::contact
