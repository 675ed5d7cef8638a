#include "tools/crmctl/campaign_rows.h"

#include <fmt/format.h>

namespace crm::crmctl {

using campaign::v1::RecordResponseRequest;
using campaign::v1::RecordResponseResponse;
using campaign::v1::RecordSendRequest;
using campaign::v1::RecordSendResponse;

namespace {

// Sends and responses of one contact go one after the other: a response needs its send.
template <typename Request>
RowImport::Row ItemOf(const CsvRecord& record, RowCells& cells, const Request& request) {
  if (cells.faulty()) return {cells.TakeFaults(), std::nullopt};
  return {{},
          BatchImport::Item{record.line, request.contact_key().key(), request.SerializeAsString()}};
}

template <typename Response>
size_t RecordedOrUnchanged(const std::string& bytes) {
  Response response;
  response.ParseFromString(bytes);
  return response.recorded() ? 0 : 1;
}

}  // namespace

absl::Status CampaignRows::Open(const CsvTable& table) {
  RowColumns columns;
  key_ = columns.Find(table, columns_.key_column);
  name_ = columns.Find(table, columns_.name_column);
  category_ = columns.Find(table, columns_.category_column);
  start_ = columns.Find(table, columns_.start_column);
  end_ = columns.Find(table, columns_.end_column);
  return columns.Check();
}

RowImport::Row CampaignRows::Next(const CsvRecord& record) {
  RowCells cells(record);
  campaign::v1::CreateCampaignRequest request;
  auto* campaign = request.mutable_campaign();
  *campaign->mutable_external_key() = cells.Key(columns_.source, key_);
  campaign->set_display_name(cells.Text(name_));
  campaign->set_category(cells.Text(category_));
  if (const auto time = cells.Time(start_)) *campaign->mutable_start_time() = *time;
  if (const auto time = cells.Time(end_)) *campaign->mutable_end_time() = *time;
  if (cells.faulty()) return {cells.TakeFaults(), std::nullopt};
  return {
      {},
      BatchImport::Item{record.line, campaign->external_key().key(), request.SerializeAsString()}};
}

absl::Status SendRows::Open(const CsvTable& table) {
  RowColumns columns;
  campaign_ = columns.Find(table, columns_.campaign_column);
  contact_ = columns.Find(table, columns_.contact_column);
  time_ = columns.Find(table, columns_.time_column);
  return columns.Check();
}

RowImport::Row SendRows::Next(const CsvRecord& record) {
  RowCells cells(record);
  RecordSendRequest request;
  *request.mutable_contact_key() = cells.Key(columns_.source, contact_);
  *request.mutable_campaign_key() = cells.Key(columns_.source, campaign_);
  if (const auto time = cells.Time(time_)) *request.mutable_send_time() = *time;
  request.set_channel(columns_.channel);
  return ItemOf(record, cells, request);
}

size_t SendRows::OutcomeOf(const std::string& response) const {
  return RecordedOrUnchanged<RecordSendResponse>(response);
}

absl::Status ResponseRows::Open(const CsvTable& table) {
  RowColumns columns;
  campaign_ = columns.Find(table, columns_.campaign_column);
  contact_ = columns.Find(table, columns_.contact_column);
  time_ = columns.Find(table, columns_.time_column);
  for (const std::string& key : columns_.key_columns) keys_.push_back(columns.Find(table, key));
  return columns.Check();
}

RowImport::Row ResponseRows::Next(const CsvRecord& record) {
  RowCells cells(record);
  RecordResponseRequest request;
  *request.mutable_contact_key() = cells.Key(columns_.source, contact_);
  *request.mutable_campaign_key() = cells.Key(columns_.source, campaign_);
  if (const auto time = cells.Time(time_)) *request.mutable_response_time() = *time;
  std::string key;
  for (const size_t column : keys_) key += (key.empty() ? "" : "/") + cells.Required(column);
  if (!key.empty()) {
    request.mutable_external_key()->set_source(columns_.source);
    request.mutable_external_key()->set_key(key);
  }
  request.set_kind(columns_.kind);
  return ItemOf(record, cells, request);
}

size_t ResponseRows::OutcomeOf(const std::string& response) const {
  return RecordedOrUnchanged<RecordResponseResponse>(response);
}

}  // namespace crm::crmctl
