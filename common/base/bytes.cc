#include "common/base/bytes.h"

#include <array>

namespace crm {

namespace {

template <typename Number>
void AppendBe(std::string* out, Number value) {
  char bytes[sizeof(value)];
  for (size_t i = sizeof(value); i-- > 0; value >>= 8) bytes[i] = static_cast<char>(value);
  out->append(bytes, sizeof(bytes));
}

}  // namespace

void AppendBe32(std::string* out, uint32_t value) {
  AppendBe(out, value);
}

void AppendBe64(std::string* out, uint64_t value) {
  AppendBe(out, value);
}

uint32_t ReadBe32(const char* in) {
  uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(in[i]);
  return value;
}

uint64_t ReadBe64(const char* in) {
  return static_cast<uint64_t>(ReadBe32(in)) << 32 | ReadBe32(in + 4);
}

void AppendVarint(std::string* out, uint64_t value) {
  while (value >= 0x80) {
    out->push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out->push_back(static_cast<char>(value));
}

bool ReadVarint(std::string_view* in, uint64_t* value) {
  uint64_t result = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (in->empty()) return false;
    const auto byte = static_cast<unsigned char>(in->front());
    in->remove_prefix(1);
    if (shift == 63 && byte > 1) return false;
    result |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) {
      *value = result;
      return true;
    }
  }
  return false;
}

void AppendSized(std::string* out, std::string_view bytes) {
  AppendVarint(out, bytes.size());
  out->append(bytes);
}

bool ReadSized(std::string_view* in, std::string_view* bytes) {
  uint64_t size;
  if (!ReadVarint(in, &size) || size > in->size()) return false;
  *bytes = in->substr(0, size);
  in->remove_prefix(size);
  return true;
}

std::string Hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    out.push_back(kDigits[static_cast<unsigned char>(c) >> 4]);
    out.push_back(kDigits[static_cast<unsigned char>(c) & 15]);
  }
  return out;
}

namespace {

// Writes `bytes` as digits of `bits` bits each, the last one filled with zero bits.
std::string Digits(std::string_view bytes, int bits, const char* alphabet) {
  std::string out((bytes.size() * 8 + bits - 1) / bits, '\0');
  char* next = out.data();
  const uint32_t mask = (1u << bits) - 1;
  uint32_t buffer = 0;
  int held = 0;
  for (const char c : bytes) {
    buffer = buffer << 8 | static_cast<unsigned char>(c);
    for (held += 8; held >= bits; held -= bits) {
      *next++ = alphabet[(buffer >> (held - bits)) & mask];
    }
  }
  if (held > 0) *next = alphabet[(buffer << (bits - held)) & mask];
  return out;
}

constexpr char kBase64Url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::array<int8_t, 256> MakeBase64Values() {
  std::array<int8_t, 256> values;
  values.fill(-1);
  for (int i = 0; i < 64; ++i) values[static_cast<unsigned char>(kBase64Url[i])] = i;
  return values;
}

}  // namespace

std::string Base32(std::string_view bytes) {
  return Digits(bytes, 5, "abcdefghijklmnopqrstuvwxyz234567");
}

std::string Base64Url(std::string_view bytes) {
  return Digits(bytes, 6, kBase64Url);
}

bool Base64UrlDecode(std::string_view text, std::string* bytes) {
  static const std::array<int8_t, 256> kValues = MakeBase64Values();
  if (text.size() % 4 == 1) return false;
  bytes->clear();
  uint32_t buffer = 0;
  int held = 0;
  for (const char c : text) {
    const int value = kValues[static_cast<unsigned char>(c)];
    if (value < 0) return false;
    buffer = buffer << 6 | static_cast<uint32_t>(value);
    held += 6;
    if (held >= 8) {
      held -= 8;
      bytes->push_back(static_cast<char>(buffer >> held));
    }
  }
  return (buffer & ((1u << held) - 1)) == 0;
}

bool IsUtf8(std::string_view text) {
  const auto* p = reinterpret_cast<const unsigned char*>(text.data());
  const auto* end = p + text.size();
  while (p < end) {
    if (*p < 0x80) {
      ++p;
      continue;
    }
    const int more = *p >= 0xc2 && *p <= 0xdf   ? 1
                     : *p >= 0xe0 && *p <= 0xef ? 2
                     : *p >= 0xf0 && *p <= 0xf4 ? 3
                                                : 0;
    if (more == 0 || end - p <= more) return false;
    if (*p == 0xe0 && p[1] < 0xa0) return false;
    if (*p == 0xed && p[1] > 0x9f) return false;
    if (*p == 0xf0 && p[1] < 0x90) return false;
    if (*p == 0xf4 && p[1] > 0x8f) return false;
    for (int i = 1; i <= more; ++i) {
      if ((p[i] & 0xc0) != 0x80) return false;
    }
    p += more + 1;
  }
  return true;
}

std::string PrefixEnd(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && static_cast<unsigned char>(end.back()) == 0xff) end.pop_back();
  if (!end.empty()) end.back() = static_cast<char>(end.back() + 1);
  return end;
}

}  // namespace crm
