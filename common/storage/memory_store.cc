#include "common/storage/memory_store.h"

namespace crm {
namespace {

absl::StatusOr<std::optional<std::string>> Find(
    const std::map<std::string, std::string, std::less<>>& rows, std::string_view key) {
  const auto row = rows.find(key);
  if (row == rows.end()) return std::optional<std::string>();
  return std::optional<std::string>(row->second);
}

}  // namespace

// A share of the rows as they were. It is given back under the store's mutex, so that a writer that
// finds itself alone knows the last reader is done.
class MemoryStore::Frozen final : public RowReader {
 public:
  explicit Frozen(const MemoryStore& store) : store_(store) {
    MutexLock lock(store_.mutex_);
    rows_ = store_.rows_;
  }
  ~Frozen() override {
    MutexLock lock(store_.mutex_);
    rows_.reset();
  }
  Frozen(const Frozen& other) : RowReader(other), store_(other.store_) {
    MutexLock lock(store_.mutex_);
    rows_ = other.rows_;
  }
  Frozen& operator=(const Frozen&) = delete;

  absl::StatusOr<std::optional<std::string>> Get(std::string_view key) const override {
    return Find(*rows_, key);
  }
  std::unique_ptr<RowIterator> Scan(std::string_view begin, std::string_view end) const override;
  std::unique_ptr<RowIterator> ScanBack(std::string_view begin,
                                        std::string_view end) const override;

  const Rows& rows() const { return *rows_; }

 private:
  const MemoryStore& store_;
  std::shared_ptr<const Rows> rows_;
};

class MemoryStore::Range {
 public:
  Range(Frozen frozen, std::string_view begin, std::string_view end)
      : frozen_(std::move(frozen)),
        begin_(frozen_.rows().lower_bound(begin)),
        end_(end.empty() ? frozen_.rows().end() : frozen_.rows().lower_bound(end)) {
    if (!end.empty() && end <= begin) begin_ = end_;
  }
  Rows::const_iterator begin() const { return begin_; }
  Rows::const_iterator end() const { return end_; }

 private:
  Frozen frozen_;
  Rows::const_iterator begin_;
  Rows::const_iterator end_;
};

// `At` is an iterator of Rows, forward or reverse.
template <typename At>
class MemoryStore::Iterator final : public RowIterator {
 public:
  Iterator(Range range, At at, At end) : range_(std::move(range)), at_(at), end_(end) {}

  bool Valid() const override { return at_ != end_; }
  void Next() override { ++at_; }
  std::string_view key() const override { return at_->first; }
  std::string_view value() const override { return at_->second; }
  absl::Status status() const override { return absl::OkStatus(); }

 private:
  const Range range_;
  At at_;
  const At end_;
};

std::unique_ptr<RowIterator> MemoryStore::Frozen::Scan(std::string_view begin,
                                                       std::string_view end) const {
  Range range(*this, begin, end);
  return std::make_unique<Iterator<Rows::const_iterator>>(range, range.begin(), range.end());
}

std::unique_ptr<RowIterator> MemoryStore::Frozen::ScanBack(std::string_view begin,
                                                           std::string_view end) const {
  using Back = Rows::const_reverse_iterator;
  Range range(*this, begin, end);
  return std::make_unique<Iterator<Back>>(range, Back(range.end()), Back(range.begin()));
}

MemoryStore::MemoryStore() : rows_(std::make_shared<Rows>()) {}

MemoryStore::Rows& MemoryStore::Writable() {
  if (rows_.use_count() > 1) rows_ = std::make_shared<Rows>(*rows_);
  return *rows_;
}

absl::StatusOr<std::optional<std::string>> MemoryStore::Get(std::string_view key) const {
  MutexLock lock(mutex_);
  return Find(*rows_, key);
}

std::unique_ptr<RowIterator> MemoryStore::Scan(std::string_view begin, std::string_view end) const {
  return Frozen(*this).Scan(begin, end);
}

std::unique_ptr<RowIterator> MemoryStore::ScanBack(std::string_view begin,
                                                   std::string_view end) const {
  return Frozen(*this).ScanBack(begin, end);
}

absl::Status MemoryStore::Write(const RowBatch& batch) {
  MutexLock lock(mutex_);
  Rows& rows = Writable();
  for (const RowBatch::Op& op : batch.ops()) {
    switch (op.kind) {
      case RowBatch::Kind::kPut:
        rows[op.key] = op.value;
        break;
      case RowBatch::Kind::kDelete:
        rows.erase(op.key);
        break;
      case RowBatch::Kind::kDeletePrefix: {
        auto row = rows.lower_bound(op.key);
        while (row != rows.end() && row->first.starts_with(op.key)) row = rows.erase(row);
        break;
      }
    }
  }
  return absl::OkStatus();
}

absl::Status MemoryStore::Ingest(const SortedRows& sorted) {
  MutexLock lock(mutex_);
  Rows& rows = Writable();
  for (const auto& [key, value] : sorted) rows.insert_or_assign(std::string(key), value);
  return absl::OkStatus();
}

std::unique_ptr<RowReader> MemoryStore::Snapshot() const {
  return std::make_unique<Frozen>(*this);
}

int64_t MemoryStore::ApproximateBytes() const {
  MutexLock lock(mutex_);
  int64_t bytes = 0;
  for (const auto& [key, value] : *rows_) bytes += static_cast<int64_t>(key.size() + value.size());
  return bytes;
}

}  // namespace crm
