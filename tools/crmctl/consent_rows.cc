#include "tools/crmctl/consent_rows.h"

#include "crm/contact/v1/contact_service.pb.h"

namespace crm::crmctl {

absl::Status ConsentRows::Open(const CsvTable& table) {
  RowColumns columns;
  contact_ = columns.Find(table, columns_.contact_column);
  return columns.Check();
}

RowImport::Row ConsentRows::Next(const CsvRecord& record) {
  RowCells cells(record);
  contact::v1::GrantConsentRequest request;
  *request.mutable_contact_key() = cells.Key(columns_.source, contact_);
  request.set_purpose(columns_.purpose);
  request.set_channel(columns_.channel);
  request.set_wording_version(columns_.wording_version);
  request.set_evidence(columns_.evidence);
  if (cells.faulty()) return {cells.TakeFaults(), std::nullopt};
  return {{},
          BatchImport::Item{record.line, request.contact_key().key(), request.SerializeAsString()}};
}

}  // namespace crm::crmctl
