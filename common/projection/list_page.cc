#include "common/projection/list_page.h"

#include <algorithm>

#include "common/base/bytes.h"
#include "common/base/hash.h"
#include "common/base/status.h"
#include "crm/common/v1/position.pb.h"

namespace crm {
namespace {

constexpr char kPurpose[] = "page";
constexpr char kBadRequest[] = "type.googleapis.com/google.rpc.BadRequest";

absl::Status BadPageToken() {
  constexpr char kRule[] = "must be a next_page_token of this very query; start without one";
  absl::Status status = Error(absl::StatusCode::kInvalidArgument, "PAGE_TOKEN_INVALID",
                              std::string("page_token: ") + kRule);
  const absl::Status field = InvalidField("page_token", kRule);
  if (const auto detail = field.GetPayload(kBadRequest)) status.SetPayload(kBadRequest, *detail);
  return status;
}

// The first key after `key`.
std::string Successor(std::string key) {
  key.push_back('\0');
  return key;
}

}  // namespace

absl::StatusOr<int> PageSize(int32_t asked) {
  if (asked < 0) return InvalidField("page_size", "must not be negative");
  return asked == 0 ? kDefaultPageSize : std::min(asked, kMaxPageSize);
}

std::string QueryHash(std::string_view tenant, std::string_view method,
                      std::initializer_list<std::string_view> arguments) {
  PieceHasher hasher;
  hasher.Add(tenant);
  hasher.Add(method);
  for (const std::string_view argument : arguments) hasher.Add(argument);
  return hasher.Digest();
}

std::string SealPageToken(std::string_view query_hash, std::string_view place, const Secret& secret,
                          Random& random) {
  common::v1::PageToken token;
  token.set_query(std::string(query_hash));
  token.set_sort_key(std::string(place));
  return secret.SealToken(kPurpose, token.SerializeAsString(), random);
}

absl::StatusOr<std::string> OpenPageToken(std::string_view query_hash, std::string_view token,
                                          const Secret& secret) {
  if (token.empty()) return "";
  const auto content = secret.OpenToken(kPurpose, token);
  common::v1::PageToken parsed;
  if (!content.ok() || !parsed.ParseFromString(*content)) return BadPageToken();
  if (parsed.query() != query_hash) return BadPageToken();
  return std::move(*parsed.mutable_sort_key());
}

MergedRows::MergedRows(const RowReader& rows, const std::function<std::string(Partition)>& prefix,
                       std::string_view after, const PlaceRange& range)
    : backward_(range.backward) {
  for (Partition partition = 0; partition < kPartitions; ++partition) {
    const std::string start = prefix(partition);
    std::string begin = start + range.begin;
    std::string end = range.end.empty() ? PrefixEnd(start) : start + range.end;
    if (!after.empty() && backward_) end = std::min(end, start + std::string(after));
    if (!after.empty() && !backward_)
      begin = std::max(begin, Successor(start + std::string(after)));
    if (begin >= end) continue;
    Add({partition, start.size(), backward_ ? rows.ScanBack(begin, end) : rows.Scan(begin, end)});
  }
}

void MergedRows::Add(Source source) {
  status_.Update(source.rows->status());
  if (!source.rows->Valid()) return;
  sources_.push_back(std::move(source));
  std::push_heap(sources_.begin(), sources_.end(), After());
}

void MergedRows::Next() {
  std::pop_heap(sources_.begin(), sources_.end(), After());
  Source source = std::move(sources_.back());
  sources_.pop_back();
  source.rows->Next();
  Add(std::move(source));
}

}  // namespace crm
