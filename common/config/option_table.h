#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace crm {

// Options of a program from four places: flag > environment > file > default. Each option is
// declared once, with its name ("data-dir"); the flag is `--data-dir`, the variable `CRM_DATA_DIR`,
// the key in the file `data-dir`. Keys that nobody knows and values that do not fit are faults,
// wherever they stand, and all faults are reported together.

// Variables by name.
using Environment = std::map<std::string, std::string>;

// The process's own. For main only.
Environment ProcessEnvironment();

// Where a value came from.
enum class Source { kDefault, kFile, kEnvironment, kFlag };

struct Setting {
  std::string name;
  std::string value;
  Source source = Source::kDefault;
};

// Takes a value over, or answers what is allowed ("must be …") without changing anything.
using SetOption = std::function<absl::Status(const std::string& value)>;

struct Option {
  // Lower-case words joined by hyphens.
  std::string name;
  // What stands for the value in --help: "HOST:PORT".
  std::string placeholder;
  std::string help;
  // Given to `set` like any other value; empty and `optional` = not given.
  std::string default_value;
  SetOption set;
  // May be empty.
  bool optional = false;
  // The value is never printed.
  bool secret = false;
  // Yes or no: given without a value it is "true".
  bool bare = false;
};

struct Program {
  std::string name;
  std::string purpose;
  std::string version;
  std::vector<Option> options;
};

struct Resolution {
  // Set where the program should print this to stdout and end well: --help, --version,
  // --print-config.
  std::string output;
  // Effective values in the order of declaration.
  std::vector<Setting> settings;
};

// Reads arguments (without the program's name), environment and the file named by --config or
// CRM_CONFIG, and sets every option once. INVALID_ARGUMENT lists all faults, a line each, with what
// to do about it; then some options may be set and none may be used.
absl::StatusOr<Resolution> Resolve(const Program& program,
                                   const std::vector<std::string>& arguments,
                                   const Environment& environment);

// `name = value  # source`, a line each; values of secret options are not shown. It can be used as
// a file.
std::string RenderSettings(const Program& program, const std::vector<Setting>& settings);

// Values of common kinds. The target outlives the resolution.
SetOption SetText(std::string* target);
// Within [min, max].
SetOption SetInteger(int* target, int min, int max);
// Bytes: a number with an optional unit B, KiB, MiB, GiB, TiB.
SetOption SetSize(int64_t* target, int64_t min);
// "true" or "false".
SetOption SetYesOrNo(bool* target);
// A number with a unit ms, s or min, within [min, max] nanoseconds.
SetOption SetDuration(int64_t* target, int64_t min, int64_t max);
// Addresses as below, port 1 to 65535, separated by commas.
SetOption SetAddresses(std::string* target);
// "host:port" or "[v6]:port"; port 0 to 65535.
SetOption SetAddress(std::string* target);
// One of `allowed`.
SetOption SetChoice(std::string* target, std::vector<std::string> allowed);
// Matches the extended regular expression; `description` says it in words.
SetOption SetMatching(std::string* target, const std::string& expression, std::string description);

}  // namespace crm
