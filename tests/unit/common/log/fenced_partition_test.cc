#include "common/log/fenced_partition.h"

#include <gtest/gtest.h>

#include "common/base/status.h"
#include "crm/common/v1/log_control.pb.h"

namespace crm {
namespace {

using Append = FencedPartition::Append;
using Apply = FencedPartition::Apply;
using Lost = FencedPartition::Lost;
using Opened = FencedPartition::Opened;
using Output = FencedPartition::Output;
using ReadBack = FencedPartition::ReadBack;

Record Event(const std::string& value) {
  Record record;
  record.key = "acme/contacts/c1";
  record.value = value;
  return record;
}

Record Own(const std::string& owner) {
  common::v1::LogControl control;
  control.mutable_own()->set_attempt("attempt of " + owner);
  control.mutable_own()->set_owner(owner);
  control.mutable_own()->set_endpoint(owner + ":1");
  Record record;
  record.kind = RecordKind::kOwn;
  record.value = control.SerializeAsString();
  return record;
}

Record Release(Offset fence, const std::string& successor) {
  common::v1::LogControl control;
  control.mutable_release()->set_successor(successor);
  Record record;
  record.kind = RecordKind::kRelease;
  record.fence = fence;
  record.value = control.SerializeAsString();
  return record;
}

// One instance, "me", over a log that the test writes by hand.
class FencedPartitionTest : public ::testing::Test {
 protected:
  FencedPartitionTest() : fence_(Options(), FenceState{}, 0, random_) {}

  static FencedPartition::Options Options() {
    FencedPartition::Options options;
    options.owner = "me";
    options.endpoint = "me:1";
    return options;
  }

  // The next output, which must be a T.
  template <typename T>
  T Next() {
    Fetch();
    if (outputs_.empty() || !std::holds_alternative<T>(outputs_.front())) {
      ADD_FAILURE() << "another output was expected";
      return T{};
    }
    T next = std::get<T>(std::move(outputs_.front()));
    outputs_.erase(outputs_.begin());
    return next;
  }
  bool Nothing() {
    Fetch();
    return outputs_.empty();
  }

  Offset Land(Record record) {
    record.offset = static_cast<Offset>(log_.size());
    log_.push_back(std::move(record));
    return log_.back().offset;
  }
  std::vector<Offset> Land(const RecordBatch& records) {
    std::vector<Offset> offsets;
    for (const Record& record : *records) offsets.push_back(Land(record));
    return offsets;
  }
  void Deliver(const Append& append) { fence_.Delivered(append.id, Land(append.records)); }
  void ReadAll() {
    for (size_t i = static_cast<size_t>(fence_.read_to()); i < log_.size(); ++i) {
      ASSERT_TRUE(fence_.Read(log_[i], now_).ok());
    }
  }

  void Open() {
    fence_.Hint(true, now_);
    Deliver(Next<Append>());
    if (!fence_.open()) {
      (void)Next<ReadBack>();
      ReadAll();
    }
    while (!std::holds_alternative<Opened>(Front())) outputs_.erase(outputs_.begin());
    (void)Next<Opened>();
  }
  // Whether it claims after `delay`.
  bool ClaimsAfter(TimeNs delay) {
    now_ += delay;
    fence_.Tick(now_);
    return !Nothing();
  }

  const Output& Front() {
    Fetch();
    return outputs_.front();
  }
  void Fetch() {
    for (Output& output : fence_.Take()) {
      if (auto* passed = std::get_if<FencedPartition::Passed>(&output)) {
        passed_.push_back(std::move(passed->record));
      } else {
        outputs_.push_back(std::move(output));
      }
    }
  }

  SeededRandom random_{7};
  FencedPartition fence_;
  std::vector<Output> outputs_;
  // Handed out as void.
  std::vector<Record> passed_;
  std::vector<Record> log_;
  TimeNs now_ = 1000 * kSecond;
};

TEST_F(FencedPartitionTest, OpensOnceItsOwnOwnershipIsRead) {
  fence_.Hint(true, now_);
  const Append claim = Next<Append>();
  EXPECT_EQ(claim.records->front().kind, RecordKind::kOwn);
  EXPECT_FALSE(fence_.open());
  Land(Event("void"));
  Deliver(claim);
  EXPECT_FALSE(fence_.open()) << "what lies before is not read yet";
  EXPECT_EQ(Next<ReadBack>().to, 1);
  ReadAll();
  (void)Next<Opened>();
  EXPECT_TRUE(fence_.open());
  EXPECT_EQ(fence_.fence_state().fence, 1);
  EXPECT_EQ(fence_.owner_endpoint(), "me:1");
}

TEST_F(FencedPartitionTest, DoesNotClaimWithoutAHint) {
  fence_.Hint(false, now_);
  EXPECT_FALSE(ClaimsAfter(kSecond));
}

TEST_F(FencedPartitionTest, CommandsDeliveredRightBehindAreConfirmedInOrder) {
  Open();
  const uint64_t first = fence_.Propose({Event("a")});
  const uint64_t second = fence_.Propose({Event("b"), Event("c")});
  fence_.Flush();
  const Append append = Next<Append>();
  ASSERT_EQ(append.records->size(), 3u);
  EXPECT_EQ((*append.records)[1].seq, 2);
  EXPECT_FALSE((*append.records)[1].last);
  EXPECT_TRUE((*append.records)[2].last);
  Deliver(append);
  EXPECT_EQ(Next<Apply>().number, first);
  const Apply apply = Next<Apply>();
  EXPECT_EQ(apply.number, second);
  EXPECT_EQ(apply.offsets, (std::vector<Offset>{2, 3}));
  EXPECT_EQ(apply.last->value, "c");
  EXPECT_EQ(fence_.unresolved(), 0u);
}

TEST_F(FencedPartitionTest, AnothersOwnershipEndsTheReign) {
  Open();
  fence_.Propose({Event("a")});
  fence_.Flush();
  const Append append = Next<Append>();
  const Offset own = Land(Own("other"));
  Deliver(append);
  EXPECT_EQ(Next<ReadBack>().from, own);
  ReadAll();
  const Lost lost = Next<Lost>();
  EXPECT_EQ(lost.endpoint, "other:1");
  EXPECT_EQ(lost.at, own);
  EXPECT_TRUE(Nothing()) << "what landed behind is void";
  EXPECT_FALSE(fence_.open());
  EXPECT_EQ(fence_.void_records(), 1);
}

TEST_F(FencedPartitionTest, AGapIsReadBackBeforeAnythingBehindItIsConfirmed) {
  Open();
  fence_.Propose({Event("a")});
  fence_.Flush();
  const Append append = Next<Append>();
  Land(Event("void"));
  Deliver(append);
  const ReadBack back = Next<ReadBack>();
  EXPECT_EQ(back.from, 1);
  EXPECT_EQ(back.to, 2);
  EXPECT_TRUE(Nothing());
  ReadAll();
  EXPECT_EQ(Next<Apply>().number, 1u);
}

TEST_F(FencedPartitionTest, AReadBackIsAskedForOnce) {
  Open();
  for (const char* value : {"a", "b"}) {
    fence_.Propose({Event(value)});
    fence_.Flush();
  }
  const Append first = Next<Append>();
  const Append second = Next<Append>();
  Land(Event("void"));
  Deliver(first);
  (void)Next<ReadBack>();
  Deliver(second);
  EXPECT_TRUE(Nothing());
  ReadAll();
  EXPECT_EQ(Next<Apply>().number, 1u);
  EXPECT_EQ(Next<Apply>().number, 2u);
}

TEST_F(FencedPartitionTest, OwnRecordsThatAreReadBeforeTheirDeliveryIsReportedAreConfirmedOnce) {
  Open();
  fence_.Propose({Event("a")});
  fence_.Flush();
  const Append append = Next<Append>();
  const std::vector<Offset> offsets = Land(append.records);
  ReadAll();
  EXPECT_EQ(Next<Apply>().number, 1u);
  fence_.Delivered(append.id, offsets);
  EXPECT_TRUE(Nothing());
}

TEST_F(FencedPartitionTest, ItsOwnLateOwnershipEndsTheReignToo) {
  fence_.Hint(true, now_);
  const Append first = Next<Append>();
  EXPECT_TRUE(ClaimsAfter(Options().claim_timeout)) << "no report: claims anew";
  Deliver(Next<Append>());
  (void)Next<Opened>();
  fence_.Propose({Event("a")});
  fence_.Flush();
  const Append append = Next<Append>();
  Land(first.records);
  Deliver(append);
  (void)Next<ReadBack>();
  ReadAll();
  EXPECT_EQ(Next<Lost>().at, 1);
  EXPECT_TRUE(Nothing());
}

TEST_F(FencedPartitionTest, AnUnknownDeliveryMeansANewAttempt) {
  Open();
  fence_.Propose({Event("a")});
  fence_.Flush();
  const Append append = Next<Append>();
  fence_.DeliveryUnknown(append.id, now_);
  EXPECT_EQ(Next<Lost>().at, 1);
  const Append claim = Next<Append>();
  EXPECT_EQ(claim.records->front().kind, RecordKind::kOwn);
  // It landed after all, before the new attempt: valid for everyone, but nobody waits for it.
  Land(append.records);
  Deliver(claim);
  (void)Next<ReadBack>();
  ReadAll();
  const Apply apply = Next<Apply>();
  EXPECT_EQ(apply.number, 0u);
  EXPECT_EQ(apply.records.front().value, "a");
  (void)Next<Opened>();
}

TEST_F(FencedPartitionTest, ARecordThatLandsBehindTheNewAttemptIsVoid) {
  Open();
  fence_.Propose({Event("a")});
  fence_.Flush();
  const Append append = Next<Append>();
  fence_.DeliveryUnknown(append.id, now_);
  (void)Next<Lost>();
  Deliver(Next<Append>());
  (void)Next<Opened>();
  Land(append.records);
  ReadAll();
  EXPECT_TRUE(Nothing());
  EXPECT_EQ(fence_.void_records(), 1);
}

TEST_F(FencedPartitionTest, TheBackOffDoubles) {
  TimeNs least = Options().min_backoff / 2;
  for (int i = 0; i < 5; ++i, least *= 2) {
    Open();
    Land(Own("other"));
    ReadAll();
    (void)Next<Lost>();
    EXPECT_FALSE(ClaimsAfter(least - 1));
    fence_.Hint(true, now_);
    EXPECT_TRUE(Nothing()) << "a hint does not shorten it";
    now_ += 2 * least + 1;
  }
}

TEST_F(FencedPartitionTest, ALongReignStartsTheBackOffOver) {
  for (int i = 0; i < 8; ++i) {
    Open();
    Land(Own("other"));
    ReadAll();
    (void)Next<Lost>();
    now_ += 2 * Options().max_backoff;
  }
  Open();
  now_ += 2 * Options().max_backoff;
  Land(Own("other"));
  ReadAll();
  (void)Next<Lost>();
  EXPECT_TRUE(ClaimsAfter(2 * Options().min_backoff));
}

TEST_F(FencedPartitionTest, AClaimThatWaitsToBeReadIsNotMadeAnew) {
  Land(Event("void"));
  fence_.Hint(true, now_);
  Deliver(Next<Append>());
  (void)Next<ReadBack>();
  EXPECT_FALSE(ClaimsAfter(100 * Options().claim_timeout));
  ReadAll();
  (void)Next<Opened>();
}

TEST_F(FencedPartitionTest, AFailedEarlierClaimDoesNotEndTheLaterOne) {
  fence_.Hint(true, now_);
  const Append first = Next<Append>();
  EXPECT_TRUE(ClaimsAfter(Options().claim_timeout));
  fence_.DeliveryUnknown(first.id, now_);
  Deliver(Next<Append>());
  (void)Next<Opened>();
}

TEST_F(FencedPartitionTest, ReleaseHandsThePartitionOver) {
  Open();
  fence_.Propose({Event("a")});
  fence_.Release("other");
  EXPECT_FALSE(fence_.open());
  Deliver(Next<Append>());
  const Append release = Next<Append>();
  EXPECT_EQ(Next<Apply>().number, 1u);
  EXPECT_EQ(release.records->front().kind, RecordKind::kRelease);
  Deliver(release);
  (void)Next<Lost>();
  EXPECT_EQ(fence_.owner_endpoint(), "");
  EXPECT_FALSE(ClaimsAfter(100 * kSecond)) << "only a new hint brings it back";
}

TEST_F(FencedPartitionTest, TheSuccessorClaimsWithoutAHint) {
  const Offset own = Land(Own("other"));
  Land(Release(own, "me"));
  ReadAll();
  EXPECT_TRUE(ClaimsAfter(0));
}

TEST_F(FencedPartitionTest, AReleaseOfEarlierTimesDoesNotMakeItClaim) {
  const Offset own = Land(Own("other"));
  Land(Release(own, "me"));
  Land(Own("third"));
  ReadAll();
  EXPECT_FALSE(ClaimsAfter(100 * kSecond));
}

TEST_F(FencedPartitionTest, AStaleReleaseIsIgnored) {
  const Offset old = Land(Own("other"));
  Open();
  Land(Release(old, "me"));
  ReadAll();
  EXPECT_TRUE(Nothing());
  EXPECT_TRUE(fence_.open());
}

TEST_F(FencedPartitionTest, ReleaseGivesUpAClaimUnderWay) {
  fence_.Hint(true, now_);
  const Append claim = Next<Append>();
  fence_.Release("other");
  Land(claim.records);
  ReadAll();
  EXPECT_TRUE(Nothing());
  EXPECT_FALSE(fence_.open());
}

TEST_F(FencedPartitionTest, ADuplicateIsVoid) {
  Open();
  fence_.Propose({Event("a")});
  fence_.Flush();
  const Append append = Next<Append>();
  Deliver(append);
  EXPECT_EQ(Next<Apply>().number, 1u);
  Land(append.records);
  ReadAll();
  EXPECT_TRUE(Nothing());
  EXPECT_TRUE(fence_.open());
  EXPECT_EQ(fence_.void_records(), 1);
}

TEST_F(FencedPartitionTest, ACommandInterruptedByAnOwnershipIsVoidAsAWhole) {
  Open();
  fence_.Propose({Event("a"), Event("b")});
  fence_.Flush();
  const Append append = Next<Append>();
  const Offset first = Land((*append.records)[0]);
  Land(Own("other"));
  const Offset second = Land((*append.records)[1]);
  const std::vector<Offset> offsets = {first, second};
  fence_.Delivered(append.id, offsets);
  (void)Next<ReadBack>();
  ReadAll();
  (void)Next<Lost>();
  EXPECT_TRUE(Nothing());
  EXPECT_EQ(fence_.void_records(), 2);
}

TEST_F(FencedPartitionTest, ACommandInPartsIsConfirmedWhenItIsWhole) {
  Open();
  fence_.Propose({Event("a"), Event("b")});
  fence_.Flush();
  const Append append = Next<Append>();
  const Offset first = Land((*append.records)[0]);
  Land(Event("void"));
  const Offset second = Land((*append.records)[1]);
  const std::vector<Offset> offsets = {first, second};
  fence_.Delivered(append.id, offsets);
  (void)Next<ReadBack>();
  ReadAll();
  EXPECT_EQ(Next<Apply>().offsets, offsets);
}

TEST_F(FencedPartitionTest, FollowersApplyOthersCommands) {
  const Offset own = Land(Own("other"));
  for (int64_t seq = 1; seq <= 2; ++seq) {
    Record event = Event("a");
    event.fence = own;
    event.seq = seq;
    event.last = seq == 2;
    Land(event);
  }
  ReadAll();
  const Apply apply = Next<Apply>();
  EXPECT_EQ(apply.number, 0u);
  EXPECT_EQ(apply.records.size(), 2u);
  EXPECT_TRUE(Nothing());
}

TEST_F(FencedPartitionTest, AHoleInTheLogIsToldAndAnOldRecordSkipped) {
  Land(Own("other"));
  Land(Own("other"));
  Land(Own("other"));
  ASSERT_TRUE(fence_.Read(log_[0], now_).ok());
  EXPECT_TRUE(fence_.Read(log_[0], now_).ok());
  EXPECT_EQ(ReasonOf(fence_.Read(log_[2], now_)), "LOG_HOLE");
  EXPECT_EQ(fence_.read_to(), 1);
}

TEST_F(FencedPartitionTest, ResumesInTheMiddleOfAReign) {
  FencedPartition resumed(Options(), FenceState{5, 3}, 8, random_);
  Record event = Event("a");
  event.fence = 5;
  event.seq = 3;
  event.last = true;
  event.offset = 8;
  ASSERT_TRUE(resumed.Read(event, now_).ok());
  EXPECT_EQ(resumed.Take().size(), 1u);
}

TEST_F(FencedPartitionTest, AnUnreadableOwnershipRecordStillMovesTheFence) {
  Open();
  Record own = Own("other");
  own.value = "\xff\xff";
  Land(own);
  ReadAll();
  EXPECT_EQ(Next<Lost>().endpoint, "");
}

TEST_F(FencedPartitionTest, ARecordAtAnUnknownPlaceIsConfirmedWhenItIsRead) {
  Open();
  fence_.Propose({Event("a")});
  fence_.Flush();
  const Append append = Next<Append>();
  Land(append.records);
  fence_.Delivered(append.id, std::vector<Offset>{kNoOffset});
  const ReadBack back = Next<ReadBack>();
  EXPECT_EQ(back.from, 1);
  EXPECT_EQ(back.to, kNoOffset) << "as far as the log goes";
  EXPECT_TRUE(Nothing()) << "nobody knows yet where it lies";
  ReadAll();
  const Apply apply = Next<Apply>();
  EXPECT_EQ(apply.number, 1u);
  EXPECT_EQ(apply.offsets, std::vector<Offset>{1});
}

TEST_F(FencedPartitionTest, AClaimAtAnUnknownPlaceWaitsToBeRead) {
  fence_.Hint(true, now_);
  const Append claim = Next<Append>();
  fence_.Delivered(claim.id, std::vector<Offset>{kNoOffset});
  EXPECT_EQ(Next<ReadBack>().to, kNoOffset);
  EXPECT_EQ(fence_.next_tick(), FencedPartition::kNever);
  EXPECT_FALSE(ClaimsAfter(100 * Options().claim_timeout));
  Land(claim.records);
  ReadAll();
  (void)Next<Opened>();
}

TEST_F(FencedPartitionTest, TheEpochStandsInTheOwnershipRecord) {
  FencedPartition::Options options = Options();
  options.epoch = 3;
  FencedPartition fence(options, FenceState{}, 0, random_);
  fence.Hint(true, now_);
  const std::vector<Output> outputs = fence.Take();
  common::v1::LogControl control;
  ASSERT_TRUE(control.ParseFromString(std::get<Append>(outputs.front()).records->front().value));
  EXPECT_EQ(control.own().epoch(), 3);
}

TEST_F(FencedPartitionTest, AHintThatGoesAwayGivesUpTheClaim) {
  fence_.Hint(true, now_);
  const Append claim = Next<Append>();
  fence_.Hint(false, now_);
  EXPECT_EQ(fence_.next_tick(), FencedPartition::kNever);
  Deliver(claim);
  ReadAll();
  EXPECT_TRUE(Nothing()) << "opened, or claimed again";
  EXPECT_FALSE(fence_.open());
}

TEST_F(FencedPartitionTest, AHintThatGoesAwayReleasesBehindWhatWasProposed) {
  Open();
  fence_.Propose({Event("a")});
  fence_.Hint(false, now_);
  EXPECT_FALSE(fence_.open());
  EXPECT_TRUE(fence_.releasing());
  const Append append = Next<Append>();
  const Append release = Next<Append>();
  Deliver(append);
  EXPECT_EQ(Next<Apply>().number, 1u);
  EXPECT_EQ(release.records->front().kind, RecordKind::kRelease);
  Deliver(release);
  (void)Next<Lost>();
  EXPECT_FALSE(fence_.releasing());
  EXPECT_FALSE(ClaimsAfter(100 * kSecond));
}

TEST_F(FencedPartitionTest, AReleaseToNobodyIsClaimedByWhoeverIsHintedAtOnce) {
  Land(Own("other"));
  ReadAll();
  fence_.Hint(true, now_);
  const Append claim = Next<Append>();
  Land(Own("third"));
  const Offset third = static_cast<Offset>(log_.size()) - 1;
  fence_.DeliveryUnknown(claim.id, now_);
  EXPECT_FALSE(ClaimsAfter(0)) << "backs off";
  Land(Release(third, ""));
  ReadAll();
  EXPECT_TRUE(ClaimsAfter(0));
}

// A record under our fence at our place, which says something else.
TEST_F(FencedPartitionTest, WhatSomebodyElseWroteAtOurPlaceConfirmsNothing) {
  Open();
  fence_.Propose({Event("a")});
  fence_.Flush();
  const Append append = Next<Append>();
  Record forged = append.records->front();
  forged.value = "b";
  const Offset at = Land(forged);
  Deliver(append);
  (void)Next<ReadBack>();
  ReadAll();
  EXPECT_EQ(Next<Lost>().at, at);
  const Apply apply = Next<Apply>();
  EXPECT_EQ(apply.number, 0u) << "it confirmed our command";
  EXPECT_EQ(apply.records.front().value, "b") << "it counts for every reader";
  EXPECT_EQ(fence_.usurped(), 1);
  EXPECT_EQ(fence_.unresolved(), 0u);
  EXPECT_FALSE(fence_.open());
  EXPECT_TRUE(ClaimsAfter(kSecond)) << "still hinted";
}

TEST_F(FencedPartitionTest, WhatNobodyProposedUnderOurFenceEndsTheReign) {
  Open();
  Record forged = Event("b");
  forged.fence = fence_.fence_state().fence;
  forged.seq = 1;
  forged.last = true;
  Land(forged);
  ReadAll();
  (void)Next<Lost>();
  EXPECT_EQ(Next<Apply>().number, 0u);
  EXPECT_EQ(fence_.usurped(), 1);
}

TEST_F(FencedPartitionTest, AForgedEndOfOurCommandConfirmsNothing) {
  Open();
  fence_.Propose({Event("a"), Event("b")});
  fence_.Flush();
  const Append append = Next<Append>();
  Record forged = (*append.records)[1];
  forged.key = "acme/contacts/c2";
  Land((*append.records)[0]);
  Land(forged);
  ReadAll();
  (void)Next<Lost>();
  const Apply apply = Next<Apply>();
  EXPECT_EQ(apply.number, 0u);
  ASSERT_EQ(apply.records.size(), 2u);
  EXPECT_EQ(apply.records[0].value, "a");
  EXPECT_EQ(apply.records[1].key, "acme/contacts/c2");
}

TEST_F(FencedPartitionTest, ARecordOfOursThatLandsBeforeItsPlaceEndsTheReign) {
  Open();
  for (const char* value : {"a", "b"}) {
    fence_.Propose({Event(value)});
    fence_.Flush();
  }
  (void)Next<Append>();
  Deliver(Next<Append>());
  (void)Next<Lost>();
  EXPECT_EQ(fence_.unresolved(), 0u) << "a command waits for ever";
  EXPECT_EQ(fence_.usurped(), 1);
}

TEST_F(FencedPartitionTest, ForeignRecordsAndHolesAreVoidAndMoveOn) {
  Open();
  fence_.Propose({Event("a")});
  fence_.Flush();
  const Append append = Next<Append>();
  Record foreign;
  foreign.kind = RecordKind::kForeign;
  foreign.value = "NO_HEADERS: somebody else wrote it";
  Land(foreign);
  foreign.value.clear();
  Land(foreign);
  Deliver(append);
  (void)Next<ReadBack>();
  ReadAll();
  EXPECT_EQ(Next<Apply>().number, 1u);
  EXPECT_TRUE(fence_.open());
  ASSERT_EQ(passed_.size(), 1u) << "a hole is no record";
  EXPECT_EQ(passed_.front().offset, 1);
  EXPECT_EQ(fence_.void_records(), 2);
}

}  // namespace
}  // namespace crm
