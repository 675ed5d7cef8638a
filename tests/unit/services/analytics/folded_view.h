#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/aggregate/core_rows.h"
#include "common/base/timestamp.h"
#include "common/projection/batch_rows.h"
#include "common/projection/event_schema.h"
#include "common/storage/memory_store.h"
#include "services/analytics/projection/customer_rows.h"

namespace crm::analytics::testing {

inline constexpr char kTenant[] = "t";
inline constexpr TimeNs kDayNs = 86'400 * kSecond;

// A view over rows in memory, folded from events as a reader of the log meets them. `Record` is the
// topic's record message.
template <typename View, typename Record>
class FoldedView {
 public:
  using Rows = std::map<std::string, std::string>;

  // One command of one event, recorded a second after the one before.
  void Fold(const std::string& aggregate, Record record, std::optional<TimeNs> occurred = {}) {
    auto* metadata = record.mutable_metadata();
    metadata->set_tenant(kTenant);
    metadata->set_aggregate(aggregate);
    metadata->set_aggregate_version(++versions_[aggregate]);
    SetTimestamp(now_ += kSecond, metadata->mutable_recorded_time());
    if (occurred) SetTimestamp(*occurred, metadata->mutable_occurred_time());
    auto event = schema_.Encode(std::make_unique<Record>(std::move(record)), sealer_);
    ASSERT_TRUE(event.ok()) << event.status();
    pending_[PartitionOfSubject(kTenant, SubjectOf(aggregate))].push_back(*std::move(event));
    if (++held_ >= batch_) Flush();
  }

  // Rows are written after so many events from here on.
  void set_batch(int events) { batch_ = events; }

  void Flush() {
    for (auto& [partition, pending] : pending_) {
      With(partition, [&events = pending](crm::Fold& fold) {
        for (Event& event : events) {
          if (auto status = fold.Apply({&event, 1}); !status.ok()) return status;
        }
        return absl::OkStatus();
      });
    }
    pending_.clear();
    held_ = 0;
  }

  void Unreadable(const std::string& subject) {
    Flush();
    With(PartitionOfSubject(kTenant, subject), [&](crm::Fold& fold) {
      return fold.Unreadable(kTenant, subject, 0, absl::DataLossError("damaged"));
    });
  }

  const Store& rows() {
    Flush();
    return store_;
  }
  Rows AllRows() {
    Flush();
    Rows all;
    for (auto rows = store_.Scan("", ""); rows->Valid(); rows->Next()) {
      all.emplace(rows->key(), rows->value());
    }
    return all;
  }
  TimeNs now() const { return now_; }
  const View& view() const { return view_; }

 private:
  template <typename Do>
  void With(Partition partition, Do what) {
    BatchRows batch(store_);
    const auto fold = view_.Begin(partition, batch);
    ASSERT_TRUE(what(*fold).ok());
    ASSERT_TRUE(fold->Flush().ok());
    ASSERT_TRUE(store_.Write(batch.Take()).ok());
  }

  View view_;
  MemoryStore store_;
  EventSchema schema_{Record::default_instance()};
  PlainSealer sealer_;
  std::map<Partition, std::vector<Event>> pending_;
  int batch_ = 1;
  int held_ = 0;
  TimeNs now_ = 1'000 * kSecond;
  std::map<std::string, int64_t> versions_;
};

}  // namespace crm::analytics::testing
