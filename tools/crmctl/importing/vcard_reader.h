#pragma once

#include <cstdint>
#include <istream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/crmctl/csv_reader.h"
#include "tools/crmctl/importing/text_source.h"

namespace crm::crmctl {

// One line of a card, unfolded.
struct VcardProperty {
  int64_t line = 0;
  // In capitals, without the group.
  std::string name;
  struct Parameter {
    // In capitals.
    std::string name;
    std::string value;
  };
  std::vector<Parameter> parameters;
  // As it is written, escapes and all.
  std::string value;

  // Whether TYPE names it (any case), among others.
  bool HasType(std::string_view type) const;
  // 1 is the most preferred; 101 where nothing is said.
  int Preference() const;
};

struct Vcard {
  // Of BEGIN:VCARD.
  int64_t line = 0;
  // Without BEGIN and END, pictures, sounds and keys.
  std::vector<VcardProperty> properties;
  // The card as it is written, without pictures, sounds and keys; empty where it is too long.
  std::string text;
  std::vector<CsvFault> faults;
  // How many pictures, sounds and keys were passed over.
  int64_t media = 0;
};

// Reads vCard 3.0 (RFC 2426) and 4.0 (RFC 6350), a card at a time: folded lines, any case of names,
// LF or CRLF. What is no card, or is not closed, is a fault of its own; reading goes on with the
// next BEGIN:VCARD. A card may have kMaxCardBytes beside its pictures. Not thread-safe.
class VcardReader {
 public:
  static constexpr size_t kMaxCardBytes = 1 << 20;

  // `in` outlives it; opened as binary.
  explicit VcardReader(std::istream& in) : source_(in, Encoding::kUtf8) {}

  // nullopt at the end of the file.
  std::optional<Vcard> Next();
  // Consumed so far, to a block.
  int64_t bytes() const { return source_.bytes(); }

 private:
  struct Line {
    int64_t number = 0;
    std::string text;
    // As the file has it, folds and all.
    std::string raw;
    bool too_long = false;
  };

  std::optional<Line> NextLine();
  bool Physical(std::string* line, bool* too_long);
  bool Ahead();
  void AddLine(Line line, Vcard* card);
  static std::optional<VcardProperty> Parse(const Line& line);

  TextSource source_;
  std::string text_;
  size_t at_ = 0;
  bool exhausted_ = false;
  int64_t line_ = 0;
  // BEGIN that cut off the card before it.
  std::optional<int64_t> begun_;
};

// A value without its escapes.
std::string Unescaped(std::string_view value);
// Parts between unescaped separators, each still escaped.
std::vector<std::string_view> SplitValue(std::string_view value, char separator);

}  // namespace crm::crmctl
