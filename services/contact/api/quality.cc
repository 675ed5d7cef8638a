#include "services/contact/api/quality.h"

#include <algorithm>
#include <cctype>
#include <memory>
#include <utility>

#include "services/contact/domain/profile_fields.h"
#include "services/contact/domain/quality.h"
#include "services/contact/projection/contact_quality.h"
#include "services/contact/projection/quality_aggregate.h"

namespace crm::contact {
namespace {

// Every built-in field and every declared one, in their order.
FieldMask AllFields(const ContactOptions& options) {
  FieldMask fields;
  ForEachField([&fields](std::string_view name, auto) {
    if (name != kCustomFields) fields.emplace_back(name);
  });
  for (const FieldDeclaration& declared : options.custom_fields) {
    fields.push_back(CustomFieldName(declared.id));
  }
  return fields;
}

void CheckField(const std::string& field, const ContactOptions& options, FieldFaults& faults) {
  if (field.empty()) return;
  const FieldMask fields = AllFields(options);
  if (std::find(fields.begin(), fields.end(), field) != fields.end()) return;
  faults.Add("field", "must be a field of Contact, custom_fields.{id} for a declared one");
}

void CheckKind(v1::QualityIssue::Kind kind, FieldFaults& faults) {
  if (kind != v1::QualityIssue::KIND_UNSPECIFIED && v1::QualityIssue::Kind_IsValid(kind)) return;
  faults.Add("kind", "must be MISSING, INVALID, STALE or CONTRADICTING");
}

// "missing-emails", "stale".
std::string DefaultIssue(v1::QualityIssue::Kind kind, const std::string& field) {
  std::string issue = v1::QualityIssue::Kind_Name(kind);
  std::transform(issue.begin(), issue.end(), issue.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return field.empty() ? issue : issue + "-" + field;
}

int64_t CountOf(const std::map<std::string, int64_t>& counts, const std::string& field) {
  const auto found = counts.find(field);
  return found == counts.end() ? 0 : found->second;
}

v1::QualityScorecard ToMessage(const QualityCounts& counts, const ContactOptions& options) {
  v1::QualityScorecard scorecard;
  scorecard.set_contacts(counts.contacts);
  for (const std::string& name : AllFields(options)) {
    v1::FieldQuality* field = scorecard.add_fields();
    field->set_field(name);
    field->set_filled(CountOf(counts.filled, name));
    field->set_doubted(CountOf(counts.doubted, name));
  }
  for (const auto& [kind, issues] : counts.issues) {
    v1::IssueCount* open = scorecard.add_open_issues();
    open->set_kind(kind);
    open->set_issues(issues);
  }
  for (const auto& [month, contacts] : counts.last_observed) {
    v1::MonthCount* last = scorecard.add_last_observed();
    last->set_month(month);
    last->set_contacts(contacts);
  }
  scorecard.set_unreachable(counts.unreachable);
  return scorecard;
}

}  // namespace

PreparedCommand QualityRequests::Open(const CommandContext& context,
                                      const v1::OpenQualityIssueRequest& request) const {
  CRM_ASSIGN_OR_RETURN(const auto options, options_.Of(context));
  FieldFaults faults;
  const std::string contact = ContactOf(context.caller, request, context.names, faults);
  CheckKind(request.kind(), faults);
  CheckField(request.field(), *options, faults);
  OpenIssue command{.issue = request.issue(),
                    .kind = request.kind(),
                    .field = request.field(),
                    .note = KeepLine("note", request.note(), faults)};
  CRM_RETURN_IF_ERROR(faults.ToStatus());
  if (command.issue.empty()) command.issue = DefaultIssue(command.kind, command.field);
  auto prepared = std::make_unique<BesideContact<QualityAggregate, OpenIssue>>(
      *types_.contact, *types_.quality, contact, std::move(command));
  prepared->settings_version = options->settings_version;
  return prepared;
}

PreparedCommand QualityRequests::Resolve(const Caller& caller,
                                         const v1::ResolveQualityIssueRequest& request,
                                         const NameMaker& names) const {
  FieldFaults faults;
  const std::string contact = ContactOf(caller, request, names, faults);
  ResolveIssue command{.issue = request.issue(), .note = KeepLine("note", request.note(), faults)};
  CRM_RETURN_IF_ERROR(faults.ToStatus());
  return std::make_unique<BesideContact<QualityAggregate, ResolveIssue>>(
      *types_.contact, *types_.quality, contact, std::move(command));
}

absl::StatusOr<std::string> GetQualityScorecard(const QueryContext& context,
                                                const v1::GetQualityScorecardRequest&,
                                                const ContactOptions& options) {
  const RowReader& rows = *context.reading.view(ContactQualityView::kName).rows;
  QualityCounts counts;
  for (Partition p = 0; p < kPartitions; ++p) {
    CRM_RETURN_IF_ERROR(ContactQualityView::AddCounts(rows, p, context.caller.tenant, &counts));
  }
  return ToMessage(counts, options).SerializeAsString();
}

}  // namespace crm::contact
