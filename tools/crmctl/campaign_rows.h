#pragma once

#include <string>
#include <vector>

#include "crm/campaign/v1/campaign_service.pb.h"
#include "tools/crmctl/file_import.h"
#include "tools/crmctl/row_columns.h"

namespace crm::crmctl {

// Names of columns; empty = the file has none.
struct SendColumns {
  // The system campaigns and contacts come from.
  std::string source;
  std::string campaign_column;
  std::string contact_column;
  std::string time_column;
  std::string channel;
};

// A send of another system a row.
class SendRows final : public RowImport {
 public:
  explicit SendRows(SendColumns columns) : columns_(std::move(columns)) {}

  std::string method() const override { return "/crm.campaign.v1.CampaignService/ImportSends"; }
  absl::Status Open(const CsvTable& table) override;
  Row Next(const CsvRecord& record) override;
  std::vector<std::string> outcomes() const override { return {"recorded", "unchanged"}; }
  size_t OutcomeOf(const std::string& response) const override;

 private:
  const SendColumns columns_;
  size_t campaign_ = 0;
  size_t contact_ = 0;
  size_t time_ = 0;
};

struct ResponseColumns {
  std::string source;
  std::string campaign_column;
  std::string contact_column;
  std::string time_column;
  // Their cells together are the response's key.
  std::vector<std::string> key_columns;
  std::string kind = "response";
};

// A response to a campaign a row.
class ResponseRows final : public RowImport {
 public:
  explicit ResponseRows(ResponseColumns columns) : columns_(std::move(columns)) {}

  std::string method() const override { return "/crm.campaign.v1.CampaignService/ImportResponses"; }
  absl::Status Open(const CsvTable& table) override;
  Row Next(const CsvRecord& record) override;
  std::vector<std::string> outcomes() const override { return {"recorded", "unchanged"}; }
  size_t OutcomeOf(const std::string& response) const override;

 private:
  const ResponseColumns columns_;
  size_t campaign_ = 0;
  size_t contact_ = 0;
  size_t time_ = 0;
  std::vector<size_t> keys_;
};

struct CampaignColumns {
  std::string source;
  std::string key_column;
  std::string name_column;
  std::string category_column;
  std::string start_column;
  std::string end_column;
};

// A campaign of another system a row, as a draft.
class CampaignRows final : public RowImport {
 public:
  explicit CampaignRows(CampaignColumns columns) : columns_(std::move(columns)) {}

  std::string method() const override { return "/crm.campaign.v1.CampaignService/ImportCampaigns"; }
  absl::Status Open(const CsvTable& table) override;
  Row Next(const CsvRecord& record) override;
  // An import again answers what is there.
  std::vector<std::string> outcomes() const override { return {"there"}; }
  size_t OutcomeOf(const std::string&) const override { return 0; }

 private:
  const CampaignColumns columns_;
  size_t key_ = 0;
  size_t name_ = 0;
  size_t category_ = 0;
  size_t start_ = 0;
  size_t end_ = 0;
};

}  // namespace crm::crmctl
