#pragma once

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "common/log/control_records.h"
#include "tools/crmctl/moving/log_contents.h"

namespace crm::crmctl {

// A log in memory with records of every kind, as a random history may leave them. Grows on request.
class RandomLog final : public LogSource {
 public:
  RandomLog(unsigned seed, LogIdentity identity) : random_(seed), identity_(std::move(identity)) {
    for (const char* topic : {"crm.other.events", "crm.test.events"}) {
      for (Partition p = 0; p < kPartitions; ++p) {
        for (Record& record : FirstRecords(identity_)) Add({topic, p}, std::move(record));
      }
    }
  }

  std::string name() const override { return "a random log"; }
  const LogIdentity& identity() const override { return identity_; }
  std::vector<std::string> topics() const override {
    return {"crm.other.events", "crm.test.events"};
  }
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
      Add({topics()[Below(2)], static_cast<Partition>(Below(kPartitions))}, RandomRecord());
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
  std::string RandomBytes(size_t size) {
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random_());
    return bytes;
  }

  std::mt19937_64 random_;
  const LogIdentity identity_;
  std::map<std::pair<std::string, Partition>, std::vector<Record>> records_;
};

}  // namespace crm::crmctl
