#pragma once

#include <istream>
#include <map>
#include <string>
#include <vector>

#include "tools/crmctl/importing/row_file.h"
#include "tools/crmctl/importing/vcard_contact.h"
#include "tools/crmctl/importing/vcard_reader.h"

namespace crm::crmctl {

// The cards of a file. A refused card is written as it was, with the reason in a property
// X-CRM-REFUSED, which an import passes over. Not thread-safe.
class VcardRows final : public RowFile {
 public:
  struct Options {
    // The system the contacts come from.
    std::string source = "vcard";
    std::string region;
  };
  // `in` outlives it.
  VcardRows(std::istream& in, Options options) : reader_(in), options_(std::move(options)) {}

  std::optional<Row> Next() override;
  const std::vector<std::string>& header() const override { return header_; }
  int64_t bytes() const override { return reader_.bytes(); }
  std::string RefusedHeader() const override { return ""; }
  std::string RefusedRow(const std::vector<std::string>& cells,
                         const Refusal& refusal) const override;

  // "NOTE (5), PHOTO (3)": what was not imported of the cards so far.
  std::string LeftOut() const;

 private:
  VcardReader reader_;
  const Options options_;
  const std::vector<std::string> header_;
  std::map<std::string, int64_t> left_out_;
};

}  // namespace crm::crmctl
