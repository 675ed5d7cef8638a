#include "common/aggregate/reaction_cursor.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "common/aggregate/reaction_progress.h"
#include "common/base/status.h"

namespace crm {
namespace {

constexpr char kTopic[] = "crm.facts.events";
constexpr char kTenant[] = "acme";

absl::Status Unavailable() {
  return Error(absl::StatusCode::kUnavailable, "NOT_OWNER", "not now");
}
absl::Status Refused() {
  return Error(absl::StatusCode::kFailedPrecondition, "TALLY_CLOSED", "no");
}

class ReactionCursorTest : public ::testing::Test {
 protected:
  ReactionCursorTest() {
    options_.topic = kTopic;
    options_.window = 3;
    options_.record_commands = 10;
    Make();
  }
  void Make() { cursor_ = std::make_unique<ReactionCursor>(options_, random_); }
  void Open() { cursor_->Open(progress_, now_); }

  void Read(Offset offset, bool concerns = true) {
    cursor_->Read({offset, 1, offset}, concerns, now_);
    Take();
  }
  void Take() {
    for (ReactionCursor::Output& output : cursor_->Take()) {
      if (const auto* react = std::get_if<ReactionCursor::React>(&output)) {
        asked_[react->step.offset] = *react;
        order_.push_back(react->step.offset);
      } else if (auto* record = std::get_if<ReactionCursor::Record>(&output)) {
        record_ = std::move(record->events);
      } else {
        done_.insert(std::get<ReactionCursor::Done>(output).offset);
      }
    }
  }
  std::vector<size_t> Step(Offset offset, const std::vector<std::string>& aggregates,
                           const std::string& progress = "") {
    auto submit = cursor_->Stepped(asked_.at(offset).step, kTenant, aggregates, progress, now_);
    Take();
    return submit;
  }
  void Answer(Offset offset, const std::string& aggregate, const absl::Status& status = {}) {
    cursor_->Answered(asked_.at(offset).step, aggregate, kTenant, status, now_);
    Take();
  }
  // Reacted to with one command that is answered OK.
  void Do(Offset offset) {
    Step(offset, {"contacts/c1"});
    Answer(offset, "contacts/c1");
  }
  void Pass(TimeNs by) {
    now_ += by;
    cursor_->Tick(now_);
    Take();
  }
  void Recorded(const absl::Status& status = {}) {
    record_.clear();
    cursor_->Recorded(status, now_);
    Take();
  }

  ReactionCursor::Options options_;
  SeededRandom random_{1};
  std::unique_ptr<ReactionCursor> cursor_;
  common::v1::ReactionProgress progress_;
  TimeNs now_ = 1000 * kSecond;
  std::map<Offset, ReactionCursor::React> asked_;
  std::vector<Offset> order_;
  std::vector<common::v1::ReactionEvent> record_;
  std::set<Offset> done_;
};

TEST_F(ReactionCursorTest, ReactsInOrderAndKeepsItsWindow) {
  Open();
  for (const Offset offset : {2, 4, 5, 9}) Read(offset);
  EXPECT_EQ(order_, (std::vector<Offset>{2, 4, 5}));
  Do(4);
  EXPECT_EQ(order_.size(), 3u) << "the window begins at the first event that is not done";
  EXPECT_EQ(cursor_->reacted_to(), 2);
  Do(2);
  EXPECT_EQ(order_, (std::vector<Offset>{2, 4, 5, 9}));
  EXPECT_EQ(cursor_->reacted_to(), 5);
  EXPECT_EQ(done_, (std::set<Offset>{2, 4}));
}

TEST_F(ReactionCursorTest, RecordsOnlyThePrefixThatIsDoneWithTheFenceStateThere) {
  Open();
  for (const Offset offset : {2, 3, 4}) Read(offset);
  Read(6, false);
  Do(3);
  Pass(10 * kSecond);
  EXPECT_TRUE(record_.empty()) << "the first event is still under way";
  Do(2);
  ASSERT_EQ(record_.size(), 1u);
  EXPECT_EQ(record_[0].reacted_to().offset(), 4);
  EXPECT_EQ(record_[0].reacted_to().fence(), 1);
  EXPECT_EQ(record_[0].reacted_to().next_seq(), 4);
  Recorded();
  Do(4);
  Pass(2 * kSecond);
  ASSERT_EQ(record_.size(), 1u);
  EXPECT_EQ(record_[0].reacted_to().offset(), 7) << "what concerns nobody is passed too";
}

TEST_F(ReactionCursorTest, RecordsAfterSoManyCommandsOrSoLongOrIdleness) {
  Open();
  for (Offset offset = 1; offset <= 10; ++offset) {
    Read(offset);
    EXPECT_TRUE(record_.empty());
    Do(offset);
  }
  EXPECT_EQ(record_.size(), 1u) << "ten commands";
  Recorded();
  Read(11);
  Do(11);
  Pass(kSecond / 2);
  EXPECT_TRUE(record_.empty());
  Pass(kSecond);
  EXPECT_EQ(record_.size(), 1u) << "idle";
  Recorded();
  EXPECT_FALSE(cursor_->restless());
}

TEST_F(ReactionCursorTest, RecordsNothingDoneOnlyWhenFarAhead) {
  options_.record_distance = 100;
  Make();
  Open();
  Read(50, false);
  Pass(3600 * kSecond);
  EXPECT_TRUE(record_.empty());
  Read(99, false);
  ASSERT_EQ(record_.size(), 1u);
  EXPECT_EQ(record_[0].reacted_to().offset(), 100);
}

TEST_F(ReactionCursorTest, RecordsAfterManyEventsThatAskedForNothing) {
  Open();
  for (Offset offset = 1; offset <= 10; ++offset) {
    Pass(10 * kSecond);
    EXPECT_TRUE(record_.empty());
    Read(offset);
    Step(offset, {});
  }
  ASSERT_EQ(record_.size(), 1u);
  EXPECT_EQ(record_[0].reacted_to().offset(), 11);
}

TEST_F(ReactionCursorTest, RecordsAnEventThatAskedForNothingWhereARepeatMightAskForMore) {
  options_.record_each_event = true;
  Make();
  Open();
  Read(1);
  Step(1, {});
  EXPECT_TRUE(record_.empty());
  Pass(kSecond);
  ASSERT_EQ(record_.size(), 1u);
  EXPECT_EQ(record_[0].reacted_to().offset(), 2);
  Recorded();
  EXPECT_FALSE(cursor_->restless());
}

TEST_F(ReactionCursorTest, TriesAStepAgainAfterABackOffThatGrows) {
  Open();
  Read(1);
  EXPECT_EQ(Step(1, {"contacts/a", "contacts/b"}), (std::vector<size_t>{0, 1}));
  TimeNs last = 0;
  for (int attempt = 0; attempt < 5; ++attempt) {
    Answer(1, "contacts/a");
    Answer(1, "contacts/b", Unavailable());
    const size_t asked = order_.size();
    TimeNs waited = 0;
    while (order_.size() == asked) {
      Pass(kMillisecond);
      waited += kMillisecond;
    }
    EXPECT_GE(2 * waited, last) << "doubling, less a jitter of up to a half";
    last = waited;
    EXPECT_EQ(Step(1, {"contacts/a", "contacts/b"}), std::vector<size_t>{1})
        << "what was answered for good is not sent again";
  }
  Answer(1, "contacts/b");
  EXPECT_EQ(done_, std::set<Offset>{1});
  EXPECT_EQ(cursor_->counts().retries, 5);
  EXPECT_EQ(cursor_->counts().commands, 2);
}

TEST_F(ReactionCursorTest, TriesAgainWhatReactCouldNotSay) {
  Open();
  Read(1);
  cursor_->StepFailed(asked_.at(1).step, now_);
  Pass(kSecond);
  EXPECT_EQ(order_, (std::vector<Offset>{1, 1}));
  Do(1);
  EXPECT_EQ(done_, std::set<Offset>{1});
}

TEST_F(ReactionCursorTest, IgnoresAnswersOfAnEarlierAttemptOrReign) {
  Open();
  Read(1);
  const ReactionCursor::React first = asked_.at(1);
  Step(1, {"contacts/a"});
  Answer(1, "contacts/a", Unavailable());
  Pass(kSecond);
  cursor_->Answered(first.step, "contacts/a", kTenant, absl::OkStatus(), now_);
  EXPECT_EQ(cursor_->waiting(), 1u);
  cursor_->Close();
  Open();
  Read(1);
  cursor_->Answered(first.step, "contacts/a", kTenant, absl::OkStatus(), now_);
  EXPECT_EQ(cursor_->waiting(), 1u);
}

TEST_F(ReactionCursorTest, TakesACommandThatIsNeverAnsweredForUnavailable) {
  Open();
  Read(1);
  Step(1, {"contacts/a"});
  Pass(options_.answer_timeout + kSecond);
  Pass(options_.max_backoff);
  EXPECT_EQ(order_, (std::vector<Offset>{1, 1}));
}

TEST_F(ReactionCursorTest, RecordsARefusalBeforeThePositionPassesIt) {
  Open();
  Read(1);
  Step(1, {"contacts/a"});
  Answer(1, "contacts/a", Refused());
  ASSERT_EQ(record_.size(), 1u);
  const common::v1::ReactionRefused& refused = record_[0].refused();
  EXPECT_EQ(refused.source().topic(), kTopic);
  EXPECT_EQ(refused.source().offset(), 1);
  EXPECT_EQ(refused.tenant(), kTenant);
  EXPECT_EQ(refused.aggregate(), "contacts/a");
  EXPECT_EQ(refused.code(), "FAILED_PRECONDITION");
  EXPECT_EQ(refused.reason(), "TALLY_CLOSED");
  Recorded(Unavailable());
  EXPECT_TRUE(record_.empty());
  Pass(10 * kSecond);
  ASSERT_EQ(record_.size(), 2u) << "in one command: the refusal again, then the position";
  EXPECT_TRUE(record_[0].has_refused());
  EXPECT_EQ(record_[1].reacted_to().offset(), 2);
}

TEST_F(ReactionCursorTest, ANewOwnerResumesWithinALongEvent) {
  Open();
  Read(5);
  for (int step = 1; step <= 10; ++step) {
    Step(5, {"contacts/a"}, std::to_string(step));
    Answer(5, "contacts/a");
  }
  ASSERT_EQ(record_.size(), 1u);
  EXPECT_EQ(record_[0].reacted_to().offset(), 5);
  EXPECT_EQ(record_[0].reacted_to().progress(), "10");
  *progress_.add_reacted_to() = record_[0].reacted_to();
  Make();
  Open();
  asked_.clear();
  EXPECT_EQ(cursor_->next().offset, 5);
  Read(5);
  EXPECT_EQ(asked_.at(5).progress, "10");
}

TEST_F(ReactionCursorTest, ANewOwnerDoesNotSendAgainWhatIsRecordedAsRefused) {
  auto* open = progress_.add_open_refusals();
  open->set_offset(1);
  open->set_fingerprint(RefusalFingerprint(kTenant, "contacts/b"));
  Open();
  Read(1);
  EXPECT_EQ(Step(1, {"contacts/a", "contacts/b"}), std::vector<size_t>{0});
  Answer(1, "contacts/a");
  EXPECT_EQ(done_, std::set<Offset>{1});
}

TEST_F(ReactionCursorTest, RecordsWhatIsDoneWhenItIsToEnd) {
  Open();
  for (const Offset offset : {1, 2, 3, 4}) Read(offset);
  Step(1, {"contacts/a"});
  cursor_->Finish(now_);
  Take();
  EXPECT_TRUE(record_.empty());
  Answer(1, "contacts/a");
  ASSERT_EQ(record_.size(), 1u);
  EXPECT_EQ(record_[0].reacted_to().offset(), 2);
  EXPECT_EQ(order_.size(), 3u) << "no further event is begun";
}

TEST_F(ReactionCursorTest, TellsARefusalFromWhatMayStillSucceed) {
  for (const auto code : {absl::StatusCode::kUnavailable, absl::StatusCode::kResourceExhausted,
                          absl::StatusCode::kAborted, absl::StatusCode::kDeadlineExceeded}) {
    EXPECT_TRUE(IsRetried(absl::Status(code, "")));
  }
  for (const auto code : {absl::StatusCode::kOk, absl::StatusCode::kFailedPrecondition,
                          absl::StatusCode::kInvalidArgument, absl::StatusCode::kNotFound,
                          absl::StatusCode::kInternal}) {
    EXPECT_FALSE(IsRetried(absl::Status(code, "")));
  }
  EXPECT_TRUE(IsRetried(Error(absl::StatusCode::kDataLoss, "ROW_UNREADABLE", "")));
  EXPECT_FALSE(IsRetried(Error(absl::StatusCode::kDataLoss, "SUBJECT_UNREADABLE", "")));
}

}  // namespace
}  // namespace crm
