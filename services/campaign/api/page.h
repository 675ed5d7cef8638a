#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/aggregate/core_rows.h"
#include "common/projection/list_page.h"
#include "common/service/resource_reads.h"
#include "common/service/service_definition.h"

namespace crm::campaign {

// One page of a list over all partitions: from the request's token on, until it is full, has
// looked at enough rows, or the list ends. Not thread-safe.
class Page {
 public:
  // What the list is of.
  struct List {
    std::string_view method;
    // What the request asks beside page size and token.
    std::string_view argument;
    const RowReader& rows;
    std::function<std::string(Partition)> prefix;
  };

  explicit Page(const QueryContext& context) : context_(context) {}

  // Calls visit(rows) for each row; it answers how many bytes it added to the answer, or nothing
  // where it left the row out. Answers the token of the next page.
  template <typename Request, typename Visit>
  absl::StatusOr<std::string> Fill(const Request& request, const List& list, Visit visit) {
    constexpr int kMaxExamined = 10'000;
    constexpr size_t kMaxBytes = 2 << 20;
    CRM_ASSIGN_OR_RETURN(const int page_size, PageSize(request.page_size()));
    const std::string query = QueryHash(context_.caller.tenant, list.method, {list.argument});
    CRM_ASSIGN_OR_RETURN(std::string last,
                         OpenPageToken(query, request.page_token(), context_.secret));
    MergedRows rows(list.rows, list.prefix, last);
    size_t bytes = 0;
    int found = 0;
    for (int examined = 0; rows.Valid(); rows.Next(), ++examined) {
      if (found == page_size || bytes >= kMaxBytes || examined == kMaxExamined) {
        return SealPageToken(query, last, context_.secret, context_.random);
      }
      last = rows.place();
      CRM_ASSIGN_OR_RETURN(const std::optional<size_t> added, visit(rows));
      if (!added) continue;
      bytes += *added;
      ++found;
    }
    CRM_RETURN_IF_ERROR(rows.status());
    return std::string();
  }

 private:
  const QueryContext& context_;
};

// A resource of the core by its name; nothing where it is not known or its subject cannot be read.
template <typename Resource>
absl::StatusOr<std::optional<Resource>> FindResource(const QueryContext& context,
                                                     Partition partition, std::string name) {
  const auto bytes = ReadResource(*context.reading.core.rows,
                                  {partition, context.caller.tenant, std::move(name)}, true);
  if (absl::IsNotFound(bytes.status())) return std::optional<Resource>();
  if (ReasonOf(bytes.status()) == "SUBJECT_UNREADABLE") return std::optional<Resource>();
  CRM_RETURN_IF_ERROR(bytes.status());
  std::optional<Resource> resource(std::in_place);
  if (resource->ParseFromString(*bytes)) return resource;
  return Error(absl::StatusCode::kDataLoss, "ROW_UNREADABLE",
               "a row of the core store cannot be read; rebuild the projection");
}

// The core's rows of a collection ("campaigns/") of the caller's tenant, in order of name.
inline std::function<std::string(Partition)> CorePrefix(const QueryContext& context,
                                                        std::string_view collection) {
  return [&context, collection](Partition partition) {
    return AggregateKey(partition, context.caller.tenant, collection);
  };
}

}  // namespace crm::campaign
