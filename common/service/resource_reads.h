#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/aggregate/aggregate.h"
#include "common/base/random.h"
#include "common/base/secret.h"
#include "common/projection/partition_fold.h"
#include "common/service/moment.h"
#include "common/storage/store.h"

namespace crm {

// Names one resource of one tenant.
struct ResourceRef {
  Partition partition = 0;
  std::string tenant;
  std::string name;
};

// INVALID_ARGUMENT (field `name`) unless `name` has the form of `pattern` ("contacts/*/orders/*"),
// each star an id in the alphabet of ids, {tenant} a tenant.
absl::Status CheckResourceName(std::string_view pattern, std::string_view name);

// DATA_LOSS where the subject is quarantined.
absl::Status CheckReadable(const RowReader& core, const ResourceRef& ref);

// The serialised resource as Get answers it. NOT_FOUND; DATA_LOSS where its subject is quarantined,
// which is looked up only where `may_be_marked`.
absl::StatusOr<std::string> ReadResource(const RowReader& core, const ResourceRef& ref,
                                         bool may_be_marked);

// The resources as the first field of a message, as many and in the order as `refs`, without the
// fields of the numbers `left_out`. NOT_FOUND names the first that is not there;
// INVALID_ARGUMENT: over 2 MiB together; DATA_LOSS as above.
absl::StatusOr<std::string> ReadResources(const RowReader& core,
                                          const std::vector<ResourceRef>& refs,
                                          const std::vector<uint32_t>& left_out);

// One resource at a past moment, folded from its history. NOT_FOUND where it did not exist then.
absl::StatusOr<std::string> ReadResourceAt(const RowReader& core, EventSource source,
                                           const AggregateType& type, const ResourceRef& ref,
                                           const Moment& moment);

struct RevisionsPage {
  // Of the tenant and the resource; see ListContactRevisions for the shape of `response`.
  const google::protobuf::Message& response;
  int page_size = 0;
  std::string page_token;
  const Secret& secret;
  Random& random;
};

// One page of the history, serialised.
absl::StatusOr<std::string> ReadRevisions(const RowReader& core, EventSource source,
                                          const AggregateType& type, const ResourceRef& ref,
                                          const RevisionsPage& page);

}  // namespace crm
