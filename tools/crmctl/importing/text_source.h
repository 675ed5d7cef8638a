#pragma once

#include <cstdint>
#include <istream>
#include <optional>
#include <string>
#include <string_view>

namespace crm::crmctl {

// What the bytes of a file are.
enum class Encoding { kUtf8, kUtf16Le, kUtf16Be, kLatin1, kWindows1252 };

// "utf-8", "utf-16le", "utf-16be", "iso-8859-1", "windows-1252"; nothing for another name.
std::optional<Encoding> EncodingNamed(std::string_view name);
// What it is called, as EncodingNamed takes it.
std::string_view NameOf(Encoding encoding);

// A file's text as UTF-8, a block at a time: memory stays within two blocks. A byte order mark of
// UTF-8 or UTF-16 decides over what the caller said, and is no text. UTF-8 comes as it is, sound or
// not; what UTF-16 cannot mean (half a surrogate pair, half a unit at the end) comes as the byte
// FF, which is no UTF-8 either. Not thread-safe.
class TextSource {
 public:
  static constexpr size_t kBlockBytes = 64 << 10;

  // `in` outlives it; opened as binary.
  TextSource(std::istream& in, Encoding encoding) : in_(&in), encoding_(encoding) {}

  // More text, until the next call; empty at the end of the file.
  std::string_view Next();
  // Of the file, read so far.
  int64_t bytes() const { return bytes_; }
  // The file could not be read to its end.
  bool broken() const { return in_->bad(); }
  // The file's, once it has been read from.
  Encoding encoding() const { return encoding_; }

 private:
  void TakeByteOrderMark();
  void DecodeUtf16();
  void DecodeSingleBytes();

  std::istream* in_;
  Encoding encoding_;
  bool begun_ = false;
  int64_t bytes_ = 0;
  // As read, with what the last block left over.
  std::string raw_;
  std::string text_;
  // A high surrogate that waits for its other half; 0 = none.
  uint32_t high_ = 0;
};

}  // namespace crm::crmctl
