// Writes the golden log of crm.campaign.events to stdout:
//
//   make_campaign_events > tests/golden/campaign_events.txt
//
// What is there stays as it is: cases are added at the end of kCases, so that the file only grows.

#include <google/protobuf/text_format.h>

#include <map>

#include "common/base/check.h"
#include "common/base/timestamp.h"
#include "common/projection/sealing.h"
#include "crm/campaign/v1/campaign_events.pb.h"
#include "tests/golden/golden_writer.h"

namespace crm::testing {
namespace {

using campaign::v1::CampaignRecord;

struct Case {
  const char* what;
  const char* aggregate;
  // The record without what every record has.
  const char* record;
};

constexpr Case kCases[] = {
    {"A segment", "segments/sone",
     R"(segment { defined { display_name: "Loyal" kind: DYNAMIC filter: "orders.count > 5" } })"},
    {"Renamed", "segments/sone", R"(segment { renamed { display_name: "Very loyal" } })"},
    {"A snapshot", "segments/stwo",
     R"(segment { defined { kind: SNAPSHOT filter: "rfm.score >= 400" } })"},
    {"Deleted", "segments/stwo", "segment { deleted {} }"},
    {"A campaign with every field", "campaigns/kone",
     R"(metadata {
          schema_version: 1 request_id: "request-1" causation_id: "cause" correlation_id: "corr"
          actor { principal: "employees/e1" kind: EMPLOYEE team: "service" department: "sales"
                  on_behalf_of: "employees/e2" }
          occurred_time { seconds: 1600000000 } valid { start { seconds: 1 } end { seconds: 2 } }
          batch_id: "batch-1" source { topic: "crm.contact.events" partition: 3 offset: 1234567890123 }
          settings_version: 7 traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
          payload_hmac: "hmac of request-1" }
        campaign { created { content {
          external_key { source: "shop" key: "8" } display_name: "Spring" type: LOYALTY category: "A"
          start_time { seconds: 1600000000 } end_time { seconds: 1800000000 } segment: "segments/sone"
          steps { step: "hello" channel: "email" purpose: "marketing" subject: "Hi" body: "Hello\nyou" }
          steps { step: "again" channel: "sms" purpose: "marketing" }
          cap { sends: 2 days: 7 } } } })"},
    {"A bare one", "campaigns/ktwo", "campaign { created { content {} } }"},
    {"Changed", "campaigns/ktwo",
     R"(campaign { changed { content { display_name: "Autumn" category: "B" } } })"},
    {"A step started", "campaigns/kone",
     R"(campaign { step_started {
          step { step: "hello" channel: "email" purpose: "marketing" subject: "Hi" body: "Hello\nyou" }
          segment: "segments/sone" cap { sends: 2 days: 7 } } })"},
    {"The second", "campaigns/kone",
     R"(campaign { step_started { step { step: "again" channel: "sms" purpose: "marketing" } index: 1
          segment: "segments/sone" } })"},
    {"Ended", "campaigns/kone", "campaign { ended {} }"},
    {"A contact enters a segment", "contacts/cada/reach",
     R"(reach { segment_entered { segment: "segments/sone"
          facts { topic: "crm.contact.events" partition: 4 read_to: 77 }
          enter_time { seconds: 1650000000 nanos: 1 } } })"},
    {"And leaves another", "contacts/cada/reach",
     R"(reach { segment_left { segment: "segments/stwo"
          facts { topic: "crm.contact.events" partition: 4 read_to: 78 } } })"},
    {"A send decided", "contacts/cada/reach",
     R"(reach { send_decided { send: "sone" campaign: "campaigns/kone" step: "hello" channel: "email"
          purpose: "marketing" basis { ledger: "contacts/cada/consents" version: 2 partition: 4
          read_to: 80 } sends_in_window: 1 cap { sends: 2 days: 7 } segment: "segments/sone"
          decide_time { seconds: 1700000001 } } })"},
    {"Handed off", "contacts/cada/reach",
     R"(reach { send_handed_off { send: "sone" campaign: "campaigns/kone" channel: "email"
          step: "hello" first: true } })"},
    {"Delivered", "contacts/cada/reach",
     R"(reach { delivery_reported { send: "sone" campaign: "campaigns/kone" state: DELIVERED
          step: "hello" } })"},
    {"A send refused", "contacts/cada/reach",
     R"(reach { send_refused { send: "stwo" campaign: "campaigns/kone" step: "again" channel: "sms"
          purpose: "marketing" reason: "FREQUENCY_CAP" basis { ledger: "contacts/cada/consents"
          version: 3 partition: 4 read_to: 90 recorded_time { seconds: 1690000000 }
          wording_version: "2023-07" } sends_in_window: 2 cap { sends: 2 days: 7 }
          segment: "segments/sone" decide_time { seconds: 1700000002 } } })"},
    {"A response", "contacts/cada/reach",
     R"(reach { response_recorded { plain { external_key { source: "shop" key: "coupon-1" } }
          campaign: "campaigns/kone" kind: "redemption" response: "rone" send: "sone" first: true
          step: "hello" response_time { seconds: 1700000100 } } })"},
    {"Another, its personal part gone", "contacts/cada/reach",
     R"(reach { response_recorded { campaign: "campaigns/kone" kind: "reply" response: "rtwo"
          send: "sone" step: "hello" response_time { seconds: 1700000200 } } })"},
    {"A send of another system", "contacts/cbea/reach",
     R"(reach { send_recorded { send: "sthree" campaign: "campaigns/ktwo" step: "sent" channel: "post"
          send_time { seconds: 1490000000 } first: true } })"},
    {"Bounced", "contacts/cbea/reach",
     R"(reach { delivery_reported { send: "sthree" campaign: "campaigns/ktwo" state: BOUNCED
          step: "sent" } })"},
    {"A send decided, to be cancelled", "contacts/cbea/reach",
     R"(reach { send_decided { send: "sfour" campaign: "campaigns/kone" step: "hello" channel: "email"
          purpose: "marketing" basis { ledger: "contacts/cbea/consents" version: 1 partition: 5
          read_to: 10 } segment: "segments/sone" decide_time { seconds: 1700000003 } } })"},
    {"Cancelled", "contacts/cbea/reach",
     R"(reach { send_cancelled { send: "sfour" campaign: "campaigns/kone" reason: "CONSENT_WITHDRAWN"
          basis { ledger: "contacts/cbea/consents" version: 2 partition: 5 read_to: 12 }
          step: "hello" channel: "email" } })"},
    {"Erased", "contacts/cbea/reach", R"(reach { erased { reason: "requested" } })"},
};

CampaignRecord RecordOf(const Case& one) {
  static std::map<std::string, int64_t> versions;
  static int64_t recorded = 0;
  CampaignRecord record;
  CRM_CHECK(google::protobuf::TextFormat::ParseFromString(one.record, &record));
  auto* metadata = record.mutable_metadata();
  metadata->set_tenant("default");
  metadata->set_aggregate(one.aggregate);
  metadata->set_aggregate_version(++versions[one.aggregate]);
  SetTimestamp(1'700'000'000 * kSecond + ++recorded * kMillisecond,
               metadata->mutable_recorded_time());
  return record;
}

}  // namespace
}  // namespace crm::testing

int main() {
  const crm::EventSchema schema(crm::campaign::v1::CampaignRecord::default_instance());
  crm::PlainSealer sealer;
  const crm::EventSource source{schema, sealer};
  crm::testing::GoldenWriter writer(source);
  for (const auto& one : crm::testing::kCases) {
    writer.Event(one.what, crm::testing::RecordOf(one));
  }
}
