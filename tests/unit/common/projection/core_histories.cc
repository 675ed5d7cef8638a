#include "tests/unit/common/projection/core_histories.h"

#include <map>

#include "common/aggregate/core_rows.h"
#include "common/base/check.h"
#include "common/base/random.h"
#include "common/base/timestamp.h"

namespace crm::testing {
namespace {

constexpr char kTenant[] = "acme";

class Writer {
 public:
  Writer(MemoryLog& log, TestSealer& sealer, uint64_t seed)
      : log_(log), sealer_(sealer), random_(seed) {}

  size_t Below(size_t n) { return static_cast<size_t>(random_.Next64() % n); }

  void Own(Partition partition) {
    Record record;
    record.kind = RecordKind::kOwn;
    fences_[partition] = {Append(partition, {record}), 0};
  }

  void Command(Partition partition, const std::string& name,
               std::vector<contact::v1::ContactEvent> events) {
    auto& [fence, seq] = fences_[partition];
    std::vector<Record> records;
    for (size_t i = 0; i < events.size(); ++i) {
      Record record;
      record.key = std::string(kTenant) + "/" + name;
      record.fence = fence;
      record.seq = ++seq;
      record.last = i + 1 == events.size();
      record.value = Value(name, std::move(events[i]));
      records.push_back(std::move(record));
    }
    Append(partition, std::move(records));
    ++requests_;
  }

  // Something no reader takes, or that stops its subject.
  void Rubbish(Partition partition, const std::string& name) {
    auto& [fence, seq] = fences_[partition];
    Record record;
    record.key = std::string(kTenant) + "/" + name;
    record.value = "not a message";
    record.last = true;
    record.fence = fence;
    record.seq = Below(40) == 0 ? ++seq : seq;
    if (Below(3) == 0) record.fence = 0;
    Append(partition, {record});
  }

  contact::v1::ContactEvent RandomEvent(const std::string& name, bool erasures) {
    contact::v1::ContactEvent event;
    const std::string value = "name " + std::to_string(Below(50));
    if (versions_[name] == 0) {
      event.mutable_created()->set_kind(contact::v1::Contact::PERSON);
      event.mutable_created()->set_language_code("en");
      event.mutable_created()->mutable_plain()->set_display_name(value);
      event.mutable_created()->mutable_plain()->add_emails(value + "@example.com");
    } else if (erasures && Below(60) == 0) {
      event.mutable_erased();
    } else if (Below(30) == 0) {
      event.mutable_deleted();
    } else {
      auto* changed = event.mutable_profile_changed();
      changed->add_changed_fields("display_name");
      changed->add_changed_fields("language_code");
      changed->set_language_code(Below(2) == 0 ? "de" : "fr");
      changed->mutable_plain()->set_display_name(value);
    }
    return event;
  }
  void Resume(const std::string& name, int64_t version) { versions_[name] = version; }

 private:
  std::string Value(const std::string& name, contact::v1::ContactEvent event) {
    auto record = std::make_unique<contact::v1::ContactRecord>();
    *record->mutable_contact() = std::move(event);
    auto* metadata = record->mutable_metadata();
    metadata->set_tenant(kTenant);
    metadata->set_aggregate(name);
    metadata->set_aggregate_version(++versions_[name]);
    metadata->set_request_id("request " + std::to_string(requests_));
    metadata->set_payload_hmac("payload");
    SetTimestamp(1'700'000'000 * kSecond + requests_ * kSecond, metadata->mutable_recorded_time());
    return ContactSchema().Encode(std::move(record), sealer_)->value;
  }

  Offset Append(Partition partition, std::vector<Record> records) {
    Offset first = kNoOffset;
    const auto batch = std::make_shared<const std::vector<Record>>(std::move(records));
    CRM_CHECK(
        log_.Append(partition, batch,
                    [&](absl::StatusOr<std::vector<Offset>> offsets) { first = offsets->front(); })
            .ok());
    log_.Deliver(SIZE_MAX);
    return first;
  }

  MemoryLog& log_;
  TestSealer& sealer_;
  SeededRandom random_;
  int64_t requests_ = 0;
  std::map<std::string, int64_t> versions_;
  // Offset of the ownership in force, and the last seq under it.
  std::map<Partition, std::pair<Offset, int64_t>> fences_;
};

}  // namespace

std::unique_ptr<MemoryLog> RandomHistory(const HistoryOptions& options, TestSealer& sealer) {
  MemoryLogOptions log_options;
  log_options.topic = "contacts";
  log_options.identity = {"log", "check", 0};
  log_options.deliver_by_hand = true;
  auto log = std::make_unique<MemoryLog>(std::move(log_options));
  Writer writer(*log, sealer, options.seed);
  for (const Partition p : options.partitions) writer.Own(p);
  for (int i = 0; i < options.commands; ++i) {
    const Partition p = options.partitions[writer.Below(options.partitions.size())];
    const auto names = SubjectsIn(p, kTenant, options.subjects);
    const std::string& name = names[writer.Below(names.size())];
    if (writer.Below(20) == 0) writer.Own(p);
    if (options.rubbish && writer.Below(10) == 0) writer.Rubbish(p, name);
    std::vector<contact::v1::ContactEvent> events;
    const size_t count = 1 + (writer.Below(4) == 0 ? writer.Below(4) : 0);
    for (size_t e = 0; e < count; ++e) events.push_back(writer.RandomEvent(name, options.erasures));
    writer.Command(p, name, std::move(events));
  }
  return log;
}

std::vector<Record> ReadAll(Log& log, Partition partition) {
  std::vector<Record> records;
  const auto tail = log.OpenTail({{partition, 0}});
  const auto end = static_cast<size_t>(*log.EndOffset(partition));
  while (records.size() < end) {
    auto batch = (*tail)->Poll(kSecond);
    CRM_CHECK(batch.ok());
    for (Record& record : batch->records) records.push_back(std::move(record));
  }
  return records;
}

void EraseAll(MemoryLog& log, TestSealer& sealer, const HistoryOptions& options) {
  const CoreProjection core(ContactTypes(), 1);
  const auto store = FoldLive(log, core, sealer, 1000);
  Writer writer(log, sealer, options.seed);
  for (const Partition p : options.partitions) {
    writer.Own(p);
    for (const std::string& name : SubjectsIn(p, kTenant, options.subjects)) {
      const auto row = store->Get(AggregateKey(p, kTenant, name));
      if (!row->has_value()) continue;
      const auto aggregate = Contacts().New(name);
      CRM_CHECK(aggregate->FromRow(**row).ok());
      writer.Resume(name, aggregate->info().version);
      contact::v1::ContactEvent erased;
      erased.mutable_erased();
      writer.Command(p, name, {erased});
    }
  }
}

std::unique_ptr<MemoryStore> FoldLive(MemoryLog& log, const CoreProjection& core,
                                      TestSealer& sealer, size_t batch) {
  auto store = std::make_unique<MemoryStore>();
  for (Partition p = 0; p < kPartitions; ++p) {
    BatchRows rows(*store);
    PartitionFold fold(core, {ContactSchema(), sealer}, log.identity(), p, {}, rows);
    size_t since = 0;
    const auto write = [&] {
      CRM_CHECK(fold.Flush().ok());
      CRM_CHECK(store->Write(rows.Take()).ok());
      since = 0;
    };
    for (Record& record : ReadAll(log, p)) {
      CRM_CHECK(fold.Accept(std::move(record)).ok());
      if (++since == batch) write();
    }
    write();
  }
  return store;
}

std::vector<std::string> DumpHashes(const Store& store, const Projection& projection) {
  std::vector<std::string> hashes;
  for (Partition p = 0; p < kPartitions; ++p) {
    const auto summary = DumpPartition(store, projection, p, DumpKind::kCanonical, nullptr);
    hashes.push_back(summary.ok() ? summary->hash : "unreadable");
  }
  return hashes;
}

}  // namespace crm::testing
