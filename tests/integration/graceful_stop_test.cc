// SIGTERM at random moments under load. Flags: --rounds=N, --seed=S.

#include <atomic>
#include <random>
#include <set>
#include <thread>

#include "tests/crash/judge.h"
#include "tests/crash/writers.h"
#include "tests/support/server_test.h"

namespace crm {
namespace {

constexpr int kWriters = 16;
constexpr TimeNs kStopDeadline = 30 * kSecond;

class GracefulStopTest : public ServerTest {
 protected:
  uint64_t Pick(uint64_t below) { return random_() % below; }

  std::mt19937_64 random_{RunSeed()};
};

TEST_F(GracefulStopTest, EndsCleanlyUnderLoadAndLosesNothing) {
  Writers writers(kWriters, RunSeed());
  const int64_t rounds = FlagValue("rounds", 20);
  for (int64_t round = 0; round < rounds; ++round) {
    Serve();
    writers.Begin(server_.address());
    writers.WaitForAcknowledged(static_cast<int64_t>(1 + Pick(400)), 10 * kSecond);
    client_.reset();
    ASSERT_EQ(server_.Stop(kStopDeadline), 0) << "round " << round;
    writers.End();
  }
  Serve();
  writers.Begin(server_.address());
  writers.WaitForAcknowledged(kWriters, 10 * kSecond);
  writers.End(true);
  const std::vector<WriterHistory> histories = writers.TakeHistories();
  EXPECT_THAT(Judge(*client_, histories), testing::IsEmpty());
}

// A call that was accepted is answered with its outcome, never by a broken connection: only a call
// that the stopping server did not take may fail, and then says so.
TEST_F(GracefulStopTest, AnswersEveryCallItAccepted) {
  for (int round = 0; round < 5; ++round) {
    Serve();
    std::vector<contact::v1::UpsertContactRequest> rows;
    for (int i = 0; i < 3000; ++i) rows.push_back(UpsertPerson(round * 3000 + i, "stop"));
    std::atomic<int> answers{0};
    std::set<int64_t> answered;
    absl::Status ended;
    Mutex mutex;
    CondVar changed;
    std::thread import([&] {
      ended = client_->Import(rows, [&](const contact::v1::ImportContactsResponse& answer) {
        if (!answer.has_error()) answered.insert(answer.row());
        ++answers;
        MutexLock lock(mutex);
        changed.NotifyAll();
      });
    });
    {
      MutexLock lock(mutex);
      const int enough = static_cast<int>(1 + Pick(1000));
      changed.WaitFor(lock, 20 * kSecond, [&] { return answers >= enough; });
    }
    EXPECT_EQ(server_.Stop(kStopDeadline), 0);
    import.join();
    Serve();
    for (const int64_t row : answered) {
      // Already there, so that nothing is recorded.
      if (row % 20 != 0) continue;
      const auto again = client_->Upsert(rows[static_cast<size_t>(row - 1)]);
      ASSERT_TRUE(IsOk(again.status));
      EXPECT_EQ(again.response.outcome(), contact::v1::UpsertContactResponse::UNCHANGED);
    }
  }
}

TEST_F(GracefulStopTest, StopsWhileIdleAndWhileStarting) {
  EXPECT_EQ(server_.Stop(kStopDeadline), 0);
  for (int round = 0; round < 5; ++round) {
    server_.Launch();
    (void)server_.WaitForExit(static_cast<TimeNs>(50 + Pick(300)) * kMillisecond);
    EXPECT_EQ(server_.Stop(kStopDeadline), 0);
  }
  Serve();
}

TEST_F(GracefulStopTest, OpenStreamsDoNotHoldUpTheStop) {
  admin::v1::ReadLogRequest follow;
  follow.set_topic("crm.contact.events");
  follow.set_follow(true);
  std::atomic<int> entries{0};
  Mutex mutex;
  CondVar changed;
  std::thread reader([&] {
    (void)client_->Stream<admin::v1::LogEntry>("/crm.admin.v1.AdminService/ReadLog", follow,
                                               [&](const admin::v1::LogEntry&) {
                                                 ++entries;
                                                 MutexLock lock(mutex);
                                                 changed.NotifyAll();
                                                 return true;
                                               });
  });
  {
    MutexLock lock(mutex);
    changed.WaitFor(lock, 20 * kSecond, [&] { return entries > 0; });
  }
  EXPECT_EQ(server_.Stop(kStopDeadline), 0);
  reader.join();
}

}  // namespace
}  // namespace crm
