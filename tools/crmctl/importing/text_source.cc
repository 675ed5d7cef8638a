#include "tools/crmctl/importing/text_source.h"

#include <unicode/ucnv.h>
#include <unicode/utf16.h>
#include <unicode/utf8.h>

#include <array>
#include <utility>

#include "common/base/check.h"

namespace crm::crmctl {
namespace {

constexpr std::array<std::pair<std::string_view, Encoding>, 5> kNames = {{
    {"utf-8", Encoding::kUtf8},
    {"utf-16le", Encoding::kUtf16Le},
    {"utf-16be", Encoding::kUtf16Be},
    {"iso-8859-1", Encoding::kLatin1},
    {"windows-1252", Encoding::kWindows1252},
}};

constexpr std::string_view kUtf8Mark = "\xEF\xBB\xBF";
constexpr std::string_view kUtf16LeMark = "\xFF\xFE";
constexpr std::string_view kUtf16BeMark = "\xFE\xFF";
constexpr char kNoText = '\xFF';

using ByteTable = std::array<std::string, 256>;

void AppendUtf8(std::string* out, uint32_t code_point) {
  char bytes[U8_MAX_LENGTH];
  int32_t size = 0;
  U8_APPEND_UNSAFE(bytes, size, code_point);
  out->append(bytes, static_cast<size_t>(size));
}

// What each byte of a single-byte encoding means, asked of ICU once.
ByteTable MakeByteTable(const char* icu_name) {
  ByteTable table;
  UErrorCode error = U_ZERO_ERROR;
  UConverter* converter = ucnv_open(icu_name, &error);
  CRM_CHECK(U_SUCCESS(error));
  for (size_t i = 0; i < table.size(); ++i) {
    const char byte = static_cast<char>(i);
    UChar unit = 0;
    error = U_ZERO_ERROR;
    const int32_t size = ucnv_toUChars(converter, &unit, 1, &byte, 1, &error);
    if (U_FAILURE(error) || size != 1) {
      table[i] = std::string(1, kNoText);
    } else {
      AppendUtf8(&table[i], unit);
    }
  }
  ucnv_close(converter);
  return table;
}

const ByteTable& TableOf(Encoding encoding) {
  static const ByteTable latin1 = MakeByteTable("ISO-8859-1");
  static const ByteTable windows = MakeByteTable("windows-1252");
  return encoding == Encoding::kLatin1 ? latin1 : windows;
}

}  // namespace

std::optional<Encoding> EncodingNamed(std::string_view name) {
  for (const auto& [known, encoding] : kNames) {
    if (known == name) return encoding;
  }
  return std::nullopt;
}

std::string_view NameOf(Encoding encoding) {
  return kNames.at(static_cast<size_t>(encoding)).first;
}

void TextSource::TakeByteOrderMark() {
  const auto marked = [this](std::string_view mark, Encoding encoding) {
    if (!raw_.starts_with(mark)) return false;
    raw_.erase(0, mark.size());
    encoding_ = encoding;
    return true;
  };
  begun_ = true;
  if (marked(kUtf8Mark, Encoding::kUtf8) || marked(kUtf16LeMark, Encoding::kUtf16Le)) return;
  marked(kUtf16BeMark, Encoding::kUtf16Be);
}

std::string_view TextSource::Next() {
  text_.clear();
  while (text_.empty()) {
    const size_t left_over = raw_.size();
    raw_.resize(left_over + kBlockBytes);
    in_->read(raw_.data() + left_over, kBlockBytes);
    const auto got = static_cast<size_t>(in_->gcount());
    raw_.resize(left_over + got);
    bytes_ += static_cast<int64_t>(got);
    if (got == 0 && left_over == 0 && high_ == 0) return {};
    if (!begun_) TakeByteOrderMark();
    if (encoding_ == Encoding::kUtf8) {
      text_ = std::exchange(raw_, {});
    } else if (encoding_ == Encoding::kUtf16Le || encoding_ == Encoding::kUtf16Be) {
      DecodeUtf16();
      // The file ends within a unit or a pair.
      if (got == 0 && (!raw_.empty() || std::exchange(high_, 0) != 0)) text_.push_back(kNoText);
      if (got == 0) raw_.clear();
    } else {
      DecodeSingleBytes();
    }
    if (got == 0) break;
  }
  return text_;
}

void TextSource::DecodeUtf16() {
  const size_t low = encoding_ == Encoding::kUtf16Le ? 0 : 1;
  const size_t end = raw_.size() / 2 * 2;
  for (size_t i = 0; i < end; i += 2) {
    const uint32_t unit = static_cast<uint8_t>(raw_[i + low]) |
                          static_cast<uint32_t>(static_cast<uint8_t>(raw_[i + 1 - low])) << 8;
    const uint32_t high = std::exchange(high_, 0);
    if (high != 0 && U16_IS_TRAIL(unit)) {
      AppendUtf8(&text_, U16_GET_SUPPLEMENTARY(high, unit));
      continue;
    }
    if (high != 0) text_.push_back(kNoText);
    if (U16_IS_LEAD(unit)) {
      high_ = unit;
    } else if (U16_IS_TRAIL(unit)) {
      text_.push_back(kNoText);
    } else {
      AppendUtf8(&text_, unit);
    }
  }
  raw_.erase(0, end);
}

void TextSource::DecodeSingleBytes() {
  const ByteTable& table = TableOf(encoding_);
  for (const char byte : raw_) text_ += table[static_cast<uint8_t>(byte)];
  raw_.clear();
}

}  // namespace crm::crmctl
