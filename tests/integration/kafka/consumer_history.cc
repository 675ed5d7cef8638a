// Makes a topic's history as it must not look but may: zombies, duplicates, commands torn by an
// ownership record, lost records, and records of somebody else's, some of which claim to be ours.
// Prints it as JSON lines for consumers_test.py, which writes it into a topic and holds other
// readers against what the service's own filter takes from it:
//
//   {"message": {partition, key, headers, value}}   in offset order per partition; base64, null =
//   null
//   {"expected": {…}}                               each valid event, in offset order per partition
//   {"tally": {…}}                                  how often each fault is in it
//
// Arguments: the seed, the records per partition.

#include <crm/common/v1/log_control.pb.h>
#include <crm/contact/v1/contact_events.pb.h>
#include <fmt/format.h>
#include <google/protobuf/util/time_util.h>

#include <cstdlib>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "common/log/fence_filter.h"
#include "tests/integration/kafka/contact_contents.h"

namespace crm {
namespace {

using contact::v1::ContactRecord;
using google::protobuf::util::TimeUtil;

constexpr char kTopicSource[] = "/crm/contact/";

struct Header {
  std::string name;
  std::optional<std::string> value;
};

// A record as it goes to the broker, and as a reader should understand it.
struct Written {
  Record record;
  std::optional<std::string> key;
  std::vector<Header> headers;
  std::optional<std::string> value;
};

// An instance that once owned the partition, and may still believe so.
struct Owner {
  Offset fence = kNoOffset;
  int64_t next_seq = 1;
};

std::string Json(const std::optional<std::string>& bytes) {
  return bytes ? "\"" + absl::Base64Escape(*bytes) + "\"" : "null";
}

class PartitionHistory {
 public:
  PartitionHistory(Partition partition, unsigned seed)
      : partition_(partition), keys_(KeysOf(partition)), random_(seed) {}

  void Make(size_t records);

  const std::vector<Written>& written() const { return written_; }
  const std::map<std::string, int>& tally() const { return tally_; }

 private:
  int Below(int n) { return std::uniform_int_distribution<int>(0, n - 1)(random_); }
  Offset end() const { return static_cast<Offset>(written_.size()); }

  void Step();
  void Count(const char* what) { ++tally_[what]; }
  void Put(Written written);
  Written Control(RecordKind kind) const;
  void Own();
  Written Event(Owner& owner, bool last);
  void Command(Owner& owner, int events);
  void TornByOwn();
  void LostRecord();
  void Zombie();
  void Duplicate();
  void Interrupt();
  void Foreign();
  Written Forged(int kind);

  const Partition partition_;
  const std::vector<std::string> keys_;
  std::mt19937 random_;
  std::vector<Owner> owners_;
  std::vector<Written> written_;
  std::map<std::string, int> tally_;
  int64_t versions_ = 0;
};

void PartitionHistory::Make(size_t records) {
  Put(Control(RecordKind::kGenesis));
  Owner nobody{0, 1};
  Count("before_any_owner");
  Command(nobody, 1);
  Own();
  while (written_.size() < records) Step();
}

void PartitionHistory::Step() {
  switch (Below(12)) {
    case 0:
      return Own();
    case 1:
      return TornByOwn();
    case 2:
      return LostRecord();
    case 3:
      return Zombie();
    case 4:
      return Duplicate();
    case 5:
      return Foreign();
    case 6:
      return Put(Control(Below(2) == 0 ? RecordKind::kRelease : RecordKind::kEpoch));
    default:
      return Command(owners_.back(), 1 + Below(4));
  }
}

void PartitionHistory::Put(Written written) {
  written.record.offset = end();
  written_.push_back(std::move(written));
}

Written PartitionHistory::Control(RecordKind kind) const {
  common::v1::LogControl control;
  if (kind == RecordKind::kOwn) {
    control.mutable_own()->set_attempt(fmt::format("a{}", end()));
    control.mutable_own()->set_epoch(1);
  }
  if (kind == RecordKind::kRelease) control.mutable_release()->set_successor("another");
  if (kind == RecordKind::kGenesis) control.mutable_genesis()->set_log_id(std::string(32, '7'));
  if (kind == RecordKind::kEpoch) control.mutable_epoch()->set_number(1);
  Written written;
  written.record.kind = kind;
  written.record.value = control.SerializeAsString();
  written.headers = {{"crm-kind", std::string(KindName(kind))}};
  written.value = written.record.value;
  return written;
}

void PartitionHistory::Own() {
  owners_.push_back({end(), 1});
  Put(Control(RecordKind::kOwn));
}

// Advances the owner's count, also where nobody will take the event.
Written PartitionHistory::Event(Owner& owner, bool last) {
  Written written;
  Record& record = written.record;
  record.key = keys_[static_cast<size_t>(Below(static_cast<int>(keys_.size())))];
  record.fence = owner.fence;
  record.seq = owner.next_seq++;
  record.last = last;
  const ContactRecord content = Content(record.key, ++versions_);
  record.value = content.SerializeAsString();
  const auto& metadata = content.metadata();
  written.headers = {{"ce_specversion", "1.0"},
                     {"ce_id", EventId(1, partition_, record)},
                     {"ce_type", TypeOf(versions_)},
                     {"ce_source", kTopicSource + metadata.tenant()},
                     {"ce_subject", metadata.aggregate()},
                     {"ce_time", TimeUtil::ToString(metadata.recorded_time())},
                     {"crm-kind", "event"},
                     {"crm-fence", std::to_string(record.fence)},
                     {"crm-seq", std::to_string(record.seq)}};
  if (last) written.headers.push_back({"crm-last", "1"});
  if (Below(16) == 0) {
    Count("header_twice");
    written.headers.push_back({"crm-seq", "999"});
  }
  if (Below(16) == 0) {
    Count("undecodable");
    record.value = "\xff\xff not a message";
  }
  written.key = record.key;
  written.value = record.value;
  if (Below(16) == 0) {
    // As the events that say how far reactions came.
    Count("no_key");
    record.key.clear();
    written.key.reset();
  }
  return written;
}

void PartitionHistory::Command(Owner& owner, int events) {
  for (int i = 1; i <= events; ++i) {
    Put(Event(owner, i == events));
    if (i < events && Below(3) == 0) Interrupt();
  }
}

// What lies between the events of a command and must not disturb it.
void PartitionHistory::Interrupt() {
  Count("interrupted");
  switch (Below(4)) {
    case 0:
      return Zombie();
    case 1:
      return Duplicate();
    case 2:
      return Put(Control(RecordKind::kRelease));
    default:
      return Foreign();
  }
}

void PartitionHistory::TornByOwn() {
  Count("torn");
  for (int i = 1 + Below(3); i > 0; --i) Put(Event(owners_.back(), false));
  Own();
}

// The owner goes on after a record that never arrived: all void until it owns anew.
void PartitionHistory::LostRecord() {
  Count("lost");
  ++owners_.back().next_seq;
  Command(owners_.back(), 1 + Below(2));
  if (Below(2) == 0) Own();
}

void PartitionHistory::Zombie() {
  if (owners_.size() < 2) return;
  Count("zombie");
  Owner& zombie = owners_[static_cast<size_t>(Below(static_cast<int>(owners_.size()) - 1))];
  for (int i = 1 + Below(3); i > 0; --i) Put(Event(zombie, i == 1));
}

void PartitionHistory::Duplicate() {
  const Written& chosen = written_[static_cast<size_t>(Below(static_cast<int>(written_.size())))];
  if (chosen.record.kind != RecordKind::kEvent) return;
  Count("duplicate");
  Put(Written(chosen));
}

// A record like one that would count, but for one fault.
void PartitionHistory::Foreign() {
  const int kind = Below(19);
  Count("foreign");
  Written forged = Forged(kind);
  const bool own = forged.record.kind == RecordKind::kOwn;
  forged.record = {};
  forged.record.kind = RecordKind::kForeign;
  const Offset at = end();
  Put(std::move(forged));
  if (!own) return;
  Count("under_forged_own");
  Owner impostor{at, 1};
  Put(Event(impostor, true));
}

void Set(Written& written, const std::string& name, std::optional<std::string> value) {
  for (Header& header : written.headers) {
    if (header.name == name) {
      header.value = std::move(value);
      return;
    }
  }
  written.headers.push_back({name, std::move(value)});
}

Written PartitionHistory::Forged(int kind) {
  Owner copy = owners_.back();
  Written event = Event(copy, true);
  Written own = Control(RecordKind::kOwn);
  const std::string seq = std::to_string(event.record.seq);
  switch (kind) {
    case 0:
      event.headers.clear();
      return event;
    case 1:
      Set(event, "crm-kind", "Event");
      return event;
    case 2:
      Set(event, "crm-kind", std::nullopt);
      return event;
    case 3:
      Set(event, "crm-seq", "+" + seq);
      return event;
    case 4:
      Set(event, "crm-seq", "0" + seq);
      return event;
    case 5:
      Set(event, "crm-seq", seq + " ");
      return event;
    case 6:
      Set(event, "crm-seq", "99999999999999999999");
      return event;
    case 7:
      Set(event, "crm-fence", std::nullopt);
      return event;
    case 8:
      Set(event, "crm-fence", "-1");
      return event;
    case 9:
      Set(event, "crm-last", "true");
      return event;
    case 10:
      Set(event, "crm-last", std::nullopt);
      return event;
    case 11:
      event.key = KeysOf((partition_ + 1) % kPartitions).front();
      return event;
    case 12:
      event.key = "contacts";
      return event;
    case 13:
      own.value = "\xff\xff noise";
      return own;
    case 14:
      Set(own, "crm-fence", "12x");
      return own;
    case 15:
      Set(own, "crm-kind", "snapshot");
      return own;
    case 16:
      Set(own, "crm-seq", "9223372036854775808");
      return own;
    case 17:
      event.headers = {{"content-type", "text/plain"}};
      event.value = std::string(200'000, static_cast<char>('a' + partition_));
      return event;
    default: {
      Written empty;
      return empty;
    }
  }
}

void PrintMessage(Partition partition, const Written& written) {
  std::string headers;
  for (const Header& header : written.headers) {
    headers +=
        fmt::format("{}[\"{}\",{}]", headers.empty() ? "" : ",", header.name, Json(header.value));
  }
  fmt::print("{{\"message\":{{\"partition\":{},\"key\":{},\"headers\":[{}],\"value\":{}}}}}\n",
             partition, Json(written.key), headers, Json(written.value));
}

void Print(Partition partition, const PartitionHistory& history) {
  FenceFilter filter;
  for (const Written& written : history.written()) {
    PrintMessage(partition, written);
    if (filter.Next(written.record) != FenceFilter::Verdict::kCommand) continue;
    for (const Record& record : filter.TakeCommand()) PrintEvent("expected", 1, partition, record);
  }
}

int Main(unsigned seed, size_t records) {
  std::map<std::string, int> tally;
  for (Partition partition = 0; partition < kPartitions; ++partition) {
    PartitionHistory history(partition, seed * kPartitions + static_cast<unsigned>(partition));
    history.Make(records);
    Print(partition, history);
    for (const auto& [what, count] : history.tally()) tally[what] += count;
  }
  std::string counts;
  for (const auto& [what, count] : tally) {
    counts += fmt::format("{}\"{}\":{}", counts.empty() ? "" : ",", what, count);
  }
  fmt::print("{{\"tally\":{{{}}}}}\n", counts);
  return 0;
}

}  // namespace
}  // namespace crm

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "consumer_history: arguments are a seed and the records per partition\n");
    return 2;
  }
  return crm::Main(static_cast<unsigned>(std::strtoul(argv[1], nullptr, 10)),
                   std::strtoul(argv[2], nullptr, 10));
}
