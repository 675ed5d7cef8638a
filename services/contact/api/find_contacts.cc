#include "services/contact/api/find_contacts.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/status.h"
#include "common/projection/list_page.h"
#include "services/contact/api/core_contacts.h"
#include "services/contact/api/email_address.h"
#include "services/contact/api/phone_number.h"
#include "services/contact/api/requests.h"
#include "services/contact/api/text.h"
#include "services/contact/projection/contact_index.h"
#include "services/contact/projection/name_words.h"

namespace crm::contact {
namespace {

using Facet = ContactIndex::Facet;

constexpr int kMaxLookedUp = 100;
constexpr std::string_view kCollection = "contacts/";

const RowReader& IndexOf(const QueryContext& context) {
  return *context.reading.view(ContactIndex::kName).rows;
}

template <typename Values>
bool Has(const Values& values, const std::string& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

// What an e-mail address or a phone number is looked up by.
struct Looked {
  Facet facet;
  std::string value;

  bool IsOf(const v1::Contact& contact) const {
    return facet == Facet::kEmail ? Has(contact.emails(), value) : Has(contact.phones(), value);
  }
};

absl::StatusOr<Looked> ReadEmail(const std::string& email) {
  auto normal = NormaliseEmail(email);
  if (!normal) return InvalidField("email", "must be an e-mail address such as name@example.com");
  return Looked{Facet::kEmail, *std::move(normal)};
}

absl::StatusOr<Looked> ReadPhone(const v1::LookupContactsRequest& request,
                                 const ContactOptions& options) {
  FieldFaults faults;
  std::string region = options.default_region;
  if (!request.region_code().empty()) {
    region = NormaliseRegion(request.region_code()).value_or("");
    if (region.empty()) {
      faults.Add("region_code", "must be an ISO 3166-1 alpha-2 code such as CH");
    }
  }
  auto normal = NormalisePhone(request.phone(), region);
  if (!normal) {
    faults.Add("phone",
               "must be a phone number: with its country code (+41 …), or national where "
               "region_code or the default region tells the country; without extension");
  }
  CRM_RETURN_IF_ERROR(faults.ToStatus());
  return Looked{Facet::kPhone, *std::move(normal)};
}

absl::Status FindByValue(const QueryContext& context, const Looked& looked, bool basic,
                         v1::LookupContactsResponse* response) {
  const std::string& tenant = context.caller.tenant;
  const std::string hash =
      ContactIndex::FacetHash(context.secret, tenant, looked.facet, looked.value);
  CoreContacts contacts(context);
  ContactPage page(response->mutable_contacts(), kMaxLookedUp, basic);
  MergedRows rows(
      IndexOf(context),
      [&](Partition partition) { return ContactIndex::FacetPrefix(partition, tenant, hash); }, "");
  for (int examined = 0; rows.Valid(); rows.Next(), ++examined) {
    CRM_ASSIGN_OR_RETURN(auto contact,
                         contacts.Find(std::string(kCollection).append(rows.place())));
    if (!contact || !IsLiving(*contact) || !looked.IsOf(*contact)) continue;
    if (page.full() || examined >= kMaxExamined) {
      response->set_more(true);
      return absl::OkStatus();
    }
    page.Add(*std::move(contact));
  }
  return rows.status();
}

// An alias leads to its contact.
absl::Status FindByKey(const QueryContext& context, const v1::ExternalKey& key, bool basic,
                       v1::LookupContactsResponse* response) {
  FieldFaults faults;
  CheckKey("external_key", key, faults);
  CRM_RETURN_IF_ERROR(faults.ToStatus());
  CoreContacts contacts(context);
  CRM_ASSIGN_OR_RETURN(auto contact, contacts.Find(NameOfKey(context.caller, key, context.names)));
  if (contact && !contact->moved_to().empty()) {
    const std::string name = contact->moved_to();
    CRM_ASSIGN_OR_RETURN(contact, contacts.Find(name));
  }
  ContactPage page(response->mutable_contacts(), 1, basic);
  if (contact && IsLiving(*contact)) page.Add(*std::move(contact));
  return absl::OkStatus();
}

absl::Status Lookup(const QueryContext& context, const v1::LookupContactsRequest& request,
                    const ContactOptions& options, v1::LookupContactsResponse* response) {
  using Request = v1::LookupContactsRequest;
  const bool basic = IsBasic(request.view(), false);
  switch (request.key_case()) {
    case Request::kEmail: {
      CRM_ASSIGN_OR_RETURN(const Looked looked, ReadEmail(request.email()));
      return FindByValue(context, looked, basic, response);
    }
    case Request::kPhone: {
      CRM_ASSIGN_OR_RETURN(const Looked looked, ReadPhone(request, options));
      return FindByValue(context, looked, basic, response);
    }
    case Request::kExternalKey:
      return FindByKey(context, request.external_key(), basic, response);
    case Request::KEY_NOT_SET:
      break;
  }
  return InvalidField("key", "one of email, phone and external_key is required");
}

// Whether a word of the contact's names begins like the whole key.
bool HasWord(const v1::Contact& contact, const std::string& key) {
  const auto keys =
      SearchKeys({contact.display_name(), contact.given_name(), contact.family_name()}, SIZE_MAX);
  return std::any_of(keys.begin(), keys.end(),
                     [&](const std::string& word) { return word.starts_with(key); });
}

// The words that begin like a key, a contact at its first one only.
class Words {
 public:
  Words(const QueryContext& context, std::string key, std::string_view after)
      : key_(std::move(key)),
        cut_(key_.substr(0, kMaxSearchKey)),
        contacts_(context),
        rows_(IndexOf(context),
              [&](Partition partition) {
                return ContactIndex::WordPrefix(partition, context.caller.tenant);
              },
              after, {.begin = cut_, .end = PrefixEnd(cut_)}) {}

  MergedRows& rows() { return rows_; }

  // The contact at the present place, if it is to be shown here.
  absl::StatusOr<std::optional<v1::Contact>> Contact() {
    // The word before it begins like the key, too: the contact was met there.
    const std::string_view common = rows_.value();
    if (!common.empty() && static_cast<unsigned char>(common[0]) >= cut_.size()) {
      return std::nullopt;
    }
    CRM_ASSIGN_OR_RETURN(auto contact, contacts_.Find(ContactIndex::NameAtWord(rows_.place())));
    if (!contact || !IsLiving(*contact) || !HasWord(*contact, key_)) return std::nullopt;
    return contact;
  }

 private:
  const std::string key_;
  const std::string cut_;
  CoreContacts contacts_;
  MergedRows rows_;
};

}  // namespace

absl::StatusOr<std::string> LookupContacts(const QueryContext& context,
                                           const v1::LookupContactsRequest& request,
                                           const ContactOptions& options) {
  v1::LookupContactsResponse response;
  CRM_RETURN_IF_ERROR(Lookup(context, request, options, &response));
  return response.SerializeAsString();
}

absl::StatusOr<std::string> SearchContacts(const QueryContext& context,
                                           const v1::SearchContactsRequest& request) {
  std::string key = SearchKey(request.prefix());
  if (key.empty()) return InvalidField("prefix", "must hold a letter or a digit");
  CRM_ASSIGN_OR_RETURN(const int page_size, PageSize(request.page_size()));
  const std::string query = QueryHash(context.caller.tenant, "SearchContacts", {key});
  CRM_ASSIGN_OR_RETURN(const std::string after,
                       OpenPageToken(query, request.page_token(), context.secret));
  v1::SearchContactsResponse response;
  ContactPage page(response.mutable_contacts(), page_size, IsBasic(request.view(), false));
  Words words(context, std::move(key), after);
  MergedRows& rows = words.rows();
  std::string last;
  for (int examined = 0; rows.Valid(); rows.Next(), ++examined) {
    if (page.full() || examined == kMaxExamined) {
      response.set_next_page_token(SealPageToken(query, last, context.secret, context.random));
      return response.SerializeAsString();
    }
    last = rows.place();
    CRM_ASSIGN_OR_RETURN(auto contact, words.Contact());
    if (contact) page.Add(*std::move(contact));
  }
  CRM_RETURN_IF_ERROR(rows.status());
  return response.SerializeAsString();
}

}  // namespace crm::contact
