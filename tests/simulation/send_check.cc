#include "tests/simulation/send_check.h"

#include <fmt/format.h>

#include <array>
#include <set>
#include <utility>

#include "common/base/timestamp.h"
#include "crm/contact/v1/contact_events.pb.h"
#include "services/campaign/domain/reach.h"
#include "services/campaign/projection/campaign_aggregate.h"
#include "services/campaign/projection/reach_aggregate.h"

namespace crm::simulation {
namespace {

using campaign::v1::CampaignEvent;
using campaign::v1::ReachEvent;
using contact::v1::ConsentEvent;
using contact::v1::ContactRecord;

// A contact, campaign and step.
using SendKey = std::array<std::string, 3>;

struct Send {
  int decisions = 0;
  bool wanted = false;
  int hand_offs = 0;
  int cancels = 0;
};

// The last word on one use.
struct Word {
  std::string fault;
  int64_t version = 0;
};

class Checker {
 public:
  Checker(const SendCheckInput& input, SendTotals* totals) : input_(input), totals_(*totals) {
    for (const ToldEvent& told : input_.contacts) {
      if (told.event->aggregate_field != ContactRecord::kConsentFieldNumber) continue;
      consents_[told.event->metadata->aggregate()].push_back(&told);
      ++totals_.consents;
    }
  }

  std::vector<Finding> Run() {
    for (const ToldEvent& told : input_.own) TakeCampaign(told);
    for (const ToldEvent& told : input_.own) TakeReach(told);
    for (const auto& [key, step] : started_) CheckNoneLeftOut(step);
    for (const auto& [id, send] : sends_) CheckEnd(id, send);
    for (const auto& [id, times] : input_.delivered) {
      if (sends_.contains(id) && sends_[id].wanted && times <= 1) continue;
      Report(sends_.contains(id) && sends_[id].wanted ? Fault::kNotOnce : Fault::kUnissued,
             fmt::format("the send {} was handed over {} times", id, times));
    }
    return std::move(findings_);
  }

 private:
  struct Started {
    Partition partition = 0;
    Offset offset = 0;
    std::string campaign;
    std::string step;
    std::string segment;
  };
  struct Membership {
    Partition partition = 0;
    Offset entered = 0;
    bool left = false;
  };

  void Report(Fault fault, std::string text) { findings_.push_back({fault, std::move(text)}); }

  void TakeCampaign(const ToldEvent& told) {
    if (told.event->aggregate_field != campaign::CampaignAggregate::kRecordField) return;
    const auto& event = static_cast<const CampaignEvent&>(*told.event->aggregate_event);
    if (!event.has_step_started()) return;
    const auto& started = event.step_started();
    const std::string& campaign = told.event->metadata->aggregate();
    started_[{campaign, started.step().step()}] = {told.partition, told.offset, campaign,
                                                   started.step().step(), started.segment()};
  }

  void TakeReach(const ToldEvent& told) {
    if (told.event->aggregate_field != campaign::ReachAggregate::kRecordField) return;
    const auto& event = static_cast<const ReachEvent&>(*told.event->aggregate_event);
    const std::string contact(SubjectOf(told.event->metadata->aggregate()));
    switch (event.event_case()) {
      case ReachEvent::kSegmentEntered:
        members_.try_emplace({contact, event.segment_entered().segment()},
                             Membership{told.partition, told.offset, false});
        return;
      case ReachEvent::kSegmentLeft:
        members_[{contact, event.segment_left().segment()}].left = true;
        return;
      case ReachEvent::kSendDecided:
        ++totals_.decided;
        return TakeDecision(told, contact, event.send_decided(), "");
      case ReachEvent::kSendRefused:
        ++totals_.refused;
        return TakeDecision(told, contact, event.send_refused(), event.send_refused().reason());
      case ReachEvent::kSendHandedOff:
        ++totals_.handed_off;
        ++sends_[event.send_handed_off().send()].hand_offs;
        return;
      case ReachEvent::kSendCancelled:
        ++totals_.cancelled;
        ++sends_[event.send_cancelled().send()].cancels;
        --standing_[contact];
        return;
      default:
        return Report(Fault::kUnissued, "an event of reach that nobody asked for");
    }
  }

  template <typename Decision>
  void TakeDecision(const ToldEvent& told, const std::string& contact, const Decision& decision,
                    const std::string& reason) {
    Send& send = sends_[decision.send()];
    send.wanted = send.wanted || reason.empty();
    if (++send.decisions > 1) {
      Report(Fault::kNotOnce,
             fmt::format("{} decisions on the send {}", send.decisions, decision.send()));
    }
    decided_.insert({contact, decision.campaign(), decision.step()});
    if (!started_.contains({decision.campaign(), decision.step()})) {
      Report(Fault::kUnissued, "a decision on a step that was not started");
    }
    if (reason.empty() && input_.cap > 0 && ++standing_[contact] > input_.cap) {
      Report(Fault::kUnjustified,
             fmt::format("{} sends stand for {}, above the cap", standing_[contact], contact));
    }
    if (decision.basis().partition() != told.partition) {
      Report(Fault::kUnjustified, "a decision stands on another partition's consent");
    }
    CheckBasis(contact, decision, reason);
  }

  // What the contact topic says at the position, and nothing later.
  Word WordAt(const std::string& contact, const std::string& purpose, const std::string& channel,
              Offset read_to, TimeNs time) const {
    Word word{std::string(campaign::kConsentMissing), 0};
    const auto known = consents_.find(contact + "/consents");
    if (known == consents_.end()) return word;
    for (const ToldEvent* told : known->second) {
      if (told->offset >= read_to) continue;
      const auto& event = static_cast<const ConsentEvent&>(*told->event->aggregate_event);
      const auto says = [&](const auto& said) {
        return said.purpose() == purpose && said.channel() == channel;
      };
      if (event.has_granted() && says(event.granted())) {
        const bool expires = event.granted().has_expire_time();
        const bool expired = expires && time >= ToTimeNs(event.granted().expire_time());
        word = {expired ? std::string(campaign::kConsentExpired) : "",
                told->event->metadata->aggregate_version()};
      } else if (event.has_withdrawn() && says(event.withdrawn())) {
        word = {std::string(campaign::kConsentWithdrawn),
                told->event->metadata->aggregate_version()};
      }
    }
    return word;
  }

  template <typename Decision>
  void CheckBasis(const std::string& contact, const Decision& decision, const std::string& reason) {
    const Word word = WordAt(contact, decision.purpose(), decision.channel(),
                             decision.basis().read_to(), ToTimeNs(decision.decide_time()));
    const bool by_consent = reason.starts_with("CONSENT_");
    totals_.refused_by_consent += by_consent ? 1 : 0;
    const bool consent_counts = reason.empty() || by_consent || reason == campaign::kFrequencyCap;
    const std::string expected = by_consent ? reason : "";
    if ((!consent_counts || word.fault == expected) && word.version == decision.basis().version()) {
      return;
    }
    Report(
        Fault::kUnjustified,
        fmt::format("{} was decided as \"{}\" on version {} of the consents, but at {} the topic "
                    "says \"{}\", by version {}",
                    decision.send(), reason, decision.basis().version(), decision.basis().read_to(),
                    word.fault, word.version));
  }

  // Who was a member before the step was started, in the partition where it was, and stayed.
  void CheckNoneLeftOut(const Started& step) {
    for (const auto& [who, member] : members_) {
      if (who.second != step.segment || member.left) continue;
      if (member.partition != step.partition || member.entered > step.offset) continue;
      if (decided_.contains({who.first, step.campaign, step.step})) continue;
      Report(Fault::kNotOnce, fmt::format("nothing was decided on {} {} for {}", step.campaign,
                                          step.step, who.first));
    }
  }

  void CheckEnd(const std::string& id, const Send& send) {
    const int ends = send.wanted ? 1 : 0;
    const bool was_delivered = input_.delivered.contains(id);
    if (send.hand_offs + send.cancels != ends || was_delivered != (send.hand_offs > 0)) {
      Report(Fault::kNotOnce,
             fmt::format("the send {} was handed off {} times and cancelled {} times, and {} to a "
                         "channel",
                         id, send.hand_offs, send.cancels, was_delivered ? "went" : "did not go"));
    }
  }

  const SendCheckInput& input_;
  SendTotals& totals_;
  std::map<std::string, std::vector<const ToldEvent*>> consents_;
  std::map<std::pair<std::string, std::string>, Started> started_;
  // By contact and segment: the first time it entered.
  std::map<std::pair<std::string, std::string>, Membership> members_;
  std::set<SendKey> decided_;
  std::map<std::string, Send> sends_;
  std::map<std::string, int> standing_;
  std::vector<Finding> findings_;
};

}  // namespace

void SendTotals::Add(const SendTotals& other) {
  consents += other.consents;
  decided += other.decided;
  refused += other.refused;
  refused_by_consent += other.refused_by_consent;
  handed_off += other.handed_off;
  cancelled += other.cancelled;
}

std::string SendTotals::ToString() const {
  return fmt::format(
      "{} consents granted or withdrawn, {} sends decided, {} refused ({} for want of consent), {} "
      "handed off, {} cancelled",
      consents, decided, refused, refused_by_consent, handed_off, cancelled);
}

std::vector<Finding> CheckSends(const SendCheckInput& input, SendTotals* totals) {
  return Checker(input, totals).Run();
}

}  // namespace crm::simulation
