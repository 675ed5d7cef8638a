#include "common/service/lane_runner.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "common/base/status.h"
#include "common/log/memory/memory_log.h"
#include "common/storage/memory_store.h"
#include "tests/support/contact_commands.h"
#include "tests/support/test_sealer.h"

namespace crm {
namespace {

using contact::CreateContact;
using testing::ContactCommand;

constexpr char kTenant[] = "acme";
constexpr TimeNs kPatience = 20 * kSecond;
constexpr size_t kCommands = 200;

MemoryLogOptions ByHand(size_t most_records) {
  MemoryLogOptions options;
  options.topic = "contacts";
  options.identity = {"log", "check", 0};
  options.bounds.records = most_records;
  options.deliver_by_hand = true;
  return options;
}

// What the commands of a test were answered.
struct Answers {
  std::atomic<size_t> ok{0};
  std::atomic<size_t> stopping{0};
  std::atomic<size_t> other{0};

  size_t all() const { return ok + stopping + other; }
  void Count(const absl::StatusOr<Outcome>& outcome) {
    const bool stopped = ReasonOf(outcome.status()) == "STOPPING";
    ++(outcome.ok() ? ok : stopped ? stopping : other);
  }
};

// A runner over a log that answers appends when the test says so.
class LaneRunnerTest : public ::testing::Test {
 protected:
  // The log has room for so many records that it has not answered.
  void Start(size_t most_records) {
    log_ = std::make_unique<MemoryLog>(ByHand(most_records));
    runner_ = std::make_unique<LaneRunner>(LaneRunner::Options{.owner = "me"}, *log_, core_,
                                           testing::ContactSchema(), sealer_, store_, tracker_,
                                           clock_, random_, [](absl::Status) {});
    ASSERT_TRUE(runner_->Start().ok());
    const TimeNs deadline = clock_.Monotonic() + kPatience;
    while (!runner_->WaitOpen(clock_.Monotonic() + kMillisecond)) {
      ASSERT_LT(clock_.Monotonic(), deadline);
      log_->Deliver(SIZE_MAX);
    }
  }

  void Submit(size_t number) {
    auto command = std::make_unique<ContactCommand>(
        "contacts/c" + std::to_string(number),
        std::vector<testing::Step>{CreateContact{testing::Named("Ada"), std::nullopt}});
    command->caller.tenant = kTenant;
    command->request_id = "request-" + std::to_string(number);
    command->payload_hmac = "payload";
    command->done = [this](const absl::StatusOr<Outcome>& outcome) { answers_.Count(outcome); };
    runner_->Submit(std::move(command));
    ++submitted_;
  }

  // Until every command is with its lane or was turned away.
  void AwaitTaken() {
    const TimeNs deadline = clock_.Monotonic() + kPatience;
    while (static_cast<size_t>(runner_->counts().lanes.commands) + answers_.stopping < submitted_) {
      ASSERT_LT(clock_.Monotonic(), deadline);
      std::this_thread::yield();
    }
  }

  // One by one, until the runner turns newcomers away.
  void SubmitUntilStopping() {
    const TimeNs deadline = clock_.Monotonic() + kPatience;
    while (answers_.stopping == 0) {
      ASSERT_LT(clock_.Monotonic(), deadline);
      Submit(submitted_);
      ASSERT_NO_FATAL_FAILURE(AwaitTaken());
    }
  }

  void StopWithAppendsInFlight() {
    for (size_t i = 0; i < kCommands; ++i) Submit(i);
    ASSERT_NO_FATAL_FAILURE(AwaitTaken());
    ASSERT_EQ(answers_.all(), 0u) << "answered although the log has not";
    std::atomic<bool> stopped{false};
    std::thread stopper([&] {
      runner_->Stop();
      stopped = true;
    });
    SubmitUntilStopping();
    EXPECT_EQ(answers_.ok, 0u);
    EXPECT_FALSE(stopped) << "stopped before the log had answered";
    // One by one, up to the last, which may find the runner's threads about to end.
    const TimeNs deadline = clock_.Monotonic() + kPatience;
    while (!stopped && clock_.Monotonic() < deadline) {
      if (log_->Deliver(1) == 0) std::this_thread::yield();
    }
    EXPECT_TRUE(stopped);
    stopper.join();
    runner_.reset();
    log_.reset();
    EXPECT_EQ(answers_.ok + answers_.stopping, submitted_);
    EXPECT_EQ(answers_.other, 0u);
  }

  SystemClock clock_;
  SeededRandom random_{1};
  testing::TestSealer sealer_;
  const CoreProjection core_{testing::ContactTypes(), 1};
  MemoryStore store_;
  PositionTracker tracker_;
  Answers answers_;
  size_t submitted_ = 0;
  std::unique_ptr<MemoryLog> log_;
  std::unique_ptr<LaneRunner> runner_;
};

TEST_F(LaneRunnerTest, StopAnswersWhatTheLogAnswersLate) {
  Start(65'536);
  StopWithAppendsInFlight();
}

TEST_F(LaneRunnerTest, StopAnswersWhatTheLogHadNoRoomFor) {
  // For the commands of a few partitions.
  Start(48);
  StopWithAppendsInFlight();
}

TEST_F(LaneRunnerTest, StopEndsWithTheLogWhileClaimsAreUnderWay) {
  log_ = std::make_unique<MemoryLog>(ByHand(65'536));
  runner_ = std::make_unique<LaneRunner>(LaneRunner::Options{.owner = "me"}, *log_, core_,
                                         testing::ContactSchema(), sealer_, store_, tracker_,
                                         clock_, random_, [](absl::Status) {});
  ASSERT_TRUE(runner_->Start().ok());
  std::atomic<bool> stopped{false};
  std::thread stopper([&] {
    runner_->Stop();
    stopped = true;
  });
  const TimeNs deadline = clock_.Monotonic() + kPatience;
  while (!stopped && clock_.Monotonic() < deadline) {
    if (log_->Deliver(1) == 0) std::this_thread::yield();
  }
  EXPECT_TRUE(stopped);
  stopper.join();
  Submit(0);
  EXPECT_EQ(answers_.stopping, 1u);
}

}  // namespace
}  // namespace crm
