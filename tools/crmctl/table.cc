#include "tools/crmctl/table.h"

#include <locale.h>
#include <wchar.h>

#include <algorithm>

#include "common/base/bytes.h"
#include "common/base/check.h"

namespace crm::crmctl {
namespace {

constexpr std::string_view kBetween = "  ";

// Made once and kept; C.UTF-8 is part of the C library.
locale_t Utf8Locale() {
  static const locale_t kLocale = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  return kLocale;
}

// The code point at the start of well-formed UTF-8, and its length.
struct CodePoint {
  wchar_t value;
  size_t bytes;
};

CodePoint FirstOf(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return {static_cast<wchar_t>(lead), 1};
  const size_t bytes = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  wchar_t value = lead & (0xFF >> (bytes + 1));
  for (size_t i = 1; i < bytes; ++i) value = value << 6 | (text[i] & 0x3F);
  return {value, bytes};
}

// C0, DEL, C1, and the characters that turn the direction of writing.
bool IsControl(wchar_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || (c >= 0x202A && c <= 0x202E) ||
         (c >= 0x2066 && c <= 0x2069);
}

}  // namespace

int DisplayWidth(std::string_view text) {
  if (!IsUtf8(text)) return static_cast<int>(text.size());
  const locale_t before = Utf8Locale() == nullptr ? nullptr : uselocale(Utf8Locale());
  int width = 0;
  while (!text.empty()) {
    const CodePoint c = FirstOf(text);
    const int columns = before == nullptr ? 1 : wcwidth(c.value);
    width += std::max(columns, 0);
    text.remove_prefix(c.bytes);
  }
  if (before != nullptr) uselocale(before);
  return width;
}

std::string Printable(std::string_view text) {
  const bool sound = IsUtf8(text);
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const bool ascii = static_cast<unsigned char>(text[0]) < 0x80;
    const CodePoint c = sound || ascii ? FirstOf(text) : CodePoint{L'?', 1};
    if (IsControl(c.value)) {
      out.push_back(' ');
    } else if (!sound && !ascii) {
      out.push_back('?');
    } else {
      out.append(text.substr(0, c.bytes));
    }
    text.remove_prefix(c.bytes);
  }
  return out;
}

void Table::Add(std::vector<std::string> cells) {
  CRM_CHECK(cells.size() == columns_.size());
  for (std::string& cell : cells) cell = Printable(cell);
  rows_.push_back(std::move(cells));
}

void Table::AppendRow(const std::vector<std::string>& cells, const std::vector<int>& widths,
                      std::string* out) const {
  for (size_t i = 0; i < cells.size(); ++i) {
    const auto padding = static_cast<size_t>(widths[i] - DisplayWidth(cells[i]));
    const bool right = columns_[i].align == Align::kRight;
    if (right) out->append(padding, ' ');
    *out += cells[i];
    if (i + 1 == cells.size()) break;
    if (!right) out->append(padding, ' ');
    *out += kBetween;
  }
  while (out->ends_with(' ')) out->pop_back();
  *out += '\n';
}

std::string Table::ToString() const {
  std::vector<std::string> headings;
  std::vector<int> widths;
  for (size_t i = 0; i < columns_.size(); ++i) {
    headings.push_back(columns_[i].heading);
    widths.push_back(DisplayWidth(columns_[i].heading));
    for (const auto& row : rows_) widths[i] = std::max(widths[i], DisplayWidth(row[i]));
  }
  std::string out;
  AppendRow(headings, widths, &out);
  for (const auto& row : rows_) AppendRow(row, widths, &out);
  return out;
}

std::string WithThousands(int64_t number) {
  std::string digits = std::to_string(number);
  const size_t first = number < 0 ? 1 : 0;
  for (size_t end = digits.size(); end > first + 3; end -= 3) digits.insert(end - 3, 1, ',');
  return digits;
}

}  // namespace crm::crmctl
