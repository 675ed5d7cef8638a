#include "common/projection/buffered_rows.h"

#include <algorithm>
#include <cstring>

#include "common/base/bytes.h"
#include "common/base/check.h"
#include "common/base/status.h"

namespace crm {
namespace {

constexpr size_t kChunkBytes = 1 << 20;
// Complete partitions wait for one another up to here: a file costs some syncs, and memory that is
// used again is in the processor's cache.
constexpr int64_t kIngestBytes = 24 << 20;
// A change, its place in the order and in the index, and the sorted row.
constexpr int64_t kRowOverhead = 96;

size_t CommonPrefix(std::string_view a, std::string_view b) {
  const size_t size = std::min(a.size(), b.size());
  return static_cast<size_t>(std::mismatch(a.begin(), a.begin() + size, b.begin()).first -
                             a.begin());
}

// The first bytes of `text` as a number that is ordered as they are.
uint64_t Head(std::string_view text) {
  char bytes[8] = {};
  std::memcpy(bytes, text.data(), std::min(text.size(), sizeof(bytes)));
  return ReadBe64(bytes);
}

}  // namespace

char* BufferedRows::Allocate(size_t size) {
  if (size > free_bytes_) {
    free_bytes_ = std::max(size, kChunkBytes);
    if (free_bytes_ > kChunkBytes || spare_chunks_.empty()) {
      chunks_.push_back({free_bytes_, std::unique_ptr<char[]>(new char[free_bytes_])});
    } else {
      chunks_.push_back({kChunkBytes, std::move(spare_chunks_.back())});
      spare_chunks_.pop_back();
    }
    free_ = chunks_.back().bytes.get();
  }
  free_bytes_ -= size;
  return std::exchange(free_, free_ + size);
}

void BufferedRows::Add(Kind kind, std::string_view key, std::string_view value) {
  CRM_CHECK(key.size() >= 2);
  char* data = Allocate(key.size() + value.size());
  std::memcpy(data, key.data(), key.size());
  if (!value.empty()) std::memcpy(data + key.size(), value.data(), value.size());
  families_[static_cast<unsigned char>(key[1])].changes.push_back(
      {kind, static_cast<uint32_t>(key.size()), static_cast<uint32_t>(value.size()), data});
  bytes_ += static_cast<int64_t>(key.size() + value.size()) + kRowOverhead;
}

void BufferedRows::Put(std::string key, std::string value) {
  Add(Kind::kPut, key, value);
}

void BufferedRows::Delete(std::string key) {
  Add(Kind::kDelete, key, {});
}

void BufferedRows::DeletePrefix(std::string prefix) {
  Add(Kind::kDeletePrefix, prefix, {});
  if (!spilled_) return;
  RowBatch batch;
  batch.DeletePrefix(std::move(prefix));
  if (absl::Status status = store_.Write(batch); !status.ok()) failure_ = status;
}

void BufferedRows::Family::Index() {
  for (; indexed < changes.size(); ++indexed) {
    const Change& change = changes[indexed];
    auto& index = change.kind == Kind::kDeletePrefix ? deleted_prefixes[change.key_size] : latest;
    index[change.key()] = static_cast<Number>(indexed);
  }
}

bool BufferedRows::Family::DeletedSince(std::string_view key, std::optional<Number> number) const {
  for (const auto& [size, prefixes] : deleted_prefixes) {
    if (size > key.size()) return false;
    const auto found = prefixes.find(key.substr(0, size));
    if (found != prefixes.end() && (!number || found->second > *number)) return true;
  }
  return false;
}

absl::StatusOr<std::optional<std::string>> BufferedRows::Get(std::string_view key) {
  CRM_CHECK(key.size() >= 2);
  Family& family = families_[static_cast<unsigned char>(key[1])];
  family.Index();
  std::optional<Number> last;
  if (const auto found = family.latest.find(key); found != family.latest.end()) {
    last = found->second;
  }
  if (family.DeletedSince(key, last)) return std::nullopt;
  if (last) {
    const Change& change = family.changes[*last];
    if (change.kind == Kind::kDelete) return std::nullopt;
    return std::string(change.value());
  }
  if (!spilled_) return std::nullopt;
  return store_.Get(key);
}

// Keys of a family have the partition, the family, most often the tenant and the collection in
// common: the bytes behind tell them apart, and most comparisons need no more than eight of them.
std::vector<BufferedRows::Number> BufferedRows::Family::InKeyOrder() const {
  if (changes.empty()) return {};
  const std::string_view first = changes.front().key();
  size_t common = first.size();
  for (const Change& change : changes) {
    common = CommonPrefix(first.substr(0, common), change.key());
  }
  std::vector<std::pair<uint64_t, Number>> order;
  order.reserve(changes.size());
  for (size_t i = 0; i < changes.size(); ++i) {
    order.emplace_back(Head(changes[i].key().substr(common)), static_cast<Number>(i));
  }
  std::sort(order.begin(), order.end(), [this](const auto& a, const auto& b) {
    if (a.first != b.first) return a.first < b.first;
    const int keys = changes[a.second].key().compare(changes[b.second].key());
    return keys != 0 ? keys < 0 : a.second < b.second;
  });
  std::vector<Number> numbers;
  numbers.reserve(order.size());
  for (const auto& [head, number] : order) numbers.push_back(number);
  return numbers;
}

// A deleted prefix sorts before all rows that begin with it, so those that may cover the row at
// hand are a stack, each with the number of the latest deletion down to it.
void BufferedRows::Merge(const Family& family) {
  const std::vector<Change>& changes = family.changes;
  const std::vector<Number> ordered = family.InKeyOrder();
  std::vector<std::pair<std::string_view, Number>> covers;
  for (size_t i = 0; i < ordered.size();) {
    const std::string_view key = changes[ordered[i]].key();
    while (!covers.empty() && !key.starts_with(covers.back().first)) covers.pop_back();
    std::optional<Number> last;
    for (; i < ordered.size() && changes[ordered[i]].key() == key; ++i) {
      if (changes[ordered[i]].kind != Kind::kDeletePrefix) {
        last = ordered[i];
      } else {
        covers.emplace_back(key, std::max(ordered[i], covers.empty() ? 0 : covers.back().second));
      }
    }
    if (!last || (!covers.empty() && covers.back().second > *last)) continue;
    const Change& change = changes[*last];
    if (change.kind == Kind::kPut) {
      sorted_.emplace_back(change.key(), change.value());
    } else if (spilled_) {
      deletes_.Delete(std::string(key));
    }
  }
}

void BufferedRows::Sort() {
  for (const auto& [name, family] : families_) Merge(family);
  families_.clear();
}

absl::Status BufferedRows::Leave() {
  Sort();
  if (bytes_ > kIngestBytes) CRM_RETURN_IF_ERROR(Spill());
  spilled_ = false;
  return absl::OkStatus();
}

absl::Status BufferedRows::Spill() {
  CRM_RETURN_IF_ERROR(failure_);
  Sort();
  if (!deletes_.empty()) CRM_RETURN_IF_ERROR(store_.Write(deletes_));
  CRM_RETURN_IF_ERROR(store_.Ingest(sorted_));
  deletes_.Clear();
  sorted_.clear();
  for (Chunk& chunk : chunks_) {
    if (chunk.size == kChunkBytes) spare_chunks_.push_back(std::move(chunk.bytes));
  }
  chunks_.clear();
  free_bytes_ = 0;
  bytes_ = 0;
  spilled_ = true;
  return absl::OkStatus();
}

}  // namespace crm
