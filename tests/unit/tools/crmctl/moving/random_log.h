#pragma once

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "common/base/hash.h"
#include "common/log/control_records.h"
#include "tools/crmctl/moving/log_contents.h"

namespace crm::crmctl {

// A log in memory with records of every kind, as a random history may leave them. Grows on request.
class RandomLog final : public LogSource {
 public:
  enum class Form {
    // Whatever a record can hold.
    kAny,
    // What may lie in Kafka as a record of ours: events with keys of their partition, control
    // records that decode, foreign ones with nothing but a reason.
    kOnKafka,
  };

  RandomLog(unsigned seed, LogIdentity identity,
            std::vector<std::string> topics = {"crm.other.events", "crm.test.events"},
            Form form = Form::kAny)
      : random_(seed), identity_(std::move(identity)), topics_(std::move(topics)), form_(form) {
    for (const std::string& topic : topics_) {
      for (Partition p = 0; p < kPartitions; ++p) {
        for (Record& record : FirstRecords(identity_)) Add({topic, p}, std::move(record));
      }
    }
  }

  std::string name() const override { return "a random log"; }
  const LogIdentity& identity() const override { return identity_; }
  std::vector<std::string> topics() const override { return topics_; }
  absl::StatusOr<Offset> End(const LogPlace& place) override {
    return static_cast<Offset>(At(place).size());
  }
  absl::Status Read(const LogPlace& place, Offset from, Offset to, const Each& each) override {
    const std::vector<Record>& records = At(place);
    for (Offset at = from; at < to;) {
      const Offset next = std::min<Offset>(to, at + 1 + Below(7));
      const absl::Status status = each({records.begin() + at, records.begin() + next});
      if (!status.ok()) return status;
      at = next;
    }
    return absl::OkStatus();
  }

  void Grow(int records) {
    for (int i = 0; i < records; ++i) {
      const LogPlace place{topics_[Below(topics_.size())],
                           static_cast<Partition>(Below(kPartitions))};
      Record record = RandomRecord();
      if (form_ == Form::kOnKafka) Fit(place.partition, &record);
      Add(place, std::move(record));
    }
  }
  void Add(const LogPlace& place, Record record) {
    std::vector<Record>& records = At(place);
    record.offset = static_cast<Offset>(records.size());
    records.push_back(std::move(record));
  }
  std::vector<Record>& At(const LogPlace& place) {
    return records_[{place.topic, place.partition}];
  }
  size_t Below(size_t bound) {
    return std::uniform_int_distribution<size_t>(0, bound - 1)(random_);
  }

 private:
  Record RandomRecord() {
    Record record;
    record.kind = static_cast<RecordKind>(Below(6));
    record.key = RandomBytes(Below(3) == 0 ? 0 : Below(60));
    record.fence = static_cast<int64_t>(Below(3) == 0 ? 0 : random_() >> 1);
    record.seq = static_cast<int64_t>(Below(1000));
    record.last = Below(2) == 0;
    const size_t sizes[] = {0, 1, 200, 5000, 200, 200, 200, 200};
    record.value = RandomBytes(Below(200) == 0 ? 1 << 20 : sizes[Below(8)]);
    return record;
  }
  void Fit(Partition partition, Record* record) {
    if (record->kind == RecordKind::kForeign) {
      *record = Record{.kind = RecordKind::kForeign,
                       .value = Below(2) == 0 ? "" : "BAD_HEADER: a reason"};
    } else if (record->kind != RecordKind::kEvent) {
      record->key.clear();
      record->value = EpochRecord(static_cast<int64_t>(Below(9))).value;
    }
    if (record->key.empty()) return;
    record->key = "acme/contacts/c";
    while (PartitionOf(record->key) != partition) {
      record->key = "acme/contacts/" + std::to_string(random_());
    }
  }
  std::string RandomBytes(size_t size) {
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random_());
    return bytes;
  }

  std::mt19937_64 random_;
  const LogIdentity identity_;
  const std::vector<std::string> topics_;
  const Form form_;
  std::map<std::pair<std::string, Partition>, std::vector<Record>> records_;
};

}  // namespace crm::crmctl
