#include "tools/crmctl/table.h"

#include <gtest/gtest.h>

#include <sstream>

#include "common/base/status.h"
#include "tools/crmctl/console.h"
#include "tools/crmctl/exit_code.h"

namespace crm::crmctl {
namespace {

TEST(Table, AlignsUnderHeadings) {
  Table table({{"NAME"}, {"COUNT", Table::Align::kRight}, {"NOTE"}});
  table.Add({"a", "1,000", ""});
  table.Add({"longer", "7", "x"});
  EXPECT_EQ(table.ToString(),
            "NAME    COUNT  NOTE\n"
            "a       1,000\n"
            "longer      7  x\n");
}

TEST(Table, CountsColumnsOfATerminalNotBytes) {
  EXPECT_EQ(DisplayWidth("Zoë"), 3);
  EXPECT_EQ(DisplayWidth("Zoe\xCC\x88"), 3);
  EXPECT_EQ(DisplayWidth("東京"), 4);
  EXPECT_EQ(DisplayWidth("\xFF\xFE"), 2);
  Table table({{"N"}, {"X"}});
  table.Add({"東京", "1"});
  table.Add({"Zoë", "2"});
  EXPECT_EQ(table.ToString(), "N     X\n東京  1\nZoë   2\n");
}

TEST(Table, NothingInACellMovesTheCursor) {
  EXPECT_EQ(Printable("a\x1B[2Jb\nc\td\x7F"), "a [2Jb c d ");
  EXPECT_EQ(Printable("a\xC2\x9B"
                      "b\xE2\x80\xAE"),
            "a b ");
  EXPECT_EQ(Printable("a\xFF"
                      "b"),
            "a?b");
}

TEST(Table, ThousandsAreSet) {
  EXPECT_EQ(WithThousands(0), "0");
  EXPECT_EQ(WithThousands(999), "999");
  EXPECT_EQ(WithThousands(1000), "1,000");
  EXPECT_EQ(WithThousands(-1234567), "-1,234,567");
}

TEST(ExitCode, TellsNoFromUsageFromUnavailable) {
  EXPECT_EQ(ExitCodeOf(absl::OkStatus()), ExitCode::kOk);
  for (const auto code : {absl::StatusCode::kNotFound, absl::StatusCode::kFailedPrecondition,
                          absl::StatusCode::kAborted, absl::StatusCode::kDataLoss,
                          absl::StatusCode::kOutOfRange, absl::StatusCode::kInternal}) {
    EXPECT_EQ(ExitCodeOf(absl::Status(code, "x")), ExitCode::kNo);
  }
  EXPECT_EQ(ExitCodeOf(absl::InvalidArgumentError("x")), ExitCode::kUsage);
  for (const auto code : {absl::StatusCode::kUnavailable, absl::StatusCode::kDeadlineExceeded,
                          absl::StatusCode::kResourceExhausted}) {
    EXPECT_EQ(ExitCodeOf(absl::Status(code, "x")), ExitCode::kUnavailable);
  }
  EXPECT_EQ(ExitCodeOf(AnswerIsNo()), ExitCode::kNo);
  EXPECT_EQ(ExitCodeOf(InputWasBad()), ExitCode::kUsage);
}

TEST(ExitCode, ErrorsNameAllFieldsAndTheReason) {
  EXPECT_EQ(DescribeError(AnswerIsNo()), "");
  EXPECT_EQ(DescribeError(Error(absl::StatusCode::kNotFound, "GONE", "it is gone")),
            "it is gone (GONE)");
  FieldFaults faults;
  faults.Add("a", "is wrong");
  faults.Add("b", "is wrong too");
  EXPECT_EQ(DescribeError(faults.ToStatus()),
            "a: is wrong (and 1 more) (INVALID_FIELD)\n  b: is wrong too");
}

TEST(ProgressBar, IsSilentWhereNobodyLooks) {
  std::ostringstream out;
  std::ostringstream err;
  ManualClock clock(0);
  Console console{out, err, clock};
  ProgressBar(console, "rows").Show(10, 0.5);
  EXPECT_EQ(err.str(), "");
}

TEST(ProgressBar, DrawsOneLineAndTakesItAway) {
  std::ostringstream out;
  std::ostringstream err;
  ManualClock clock(kSecond);
  Console console{out, err, clock, true};
  {
    ProgressBar bar(console, "rows");
    clock.Advance(2 * kSecond);
    bar.Show(1000, 0.25);
    bar.Show(1001, 0.25);
  }
  EXPECT_EQ(err.str(),
            "\r\033[K[#######.......................]  25 %  1,000 rows  500/s  6 s left"
            "\r\033[K");
  EXPECT_EQ(out.str(), "");
}

}  // namespace
}  // namespace crm::crmctl
