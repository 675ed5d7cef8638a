#include "services/campaign/projection/campaign_outcomes.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "common/base/bytes.h"
#include "common/base/status.h"
#include "common/base/timestamp.h"
#include "crm/campaign/v1/campaign_events.pb.h"
#include "services/campaign/projection/reach_aggregate.h"
#include "services/campaign/projection/row_keys.h"
#include "services/campaign/projection/view_rows.h"

namespace crm::campaign {
namespace {

using v1::OutcomeRow;
using v1::ReachEvent;

constexpr char kCounters = 's';
constexpr char kRefusals = 'r';

std::string CountersKey(Partition partition, std::string_view tenant, std::string_view campaign,
                        std::string_view step) {
  return OwnedKey(partition, kCounters, tenant, LastIdOf(campaign), step);
}

void AddRefused(const std::string& reason, int64_t count, OutcomeRow* row) {
  auto& all = *row->mutable_refused();
  auto place = std::find_if(all.begin(), all.end(),
                            [&](const auto& other) { return other.reason() >= reason; });
  if (place != all.end() && place->reason() == reason) {
    place->set_count(place->count() + count);
    return;
  }
  const auto index = static_cast<int>(place - all.begin());
  auto* added = all.Add();
  added->set_reason(reason);
  added->set_count(count);
  for (int i = all.size() - 1; i > index; --i) all.SwapElements(i, i - 1);
}

void CountResponse(const v1::ResponseRecorded& event, OutcomeRow* row) {
  row->set_responses(row->responses() + 1);
  if (event.first()) row->set_responders(row->responders() + 1);
}

void CountDelivery(const v1::DeliveryReported& event, OutcomeRow* row) {
  if (event.state() == v1::Send::DELIVERED) row->set_delivered(row->delivered() + 1);
  if (event.state() == v1::Send::BOUNCED) row->set_bounced(row->bounced() + 1);
}

v1::RefusalRow RowOf(const v1::SendRefused& event) {
  v1::RefusalRow row;
  row.set_state(v1::Send::REFUSED);
  row.set_reason(event.reason());
  row.set_channel(event.channel());
  row.set_decide_time_ns(ToTimeNs(event.decide_time()));
  row.set_consent_version(event.basis().version());
  row.set_consent_read_to(event.basis().read_to());
  row.set_sends_in_window(event.sends_in_window());
  return row;
}

v1::RefusalRow RowOf(const v1::SendCancelled& event, TimeNs recorded) {
  v1::RefusalRow row;
  row.set_state(v1::Send::CANCELLED);
  row.set_reason(event.reason());
  row.set_channel(event.channel());
  row.set_decide_time_ns(recorded);
  row.set_consent_version(event.basis().version());
  row.set_consent_read_to(event.basis().read_to());
  return row;
}

// Counters are held back until Flush: a broadcast changes the same few for every contact.
class OutcomesFold final : public Fold {
 public:
  OutcomesFold(Partition partition, Rows& rows) : partition_(partition), rows_(rows) {}

  absl::Status Apply(std::span<const Event> command) override {
    for (const Event& event : command) {
      if (event.aggregate_field != ReachAggregate::kRecordField) continue;
      CRM_RETURN_IF_ERROR(
          ApplyOne(*event.metadata, static_cast<const ReachEvent&>(*event.aggregate_event)));
    }
    return absl::OkStatus();
  }

  // What was counted of a subject that cannot be read on stays counted.
  absl::Status Unreadable(std::string_view, std::string_view, Offset,
                          const absl::Status&) override {
    return absl::OkStatus();
  }

  absl::Status Flush() override {
    for (auto& [key, row] : counters_) rows_.Put(key, row.SerializeAsString());
    counters_.clear();
    return absl::OkStatus();
  }

 private:
  absl::Status ApplyOne(const common::v1::EventMetadata& metadata, const ReachEvent& event) {
    switch (event.event_case()) {
      case ReachEvent::kSendDecided:
        return Count(metadata, event.send_decided(),
                     [](OutcomeRow& row) { row.set_decided(row.decided() + 1); });
      case ReachEvent::kSendRefused:
        Refuse(metadata, event.send_refused(), RowOf(event.send_refused()));
        return Count(metadata, event.send_refused(),
                     [&](OutcomeRow& row) { AddRefused(event.send_refused().reason(), 1, &row); });
      case ReachEvent::kSendHandedOff:
        return Count(metadata, event.send_handed_off(), [&](OutcomeRow& row) {
          row.set_handed_off(row.handed_off() + 1);
          if (event.send_handed_off().first()) row.set_contacts_sent(row.contacts_sent() + 1);
        });
      case ReachEvent::kSendCancelled:
        Refuse(metadata, event.send_cancelled(),
               RowOf(event.send_cancelled(), ToTimeNs(metadata.recorded_time())));
        return Count(metadata, event.send_cancelled(),
                     [](OutcomeRow& row) { row.set_cancelled(row.cancelled() + 1); });
      case ReachEvent::kSendRecorded:
        return Count(metadata, event.send_recorded(), [&](OutcomeRow& row) {
          row.set_recorded(row.recorded() + 1);
          if (event.send_recorded().first()) row.set_contacts_sent(row.contacts_sent() + 1);
        });
      case ReachEvent::kDeliveryReported:
        return Count(metadata, event.delivery_reported(),
                     [&](OutcomeRow& row) { CountDelivery(event.delivery_reported(), &row); });
      case ReachEvent::kResponseRecorded:
        return Count(metadata, event.response_recorded(),
                     [&](OutcomeRow& row) { CountResponse(event.response_recorded(), &row); });
      case ReachEvent::kSegmentEntered:
      case ReachEvent::kSegmentLeft:
      case ReachEvent::kErased:
      case ReachEvent::EVENT_NOT_SET:
        return absl::OkStatus();
    }
    return absl::OkStatus();
  }

  // `about` names campaign and step.
  template <typename Message, typename Change>
  absl::Status Count(const common::v1::EventMetadata& metadata, const Message& about,
                     Change change) {
    CRM_ASSIGN_OR_RETURN(OutcomeRow * row, Counters(CountersKey(partition_, metadata.tenant(),
                                                                about.campaign(), about.step())));
    change(*row);
    return absl::OkStatus();
  }

  absl::StatusOr<OutcomeRow*> Counters(const std::string& key) {
    const auto held = counters_.find(key);
    if (held != counters_.end()) return &held->second;
    CRM_ASSIGN_OR_RETURN(auto row, ReadRow<OutcomeRow>(rows_, key));
    return &counters_.emplace(key, row ? *std::move(row) : OutcomeRow()).first->second;
  }

  template <typename Message>
  void Refuse(const common::v1::EventMetadata& metadata, const Message& about,
              const v1::RefusalRow& row) {
    std::string key =
        CampaignOutcomes::RefusalsPrefix(partition_, metadata.tenant(), about.campaign());
    key.append(ContactIdOf(metadata.aggregate())).push_back('\0');
    rows_.Put(key.append(about.step()), row.SerializeAsString());
  }

  const Partition partition_;
  Rows& rows_;
  absl::flat_hash_map<std::string, OutcomeRow> counters_;
};

}  // namespace

std::unique_ptr<Fold> CampaignOutcomes::Begin(Partition partition, Rows& rows) const {
  return std::make_unique<OutcomesFold>(partition, rows);
}

std::string CampaignOutcomes::BusinessLine(std::string_view key, std::string_view value) const {
  if (key.size() < 2) return "";
  if (key[1] == kCounters) return BusinessLineOf<OutcomeRow>(key, value);
  if (key[1] != kRefusals) return "";
  return BusinessLineOf<v1::RefusalRow>(key, value, [](v1::RefusalRow* row) {
    row->clear_decide_time_ns();
    row->clear_consent_version();
    row->clear_consent_read_to();
  });
}

std::string CampaignOutcomes::RefusalsPrefix(Partition partition, std::string_view tenant,
                                             std::string_view campaign) {
  return OwnedKey(partition, kRefusals, tenant, LastIdOf(campaign), "");
}

absl::StatusOr<std::map<std::string, v1::OutcomeRow>> ReadOutcomes(const RowReader& outcomes,
                                                                   std::string_view tenant,
                                                                   std::string_view campaign) {
  std::map<std::string, v1::OutcomeRow> steps;
  for (Partition p = 0; p < kPartitions; ++p) {
    const std::string prefix = CountersKey(p, tenant, campaign, "");
    const auto rows = outcomes.Scan(prefix, PrefixEnd(prefix));
    for (; rows->Valid(); rows->Next()) {
      v1::OutcomeRow row;
      const std::string_view value = rows->value();
      if (!row.ParseFromArray(value.data(), static_cast<int>(value.size()))) {
        return Error(absl::StatusCode::kDataLoss, "ROW_UNREADABLE",
                     "a row of a view cannot be parsed; rebuild the view");
      }
      AddOutcomes(row, &steps[std::string(rows->key().substr(prefix.size()))]);
    }
    CRM_RETURN_IF_ERROR(rows->status());
  }
  return steps;
}

void AddOutcomes(const v1::OutcomeRow& more, v1::OutcomeRow* sum) {
  sum->set_decided(sum->decided() + more.decided());
  sum->set_handed_off(sum->handed_off() + more.handed_off());
  sum->set_cancelled(sum->cancelled() + more.cancelled());
  sum->set_recorded(sum->recorded() + more.recorded());
  sum->set_delivered(sum->delivered() + more.delivered());
  sum->set_bounced(sum->bounced() + more.bounced());
  sum->set_responses(sum->responses() + more.responses());
  sum->set_contacts_sent(sum->contacts_sent() + more.contacts_sent());
  sum->set_responders(sum->responders() + more.responders());
  for (const auto& refused : more.refused()) AddRefused(refused.reason(), refused.count(), sum);
}

}  // namespace crm::campaign
