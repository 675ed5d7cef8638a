#include "services/analytics/domain/scoring.h"

#include "common/base/status.h"
#include "services/analytics/domain/bgnbd.h"
#include "services/analytics/domain/gamma_gamma.h"
#include "services/analytics/domain/rfm.h"
#include "services/analytics/domain/value.h"

namespace crm::analytics {
namespace {

void Write(const Cuts& cuts, google::protobuf::RepeatedField<double>* out) {
  out->Add(cuts.begin(), cuts.end());
}

v1::RfmScore RfmOf(const RfmCuts& cuts, const RfmInputs& inputs, const std::string& run) {
  const RfmScores scores = ScoreRfm(cuts, inputs);
  v1::RfmScore out;
  out.set_run(run);
  out.set_recency_days(inputs.recency_days);
  out.set_orders(inputs.orders);
  out.set_amount_minor(inputs.amount_minor);
  out.set_recency_score(scores.recency);
  out.set_frequency_score(scores.frequency);
  out.set_monetary_score(scores.monetary);
  out.set_score(scores.Combined());
  return out;
}

absl::StatusOr<Scoring> ComputeRfm(const v1::ScoreRun& run, std::span<const Customer> customers) {
  std::vector<RfmInputs> inputs;
  inputs.reserve(customers.size());
  for (const Customer& customer : customers) inputs.push_back(customer.summary.rfm);
  CRM_ASSIGN_OR_RETURN(const RfmCuts cuts, CutRfm(inputs, run.currency_unit_minor()));
  Scoring scoring;
  auto* out = scoring.computed.mutable_rfm_cuts();
  Write(cuts.recency_days, out->mutable_recency_days());
  Write(cuts.orders, out->mutable_orders());
  Write(cuts.amount_minor, out->mutable_amount_minor());
  for (const Customer& customer : customers) {
    ScoredCustomer& scored = scoring.customers.emplace_back();
    scored.id = customer.id;
    *scored.scores.mutable_rfm() = RfmOf(cuts, customer.summary.rfm, run.name());
  }
  return scoring;
}

struct ValueModel {
  BgNbdFit purchases;
  GammaGammaFit spend;
};

absl::StatusOr<ValueModel> FitValue(std::span<const Customer> customers) {
  std::vector<PurchaseHistory> histories;
  std::vector<RepeatSpend> spend;
  for (const Customer& customer : customers) {
    histories.push_back(customer.summary.history);
    spend.push_back({customer.summary.history.repeats, customer.summary.mean_spend_minor});
  }
  ValueModel model;
  CRM_ASSIGN_OR_RETURN(model.purchases, FitBgNbd(histories));
  CRM_ASSIGN_OR_RETURN(model.spend, FitGammaGamma(spend));
  return model;
}

v1::ValueParameters ParametersOf(const ValueModel& model) {
  v1::ValueParameters out;
  out.set_r(model.purchases.parameters.r);
  out.set_alpha(model.purchases.parameters.alpha);
  out.set_a(model.purchases.parameters.a);
  out.set_b(model.purchases.parameters.b);
  out.set_log_likelihood(model.purchases.log_likelihood);
  out.set_p(model.spend.parameters.p);
  out.set_q(model.spend.parameters.q);
  out.set_gamma(model.spend.parameters.gamma);
  out.set_spend_log_likelihood(model.spend.log_likelihood);
  return out;
}

absl::StatusOr<v1::ValueScore> ValueOf(const ValueModel& model, const PurchaseSummary& summary,
                                       const v1::ScoreRun& run) {
  ValueTerms terms;
  terms.horizon_weeks = run.horizon_weeks() == 0 ? kDefaultHorizonWeeks : run.horizon_weeks();
  terms.yearly_discount = run.discount_rate();
  CRM_ASSIGN_OR_RETURN(const CustomerValue value,
                       ValueCustomer(model.purchases.parameters, model.spend.parameters,
                                     summary.history, summary.mean_spend_minor, terms));
  v1::ValueScore out;
  out.set_run(run.name());
  out.set_repeat_purchases(summary.history.repeats);
  out.set_last_purchase_weeks(summary.history.last_weeks);
  out.set_observed_weeks(summary.history.observed_weeks);
  out.set_mean_spend_minor(summary.mean_spend_minor);
  out.set_alive_probability(value.alive_probability);
  out.set_expected_purchases(value.expected_purchases);
  out.set_expected_spend_minor(value.expected_spend);
  out.set_lifetime_value_minor(value.lifetime_value);
  return out;
}

absl::StatusOr<Scoring> ComputeValue(const v1::ScoreRun& run, std::span<const Customer> customers) {
  CRM_ASSIGN_OR_RETURN(const ValueModel model, FitValue(customers));
  Scoring scoring;
  *scoring.computed.mutable_value_parameters() = ParametersOf(model);
  for (const Customer& customer : customers) {
    ScoredCustomer& scored = scoring.customers.emplace_back();
    scored.id = customer.id;
    CRM_ASSIGN_OR_RETURN(*scored.scores.mutable_value(), ValueOf(model, customer.summary, run));
  }
  return scoring;
}

}  // namespace

absl::StatusOr<Scoring> ComputeScores(const v1::ScoreRun& run,
                                      std::span<const Customer> customers) {
  CRM_ASSIGN_OR_RETURN(Scoring scoring, run.model() == v1::ScoreRun::RFM
                                            ? ComputeRfm(run, customers)
                                            : ComputeValue(run, customers));
  scoring.computed.set_customers(static_cast<int64_t>(customers.size()));
  return scoring;
}

v1::ContactScored NoScores(const v1::ScoreRun& run) {
  v1::ContactScored scores;
  if (run.model() == v1::ScoreRun::RFM) {
    scores.mutable_rfm()->set_run(run.name());
  } else {
    scores.mutable_value()->set_run(run.name());
  }
  return scores;
}

}  // namespace crm::analytics
