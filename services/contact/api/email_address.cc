#include "services/contact/api/email_address.h"

#include <arpa/inet.h>

#include <algorithm>

namespace crm::contact {
namespace {

constexpr size_t kMaxAddress = 254;
constexpr size_t kMaxLocal = 64;
constexpr size_t kMaxLabel = 63;
constexpr std::string_view kAtomSpecials = "!#$%&'*+-/=?^_`{|}~";
constexpr std::string_view kIpv6Tag = "ipv6:";

// The C library's functions of these names follow the process's locale.
bool IsLetterOrDigit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}
bool IsAtomChar(char c) {
  return IsLetterOrDigit(c) || kAtomSpecials.find(c) != std::string_view::npos;
}
bool IsPrintable(char c) {
  return c >= ' ' && c <= '~';
}

std::string LowerAscii(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

// Line ends stay: an address that holds one is refused, not repaired.
std::string_view TrimBlanks(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// Every piece between dots satisfies `good`.
template <typename Good>
bool AllPieces(std::string_view text, Good good) {
  while (true) {
    const size_t dot = text.find('.');
    if (!good(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool IsAtom(std::string_view piece) {
  return !piece.empty() && std::all_of(piece.begin(), piece.end(), IsAtomChar);
}

bool IsLabel(std::string_view piece) {
  return !piece.empty() && piece.size() <= kMaxLabel && piece.front() != '-' &&
         piece.back() != '-' && std::all_of(piece.begin(), piece.end(), [](char c) {
           return IsLetterOrDigit(c) || c == '-';
         });
}

// Bytes of the quoted string at the start of `text`, quotes included; 0 where there is none.
size_t QuotedLength(std::string_view text) {
  if (text.empty() || text[0] != '"') return 0;
  for (size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') return i + 1;
    if (text[i] == '\\') ++i;
    if (i >= text.size() || !IsPrintable(text[i])) return 0;
  }
  return 0;
}

// Bytes of the local part; 0 where it is malformed or no '@' follows.
size_t LocalLength(std::string_view text) {
  const size_t quoted = QuotedLength(text);
  const size_t length = quoted > 0 ? quoted : text.find('@');
  if (length > kMaxLocal || length >= text.size() || text[length] != '@') return 0;
  if (quoted > 0 || AllPieces(text.substr(0, length), IsAtom)) return length;
  return 0;
}

bool IsAddressLiteral(std::string_view domain) {
  if (domain.size() < 2 || domain.front() != '[' || domain.back() != ']') return false;
  const std::string inner = LowerAscii(domain.substr(1, domain.size() - 2));
  if (inner.find('\0') != std::string::npos) return false;
  in6_addr parsed;
  if (inner.starts_with(kIpv6Tag)) {
    return inet_pton(AF_INET6, inner.c_str() + kIpv6Tag.size(), &parsed) == 1;
  }
  return inet_pton(AF_INET, inner.c_str(), &parsed) == 1;
}

}  // namespace

std::optional<std::string> NormaliseEmail(std::string_view text) {
  text = TrimBlanks(text);
  if (text.size() > kMaxAddress) return std::nullopt;
  const size_t local = LocalLength(text);
  if (local == 0) return std::nullopt;
  const std::string_view domain = text.substr(local + 1);
  if (!AllPieces(domain, IsLabel) && !IsAddressLiteral(domain)) return std::nullopt;
  return std::string(text.substr(0, local + 1)) + LowerAscii(domain);
}

}  // namespace crm::contact
