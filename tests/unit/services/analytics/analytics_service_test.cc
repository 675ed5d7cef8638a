#include "services/analytics/api/analytics_service.h"

#include <gmock/gmock.h>
#include <google/rpc/error_details.pb.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "crm/analytics/v1/analytics_service.pb.h"
#include "tests/support/test_seed.h"
#include "tests/unit/services/analytics/desk.h"
#include "tests/unit/services/analytics/order_events.h"
#include "tests/unit/services/analytics/sample_data.h"

namespace crm::analytics {
namespace {

using ::testing::Contains;
using testing::Desk;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::kDayNs;
using ::testing::Not;
using v1::ScoreRun;

constexpr char kSource[] = "shop";

std::vector<std::string> FaultyFields(const absl::Status& status) {
  google::rpc::BadRequest bad;
  const auto detail = status.GetPayload("type.googleapis.com/google.rpc.BadRequest");
  if (detail) {
    EXPECT_TRUE(bad.ParseFromString(std::string(*detail)));
  }
  std::vector<std::string> fields;
  for (const auto& violation : bad.field_violations()) fields.push_back(violation.field());
  return fields;
}

class AnalyticsTest : public ::testing::Test {
 protected:
  std::string Contact(const std::string& key) const {
    return desk_->names().FromExternalKey("contacts", 'c', desk_->caller().tenant, kSource, key);
  }

  void Buy(const std::string& key, int32_t day, int64_t amount, const char* currency = "USD") {
    const std::string order = Contact(key) + "/orders/o" + std::to_string(++orders_);
    const testing::Sale sale{currency, amount, day * kDayNs};
    desk_->Fold(order, testing::Recorded(sale), sale.time);
    bought_.emplace_back(order, sale);
  }

  void BuyAll(const OrdersByCustomer& customers) {
    for (const auto& [key, orders] : customers) {
      for (const DatedAmount& order : orders) Buy(key, order.day, order.amount_minor);
    }
  }

  static v1::StartScoreRunRequest RunOf(ScoreRun::Model model, int32_t day,
                                        const std::string& request_id) {
    v1::StartScoreRunRequest request;
    request.set_request_id(request_id);
    request.mutable_run()->set_model(model);
    SetTimestamp(day * kDayNs + 7, request.mutable_run()->mutable_analysis_time());
    request.mutable_run()->set_currency_code("USD");
    return request;
  }

  std::string Start(const v1::StartScoreRunRequest& request) {
    const auto bytes = desk_->Execute("StartScoreRun", request);
    EXPECT_TRUE(bytes.ok()) << bytes.status();
    ScoreRun run;
    EXPECT_TRUE(run.ParseFromString(bytes.value_or("")));
    EXPECT_EQ(run.state(), ScoreRun::RUNNING);
    return run.name();
  }

  ScoreRun Done(const v1::StartScoreRunRequest& request) {
    const std::string name = Start(request);
    EXPECT_TRUE(desk_->React());
    return desk_->Get<ScoreRun>(name);
  }

  v1::ContactScores Scores(const std::string& key) {
    return desk_->Get<v1::ContactScores>(Contact(key) + "/scores");
  }

  absl::StatusOr<v1::Customer360> View360(const std::string& key,
                                          v1::GetCustomer360Request request = {}) {
    request.mutable_external_key()->set_source(kSource);
    request.mutable_external_key()->set_key(key);
    return desk_->Ask<v1::Customer360>("GetCustomer360", request);
  }

  absl::StatusOr<v1::ListContactScoresResponse> List(const std::string& order_by, int page_size,
                                                     const std::string& token = "") {
    v1::ListContactScoresRequest request;
    request.set_order_by(order_by);
    request.set_page_size(page_size);
    request.set_page_token(token);
    return desk_->Ask<v1::ListContactScoresResponse>("ListContactScores", request);
  }

  // Customers who buy and leave as the models say, so that their parameters can be found.
  void BuySome(uint32_t seed, int customers) {
    std::mt19937 random(seed);
    std::gamma_distribution<> rate(1.2, 1 / 6.0), often(.9), seldom(2.5), spread(4, 1 / 1500.0),
        spend(6);
    std::uniform_real_distribution<> even(0, 1);
    for (int i = 0; i < customers; ++i) {
      const double lambda = rate(random);
      const double leaving = [&](double a, double b) { return a / (a + b); }(often(random),
                                                                             seldom(random));
      const double nu = spread(random);
      double weeks = 8 * even(random);
      do {
        Buy("k" + std::to_string(i), static_cast<int32_t>(weeks * 7),
            1 + static_cast<int64_t>(spend(random) / nu));
        weeks += std::exponential_distribution<>(lambda)(random);
      } while (weeks < 56 && even(random) > leaving);
    }
  }

  std::unique_ptr<Desk> desk_ = std::make_unique<Desk>();
  int orders_ = 0;
  // Every order's name and content.
  std::vector<std::pair<std::string, testing::Sale>> bought_;
};

// --- score runs

TEST_F(AnalyticsTest, RfmRunScoresThePublishedCustomers) {
  BuyAll(RfmOrders());
  const ScoreRun run = Done(RunOf(ScoreRun::RFM, DayOf("2006-12-31"), "r1"));
  ASSERT_EQ(run.state(), ScoreRun::DONE) << run.DebugString();
  EXPECT_EQ(run.customers(), 995);
  EXPECT_EQ(run.changed(), 995);
  EXPECT_THAT(run.rfm_cuts().recency_days(), ElementsAre(115, 181, 297.4, 482));
  EXPECT_THAT(run.rfm_cuts().orders(), ElementsAre(4, 5, 6, 8));
  EXPECT_EQ(Scores("Abbey O'Reilly").rfm().run(), run.name());
  EXPECT_EQ(Scores("Abbey O'Reilly").rfm().score(), 343);
  EXPECT_EQ(Scores("Admiral Senger").rfm().score(), 433);
  int64_t offsets = 0;
  for (const int64_t offset : run.read_to()) offsets += offset;
  EXPECT_EQ(offsets, orders_);
}

TEST_F(AnalyticsTest, RunAgainChangesNothing) {
  BuySome(1, 200);
  for (const auto model : {ScoreRun::RFM, ScoreRun::VALUE}) {
    SCOPED_TRACE(model);
    const ScoreRun first = Done(RunOf(model, 400, "first" + std::to_string(model)));
    ASSERT_EQ(first.state(), ScoreRun::DONE) << first.failure();
    EXPECT_EQ(first.changed(), 200);
    const auto before = desk_->Recorded().size();
    const ScoreRun second = Done(RunOf(model, 400, "second" + std::to_string(model)));
    EXPECT_EQ(second.state(), ScoreRun::DONE);
    EXPECT_EQ(second.changed(), 0);
    EXPECT_EQ(desk_->Recorded().size(), before + 2);
    EXPECT_EQ(second.rfm_cuts().SerializeAsString(), first.rfm_cuts().SerializeAsString());
    EXPECT_EQ(second.value_parameters().SerializeAsString(),
              first.value_parameters().SerializeAsString());
  }
}

TEST_F(AnalyticsTest, ValueRunGivesFiniteScores) {
  BuySome(2, 200);
  auto request = RunOf(ScoreRun::VALUE, 400, "v");
  request.mutable_run()->set_discount_rate(0.1);
  const ScoreRun run = Done(request);
  ASSERT_EQ(run.state(), ScoreRun::DONE) << run.failure();
  EXPECT_GT(run.value_parameters().r(), 0);
  for (int i = 0; i < 200; ++i) {
    const auto value = Scores("k" + std::to_string(i)).value();
    EXPECT_TRUE(std::isfinite(value.lifetime_value_minor()));
    EXPECT_GT(value.expected_spend_minor(), 0);
    EXPECT_GE(value.alive_probability(), 0);
    EXPECT_LE(value.alive_probability(), 1);
    EXPECT_LE(value.lifetime_value_minor(),
              value.expected_purchases() * value.expected_spend_minor() * (1 + 1e-9));
  }
}

TEST_F(AnalyticsTest, NewOrderChangesTheScoresOfSome) {
  BuySome(3, 40);
  Done(RunOf(ScoreRun::RFM, 400, "a"));
  Buy("k7", 399, 123'456);
  const ScoreRun run = Done(RunOf(ScoreRun::RFM, 400, "b"));
  EXPECT_GE(run.changed(), 1);
  EXPECT_LT(run.changed(), 40);
  EXPECT_EQ(Scores("k7").rfm().run(), run.name());
  EXPECT_EQ(Scores("k7").rfm().recency_days(), 1);
}

TEST_F(AnalyticsTest, WhoIsNoCustomerAnyMoreLosesTheScores) {
  BuySome(4, 20);
  const std::string gone = Contact("gone") + "/orders/o1";
  const testing::Sale sale{"USD", 100, 5 * kDayNs};
  desk_->Fold(gone, testing::Recorded(sale), sale.time);
  Done(RunOf(ScoreRun::RFM, 400, "a"));
  EXPECT_GT(Scores("gone").rfm().score(), 0);
  EXPECT_EQ(List("", 1000)->scores_size(), 21);
  desk_->Fold(gone, testing::Corrected(sale, {"EUR", 100, 0}), sale.time);
  const ScoreRun run = Done(RunOf(ScoreRun::RFM, 400, "b"));
  EXPECT_EQ(run.customers(), 20);
  EXPECT_EQ(Scores("gone").rfm().score(), 0);
  EXPECT_EQ(Scores("gone").rfm().run(), run.name());
  EXPECT_EQ(List("", 1000)->scores_size(), 20);
  EXPECT_EQ(Done(RunOf(ScoreRun::RFM, 400, "c")).changed(), 0);
}

TEST_F(AnalyticsTest, CrashedRunStartsOverWithTheSameEnd) {
  const unsigned first = TestSeed();
  for (unsigned seed = first; seed < first + 6; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    std::vector<std::vector<std::string>> dumps;
    for (const bool crash : {false, true}) {
      desk_ = std::make_unique<Desk>();
      orders_ = 0;
      BuySome(seed, 1'200);
      const std::string name = Start(RunOf(ScoreRun::RFM, 400, "a"));
      for (int i = 0; crash && i < 5; ++i) {
        desk_->React(static_cast<int>(random() % 3));
        desk_->Restart();
        if (random() % 2 == 0) desk_->MeetAgain();
      }
      EXPECT_TRUE(desk_->React());
      EXPECT_EQ(desk_->Get<ScoreRun>(name).changed(), 1'200);
      EXPECT_EQ(desk_->Recorded().size(), 1'202u);
      dumps.push_back(desk_->Dump());
    }
    EXPECT_EQ(dumps[0], dumps[1]);
  }
}

TEST_F(AnalyticsTest, EventMetAfterTheEndCausesNothing) {
  BuySome(5, 30);
  Done(RunOf(ScoreRun::RFM, 400, "a"));
  Buy("k3", 350, 99'999);
  const auto before = desk_->Recorded();
  desk_->Restart();
  desk_->MeetAgain();
  EXPECT_TRUE(desk_->React());
  EXPECT_EQ(desk_->Recorded(), before);
}

TEST_F(AnalyticsTest, ShuffledOrdersGiveTheSameBusinessDump) {
  BuySome(13, 200);
  auto bought = bought_;
  std::vector<std::vector<std::string>> dumps;
  for (int round = 0; round < 2; ++round) {
    desk_ = std::make_unique<Desk>();
    for (const auto& [name, sale] : bought) {
      desk_->Fold(name, testing::Recorded(sale), sale.time);
    }
    Done(RunOf(ScoreRun::RFM, 400, "a"));
    EXPECT_EQ(Done(RunOf(ScoreRun::VALUE, 400, "b")).state(), ScoreRun::DONE);
    dumps.push_back(desk_->Dump());
    std::shuffle(bought.begin(), bought.end(), std::mt19937(TestSeed()));
  }
  EXPECT_EQ(dumps[0], dumps[1]);
}

TEST_F(AnalyticsTest, RunsOfTenantsAreApart) {
  BuySome(6, 20);
  desk_->set_tenant("other");
  BuySome(7, 5);
  EXPECT_EQ(Done(RunOf(ScoreRun::RFM, 400, "a")).customers(), 5);
  desk_->set_tenant("t");
  EXPECT_EQ(Done(RunOf(ScoreRun::RFM, 400, "a")).customers(), 20);
}

// --- no answer, bad input

struct Degenerate {
  const char* what;
  ScoreRun::Model model;
  // key, day, amount
  std::vector<std::tuple<const char*, int32_t, int64_t>> orders;
  const char* reason;
};

TEST_F(AnalyticsTest, DegenerateCustomersFailTheRunWithTheReason) {
  const std::vector<Degenerate> cases = {
      {"none", ScoreRun::RFM, {}, "NO_CUSTOMERS"},
      {"none", ScoreRun::VALUE, {}, "NO_CUSTOMERS"},
      {"too late", ScoreRun::VALUE, {{"a", 401, 100}}, "NO_CUSTOMERS"},
      {"one order", ScoreRun::VALUE, {{"a", 1, 100}}, "NO_REPEATS"},
      {"no repeats", ScoreRun::VALUE, {{"a", 1, 100}, {"b", 2, 100}, {"b", 2, 90}}, "NO_REPEATS"},
      {"one customer", ScoreRun::VALUE, {{"a", 1, 100}, {"a", 2, 90}}, "DEGENERATE_FIT"},
      {"returns alone", ScoreRun::RFM, {{"a", 1, -100}}, "NO_CUSTOMERS"},
  };
  for (const Degenerate& test : cases) {
    SCOPED_TRACE(test.what);
    desk_ = std::make_unique<Desk>();
    for (const auto& [key, day, amount] : test.orders) Buy(key, day, amount);
    const auto request = RunOf(test.model, 400, "a");
    v1::PreviewScoreRunRequest preview;
    *preview.mutable_run() = request.run();
    const auto answer = desk_->Ask<ScoreRun>("PreviewScoreRun", preview);
    EXPECT_EQ(answer.status().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(ReasonOf(answer.status()), test.reason);
    const ScoreRun run = Done(request);
    EXPECT_EQ(run.state(), ScoreRun::FAILED);
    EXPECT_EQ(run.failure(), test.reason);
    EXPECT_THAT(desk_->Recorded(), ElementsAre("ScoreRunStarted", "ScoreRunFailed"));
  }
}

TEST_F(AnalyticsTest, PreviewIsWhatTheRunComputesAndRecordsNothing) {
  BuySome(8, 200);
  auto request = RunOf(ScoreRun::VALUE, 400, "a");
  v1::PreviewScoreRunRequest preview;
  *preview.mutable_run() = request.run();
  const auto answer = desk_->Ask<ScoreRun>("PreviewScoreRun", preview);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_THAT(desk_->Recorded(), IsEmpty());
  const ScoreRun run = Done(request);
  EXPECT_EQ(answer->value_parameters().SerializeAsString(),
            run.value_parameters().SerializeAsString());
  EXPECT_EQ(answer->customers(), run.customers());
  EXPECT_THAT(answer->read_to(), ::testing::ElementsAreArray(run.read_to()));
}

TEST_F(AnalyticsTest, ImpossibleRunsAreRefusedWithTheirFields) {
  v1::StartScoreRunRequest request;
  request.mutable_run()->mutable_analysis_time()->set_nanos(-1);
  request.mutable_run()->set_horizon_weeks(-1);
  request.mutable_run()->set_discount_rate(std::nan(""));
  request.mutable_run()->set_currency_code("ZZZ");
  const auto refused = desk_->Execute("StartScoreRun", request);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(FaultyFields(refused.status()),
              ElementsAre("run.model", "run.analysis_time", "run.currency_code",
                          "run.horizon_weeks", "run.discount_rate"));
  auto rfm = RunOf(ScoreRun::RFM, 1, "a");
  rfm.mutable_run()->set_horizon_weeks(5);
  EXPECT_THAT(FaultyFields(desk_->Execute("StartScoreRun", rfm).status()),
              ElementsAre("run.horizon_weeks"));
  auto value = RunOf(ScoreRun::VALUE, 1, "a");
  value.mutable_run()->set_horizon_weeks(std::numeric_limits<double>::infinity());
  EXPECT_THAT(FaultyFields(desk_->Execute("StartScoreRun", value).status()),
              ElementsAre("run.horizon_weeks"));
}

// --- lists

TEST_F(AnalyticsTest, ListsPageThroughAllInOrder) {
  BuySome(9, 200);
  Done(RunOf(ScoreRun::RFM, 400, "a"));
  Done(RunOf(ScoreRun::VALUE, 400, "b"));
  for (const std::string order :
       {"rfm.score desc", "value.lifetime_value_minor desc", "value.alive_probability"}) {
    SCOPED_TRACE(order);
    std::vector<std::pair<double, std::string>> listed;
    std::string token;
    do {
      const auto page = List(order, 7, token);
      ASSERT_TRUE(page.ok()) << page.status();
      for (const auto& scores : page->scores()) {
        const double key = order.starts_with("rfm")   ? -scores.rfm().score()
                           : order.ends_with(" desc") ? -scores.value().lifetime_value_minor()
                                                      : scores.value().alive_probability();
        listed.emplace_back(key, scores.name());
      }
      token = page->next_page_token();
    } while (!token.empty());
    EXPECT_EQ(listed.size(), 200u);
    EXPECT_TRUE(std::is_sorted(listed.begin(), listed.end()));
  }
  EXPECT_EQ(FaultyFields(List("name", 7).status()), std::vector<std::string>{"order_by"});
  const auto page = List("rfm.score desc", 7);
  EXPECT_EQ(ReasonOf(List("value.alive_probability", 7, page->next_page_token()).status()),
            "PAGE_TOKEN_INVALID");
  EXPECT_EQ(List("", -1).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(AnalyticsTest, RunsAreListedTheLatestFirst) {
  std::vector<std::string> names;
  for (int i = 0; i < 5; ++i) {
    names.insert(names.begin(), Start(RunOf(ScoreRun::RFM, 400, "r" + std::to_string(i))));
  }
  v1::ListScoreRunsRequest request;
  request.set_page_size(2);
  std::vector<std::string> listed;
  do {
    const auto page = desk_->Ask<v1::ListScoreRunsResponse>("ListScoreRuns", request);
    ASSERT_TRUE(page.ok()) << page.status();
    for (const auto& run : page->runs()) listed.push_back(run.name());
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(listed, names);
}

TEST_F(AnalyticsTest, SegmentsCountEveryScoredContactOnce) {
  BuySome(10, 50);
  Done(RunOf(ScoreRun::RFM, 300, "a"));
  Done(RunOf(ScoreRun::RFM, 400, "b"));
  std::map<std::pair<int, int>, int64_t> expected;
  const auto all = List("", 1000);
  ASSERT_TRUE(all.ok()) << all.status();
  for (const auto& scores : all->scores()) {
    ++expected[{scores.rfm().recency_score(), scores.rfm().frequency_score()}];
  }
  const auto segments = desk_->Ask<v1::RfmSegments>("GetRfmSegments", v1::GetRfmSegmentsRequest());
  ASSERT_TRUE(segments.ok()) << segments.status();
  EXPECT_EQ(segments->contacts(), 50);
  std::map<std::pair<int, int>, int64_t> found;
  for (const auto& segment : segments->segments()) {
    found[{segment.recency_score(), segment.frequency_score()}] = segment.contacts();
  }
  EXPECT_EQ(found, expected);
}

// --- sales

TEST_F(AnalyticsTest, ConcentrationOfTheGrocer) {
  BuyAll(CompleteJourneyBaskets());
  v1::GetConcentrationRequest request;
  request.set_currency_code("USD");
  request.add_top_fractions(0.2);
  request.set_curve_points(10);
  const auto answer = desk_->Ask<v1::Concentration>("GetConcentration", request);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->customers(), 2'377);
  EXPECT_EQ(answer->amount_minor(), 23'393'524);
  ASSERT_EQ(answer->top_size(), 1);
  EXPECT_EQ(answer->top(0).customers(), 475);
  EXPECT_NEAR(answer->top(0).share(), 0.5402, 5e-5);
  ASSERT_EQ(answer->curve_size(), 11);
  EXPECT_EQ(answer->curve(0).share(), 0);
  EXPECT_EQ(answer->curve(10).share(), 1);
  const auto totals = desk_->Ask<v1::SalesTotals>("GetSalesTotals", v1::GetSalesTotalsRequest());
  ASSERT_TRUE(totals.ok()) << totals.status();
  ASSERT_EQ(totals->sales_size(), 1);
  EXPECT_EQ(totals->sales(0).orders() + totals->sales(0).returns(), 47'243);
  EXPECT_EQ(totals->sales(0).amount_minor(), 23'393'524);
  EXPECT_EQ(totals->sales(0).customers(), 2'377);
}

TEST_F(AnalyticsTest, ConcentrationRefusesWhatMakesNoSense) {
  v1::GetConcentrationRequest request;
  request.set_currency_code("nothing");
  request.add_top_fractions(1.5);
  request.add_top_fractions(std::nan(""));
  request.set_curve_points(-1);
  EXPECT_THAT(FaultyFields(desk_->Ask<v1::Concentration>("GetConcentration", request).status()),
              ElementsAre("currency_code", "top_fractions[0]", "top_fractions[1]", "curve_points"));
  v1::GetConcentrationRequest none;
  none.set_currency_code("usd");
  EXPECT_EQ(ReasonOf(desk_->Ask<v1::Concentration>("GetConcentration", none).status()),
            "NO_CUSTOMERS");
  Buy("a", 1, 0);
  EXPECT_EQ(ReasonOf(desk_->Ask<v1::Concentration>("GetConcentration", none).status()), "NO_SALES");
}

TEST_F(AnalyticsTest, SalesCountUpToTheAnalysisDay) {
  Buy("a", 10, 100);
  Buy("a", 10, 50);
  Buy("a", 11, -20);
  Buy("b", 12, 7, "CHF");
  v1::GetSalesTotalsRequest request;
  SetTimestamp(11 * kDayNs, request.mutable_analysis_time());
  const auto totals = desk_->Ask<v1::SalesTotals>("GetSalesTotals", request);
  ASSERT_TRUE(totals.ok());
  ASSERT_EQ(totals->sales_size(), 1);
  EXPECT_EQ(totals->sales(0).orders(), 2);
  EXPECT_EQ(totals->sales(0).returns(), 1);
  EXPECT_EQ(totals->sales(0).amount_minor(), 130);
  EXPECT_EQ(totals->sales(0).purchase_days(), 1);
}

// --- predictions

TEST_F(AnalyticsTest, PredictionsComeFromTheRunsParameters) {
  BuySome(1, 200);
  const ScoreRun run = Done(RunOf(ScoreRun::VALUE, 400, "a"));
  ASSERT_EQ(run.state(), ScoreRun::DONE);
  const auto value = Scores("k1").value();
  v1::PredictPurchasesRequest request;
  request.set_run(run.name());
  request.set_horizon_weeks(52);
  request.add_new_customer_weeks(0);
  request.add_new_customer_weeks(10);
  auto* history = request.add_histories();
  history->set_repeat_purchases(value.repeat_purchases());
  history->set_last_purchase_weeks(value.last_purchase_weeks());
  history->set_observed_weeks(value.observed_weeks());
  history->set_mean_spend_minor(value.mean_spend_minor());
  const auto answer = desk_->Ask<v1::PurchasePrediction>("PredictPurchases", request);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->new_customer_purchases(0), 0);
  EXPECT_GT(answer->new_customer_purchases(1), 0);
  EXPECT_EQ(answer->histories(0).alive_probability(), value.alive_probability());
  EXPECT_EQ(answer->histories(0).expected_purchases(), value.expected_purchases());
  EXPECT_EQ(answer->histories(0).expected_spend_minor(), value.expected_spend_minor());

  history->set_observed_weeks(history->last_purchase_weeks() - 1);
  EXPECT_EQ(FaultyFields(desk_->Ask<v1::PurchasePrediction>("PredictPurchases", request).status()),
            std::vector<std::string>{"histories[0]"});
  request.clear_histories();
  request.set_new_customer_weeks(1, std::nan(""));
  EXPECT_EQ(FaultyFields(desk_->Ask<v1::PurchasePrediction>("PredictPurchases", request).status()),
            std::vector<std::string>{"new_customer_weeks[1]"});
}

TEST_F(AnalyticsTest, PredictionsNeedAFinishedValueRun) {
  BuySome(12, 20);
  v1::PredictPurchasesRequest request;
  request.set_run("contacts/c1");
  EXPECT_EQ(FaultyFields(desk_->Ask<v1::PurchasePrediction>("PredictPurchases", request).status()),
            std::vector<std::string>{"run"});
  request.set_run(Start(RunOf(ScoreRun::RFM, 400, "a")));
  EXPECT_EQ(ReasonOf(desk_->Ask<v1::PurchasePrediction>("PredictPurchases", request).status()),
            "RUN_NOT_DONE");
  desk_->React();
  EXPECT_EQ(ReasonOf(desk_->Ask<v1::PurchasePrediction>("PredictPurchases", request).status()),
            "NO_VALUE_PARAMETERS");
}

}  // namespace
}  // namespace crm::analytics
