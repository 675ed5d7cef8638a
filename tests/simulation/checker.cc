#include "tests/simulation/checker.h"

#include <algorithm>
#include <set>

#include "tests/simulation/reference_log.h"

namespace crm::simulation {
namespace {

// What makes two calls the same command.
using RequestKey = std::vector<std::string>;  // tenant, subject, request id

RequestKey KeyOf(const Call& call) {
  return {call.tenant, std::string(SubjectOf(call.aggregate)), call.request_id};
}

bool Answered(const Call& call) {
  return call.answer.has_value();
}
bool AnsweredOk(const Call& call) {
  return Answered(call) && call.answer->outcome.ok();
}
// Acknowledged with events in the log.
bool Recorded(const Call& call) {
  return AnsweredOk(call) && !call.validate_only && call.answer->outcome->events > 0;
}
absl::StatusCode CodeOf(const Call& call) {
  return call.answer->outcome.status().code();
}
std::string ReasonOfAnswer(const Call& call) {
  return ReasonOf(call.answer->outcome.status());
}
bool IsPayloadRefusal(const Call& call) {
  return Answered(call) && CodeOf(call) == absl::StatusCode::kInvalidArgument;
}
// Answers that leave the outcome open or were no decision.
bool IsUndecided(const Call& call) {
  const absl::StatusCode code = CodeOf(call);
  return code == absl::StatusCode::kUnavailable || code == absl::StatusCode::kDeadlineExceeded ||
         code == absl::StatusCode::kResourceExhausted;
}

class Checker {
 public:
  Checker(const History& history, const CheckerOptions& options)
      : history_(history), options_(options), log_(ReadReference(history.log, options)) {
    findings_ = std::move(log_.findings);
    Index();
  }

  std::vector<Finding> Run() {
    CheckIssued();
    CheckCommandsOnce();
    for (const Call& call : history_.calls) {
      if (Recorded(call)) CheckRecorded(call);
    }
    for (const auto& [key, calls] : calls_) CheckRepeats(calls);
    CheckEtags();
    if (options_.judge) CheckJustified();
    for (const ReadSeen& read : history_.reads) CheckRead(read);
    CheckDumps();
    return std::move(findings_);
  }

 private:
  void Index() {
    for (const Call& call : history_.calls) {
      if (!call.request_id.empty()) calls_[KeyOf(call)].push_back(&call);
    }
    for (size_t i = 0; i < log_.commands.size(); ++i) {
      const auto& metadata = log_.commands[i].metadata();
      if (metadata.request_id().empty()) continue;
      commands_[{metadata.tenant(), std::string(SubjectOf(metadata.aggregate())),
                 metadata.request_id()}]
          .push_back(i);
    }
  }

  void Report(Fault fault, std::string text) { findings_.push_back({fault, std::move(text)}); }
  void Report(Fault fault, const Call& call, const std::string& text) {
    Report(fault, "call " + call.request_id + " on " + call.aggregate + " sent at " +
                      std::to_string(call.sent) + ": " + text);
  }

  void CheckIssued() {
    std::set<std::vector<std::string>> issued;
    for (const Call& call : history_.calls) {
      if (call.validate_only) continue;
      issued.insert({call.tenant, std::string(SubjectOf(call.aggregate)), call.request_id,
                     call.payload_hmac});
    }
    for (const auto& event : log_.all_events) {
      if (history_.forged.contains(event[2])) continue;
      if (issued.contains({event[0], std::string(SubjectOf(event[1])), event[2], event[3]})) {
        continue;
      }
      Report(Fault::kUnissued, "request " + event[2] + " on " + event[1] + " was never sent");
    }
  }

  void CheckCommandsOnce() {
    for (const auto& [key, places] : commands_) {
      if (places.size() == 1) continue;
      Report(Fault::kNotOnce, "request " + key[2] + " on " + key[1] + " is valid " +
                                  std::to_string(places.size()) + " times");
    }
  }

  // The one valid command a call was acknowledged for.
  const ValidCommand* CommandOf(const Call& call) const {
    if (!call.request_id.empty()) {
      const auto found = commands_.find(KeyOf(call));
      return found == commands_.end() ? nullptr : &log_.commands[found->second.front()];
    }
    for (const ValidCommand& command : log_.commands) {
      if (command.partition == call.partition && command.end == call.answer->outcome->position &&
          command.events.back().payload_hmac == call.payload_hmac) {
        return &command;
      }
    }
    return nullptr;
  }

  void CheckRecorded(const Call& call) {
    const Outcome& outcome = *call.answer->outcome;
    const ValidCommand* command = CommandOf(call);
    if (command == nullptr) {
      return Report(Fault::kNotOnce, call, "acknowledged, but not valid in the log");
    }
    if (command->events.back().payload_hmac != call.payload_hmac) {
      return Report(Fault::kPayload, call, "answered by a command with another payload");
    }
    const auto count = static_cast<int64_t>(command->events.size());
    const int64_t version = command->metadata().aggregate_version();
    if (outcome.version != version || outcome.events != count ||
        outcome.version_before != version - count || outcome.position < command->end) {
      return Report(Fault::kAnswerChanged, call, "the answer does not fit the events recorded");
    }
    const auto& versions = log_.aggregates.at({call.tenant, call.aggregate});
    if (version >= static_cast<int64_t>(versions.size()) ||
        versions[static_cast<size_t>(version)].aggregate->Render() != outcome.resource) {
      Report(Fault::kAnswerChanged, call, "the resource answered is not the one of its version");
    }
  }

  // All calls of one request id.
  void CheckRepeats(const std::vector<const Call*>& calls) {
    for (const Call* first : calls) {
      if (!Recorded(*first)) continue;
      for (const Call* other : calls) {
        if (!Answered(*other) || IsUndecided(*other)) continue;
        if (other->payload_hmac == first->payload_hmac) {
          CheckSameAnswer(*first, *other);
        } else if (other->sent > first->answer->at) {
          CheckOtherPayload(*other);
        }
      }
    }
    for (const Call* call : calls) {
      if (IsPayloadRefusal(*call)) CheckPayloadRefusal(*call);
    }
  }

  void CheckSameAnswer(const Call& first, const Call& other) {
    const bool later = other.sent > first.answer->at;
    if (!Recorded(other)) {
      if (later && !Erased(other)) {
        Report(Fault::kAnswerChanged, other,
               "acknowledged before, answered otherwise: " + ReasonOfAnswer(other));
      }
      return;
    }
    const Outcome& a = *first.answer->outcome;
    const Outcome& b = *other.answer->outcome;
    if (a.version != b.version || a.resource != b.resource || a.events != b.events ||
        a.aggregate != b.aggregate || a.version_before != b.version_before) {
      Report(Fault::kAnswerChanged, other, "answered otherwise than before");
    }
    if (later && !b.repeated) {
      Report(Fault::kAnswerChanged, other, "executed a second time");
    }
  }

  void CheckOtherPayload(const Call& other) {
    if (IsPayloadRefusal(other) || Erased(other)) return;
    Report(Fault::kPayload, other, "another payload under a used request id was not refused");
  }

  void CheckPayloadRefusal(const Call& call) {
    const auto found = commands_.find(KeyOf(call));
    if (found != commands_.end() &&
        log_.commands[found->second.front()].events.back().payload_hmac != call.payload_hmac) {
      return;
    }
    Report(Fault::kPayload, call, "refused for another payload, but there was none");
  }

  // The subject was erased, so no repeat is answered any more.
  bool Erased(const Call& call) const {
    return CodeOf(call) == absl::StatusCode::kFailedPrecondition &&
           ReasonOfAnswer(call) == "ERASED";
  }

  void CheckEtags() {
    std::map<std::vector<std::string>, std::string> taken;
    for (const Call& call : history_.calls) {
      if (!Recorded(call)) continue;
      const std::string before = std::to_string(call.answer->outcome->version_before);
      if (!call.etag.empty() && before != "0" && call.etag != before) {
        Report(Fault::kEtag, call, "made on version " + before + ", not " + call.etag);
      }
      if (call.request_id.empty()) continue;
      const auto [at, first] =
          taken.try_emplace({call.tenant, call.aggregate, before}, call.request_id);
      if (!first && at->second != call.request_id) {
        Report(Fault::kEtag, call, "succeeded on version " + before + " like " + at->second);
      }
    }
  }

  // Versions of each aggregate that answers have shown, by time: no later call may see less.
  void IndexShown() {
    for (const Call& call : history_.calls) {
      if (!AnsweredOk(call) || call.validate_only) continue;
      shown_[{call.tenant, call.aggregate}].emplace_back(call.answer->at,
                                                         call.answer->outcome->version);
    }
    for (auto& [name, shown] : shown_) {
      std::sort(shown.begin(), shown.end());
      int64_t most = 0;
      for (auto& [at, version] : shown) version = most = std::max(most, version);
    }
    for (const Call& call : history_.calls) {
      if (call.request_id.empty()) continue;
      const auto [at, first] = first_sent_.try_emplace(KeyOf(call), call.sent);
      if (!first) at->second = std::min(at->second, call.sent);
    }
  }

  int64_t LeastVersion(const Call& call) const {
    const auto shown = shown_.find({call.tenant, call.aggregate});
    if (shown == shown_.end()) return 0;
    const auto later = std::lower_bound(shown->second.begin(), shown->second.end(),
                                        std::pair<TimeNs, int64_t>{call.sent, 0});
    return later == shown->second.begin() ? 0 : std::prev(later)->second;
  }

  bool SentBefore(const ValidCommand& command, TimeNs time) const {
    const auto& metadata = command.metadata();
    const auto found = first_sent_.find(
        {metadata.tenant(), std::string(SubjectOf(metadata.aggregate())), metadata.request_id()});
    return found == first_sent_.end() || found->second <= time;
  }

  void CheckJustified() {
    IndexShown();
    for (const Call& call : history_.calls) {
      if (!Answered(call) || Recorded(call) || IsUndecided(call) || IsPayloadRefusal(call)) {
        continue;
      }
      if (AnsweredOk(call) && call.validate_only && call.answer->outcome->repeated) continue;
      if (!Justified(call)) {
        Report(Fault::kUnjustified, call,
               "no state of that time justifies " +
                   (AnsweredOk(call) ? "version " + std::to_string(call.answer->outcome->version)
                                     : ReasonOfAnswer(call)));
      }
    }
  }

  bool Justified(const Call& call) const {
    const auto found = log_.aggregates.find({call.tenant, call.aggregate});
    if (found == log_.aggregates.end()) {
      const AggregateType& type = *options_.types.begin()->second;
      return Fits(call, *type.New(call.aggregate));
    }
    const auto& versions = found->second;
    for (auto v = static_cast<size_t>(LeastVersion(call)); v < versions.size(); ++v) {
      if (v > 0 && !SentBefore(log_.commands[versions[v].command], call.answer->at)) return false;
      if (Fits(call, *versions[v].aggregate)) return true;
    }
    return false;
  }

  bool Fits(const Call& call, const Aggregate& aggregate) const {
    const Ruling ruling = options_.judge(call, aggregate);
    if (ruling.code != CodeOf(call)) return false;
    if (!AnsweredOk(call)) return ruling.reason == ReasonOfAnswer(call);
    const Outcome& outcome = *call.answer->outcome;
    if (call.validate_only) return outcome.version_before == aggregate.info().version;
    return !ruling.records && outcome.version == aggregate.info().version &&
           outcome.resource == ruling.resource;
  }

  void CheckRead(const ReadSeen& read) {
    const std::string what = read.replica + " on " + read.aggregate;
    const auto found = log_.aggregates.find({read.tenant, read.aggregate});
    const size_t count = found == log_.aggregates.end() ? 1 : found->second.size();
    if (read.version < 0 || static_cast<size_t>(read.version) >= count) {
      return Report(Fault::kStaleRead,
                    what + ": version " + std::to_string(read.version) + " never was");
    }
    if (count == 1) return;
    const auto at = static_cast<size_t>(read.version);
    if (at > 0 && found->second[at].aggregate->Render() != read.resource) {
      return Report(Fault::kStaleRead, what + ": not the resource of its version");
    }
    if (at + 1 < count && log_.commands[found->second[at + 1].command].end <= read.min_position) {
      Report(Fault::kStaleRead, what + ": version " + std::to_string(at) + " at position " +
                                    std::to_string(read.min_position));
    }
  }

  void CheckDumps() {
    std::map<Partition, const ReplicaDump*> first;
    for (const ReplicaDump& dump : history_.dumps) {
      const ReplicaDump* other = first.try_emplace(dump.partition, &dump).first->second;
      if (dump.hash == other->hash) continue;
      Report(Fault::kReplicas, "partition " + std::to_string(dump.partition) + ": " + dump.replica +
                                   " differs from " + other->replica);
    }
  }

  const History& history_;
  const CheckerOptions& options_;
  ReferenceLog log_;
  std::vector<Finding> findings_;
  std::map<RequestKey, std::vector<const Call*>> calls_;
  // Places in log_.commands.
  std::map<RequestKey, std::vector<size_t>> commands_;
  std::map<AggregateName, std::vector<std::pair<TimeNs, int64_t>>> shown_;
  std::map<RequestKey, TimeNs> first_sent_;
};

}  // namespace

std::string_view FaultName(Fault fault) {
  switch (fault) {
    case Fault::kNotOnce:
      return "not exactly once";
    case Fault::kUnissued:
      return "never issued";
    case Fault::kVersions:
      return "versions or times out of order";
    case Fault::kAnswerChanged:
      return "another answer to the same request";
    case Fault::kPayload:
      return "request id with two payloads";
    case Fault::kEtag:
      return "etag";
    case Fault::kUnjustified:
      return "answer without reason";
    case Fault::kReplicas:
      return "replicas differ";
    case Fault::kStaleRead:
      return "stale read";
    case Fault::kProgress:
      return "no progress";
    case Fault::kBroken:
      return "broken";
  }
  return "unknown";
}

std::vector<Finding> CheckHistory(const History& history, const CheckerOptions& options) {
  return Checker(history, options).Run();
}

}  // namespace crm::simulation
