#pragma once

#include <string>

#include "tools/crmctl/file_import.h"
#include "tools/crmctl/row_columns.h"

namespace crm::crmctl {

struct ConsentColumns {
  // The system the contacts come from.
  std::string source;
  std::string contact_column;
  // Of all rows.
  std::string purpose = "marketing";
  std::string channel;
  std::string wording_version;
  std::string evidence;
};

// A consent granted a row.
class ConsentRows final : public RowImport {
 public:
  explicit ConsentRows(ConsentColumns columns) : columns_(std::move(columns)) {}

  std::string method() const override { return "/crm.contact.v1.ContactService/ImportConsents"; }
  absl::Status Open(const CsvTable& table) override;
  Row Next(const CsvRecord& record) override;
  // Granted again it changes nothing.
  std::vector<std::string> outcomes() const override { return {"granted"}; }
  size_t OutcomeOf(const std::string&) const override { return 0; }

 private:
  const ConsentColumns columns_;
  size_t contact_ = 0;
};

}  // namespace crm::crmctl
