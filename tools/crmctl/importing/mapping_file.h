#pragma once

#include <istream>

#include "absl/status/statusor.h"
#include "tools/crmctl/importing/contact_file_spec.h"

namespace crm::crmctl {

// A mapping file: UTF-8, a line each "name = value", in four sections. Text in double quotes keeps
// its blanks and may hold \t, \" and \\; a # begins a comment. docs/importing.md is its manual.
//
//   [file]        delimiter, quote (one character, or none), encoding, nothing (may repeat)
//   [contact]     source and key (required), kind, observe_time, empty (clear or keep)
//   [columns]     column [+ column …] = field
//   [constants]   field = value
//
// INVALID_ARGUMENT (MAPPING_INVALID) with all faults, each by its line.
absl::StatusOr<ContactFileSpec> ReadMappingFile(std::istream& in);

}  // namespace crm::crmctl
