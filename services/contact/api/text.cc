#include "services/contact/api/text.h"

#include <unicode/bytestream.h>
#include <unicode/locid.h>
#include <unicode/normalizer2.h>
#include <unicode/timezone.h>
#include <unicode/uchar.h>
#include <unicode/uloc.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>

namespace crm::contact {
namespace {

icu::StringPiece Piece(std::string_view text) {
  return icu::StringPiece(text.data(), static_cast<int32_t>(text.size()));
}

bool HasControlCharacter(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

std::string_view TrimWhiteSpace(std::string_view text) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  int32_t begin = 0;
  int32_t end = static_cast<int32_t>(text.size());
  UChar32 c = 0;
  for (int32_t next = 0; begin < end; begin = next) {
    U8_NEXT(bytes, next, end, c);
    if (c < 0 || !u_isUWhiteSpace(c)) break;
  }
  for (int32_t before = end; before > begin; end = before) {
    U8_PREV(bytes, begin, before, c);
    if (c < 0 || !u_isUWhiteSpace(c)) break;
  }
  return text.substr(begin, end - begin);
}

std::optional<std::string> Nfc(std::string_view text) {
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* nfc = icu::Normalizer2::getNFCInstance(error);
  if (U_FAILURE(error)) return std::nullopt;
  std::string out;
  icu::StringByteSink<std::string> sink(&out);
  nfc->normalizeUTF8(0, Piece(text), sink, nullptr, error);
  if (U_FAILURE(error)) return std::nullopt;
  return out;
}

std::string Upper(std::string_view code) {
  std::string upper(code);
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return upper;
}

// Remembers what a slow pure function of few distinct texts answered, per thread. Texts that come
// from callers are many in the worst case: a full memory starts over.
template <std::optional<std::string> (*Function)(std::string_view)>
std::optional<std::string> Remembered(std::string_view text) {
  constexpr size_t kMost = 512;
  thread_local std::map<std::string, std::optional<std::string>, std::less<>> memory;
  if (const auto found = memory.find(text); found != memory.end()) return found->second;
  if (memory.size() >= kMost) memory.clear();
  return memory.emplace(std::string(text), Function(text)).first->second;
}

std::optional<std::string> CanonicalLanguage(std::string_view tag) {
  UErrorCode error = U_ZERO_ERROR;
  icu::Locale locale = icu::Locale::forLanguageTag(Piece(tag), error);
  locale.canonicalize(error);
  std::string canonical = locale.toLanguageTag<std::string>(error);
  if (U_FAILURE(error) || canonical == "und") return std::nullopt;
  return canonical;
}

std::optional<std::string> KnownRegion(std::string_view code) {
  const std::string upper = Upper(code);
  // Ascension and Tristan da Cunha: reserved, not assigned, but people live and have phones there.
  if (upper == "AC" || upper == "TA") return upper;
  for (const char* const* known = uloc_getISOCountries(); *known != nullptr; ++known) {
    if (upper == *known) return upper;
  }
  return std::nullopt;
}

// ICU knows more three-letter names than IANA, and means something else by some ("BST" is Dhaka).
bool IsForeignAbbreviation(std::string_view name) {
  constexpr std::array<std::string_view, 13> kIana = {
      "CET", "EET", "EST", "GMT", "HST", "MET", "MST", "PRC", "ROC", "ROK", "UCT", "UTC", "WET"};
  return name.size() == 3 && std::find(kIana.begin(), kIana.end(), name) == kIana.end();
}

}  // namespace

std::optional<std::string> NormaliseText(std::string_view text) {
  text = TrimWhiteSpace(text);
  if (HasControlCharacter(text)) return std::nullopt;
  return Nfc(text);
}

std::optional<std::string> NormaliseLanguage(std::string_view tag) {
  return Remembered<CanonicalLanguage>(tag);
}

std::optional<std::string> NormaliseRegion(std::string_view code) {
  return Remembered<KnownRegion>(code);
}

namespace {

std::optional<std::string> KnownTimeZone(std::string_view name) {
  if (IsForeignAbbreviation(name) || name == "Etc/Unknown") return std::nullopt;
  UErrorCode error = U_ZERO_ERROR;
  UBool known = false;
  icu::UnicodeString canonical;
  icu::TimeZone::getCanonicalID(icu::UnicodeString::fromUTF8(Piece(name)), canonical, known, error);
  if (U_FAILURE(error) || !known) return std::nullopt;
  return std::string(name);
}

}  // namespace

std::optional<std::string> NormaliseTimeZone(std::string_view name) {
  return Remembered<KnownTimeZone>(name);
}

}  // namespace crm::contact
