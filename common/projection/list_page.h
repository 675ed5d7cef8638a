#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/ids.h"
#include "common/base/random.h"
#include "common/base/secret.h"
#include "common/storage/store.h"

// Lists over all partitions, a page at a time. A row's place in the list is the rest of its key
// after the prefix of its partition: sort key, then an id that no other row has. So a page goes on
// after the place of the last row of the page before, whatever was written in between.
namespace crm {

inline constexpr int kDefaultPageSize = 50;
inline constexpr int kMaxPageSize = 1000;

// Rows to answer for a `page_size`: 0 is the default, more than the maximum is the maximum.
// INVALID_ARGUMENT when negative.
absl::StatusOr<int> PageSize(int32_t asked);

// What a page token belongs to: tenant, method and all arguments but page size and token. 16 bytes.
std::string QueryHash(std::string_view tenant, std::string_view method,
                      std::initializer_list<std::string_view> arguments);

// The token that goes on after `place`. Opaque and authenticated, as places may hold names.
std::string SealPageToken(std::string_view query_hash, std::string_view place, const Secret& secret,
                          Random& random);

// The place a token goes on after; empty for an empty token. INVALID_ARGUMENT (PAGE_TOKEN_INVALID)
// for a token that was not made for this query.
absl::StatusOr<std::string> OpenPageToken(std::string_view query_hash, std::string_view token,
                                          const Secret& secret);

// Rows with begin <= place < end; an empty end means "to the last".
struct PlaceRange {
  std::string begin;
  std::string end;
  // The last one first.
  bool backward = false;
};

// The rows of all partitions, merged by place. Not thread-safe; must not outlive the reader.
class MergedRows {
 public:
  // The rows of the range that follow `after`, or all of them where that is empty.
  MergedRows(const RowReader& rows, const std::function<std::string(Partition)>& prefix,
             std::string_view after, const PlaceRange& range = {});

  bool Valid() const { return !sources_.empty(); }
  void Next();
  Partition partition() const { return sources_.front().partition; }
  std::string_view place() const { return sources_.front().place(); }
  std::string_view value() const { return sources_.front().rows->value(); }
  // OK, or why the rows ended early.
  const absl::Status& status() const { return status_; }

 private:
  struct Source {
    Partition partition;
    size_t prefix_size;
    std::unique_ptr<RowIterator> rows;
    std::string_view place() const { return rows->key().substr(prefix_size); }
  };
  // Heap order: the place that comes first at the front.
  auto After() const {
    return [backward = backward_](const Source& a, const Source& b) {
      return backward ? a.place() < b.place() : a.place() > b.place();
    };
  }
  void Add(Source source);

  const bool backward_;
  std::vector<Source> sources_;
  absl::Status status_;
};

}  // namespace crm
