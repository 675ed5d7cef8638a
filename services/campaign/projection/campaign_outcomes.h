#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/projection/projection.h"
#include "crm/campaign/v1/outcome_rows.pb.h"

namespace crm::campaign {

// What became of campaigns: counters, and who was not written to. Folds
// crm.campaign.v1.CampaignRecord.
//
//   key                                              value
//   partition 's' tenant 0 campaign 0 step           OutcomeRow, of the partition's contacts
//   partition 'r' tenant 0 campaign 0 contact 0 step RefusalRow
//
// `campaign` and `contact` are ids, without "campaigns/" and "contacts/". Immutable, thread-safe.
class CampaignOutcomes final : public Projection {
 public:
  static constexpr std::string_view kName = "campaign-outcomes";

  std::string_view name() const override { return kName; }
  int version() const override { return 1; }
  std::unique_ptr<Fold> Begin(Partition partition, Rows& rows) const override;
  std::string BusinessLine(std::string_view key, std::string_view value) const override;

  // Start of the keys of a campaign's refusals; what follows is the place, contact 0 step.
  static std::string RefusalsPrefix(Partition partition, std::string_view tenant,
                                    std::string_view campaign);
};

// Counters of each step of a campaign, summed over all partitions. DATA_LOSS: a row cannot be read.
absl::StatusOr<std::map<std::string, v1::OutcomeRow>> ReadOutcomes(const RowReader& outcomes,
                                                                   std::string_view tenant,
                                                                   std::string_view campaign);

// Adds every counter of `more`.
void AddOutcomes(const v1::OutcomeRow& more, v1::OutcomeRow* sum);

}  // namespace crm::campaign
