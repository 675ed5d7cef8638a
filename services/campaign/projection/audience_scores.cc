#include "services/campaign/projection/audience_scores.h"

#include "crm/analytics/v1/analytics_events.pb.h"
#include "services/campaign/projection/audience_fold.h"
#include "services/campaign/projection/row_keys.h"
#include "services/campaign/projection/view_rows.h"

namespace crm::campaign {
namespace {

using analytics::v1::AnalyticsRecord;
using analytics::v1::ContactScores;
using analytics::v1::ScoreEvent;

constexpr char kScores = 'v';

class ScoresFold final : public AudienceFold {
 public:
  ScoresFold(Partition partition, Rows& rows)
      : AudienceFold(partition, rows), partition_(partition), rows_(rows) {}

 private:
  absl::Status ApplyOne(const Whose& whose, const Event& event) override {
    if (event.aggregate_field != AnalyticsRecord::kScoreFieldNumber) return absl::OkStatus();
    const auto& score = static_cast<const ScoreEvent&>(*event.aggregate_event);
    if (score.has_erased()) return Forget(whose);
    if (!score.has_scored()) return absl::OkStatus();
    std::string key = AudienceScores::ScoresKey(partition_, whose.tenant, whose.id);
    CRM_ASSIGN_OR_RETURN(auto found, ReadRow<ContactScores>(rows_, key));
    ContactScores scores = found.value_or(ContactScores());
    if (score.scored().has_rfm()) *scores.mutable_rfm() = score.scored().rfm();
    if (score.scored().has_value()) *scores.mutable_value() = score.scored().value();
    rows_.Put(std::move(key), scores.SerializeAsString());
    return absl::OkStatus();
  }

  absl::Status Forget(const Whose& whose) override {
    rows_.Delete(AudienceScores::ScoresKey(partition_, whose.tenant, whose.id));
    return absl::OkStatus();
  }

  const Partition partition_;
  Rows& rows_;
};

}  // namespace

std::unique_ptr<Fold> AudienceScores::Begin(Partition partition, Rows& rows) const {
  return std::make_unique<ScoresFold>(partition, rows);
}

std::string AudienceScores::BusinessLine(std::string_view key, std::string_view value) const {
  if (key.size() < 2 || key[1] != kScores) return "";
  return BusinessLineOf<ContactScores>(key, value);
}

std::string AudienceScores::ScoresKey(Partition partition, std::string_view tenant,
                                      std::string_view id) {
  return TenantKey(partition, kScores, tenant, id);
}

}  // namespace crm::campaign
