#include "common/aggregate/lane.h"

#include <gtest/gtest.h>

#include <deque>
#include <map>

#include "common/aggregate/core_rows.h"
#include "common/aggregate/history.h"
#include "common/base/timestamp.h"
#include "common/projection/dump.h"
#include "common/projection/partition_fold.h"
#include "tests/support/contact_commands.h"
#include "tests/support/test_sealer.h"
#include "tests/support/unsynced_store.h"

namespace crm {
namespace {

using contact::CreateContact;
using contact::DeleteContact;
using contact::UpdateContact;
using contact::UpsertContact;
using testing::ContactCommand;
using testing::EraseContact;
using testing::Named;
using testing::Step;

constexpr char kTenant[] = "acme";
constexpr Partition kPartition = 3;

Step Create(const std::string& name) {
  return CreateContact{Named(name), std::nullopt};
}
Step Rename(const std::string& name) {
  return UpdateContact{Named(name), {"display_name"}};
}

// What a command was answered, once it was.
struct Reply {
  int count = 0;
  absl::StatusOr<Outcome> outcome = absl::UnknownError("no answer");

  bool ok() const { return count == 1 && outcome.ok(); }
  std::string reason() const { return count == 0 ? "none" : ReasonOf(outcome.status()); }
};

// A lane between a log and a store that the test holds.
class LaneTest : public ::testing::Test, public LaneOutside {
 protected:
  LaneTest() : names_(testing::SubjectsIn(kPartition, kTenant, 4)) { Start(); }

  // A new process over the same log and store.
  void Start() {
    appends_.clear();
    ends_asked_ = 0;
    auto position = LoadPosition(store_, kPartition);
    ASSERT_TRUE(position.ok());
    Lane::Options options;
    options.fence.partition = kPartition;
    options.fence.owner = "me";
    lane_ = std::make_unique<Lane>(options, core_, testing::ContactSchema(), sealer_, store_,
                                   *position, random_, *this);
    ReadLog();
  }
  void Open() {
    lane_->Hint(true, 0);
    Settle();
    ASSERT_TRUE(lane_->open());
  }
  void Restart() {
    Start();
    Open();
  }

  std::unique_ptr<ContactCommand> Make(const std::string& name, const std::string& request_id,
                                       std::vector<Step> steps) {
    auto command = std::make_unique<ContactCommand>(name, std::move(steps));
    command->caller.tenant = kTenant;
    command->request_id = request_id;
    command->payload_hmac = "payload";
    return command;
  }
  std::shared_ptr<Reply> Submit(std::unique_ptr<ContactCommand> command) {
    auto reply = std::make_shared<Reply>();
    command->done = [this, reply](absl::StatusOr<Outcome> outcome) {
      ++reply->count;
      reply->outcome = std::move(outcome);
      order_.push_back(reply.get());
    };
    lane_->Submit(std::move(command), now_, 0);
    return reply;
  }
  std::shared_ptr<Reply> Submit(const std::string& request_id, std::vector<Step> steps) {
    return Submit(Make(names_[0], request_id, std::move(steps)));
  }
  // Submitted and seen to its end.
  Reply Run(const std::string& request_id, std::vector<Step> steps) {
    const auto reply = Submit(request_id, std::move(steps));
    Settle();
    return *reply;
  }

  // The log takes the oldest append.
  void DeliverOne() {
    const auto [id, records] = appends_.front();
    appends_.pop_front();
    lane_->Delivered(id, Land(*records));
  }
  std::vector<Offset> Land(const std::vector<Record>& records) {
    std::vector<Offset> offsets;
    for (const Record& record : records) {
      log_.push_back(record);
      log_.back().offset = static_cast<Offset>(log_.size()) - 1;
      offsets.push_back(log_.back().offset);
    }
    return offsets;
  }
  void AnswerEnds() {
    for (; ends_asked_ > 0; --ends_asked_) lane_->End(static_cast<Offset>(log_.size()));
  }
  void ReadLog() {
    for (size_t i = static_cast<size_t>(lane_->read_to()); i < log_.size(); ++i) {
      lane_->Read(log_[i], 0);
    }
    lane_->Flush();
  }
  void Settle() {
    lane_->Flush();
    while (!appends_.empty() || ends_asked_ > 0) {
      while (!appends_.empty()) DeliverOne();
      lane_->Flush();
      AnswerEnds();
      lane_->Flush();
    }
  }
  // Somebody else owned the partition since, and wrote `values` as one command each under `name`.
  void AnotherOwns(const std::string& name, const std::vector<std::string>& values) {
    Record own;
    own.kind = RecordKind::kOwn;
    const Offset fence = Land({own}).front();
    int64_t seq = 0;
    for (const std::string& value : values) {
      Record event;
      event.key = std::string(kTenant) + "/" + name;
      event.fence = fence;
      event.seq = ++seq;
      event.last = true;
      event.value = value;
      Land({event});
    }
  }
  // An event record's value as another owner would write it.
  std::string CreatedValue(const std::string& name, int64_t version) {
    auto record = std::make_unique<contact::v1::ContactRecord>();
    record->mutable_contact()->mutable_created()->mutable_plain()->set_display_name("Grace");
    record->mutable_metadata()->set_tenant(kTenant);
    record->mutable_metadata()->set_aggregate(name);
    record->mutable_metadata()->set_aggregate_version(version);
    SetTimestamp(now_, record->mutable_metadata()->mutable_recorded_time());
    return testing::ContactSchema().Encode(std::move(record), sealer_)->value;
  }
  int64_t VersionInStore(const std::string& name) {
    const auto row = store_.Get(AggregateKey(kPartition, kTenant, name));
    if (!row.ok() || !row->has_value()) return 0;
    const auto aggregate = testing::Contacts().New(name);
    EXPECT_TRUE(aggregate->FromRow(**row).ok());
    return aggregate->info().version;
  }
  std::string DumpHash(const Store& store) {
    return DumpPartition(store, core_, kPartition, DumpKind::kCanonical, nullptr)->hash;
  }

  void Append(Partition, uint64_t id, RecordBatch records) override {
    appends_.emplace_back(id, std::move(records));
  }
  void ReadBack(Partition, Offset from, Offset to) override {
    for (Offset i = from; i < to; ++i) lane_->Read(log_[static_cast<size_t>(i)], 0);
  }
  void ReadEnd(Partition) override { ++ends_asked_; }
  void Advanced(Partition, Offset read_to) override { advanced_ = read_to; }
  void Failed(Partition, const absl::Status& why) override { failed_ = why; }

  const std::vector<std::string> names_;
  const CoreProjection core_{testing::ContactTypes(), 1};
  testing::TestSealer sealer_;
  SeededRandom random_{5};
  testing::UnsyncedStore store_;
  std::vector<Record> log_;
  std::deque<std::pair<uint64_t, RecordBatch>> appends_;
  int ends_asked_ = 0;
  Offset advanced_ = 0;
  absl::Status failed_;
  std::unique_ptr<Lane> lane_;
  // Replies in the order they came.
  std::vector<Reply*> order_;
  TimeNs now_ = 1'700'000'000 * kSecond;
};

TEST_F(LaneTest, RefusesCommandsWhileItOwnsNothing) {
  const auto reply = Submit("r1", {Create("Ada")});
  EXPECT_EQ(reply->reason(), "NOT_OWNER");
}

TEST_F(LaneTest, AnswersOnceTheLogHasConfirmedAndTheCoreHoldsIt) {
  Open();
  const auto reply = Submit("r1", {Create("Ada")});
  lane_->Flush();
  EXPECT_EQ(reply->count, 0);
  EXPECT_EQ(VersionInStore(names_[0]), 0);
  DeliverOne();
  EXPECT_EQ(reply->count, 0);
  lane_->Flush();
  ASSERT_TRUE(reply->ok());
  EXPECT_EQ(reply->outcome->version, 1);
  EXPECT_EQ(reply->outcome->events, 1);
  EXPECT_EQ(reply->outcome->position, static_cast<Offset>(log_.size()));
  EXPECT_EQ(VersionInStore(names_[0]), 1);
  EXPECT_EQ(advanced_, static_cast<Offset>(log_.size()));
}

TEST_F(LaneTest, DecidesOverWhatIsNotConfirmedYet) {
  Open();
  const auto created = Submit("r1", {Create("Ada")});
  const auto renamed = Submit("r2", {Rename("Ada King")});
  const auto again = Submit("r3", {Create("Ada")});
  Settle();
  EXPECT_TRUE(created->ok());
  EXPECT_EQ(renamed->outcome->version, 2);
  EXPECT_EQ(again->reason(), contact::kContactExists);
  EXPECT_EQ(order_, (std::vector<Reply*>{created.get(), renamed.get(), again.get()}));
}

TEST_F(LaneTest, ARepeatGivesTheFirstAnswerWhateverHappenedSince) {
  Open();
  const Reply first = Run("r1", {Create("Ada"), Rename("Ada King")});
  Run("r2", {Rename("Countess")});
  for (int restart = 0; restart < 2; ++restart) {
    const Reply again = Run("r1", {Create("Ada"), Rename("Ada King")});
    ASSERT_TRUE(again.ok());
    EXPECT_TRUE(again.outcome->repeated);
    EXPECT_EQ(again.outcome->version, first.outcome->version);
    EXPECT_EQ(again.outcome->version_before, first.outcome->version_before);
    EXPECT_EQ(again.outcome->events, 2);
    EXPECT_EQ(again.outcome->resource, first.outcome->resource);
    Restart();
  }
  EXPECT_EQ(VersionInStore(names_[0]), 3);
}

TEST_F(LaneTest, ARepeatWaitsForAFirstExecutionThatIsNotConfirmed) {
  Open();
  const auto first = Submit("r1", {Create("Ada")});
  const auto again = Submit("r1", {Create("Ada")});
  lane_->Flush();
  AnswerEnds();
  lane_->Flush();
  EXPECT_EQ(again->count, 0);
  Settle();
  ASSERT_TRUE(first->ok() && again->ok());
  EXPECT_TRUE(again->outcome->repeated);
  EXPECT_EQ(again->outcome->resource, first->outcome->resource);
  EXPECT_EQ(VersionInStore(names_[0]), 1);
}

TEST_F(LaneTest, ARepeatIsKnownAfterTheStoreWasRebuiltFromTheLog) {
  Open();
  const Reply first = Run("r1", {Create("Ada")});
  const std::string before = DumpHash(store_);
  store_.Crash(0);
  Restart();
  EXPECT_EQ(DumpHash(store_), before);
  const Reply again = Run("r1", {Create("Ada")});
  EXPECT_TRUE(again.outcome->repeated);
  EXPECT_EQ(again.outcome->resource, first.outcome->resource);
}

TEST_F(LaneTest, AnotherPayloadUnderAUsedRequestIdIsRefused) {
  Open();
  const auto first = Submit("r1", {Create("Ada")});
  for (int confirmed = 0; confirmed < 2; ++confirmed) {
    auto other = Make(names_[0], "r1", {Create("Grace")});
    other->payload_hmac = "other";
    const auto reply = Submit(std::move(other));
    Settle();
    EXPECT_EQ(reply->outcome.status().code(), absl::StatusCode::kInvalidArgument);
  }
}

TEST_F(LaneTest, HoldsNothingForCommandsThatRecordedNothing) {
  Open();
  for (int i = 0; i < 100; ++i) {
    const auto refused = Submit(Make("contacts/unknown" + std::to_string(i), "", {Rename("Ada")}));
    Settle();
    EXPECT_FALSE(refused->outcome.ok());
  }
  EXPECT_EQ(lane_->held(), 0u);
}

TEST_F(LaneTest, ARequestThatRecordedNothingIsDecidedAnew) {
  Open();
  EXPECT_EQ(Run("r1", {Rename("Ada")}).reason(), contact::kContactNotFound);
  EXPECT_TRUE(Run("r2", {Create("Ada")}).ok());
  const Reply unchanged = Run("r1", {Rename("Ada")});
  ASSERT_TRUE(unchanged.ok());
  EXPECT_EQ(unchanged.outcome->events, 0);
  EXPECT_EQ(unchanged.outcome->version, 1);
  EXPECT_FALSE(unchanged.outcome->repeated);
}

TEST_F(LaneTest, AStaleEtagIsAborted) {
  Open();
  Run("r1", {Create("Ada")});
  const auto with_etag = [&](const std::string& request, const std::string& etag) {
    auto command = Make(names_[0], request, {Rename("name of " + request)});
    command->etag = etag;
    return Submit(std::move(command));
  };
  const auto first = with_etag("r2", "1");
  const auto second = with_etag("r3", "1");
  Settle();
  EXPECT_TRUE(first->ok());
  EXPECT_EQ(second->outcome.status().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(second->reason(), "ETAG_STALE");
}

TEST_F(LaneTest, ValidateOnlyShowsWhatWouldBeAndRecordsNothing) {
  Open();
  Run("r1", {Create("Ada")});
  const size_t before = log_.size();
  auto command = Make(names_[0], "r2", {Rename("Ada King")});
  command->validate_only = true;
  const auto would_be = Submit(std::move(command));
  Settle();
  ASSERT_TRUE(would_be->ok());
  EXPECT_EQ(would_be->outcome->version, 2);
  EXPECT_EQ(log_.size(), before);
  const Reply real = Run("r2", {Rename("Ada King")});
  EXPECT_FALSE(real.outcome->repeated);
  EXPECT_EQ(real.outcome->resource, would_be->outcome->resource);
}

TEST_F(LaneTest, AnswersWithoutEventsWaitForALogEndReadAfterTheyCame) {
  Open();
  const auto refused = Submit("r1", {Rename("Ada")});
  lane_->Flush();
  EXPECT_EQ(ends_asked_, 1);
  EXPECT_EQ(refused->count, 0);
  // This one came when the read was under way.
  const auto late = Submit("r2", {Rename("Ada")});
  AnswerEnds();
  lane_->Flush();
  EXPECT_EQ(refused->reason(), contact::kContactNotFound);
  EXPECT_EQ(late->count, 0);
  EXPECT_EQ(ends_asked_, 1);
  AnswerEnds();
  lane_->Flush();
  EXPECT_EQ(late->count, 1);
}

TEST_F(LaneTest, AFailedReadOfTheEndIsDoneAgain) {
  Open();
  const auto refused = Submit("r1", {Rename("Ada")});
  lane_->Flush();
  ends_asked_ = 0;
  lane_->EndUnknown();
  lane_->Flush();
  EXPECT_EQ(ends_asked_, 1);
  AnswerEnds();
  lane_->Flush();
  EXPECT_EQ(refused->reason(), contact::kContactNotFound);
}

TEST_F(LaneTest, AReadOfTheEndThatIsDoneAgainServesWhoCameMeanwhile) {
  Open();
  const auto refused = Submit("r1", {Rename("Ada")});
  lane_->Flush();
  const auto late = Submit("r2", {Rename("Ada")});
  ends_asked_ = 0;
  lane_->EndUnknown();
  Settle();
  EXPECT_EQ(refused->reason(), contact::kContactNotFound);
  EXPECT_EQ(late->reason(), contact::kContactNotFound);
  EXPECT_EQ(lane_->unanswered(), 0u);
}

TEST_F(LaneTest, AnAnswerIsNotGivenWhenAnotherOwnedThePartitionBeforeTheLogEnd) {
  Open();
  const auto refused = Submit("r1", {Rename("Ada")});
  lane_->Flush();
  AnotherOwns(names_[0], {CreatedValue(names_[0], 1)});
  AnswerEnds();
  lane_->Flush();
  EXPECT_EQ(refused->count, 0);
  ReadLog();
  EXPECT_EQ(refused->reason(), "NOT_OWNER");
  EXPECT_EQ(VersionInStore(names_[0]), 1);
}

TEST_F(LaneTest, AnAnswerWhoseLogEndLiesBeforeTheLossIsGiven) {
  Open();
  const auto refused = Submit("r1", {Rename("Ada")});
  lane_->Flush();
  AnswerEnds();
  AnotherOwns(names_[0], {CreatedValue(names_[0], 1)});
  ReadLog();
  EXPECT_EQ(refused->reason(), contact::kContactNotFound);
}

TEST_F(LaneTest, ALostPartitionLeavesOutcomesUnknown) {
  Open();
  const auto reply = Submit("r1", {Create("Ada")});
  lane_->Flush();
  AnotherOwns(names_[0], {});
  ReadLog();
  EXPECT_EQ(reply->reason(), "OUTCOME_UNKNOWN");
  EXPECT_EQ(Submit("r1", {Create("Ada")})->reason(), "NOT_OWNER");
  DeliverOne();
  ReadLog();
  EXPECT_EQ(VersionInStore(names_[0]), 0) << "it landed behind the other's fence";
}

TEST_F(LaneTest, AnUnknownDeliveryThatLandedIsFoundAgainByItsRequestId) {
  Open();
  const auto reply = Submit("r1", {Create("Ada")});
  lane_->Flush();
  const auto [id, records] = appends_.front();
  appends_.clear();
  Land(*records);
  lane_->DeliveryUnknown(id, 0);
  Settle();
  EXPECT_EQ(reply->reason(), "OUTCOME_UNKNOWN");
  ASSERT_TRUE(lane_->open());
  const Reply again = Run("r1", {Create("Ada")});
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(again.outcome->repeated);
  EXPECT_EQ(again.outcome->version, 1);
}

TEST_F(LaneTest, ASubjectWhoseRecordCannotBeReadStopsAlone) {
  AnotherOwns(names_[0], {CreatedValue(names_[0], 1), "not a message", CreatedValue(names_[0], 2)});
  ReadLog();
  EXPECT_EQ(VersionInStore(names_[0]), 1) << "nothing is folded behind it";
  EXPECT_EQ(lane_->counts().quarantined, 1);
  Open();
  EXPECT_EQ(Run("r1", {Rename("Ada")}).reason(), "SUBJECT_UNREADABLE");
  const auto other = Submit(Make(names_[1], "r2", {Create("Grace")}));
  Settle();
  EXPECT_TRUE(other->ok());
  const auto letter = store_.Get(DeadLetterKey(kPartition, 2));
  EXPECT_TRUE(letter.ok() && letter->has_value());
}

TEST_F(LaneTest, AVersionThatDoesNotFollowStopsItsSubject) {
  AnotherOwns(names_[0], {CreatedValue(names_[0], 1), CreatedValue(names_[0], 3)});
  ReadLog();
  Open();
  EXPECT_EQ(Run("r1", {Rename("Ada")}).reason(), "SUBJECT_UNREADABLE");
}

TEST_F(LaneTest, AnErasedSubjectAnswersErasedEvenBeforeTheErasureIsConfirmed) {
  Open();
  Run("r1", {Create("Ada")});
  const auto erased = Submit("r2", {EraseContact{}});
  const auto repeat = Submit("r1", {Create("Ada")});
  const auto rename = Submit("r3", {Rename("Ada")});
  Settle();
  EXPECT_TRUE(erased->ok());
  EXPECT_EQ(repeat->reason(), "ERASED");
  EXPECT_EQ(rename->reason(), "ERASED");
  Restart();
  EXPECT_EQ(Run("r1", {Create("Ada")}).reason(), "ERASED");
  EXPECT_EQ(Run("r2", {EraseContact{}}).reason(), "ERASED");
}

TEST_F(LaneTest, RecordedTimeNeverGoesBack) {
  Open();
  Run("r1", {Create("Ada")});
  now_ -= 100 * kSecond;
  Run("r2", {Rename("Ada King")});
  store_.Crash(0);
  Restart();
  Run("r3", {Rename("Countess")});
  TimeNs last = 0;
  ASSERT_TRUE(VisitHistory(store_, testing::ContactSchema(), sealer_,
                           {kPartition, kTenant, names_[0]}, 1,
                           [&](const Event& event) {
                             const TimeNs recorded = ToTimeNs(event.metadata->recorded_time());
                             EXPECT_GE(recorded, last);
                             last = recorded;
                             return true;
                           })
                  .ok());
  EXPECT_EQ(last, now_ + 100 * kSecond);
}

TEST_F(LaneTest, HistoryFoldsToEachVersion) {
  Open();
  Run("r1", {Create("Ada")});
  const Reply second = Run("r2", {Rename("Ada King")});
  Run("r3", {DeleteContact{}});
  const auto at_two = FoldHistory(store_, testing::ContactSchema(), sealer_, testing::Contacts(),
                                  {kPartition, kTenant, names_[0]}, [](const Event& event) {
                                    return event.metadata->aggregate_version() <= 2;
                                  });
  ASSERT_TRUE(at_two.ok());
  EXPECT_EQ((*at_two)->Render(), second.outcome->resource);
}

TEST_F(LaneTest, AStoreThatCannotWriteFailsTheLane) {
  Open();
  const auto reply = Submit("r1", {Create("Ada")});
  const auto behind = Submit("r2", {Create("Ada")});
  store_.FailOneWrite();
  lane_->Flush();
  DeliverOne();
  lane_->Flush();
  EXPECT_EQ(reply->reason(), "OUTCOME_UNKNOWN");
  EXPECT_EQ(behind->outcome.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_FALSE(failed_.ok());
  EXPECT_FALSE(lane_->open());
  EXPECT_EQ(Submit("r3", {Create("Ada")})->reason(), "LANE_FAILED");
  Restart();
  EXPECT_TRUE(Run("r1", {Create("Ada")}).outcome->repeated);
}

TEST_F(LaneTest, AStoreThatCannotReadFailsTheLaneAndBlamesNoSubject) {
  AnotherOwns(names_[0], {CreatedValue(names_[0], 1)});
  // The marks first, then the aggregate.
  for (const int after : {0, 1}) {
    failed_ = absl::OkStatus();
    store_.FailOneRead(after + 1);
    Start();
    EXPECT_FALSE(failed_.ok()) << after;
    EXPECT_EQ(lane_->counts().quarantined, 0) << after;
  }
  failed_ = absl::OkStatus();
  Start();
  EXPECT_TRUE(failed_.ok());
  EXPECT_EQ(VersionInStore(names_[0]), 1);
}

TEST_F(LaneTest, AHoleInTheLogFailsTheLane) {
  Record record;
  record.offset = 5;
  lane_->Read(record, 0);
  EXPECT_EQ(ReasonOf(failed_), "LOG_HOLE");
}

TEST_F(LaneTest, ADeadlineThatPassedIsAnsweredUndecided) {
  Open();
  auto command = Make(names_[0], "r1", {Create("Ada")});
  command->deadline = 5;
  Reply reply;
  command->done = [&](absl::StatusOr<Outcome> outcome) {
    ++reply.count;
    reply.outcome = std::move(outcome);
  };
  lane_->Submit(std::move(command), now_, 6);
  EXPECT_EQ(reply.outcome.status().code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(LaneTest, TheOwnersRowsAndARebuildsAreTheSame) {
  Open();
  for (int i = 0; i < 40; ++i) {
    const std::string n = std::to_string(i);
    Submit(Make(
        names_[static_cast<size_t>(i % 3)], "r" + n,
        {UpsertContact{Named("name " + n), {"display_name"}, std::nullopt}, Rename("other " + n)}));
    if (i % 7 == 0) Settle();
    if (i == 20) Submit(Make(names_[2], "erase", {EraseContact{}}));
  }
  Settle();
  testing::UnsyncedStore rebuilt;
  BatchRows rows(rebuilt);
  PartitionFold fold(core_, {testing::ContactSchema(), sealer_}, {}, kPartition, {}, rows);
  for (const Record& record : log_) ASSERT_TRUE(fold.Accept(record).ok());
  ASSERT_TRUE(fold.Flush().ok());
  ASSERT_TRUE(rebuilt.Write(rows.Take()).ok());
  EXPECT_EQ(DumpHash(store_), DumpHash(rebuilt));
}

// A rebuild and a second reading list the same, at the same places.
TEST_F(LaneTest, WhatNobodyOfOursWroteIsListedAndStopsNobody) {
  Open();
  ASSERT_TRUE(Run("r1", {Create("Ada")}).ok());
  Record foreign;
  foreign.kind = RecordKind::kForeign;
  foreign.value = "NO_HEADERS: the record has no header of ours";
  Record hole;
  hole.kind = RecordKind::kForeign;
  Record late = log_.back();
  Record garbled = late;
  garbled.value = "not a message";
  Record elsewhere = late;
  elsewhere.key = std::string(kTenant) + "/" + names_[1];
  const std::vector<Offset> at = Land({foreign, hole, late, garbled, elsewhere});
  ReadLog();
  ASSERT_TRUE(Run("r2", {Rename("Grace")}).ok());

  std::map<Offset, std::string> listed;
  for (const Offset offset : at) {
    const auto row = store_.Get(DeadLetterKey(kPartition, offset));
    ASSERT_TRUE(row.ok());
    common::v1::DeadLetter letter;
    if (!row->has_value()) continue;
    ASSERT_TRUE(letter.ParseFromString(**row));
    EXPECT_TRUE(letter.foreign());
    EXPECT_EQ(letter.tenant() + letter.subject(), "");
    EXPECT_EQ(letter.offset(), offset);
    listed[offset] = letter.reason();
  }
  const std::map<Offset, std::string> expected = {
      {at[0], "NO_HEADERS"}, {at[3], "EVENT_MALFORMED"}, {at[4], "EVENT_FOREIGN"}};
  EXPECT_EQ(listed, expected);
  EXPECT_EQ(lane_->counts().foreign, 3);
  EXPECT_EQ(lane_->counts().quarantined, 0);
  EXPECT_TRUE(failed_.ok());

  const std::string hash = DumpHash(store_);
  testing::UnsyncedStore rebuilt;
  BatchRows rows(rebuilt);
  PartitionFold fold(core_, {testing::ContactSchema(), sealer_}, {}, kPartition, {}, rows);
  for (const Record& record : log_) ASSERT_TRUE(fold.Accept(record).ok());
  ASSERT_TRUE(fold.Flush().ok());
  ASSERT_TRUE(rebuilt.Write(rows.Take()).ok());
  EXPECT_EQ(DumpHash(rebuilt), hash);
  Start();
  EXPECT_EQ(DumpHash(store_), hash) << "read again after a restart";
}

TEST_F(LaneTest, AFloodOfForeignRecordsHoldsNoMemoryOfTheLane) {
  Open();
  Record foreign;
  foreign.kind = RecordKind::kForeign;
  foreign.value = "NO_HEADERS: " + std::string(1 << 20, 'x');
  for (int i = 0; i < 100; ++i) {
    Land({foreign});
    log_.back().offset = static_cast<Offset>(log_.size()) - 1;
    lane_->Read(log_.back(), 0);
    lane_->Flush();
    const auto row = store_.Get(DeadLetterKey(kPartition, log_.back().offset));
    ASSERT_TRUE(row.ok() && row->has_value());
    EXPECT_LT((*row)->size(), 64u);
    log_.back().value.clear();
  }
  EXPECT_EQ(lane_->counts().foreign, 100);
}

TEST_F(LaneTest, MemoryOfConfirmedCommandsIsGivenBack) {
  Open();
  for (int i = 0; i < 10; ++i) Run("r" + std::to_string(i), {Create("Ada")});
  EXPECT_EQ(lane_->unanswered(), 0u);
  EXPECT_EQ(lane_->fence().unresolved(), 0u);
}

}  // namespace
}  // namespace crm
