#include "services/contact/projection/name_words.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "common/base/random.h"

namespace crm::contact {
namespace {

bool Finds(const std::string& prefix, const std::vector<std::string_view>& names) {
  const std::string key = SearchKey(prefix);
  const auto keys = SearchKeys(names, SIZE_MAX);
  return std::any_of(keys.begin(), keys.end(),
                     [&](const std::string& word) { return word.starts_with(key); });
}

TEST(NameWords, AnyWordIsFoundByItsBeginning) {
  for (const char* prefix : {"a", "ad", "Ada", "l", "love", "ada lov", "Lovelace"}) {
    EXPECT_TRUE(Finds(prefix, {"Ada Lovelace"})) << prefix;
  }
  for (const char* prefix : {"d", "ove", "adal", "lovelace ada", "ad lov", "Lovelacey"}) {
    EXPECT_FALSE(Finds(prefix, {"Ada Lovelace"})) << prefix;
  }
}

TEST(NameWords, EveryScriptIsFoundWhateverCaseAndAccents) {
  struct Case {
    const char* script;
    std::string name;
    std::vector<std::string> found_by;
    std::vector<std::string> not_by;
  };
  const std::vector<Case> cases = {
      {"Latin",
       "Zoë Müller-Ørsted",
       {"zoe", "ZOË", "mull", "MÜLL", "ors", "ørs"},
       {"uller", "zoa"}},
      {"Cyrillic", "Фёдор Достоевский", {"фед", "ФЁД", "дост"}, {"дор", "fed"}},
      {"Greek", "Άννα Παπαδοπούλου", {"αν", "ΑΝΝΑ", "άννα", "παπαδοπουλ"}, {"ννα"}},
      {"Arabic", "أحمد مُحَمَّد", {"احمد", "أحم", "محمد", "مح"}, {"حمد"}},
      {"Chinese", "王小明", {"王", "王小", "王小明"}, {"小明", "李"}},
      {"Japanese", "やまだ タロウ", {"やま", "ヤマダ", "たろう", "ﾀﾛ"}, {"まだ"}},
      {"Korean", "김철수", {"김", "김철"}, {"철수"}},
      {"Hebrew", "דָּוִד כהן", {"דוד", "כה"}, {"וד"}},
      {"Devanagari", "अमित शर्मा", {"अमि", "शर्"}, {"मित"}}};
  for (const Case& each : cases) {
    for (const auto& prefix : each.found_by) {
      EXPECT_TRUE(Finds(prefix, {each.name})) << each.script << " " << prefix;
    }
    for (const auto& prefix : each.not_by) {
      EXPECT_FALSE(Finds(prefix, {each.name})) << each.script << " " << prefix;
    }
  }
}

TEST(NameWords, PunctuationPartsWordsAndIsNotLookedFor) {
  EXPECT_TRUE(Finds("o'b", {"Sinéad O'Brien"}));
  EXPECT_TRUE(Finds("Brien", {"Sinéad O'Brien"}));
  EXPECT_TRUE(Finds("o b", {"Sinéad O’Brien"}));
  EXPECT_TRUE(Finds("  luc", {"Jean-Luc (Jr.)"}));
  EXPECT_TRUE(Finds("jr", {"Jean-Luc (Jr.)"}));
  for (const char* nothing : {"", " ", "-", "…!", "\xCC\x81"}) EXPECT_EQ(SearchKey(nothing), "");
}

TEST(NameWords, KeyOfAWordThatBeginsAnotherIsLeftOut) {
  EXPECT_EQ(SearchKeys({"Ada Lovelace", "Ada", "Lovelace"}, kMaxSearchKey).size(), 2u);
  EXPECT_EQ(SearchKeys({"王小明", "小明", "王"}, kMaxSearchKey).size(), 2u);
  EXPECT_TRUE(SearchKeys({"", " ", "?"}, kMaxSearchKey).empty());
}

// What all searches rest on: whatever follows, the key begins alike.
TEST(NameWordsProperty, KeyOfABeginningBeginsTheKey) {
  const std::vector<std::string> pieces = {
      "a",  "Z",  "é",          "ø",  "ß",  "æ",  "ﬁ", "1",  " ", "-", "'",
      "я",  "Й",  "ё",          "α",  "Σ",  "ς",  "ά", "م",  "أ", "ة", "ى",
      "王", "小", "\U00020000", "か", "ガ", "ー", "ﾀ", "한", "ש", "क", "ि"};
  SeededRandom random(7);
  for (int i = 0; i < 20'000; ++i) {
    std::string begin, whole;
    for (uint64_t n = 1 + random.Next64() % 6; n > 0; --n) {
      begin += pieces[random.Next64() % pieces.size()];
    }
    whole = begin;
    for (uint64_t n = random.Next64() % 6; n > 0; --n) {
      whole += pieces[random.Next64() % pieces.size()];
    }
    const std::string key = SearchKey(begin);
    EXPECT_EQ(key.find('\0'), std::string::npos);
    EXPECT_TRUE(SearchKey(whole).starts_with(key)) << begin << " / " << whole;
    if (!key.empty()) {
      EXPECT_TRUE(Finds(begin, {whole})) << begin << " / " << whole;
    }
  }
}

}  // namespace
}  // namespace crm::contact
