#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/base/clock.h"
#include "common/base/random.h"
#include "services/campaign/api/campaign_service.h"
#include "tests/unit/services/campaign/campaign_world.h"

namespace crm::campaign::testing {

// The whole campaign service over memory, without lanes and network: what the host does to
// commands, queries, views and reactions, one small step at a time, in any order one likes. A crash
// takes the reactions back to where their progress was recorded. Not thread-safe.
class ServiceWorld {
 public:
  explicit ServiceWorld(std::shared_ptr<Outbox> outbox);

  // What another service, or this one, recorded.
  void Append(std::string_view topic, const std::string& aggregate,
              std::unique_ptr<google::protobuf::Message> record);

  // A command as the API takes it.
  absl::StatusOr<std::string> Execute(std::string_view method,
                                      const google::protobuf::Message& request);
  // A query over the views as they are.
  absl::StatusOr<std::string> Ask(std::string_view method,
                                  const google::protobuf::Message& request);
  template <typename Response>
  Response Do(std::string_view method, const google::protobuf::Message& request) {
    return Parsed<Response>(Execute(method, request));
  }
  template <typename Response>
  Response Read(std::string_view method, const google::protobuf::Message& request) {
    return Parsed<Response>(Ask(method, request));
  }

  // One step that `pick(n)` (below n) leads to: a view folds an event, or a reaction takes a step.
  // False where there is none to take.
  bool Step(const std::function<int(int)>& pick);
  // Reactions forget what they did not record; they record it now and then, as `pick` chooses.
  void Crash();
  // Reactions meet everything again.
  void ForgetReactions();
  // Every view reads to the end of its topic.
  void FoldViews();
  void Settle();

  // Of one topic, in the order of recording.
  const std::vector<std::shared_ptr<Event>>& log(std::string_view topic) {
    return all_[std::string(topic)];
  }
  const ServiceDefinition& service() const { return service_; }
  // Rows of a view, as they are and as a rebuild makes them.
  std::map<std::string, std::string> Rows(std::string_view view) const;
  std::map<std::string, std::string> Rebuilt(std::string_view view);
  ServiceReading Reading() const;
  void Advance(TimeNs by) { clock_.Advance(by); }
  TimeNs now() const { return clock_.Now(); }
  const NameMaker& names() const { return names_; }

 private:
  using Log = std::array<std::vector<std::shared_ptr<Event>>, kPartitions>;
  struct View {
    std::string topic;
    const Log* log;
    std::unique_ptr<FoldedView> rows;
    std::array<size_t, kPartitions> next{};
  };
  struct Cursor {
    size_t next = 0;
    std::string progress;
  };
  // A reaction in one partition to one source partition.
  struct Reactor {
    Reaction* reaction;
    Partition source;
    Partition partition;
    const std::vector<std::shared_ptr<Event>>* log;
    // Those that must have folded an event first.
    std::vector<const View*> views;
    Cursor at;
    Cursor recorded;
  };
  class Reader;

  template <typename Response>
  static Response Parsed(const absl::StatusOr<std::string>& bytes) {
    Response response;
    CRM_CHECK(bytes.ok());
    CRM_CHECK(response.ParseFromString(*bytes));
    return response;
  }

  void AddReactors(Reaction& reaction);
  bool StepFrom(size_t at, const std::function<int(int)>& pick);
  static bool CanFold(const View& view, Partition partition);
  void Fold(View& view, Partition partition);
  static bool CanReact(const Reactor& reactor);
  void React(Reactor& reactor, const std::function<int(int)>& pick);
  absl::StatusOr<Outcome> Run(const Command& command);
  Aggregate& StateOf(const AggregateType& type, const std::string& name);

  ManualClock clock_{1'700'000'000 * kSecond};
  ServiceDefinition service_;
  std::map<std::string, std::unique_ptr<EventMaker>> makers_;
  std::map<std::string, Log> logs_;
  std::map<std::string, std::vector<std::shared_ptr<Event>>> all_;
  std::vector<View> views_;
  std::vector<Reactor> reactors_;
  // Number of the last step tried.
  size_t last_ = 0;
  std::map<std::string, std::unique_ptr<Aggregate>> aggregates_;
  // Request ids under which events were recorded.
  std::set<std::string> requests_;
  MemoryStore core_;
  Caller caller_{.tenant = kTenant};
  SeededRandom random_{1};
  Secret secret_ = *Secret::FromBytes(std::string(32, 's'));
  NameMaker names_{secret_, random_, "campaign"};
  EventSchema schema_{v1::CampaignRecord::default_instance()};
  PlainSealer sealer_;
};

}  // namespace crm::campaign::testing
