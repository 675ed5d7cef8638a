#include "common/service/resource_reads.h"

#include <fmt/format.h>

#include "common/aggregate/core_rows.h"
#include "common/aggregate/history.h"
#include "common/base/bytes.h"
#include "common/base/check.h"
#include "common/base/status.h"
#include "common/base/timestamp.h"
#include "common/rpc/call_metadata.h"
#include "common/rpc/wire_walk.h"
#include "crm/common/v1/position.pb.h"
#include "crm/common/v1/storage.pb.h"

namespace crm {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr std::string_view kTenantSegment = "{tenant}";
constexpr int kDefaultPage = 50;
constexpr int kMaxPage = 1000;
// Of many resources; less than gRPC's clients take by default.
constexpr size_t kMaxAnswerBytes = 2 << 20;
constexpr size_t kIdCharacters = 27;
constexpr char kPurpose[] = "revisions";

absl::Status NotFound() {
  return Error(absl::StatusCode::kNotFound, "RESOURCE_NOT_FOUND", "there is no such resource");
}

// One field of a revision by name; stops the process where the proto lacks it.
const FieldDescriptor* Field(const Message& message, const char* name) {
  const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(name);
  CRM_CHECK(field != nullptr);
  return field;
}

void CopyChangedFields(const Event& event, Message* revision) {
  const FieldDescriptor* from = event.event->GetDescriptor()->FindFieldByName("changed_fields");
  if (from == nullptr) return;
  const FieldDescriptor* to = Field(*revision, "changed_fields");
  const auto* reflection = event.event->GetReflection();
  for (int i = 0; i < reflection->FieldSize(*event.event, from); ++i) {
    revision->GetReflection()->AddString(revision, to,
                                         reflection->GetRepeatedString(*event.event, from, i));
  }
}

void SetMessage(Message* revision, const char* name, const Message& value) {
  revision->GetReflection()->MutableMessage(revision, Field(*revision, name))->CopyFrom(value);
}

void FillRevision(const Event& event, const Aggregate& after, const Message& resource,
                  Message* revision) {
  const auto* reflection = revision->GetReflection();
  const common::v1::EventMetadata& metadata = *event.metadata;
  reflection->SetInt64(revision, Field(*revision, "version"), metadata.aggregate_version());
  reflection->SetString(revision, Field(*revision, "event_type"),
                        event.event->GetDescriptor()->name());
  reflection->SetString(revision, Field(*revision, "request_id"), metadata.request_id());
  reflection->SetString(revision, Field(*revision, "traceparent"), metadata.traceparent());
  SetMessage(revision, "recorded_time", metadata.recorded_time());
  if (metadata.has_actor()) SetMessage(revision, "actor", metadata.actor());
  CopyChangedFields(event, revision);
  for (int i = 0; i < revision->GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor* field = revision->GetDescriptor()->field(i);
    if (field->message_type() != resource.GetDescriptor()) continue;
    reflection->MutableMessage(revision, field)->ParsePartialFromString(after.Render());
  }
}

absl::StatusOr<int> PageSize(int asked) {
  if (asked < 0) return InvalidField("page_size", "must not be negative");
  return asked == 0 ? kDefaultPage : std::min(asked, kMaxPage);
}

std::string TokenPurpose(const ResourceRef& ref) {
  return std::string(kPurpose) + '\0' + ref.tenant + '\0' + ref.name;
}

absl::StatusOr<int64_t> FirstVersion(const ResourceRef& ref, const RevisionsPage& page) {
  if (page.page_token.empty()) return 1;
  const auto opened = page.secret.OpenToken(TokenPurpose(ref), page.page_token);
  common::v1::PageToken token;
  if (!opened.ok() || !token.ParseFromString(*opened)) {
    return InvalidField("page_token", "is not a token this method answered for this resource");
  }
  return std::stoll(token.id());
}

bool IsId(std::string_view id) {
  return id.size() == kIdCharacters && std::all_of(id.begin(), id.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '2' && c <= '7');
         });
}

// The part before the first slash; `text` keeps what follows it.
std::string_view TakeSegment(std::string_view* text) {
  const size_t slash = text->find('/');
  const std::string_view segment = text->substr(0, slash);
  text->remove_prefix(slash == std::string_view::npos ? text->size() : slash + 1);
  return segment;
}

bool MatchesSegment(std::string_view expected, std::string_view segment) {
  if (expected == "*") return IsId(segment);
  return expected == kTenantSegment ? IsTenant(segment) : segment == expected;
}

bool MatchesPattern(std::string_view pattern, std::string_view name) {
  if (name.ends_with('/')) return false;
  while (!pattern.empty() && !name.empty()) {
    const std::string_view expected = TakeSegment(&pattern);
    const std::string_view segment = TakeSegment(&name);
    if (!MatchesSegment(expected, segment)) return false;
  }
  return pattern.empty() && name.empty();
}

}  // namespace

absl::Status CheckReadable(const RowReader& core, const ResourceRef& ref) {
  CRM_ASSIGN_OR_RETURN(const auto row,
                       core.Get(MarkKey(ref.partition, ref.tenant, SubjectOf(ref.name))));
  common::v1::SubjectMark mark;
  if (!row.has_value() || !mark.ParseFromString(*row) || !mark.quarantined()) {
    return absl::OkStatus();
  }
  return Error(
      absl::StatusCode::kDataLoss, "SUBJECT_UNREADABLE",
      "a record of this subject cannot be read; see crmctl dead-letters",
      {{"partition", std::to_string(ref.partition)}, {"offset", std::to_string(mark.offset())}});
}

absl::Status CheckResourceName(std::string_view pattern, std::string_view name) {
  if (MatchesPattern(pattern, name)) return absl::OkStatus();
  if (pattern.ends_with(kTenantSegment)) {
    return InvalidField("name", "must look like tenants/acme: [a-z][a-z0-9-]{0,62}");
  }
  return InvalidField("name", "must look like " + std::string(pattern) +
                                  ", with 27 characters of a-z, 2-7 for each star");
}

absl::StatusOr<std::string> ReadResource(const RowReader& core, const ResourceRef& ref,
                                         bool may_be_marked) {
  if (may_be_marked) CRM_RETURN_IF_ERROR(CheckReadable(core, ref));
  CRM_ASSIGN_OR_RETURN(auto row, core.Get(AggregateKey(ref.partition, ref.tenant, ref.name)));
  if (!row.has_value()) return NotFound();
  row->erase(0, row->size() - ResourceOfRow(*row).size());
  return std::move(*row);
}

absl::StatusOr<std::string> ReadResources(const RowReader& core,
                                          const std::vector<ResourceRef>& refs,
                                          const std::vector<uint32_t>& left_out) {
  constexpr char kFirstField = 1 << 3 | 2;
  std::string response;
  for (const ResourceRef& ref : refs) {
    auto resource = ReadResource(core, ref, true);
    if (absl::IsNotFound(resource.status())) {
      return Error(absl::StatusCode::kNotFound, ReasonOf(resource.status()),
                   "there is no such resource; the metadata names the first", {{"name", ref.name}});
    }
    CRM_RETURN_IF_ERROR(resource.status());
    response.push_back(kFirstField);
    AppendSized(&response, left_out.empty() ? *resource : WithoutFields(*resource, left_out));
    if (response.size() > kMaxAnswerBytes) {
      return InvalidField("names", fmt::format("what they name is larger than {} MiB together; ask "
                                               "for fewer at a time",
                                               kMaxAnswerBytes >> 20));
    }
  }
  return response;
}

absl::StatusOr<std::string> ReadResourceAt(const RowReader& core, EventSource source,
                                           const AggregateType& type, const ResourceRef& ref,
                                           const Moment& moment) {
  CRM_RETURN_IF_ERROR(CheckReadable(core, ref));
  const auto include = [&moment](const Event& event) {
    if (moment.offset.has_value() && event.offset >= *moment.offset) return false;
    return !moment.time.has_value() || ToTimeNs(event.metadata->recorded_time()) <= *moment.time;
  };
  CRM_ASSIGN_OR_RETURN(const auto aggregate,
                       FoldHistory(core, source.schema, source.sealer, type,
                                   {ref.partition, ref.tenant, ref.name}, include));
  if (aggregate->info().version == 0) return NotFound();
  return aggregate->Render();
}

absl::StatusOr<std::string> ReadRevisions(const RowReader& core, EventSource source,
                                          const AggregateType& type, const ResourceRef& ref,
                                          const RevisionsPage& page) {
  CRM_RETURN_IF_ERROR(CheckReadable(core, ref));
  CRM_ASSIGN_OR_RETURN(const int size, PageSize(page.page_size));
  CRM_ASSIGN_OR_RETURN(const int64_t first, FirstVersion(ref, page));
  std::unique_ptr<Message> response(page.response.New());
  const auto* reflection = response->GetReflection();
  const FieldDescriptor* revisions = Field(*response, "revisions");
  const std::unique_ptr<Aggregate> aggregate = type.New(ref.name);
  bool more = false;
  CRM_RETURN_IF_ERROR(
      VisitHistory(core, source.schema, source.sealer, {ref.partition, ref.tenant, ref.name}, 1,
                   [&](const Event& event) {
                     if (reflection->FieldSize(*response, revisions) == size) {
                       more = true;
                       return false;
                     }
                     aggregate->Apply(event);
                     if (aggregate->info().version >= first) {
                       FillRevision(event, *aggregate, type.resource(),
                                    reflection->AddMessage(response.get(), revisions));
                     }
                     return true;
                   }));
  if (aggregate->info().version == 0) return NotFound();
  if (more) {
    common::v1::PageToken token;
    token.set_id(std::to_string(aggregate->info().version + 1));
    reflection->SetString(
        response.get(), Field(*response, "next_page_token"),
        page.secret.SealToken(TokenPurpose(ref), token.SerializeAsString(), page.random));
  }
  return response->SerializeAsString();
}

}  // namespace crm
