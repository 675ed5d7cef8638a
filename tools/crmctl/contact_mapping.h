#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "crm/contact/v1/contact_service.pb.h"
#include "tools/crmctl/csv_reader.h"

namespace crm::crmctl {

// What the caller says of a file's columns.
struct ContactColumns {
  std::string source;
  std::string key_column;
  // "column=field".
  std::vector<std::string> map;
  std::vector<std::string> tags_columns;
  // "person", "organization" or empty.
  std::string kind;
};

// From a row of a file to a contact. Columns become fields of crm.contact.v1.Contact, by the names
// they have there ("given_name", "emails"; "addresses.locality" for the one address of a row); a
// tags column becomes the tag "column:value". What is mapped is what the file decides: an empty
// cell empties the field. Immutable, thread-safe.
class ContactMapping {
 public:
  // All faults of the columns together (INVALID_ARGUMENT).
  static absl::StatusOr<ContactMapping> Make(const ContactColumns& columns, const CsvTable& table);

  // What --map takes.
  static std::vector<std::string> Fields();

  // A record without faults, as a command. A fault where its key is empty or a cell does not fit.
  struct Row {
    contact::v1::UpsertContactRequest request;
    std::vector<CsvFault> faults;
  };
  Row ToRequest(const CsvRecord& record) const;

 private:
  using FieldPath = std::vector<const google::protobuf::FieldDescriptor*>;
  struct MappedColumn {
    size_t column = 0;
    FieldPath path;
  };

  static std::optional<FieldPath> FindField(std::string_view name);
  void AddMap(const std::string& text, const CsvTable& table, std::vector<std::string>* faults);
  size_t Column(const std::string& name, const CsvTable& table, std::vector<std::string>* faults);
  void AddToMask(const std::string& path);

  std::string source_;
  size_t key_column_ = 0;
  contact::v1::Contact::Kind kind_ = contact::v1::Contact::KIND_UNSPECIFIED;
  std::vector<MappedColumn> mapped_;
  // Place and name.
  std::vector<std::pair<size_t, std::string>> tags_;
  google::protobuf::FieldMask mask_;
};

}  // namespace crm::crmctl
