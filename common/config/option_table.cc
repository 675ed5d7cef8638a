#include "common/config/option_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>

#include "common/base/status.h"

namespace crm {
namespace {

constexpr char kConfig[] = "config";

std::string VariableOf(const std::string& option) {
  std::string out = "CRM_";
  for (const char c : option) {
    out.push_back(c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c))));
  }
  return out;
}

std::string_view Trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return "";
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

size_t Distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({change, row[j] + 1, row[j - 1] + 1}));
    }
  }
  return row[b.size()];
}

std::string_view SourceName(Source source) {
  switch (source) {
    case Source::kDefault:
      return "default";
    case Source::kFile:
      return "file";
    case Source::kEnvironment:
      return "environment";
    case Source::kFlag:
      return "flag";
  }
  return "";
}

// Variables Kubernetes sets for a service whose name starts with "crm".
bool IsServiceLink(const std::string& variable) {
  for (const char* part : {"_SERVICE_HOST", "_PORT"}) {
    if (variable.ends_with(part)) return true;
  }
  return variable.find("_SERVICE_PORT") != std::string::npos ||
         variable.find("_PORT_") != std::string::npos;
}

struct Given {
  std::string value;
  Source source = Source::kDefault;
  // How a fault names it: "--listen", "CRM_LISTEN", "crm.conf:3: listen".
  std::string where;
};

class Resolver {
 public:
  explicit Resolver(const Program& program) : program_(program) {}

  absl::StatusOr<Resolution> Run(const std::vector<std::string>& arguments,
                                 const Environment& environment);

 private:
  void ReadFlags(const std::vector<std::string>& arguments);
  void ReadFlag(const std::string& name, const CLI::Option& option);
  std::vector<std::string> WithoutEmpty(const std::vector<std::string>& arguments);
  void ReadEnvironment(const Environment& environment);
  void ReadFile(const std::string& path);
  void ReadLine(const std::string& at, std::string_view line);
  void Give(const std::string& name, Given given);
  void SetAll();
  void Set(const Option& option, const Given& given);
  void Fault(std::string text) { faults_.push_back(std::move(text)); }
  bool IsKnown(const std::string& name) const;
  bool IsBare(const std::string& name) const;
  // " (did you mean …?)", or where all names are listed.
  std::string Hint(const std::string& name) const;

  const Program& program_;
  std::map<std::string, Given> given_;
  std::vector<std::string> faults_;
  Resolution resolution_;
  bool print_config_ = false;
};

absl::StatusOr<Resolution> Resolver::Run(const std::vector<std::string>& arguments,
                                         const Environment& environment) {
  ReadFlags(arguments);
  if (!resolution_.output.empty()) return resolution_;
  ReadEnvironment(environment);
  if (const auto file = given_.find(kConfig); file != given_.end()) ReadFile(file->second.value);
  SetAll();
  if (!faults_.empty()) {
    return Error(
        absl::StatusCode::kInvalidArgument, "CONFIG_INVALID",
        fmt::format("{} fault{} in the configuration of {}:\n  {}\n", faults_.size(),
                    faults_.size() == 1 ? "" : "s", program_.name, fmt::join(faults_, "\n  ")));
  }
  if (print_config_) resolution_.output = RenderSettings(program_, resolution_.settings);
  return resolution_;
}

// CLI11 splits the arguments and writes the help. Values are taken as text here: it would end at
// the first fault.
void Resolver::ReadFlags(const std::vector<std::string>& arguments) {
  CLI::App app(program_.purpose, program_.name);
  app.set_help_flag();
  app.allow_extras();
  app.get_formatter()->column_width(36);
  app.footer(
      "Every option can be given as a variable too (--data-dir: CRM_DATA_DIR) and as a line\n"
      "`data-dir = value` of the file named by --config. Flag goes before variable, variable\n"
      "before file.");
  std::vector<std::pair<std::string, CLI::Option*>> options;
  const auto add = [&](const std::string& name, const std::string& placeholder,
                       const std::string& help, const std::string& default_value) {
    auto* option = app.add_option("--" + name, help)->type_name(placeholder);
    option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    if (!default_value.empty()) option->default_str(default_value);
    options.emplace_back(name, option);
  };
  for (const Option& option : program_.options) {
    add(option.name, option.placeholder, option.help, option.default_value);
  }
  add(kConfig, "FILE", "Options from a file, one `name = value` a line, # comments", "");
  bool help = false;
  bool version = false;
  app.add_flag("-h,--help", help, "Print this and end");
  app.add_flag("--version", version, "Print the version and end");
  app.add_flag("--print-config", print_config_,
               "Print the effective options and where each came from, and end");
  try {
    std::vector<std::string> reversed = WithoutEmpty(arguments);
    std::reverse(reversed.begin(), reversed.end());
    app.parse(reversed);
  } catch (const CLI::ParseError& error) {
    Fault(fmt::format("{}; see --help", error.what()));
  }
  if (help) resolution_.output = app.help();
  if (version) resolution_.output = fmt::format("{} {}\n", program_.name, program_.version);
  for (const auto& [name, option] : options) ReadFlag(name, *option);
  for (const std::string& extra : app.remaining()) {
    const std::string name = extra.substr(0, extra.find('='));
    Fault(name.starts_with("--")
              ? fmt::format("{}: no such option{}", name, Hint(name.substr(2)))
              : fmt::format("{}: not an option; options start with --, see --help", extra));
  }
}

// Names options that lack their value and leaves them out.
std::vector<std::string> Resolver::WithoutEmpty(const std::vector<std::string>& arguments) {
  std::vector<std::string> out;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    const bool has_next = i + 1 < arguments.size();
    const std::string name = argument.substr(0, argument.find('='));
    const bool takes_value = name.starts_with("--") && IsKnown(name.substr(2));
    const bool bare = takes_value && name == argument && IsBare(name.substr(2));
    const bool apart =
        takes_value && !bare && name == argument && has_next && !arguments[i + 1].starts_with("--");
    if (bare) {
      out.push_back(argument + "=true");
    } else if (apart && !arguments[i + 1].empty()) {
      out.push_back(argument + "=" + arguments[++i]);
    } else if (takes_value && argument.size() <= name.size() + 1) {
      if (apart) ++i;
      Fault(fmt::format("{}: needs a value", name));
    } else {
      out.push_back(argument);
    }
  }
  return out;
}

void Resolver::ReadFlag(const std::string& name, const CLI::Option& option) {
  if (option.count() == 0) return;
  const std::string flag = "--" + name;
  const auto& values = option.results();
  if (values.size() > 1) return Fault(fmt::format("{}: given more than once; give it once", flag));
  Give(name, {values.front(), Source::kFlag, flag});
}

void Resolver::ReadEnvironment(const Environment& environment) {
  std::map<std::string, std::string> names;
  for (const Option& option : program_.options) names[VariableOf(option.name)] = option.name;
  names[VariableOf(kConfig)] = kConfig;
  for (auto at = environment.lower_bound("CRM_");
       at != environment.end() && at->first.starts_with("CRM_"); ++at) {
    const auto& [variable, value] = *at;
    if (const auto known = names.find(variable); known != names.end()) {
      Give(known->second, {value, Source::kEnvironment, variable});
    } else if (!IsServiceLink(variable)) {
      std::string name = variable.substr(4);
      std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) {
        return c == '_' ? '-' : static_cast<char>(std::tolower(c));
      });
      Fault(fmt::format("{}: no such variable{}; unset it", variable, Hint(name)));
    }
  }
}

void Resolver::ReadFile(const std::string& path) {
  std::ifstream file(path);
  if (path.empty() || !file) {
    return Fault(fmt::format("{}: cannot read \"{}\": {}", given_[kConfig].where, path,
                             path.empty() ? "no file named" : std::strerror(errno)));
  }
  std::map<std::string, std::string> seen;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    const std::string_view text = Trim(line);
    if (text.empty() || text.front() == '#') continue;
    const std::string at = fmt::format("{}:{}", path, number);
    const std::string name(Trim(text.substr(0, text.find('='))));
    const auto [first, is_new] = seen.emplace(name, at);
    if (!is_new) {
      Fault(fmt::format("{}: {} stands at {} already; keep one", at, name, first->second));
      continue;
    }
    ReadLine(at, text);
  }
  if (file.bad()) Fault(fmt::format("{}: cannot be read to its end", path));
}

void Resolver::ReadLine(const std::string& at, std::string_view line) {
  const size_t equals = line.find('=');
  if (equals == std::string_view::npos) {
    return Fault(fmt::format("{}: not a line of the form `name = value`", at));
  }
  const std::string name(Trim(line.substr(0, equals)));
  std::string_view value = Trim(line.substr(equals + 1));
  if (value.starts_with('"')) {
    const size_t end = value.find('"', 1);
    const std::string_view rest = end == std::string_view::npos ? "" : Trim(value.substr(end + 1));
    if (end == std::string_view::npos || (!rest.empty() && rest.front() != '#')) {
      return Fault(
          fmt::format("{}: {}: the quotation mark is not closed, or text follows it", at, name));
    }
    value = value.substr(1, end - 1);
  } else if (const size_t comment = value.find(" #"); comment != std::string_view::npos) {
    value = Trim(value.substr(0, comment));
  }
  if (name == kConfig) {
    return Fault(fmt::format("{}: config: a file cannot name another; give --config", at));
  }
  if (!IsKnown(name)) return Fault(fmt::format("{}: {}: no such option{}", at, name, Hint(name)));
  Give(name, {std::string(value), Source::kFile, fmt::format("{}: {}", at, name)});
}

// What comes from a place of more weight stays.
void Resolver::Give(const std::string& name, Given given) {
  const auto at = given_.find(name);
  if (at == given_.end() || at->second.source < given.source) {
    given_[name] = std::move(given);
    return;
  }
  // A value that is not used is still looked at, so that a fault does not surface later.
  for (const Option& option : program_.options) {
    if (option.name == name) Set(option, given);
  }
}

void Resolver::SetAll() {
  for (const Option& option : program_.options) {
    const auto given = given_.find(option.name);
    const Given effective = given != given_.end()
                                ? given->second
                                : Given{option.default_value, Source::kDefault, "--" + option.name};
    resolution_.settings.push_back({option.name, effective.value, effective.source});
    Set(option, effective);
  }
}

void Resolver::Set(const Option& option, const Given& given) {
  if (given.value.empty()) {
    if (option.optional) return;
    return Fault(given.source == Source::kDefault
                     ? fmt::format("{}: is required; give {} or {}", given.where, given.where,
                                   VariableOf(option.name))
                     : fmt::format("{}: needs a value {}", given.where, option.placeholder));
  }
  if (const absl::Status status = option.set(given.value); !status.ok()) {
    Fault(fmt::format("{}: {}", given.where, std::string(status.message())));
  }
}

bool Resolver::IsKnown(const std::string& name) const {
  return name == kConfig || std::any_of(program_.options.begin(), program_.options.end(),
                                        [&](const Option& option) { return option.name == name; });
}

bool Resolver::IsBare(const std::string& name) const {
  return std::any_of(program_.options.begin(), program_.options.end(),
                     [&](const Option& option) { return option.bare && option.name == name; });
}

std::string Resolver::Hint(const std::string& name) const {
  const Option* nearest = nullptr;
  size_t best = 4;
  for (const Option& option : program_.options) {
    if (const size_t distance = Distance(name, option.name); distance < best) {
      best = distance;
      nearest = &option;
    }
  }
  if (nearest != nullptr) return fmt::format(" (did you mean {}?)", nearest->name);
  return "; --help lists those there are";
}

}  // namespace

Environment ProcessEnvironment() {
  Environment out;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    out.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return out;
}

absl::StatusOr<Resolution> Resolve(const Program& program,
                                   const std::vector<std::string>& arguments,
                                   const Environment& environment) {
  return Resolver(program).Run(arguments, environment);
}

std::string RenderSettings(const Program& program, const std::vector<Setting>& settings) {
  std::string out;
  for (const Setting& setting : settings) {
    const auto option =
        std::find_if(program.options.begin(), program.options.end(),
                     [&](const Option& declared) { return declared.name == setting.name; });
    const bool secret = option != program.options.end() && option->secret;
    const bool shown = !secret && !setting.value.empty();
    out += fmt::format("{}{} = \"{}\"  # {}{}\n", shown ? "" : "# ", setting.name,
                       secret ? "" : setting.value, SourceName(setting.source),
                       secret ? ", not shown" : "");
  }
  return out;
}

}  // namespace crm
