#include "services/campaign/reaction/audience_reading.h"

#include "common/base/status.h"
#include "services/campaign/projection/audience_contacts.h"
#include "services/campaign/projection/audience_orders.h"
#include "services/campaign/projection/audience_scores.h"

namespace crm::campaign {
namespace {

AudienceView ViewOf(const ServiceReading& reading, std::string_view name, Partition partition) {
  const ProjectionReading& view = reading.view(name);
  return {view.rows, view.topic, view.read_to[static_cast<size_t>(partition)]};
}

ConsentReading ReadingOf(const ConsentFact* fact, const Audience& audience) {
  ConsentReading reading{.partition = audience.partition, .read_to = audience.contacts.read_to};
  if (fact == nullptr) return reading;
  reading.state = fact->granted ? contact::v1::Consent::GRANTED : contact::v1::Consent::WITHDRAWN;
  reading.version = fact->version;
  if (fact->expire_time != 0) reading.expire_time = fact->expire_time;
  return reading;
}

}  // namespace

Audience AudienceOf(const ServiceReading& reading, Partition partition) {
  return {.partition = partition,
          .contacts = ViewOf(reading, AudienceContacts::kName, partition),
          .orders = ViewOf(reading, AudienceOrders::kName, partition),
          .scores = ViewOf(reading, AudienceScores::kName, partition)};
}

absl::StatusOr<SendFacts> ReadSendFacts(const Audience& audience, std::string_view tenant,
                                        std::string_view contact, std::string_view purpose,
                                        std::string_view channel) {
  CRM_ASSIGN_OR_RETURN(const FactsAt read, ReadFactsAt(audience, tenant, contact));
  const ContactFacts& facts = read.facts;
  return SendFacts{.consent = ReadingOf(facts.FindConsent(purpose, channel), read.at),
                   .contact_deleted = facts.deleted || facts.erased};
}

}  // namespace crm::campaign
