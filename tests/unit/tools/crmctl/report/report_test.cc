#include "tools/crmctl/report/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/unit/tools/crmctl/report/sample_report.h"
#include "tests/unit/tools/crmctl/report/well_formed.h"
#include "tools/crmctl/report/figures.h"
#include "tools/crmctl/report/markup.h"

namespace crm::crmctl {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
constexpr int64_t kMost = std::numeric_limits<int64_t>::max();

// Would break out of text, of an attribute or of an element, turn the direction, or be no UTF-8.
const std::string kHostile =
    "</title></style><script>alert(1)</script>\" onload='x' &amp; ]]> --> \u202E \x01 \xFF \uFFFF";

Report Hostile() {
  Report report = SampleReport();
  report.title = report.subtitle = report.currency.code = kHostile;
  report.facts = {{kHostile, kHostile}};
  report.campaign_types = {{kHostile, 3, 1}};
  report.campaigns = {{kHostile, kHostile, 1, 2, 3, 1}};
  report.top_customers = {{kHostile, 1, 1, 1, 1}};
  report.customer = CustomerStory{.name = kHostile,
                                  .profile = {{kHostile, kHostile}},
                                  .scores = {{kHostile, kHostile}},
                                  .stages = {{kHostile, 1, kHostile}},
                                  .consents = {{kHostile, kHostile, kHostile, kHostile, 1}},
                                  .memberships = {kHostile},
                                  .timeline = {{TimelineEntry::Kind::kOrder, 1, kHostile, 100}}};
  return report;
}

size_t Count(const std::string& page, const std::string& part) {
  size_t count = 0;
  for (size_t at = page.find(part); at != std::string::npos; at = page.find(part, at + 1)) ++count;
  return count;
}

TEST(WellFormed, FindsFaults) {
  const std::string doctype = "<!DOCTYPE html>\n";
  EXPECT_EQ(XmlFault(doctype + "<p id=\"a\">x &amp; y<br/></p>"), "");
  for (const char* bad :
       {"<p>", "</p>", "<p><b></p></b>", "<p id=a></p>", "<p a=\"\" a=\"\"></p>", "a & b",
        "<a href=\"#x\"></a>", "<p id=\"a\"/><p id=\"a\"/>", "&nbsp;", "<p "}) {
    EXPECT_NE(XmlFault(doctype + bad), "") << bad;
  }
}

TEST(Markup, EscapesTextAndAttributes) {
  EXPECT_EQ(Escaped("a<b>&\"c\"'d'"), "a&lt;b&gt;&amp;&quot;c&quot;&#39;d&#39;");
  EXPECT_EQ(Escaped("x\ny\x01z\u202Ew"), "x y z w");
  EXPECT_EQ(Escaped("\xFF<"), "?&lt;");
  EXPECT_EQ(Escaped("\uFFFE\uFFFF"), "\uFFFD\uFFFD");
  EXPECT_EQ(Escaped("Zoë 株式会社"), "Zoë 株式会社");
}

TEST(Markup, NestsElements) {
  Markup out;
  out.Begin("p", {{"class", "a\"b"}}).Text("1 < 2").Empty("br", {}).End();
  EXPECT_EQ(std::move(out).Finish(), "<p class=\"a&quot;b\">1 &lt; 2<br/>\n</p>\n");
}

TEST(Figures, ReadAsPeopleWriteThem) {
  EXPECT_EQ(Money({"USD", 2}, int64_t{115605}), "1,156.05\u00A0USD");
  EXPECT_EQ(Money({"USD", 2}, int64_t{-5}), "\u22120.05\u00A0USD");
  EXPECT_EQ(Money({"JPY", 0}, int64_t{1234567}), "1,234,567\u00A0JPY");
  EXPECT_EQ(Money({"BHD", 3}, int64_t{1007}), "1.007\u00A0BHD");
  EXPECT_EQ(Money({"USD", 2}, 1234.5), "12.35\u00A0USD");
  EXPECT_EQ(Money({"JPY", 0}, kLeast), "\u22129,223,372,036,854,775,808\u00A0JPY");
  EXPECT_EQ(Money({"USD", 2}, kNan), "\u2013");
  EXPECT_EQ(Money({"USD", 2}, 1e300), "\u2013");
  EXPECT_EQ(Percent(.1656), "16.56\u00A0%");
  EXPECT_EQ(Percent(kInfinity), "\u2013");
  EXPECT_EQ(Rate(604, 3647), "16.56\u00A0%");
  EXPECT_EQ(Rate(0, 0), "\u2013");
  EXPECT_EQ(Date(0), "1970-01-01");
  EXPECT_EQ(Date(17531), "2017-12-31");
  EXPECT_EQ(Date(std::numeric_limits<int32_t>::max()), "\u2013");
}

TEST(Report, IsWellFormed) {
  EXPECT_EQ(XmlFault(RenderReport(SampleReport())), "");
  EXPECT_EQ(XmlFault(RenderReport({})), "");
  EXPECT_EQ(XmlFault(RenderReport(Hostile())), "");
}

TEST(Report, TextCannotBecomeMarkup) {
  const std::string page = RenderReport(Hostile());
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("onload='")));
  EXPECT_EQ(Count(page, "</style>"), 1U);
  EXPECT_EQ(Count(page, "&lt;/title&gt;&lt;/style&gt;&lt;script&gt;"), Count(page, "alert(1)"));
}

TEST(Report, LoadsNothing) {
  const std::string page = RenderReport(SampleReport());
  EXPECT_THAT(page, HasSubstr("default-src &#39;none&#39;; style-src &#39;unsafe-inline&#39;"));
  for (const char* part :
       {"<script", "<link", "<img", "<iframe", "src=", "url(", "@import", "https:"}) {
    EXPECT_THAT(page, Not(HasSubstr(part))) << part;
  }
  // Names of the two languages, which nobody fetches.
  EXPECT_EQ(Count(page, "http://"), 1 + Count(page, "<svg"));
}

TEST(Report, ShowsItsFigures) {
  const std::string page = RenderReport(SampleReport());
  EXPECT_THAT(page, HasSubstr("16.56\u00A0%  \u00B7  604 of 3,647"));
  EXPECT_THAT(page, HasSubstr("top 20\u00A0%: 54.02\u00A0%"));
  EXPECT_THAT(page, HasSubstr("1,186.04\u00A0USD"));
  EXPECT_THAT(page, HasSubstr("All 85 entries"));
  EXPECT_EQ(Count(page, "<tr"), 1U + 27 + 1 + 21 + 1 + 5 + 1 + 10 + 1 + 3 + 1 + 2 + 1 + 85);
}

TEST(Report, ChartsAreDescribed) {
  const std::string page = RenderReport(SampleReport());
  EXPECT_EQ(Count(page, "<svg"), 3U);
  EXPECT_EQ(Count(page, "role=\"img\""), 3U);
  EXPECT_EQ(Count(page, "<desc"), 3U);
  EXPECT_THAT(page, HasSubstr("The top 20\u00A0% of customers hold 54.02\u00A0% of sales."));
  EXPECT_EQ(Count(page, "<h1"), 1U);
  EXPECT_EQ(Count(page, "<h2"), 6U);
  EXPECT_THAT(page, HasSubstr("<html lang=\"en\""));
}

TEST(Report, HeatGrowsWithTheCount) {
  Report report;
  report.rfm = RfmCounts{};
  (*report.rfm)[4] = {0, 1, 30, 60, 100};
  const std::string page = RenderReport(report);
  for (const char* cell : {"<td class=\"h0\">0<", "<td class=\"h1\">1<", "<td class=\"h3\">30<",
                           "<td class=\"h4\">60<", "<td class=\"h5\">100<"}) {
    EXPECT_THAT(page, HasSubstr(cell));
  }
}

TEST(Report, EmptySectionsSaySo) {
  const std::string page = RenderReport({});
  EXPECT_EQ(Count(page, "class=\"note\""), 6U);
  EXPECT_EQ(Count(page, "<section"), 6U);
}

TEST(Report, NoNumberDrawsOutsideOrPrintsNonsense) {
  Report report = SampleReport();
  report.campaign_types = {{"A", 0, 0}, {"B", 1, 50}, {"C", -3, kMost}, {"D", kMost, kLeast}};
  report.concentration.curve = {{-1, kNan}, {.5, 1.5}, {kInfinity, -kInfinity}};
  report.concentration.highlight = {kNan, kInfinity};
  report.top_customers = {{"x", kNan, kNan, kInfinity, -kInfinity}, {"y", -5, 7, 1e300, 0}};
  report.rfm = RfmCounts{};
  (*report.rfm)[0] = {kMost, kLeast, -1, 0, 1};
  report.customer->timeline = {
      {TimelineEntry::Kind::kOrder, std::numeric_limits<int32_t>::min(), "", kLeast},
      {TimelineEntry::Kind::kOrder, std::numeric_limits<int32_t>::max(), "", kMost}};
  const std::string page = RenderReport(report);
  EXPECT_EQ(XmlFault(page), "");
  EXPECT_THAT(page, Not(HasSubstr("nan")));
  EXPECT_THAT(page, Not(HasSubstr("\"inf")));
  EXPECT_THAT(page, Not(HasSubstr("=\"-")));
}

TEST(Report, LongTimelinesListTheLatest) {
  Report report = SampleReport();
  report.customer->timeline.assign(5000, {TimelineEntry::Kind::kOrder, 17000, "early", 100});
  report.customer->timeline.push_back({TimelineEntry::Kind::kSend, 17100, "latest", std::nullopt});
  const std::string page = RenderReport(report);
  EXPECT_THAT(page, HasSubstr("The latest 100 of 5001 entries"));
  EXPECT_EQ(Count(page, ">early<"), 99U);
  EXPECT_LT(page.find(">latest<"), page.find(">early<"));
}

TEST(Report, IsTheSameEveryTime) {
  EXPECT_EQ(RenderReport(SampleReport()), RenderReport(SampleReport()));
}

}  // namespace
}  // namespace crm::crmctl
