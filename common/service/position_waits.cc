#include "common/service/position_waits.h"

#include <algorithm>
#include <atomic>
#include <string>

#include "common/base/mutex.h"
#include "common/base/status.h"

namespace crm {
namespace {

// A read that waits for a position answers this long before its caller gives up.
constexpr TimeNs kAnswerMargin = 20 * kMillisecond;
constexpr TimeNs kLongestWait = 10 * kSecond;

absl::Status Behind(const ServedProjection& projection, const PositionTracker::Targets& targets) {
  Offset lag = 0;
  for (const auto& [partition, offset] : targets) {
    CRM_RETURN_IF_ERROR(projection.tracker().Check(partition));
    lag = std::max(lag, offset - projection.tracker().Get(partition));
  }
  return Error(absl::StatusCode::kUnavailable, "NOT_CAUGHT_UP",
               "the projection is " + std::to_string(lag) + " records of " +
                   projection.log().topic() + " behind the position asked for; retry",
               {{"records_behind", std::to_string(lag)}, {"topic", projection.log().topic()}});
}

bool Holds(const std::vector<Partition>& partitions, Partition partition) {
  return std::find(partitions.begin(), partitions.end(), partition) != partitions.end();
}

}  // namespace

absl::Status TokenFault(const absl::Status& status, const char* field) {
  if (status.code() != absl::StatusCode::kInvalidArgument) return status;
  return InvalidField(field, "must be a position as answered in crm-position");
}

void PositionWaits::After(const Call& call, Wait wait, std::function<void()> go_on) const {
  if (call->context().min_positions.empty() && !wait.strong && wait.at_least.empty()) {
    return go_on();
  }
  absl::StatusOr<PositionTokens::TargetsByTopic> asked =
      tokens_.Open(call->context().min_positions);
  if (!asked.ok()) return call->Finish(TokenFault(asked.status(), "metadata crm-min-position"));
  std::vector<Target> targets;
  for (ServedProjection* projection : wait.projections) {
    Target target{projection, {}};
    for (const auto& part : (*asked)[projection->log().topic()]) {
      if (Holds(wait.partitions, part.first)) target.targets.push_back(part);
    }
    targets.push_back(std::move(target));
  }
  auto& first = targets.front().targets;
  first.insert(first.end(), wait.at_least.begin(), wait.at_least.end());
  if (wait.strong) return ReadEnds(call, wait, std::move(targets), std::move(go_on));
  WaitFor(call, std::move(targets), std::move(go_on));
}

void PositionWaits::ReadEnds(const Call& call, const Wait& wait, std::vector<Target> targets,
                             std::function<void()> go_on) const {
  struct Ends {
    Mutex mutex;
    std::vector<Target> targets;
    size_t left;
    absl::Status failure;
    std::function<void()> go_on;
  };
  std::vector<Log*> logs;
  for (const Target& target : targets) {
    Log* log = &target.projection->log();
    if (std::find(logs.begin(), logs.end(), log) == logs.end()) logs.push_back(log);
  }
  auto ends = std::make_shared<Ends>();
  ends->targets = std::move(targets);
  ends->left = logs.size() * wait.partitions.size();
  ends->go_on = std::move(go_on);
  const auto got = [this, call, ends](const Log* log, Partition p, absl::StatusOr<Offset> end) {
    {
      MutexLock lock(ends->mutex);
      if (!end.ok()) ends->failure = end.status();
      for (Target& target : ends->targets) {
        if (end.ok() && &target.projection->log() == log) target.targets.emplace_back(p, *end);
      }
      if (--ends->left > 0) return;
    }
    if (!ends->failure.ok()) return call->Finish(ends->failure);
    WaitFor(call, std::move(ends->targets), std::move(ends->go_on));
  };
  for (Log* log : logs) {
    for (const Partition p : wait.partitions) {
      log->ReadEnd(p, [got, log, p](absl::StatusOr<Offset> end) { got(log, p, std::move(end)); });
    }
  }
}

void PositionWaits::WaitFor(const Call& call, std::vector<Target> targets,
                            std::function<void()> go_on) const {
  struct Waiting {
    std::atomic<size_t> left;
    std::atomic<bool> late{false};
    std::function<void()> go_on;
  };
  const TimeNs deadline =
      std::min(call->context().deadline - kAnswerMargin, clock_.Monotonic() + kLongestWait);
  auto waiting = std::make_shared<Waiting>();
  waiting->left = targets.size();
  waiting->go_on = std::move(go_on);
  for (Target& target : targets) {
    ServedProjection* projection = target.projection;
    const auto reached = [call, waiting, projection, asked = target.targets](bool there) {
      if (!there && !waiting->late.exchange(true)) call->Finish(Behind(*projection, asked));
      if (waiting->left.fetch_sub(1) == 1 && !waiting->late) waiting->go_on();
    };
    projection->tracker().WhenReached(std::move(target.targets), deadline, reached);
  }
}

}  // namespace crm
