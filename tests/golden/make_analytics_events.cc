// Writes the golden log of crm.analytics.events to stdout:
//
//   make_analytics_events > tests/golden/analytics_events.txt
//
// What is there stays as it is: cases are added at the end of WriteCases, so that the file only
// grows.

#include "common/base/timestamp.h"
#include "common/projection/sealing.h"
#include "crm/analytics/v1/analytics_events.pb.h"
#include "tests/golden/golden_writer.h"

namespace crm::testing {
namespace {

using analytics::v1::AnalyticsRecord;
using analytics::v1::ScoreRun;

AnalyticsRecord Of(const std::string& aggregate, int64_t version) {
  static int64_t recorded = 0;
  AnalyticsRecord record;
  auto* metadata = record.mutable_metadata();
  metadata->set_tenant("default");
  metadata->set_aggregate(aggregate);
  metadata->set_aggregate_version(version);
  metadata->set_request_id("request-" + std::to_string(version));
  metadata->set_payload_hmac("hmac");
  SetTimestamp(1'700'000'000 * kSecond + ++recorded * kMillisecond,
               metadata->mutable_recorded_time());
  return record;
}

ScoreRun ContentOf(ScoreRun::Model model) {
  ScoreRun content;
  content.set_model(model);
  SetTimestamp(1'690'000'000 * kSecond, content.mutable_analysis_time());
  content.set_currency_code("USD");
  content.set_currency_unit_minor(100);
  return content;
}

void WriteRuns(GoldenWriter& writer) {
  AnalyticsRecord rfm = Of("scoreRuns/rfm", 1);
  *rfm.mutable_run()->mutable_started()->mutable_content() = ContentOf(ScoreRun::RFM);
  writer.Event("An RFM run started", rfm);

  AnalyticsRecord value = Of("scoreRuns/value", 1);
  ScoreRun content = ContentOf(ScoreRun::VALUE);
  content.set_horizon_weeks(26.5);
  content.set_discount_rate(0.1);
  *value.mutable_run()->mutable_started()->mutable_content() = content;
  writer.Event("A value run started, with every field a caller sets", value);

  AnalyticsRecord done = Of("scoreRuns/rfm", 2);
  auto* computed = done.mutable_run()->mutable_computed();
  for (const double cut : {115.0, 181.0, 297.4, 482.0}) {
    computed->mutable_rfm_cuts()->add_recency_days(cut);
    computed->mutable_rfm_cuts()->add_orders(cut / 100);
    computed->mutable_rfm_cuts()->add_amount_minor(cut * 100);
  }
  computed->set_customers(3);
  computed->set_changed(2);
  for (int64_t p = 0; p < kPartitions; ++p) computed->add_read_to(p * 7);
  writer.Event("The RFM run is done", done);

  AnalyticsRecord fitted = Of("scoreRuns/value", 2);
  auto* parameters = fitted.mutable_run()->mutable_computed()->mutable_value_parameters();
  parameters->set_r(.24259);
  parameters->set_alpha(4.4136);
  parameters->set_a(.79292);
  parameters->set_b(2.42589);
  parameters->set_log_likelihood(-9582.429);
  parameters->set_p(6.2488);
  parameters->set_q(3.7446);
  parameters->set_gamma(1544.77);
  parameters->set_spend_log_likelihood(-8412.5);
  writer.Event("The value run is done", fitted);

  AnalyticsRecord started = Of("scoreRuns/failed", 1);
  *started.mutable_run()->mutable_started()->mutable_content() = ContentOf(ScoreRun::VALUE);
  writer.Event("A run started, to fail", started);
  AnalyticsRecord failed = Of("scoreRuns/failed", 2);
  failed.mutable_run()->mutable_failed()->set_reason("NO_REPEATS");
  writer.Event("A run failed", failed);
}

AnalyticsRecord RfmScored(const std::string& contact, int64_t version, int recency) {
  AnalyticsRecord record = Of("contacts/" + contact + "/scores", version);
  auto* rfm = record.mutable_score()->mutable_scored()->mutable_rfm();
  rfm->set_run("scoreRuns/rfm");
  rfm->set_recency_days(100);
  rfm->set_orders(8);
  rfm->set_amount_minor(66'600);
  rfm->set_recency_score(recency);
  rfm->set_frequency_score(4);
  rfm->set_monetary_score(3);
  rfm->set_score(100 * recency + 43);
  return record;
}

void WriteScores(GoldenWriter& writer) {
  writer.Event("A contact got RFM scores", RfmScored("c1", 1, 5));
  AnalyticsRecord value = Of("contacts/c1/scores", 2);
  auto* score = value.mutable_score()->mutable_scored()->mutable_value();
  score->set_run("scoreRuns/value");
  score->set_repeat_purchases(2);
  score->set_last_purchase_weeks(30.43);
  score->set_observed_weeks(38.86);
  score->set_mean_spend_minor(2'235.5);
  score->set_alive_probability(.7266);
  score->set_expected_purchases(1.226);
  score->set_expected_spend_minor(2'465.86);
  score->set_lifetime_value_minor(3'023.1);
  writer.Event("The same contact got value scores", value);
  writer.Event("Its RFM scores changed", RfmScored("c1", 3, 4));

  writer.Event("A contact that loses its scores", RfmScored("c2", 1, 1));
  AnalyticsRecord lost = Of("contacts/c2/scores", 2);
  lost.mutable_score()->mutable_scored()->mutable_rfm()->set_run("scoreRuns/rfm");
  writer.Event("It is no customer any more", lost);

  writer.Event("A contact to be erased", RfmScored("c3", 1, 2));
  AnalyticsRecord erased = Of("contacts/c3/scores", 2);
  erased.mutable_score()->mutable_erased()->set_reason("requested");
  writer.Event("Erased", erased);
}

}  // namespace
}  // namespace crm::testing

int main() {
  const crm::EventSchema schema(crm::analytics::v1::AnalyticsRecord::default_instance());
  crm::PlainSealer sealer;
  const crm::EventSource source{schema, sealer};
  crm::testing::GoldenWriter writer(source);
  crm::testing::WriteRuns(writer);
  crm::testing::WriteScores(writer);
}
