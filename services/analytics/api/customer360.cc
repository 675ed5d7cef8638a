#include "services/analytics/api/customer360.h"

#include <algorithm>
#include <map>
#include <utility>

#include "common/aggregate/core_rows.h"
#include "common/base/status.h"
#include "common/base/timestamp.h"
#include "common/service/resource_reads.h"
#include "services/analytics/projection/contact_scores_aggregate.h"
#include "services/analytics/projection/customer_campaigns.h"
#include "services/analytics/projection/customer_contacts.h"
#include "services/analytics/projection/customer_fold.h"
#include "services/analytics/projection/customer_interactions.h"
#include "services/analytics/projection/customer_rows.h"
#include "services/analytics/projection/order_facts.h"

namespace crm::analytics {
namespace {

using v1::Customer360;
using v1::GetCustomer360Request;

constexpr int kDefaultSize = 20;
constexpr int kMaxSize = 1000;
constexpr TimeNs kDay = 86'400 * kSecond;

int SizeOf(int32_t asked) {
  return asked == 0 ? kDefaultSize : std::min(asked, kMaxSize);
}

absl::Status CheckSizes(const GetCustomer360Request& request) {
  FieldFaults faults;
  const auto check = [&](const char* field, int32_t size) {
    if (size < 0) faults.Add(field, "must not be negative");
  };
  check("timeline_size", request.timeline_size());
  check("sends_size", request.sends_size());
  check("responses_size", request.responses_size());
  if (!GetCustomer360Request::View_IsValid(request.view())) {
    faults.Add("view", "must be BASIC or FULL");
  }
  return faults.ToStatus();
}

// Adds the first `limit` of `all` to a section.
template <typename M>
void AddSome(const std::vector<M>& all, int limit, google::protobuf::RepeatedPtrField<M>* section) {
  const auto count = std::min(all.size(), static_cast<size_t>(limit));
  section->Add(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(count));
}

void AddFact(const DayFact& fact, v1::CustomerSales* sales) {
  const TimeNs day = fact.day * kDay;
  if (!sales->has_first_day()) SetTimestamp(day, sales->mutable_first_day());
  SetTimestamp(day, sales->mutable_last_day());
  sales->set_currency_code(std::string(fact.currency));
  sales->set_orders(sales->orders() + fact.purchases);
  sales->set_returns(sales->returns() + fact.returns);
  sales->set_amount_minor(AddHeld(sales->amount_minor(), fact.amount_minor));
}

// Gathers the sections of one contact.
class Sections {
 public:
  Sections(const QueryContext& context, std::string name)
      : context_(context), tenant_(context.caller.tenant), id_(ContactIdOf(name)) {
    view_.set_contact(std::move(name));
  }

  absl::Status AddProfile() {
    const ProjectionReading& reading = View(CustomerContacts::kName);
    const std::string token = context_.token(reading);
    auto* profile = view_.mutable_profile();
    auto* lifecycle = view_.mutable_lifecycle();
    profile->set_position(token);
    lifecycle->set_position(token);
    CRM_ASSIGN_OR_RETURN(auto contact, CustomerContacts::Profile(*reading.rows, tenant_, id_));
    if (contact) *profile->mutable_contact() = Known(*std::move(contact));
    CRM_ASSIGN_OR_RETURN(auto stage, CustomerContacts::Lifecycle(*reading.rows, tenant_, id_));
    if (stage) *lifecycle->mutable_lifecycle() = Known(*std::move(stage));
    return CheckReadable(reading);
  }

  absl::Status AddConsents() {
    const ProjectionReading& reading = View(CustomerContacts::kName);
    auto* section = view_.mutable_consents();
    section->set_position(view_.profile().position());
    CRM_ASSIGN_OR_RETURN(auto ledger, CustomerContacts::Consents(*reading.rows, tenant_, id_));
    if (ledger) *section->mutable_consents() = Known(*std::move(ledger)).consents();
    return absl::OkStatus();
  }

  absl::Status AddTotals() {
    const ProjectionReading& touches = View(CustomerInteractions::kName);
    const ProjectionReading& facts = View(OrderFacts::kName);
    auto* section = view_.mutable_totals();
    section->set_position(context_.token(touches));
    section->set_sales_position(context_.token(facts));
    CRM_ASSIGN_OR_RETURN(const int64_t count,
                         CustomerInteractions::Count(*touches.rows, tenant_, id_));
    section->set_interactions(count);
    CRM_RETURN_IF_ERROR(OrderFacts::OfContact(
        *facts.rows, tenant_, id_, [&](std::string_view, const DayFact& fact) {
          auto* sales = section->mutable_sales();
          if (sales->empty() || sales->rbegin()->currency_code() != fact.currency) sales->Add();
          AddFact(fact, &*sales->rbegin());
        }));
    known_ = known_ || count > 0 || section->sales_size() > 0;
    return CheckReadable(touches);
  }

  absl::Status AddTimeline(int limit) {
    const ProjectionReading& reading = View(CustomerInteractions::kName);
    auto* section = view_.mutable_timeline();
    section->set_position(view_.totals().position());
    CRM_ASSIGN_OR_RETURN(const auto entries,
                         CustomerInteractions::Latest(*reading.rows, tenant_, id_, limit));
    AddSome(entries, limit, section->mutable_entries());
    known_ = known_ || !entries.empty();
    return absl::OkStatus();
  }

  absl::Status AddCampaigns(int sends_limit, int responses_limit) {
    const ProjectionReading& reading = View(CustomerCampaigns::kName);
    const std::string token = context_.token(reading);
    view_.mutable_memberships()->set_position(token);
    view_.mutable_sends()->set_position(token);
    view_.mutable_responses()->set_position(token);
    CRM_ASSIGN_OR_RETURN(const auto memberships,
                         CustomerCampaigns::Memberships(*reading.rows, tenant_, id_));
    CRM_ASSIGN_OR_RETURN(const auto sends, CustomerCampaigns::Sends(*reading.rows, tenant_, id_));
    CRM_ASSIGN_OR_RETURN(const auto responses,
                         CustomerCampaigns::Responses(*reading.rows, tenant_, id_));
    view_.mutable_memberships()->mutable_memberships()->Add(memberships.begin(), memberships.end());
    AddSome(sends, sends_limit, view_.mutable_sends()->mutable_sends());
    AddSome(responses, responses_limit, view_.mutable_responses()->mutable_responses());
    view_.mutable_sends()->set_total(static_cast<int64_t>(sends.size()));
    view_.mutable_responses()->set_total(static_cast<int64_t>(responses.size()));
    known_ = known_ || !memberships.empty() || !sends.empty() || !responses.empty();
    return CheckReadable(reading);
  }

  absl::Status AddScores() {
    const ProjectionReading& reading = context_.reading.core;
    auto* section = view_.mutable_scores();
    section->set_position(context_.token(reading));
    const Partition partition = PartitionOfSubject(tenant_, view_.contact());
    const auto bytes = ReadResource(
        *reading.rows, {partition, std::string(tenant_), ContactScoresName(id_)}, true);
    if (absl::IsNotFound(bytes.status())) return absl::OkStatus();
    if (absl::IsDataLoss(bytes.status())) return Miss(reading);
    if (!bytes.ok()) return bytes.status();
    v1::ContactScores scores;
    if (!scores.ParseFromString(*bytes)) return UnreadableRow("core");
    *section->mutable_scores() = Known(std::move(scores));
    return absl::OkStatus();
  }

  bool known() const { return known_; }
  Customer360 Take() { return std::move(view_); }
  // What was only looked at to know whether there is such a contact.
  void DropFull() {
    view_.clear_consents();
    view_.clear_timeline();
    view_.clear_memberships();
    view_.clear_sends();
    view_.clear_responses();
  }

 private:
  const ProjectionReading& View(std::string_view name) const { return context_.reading.view(name); }

  template <typename M>
  M Known(M&& message) {
    known_ = true;
    return std::forward<M>(message);
  }

  absl::Status CheckReadable(const ProjectionReading& reading) {
    CRM_ASSIGN_OR_RETURN(const bool kept_out, IsKeptOut(*reading.rows, tenant_, id_));
    return kept_out ? Miss(reading) : absl::OkStatus();
  }

  absl::Status Miss(const ProjectionReading& reading) {
    view_.add_unreadable_topics(std::string(reading.topic));
    known_ = true;
    return absl::OkStatus();
  }

  const QueryContext& context_;
  const std::string_view tenant_;
  const std::string id_;
  Customer360 view_;
  bool known_ = false;
};

absl::Status AddFull(const GetCustomer360Request& request, Sections& sections) {
  CRM_RETURN_IF_ERROR(sections.AddConsents());
  CRM_RETURN_IF_ERROR(sections.AddTimeline(SizeOf(request.timeline_size())));
  return sections.AddCampaigns(SizeOf(request.sends_size()), SizeOf(request.responses_size()));
}

}  // namespace

absl::StatusOr<std::string> SubjectOfCustomer360(const Caller& caller,
                                                 const google::protobuf::Message& message,
                                                 const NameMaker& names) {
  const auto& request = static_cast<const GetCustomer360Request&>(message);
  if (request.has_external_key()) {
    return names.FromExternalKey("contacts", 'c', caller.tenant, request.external_key().source(),
                                 request.external_key().key());
  }
  if (request.name().empty()) {
    return InvalidField("name", "is required, or external_key in its place");
  }
  CRM_RETURN_IF_ERROR(CheckResourceName("contacts/*", request.name()));
  return request.name();
}

std::vector<std::string> Customer360Views() {
  return {std::string(CustomerContacts::kName), std::string(CustomerInteractions::kName),
          std::string(OrderFacts::kName), std::string(CustomerCampaigns::kName)};
}

absl::StatusOr<Customer360> GetCustomer360(const QueryContext& context,
                                           const GetCustomer360Request& request) {
  CRM_RETURN_IF_ERROR(CheckSizes(request));
  CRM_ASSIGN_OR_RETURN(std::string name,
                       SubjectOfCustomer360(context.caller, request, context.names));
  Sections sections(context, std::move(name));
  CRM_RETURN_IF_ERROR(sections.AddProfile());
  CRM_RETURN_IF_ERROR(sections.AddTotals());
  CRM_RETURN_IF_ERROR(sections.AddScores());
  const bool full = request.view() != GetCustomer360Request::BASIC;
  if (full || !sections.known()) CRM_RETURN_IF_ERROR(AddFull(request, sections));
  if (!full) sections.DropFull();
  if (!sections.known()) {
    return Error(absl::StatusCode::kNotFound, "CONTACT_NOT_FOUND",
                 "no topic knows a contact of this name");
  }
  return sections.Take();
}

}  // namespace crm::analytics
