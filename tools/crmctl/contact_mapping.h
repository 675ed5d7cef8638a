#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "crm/contact/v1/contact_service.pb.h"
#include "tools/crmctl/csv_reader.h"
#include "tools/crmctl/importing/contact_field.h"
#include "tools/crmctl/importing/contact_file_spec.h"

namespace crm::crmctl {

// What the caller says of a file's columns by flags.
struct ContactColumns {
  std::string source;
  std::string key_column;
  // "column=field".
  std::vector<std::string> map;
  std::vector<std::string> tags_columns;
  // "person", "organization" or empty.
  std::string kind;
};

// The same as a mapping file would say it. INVALID_ARGUMENT: a map that is none.
absl::StatusOr<ContactFileSpec> SpecOf(const ContactColumns& columns);

// From a row of a file to a contact. What is mapped is what the file decides: a cell that says
// nothing empties the field, unless the specification keeps it. Immutable, thread-safe.
class ContactMapping {
 public:
  // All faults of the specification against the file's columns together (INVALID_ARGUMENT).
  static absl::StatusOr<ContactMapping> Make(const ContactFileSpec& spec, const CsvTable& table,
                                             const CustomFieldTypes& types = {});

  // A record without faults, as a command. A fault where its key is empty or a cell does not fit.
  struct Row {
    contact::v1::UpsertContactRequest request;
    std::vector<CsvFault> faults;
  };
  Row ToRequest(const CsvRecord& record) const;

 private:
  // A column or several that fill a field; without a column, what fills it where those give
  // nothing.
  struct Mapped {
    std::vector<size_t> columns;
    std::string constant;
    ContactField field;
  };

  class Maker;

  bool SaysNothing(const std::string& cell, const ContactField& field) const;
  std::string Value(const CsvRecord& record, const Mapped& mapped) const;
  void SetKey(const CsvRecord& record, Row* row) const;
  void SetObserveTime(const CsvRecord& record, Row* row) const;

  std::string source_;
  size_t key_ = 0;
  std::optional<size_t> observe_time_;
  contact::v1::Contact::Kind kind_ = contact::v1::Contact::KIND_UNSPECIFIED;
  std::vector<std::string> nothing_;
  bool keep_empty_ = false;
  std::vector<Mapped> mapped_;
  google::protobuf::FieldMask mask_;
};

}  // namespace crm::crmctl
