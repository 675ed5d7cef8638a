#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace crm {

// Big endian, so that byte order is number order.
void AppendBe32(std::string* out, uint32_t value);
void AppendBe64(std::string* out, uint64_t value);
uint32_t ReadBe32(const char* in);
uint64_t ReadBe64(const char* in);

// LEB128, as protobuf writes it.
void AppendVarint(std::string* out, uint64_t value);
// Advances `in` past the number; false (and `in` undefined) when it is cut off or longer than 64
// bits.
bool ReadVarint(std::string_view* in, uint64_t* value);

// Length as varint, then the bytes.
void AppendSized(std::string* out, std::string_view bytes);
bool ReadSized(std::string_view* in, std::string_view* bytes);

// Lower-case hex.
std::string Hex(std::string_view bytes);
// RFC 4648 base32 alphabet in lower case, without padding.
std::string Base32(std::string_view bytes);
// RFC 4648 base64url without padding; decoding answers false on any other character or a bad
// length.
std::string Base64Url(std::string_view bytes);
bool Base64UrlDecode(std::string_view text, std::string* bytes);

// Well-formed UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF.
bool IsUtf8(std::string_view text);

// The smallest string greater than every string that starts with `prefix`; empty = none.
std::string PrefixEnd(std::string_view prefix);

}  // namespace crm
