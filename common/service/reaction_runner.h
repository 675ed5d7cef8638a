#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/base/mutex.h"
#include "common/service/reactor.h"

namespace crm {

// The log of a topic; what it answers outlives the host.
using LogOfTopic = std::function<Log&(const std::string& topic)>;

// Runs the reactions of one service: a reactor and a thread for each topic they follow, since a
// thread can wait for the records of one log only. Thread-safe once started.
class ReactionRunner {
 public:
  struct Options {
    Reactor::Options reactor;
    // Told in a sentence when a topic cannot be followed. May be empty; thread-safe.
    std::function<void(const std::string&)> note;
  };
  struct Summary {
    std::string reaction;
    std::string topic;
    ReactionCounts counts;
    // Records of the topic behind what this process has reacted to, over the partitions it owns.
    int64_t lag = 0;
    std::vector<ReactionStanding> standings;
  };

  // All that it refers to outlives it. `record` is the record message of the service's own topic.
  ReactionRunner(Options options, const std::vector<std::unique_ptr<Reaction>>& reactions,
                 const google::protobuf::Message& record, const LogOfTopic& log_of, Sealer& sealer,
                 const NameMaker& names, const Clock& clock, Random& random, ReactionHost& host);
  ~ReactionRunner();

  void Start();
  // Begins no further event, records what is done (for two seconds at most), ends the threads.
  void Stop();

  // By topic, then in the order of the definition.
  std::vector<Summary> Summaries() const;

 private:
  struct Topic;

  void Run(Topic& topic);
  void Drain(Topic& topic);

  const Options options_;
  const Clock& clock_;
  std::vector<std::unique_ptr<Topic>> topics_;
  std::atomic<bool> stop_{false};
  Mutex mutex_;
  CondVar wake_;
};

}  // namespace crm
