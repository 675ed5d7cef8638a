#include "tests/simulation/send_plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/aggregate/core_rows.h"
#include "common/base/timestamp.h"
#include "crm/contact/v1/contact_events.pb.h"
#include "services/campaign/domain/campaign.h"
#include "services/campaign/projection/audience_contacts.h"
#include "services/campaign/projection/audience_orders.h"
#include "services/campaign/projection/audience_scores.h"
#include "services/campaign/projection/campaign_aggregate.h"
#include "services/campaign/projection/reach_aggregate.h"
#include "services/campaign/projection/segment_members.h"
#include "services/campaign/reaction/hand_off.h"
#include "services/campaign/reaction/send_of_step.h"
#include "tests/support/contact_commands.h"

namespace crm::simulation {
namespace {

using campaign::CampaignAggregate;
using campaign::ReachAggregate;
using campaign::v1::CampaignRecord;
using campaign::v1::OutboxMessage;
using contact::v1::ContactRecord;

constexpr char kSegment[] = "segments/s1";
constexpr char kPurpose[] = "marketing";
constexpr size_t kCampaigns = 2;
// So many commands are mostly about memberships.
constexpr int64_t kFirstCommands = 8;

const campaign::ReachAggregateType& Reaches() {
  static const auto* type = new campaign::ReachAggregateType();
  return *type;
}
const campaign::CampaignAggregateType& Campaigns() {
  static const auto* type = new campaign::CampaignAggregateType();
  return *type;
}

// The one the nodes share. It may not answer although it has kept the message.
class FaultyOutbox final : public campaign::Outbox {
 public:
  explicit FaultyOutbox(bool forgets) : forgets_(forgets) {}

  void Begin(Dice& dice) {
    dice_ = Dice(dice.Seed());
    failures_ = dice.Chance(0.5) ? 0.2 : 0;
  }
  void CalmDown() { failures_ = 0; }
  const Deliveries& deliveries() const { return deliveries_; }

  absl::StatusOr<OutboxMessage> Put(const OutboxMessage& message) override {
    if (dice_.Chance(failures_)) return absl::UnavailableError("not now");
    if (forgets_ && dice_.Chance(0.5)) kept_.erase(message.send());
    const auto [at, is_new] = kept_.try_emplace(message.send(), message);
    if (is_new && message.withheld().empty()) ++deliveries_[message.send()];
    if (dice_.Chance(failures_)) return absl::UnavailableError("no answer");
    return at->second;
  }

 private:
  const bool forgets_;
  Dice dice_{1};
  double failures_ = 0;
  std::map<std::string, OutboxMessage> kept_;
  Deliveries deliveries_;
};

// A command that decides as another one does, but for the planted faults.
class Tampered final : public Command {
 public:
  using Events = std::vector<NewEvent>;

  Tampered(const SendPlot::Options& options, std::unique_ptr<Command> inner, Events& before)
      : options_(options), inner_(std::move(inner)), before_(before) {
    subject = inner_->subject;
    aggregate = inner_->aggregate;
    type = inner_->type;
  }

  absl::StatusOr<Events> Decide(AggregateReader& aggregates) const override {
    absl::StatusOr<Events> events = inner_->Decide(aggregates);
    if (!events.ok()) return events;
    if (options_.fault_older_basis) {
      for (NewEvent& event : *events) Age(static_cast<CampaignRecord&>(*event.record));
    }
    if (options_.fault_decide_anew) {
      if (events->empty()) return Copy(before_);
      before_ = Copy(*events);
    }
    return events;
  }

 private:
  static Events Copy(const Events& events) {
    Events copies;
    for (const NewEvent& event : events) {
      std::unique_ptr<google::protobuf::Message> record(event.record->New());
      record->CopyFrom(*event.record);
      copies.push_back({event.type, event.aggregate, std::move(record)});
    }
    return copies;
  }
  static void Age(CampaignRecord& record) {
    campaign::v1::ReachEvent& event = *record.mutable_reach();
    contact::v1::ConsentBasis* basis = event.has_send_decided()
                                           ? event.mutable_send_decided()->mutable_basis()
                                           : event.mutable_send_refused()->mutable_basis();
    basis->set_read_to(std::max<int64_t>(0, basis->read_to() - 6));
  }

  const SendPlot::Options options_;
  const std::unique_ptr<Command> inner_;
  // What was decided on the same send the first time.
  Events& before_;
};

// A reaction to the start of steps whose commands are tampered with.
class TamperedReaction final : public Reaction {
 public:
  TamperedReaction(const SendPlot::Options& options, std::unique_ptr<Reaction> inner)
      : options_(options), inner_(std::move(inner)) {}

  std::string_view name() const override { return inner_->name(); }
  std::string_view topic() const override { return inner_->topic(); }
  const google::protobuf::Message& record() const override { return inner_->record(); }
  bool broadcast() const override { return inner_->broadcast(); }
  std::vector<std::string> views() const override { return inner_->views(); }
  bool Concerns(const Event& event) const override { return inner_->Concerns(event); }
  absl::StatusOr<ReactionStep> React(const ReactionContext& context, const Event& event,
                                     std::string_view progress) override {
    absl::StatusOr<ReactionStep> step = inner_->React(context, event, progress);
    if (!step.ok()) return step;
    for (std::unique_ptr<Command>& command : step->commands) {
      const std::string key = fmt::format("{} {} {}", context.partition, event.offset,
                                          command->aggregate + event.metadata->aggregate());
      command = std::make_unique<Tampered>(options_, std::move(command), before_[key]);
    }
    return step;
  }

 private:
  const SendPlot::Options options_;
  const std::unique_ptr<Reaction> inner_;
  std::map<std::string, Tampered::Events> before_;
};

campaign::CampaignContent Content(int cap) {
  campaign::CampaignContent content;
  content.display_name = "Autumn";
  content.segment = kSegment;
  content.steps = {{"one", "email", kPurpose, "Hello", "…"}, {"two", "post", kPurpose, "", "…"}};
  if (cap > 0) content.cap = {cap, 30};
  return content;
}

template <typename C>
std::unique_ptr<Command> OnCampaign(const std::string& campaign, C command) {
  return std::make_unique<DeciderCommand<CampaignAggregate, C>>(Campaigns(), campaign,
                                                                std::move(command));
}

}  // namespace

struct SendPlot::State {
  std::map<Partition, std::vector<std::string>> contacts;
  std::vector<std::string> campaigns;
  AggregateTypes types{{CampaignAggregate::kRecordField, &Campaigns()},
                       {ReachAggregate::kRecordField, &Reaches()}};
  std::shared_ptr<FaultyOutbox> outbox;
  std::vector<std::unique_ptr<Reaction>> reactions;
  campaign::SegmentMembers members;
  campaign::AudienceContacts audience_contacts;
  campaign::AudienceOrders audience_orders;
  campaign::AudienceScores audience_scores;
  int cap = 0;
  int64_t commands = 0;
  Deliveries at_rest;
  SendTotals totals;

  const std::string& AnyContact(Dice& dice) const {
    auto at = contacts.begin();
    std::advance(at, dice.Below(contacts.size()));
    return dice.Pick(at->second);
  }
  std::unique_ptr<Command> Membership(Dice& dice) const;
  std::unique_ptr<Command> Campaigning(Dice& dice) const;
};

SendPlot::SendPlot(const Options& options) : state_(std::make_unique<State>()) {
  state_->outbox = std::make_shared<FaultyOutbox>(options.fault_outbox_forgets);
  std::unique_ptr<Reaction> sends = std::make_unique<campaign::SendOfStep>(Reaches());
  if (options.fault_decide_anew || options.fault_older_basis) {
    sends = std::make_unique<TamperedReaction>(options, std::move(sends));
  }
  state_->reactions.push_back(std::move(sends));
  state_->reactions.push_back(std::make_unique<campaign::HandOff>(Reaches(), state_->outbox));
}
SendPlot::~SendPlot() = default;

const google::protobuf::Message& SendPlot::source_record() const {
  return ContactRecord::default_instance();
}
const google::protobuf::Message& SendPlot::record() const {
  return CampaignRecord::default_instance();
}
const AggregateTypes& SendPlot::types() const {
  return state_->types;
}
const SendTotals& SendPlot::totals() const {
  return state_->totals;
}

std::vector<Reaction*> SendPlot::reactions() {
  std::vector<Reaction*> all;
  for (const auto& reaction : state_->reactions) all.push_back(reaction.get());
  return all;
}

std::vector<PlotView> SendPlot::views() const {
  return {{&state_->members, topic()},
          {&state_->audience_contacts, source_topic()},
          {&state_->audience_orders, "crm.interaction.events"},
          {&state_->audience_scores, "crm.analytics.events"}};
}

void SendPlot::Begin(const std::vector<Partition>& partitions, Dice& dice) {
  state_->outbox->Begin(dice);
  state_->cap = dice.Chance(0.5) ? 1 + static_cast<int>(dice.Below(3)) : 0;
  for (const Partition p : partitions) {
    state_->contacts[p] = testing::SubjectsIn(p, kPlotTenant, 1 + dice.Below(3));
  }
  for (int i = 0; state_->campaigns.size() < kCampaigns; ++i) {
    std::string name = "campaigns/k" + std::to_string(i);
    const Partition partition = PartitionOfSubject(kPlotTenant, name);
    if (state_->contacts.contains(partition)) state_->campaigns.push_back(std::move(name));
  }
}

std::vector<NewEvent> SendPlot::NextSource(Partition partition, Dice& dice) {
  const auto owned = state_->contacts.find(partition);
  const std::string contact =
      owned == state_->contacts.end() ? "contacts/elsewhere" : dice.Pick(owned->second);
  std::vector<NewEvent> events;
  const size_t count = 1 + dice.Below(2);
  for (size_t i = 0; i < count; ++i) {
    auto record = std::make_unique<ContactRecord>();
    const char* channel = dice.Chance(0.5) ? "email" : "post";
    if (dice.Chance(0.65)) {
      auto* granted = record->mutable_consent()->mutable_granted();
      granted->mutable_plain();
      granted->set_purpose(kPurpose);
      granted->set_channel(channel);
      if (dice.Chance(0.2)) {
        SetTimestamp(kWallStart + dice.Between(0, 20 * kSecond), granted->mutable_expire_time());
      }
    } else {
      auto* withdrawn = record->mutable_consent()->mutable_withdrawn();
      withdrawn->mutable_plain();
      withdrawn->set_purpose(kPurpose);
      withdrawn->set_channel(channel);
    }
    events.push_back({nullptr, contact + "/consents", std::move(record)});
  }
  return events;
}

std::unique_ptr<Command> SendPlot::State::Membership(Dice& dice) const {
  campaign::EvaluateMemberships evaluated;
  (dice.Chance(0.85) ? evaluated.entered : evaluated.left).push_back(kSegment);
  evaluated.time = kWallStart;
  return std::make_unique<DeciderCommand<ReachAggregate, campaign::EvaluateMemberships>>(
      Reaches(), campaign::ReachName(AnyContact(dice)), std::move(evaluated));
}

std::unique_ptr<Command> SendPlot::State::Campaigning(Dice& dice) const {
  const std::string& campaign = dice.Pick(campaigns);
  if (dice.Chance(0.4)) return OnCampaign(campaign, campaign::CreateCampaign{Content(cap), {}});
  if (dice.Chance(0.6)) return OnCampaign(campaign, campaign::LaunchCampaign{kWallStart});
  return OnCampaign(campaign, campaign::StartStep{"two", kWallStart});
}

std::unique_ptr<Command> SendPlot::NextCommand(Dice& dice) {
  const bool early = state_->commands < kFirstCommands;
  auto command =
      dice.Chance(early ? 0.8 : 0.25) ? state_->Membership(dice) : state_->Campaigning(dice);
  command->caller.tenant = kPlotTenant;
  command->request_id = "r" + std::to_string(state_->commands++);
  return command;
}

void SendPlot::CalmDown() {
  state_->outbox->CalmDown();
}

void SendPlot::Rest() {
  state_->at_rest = state_->outbox->deliveries();
}

std::vector<Finding> SendPlot::Check(const std::vector<ToldEvent>& source,
                                     const std::vector<ToldEvent>& own) const {
  const Deliveries& delivered = state_->outbox->deliveries();
  std::vector<Finding> findings =
      CheckSends({source, own, delivered, state_->cap}, &state_->totals);
  if (delivered != state_->at_rest) {
    findings.push_back({Fault::kNotOnce, "a rebuild handed something over"});
  }
  return findings;
}

}  // namespace crm::simulation
