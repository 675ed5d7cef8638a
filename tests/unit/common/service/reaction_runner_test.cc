#include "common/service/reaction_runner.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>

#include "common/aggregate/core_rows.h"
#include "common/aggregate/reaction_progress.h"
#include "common/base/secret.h"
#include "common/log/memory/memory_log.h"
#include "common/projection/sealing.h"
#include "common/service/lane_runner.h"
#include "common/service/service_definition.h"
#include "common/storage/memory_store.h"
#include "tests/simulation/source_writer.h"
#include "tests/simulation/tally.pb.h"
#include "tests/simulation/tally_plot.h"

namespace crm {
namespace {

using simulation::Dice;
using simulation::SourceWriter;
using simulation::TallyPlot;

constexpr TimeNs kPatience = 20 * kSecond;
constexpr int kCommands = 200;

// A service over logs in memory: lanes, and reactions beside them.
class ReactionRunnerTest : public ::testing::Test, public ReactionHost {
 protected:
  ReactionRunnerTest()
      : schema_(plot_.record()),
        source_schema_(plot_.source_record()),
        core_(plot_.types(), 1),
        log_({.topic = "own", .identity = {"log", "check", 0}}),
        source_({source_schema_, sealer_}, 7),
        secret_(*Secret::FromBytes(std::string(32, 's'))),
        names_(secret_, random_, "test") {
    std::vector<Partition> all;
    for (Partition p = 0; p < kPartitions; ++p) all.push_back(p);
    plot_.Begin(all, dice_);
    plot_.CalmDown();
    for (Reaction* reaction : plot_.reactions()) {
      reactions_.push_back(std::make_unique<Forwarding>(*reaction));
    }
  }
  ~ReactionRunnerTest() override { Stop(); }

  // Lends a reaction that the plot owns.
  class Forwarding final : public Reaction {
   public:
    explicit Forwarding(Reaction& to) : to_(to) {}
    std::string_view name() const override { return to_.name(); }
    std::string_view topic() const override { return to_.topic(); }
    const google::protobuf::Message& record() const override { return to_.record(); }
    bool broadcast() const override { return to_.broadcast(); }
    bool Concerns(const Event& event) const override { return to_.Concerns(event); }
    absl::StatusOr<ReactionStep> React(const ReactionContext& context, const Event& event,
                                       std::string_view progress) override {
      return to_.React(context, event, progress);
    }

   private:
    Reaction& to_;
  };

  void Start() {
    store_ = std::make_unique<MemoryStore>();
    tracker_ = std::make_unique<PositionTracker>();
    lanes_ = std::make_unique<LaneRunner>(LaneRunner::Options{.owner = "me"}, log_, core_, schema_,
                                          sealer_, *store_, *tracker_, clock_, random_,
                                          [](const absl::Status&) {});
    ASSERT_TRUE(lanes_->Start().ok());
    ReactionRunner::Options options;
    options.reactor.cursor.window = 8;
    options.reactor.max_events = 16;
    runner_ = std::make_unique<ReactionRunner>(
        options, reactions_, plot_.record(),
        [this](const std::string&) -> Log& { return source_.log(); }, sealer_, names_, clock_,
        random_, *this);
    runner_->Start();
  }
  void Stop() {
    if (runner_ != nullptr) runner_->Stop();
    if (lanes_ != nullptr) lanes_->Stop();
    runner_.reset();
    lanes_.reset();
  }

  // ReactionHost.
  std::optional<Offset> Reign(Partition partition) override {
    if (!lanes_->open(partition)) return std::nullopt;
    return lanes_->fence(partition);
  }
  std::shared_ptr<const ServiceReading> Read() override {
    auto reading = std::make_shared<ServiceReading>();
    reading->core.rows = store_.get();
    return reading;
  }
  void Submit(std::unique_ptr<Command> command) override { lanes_->Submit(std::move(command)); }

  void Happen(int commands) {
    for (int i = 0; i < commands; ++i) {
      const auto partition = static_cast<Partition>(dice_.Below(kPartitions));
      source_.Write(partition, plot_.NextSource(partition, dice_), clock_.Now());
    }
  }

  bool Until(const std::function<bool()>& holds) {
    const TimeNs deadline = clock_.Monotonic() + kPatience;
    Mutex mutex;
    CondVar pause;
    while (!holds()) {
      if (clock_.Monotonic() > deadline) return false;
      MutexLock lock(mutex);
      pause.WaitFor(lock, 5 * kMillisecond, [] { return false; });
    }
    return true;
  }
  bool CaughtUp() {
    return Until([this] {
      size_t standings = 0;
      for (const auto& summary : runner_->Summaries()) {
        if (summary.lag > 0) return false;
        standings += summary.standings.size();
      }
      return standings == size_t{kPartitions} * (kPartitions + 1);
    });
  }

  std::vector<simulation::ToldEvent> OwnEvents(bool with_progress) {
    std::vector<simulation::ToldEvent> told;
    for (Partition p = 0; p < kPartitions; ++p) {
      const Offset end = *log_.EndOffset(p);
      const auto tail = log_.OpenTail({{p, 0}});
      FenceFilter filter;
      for (Offset at = 0; at < end;) {
        absl::StatusOr<TailBatch> batch = (*tail)->Poll(kSecond);
        for (Record& record : batch->records) {
          at = record.offset + 1;
          if (filter.Next(std::move(record)) != FenceFilter::Verdict::kCommand) continue;
          for (Record& event : filter.TakeCommand()) {
            auto decoded = schema_.Decode(std::move(event), sealer_);
            if (!with_progress && decoded->aggregate_field == kReactionField) continue;
            const Offset offset = decoded->offset;
            told.push_back({p, offset, std::make_shared<const Event>(*std::move(decoded))});
          }
        }
      }
    }
    return told;
  }

  TallyPlot plot_;
  Dice dice_{3};
  PlainSealer sealer_;
  SystemClock clock_;
  SystemRandom random_;
  const EventSchema schema_;
  const EventSchema source_schema_;
  const CoreProjection core_;
  MemoryLog log_;
  SourceWriter source_;
  const Secret secret_;
  const NameMaker names_;
  std::vector<std::unique_ptr<Reaction>> reactions_;
  std::unique_ptr<MemoryStore> store_;
  std::unique_ptr<PositionTracker> tracker_;
  std::unique_ptr<LaneRunner> lanes_;
  std::unique_ptr<ReactionRunner> runner_;
};

TEST_F(ReactionRunnerTest, FollowsATopicAndTakesEachEventIntoEffectOnce) {
  Happen(kCommands);
  Start();
  ASSERT_TRUE(CaughtUp());
  Happen(kCommands);
  ASSERT_TRUE(CaughtUp());
  for (const auto& finding : plot_.Check(source_.told(), OwnEvents(true))) {
    ADD_FAILURE() << finding.text;
  }
}

TEST_F(ReactionRunnerTest, RecordsAtACleanStopWhatIsDoneSoThatANewCoreDoesNothing) {
  Start();
  Happen(kCommands);
  ASSERT_TRUE(CaughtUp());
  Stop();
  const size_t all = OwnEvents(true).size();
  const size_t effects = OwnEvents(false).size();
  ASSERT_GT(effects, 0u);
  Start();
  ASSERT_TRUE(CaughtUp());
  int64_t commands = 0;
  for (const auto& summary : runner_->Summaries()) commands += summary.counts.commands;
  Stop();
  EXPECT_EQ(OwnEvents(false).size(), effects);
  EXPECT_EQ(OwnEvents(true).size(), all);
  EXPECT_EQ(commands, 0) << "everything was recorded as done";
}

TEST_F(ReactionRunnerTest, ABusyReactionStopsWithinItsBound) {
  Happen(kCommands);
  Start();
  Stop();
  const size_t begun = OwnEvents(false).size();
  Start();
  ASSERT_TRUE(CaughtUp());
  EXPECT_GE(OwnEvents(false).size(), begun);
  for (const auto& finding : plot_.Check(source_.told(), OwnEvents(true))) {
    ADD_FAILURE() << finding.text;
  }
}

}  // namespace
}  // namespace crm
