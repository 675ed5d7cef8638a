#include "tests/simulation/client.h"

#include "common/base/hash.h"

namespace crm::simulation {
namespace {

using contact::CreateContact;
using contact::DeleteContact;
using contact::ExternalKey;
using contact::UpdateContact;
using contact::UpsertContact;
using testing::EraseContact;
using testing::Named;

bool IsFinal(const absl::StatusOr<Outcome>& outcome) {
  const absl::StatusCode code = outcome.status().code();
  return code != absl::StatusCode::kUnavailable && code != absl::StatusCode::kDeadlineExceeded;
}

}  // namespace

std::string Request::payload_hmac() const {
  return Hash128(text + " " + etag).substr(0, 16);
}

std::unique_ptr<Command> Request::MakeCommand() const {
  auto command = std::make_unique<testing::ContactCommand>(name, steps);
  command->caller.tenant = kTenant;
  command->caller.actor.set_principal("simulated");
  command->request_id = request_id;
  command->etag = etag;
  command->validate_only = validate_only;
  command->payload_hmac = payload_hmac();
  return command;
}

Client::Client(std::string name, uint64_t seed, VirtualTime& time, const Weather& weather,
               const std::map<Partition, std::vector<std::string>>& subjects, Send send)
    : name_(std::move(name)),
      dice_(seed),
      time_(time),
      weather_(weather),
      subjects_(subjects),
      send_(std::move(send)),
      left_(weather.commands_per_client) {}

void Client::Start() {
  const TimeNs spread = weather_.until / static_cast<TimeNs>(weather_.commands_per_client);
  time_.After(dice_.Between(kMillisecond, dice_.Chance(0.5) ? spread : 20 * kMillisecond),
              [this] { Next(); });
}

void Client::Next() {
  if (left_ == 0) return;
  --left_;
  ++number_;
  current_ = !past_.empty() && dice_.Chance(0.15) ? DrawRepeat() : Draw();
  Attempt();
}

testing::Step Client::DrawStep(std::string* text) {
  // Few values, so that some changes change nothing.
  const std::string value = "name " + std::to_string(dice_.Below(5));
  const size_t roll = dice_.Below(100);
  if (roll < 1) {
    *text += "delete";
    return DeleteContact{};
  }
  if (roll < 2 && weather_.erasures) {
    *text += "erase";
    return EraseContact{};
  }
  if (roll < 10) {
    *text += "create " + value;
    return CreateContact{Named(value), std::nullopt};
  }
  if (roll < 50) {
    *text += "upsert " + value;
    return UpsertContact{Named(value), {"display_name"}, ExternalKey{"shop", value}};
  }
  *text += "update " + value;
  return UpdateContact{Named(value), {"display_name"}};
}

std::string Client::DrawEtag(const std::string& name) {
  if (dice_.Chance(0.6)) return "";
  return std::to_string(dice_.Chance(0.8) ? versions_[name] : dice_.Between(1, 9));
}

Request Client::Draw() {
  Request request;
  auto at = subjects_.begin();
  std::advance(at, dice_.Below(subjects_.size()));
  request.partition = at->first;
  request.name = dice_.Pick(at->second);
  const size_t steps = dice_.Chance(0.8) ? 1 : 2 + dice_.Below(3);
  for (size_t i = 0; i < steps; ++i) {
    request.steps.push_back(DrawStep(&request.text));
    request.text += ";";
    if (std::holds_alternative<EraseContact>(request.steps.back())) break;
  }
  request.etag = DrawEtag(request.name);
  request.validate_only = dice_.Chance(0.05);
  if (!dice_.Chance(0.05)) request.request_id = name_ + "-" + std::to_string(next_id_++);
  return request;
}

// Something acknowledged before: as it was, or with another payload under its request id.
Request Client::DrawRepeat() {
  Request request = dice_.Pick(past_);
  if (dice_.Chance(0.2)) {
    request.steps = {UpsertContact{Named("other"), {"display_name"}, std::nullopt}};
    request.text = "upsert other " + std::to_string(next_id_++);
  }
  return request;
}

void Client::Attempt() {
  const uint64_t number = number_;
  const uint64_t attempt = ++attempt_;
  send_(*current_, [this, number](const auto& outcome) { TakeAnswer(number, outcome); });
  time_.After(dice_.Between(300 * kMillisecond, 3 * kSecond), [this, attempt] {
    if (attempt_ != attempt || !current_.has_value()) return;
    // Without a request id nobody can tell what became of it.
    current_->request_id.empty() ? Finish() : Attempt();
  });
}

void Client::TakeAnswer(uint64_t number, const absl::StatusOr<Outcome>& outcome) {
  if (number != number_ || !current_.has_value()) return;
  if (IsFinal(outcome)) {
    if (outcome.ok() && !current_->validate_only) {
      versions_[current_->name] = outcome->version;
      if (!current_->request_id.empty()) past_.push_back(*current_);
    }
    return Finish();
  }
  if (current_->request_id.empty()) return Finish();
  const uint64_t attempt = ++attempt_;
  time_.After(dice_.Between(kMillisecond, 200 * kMillisecond), [this, attempt] {
    if (attempt_ == attempt && current_.has_value()) Attempt();
  });
}

void Client::Finish() {
  current_.reset();
  ++attempt_;
  Start();
}

}  // namespace crm::simulation
