#pragma once

#include <string>

#include "absl/status/status.h"

namespace crm::crmctl {

// What the process answers its caller; part of the interface, in --help.
enum class ExitCode {
  kOk = 0,
  // The answer is no: not found, refused, or a verification found a difference.
  kNo = 1,
  // The command line or an input file is wrong.
  kUsage = 2,
  // The server cannot be reached or is not able to answer now; the same command may work later.
  kUnavailable = 3,
};

ExitCode ExitCodeOf(const absl::Status& status);

// A status that only carries kNo: what there is to say has been printed.
absl::Status AnswerIsNo();
// The same for kUsage.
absl::Status InputWasBad();

// What a person reads of an error: its message, and the fields it names. Empty for a status of the
// two above.
std::string DescribeError(const absl::Status& status);

}  // namespace crm::crmctl
