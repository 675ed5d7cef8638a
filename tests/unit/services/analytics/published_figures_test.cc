// The models on real data against figures that others published or computed.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "services/analytics/domain/bgnbd.h"
#include "services/analytics/domain/concentration.h"
#include "services/analytics/domain/gamma_gamma.h"
#include "services/analytics/domain/rfm.h"
#include "services/analytics/domain/value.h"
#include "tests/unit/services/analytics/sample_data.h"

namespace crm::analytics {
namespace {

using ::testing::ElementsAre;

// Fader, Hardie and Lee (2005) and Fader and Hardie (2013), to the digits computed from the file.
constexpr BgNbdParameters kCdnowPurchases{.24259, 4.41360, .79292, 2.42589};
constexpr GammaGammaParameters kCdnowSpend{6.2488, 3.7446, 15.4477};

// The figures were computed from times rounded to hundredths of a week: 0.1 %, and their last
// digit.
#define EXPECT_FIGURE(value, figure) EXPECT_NEAR(value, figure, 1e-3 * (figure) + 5e-5)

class Cdnow : public ::testing::Test {
 protected:
  void SetUp() override {
    orders_ = CdnowOrders();
    if (orders_.empty()) {
      GTEST_SKIP() << "cdnow_sample.txt is not shipped; put it where $CRM_SHARED_DATA points";
    }
    for (const auto& [id, summary] : SummariesOf(orders_, DayOf("1997-09-30"))) {
      histories_.push_back(summary.history);
      spends_.push_back({summary.history.repeats, summary.mean_spend_minor / 100});
    }
  }

  OrdersByCustomer orders_;
  std::vector<PurchaseHistory> histories_;
  // In dollars.
  std::vector<RepeatSpend> spends_;
};

TEST_F(Cdnow, OrdersAreCounted) {
  int64_t amount = 0;
  size_t days = 0;
  for (const auto& [id, orders] : orders_) {
    std::set<int32_t> distinct;
    for (const DatedAmount& order : orders) {
      amount += order.amount_minor;
      distinct.insert(order.day);
    }
    days += distinct.size();
  }
  EXPECT_EQ(orders_.size(), 2357U);
  EXPECT_EQ(amount, 24'409'194);
  EXPECT_EQ(days, 6696U);
}

TEST_F(Cdnow, RepeatsAreCounted) {
  std::vector<int> customers(8);
  int repeats = 0;
  for (const PurchaseHistory& history : histories_) {
    customers[std::min(history.repeats, 7)] += 1;
    repeats += history.repeats;
  }
  EXPECT_EQ(repeats, 2457);
  EXPECT_THAT(customers, ElementsAre(1411, 439, 214, 100, 62, 38, 29, 64));
}

TEST_F(Cdnow, PurchasesAreFitted) {
  const auto fit = FitBgNbd(histories_);
  ASSERT_TRUE(fit.ok()) << fit.status();
  EXPECT_NEAR(fit->parameters.r / kCdnowPurchases.r, 1, 1e-3);
  EXPECT_NEAR(fit->parameters.alpha / kCdnowPurchases.alpha, 1, 1e-3);
  EXPECT_NEAR(fit->parameters.a / kCdnowPurchases.a, 1, 1e-3);
  EXPECT_NEAR(fit->parameters.b / kCdnowPurchases.b, 1, 1e-3);
  EXPECT_NEAR(fit->log_likelihood, -9582.429, .01);
  EXPECT_NEAR(BgNbdLogLikelihood(kCdnowPurchases, histories_).value(), -9582.429, .01);
}

TEST(CdnowModel, ExpectedPurchases) {
  const std::vector<std::pair<double, double>> figures{
      {.1429, .0078}, {1, .0532}, {3, .1506}, {31.8571, 1.0405}, {32, 1.0437}, {78, 1.8576}};
  for (const auto& [weeks, purchases] : figures) {
    EXPECT_FIGURE(ExpectedPurchases(kCdnowPurchases, weeks).value(), purchases) << weeks;
  }
}

TEST(CdnowModel, FuturePurchasesOfOneCustomer) {
  EXPECT_FIGURE(ExpectedFuturePurchases(kCdnowPurchases, {2, 30.43, 38.86}, 39).value(), 1.226);
}

TEST_F(Cdnow, AliveProbabilities) {
  const auto alive = [&](size_t customer) {
    return AliveProbability(kCdnowPurchases, histories_[customer - 1]).value();
  };
  EXPECT_FIGURE(alive(1), .7266);
  EXPECT_FIGURE(alive(2), .2122);
  EXPECT_EQ(alive(3), 1);
  EXPECT_FIGURE(alive(6), .6418);
}

TEST_F(Cdnow, SpendIsFitted) {
  const auto fit = FitGammaGamma(spends_);
  ASSERT_TRUE(fit.ok()) << fit.status();
  EXPECT_EQ(fit->customers, 946);
  EXPECT_NEAR(fit->parameters.p / kCdnowSpend.p, 1, 1e-3);
  EXPECT_NEAR(fit->parameters.q / kCdnowSpend.q, 1, 1e-3);
  EXPECT_NEAR(fit->parameters.gamma / kCdnowSpend.gamma, 1, 1e-3);
  EXPECT_NEAR(fit->log_likelihood, -4055.923, .01);
}

TEST_F(Cdnow, ExpectedSpendOfTheFirstTen) {
  const auto fit = FitGammaGamma(spends_);
  ASSERT_TRUE(fit.ok()) << fit.status();
  const std::vector<double> figures{24.6586, 18.9115, 35.1710, 35.1710, 35.1710,
                                    71.4629, 18.9115, 35.1710, 27.2824, 35.1710};
  for (size_t i = 0; i < figures.size(); ++i) {
    EXPECT_FIGURE(ExpectedSpend(fit->parameters, spends_[i]).value(), figures[i]) << i + 1;
  }
}

TEST_F(Cdnow, TheUnitOfMoneyScalesGammaAlone) {
  std::vector<RepeatSpend> in_cents = spends_;
  for (RepeatSpend& spend : in_cents) spend.mean *= 100;
  const auto dollars = FitGammaGamma(spends_);
  const auto cents = FitGammaGamma(in_cents);
  ASSERT_TRUE(dollars.ok() && cents.ok());
  EXPECT_NEAR(cents->parameters.p, dollars->parameters.p, 1e-6);
  EXPECT_NEAR(cents->parameters.q, dollars->parameters.q, 1e-6);
  EXPECT_NEAR(cents->parameters.gamma, dollars->parameters.gamma * 100, 1e-4);
  EXPECT_NEAR(cents->log_likelihood, dollars->log_likelihood - 946 * std::log(100.0), 1e-6);
}

TEST(CompleteJourney, TopFifthHoldsMoreThanHalfOfSales) {
  const OrdersByCustomer orders = CompleteJourneyBaskets();
  std::vector<CustomerSales> sales;
  for (const auto& [household, baskets] : orders) {
    sales.push_back({household, 0});
    for (const DatedAmount& basket : baskets) sales.back().amount_minor += basket.amount_minor;
  }
  ASSERT_EQ(sales.size(), 2377U);
  const auto curve = Concentration(sales, std::vector<int32_t>{200'000, kWholePpm});
  ASSERT_TRUE(curve.ok()) << curve.status();
  EXPECT_EQ((*curve)[0].customers, 475);
  EXPECT_NEAR((*curve)[0].share, .5402, 5e-5);
  EXPECT_EQ((*curve)[1].amount_minor, 23'393'524);
}

TEST(CompleteJourney, HouseholdsHaveAValue) {
  std::vector<PurchaseHistory> histories;
  std::vector<RepeatSpend> spends;
  for (const auto& [id, summary] : SummariesOf(CompleteJourneyBaskets(), DayOf("2017-12-31"))) {
    histories.push_back(summary.history);
    spends.push_back({summary.history.repeats, summary.mean_spend_minor});
  }
  const auto purchases = FitBgNbd(histories);
  ASSERT_TRUE(purchases.ok()) << purchases.status();
  const auto spend = FitGammaGamma(spends);
  ASSERT_TRUE(spend.ok()) << spend.status();
  // Nearly all households still buy: the probability to leave is small, and both parameters of it
  // are found nevertheless.
  EXPECT_LT(purchases->parameters.a / (purchases->parameters.a + purchases->parameters.b), .01);
  for (size_t i = 0; i < histories.size(); ++i) {
    const auto value = ValueCustomer(purchases->parameters, spend->parameters, histories[i],
                                     spends[i].mean, {.horizon_weeks = 52, .yearly_discount = .1});
    ASSERT_TRUE(value.ok()) << value.status();
    EXPECT_GT(value->lifetime_value, 0);
    EXPECT_LT(value->lifetime_value, value->expected_purchases * value->expected_spend);
  }
}

TEST(RfmOrders, CutsAndScores) {
  const auto summaries = SummariesOf(RfmOrders(), DayOf("2006-12-31"));
  std::vector<RfmInputs> customers;
  int64_t amount = 0;
  for (const auto& [id, summary] : summaries) {
    customers.push_back(summary.rfm);
    amount += summary.rfm.amount_minor;
  }
  ASSERT_EQ(customers.size(), 995U);
  EXPECT_EQ(amount, 46'415'800);
  const auto cuts = CutRfm(customers, 100);
  ASSERT_TRUE(cuts.ok()) << cuts.status();
  EXPECT_THAT(cuts->recency_days, ElementsAre(115, 181, 297.4, 482));
  EXPECT_THAT(cuts->orders, ElementsAre(4, 5, 6, 8));
  EXPECT_THAT(cuts->amount_minor, ElementsAre(25580, 38200, 50640, 66600));

  std::map<std::string, int32_t> scores;
  std::set<int32_t> distinct;
  for (const auto& [id, summary] : summaries) {
    scores[id] = ScoreRfm(*cuts, summary.rfm).Combined();
    distinct.insert(scores[id]);
  }
  EXPECT_EQ(distinct.size(), 92U);
  EXPECT_EQ(scores["Abbey O'Reilly"], 343);
  EXPECT_EQ(scores["Add Senger"], 412);
  EXPECT_EQ(scores["Aden Lesch"], 323);
  EXPECT_EQ(scores["Aden Murphy"], 544);
  EXPECT_EQ(scores["Admiral Senger"], 433);
}

}  // namespace
}  // namespace crm::analytics
