#include "services/campaign/domain/filter.h"

#include <gtest/gtest.h>

#include <google/rpc/error_details.pb.h>

#include "common/base/status.h"
#include "tests/support/test_seed.h"
#include "tests/unit/services/campaign/random_filters.h"

namespace crm::campaign {
namespace {

using testing::Draw;

const std::vector<std::string> kOthers = {"segments/sa", "segments/sb"};

bool Nowhere(std::string_view) {
  return false;
}

std::string Canonical(std::string_view text) {
  const auto filter = ParseFilter(text);
  return filter.ok() ? PrintFilter(*filter) : std::string(filter.status().message());
}

TEST(Filter, HasOneCanonicalText) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"orders.count>=3", "orders.count >= 3"},
      {" ( tag( \"a\" ) ) ", "tag(\"a\")"},
      {"stage in (REPEAT, CLIENT, REPEAT)", "stage in (REPEAT, CLIENT)"},
      {"stage in (CLIENT, REPEAT)", "stage in (REPEAT, CLIENT)"},
      {"NOT NOT kind = PERSON", "NOT NOT kind = PERSON"},
      {"NOT (tag(\"a\") AND tag(\"b\"))", "NOT (tag(\"a\") AND tag(\"b\"))"},
      {"tag(\"a\") AND (tag(\"b\") AND tag(\"c\"))", "tag(\"a\") AND tag(\"b\") AND tag(\"c\")"},
      {"tag(\"a\") OR tag(\"b\") AND tag(\"c\")", "tag(\"a\") OR tag(\"b\") AND tag(\"c\")"},
      {"(tag(\"a\") OR tag(\"b\")) AND tag(\"c\")", "(tag(\"a\") OR tag(\"b\")) AND tag(\"c\")"},
      {"value.alive_probability < 0.50", "value.alive_probability < 0.5"},
      {"value.lifetime_value > -0", "value.lifetime_value > 0"},
      {"orders.last_time < \"2017-06-30\"", "orders.last_time < \"2017-06-30T00:00:00Z\""},
      {"created = \"2017-06-30T08:00:00.120Z\"", "created = \"2017-06-30T08:00:00.12Z\""},
      {"language_code != \"a\\\\b\\\"c\"", "language_code != \"a\\\\b\\\"c\""},
      {"orders.amount(\"USD\") = -5", "orders.amount(\"USD\") = -5"},
      {"consent(\"marketing\",\"email\")", "consent(\"marketing\", \"email\")"},
  };
  for (const auto& [text, canonical] : cases) EXPECT_EQ(Canonical(text), canonical) << text;
}

TEST(Filter, FaultsNameTheByte) {
  const std::pair<std::string_view, int> cases[] = {
      {"", 0},
      {"   ", 3},
      {"age > 3", 0},
      {"orders.count", 12},
      {"orders.count > ", 15},
      {"orders.count > 3.5", 15},
      {"orders.count > \"3\"", 15},
      {"orders.count > 9223372036854775808", 15},
      {"orders.count > 99999999999999999999999999999999999999", 15},
      {"orders.count >> 3", 14},
      {"orders.count in ()", 17},
      {"orders.count in (1,)", 19},
      {"orders.count IN (1)", 13},
      {"orders.amount > 3", 14},
      {"orders.amount(USD) > 3", 14},
      {"orders.amount(\"\") > 3", 14},
      {"orders.last_time > 3", 19},
      {"orders.last_time > \"2017-02-30\"", 19},
      {"orders.last_time > \"2017-06-30T24:00:00Z\"", 19},
      {"orders.last_time > \"2017-06-30T08:00:00+01:00\"", 19},
      {"orders.last_time > \"1500-01-01\"", 19},
      {"value.alive_probability > 1e5", 27},
      {"value.alive_probability > 9999999999999999999", 26},
      {"value.alive_probability > .5", 26},
      {"value.alive_probability > 5.", 26},
      {"stage > REPEAT", 6},
      {"stage = LIFECYCLE_STAGE_UNSPECIFIED", 8},
      {"stage = repeat", 8},
      {"stage = \"REPEAT\"", 8},
      {"kind = KIND_UNSPECIFIED", 7},
      {"language_code < \"de\"", 14},
      {"language_code = de", 16},
      {"tag(\"a\") = 1", 9},
      {"tag", 3},
      {"consent(\"marketing\")", 19},
      {"tag(\"a\"", 7},
      {"tag(\"a", 4},
      {"tag(\"\\n\")", 6},
      {"tag(\"a\nb\")", 6},
      {"tag(\"a\") tag(\"b\")", 9},
      {"tag(\"a\") AND", 12},
      {"AND tag(\"a\")", 0},
      {"NOT", 3},
      {"(tag(\"a\")", 9},
      {"tag(\"a\"))", 8},
      {"tag(\"a\") & tag(\"b\")", 9},
      {"now > 3", 0},
      {"tag(\"\xff\")", 0},
  };
  for (const auto& [text, position] : cases) {
    const absl::Status status = ParseFilter(text).status();
    ASSERT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_EQ(ReasonOf(status), kFilterInvalid) << text;
    const std::string where = "at byte " + std::to_string(position) + ":";
    EXPECT_NE(status.message().find(where), absl::string_view::npos)
        << text << " -> " << status.message();
    google::rpc::BadRequest faults;
    ASSERT_TRUE(faults.ParseFromString(std::string(
        status.GetPayload("type.googleapis.com/google.rpc.BadRequest").value_or(absl::Cord()))));
    ASSERT_EQ(faults.field_violations_size(), 1);
    EXPECT_EQ(faults.field_violations(0).field(), "segment.filter");
  }
}

std::string Repeated(std::string_view text, int times) {
  std::string all;
  for (; times > 0; --times) all += text;
  return all;
}

TEST(Filter, DepthAndSizeAreBounded) {
  const std::string term = "tag(\"a\")";
  EXPECT_TRUE(ParseFilter(Repeated("(", 64) + term + Repeated(")", 64)).ok());
  EXPECT_FALSE(ParseFilter(Repeated("(", 65) + term + Repeated(")", 65)).ok());
  EXPECT_TRUE(ParseFilter(Repeated("NOT ", 64) + term).ok());
  EXPECT_FALSE(ParseFilter(Repeated("NOT ", 65) + term).ok());
  EXPECT_EQ(ReasonOf(ParseFilter(Repeated("(", 10'000) + term + Repeated(")", 10'000)).status()),
            kFilterInvalid);
  EXPECT_FALSE(ParseFilter(Repeated("(", 65'000)).ok());
  EXPECT_TRUE(ParseFilter(term + Repeated(" AND " + term, 5000)).ok());
  EXPECT_FALSE(ParseFilter(term + Repeated(" AND " + term, 6000)).ok());
  EXPECT_TRUE(ParseFilter("orders.count in (0" + Repeated(", 1", 999) + ")").ok());
  EXPECT_FALSE(ParseFilter("orders.count in (0" + Repeated(", 1", 1000) + ")").ok());
}

TEST(Filter, ComparisonsWithUnknownFactsAreFalse) {
  const ContactFacts unknown;
  for (const std::string_view field :
       {"language_code = \"en\"", "language_code != \"en\"", "rfm.score = 1", "rfm.score != 1",
        "orders.last_time < \"2017-01-01\"", "orders.last_time >= \"2017-01-01\"",
        "value.alive_probability < 1", "created != \"2017-01-01\"", "kind != PERSON"}) {
    EXPECT_FALSE(Matches(*ParseFilter(field), unknown, Nowhere)) << field;
    EXPECT_TRUE(Matches(*ParseFilter("NOT " + std::string(field)), unknown, Nowhere)) << field;
  }
  EXPECT_TRUE(Matches(*ParseFilter("orders.count = 0"), unknown, Nowhere));
  EXPECT_TRUE(Matches(*ParseFilter("orders.amount(\"USD\") = 0"), unknown, Nowhere));
  EXPECT_TRUE(Matches(*ParseFilter("stage = SUSPECT"), unknown, Nowhere));
}

TEST(Filter, TellsWhatItReads) {
  const auto reads =
      ReadsOf(*ParseFilter("orders.product(\"b\") AND NOT (orders.product(\"a\") OR rfm.score = 1 "
                           "OR segment(\"segments/sx\") OR orders.product(\"b\"))"));
  EXPECT_EQ(reads.facts.sources, (FactSources{.orders = true, .scores = true}));
  EXPECT_EQ(reads.facts.products, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(reads.segments, (std::vector<std::string>{"segments/sx"}));
}

// The language once more, as simply as can be.
std::optional<Literal> NaiveFact(const Term& term, const ContactFacts& facts) {
  const auto text = [](const std::string& value) {
    return value.empty() ? std::nullopt : std::optional<Literal>(value);
  };
  const std::string name(InfoOf(term.field).name);
  if (name == "language_code") return text(facts.language_code);
  if (name == "region_code") return text(facts.region_code);
  if (name == "time_zone") return text(facts.time_zone);
  if (name == "kind") return int64_t{facts.kind};
  if (name == "stage") return int64_t{facts.stage};
  if (name == "created") return facts.create_time;
  if (name == "orders.count") return facts.orders.count;
  if (name == "orders.amount") {
    for (const auto& [currency, amount] : facts.orders.amounts) {
      if (currency == term.arguments[0]) return amount;
    }
    return int64_t{0};
  }
  const auto time = [](std::optional<TimeNs> t) {
    return t ? std::optional<Literal>(*t) : std::nullopt;
  };
  if (name == "orders.first_time") return time(facts.orders.first_time);
  if (name == "orders.last_time") return time(facts.orders.last_time);
  if (name.starts_with("rfm.") && facts.rfm) {
    const std::map<std::string, int64_t> all = {{"rfm.score", facts.rfm->score},
                                                {"rfm.recency", facts.rfm->recency_score},
                                                {"rfm.frequency", facts.rfm->frequency_score},
                                                {"rfm.monetary", facts.rfm->monetary_score},
                                                {"rfm.recency_days", facts.rfm->recency_days},
                                                {"rfm.orders", facts.rfm->orders},
                                                {"rfm.amount", facts.rfm->amount_minor}};
    return all.at(name);
  }
  if (name.starts_with("value.") && facts.value) {
    const std::map<std::string, Literal> all = {
        {"value.repeat_purchases", facts.value->repeat_purchases},
        {"value.alive_probability", facts.value->alive_probability},
        {"value.expected_purchases", facts.value->expected_purchases},
        {"value.expected_spend", facts.value->expected_spend_minor},
        {"value.lifetime_value", facts.value->lifetime_value_minor}};
    return all.at(name);
  }
  return std::nullopt;
}

bool NaiveCondition(const Term& term, const ContactFacts& facts, const IsIn& is_in) {
  const std::string name(InfoOf(term.field).name);
  if (name == "segment") return is_in(term.arguments[0]);
  if (name == "consent") {
    for (const auto& consent : facts.consents) {
      if (consent.purpose == term.arguments[0] && consent.channel == term.arguments[1] &&
          consent.recipient.empty()) {
        return consent.granted;
      }
    }
    return false;
  }
  for (const auto& one : name == "tag" ? facts.tags : facts.orders.products) {
    if (one == term.arguments[0]) return true;
  }
  return false;
}

bool Naive(const Filter& filter, const ContactFacts& facts, const IsIn& is_in) {
  switch (filter.kind) {
    case Filter::Kind::kNot:
      return !Naive(filter.children[0], facts, is_in);
    case Filter::Kind::kAnd:
    case Filter::Kind::kOr: {
      size_t met = 0;
      for (const Filter& child : filter.children) met += Naive(child, facts, is_in) ? 1 : 0;
      return filter.kind == Filter::Kind::kOr ? met > 0 : met == filter.children.size();
    }
    case Filter::Kind::kTerm:
      break;
  }
  const Term& term = filter.term;
  if (InfoOf(term.field).type == FieldType::kCondition) return NaiveCondition(term, facts, is_in);
  const auto fact = NaiveFact(term, facts);
  if (!fact) return false;
  const std::string_view op = SpellingOf(term.op);
  for (const Literal& literal : term.literals) {
    const bool less = *fact < literal, equal = *fact == literal;
    if (op == "=" || op == "in") {
      if (equal) return true;
    } else if ((op == "!=" && !equal) || (op == "<" && less) || (op == "<=" && (less || equal)) ||
               (op == ">" && !less && !equal) || (op == ">=" && !less)) {
      return true;
    }
  }
  return false;
}

TEST(FilterProperty, PrintedAndParsedItIsTheSame) {
  Draw draw(TestSeed());
  for (int i = 0; i < 20'000; ++i) {
    const Filter filter = draw.AFilter(kOthers);
    const std::string text = PrintFilter(filter);
    const auto parsed = ParseFilter(text);
    ASSERT_TRUE(parsed.ok()) << text << " " << parsed.status();
    ASSERT_TRUE(*parsed == filter) << text << " became " << PrintFilter(*parsed);
  }
}

TEST(FilterProperty, MatchesAsTheNaiveReading) {
  Draw draw(TestSeed());
  int met = 0;
  for (int i = 0; i < 50'000; ++i) {
    const Filter filter = draw.AFilter(kOthers);
    const ContactFacts facts = draw.SomeFacts();
    const bool in_a = draw.Once(2);
    const IsIn is_in = [&](std::string_view segment) { return in_a && segment == kOthers[0]; };
    const bool expected = Naive(filter, facts, is_in);
    met += expected ? 1 : 0;
    ASSERT_EQ(Matches(filter, facts, is_in), expected) << PrintFilter(filter);
  }
  // Neither always nor never.
  EXPECT_GT(met, 5'000);
  EXPECT_LT(met, 45'000);
}

// Whatever the bytes: an error, or a filter whose canonical text is a fixed point.
void ExpectSound(const std::string& text) {
  const auto filter = ParseFilter(text);
  if (!filter.ok()) {
    EXPECT_EQ(ReasonOf(filter.status()), kFilterInvalid);
    return;
  }
  const std::string canonical = PrintFilter(*filter);
  const auto again = ParseFilter(canonical);
  ASSERT_TRUE(again.ok()) << canonical << " " << again.status();
  EXPECT_TRUE(*again == *filter) << canonical;
}

TEST(FilterProperty, AnyBytesAreAnswered) {
  Draw draw(TestSeed());
  const std::vector<std::string> pieces = {"(",
                                           ")",
                                           ",",
                                           "=",
                                           "!=",
                                           "<=",
                                           "in",
                                           "AND",
                                           "OR",
                                           "NOT",
                                           "\"",
                                           "\\",
                                           "tag",
                                           "kind",
                                           "stage",
                                           "1",
                                           "-",
                                           ".",
                                           "\"2017-06-30\"",
                                           "REPEAT",
                                           "PERSON",
                                           " ",
                                           "\n",
                                           "\xc3",
                                           "\xa9",
                                           "orders.count",
                                           "value.lifetime_value",
                                           "orders.amount",
                                           "\"USD\"",
                                           "0.0000001",
                                           "99999999999999999"};
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (int n = draw.Below(20); n > 0; --n) {
      text += draw.Once(4) ? std::string(1, static_cast<char>(draw.Below(256))) : draw.Of(pieces);
    }
    ExpectSound(text);
  }
  for (int i = 0; i < 20'000; ++i) {
    std::string text = PrintFilter(draw.AFilter(kOthers));
    for (int n = 1 + draw.Below(3); n > 0 && !text.empty(); --n) {
      const auto at = static_cast<size_t>(draw.Below(static_cast<int>(text.size())));
      if (draw.Once(2))
        text.erase(at, 1);
      else
        text[at] = static_cast<char>(draw.Below(128));
    }
    ExpectSound(text);
  }
}

}  // namespace
}  // namespace crm::campaign
