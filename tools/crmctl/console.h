#pragma once

#include <google/protobuf/message.h>

#include <ostream>
#include <string>
#include <vector>

#include "common/base/clock.h"

namespace crm::crmctl {

// Where a command prints, and how. Not thread-safe.
struct Console {
  // Answers.
  std::ostream& out;
  // Progress, notes and errors.
  std::ostream& err;
  const Clock& clock;
  // Somebody looks at `err`: progress bars are drawn.
  bool err_is_terminal = false;
  // Answers are protobuf JSON, one object a line.
  bool json = false;

  // One line, as protobuf's JSON mapping writes it, all fields.
  void PrintJson(const google::protobuf::Message& message) const;
};

// Protobuf's JSON mapping in one line, fields without a value too.
std::string ToJson(const google::protobuf::Message& message);

// "2024-05-01T12:00:00.123Z", or "-" where it is not set.
std::string TimeText(const google::protobuf::Message& owner, const std::string& field);

// Draws how far something is on one line of `console.err`, ten times a second at most, and only
// where that is a terminal. Clears it at its end. Not thread-safe.
class ProgressBar {
 public:
  ProgressBar(Console& console, std::string unit);
  ~ProgressBar();

  // `done` counts units; `fraction` of the whole is 0 to 1.
  void Show(int64_t done, double fraction);
  // Takes the line away, so that something else can be printed.
  void Clear();

 private:
  Console& console_;
  const std::string unit_;
  const TimeNs begun_;
  TimeNs next_ = 0;
  bool drawn_ = false;
};

}  // namespace crm::crmctl
