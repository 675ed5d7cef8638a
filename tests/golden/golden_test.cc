#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "common/aggregate/core_fold.h"
#include "common/base/bytes.h"
#include "common/base/hash.h"
#include "common/projection/bulk_rebuild.h"
#include "common/projection/dump.h"
#include "common/storage/memory_store.h"
#include "services/contact/api/contact_service.h"
#include "services/contact/projection/contact_index.h"
#include "services/contact/projection/contact_quality.h"
#include "services/contact/projection/contacts_by_stage.h"
#include "tests/golden/golden_file.h"
#include "tests/support/contact_log.h"

namespace crm {
namespace {

using contact::v1::ContactRecord;
using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using testing::ContactSource;
using testing::GoldenRecord;

const std::vector<GoldenRecord>& GoldenLog() {
  static const auto* log = new std::vector<GoldenRecord>(
      testing::ReadGoldenLog(std::string(CRM_GOLDEN) + "/contact_events.txt"));
  return *log;
}

// Lengths of the log that dumps were pinned at: cases are added at its end, and what was pinned
// before them stands. Add the new length behind the others.
constexpr size_t kFirstLength = 35;
constexpr std::array<size_t, 3> kLengths = {kFirstLength, 54, 87};

// "<store>-<version>/<length> <partition>" -> hash of the dump; the first length is not named.
std::map<std::string, std::string> PinnedDumps() {
  std::ifstream file(std::string(CRM_GOLDEN) + "/contact_dumps.txt");
  std::map<std::string, std::string> pinned;
  for (std::string line; std::getline(file, line);) {
    std::istringstream in(line);
    std::string store, partition, hash;
    if (line.starts_with("#") || !(in >> store >> partition >> hash)) continue;
    pinned[store + " " + partition] = hash;
  }
  return pinned;
}

// --- what was recorded reads as it was

TEST(Golden, EventsDecodeToWhatWasRecorded) {
  ASSERT_GT(GoldenLog().size(), 25u);
  for (const GoldenRecord& golden : GoldenLog()) {
    if (golden.json == "-") continue;
    const auto event = ContactSource().schema.Decode(Record(golden.record), ContactSource().sealer);
    ASSERT_TRUE(event.ok()) << golden.what << ": " << event.status();
    ContactRecord recorded;
    ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(golden.json, &recorded).ok());
    ContactRecord decoded = static_cast<const ContactRecord&>(*event->record);
    decoded.DiscardUnknownFields();
    EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(decoded, recorded))
        << golden.what << "\n"
        << decoded.DebugString() << "\n"
        << recorded.DebugString();
    EXPECT_EQ(event->payload_hmac, golden.payload_hmac) << golden.what;
    EXPECT_EQ(event->value, golden.record.value) << golden.what;
  }
}

void AddFields(const Descriptor& type, std::set<std::string>* fields) {
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    // Decoding puts the plain part in its place. How far reactions came is the core's own.
    if (field->name() == "sealed" || field->name() == "reaction") continue;
    if (!fields->insert(field->full_name()).second) continue;
    if (field->message_type() != nullptr) AddFields(*field->message_type(), fields);
  }
}

void AddFieldsSet(const Message& message, std::set<std::string>* fields) {
  std::vector<const FieldDescriptor*> set;
  const auto* reflection = message.GetReflection();
  reflection->ListFields(message, &set);
  for (const FieldDescriptor* field : set) {
    fields->insert(field->full_name());
    if (field->message_type() == nullptr) continue;
    if (!field->is_repeated()) AddFieldsSet(reflection->GetMessage(message, field), fields);
    for (int i = 0; field->is_repeated() && i < reflection->FieldSize(message, field); ++i) {
      AddFieldsSet(reflection->GetRepeatedMessage(message, field, i), fields);
    }
  }
}

TEST(Golden, EveryFieldOfEveryEventTypeIsInSomeEvent) {
  std::set<std::string> all;
  AddFields(*ContactRecord::descriptor(), &all);
  for (const GoldenRecord& golden : GoldenLog()) {
    if (golden.json == "-") continue;
    const auto event = ContactSource().schema.Decode(Record(golden.record), ContactSource().sealer);
    ASSERT_TRUE(event.ok());
    std::set<std::string> set;
    AddFieldsSet(*event->record, &set);
    if (!golden.payload_hmac.empty()) set.insert("crm.common.v1.EventMetadata.payload_hmac");
    for (const std::string& field : set) all.erase(field);
  }
  EXPECT_EQ(all, std::set<std::string>())
      << "add an event with these fields at the end of make_contact_events.cc, and what it writes "
         "for it at the end of contact_events.txt";
}

// --- and folds to the same rows

// The rows of the log's first `length` records.
std::unique_ptr<MemoryStore> Folded(const Projection& projection, size_t length) {
  const auto log = testing::EmptyLog({"golden", "check", 0});
  for (size_t i = 0; i < length; ++i) {
    const GoldenRecord& golden = GoldenLog()[i];
    const auto batch = std::make_shared<const std::vector<Record>>(1, golden.record);
    EXPECT_TRUE(log->Append(golden.partition, batch, [](const auto&) {}).ok());
  }
  log->Deliver(SIZE_MAX);
  auto store = std::make_unique<MemoryStore>();
  EXPECT_TRUE(BulkRebuild(*log, projection, ContactSource(), *store, {}).ok());
  return store;
}

// Pins hash by hash; `store` names what was dumped and its version, `length` of which log.
class Pins {
 public:
  Pins(std::string store, size_t length)
      : store_(length == kFirstLength ? std::move(store) : fmt::format("{}/{}", store, length)) {}

  void Check(Partition partition, const std::string& hash) {
    const std::string name = fmt::format("{} {}", store_, partition);
    const auto found = pinned_.find(name);
    lines_ += name + " " + hash + "\n";
    if (found == pinned_.end()) {
      missing_ = true;
    } else {
      EXPECT_EQ(hash, found->second)
          << name << ": the same log gives other rows. Where that is meant, raise the version of "
          << "the store, so that stores built before are rebuilt, and pin the new one's dump";
    }
  }
  bool known() const { return !missing_; }
  // What to add to contact_dumps.txt.
  const std::string& lines() const { return lines_; }

 private:
  const std::string store_;
  const std::map<std::string, std::string> pinned_ = PinnedDumps();
  std::string lines_;
  bool missing_ = false;
};

Pins CheckCanonical(const Projection& projection, const Store& rows, size_t length) {
  Pins pins(fmt::format("{}-{}", projection.name(), projection.version()), length);
  for (Partition p = 0; p < kPartitions; ++p) {
    const auto dump = DumpPartition(rows, projection, p, DumpKind::kCanonical, nullptr);
    EXPECT_TRUE(dump.ok());
    pins.Check(p, dump->hash);
  }
  return pins;
}

void ExpectPinned(const Projection& projection, size_t length) {
  const Pins pins = CheckCanonical(projection, *Folded(projection, length), length);
  EXPECT_TRUE(pins.known()) << "add to contact_dumps.txt:\n" << pins.lines();
}

TEST(Golden, TheWholeLogIsPinned) {
  EXPECT_EQ(kLengths.back(), GoldenLog().size()) << "add the new length to kLengths";
}

TEST(Golden, TheCoreOfThisVersionGivesThePinnedRows) {
  const ServiceDefinition service = contact::MakeContactService({});
  AggregateTypes types;
  for (const auto& type : service.aggregates) types[type->record_field()] = type.get();
  const CoreProjection core(types, service.core_version);
  for (const size_t length : kLengths) ExpectPinned(core, length);
}

TEST(Golden, TheStagesOfThisVersionGiveThePinnedRows) {
  ExpectPinned(contact::ContactsByStage(), kLengths.back());
}

TEST(Golden, TheQualityOfThisVersionGivesThePinnedRows) {
  ExpectPinned(contact::ContactQualityView(), kLengths.back());
}

// Rows of the view without the bytes that the collator gave, sorted.
std::multiset<std::string> WithoutCollation(const Store& rows, Partition partition) {
  std::multiset<std::string> keys;
  const std::string begin(1, static_cast<char>(partition));
  for (auto row = rows.Scan(begin, PrefixEnd(begin)); row->Valid(); row->Next()) {
    const std::string key(row->key());
    if (key[1] == 'm') continue;
    const bool collated = std::string_view("dfw").find(key[1]) != std::string_view::npos;
    const size_t tenant_end = key.find('\0', 2);
    keys.insert(collated ? key.substr(1, tenant_end) + key.substr(key.rfind('\0'))
                         : key.substr(1) + std::string(row->value()));
  }
  return keys;
}

// The view's version holds the collator's. Every release of ICU gives the rows of the first pin;
// the bytes of their order are compared too where somebody has pinned that release.
void CheckIndex(size_t length) {
  contact::ContactIndex view;
  view.UseSecret(*Secret::FromBytes(std::string(32, 's')));
  const auto rows = Folded(view, length);
  Pins pins(fmt::format("{}-rows-{}", view.name(), view.version() >> 24), length);
  for (Partition p = 0; p < kPartitions; ++p) {
    PieceHasher hasher;
    for (const std::string& key : WithoutCollation(*rows, p)) hasher.Add(key);
    pins.Check(p, Hex(hasher.Digest()));
  }
  EXPECT_TRUE(pins.known()) << "add to contact_dumps.txt:\n" << pins.lines();
  const Pins exact = CheckCanonical(view, *rows, length);
  if (!exact.known())
    std::printf("not pinned yet, for contact_dumps.txt:\n%s", exact.lines().c_str());
}

TEST(Golden, TheIndexOfThisVersionGiveThePinnedRows) {
  for (const size_t length : kLengths) CheckIndex(length);
}

}  // namespace
}  // namespace crm
