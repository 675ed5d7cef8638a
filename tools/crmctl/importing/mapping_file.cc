#include "tools/crmctl/importing/mapping_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>

#include "common/base/bytes.h"
#include "common/base/status.h"
#include "tools/crmctl/importing/contact_field.h"

namespace crm::crmctl {
namespace {

constexpr size_t kMaxFileBytes = 1 << 20;

bool IsBlank(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && IsBlank(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsBlank(text.back())) text.remove_suffix(1);
  return text;
}

// One line, word by word. Not thread-safe.
class LineScanner {
 public:
  explicit LineScanner(std::string_view line) : rest_(line) {}

  // Nothing but a comment is left.
  bool AtEnd() {
    rest_ = Trimmed(rest_);
    return rest_.empty() || rest_.front() == '#';
  }
  bool Take(char c) {
    if (AtEnd() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  // A word up to one of `ends` or a comment, or what quotes hold; nothing where there is none, or a
  // quote is not closed.
  std::optional<std::string> Word(std::string_view ends) {
    if (AtEnd()) return std::nullopt;
    if (rest_.front() == '"') return Quoted();
    const size_t end = std::min(rest_.find_first_of(ends), rest_.find(" #"));
    const std::string_view word = Trimmed(rest_.substr(0, end));
    rest_.remove_prefix(std::min(end, rest_.size()));
    if (word.empty()) return std::nullopt;
    return std::string(word);
  }

 private:
  std::optional<std::string> Quoted() {
    std::string word;
    for (size_t i = 1; i < rest_.size(); ++i) {
      if (rest_[i] == '"') {
        rest_.remove_prefix(i + 1);
        return word;
      }
      const bool escaped = rest_[i] == '\\' && i + 1 < rest_.size();
      if (escaped) ++i;
      word.push_back(escaped && rest_[i] == 't' ? '\t' : rest_[i]);
    }
    return std::nullopt;
  }

  std::string_view rest_;
};

class Parser {
 public:
  absl::StatusOr<ContactFileSpec> Parse(const std::string& text) {
    if (!IsUtf8(text)) Fault("is not UTF-8; save the mapping file as UTF-8");
    std::string_view rest = text;
    if (rest.starts_with("\xEF\xBB\xBF")) rest.remove_prefix(3);
    while (!rest.empty()) {
      ++line_;
      const size_t end = rest.find('\n');
      Line(rest.substr(0, end));
      rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    }
    CheckWhole();
    if (faults_.empty()) return std::move(spec_);
    return Error(absl::StatusCode::kInvalidArgument, "MAPPING_INVALID",
                 fmt::format("{}", fmt::join(faults_, "; ")));
  }

 private:
  using Value = std::function<void(const std::string&)>;

  std::string Where() const { return fmt::format("line {}: ", line_); }
  void Fault(const std::string& what) { faults_.push_back(Where() + what); }

  void Line(std::string_view line) {
    LineScanner words(line);
    if (words.AtEnd()) return;
    if (words.Take('[')) return Section(words);
    const std::vector<std::string> names = Names(words);
    const bool assigned = !names.empty() && words.Take('=');
    const std::optional<std::string> value = assigned ? words.Word("") : std::nullopt;
    if (!value || !words.AtEnd()) {
      return Fault(
          "is not 'name = value'; a name or a value with = + # or blanks around it needs "
          "double quotes");
    }
    Assign(names, *value);
  }

  void Section(LineScanner& words) {
    section_ = words.Word("]").value_or("");
    static const std::set<std::string> kSections = {"file", "contact", "columns", "constants"};
    if (words.Take(']') && words.AtEnd() && kSections.contains(section_)) return;
    Fault(fmt::format("there are the sections [{}]", fmt::join(kSections, "], [")));
    section_ = "unknown";
  }

  static std::vector<std::string> Names(LineScanner& words) {
    std::vector<std::string> names;
    do {
      const auto name = words.Word("=+");
      if (!name) return {};
      names.push_back(*name);
    } while (words.Take('+'));
    return names;
  }

  void Assign(const std::vector<std::string>& names, const std::string& value) {
    if (section_ == "unknown") return;
    if (section_ == "columns") {
      CheckField(value);
      spec_.columns.push_back({names, value, Where()});
    } else if (section_ == "constants") {
      CheckField(names.front());
      spec_.constants.push_back({names.front(), value, Where()});
    } else if (section_.empty()) {
      Fault("stands before the first section, e.g. [columns]");
    } else {
      Setting(section_ == "file" ? file_ : contact_, names.front(), value);
    }
    if (section_ != "columns" && names.size() > 1) Fault("+ joins columns, in [columns] only");
  }

  // Types that the tenant declares are not known yet.
  void CheckField(const std::string& field) {
    const char* type = ContactField::NeedsType(field) ? ":text" : "";
    const absl::Status status = ContactField::Parse(field + type, {}).status();
    if (!status.ok()) Fault(std::string(status.message()));
  }

  void Setting(const std::map<std::string, Value>& known, const std::string& name,
               const std::string& value) {
    const auto found = known.find(name);
    if (found == known.end()) {
      std::vector<std::string> there;
      for (const auto& each : known) there.push_back(each.first);
      return Fault(
          fmt::format("[{}] has no '{}'; it has {}", section_, name, fmt::join(there, ", ")));
    }
    if (!seen_.insert(name).second && name != "nothing") return Fault(name + " is set twice");
    found->second(value);
  }

  void Delimiter(const std::string& value) {
    spec_.dialect.delimiter = value == "tab" ? "\t" : value;
    if (value.empty() || value.find_first_of("\r\n") != std::string::npos) {
      Fault("delimiter: one character or more, such as \", \" or tab");
    }
  }
  void Quote(const std::string& value) {
    spec_.dialect.quote = std::nullopt;
    if (value == "none") return;
    if (value.size() == 1 && value[0] > ' ') {
      spec_.dialect.quote = value[0];
    } else {
      Fault("quote: one ASCII character, or none");
    }
  }
  void SetEncoding(const std::string& value) {
    const auto encoding = EncodingNamed(value);
    if (!encoding) {
      return Fault(
          "encoding: utf-8, utf-16le, utf-16be, iso-8859-1 or windows-1252 (a byte order "
          "mark in the file decides over it)");
    }
    spec_.dialect.encoding = *encoding;
  }
  void OneOf(const std::string& name, const std::string& value, std::string_view first,
             std::string_view second) {
    if (value != first && value != second) Fault(fmt::format("{}: {} or {}", name, first, second));
  }

  void CheckWhole() {
    for (const char* name : {"source", "key"}) {
      if (!seen_.contains(name)) faults_.push_back(fmt::format("[contact] needs a {}", name));
    }
    const auto& [encoding, delimiter, quote] = spec_.dialect;
    if (quote && delimiter.find(*quote) != std::string::npos) {
      faults_.emplace_back("the delimiter holds the quote");
    }
  }

  const std::map<std::string, Value> file_ = {
      {"delimiter", [this](const std::string& value) { Delimiter(value); }},
      {"quote", [this](const std::string& value) { Quote(value); }},
      {"encoding", [this](const std::string& value) { SetEncoding(value); }},
      {"nothing", [this](const std::string& value) { spec_.nothing.push_back(value); }}};
  const std::map<std::string, Value> contact_ = {
      {"source",
       [this](const std::string& value) {
         spec_.source = value;
         if (value.empty()) Fault("source: must not be empty");
       }},
      {"key", [this](const std::string& value) { spec_.key = value; }},
      {"kind",
       [this](const std::string& value) {
         spec_.kind = value;
         OneOf("kind", value, "person", "organization");
       }},
      {"observe_time", [this](const std::string& value) { spec_.observe_time = value; }},
      {"empty", [this](const std::string& value) {
         spec_.keep_empty = value == "keep";
         OneOf("empty", value, "clear", "keep");
       }}};

  ContactFileSpec spec_;
  std::string section_;
  int64_t line_ = 0;
  std::set<std::string> seen_;
  std::vector<std::string> faults_;
};

}  // namespace

absl::StatusOr<ContactFileSpec> ReadMappingFile(std::istream& in) {
  std::string text(kMaxFileBytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(in.gcount()));
  if (text.size() > kMaxFileBytes) {
    return Error(absl::StatusCode::kInvalidArgument, "MAPPING_INVALID",
                 fmt::format("is longer than {} bytes; is it a mapping file?", kMaxFileBytes));
  }
  return Parser().Parse(text);
}

}  // namespace crm::crmctl
