#pragma once

#include <string>
#include <vector>

#include "tools/crmctl/csv_reader.h"

namespace crm::crmctl {

// How a CSV file becomes contacts, as somebody wrote it down: a mapping file, or flags. Nothing of
// it is checked against the file yet.
struct ContactFileSpec {
  CsvDialect dialect;
  // The system the contacts come from.
  std::string source;
  // Column with the contact's key there.
  std::string key;
  // "person", "organization" or empty.
  std::string kind;
  // Column with the time at which the row's values were observed; empty = none.
  std::string observe_time;
  // Cells that say nothing, beside the empty one.
  std::vector<std::string> nothing;
  // What a cell that says nothing does: leaves its field as it is, or empties it.
  bool keep_empty = false;

  struct Column {
    // Several are joined by a blank.
    std::vector<std::string> columns;
    // As ContactField::Parse takes it.
    std::string field;
    // Where somebody wrote it, for faults: "line 7: ", "--map: ".
    std::string where;
  };
  std::vector<Column> columns;

  struct Constant {
    std::string field;
    std::string value;
    std::string where;
  };
  // Of fields that no column of a row gives a value.
  std::vector<Constant> constants;
};

}  // namespace crm::crmctl
