#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/simulation/checker.h"
#include "tests/simulation/virtual_time.h"
#include "tests/simulation/weather.h"
#include "tests/support/contact_commands.h"

namespace crm::simulation {

// What a client wants; sent as it is as often as it takes.
struct Request {
  Partition partition = 0;
  std::string name;
  std::vector<testing::Step> steps;
  // All of the payload in words.
  std::string text;
  std::string request_id;
  std::string etag;
  bool validate_only = false;

  std::unique_ptr<Command> MakeCommand() const;
  std::string payload_hmac() const;
};

inline constexpr char kTenant[] = "acme";

// One caller: command after command, each repeated under its request id until it is answered for
// good.
class Client {
 public:
  using Answered = std::function<void(const absl::StatusOr<Outcome>&)>;
  // Sends a request to some node; `answered` runs when an answer reaches the client, if one does.
  using Send = std::function<void(const Request&, Answered)>;

  // `subjects` by partition.
  Client(std::string name, uint64_t seed, VirtualTime& time, const Weather& weather,
         const std::map<Partition, std::vector<std::string>>& subjects, Send send);

  void Start();
  bool done() const { return left_ == 0 && !current_.has_value(); }

 private:
  void Next();
  Request Draw();
  Request DrawRepeat();
  testing::Step DrawStep(std::string* text);
  std::string DrawEtag(const std::string& name);
  void Attempt();
  void TakeAnswer(uint64_t number, const absl::StatusOr<Outcome>& outcome);
  void Finish();

  const std::string name_;
  Dice dice_;
  VirtualTime& time_;
  const Weather& weather_;
  const std::map<Partition, std::vector<std::string>>& subjects_;
  Send send_;
  size_t left_;
  uint64_t next_id_ = 1;
  // The request under way has this number; answers to earlier ones are ignored.
  uint64_t number_ = 0;
  uint64_t attempt_ = 0;
  std::optional<Request> current_;
  std::vector<Request> past_;
  std::map<std::string, int64_t> versions_;
};

}  // namespace crm::simulation
