#include "services/analytics/reaction/score_plan.h"

#include <memory>

#include "absl/container/flat_hash_map.h"
#include "common/aggregate/aggregate.h"
#include "common/aggregate/core_rows.h"
#include "common/base/bytes.h"
#include "common/base/status.h"
#include "common/base/timestamp.h"
#include "services/analytics/domain/contact_scores.h"
#include "services/analytics/projection/customer_purchases.h"
#include "services/analytics/projection/customer_rows.h"

namespace crm::analytics {
namespace {

bool AreEqual(const v1::ContactScores& now, const v1::ContactScored& wanted) {
  return wanted.has_rfm() ? SameValues(now.rfm(), wanted.rfm())
                          : SameValues(now.value(), wanted.value());
}

// The run that changed the contact's scores of the wanted model last.
const std::string& LastRun(const v1::ContactScores& now, const v1::ContactScored& wanted) {
  return wanted.has_rfm() ? now.rfm().run() : now.value().run();
}

// The contacts' scores of one tenant, by partition and id.
template <typename Visit>
absl::Status VisitScores(const ScorePlanSource& source, Visit visit) {
  for (Partition partition = 0; partition < kPartitions; ++partition) {
    const std::string prefix = AggregateKey(partition, source.tenant, kContacts);
    const auto scan = source.core.Scan(prefix, PrefixEnd(prefix));
    for (; scan->Valid(); scan->Next()) {
      const std::string_view bytes = ResourceOfRow(scan->value());
      v1::ContactScores scores;
      if (bytes.empty() || !scores.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
        return UnreadableRow("core");
      }
      visit(scores);
    }
    CRM_RETURN_IF_ERROR(scan->status());
  }
  return absl::OkStatus();
}

// Strikes out what need not be recorded.
class Comparison {
 public:
  Comparison(const v1::ScoreRun& run, std::vector<ScoredCustomer> customers)
      : run_(run), customers_(std::move(customers)), left_(customers_.size(), true) {
    for (size_t i = 0; i < customers_.size(); ++i) index_.emplace(customers_[i].id, i);
  }

  void Meet(const v1::ContactScores& now) {
    const std::string_view id = ContactIdOf(now.name());
    const auto found = index_.find(id);
    const bool is_customer = found != index_.end();
    const v1::ContactScored wanted =
        is_customer ? customers_[found->second].scores : NoScores(run_);
    const bool scored_already = LastRun(now, wanted) == run_.name();
    const bool keeps = now.has_erase_time() || scored_already || AreEqual(now, wanted);
    if (scored_already) ++scored_already_;
    if (is_customer && keeps) left_[found->second] = false;
    if (!is_customer && !keeps) lost_.push_back({std::string(id), wanted});
  }

  void Finish(ScorePlan* plan) {
    for (size_t i = 0; i < customers_.size(); ++i) {
      if (left_[i]) plan->to_score.push_back(std::move(customers_[i]));
    }
    for (ScoredCustomer& lost : lost_) plan->to_score.push_back(std::move(lost));
    plan->computed.set_changed(static_cast<int64_t>(plan->to_score.size()) + scored_already_);
  }

 private:
  const v1::ScoreRun& run_;
  std::vector<ScoredCustomer> customers_;
  // Whether the customer's scores are still to be recorded.
  std::vector<bool> left_;
  // Borrows the ids of customers_.
  absl::flat_hash_map<std::string_view, size_t> index_;
  std::vector<ScoredCustomer> lost_;
  int64_t scored_already_ = 0;
};

}  // namespace

absl::StatusOr<ScorePlan> MakeScorePlan(const v1::ScoreRun& run, const ScorePlanSource& source) {
  const OrderSelection selection{source.tenant, run.currency_code(),
                                 DayOf(ToTimeNs(run.analysis_time()))};
  CRM_ASSIGN_OR_RETURN(const CustomerPurchases purchases, ReadPurchases(source.facts, selection));
  CRM_ASSIGN_OR_RETURN(Scoring scoring, ComputeScores(run, purchases.customers));
  ScorePlan plan;
  plan.computed = std::move(scoring.computed);
  plan.computed.mutable_read_to()->Add(purchases.read_to.begin(), purchases.read_to.end());
  Comparison comparison(run, std::move(scoring.customers));
  CRM_RETURN_IF_ERROR(
      VisitScores(source, [&](const v1::ContactScores& now) { comparison.Meet(now); }));
  comparison.Finish(&plan);
  return plan;
}

}  // namespace crm::analytics
