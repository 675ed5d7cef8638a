#include "services/contact/projection/name_words.h"

#include <unicode/coll.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <optional>

#include "common/base/check.h"

namespace crm::contact {
namespace {

// More characters than it takes to fill a cut key, marks that weigh nothing included.
constexpr int32_t kMaxUnits = 256;
constexpr int32_t kMaxWhole = 4096;

const icu::Collator& Primary() {
  static const icu::Collator* const collator = [] {
    UErrorCode error = U_ZERO_ERROR;
    icu::Collator* root = icu::Collator::createInstance(icu::Locale::getRoot(), error);
    CRM_CHECK(U_SUCCESS(error));
    root->setStrength(icu::Collator::PRIMARY);
    return root;
  }();
  return *collator;
}

bool IsOfWord(UChar32 c) {
  return u_hasBinaryProperty(c, UCHAR_ALPHABETIC) || u_isalnum(c) ||
         (U_GET_GC_MASK(c) & U_GC_M_MASK) != 0;
}

// Most people write an alef without its hamza or madda, though root collation tells them apart.
// Nothing for those marks by themselves.
std::optional<UChar32> Folded(UChar32 c) {
  constexpr UChar32 kAlef = 0x627;
  if (c == 0x622 || c == 0x623 || c == 0x625 || c == 0x671) return kAlef;
  if (c >= 0x653 && c <= 0x655) return std::nullopt;
  return c;
}

// The words of a name with one blank between them, and where each begins.
struct Words {
  icu::UnicodeString text;
  std::vector<int32_t> begins;
};

Words WordsOf(std::string_view name) {
  const auto unicode = icu::UnicodeString::fromUTF8(
      icu::StringPiece(name.data(), static_cast<int32_t>(name.size())));
  Words words;
  bool within = false;
  for (int32_t at = 0; at < unicode.length(); at = unicode.moveIndex32(at, 1)) {
    const UChar32 c = unicode.char32At(at);
    const bool of_word = IsOfWord(c);
    if (of_word && !within) {
      if (!words.begins.empty()) words.text.append(u' ');
      words.begins.push_back(words.text.length());
    }
    if (const auto folded = Folded(c); of_word && folded) words.text.append(*folded);
    within = of_word;
  }
  return words;
}

std::string KeyFrom(const icu::UnicodeString& text, int32_t begin, size_t max_bytes) {
  const bool cut = max_bytes <= kMaxSearchKey;
  const int32_t units = std::min(text.length() - begin, cut ? kMaxUnits : kMaxWhole);
  const char16_t* from = text.getBuffer() + begin;
  uint8_t buffer[256];
  int32_t size = Primary().getSortKey(from, units, buffer, sizeof buffer);
  std::vector<uint8_t> longer;
  const uint8_t* key = buffer;
  if (size > static_cast<int32_t>(sizeof buffer)) {
    longer.resize(static_cast<size_t>(size));
    size = Primary().getSortKey(from, units, longer.data(), size);
    key = longer.data();
  }
  // The key ends with a zero byte and holds no other.
  const size_t kept = std::min(static_cast<size_t>(std::max(size - 1, 0)), max_bytes);
  return std::string(key, key + kept);
}

}  // namespace

std::string SearchKey(std::string_view prefix) {
  const Words words = WordsOf(prefix);
  return words.begins.empty() ? "" : KeyFrom(words.text, 0, SIZE_MAX);
}

std::vector<std::string> SearchKeys(const std::vector<std::string_view>& names, size_t max_bytes) {
  std::vector<std::string> keys;
  for (const std::string_view name : names) {
    const Words words = WordsOf(name);
    for (const int32_t begin : words.begins) {
      keys.push_back(KeyFrom(words.text, begin, max_bytes));
    }
  }
  std::sort(keys.begin(), keys.end());
  // What a key begins lies right behind it.
  std::vector<std::string> kept;
  for (size_t i = 0; i < keys.size(); ++i) {
    const bool begins_next = i + 1 < keys.size() && keys[i + 1].starts_with(keys[i]);
    if (!keys[i].empty() && !begins_next) kept.push_back(std::move(keys[i]));
  }
  return kept;
}

}  // namespace crm::contact
