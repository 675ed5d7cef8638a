#include "services/analytics/api/score_runs.h"

#include <memory>
#include <string>
#include <utility>

#include "common/aggregate/core_rows.h"
#include "common/base/timestamp.h"
#include "common/projection/list_page.h"
#include "services/analytics/api/currency.h"
#include "services/analytics/domain/scoring.h"
#include "services/analytics/projection/customer_purchases.h"
#include "services/analytics/projection/customer_rows.h"
#include "services/analytics/projection/customer_scores.h"
#include "services/analytics/projection/score_run_aggregate.h"

namespace crm::analytics {
namespace {

constexpr std::string_view kCollection = "scoreRuns";
constexpr char kIdKind = 'r';
constexpr double kMaxHorizonWeeks = 1040;
constexpr double kMaxDiscountRate = 10;

bool IsModel(v1::ScoreRun::Model model) {
  return model == v1::ScoreRun::RFM || model == v1::ScoreRun::VALUE;
}

// Also false for what is no number.
bool IsWithin(double number, double max) {
  return number >= 0 && number <= max;
}

void CheckTerms(const v1::ScoreRun& run, FieldFaults& faults) {
  if (run.model() == v1::ScoreRun::RFM) {
    if (run.horizon_weeks() != 0) faults.Add("run.horizon_weeks", "is for VALUE only");
    if (run.discount_rate() != 0) faults.Add("run.discount_rate", "is for VALUE only");
    return;
  }
  if (!IsWithin(run.horizon_weeks(), kMaxHorizonWeeks)) {
    faults.Add("run.horizon_weeks", "must be 0 to 1040 weeks");
  }
  if (!IsWithin(run.discount_rate(), kMaxDiscountRate)) {
    faults.Add("run.discount_rate", "must be 0 to 10 a year");
  }
}

absl::StatusOr<std::unique_ptr<Command>> Start(const AggregateType& runs, const Caller& caller,
                                               const v1::StartScoreRunRequest& request,
                                               const NameMaker& names) {
  FieldFaults faults;
  v1::ScoreRun content = CheckScoreRun(request.run(), faults);
  CRM_RETURN_IF_ERROR(faults.ToStatus());
  return std::make_unique<DeciderCommand<ScoreRunAggregate, StartScoreRun>>(
      runs, names.FromRequest(kCollection, kIdKind, caller.tenant, request.request_id()),
      StartScoreRun{std::move(content)});
}

// The run of this id; nothing where the core has not folded it yet or cannot read it.
absl::StatusOr<std::optional<v1::ScoreRun>> FindRun(const QueryContext& context,
                                                    Partition partition, std::string_view id) {
  const std::string name = std::string(kCollection).append("/").append(id);
  CRM_ASSIGN_OR_RETURN(const auto row, context.reading.core.rows->Get(
                                           AggregateKey(partition, context.caller.tenant, name)));
  if (!row) return std::nullopt;
  return ParseRow<v1::ScoreRun>("core", std::optional<std::string>(ResourceOfRow(*row)));
}

}  // namespace

v1::ScoreRun CheckScoreRun(const v1::ScoreRun& run, FieldFaults& faults) {
  if (!IsModel(run.model())) faults.Add("run.model", "must be RFM or VALUE");
  if (!IsTimestamp(run.analysis_time())) faults.Add("run.analysis_time", "must be a time");
  const auto currency = FindCurrency(run.currency_code());
  if (!currency) {
    faults.Add("run.currency_code", "must be an ISO 4217 code such as EUR");
  }
  CheckTerms(run, faults);
  v1::ScoreRun content;
  content.set_model(run.model());
  *content.mutable_analysis_time() = run.analysis_time();
  if (currency) {
    content.set_currency_code(currency->code);
    content.set_currency_unit_minor(currency->minor_per_unit);
  }
  content.set_horizon_weeks(run.horizon_weeks());
  content.set_discount_rate(run.discount_rate());
  return content;
}

PrepareCommand PrepareStartScoreRun(const AggregateType& runs) {
  return [&runs](const CommandContext& context, const google::protobuf::Message& request) {
    return Start(runs, context.caller, static_cast<const v1::StartScoreRunRequest&>(request),
                 context.names);
  };
}

absl::StatusOr<v1::ScoreRun> PreviewScoreRun(const QueryContext& context,
                                             const v1::PreviewScoreRunRequest& request) {
  FieldFaults faults;
  v1::ScoreRun run = CheckScoreRun(request.run(), faults);
  CRM_RETURN_IF_ERROR(faults.ToStatus());
  const RowReader& facts = *context.reading.view(OrderFacts::kName).rows;
  CRM_ASSIGN_OR_RETURN(const CustomerPurchases purchases,
                       ReadPurchases(facts, {context.caller.tenant, run.currency_code(),
                                             DayOf(ToTimeNs(run.analysis_time()))}));
  CRM_ASSIGN_OR_RETURN(const Scoring scoring, ComputeScores(run, purchases.customers));
  if (scoring.computed.has_rfm_cuts()) *run.mutable_rfm_cuts() = scoring.computed.rfm_cuts();
  if (scoring.computed.has_value_parameters()) {
    *run.mutable_value_parameters() = scoring.computed.value_parameters();
  }
  run.set_customers(scoring.computed.customers());
  run.mutable_read_to()->Add(purchases.read_to.begin(), purchases.read_to.end());
  return run;
}

absl::StatusOr<v1::ListScoreRunsResponse> ListScoreRuns(const QueryContext& context,
                                                        const v1::ListScoreRunsRequest& request) {
  const std::string& tenant = context.caller.tenant;
  CRM_ASSIGN_OR_RETURN(const int page_size, PageSize(request.page_size()));
  const std::string query = QueryHash(tenant, "ListScoreRuns", {});
  CRM_ASSIGN_OR_RETURN(const std::string after,
                       OpenPageToken(query, request.page_token(), context.secret));
  MergedRows rows(
      *context.reading.view(CustomerScores::kName).rows,
      [&](Partition partition) { return CustomerScores::RunsPrefix(partition, tenant); }, after);
  v1::ListScoreRunsResponse page;
  std::string last;
  for (; rows.Valid() && page.runs_size() < page_size; rows.Next()) {
    last = rows.place();
    CRM_ASSIGN_OR_RETURN(auto run, FindRun(context, rows.partition(), CustomerScores::IdAt(last)));
    if (run) *page.add_runs() = *std::move(run);
  }
  CRM_RETURN_IF_ERROR(rows.status());
  if (rows.Valid()) {
    page.set_next_page_token(SealPageToken(query, last, context.secret, context.random));
  }
  return page;
}

}  // namespace crm::analytics
