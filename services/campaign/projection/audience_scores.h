#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "common/projection/projection.h"

namespace crm::campaign {

// The latest scores of each contact. Folds crm.analytics.v1.AnalyticsRecord.
//
//   key                                value
//   partition 'v' tenant 0 id          crm.analytics.v1.ContactScores, its scores alone
//   partition 'u' …                    UnreadSubjects
//
// `id` is the contact's name without "contacts/". Immutable, thread-safe.
class AudienceScores final : public Projection {
 public:
  static constexpr std::string_view kName = "audience-scores";

  std::string_view name() const override { return kName; }
  int version() const override { return 1; }
  std::unique_ptr<Fold> Begin(Partition partition, Rows& rows) const override;
  std::string BusinessLine(std::string_view key, std::string_view value) const override;

  static std::string ScoresKey(Partition partition, std::string_view tenant, std::string_view id);
};

}  // namespace crm::campaign
