#include <fmt/format.h>

#include "tools/crmctl/contact_commands.h"
#include "tools/crmctl/file_import.h"

namespace crm::crmctl {
namespace {

using contact::v1::UpsertContactResponse;

// A contact a row.
class ContactRows final : public RowImport {
 public:
  explicit ContactRows(const ImportArguments& arguments) : arguments_(arguments) {}

  std::string method() const override { return "/crm.contact.v1.ContactService/ImportContacts"; }

  absl::Status Open(const CsvTable& table) override {
    auto mapping = ContactMapping::Make(arguments_.columns, table);
    if (mapping.ok()) mapping_ = *std::move(mapping);
    return mapping.status();
  }

  Row Next(const CsvRecord& record) override {
    ContactMapping::Row mapped = mapping_->ToRequest(record);
    if (!mapped.faults.empty()) return {std::move(mapped.faults), std::nullopt};
    mapped.request.set_request_id(fmt::format("{}-{}", arguments_.request_prefix, record.line));
    return {{},
            BatchImport::Item{record.line, mapped.request.contact().external_key().key(),
                              mapped.request.SerializeAsString()}};
  }

  std::vector<std::string> outcomes() const override { return {"created", "updated", "unchanged"}; }

  size_t OutcomeOf(const std::string& bytes) const override {
    UpsertContactResponse response;
    response.ParseFromString(bytes);
    if (response.outcome() == UpsertContactResponse::CREATED) return 0;
    return response.outcome() == UpsertContactResponse::UPDATED ? 1 : 2;
  }

 private:
  const ImportArguments& arguments_;
  std::optional<ContactMapping> mapping_;
};

}  // namespace

absl::Status ImportContacts(RpcClient& client, Console& console, const ImportArguments& arguments) {
  ContactRows rows(arguments);
  return ImportFile(client, console, arguments.options, rows);
}

}  // namespace crm::crmctl
