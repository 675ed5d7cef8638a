#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "common/base/status.h"
#include "common/rpc/wire_walk.h"
#include "crm/contact/v1/contact_service.pb.h"
#include "tools/crmctl/contact_commands.h"
#include "tools/crmctl/file_import.h"
#include "tools/crmctl/importing/mapping_file.h"
#include "tools/crmctl/importing/vcard_rows.h"

namespace crm::crmctl {
namespace {

using contact::v1::UpsertContactResponse;

constexpr char kImportMethod[] = "/crm.contact.v1.ContactService/ImportContacts";
constexpr char kGetTenant[] = "/crm.contact.v1.ContactService/GetTenant";

std::vector<std::string> ContactOutcomes() {
  return {"created", "updated", "unchanged", "superseded"};
}

// The contact of each response is passed over: it is the larger part.
size_t ContactOutcome(std::string_view response) {
  int64_t outcome = 0;
  WireField field;
  while (NextWireField(&response, &field)) {
    if (field.number != UpsertContactResponse::kOutcomeFieldNumber) continue;
    outcome = static_cast<int64_t>(field.varint) - UpsertContactResponse::CREATED;
  }
  return static_cast<size_t>(std::clamp<int64_t>(outcome, 0, 3));
}

// A contact a row.
class ContactRows final : public RowImport {
 public:
  // `about`: what the specification was made of.
  ContactRows(ContactFileSpec spec, CustomFieldTypes types, std::string about)
      : spec_(std::move(spec)), types_(std::move(types)), about_(std::move(about)) {}

  std::string method() const override { return kImportMethod; }
  std::string About() const override { return about_; }
  std::vector<std::string> outcomes() const override { return ContactOutcomes(); }
  size_t OutcomeOf(const std::string& response) const override { return ContactOutcome(response); }

  absl::Status Open(const CsvTable& table) override {
    auto mapping = ContactMapping::Make(spec_, table, types_);
    if (mapping.ok()) mapping_ = *std::move(mapping);
    return mapping.status();
  }

  Row Next(const CsvRecord& record) override {
    ContactMapping::Row mapped = mapping_->ToRequest(record);
    if (!mapped.faults.empty()) return {std::move(mapped.faults), std::nullopt};
    return {{},
            BatchImport::Item{record.line, mapped.request.contact().external_key().key(),
                              mapped.request.SerializeAsString()}};
  }

 private:
  const ContactFileSpec spec_;
  const CustomFieldTypes types_;
  const std::string about_;
  std::optional<ContactMapping> mapping_;
};

class ContactCards final : public ImportKind {
 public:
  explicit ContactCards(std::string about) : about_(std::move(about)) {}
  std::string method() const override { return kImportMethod; }
  std::string About() const override { return about_; }
  std::vector<std::string> outcomes() const override { return ContactOutcomes(); }
  size_t OutcomeOf(const std::string& response) const override { return ContactOutcome(response); }

 private:
  const std::string about_;
};

// The tenant's own fields, asked for only where the specification leaves a type open.
absl::StatusOr<CustomFieldTypes> TypesFor(const ContactFileSpec& spec, RpcClient& client) {
  const bool open =
      std::any_of(spec.columns.begin(), spec.columns.end(),
                  [](const auto& column) { return ContactField::NeedsType(column.field); }) ||
      std::any_of(spec.constants.begin(), spec.constants.end(),
                  [](const auto& constant) { return ContactField::NeedsType(constant.field); });
  CustomFieldTypes types;
  if (!open) return types;
  contact::v1::GetTenantRequest request;
  const std::string& tenant_id = client.target().tenant;
  request.set_name("tenants/" + (tenant_id.empty() ? "default" : tenant_id));
  contact::v1::Tenant tenant;
  const absl::Status status = client.Call(kGetTenant, request, &tenant);
  // Without settings nothing is declared; the mapping's fault says so.
  if (absl::IsNotFound(status) || absl::IsUnimplemented(status)) return types;
  CRM_RETURN_IF_ERROR(status);
  for (const auto& field : tenant.custom_fields()) types[field.id()] = field.type();
  return types;
}

struct ReadSpec {
  ContactFileSpec spec;
  std::string about;
};

absl::StatusOr<ReadSpec> ReadSpecOf(const ImportArguments& arguments) {
  if (arguments.mapping.empty()) {
    const ContactColumns& columns = arguments.columns;
    if (columns.source.empty() || columns.key_column.empty()) {
      return Error(absl::StatusCode::kInvalidArgument, "MAPPING_MISSING",
                   "say what the columns are: --mapping FILE, or --source and --key-column");
    }
    CRM_ASSIGN_OR_RETURN(ContactFileSpec spec, SpecOf(columns));
    return ReadSpec{
        std::move(spec),
        fmt::format("{}\n{}\n{}\n{}\n{}", columns.source, columns.key_column, columns.kind,
                    fmt::join(columns.map, "\n"), fmt::join(columns.tags_columns, "\n"))};
  }
  std::ifstream in(arguments.mapping, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  if (!in || std::filesystem::is_directory(arguments.mapping)) {
    return Error(absl::StatusCode::kInvalidArgument, "FILE_UNREADABLE",
                 fmt::format("cannot read the mapping file {}: check the path and its permissions",
                             arguments.mapping));
  }
  auto spec = ReadMappingFile(text);
  if (spec.ok()) return ReadSpec{*std::move(spec), text.str()};
  return Error(spec.status().code(), ReasonOf(spec.status()),
               fmt::format("{}: {}; nothing was sent", arguments.mapping,
                           std::string(spec.status().message())));
}

absl::Status ImportCards(RpcClient& client, Console& console, const ImportArguments& arguments) {
  VcardRows::Options options;
  if (!arguments.columns.source.empty()) options.source = arguments.columns.source;
  options.region = arguments.region;
  const ContactCards kind(fmt::format("vcard\n{}\n{}", options.source, options.region));
  return WithInput(
      arguments.options.file, ".refused.vcf", [&](std::istream& in, const ImportInput& input) {
        VcardRows rows(in, options);
        const absl::Status status =
            ImportRows(client, console, arguments.options, input, kind, rows);
        if (const std::string left = rows.LeftOut(); !left.empty()) {
          console.err << "not imported, as contacts have no place for it: " << left << '\n';
        }
        return status;
      });
}

bool IsVcard(const ImportArguments& arguments) {
  if (!arguments.format.empty()) return arguments.format == "vcard";
  return arguments.options.file.ends_with(".vcf") || arguments.options.file.ends_with(".VCF");
}

}  // namespace

absl::Status ImportContacts(RpcClient& client, Console& console, const ImportArguments& arguments) {
  if (IsVcard(arguments)) return ImportCards(client, console, arguments);
  CRM_ASSIGN_OR_RETURN(ReadSpec read, ReadSpecOf(arguments));
  CRM_ASSIGN_OR_RETURN(CustomFieldTypes types, TypesFor(read.spec, client));
  const CsvDialect dialect = read.spec.dialect;
  ContactRows rows(std::move(read.spec), std::move(types), std::move(read.about));
  return ImportFile(client, console, arguments.options, dialect, rows);
}

}  // namespace crm::crmctl
