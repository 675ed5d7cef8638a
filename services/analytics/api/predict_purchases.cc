#include "services/analytics/api/predict_purchases.h"

#include <utility>

#include "common/aggregate/core_rows.h"
#include "common/base/status.h"
#include "common/service/resource_reads.h"
#include "services/analytics/domain/bgnbd.h"
#include "services/analytics/domain/gamma_gamma.h"
#include "services/analytics/domain/model_error.h"
#include "services/analytics/domain/value.h"
#include "services/analytics/projection/customer_rows.h"

namespace crm::analytics {
namespace {

absl::StatusOr<v1::ValueParameters> ParametersOf(const QueryContext& context,
                                                 const std::string& name) {
  const std::string& tenant = context.caller.tenant;
  CRM_ASSIGN_OR_RETURN(const std::string bytes,
                       ReadResource(*context.reading.core.rows,
                                    {PartitionOfSubject(tenant, name), tenant, name}, true));
  v1::ScoreRun run;
  if (!run.ParseFromString(bytes)) return UnreadableRow("core");
  if (run.state() != v1::ScoreRun::DONE) {
    return NoAnswer("RUN_NOT_DONE", "the run has no parameters; wait for it or start another one");
  }
  if (!run.has_value_parameters()) {
    return NoAnswer("NO_VALUE_PARAMETERS", "the run is not of model VALUE; name one that is");
  }
  return run.value_parameters();
}

// A model's refusal of one field of the request.
absl::Status AtField(const std::string& field, const absl::Status& status) {
  if (!absl::IsInvalidArgument(status)) return status;
  return InvalidField(field, std::string(status.message()));
}

// A hundred years: further ahead a model says little, and its sums take long.
absl::Status CheckWeeks(const v1::PredictPurchasesRequest& request) {
  constexpr double kMostWeeks = 5'200;
  const auto sound = [](double weeks) { return weeks >= 0 && weeks <= kMostWeeks; };
  FieldFaults faults;
  if (!sound(request.horizon_weeks())) faults.Add("horizon_weeks", "must be 0 to 5200");
  for (int i = 0; i < request.new_customer_weeks_size(); ++i) {
    if (sound(request.new_customer_weeks(i))) continue;
    faults.Add("new_customer_weeks[" + std::to_string(i) + "]", "must be 0 to 5200");
  }
  return faults.ToStatus();
}

absl::StatusOr<v1::HistoryPrediction> Predict(const v1::ValueParameters& parameters,
                                              const v1::PurchaseHistory& asked, double weeks) {
  const BgNbdParameters purchases{parameters.r(), parameters.alpha(), parameters.a(),
                                  parameters.b()};
  const GammaGammaParameters spend{parameters.p(), parameters.q(), parameters.gamma()};
  const PurchaseHistory history{asked.repeat_purchases(), asked.last_purchase_weeks(),
                                asked.observed_weeks()};
  v1::HistoryPrediction prediction;
  CRM_ASSIGN_OR_RETURN(const double alive, AliveProbability(purchases, history));
  CRM_ASSIGN_OR_RETURN(const double expected, ExpectedFuturePurchases(purchases, history, weeks));
  CRM_ASSIGN_OR_RETURN(const double mean,
                       ExpectedSpend(spend, {history.repeats, asked.mean_spend_minor()}));
  prediction.set_alive_probability(alive);
  prediction.set_expected_purchases(expected);
  prediction.set_expected_spend_minor(mean);
  return prediction;
}

}  // namespace

absl::StatusOr<std::string> SubjectOfPrediction(const Caller&,
                                                const google::protobuf::Message& message,
                                                const NameMaker&) {
  const auto& request = static_cast<const v1::PredictPurchasesRequest&>(message);
  if (!CheckResourceName("scoreRuns/*", request.run()).ok()) {
    return InvalidField("run", "must be a score run's name: scoreRuns/ and its id");
  }
  return request.run();
}

absl::StatusOr<v1::PurchasePrediction> PredictPurchases(
    const QueryContext& context, const v1::PredictPurchasesRequest& request) {
  CRM_ASSIGN_OR_RETURN(const auto parameters, ParametersOf(context, request.run()));
  const BgNbdParameters purchases{parameters.r(), parameters.alpha(), parameters.a(),
                                  parameters.b()};
  CRM_RETURN_IF_ERROR(CheckWeeks(request));
  v1::PurchasePrediction prediction;
  for (int i = 0; i < request.new_customer_weeks_size(); ++i) {
    const auto expected = ExpectedPurchases(purchases, request.new_customer_weeks(i));
    if (!expected.ok()) {
      return AtField("new_customer_weeks[" + std::to_string(i) + "]", expected.status());
    }
    prediction.add_new_customer_purchases(*expected);
  }
  for (int i = 0; i < request.histories_size(); ++i) {
    auto history = Predict(parameters, request.histories(i), request.horizon_weeks());
    if (!history.ok()) {
      return AtField("histories[" + std::to_string(i) + "]", history.status());
    }
    *prediction.add_histories() = *std::move(history);
  }
  return prediction;
}

}  // namespace crm::analytics
