#include "tools/crmctl/importing/vcard_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "common/base/bytes.h"
#include "tools/crmctl/cell_values.h"

namespace crm::crmctl {
namespace {

constexpr int kLeastPreferred = 101;

std::string Upper(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return upper;
}

bool IsMedia(const std::string& name) {
  static const std::set<std::string> kMedia = {"PHOTO", "LOGO", "SOUND", "KEY"};
  return kMedia.contains(name);
}

// The name of the property that a line holds, without its group.
std::string NameOf(std::string_view line) {
  std::string_view name = line.substr(0, line.find_first_of(":;"));
  if (const size_t dot = name.rfind('.'); dot != std::string_view::npos)
    name.remove_prefix(dot + 1);
  return Upper(name);
}

// Where the value begins: behind the first colon outside of quotes.
size_t ValueStart(std::string_view line) {
  bool quoted = false;
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"') quoted = !quoted;
    if (line[i] == ':' && !quoted) return i + 1;
  }
  return std::string_view::npos;
}

// Between semicolons outside of quotes, without the quotes.
std::vector<std::string> SplitParameters(std::string_view text) {
  std::vector<std::string> parts(1);
  bool quoted = false;
  for (const char c : text) {
    if (c == '"') {
      quoted = !quoted;
    } else if (c == ';' && !quoted) {
      parts.emplace_back();
    } else {
      parts.back().push_back(c);
    }
  }
  return parts;
}

bool IsLine(const std::string& line, std::string_view what) {
  std::string_view text = line;
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return Upper(text) == what;
}

}  // namespace

bool VcardProperty::HasType(std::string_view type) const {
  const std::string wanted = Upper(type);
  return std::any_of(parameters.begin(), parameters.end(), [&](const Parameter& parameter) {
    if (parameter.name != "TYPE") return false;
    for (const std::string_view each : SplitValue(parameter.value, ',')) {
      if (Upper(each) == wanted) return true;
    }
    return false;
  });
}

int VcardProperty::Preference() const {
  for (const Parameter& parameter : parameters) {
    if (parameter.name != "PREF") continue;
    return static_cast<int>(
        std::clamp<int64_t>(ParseWhole(parameter.value).value_or(1), 1, kLeastPreferred));
  }
  return HasType("pref") ? 1 : kLeastPreferred;
}

bool VcardReader::Ahead() {
  while (at_ == text_.size() && !exhausted_) {
    text_ = source_.Next();
    at_ = 0;
    exhausted_ = text_.empty();
  }
  return at_ < text_.size();
}

// A line of the file with its end; false at the end of the file.
bool VcardReader::Physical(std::string* line, bool* too_long) {
  if (!Ahead()) return false;
  ++line_;
  while (Ahead()) {
    const size_t end = text_.find('\n', at_);
    const size_t size = end == std::string::npos ? text_.size() - at_ : end + 1 - at_;
    // A picture's line: its beginning tells what it is.
    if (line->size() + size <= kMaxCardBytes) {
      line->append(text_, at_, size);
    } else {
      *too_long = true;
    }
    at_ += size;
    if (end != std::string::npos) break;
  }
  return true;
}

std::optional<VcardReader::Line> VcardReader::NextLine() {
  Line line;
  if (!Physical(&line.raw, &line.too_long)) return std::nullopt;
  line.number = line_;
  const auto without_end = [](std::string_view text) {
    if (text.ends_with('\n')) text.remove_suffix(1);
    if (text.ends_with('\r')) text.remove_suffix(1);
    return text;
  };
  line.text = without_end(line.raw);
  while (Ahead() && (text_[at_] == ' ' || text_[at_] == '\t')) {
    std::string more;
    Physical(&more, &line.too_long);
    if (line.raw.size() + more.size() > kMaxCardBytes) line.too_long = true;
    if (line.too_long) continue;
    line.text += without_end(std::string_view(more).substr(1));
    line.raw += more;
  }
  return line;
}

std::optional<VcardProperty> VcardReader::Parse(const Line& line) {
  const size_t start = ValueStart(line.text);
  if (start == std::string::npos) return std::nullopt;
  VcardProperty property;
  property.line = line.number;
  property.name = NameOf(line.text);
  property.value = line.text.substr(start);
  const auto parts = SplitParameters(std::string_view(line.text).substr(0, start - 1));
  for (size_t i = 1; i < parts.size(); ++i) {
    const size_t equals = parts[i].find('=');
    // vCard 2.1 and sloppy writers of 3.0 leave out "TYPE=".
    if (equals == std::string::npos) {
      property.parameters.push_back({"TYPE", parts[i]});
    } else {
      property.parameters.push_back(
          {Upper(parts[i].substr(0, equals)), parts[i].substr(equals + 1)});
    }
  }
  if (property.name.empty()) return std::nullopt;
  return property;
}

void VcardReader::AddLine(Line line, Vcard* card) {
  const auto fault = [&](std::string what) {
    card->faults.push_back({line.number, 0, std::move(what)});
  };
  if (line.text.empty() && !line.too_long) return;
  const std::string name = NameOf(line.text);
  if (IsMedia(name)) {
    ++card->media;
    return;
  }
  // What an earlier import wrote beside a card that it refused.
  if (name == "X-CRM-REFUSED") return;
  if (line.too_long || card->text.size() + line.raw.size() > kMaxCardBytes) {
    if (card->text.empty() && !card->faults.empty()) return;
    card->text.clear();
    card->properties.clear();
    return fault(fmt::format("the card is longer than {} bytes", kMaxCardBytes));
  }
  if (card->text.empty()) return;
  card->text += line.raw;
  if (!IsUtf8(line.text)) return fault("is not UTF-8; export the cards as UTF-8");
  if (auto property = Parse(line)) {
    card->properties.push_back(*std::move(property));
  } else {
    fault("is not 'NAME:value'");
  }
}

std::optional<Vcard> VcardReader::Next() {
  constexpr std::string_view kBegin = "BEGIN:VCARD";
  Vcard card;
  bool open = begun_.has_value();
  if (open) card.line = *std::exchange(begun_, std::nullopt);
  if (open) card.text = "BEGIN:VCARD\r\n";
  while (std::optional<Line> line = NextLine()) {
    const bool begins = IsLine(line->text, kBegin);
    if (!open && !begins) {
      if (line->text.find_first_not_of(" \t") == std::string::npos) continue;
      return Vcard{line->number, {}, "", {{line->number, 0, "stands outside of a card"}}, 0};
    }
    if (!open) {
      open = true;
      card.line = line->number;
      card.text = line->raw;
    } else if (begins) {
      begun_ = line->number;
      break;
    } else if (IsLine(line->text, "END:VCARD")) {
      if (!card.text.empty()) card.text += line->raw;
      return card;
    } else {
      AddLine(*std::move(line), &card);
    }
  }
  if (!open) return std::nullopt;
  card.faults.push_back({card.line, 0, "the card that begins here has no END:VCARD"});
  return card;
}

std::string Unescaped(std::string_view value) {
  std::string text;
  for (size_t i = 0; i < value.size(); ++i) {
    if (value[i] != '\\' || i + 1 == value.size()) {
      text.push_back(value[i]);
      continue;
    }
    ++i;
    text.push_back(value[i] == 'n' || value[i] == 'N' ? '\n' : value[i]);
  }
  return text;
}

std::vector<std::string_view> SplitValue(std::string_view value, char separator) {
  std::vector<std::string_view> parts;
  size_t begin = 0;
  for (size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '\\') {
      ++i;
    } else if (value[i] == separator) {
      parts.push_back(value.substr(begin, i - begin));
      begin = i + 1;
    }
  }
  parts.push_back(value.substr(begin));
  return parts;
}

}  // namespace crm::crmctl
