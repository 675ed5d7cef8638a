#include "common/service/reaction_runner.h"

#include <algorithm>
#include <map>

#include "common/base/status.h"
#include "common/service/log_ends.h"

namespace crm {
namespace {

constexpr TimeNs kEndsPatience = kSecond;
constexpr TimeNs kTurn = 500 * kMillisecond;
constexpr TimeNs kAfterError = kSecond;
constexpr TimeNs kDrain = 2 * kSecond;

}  // namespace

struct ReactionRunner::Topic {
  Log& log;
  std::vector<Reaction*> reactions;
  EventSchema schema;
  std::unique_ptr<Reactor> reactor;
  std::thread thread;
};

ReactionRunner::ReactionRunner(Options options,
                               const std::vector<std::unique_ptr<Reaction>>& reactions,
                               const google::protobuf::Message& record, const LogOfTopic& log_of,
                               Sealer& sealer, const NameMaker& names, const Clock& clock,
                               Random& random, ReactionHost& host)
    : options_(std::move(options)), clock_(clock) {
  std::map<std::string, std::vector<Reaction*>> by_topic;
  for (const auto& reaction : reactions) {
    by_topic[std::string(reaction->topic())].push_back(reaction.get());
  }
  for (auto& [name, of_topic] : by_topic) {
    const google::protobuf::Message& source = of_topic.front()->record();
    topics_.push_back(std::make_unique<Topic>(
        Topic{log_of(name), of_topic, EventSchema(source), nullptr, std::thread()}));
    Topic& topic = *topics_.back();
    topic.reactor =
        std::make_unique<Reactor>(options_.reactor, of_topic, record, topic.log,
                                  EventSource{topic.schema, sealer}, names, clock, random, host);
  }
}

ReactionRunner::~ReactionRunner() {
  Stop();
}

void ReactionRunner::Start() {
  for (const auto& topic : topics_) {
    topic->thread = std::thread([this, t = topic.get()] { Run(*t); });
  }
}

void ReactionRunner::Run(Topic& topic) {
  bool noted = false;
  while (!stop_) {
    const absl::Status status = topic.reactor->Turn(kTurn);
    if (status.ok()) {
      noted = false;
      continue;
    }
    if (!std::exchange(noted, true) && options_.note && !stop_) {
      options_.note("reactions cannot read " + topic.log.topic() + ": " +
                    std::string(status.message()));
    }
    MutexLock lock(mutex_);
    wake_.WaitFor(lock, kAfterError, [this] { return stop_.load(); });
  }
  Drain(topic);
}

void ReactionRunner::Drain(Topic& topic) {
  const TimeNs deadline = clock_.Monotonic() + kDrain;
  topic.reactor->Finish();
  while (!topic.reactor->drained() && clock_.Monotonic() < deadline) {
    if (!topic.reactor->Turn(10 * kMillisecond).ok()) return;
  }
}

void ReactionRunner::Stop() {
  {
    MutexLock lock(mutex_);
    stop_ = true;
    wake_.NotifyAll();
  }
  for (const auto& topic : topics_) topic->reactor->Wake();
  for (const auto& topic : topics_) {
    if (topic->thread.joinable()) topic->thread.join();
  }
}

std::vector<ReactionRunner::Summary> ReactionRunner::Summaries() const {
  std::vector<Summary> out;
  for (const auto& topic : topics_) {
    const std::vector<ReactionCounts> counts = topic->reactor->counts();
    const std::vector<ReactionStanding> standings = topic->reactor->standings();
    const LogEnds ends = ReadEnds(topic->log, kEndsPatience);
    for (size_t r = 0; r < topic->reactions.size(); ++r) {
      Summary summary;
      summary.reaction = std::string(topic->reactions[r]->name());
      summary.topic = topic->log.topic();
      if (r < counts.size()) summary.counts = counts[r];
      for (const ReactionStanding& standing : standings) {
        if (standing.reaction != summary.reaction) continue;
        const Offset end = ends[static_cast<size_t>(standing.source)].value_or(0);
        summary.lag += std::max<Offset>(0, end - standing.reacted_to);
        summary.standings.push_back(standing);
      }
      out.push_back(std::move(summary));
    }
  }
  return out;
}

}  // namespace crm
