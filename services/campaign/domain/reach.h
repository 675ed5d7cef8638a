#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "common/base/ids.h"
#include "crm/campaign/v1/campaign_events.pb.h"
#include "services/campaign/domain/campaign.h"
#include "services/campaign/domain/membership.h"

namespace crm::campaign {

// Reasons of refusals of commands.
inline constexpr std::string_view kSendNotFound = "SEND_NOT_FOUND";
inline constexpr std::string_view kSendNotHandedOff = "SEND_NOT_HANDED_OFF";
inline constexpr std::string_view kSendHandedOff = "SEND_HANDED_OFF";
inline constexpr std::string_view kSendDecided = "SEND_DECIDED";
inline constexpr std::string_view kSendBounced = "SEND_BOUNCED";
inline constexpr std::string_view kResponseExists = "RESPONSE_EXISTS";
inline constexpr std::string_view kResponseWithoutSend = "RESPONSE_WITHOUT_SEND";
inline constexpr std::string_view kContactErased = "CONTACT_ERASED";

// Reasons why a contact is not written to, as events carry them.
inline constexpr std::string_view kNotInSegment = "NOT_IN_SEGMENT";
inline constexpr std::string_view kContactDeleted = "CONTACT_DELETED";
inline constexpr std::string_view kConsentMissing = "CONSENT_MISSING";
inline constexpr std::string_view kConsentWithdrawn = "CONSENT_WITHDRAWN";
inline constexpr std::string_view kConsentExpired = "CONSENT_EXPIRED";
inline constexpr std::string_view kFrequencyCap = "FREQUENCY_CAP";

// The one entry of a contact's consent ledger that a send needs, as it was read.
struct ConsentReading {
  // STATE_UNSPECIFIED: there is none.
  contact::v1::Consent::State state = contact::v1::Consent::STATE_UNSPECIFIED;
  // It no longer counts from here on.
  std::optional<TimeNs> expire_time;
  // Of the ledger when the entry took its state; 0 where there is none.
  int64_t version = 0;
  // Where the contact topic was read up to: partition and the first offset not read.
  Partition partition = 0;
  Offset read_to = 0;
  bool operator==(const ConsentReading&) const = default;
};

// Why nothing may be sent on this consent at `time`; empty where it may.
std::string_view ConsentFault(const ConsentReading& consent, TimeNs time);

struct MembershipEntry {
  std::string segment;
  TimeNs enter_time = 0;
  bool operator==(const MembershipEntry&) const = default;
};

struct SendEntry {
  std::string step;
  std::string channel;
  v1::Send::State state = v1::Send::STATE_UNSPECIFIED;
  std::string reason;
  TimeNs decide_time = 0;
  int64_t consent_version = 0;
  Offset consent_read_to = 0;
  int32_t sends_in_window = 0;
  bool operator==(const SendEntry&) const = default;
};

struct ResponseEntry {
  std::string kind;
  std::string response;
  TimeNs response_time = 0;
  // Of the send it answers to.
  std::string step;
  bool operator==(const ResponseEntry&) const = default;
};

struct CampaignReach {
  std::string campaign;
  // At most one a step.
  std::vector<SendEntry> sends;
  std::vector<ResponseEntry> responses;
  bool operator==(const CampaignReach&) const = default;
};

// What campaigns did with one contact. Only Evolve builds it.
struct Reach {
  // By segment, each once.
  std::vector<MembershipEntry> memberships;
  // In the order in which they first met the contact, each once.
  std::vector<CampaignReach> campaigns;
  // For good: there are no memberships any more and no event adds one.
  bool erased = false;
  bool operator==(const Reach&) const = default;
};

bool IsMember(const Reach& reach, std::string_view segment);
// Null where nothing was decided.
const SendEntry* FindSend(const Reach& reach, std::string_view campaign, std::string_view step);
// Of the sends of all campaigns that stand: those decided later than `window` before `time`.
int32_t SendsInWindow(const Reach& reach, TimeNs time, TimeNs window);

// The id of the one send of a step of a campaign to a contact ("contacts/{contact}"): a hash, so
// the same for ever.
std::string SendId(std::string_view contact, std::string_view campaign, std::string_view step);

// Names a send: contact, campaign and step.
struct SendKey {
  // "contacts/{contact}": the state's own, which it does not know.
  std::string contact;
  std::string campaign;
  std::string step;
};

// Whether to write to the contact: the one decision on this campaign and step.
struct DecideSend {
  SendKey send;
  std::string channel;
  std::string purpose;
  std::string segment;
  FrequencyCap cap;
  ConsentReading consent;
  bool contact_deleted = false;
  // The moment that consent and cap are held against.
  TimeNs time = 0;
};

// The channel's adapter has the send.
struct MarkHandedOff {
  SendKey send;
};

// Not to be handed over after all, for `reason`.
struct CancelSend {
  SendKey send;
  std::string reason;
  ConsentReading consent;
};

// What the channel says became of it: DELIVERED or BOUNCED.
struct ReportDelivery {
  SendKey send;
  v1::Send::State state = v1::Send::STATE_UNSPECIFIED;
};

// A send of another system.
struct RecordSend {
  SendKey send;
  std::string channel;
  TimeNs time = 0;
};

// The contact answered to a campaign.
struct RecordResponse {
  std::string contact;
  std::string campaign;
  std::string kind;
  // Id of the response.
  std::string response;
  TimeNs time = 0;
  std::optional<ExternalKey> external_key;
};

// The contact may be one that this CRM does not know yet: its reach begins with the first event.
//
// An erased contact refuses new sends and responses with CONTACT_ERASED; what became of a send is
// still recorded. Nothing personal is kept in the state, so the erasure law holds.
struct ReachDecider {
  using State = Reach;
  using Event = v1::ReachEvent;
  using Events = absl::InlinedVector<Event, 1>;

  static State Evolve(State reach, const Event& event);

  // Enters and leaves what is not so already; nothing for an erased contact.
  static absl::StatusOr<Events> Decide(const State& reach, const EvaluateMemberships& command);

  // SendDecided, or SendRefused with the first reason of: CONTACT_DELETED, NOT_IN_SEGMENT, the
  // consent's fault, FREQUENCY_CAP. Nothing where the campaign's step was decided or recorded.
  static absl::StatusOr<Events> Decide(const State& reach, const DecideSend& command);

  //            no such send    decided     refused, cancelled    handed off   delivered  bounced
  //   Mark     SEND_NOT_FOUND  handed off  SEND_NOT_HANDED_OFF   nothing      nothing    nothing
  //   Cancel   SEND_NOT_FOUND  cancelled   nothing               SEND_HANDED_OFF (all three)
  //   Report   SEND_NOT_FOUND  both        SEND_NOT_HANDED_OFF   as reported  bounced SEND_BOUNCED
  //   Record   recorded        SEND_DECIDED (these two)          nothing      nothing    nothing
  //
  // A send of another system counts as handed off. What is as reported already records nothing.
  static absl::StatusOr<Events> Decide(const State& reach, const MarkHandedOff& command);
  static absl::StatusOr<Events> Decide(const State& reach, const CancelSend& command);
  static absl::StatusOr<Events> Decide(const State& reach, const ReportDelivery& command);
  static absl::StatusOr<Events> Decide(const State& reach, const RecordSend& command);

  // Attributed to the campaign's latest send that stands and is not after the response, or, where
  // all are after it, to the first; RESPONSE_WITHOUT_SEND where there is none. Nothing where the
  // response is known; RESPONSE_EXISTS where it is one to another campaign.
  static absl::StatusOr<Events> Decide(const State& reach, const RecordResponse& command);
};

}  // namespace crm::campaign
