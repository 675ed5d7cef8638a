// Writes the golden log of crm.interaction.events to stdout:
//
//   make_interaction_events > tests/golden/interaction_events.txt
//
// What is there stays as it is: cases are added at the end of main, so that the file only grows.

#include "common/base/timestamp.h"
#include "common/projection/sealing.h"
#include "crm/interaction/v1/interaction_events.pb.h"
#include "tests/golden/golden_writer.h"

namespace crm::testing {
namespace {

using interaction::v1::Interaction;
using interaction::v1::InteractionRecord;
using interaction::v1::OrderLine;

// Number of a field that only a later writer knows; never given to one of ours.
constexpr int kLaterField = 1900;

InteractionRecord Of(const std::string& aggregate, int64_t version,
                     const std::string& tenant = "default") {
  static int64_t recorded = 0;
  InteractionRecord record;
  auto* metadata = record.mutable_metadata();
  metadata->set_tenant(tenant);
  metadata->set_aggregate("contacts/" + aggregate);
  metadata->set_aggregate_version(version);
  SetTimestamp(1'700'000'000 * kSecond + ++recorded * kMillisecond,
               metadata->mutable_recorded_time());
  return record;
}

void SetFullMetadata(common::v1::EventMetadata* metadata) {
  metadata->set_schema_version(1);
  metadata->set_request_id("request-1");
  metadata->set_causation_id("cause");
  metadata->set_correlation_id("correlation");
  metadata->mutable_actor()->set_principal("employees/e1");
  metadata->mutable_actor()->set_kind(common::v1::Actor::EMPLOYEE);
  metadata->mutable_actor()->set_team("service");
  metadata->mutable_actor()->set_department("sales");
  metadata->mutable_actor()->set_on_behalf_of("employees/e2");
  SetTimestamp(1'500'000'000 * kSecond, metadata->mutable_valid()->mutable_start());
  SetTimestamp(1'800'000'000 * kSecond + 1, metadata->mutable_valid()->mutable_end());
  metadata->set_batch_id("batch-1");
  metadata->mutable_source()->set_topic("crm.contact.events");
  metadata->mutable_source()->set_partition(3);
  metadata->mutable_source()->set_offset(1234567890123);
  metadata->set_settings_version(7);
  metadata->set_traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
  metadata->set_payload_hmac("hmac of request-1");
}

template <typename Content>
void SetTime(InteractionRecord* record, Content* content, int64_t seconds, int32_t nanos = 0) {
  for (auto* time :
       {content->mutable_occurred_time(), record->mutable_metadata()->mutable_occurred_time()}) {
    time->set_seconds(seconds);
    time->set_nanos(nanos);
  }
}

void AddLine(google::protobuf::RepeatedPtrField<OrderLine>* lines, const std::string& product,
             int64_t quantity, int64_t amount_minor) {
  OrderLine* line = lines->Add();
  line->set_product(product);
  line->set_quantity(quantity);
  line->set_amount_minor(amount_minor);
}

template <typename Content>
void SetBasket(InteractionRecord* record, Content* content, int64_t seconds) {
  SetTime(record, content, seconds, 7);
  auto* key = content->mutable_plain()->mutable_external_key();
  key->set_source("complete-journey");
  key->set_key("basket-1");
  content->set_currency_code("USD");
  AddLine(content->mutable_lines(), "1004906", 2, 340);
  AddLine(content->mutable_lines(), "salad", 0, 199);
  AddLine(content->mutable_lines(), "1004906", 1, -170);
  content->set_total_minor(369);
  content->set_place("store-7");
}

void WriteOrders(GoldenWriter& writer) {
  InteractionRecord full = Of("full/orders/o1", 1);
  SetFullMetadata(full.mutable_metadata());
  SetBasket(&full, full.mutable_order()->mutable_recorded(), 1'490'000'000);
  writer.Event("An order with every field", full);

  InteractionRecord plain = Of("full/orders/o2", 1);
  auto* recorded = plain.mutable_order()->mutable_recorded();
  SetTime(&plain, recorded, 1'480'000'000);
  recorded->mutable_plain();
  recorded->set_currency_code("CHF");
  writer.Event("A late one without lines, in another currency", plain);
  writer.Event("The same id under another tenant", [] {
    InteractionRecord record = Of("full/orders/o2", 1, "acme");
    SetBasket(&record, record.mutable_order()->mutable_recorded(), -1);
    return record;
  }());

  InteractionRecord corrected = Of("full/orders/o1", 2);
  auto* content = corrected.mutable_order()->mutable_corrected();
  SetBasket(&corrected, content, 1'495'000'000);
  content->set_previous_currency_code("USD");
  content->set_previous_total_minor(369);
  content->set_previous_occurred_time_ns(1'490'000'000'000'000'007);
  content->mutable_previous_occurred_time()->set_seconds(1'490'000'000);
  content->mutable_previous_occurred_time()->set_nanos(7);
  *content->mutable_previous_lines() = full.order().recorded().lines();
  AddLine(content->mutable_lines(), "tea", 1, 1);
  content->set_total_minor(370);
  writer.Event("The first one corrected", corrected);

  InteractionRecord shredded = Of("shredded/orders/o1", 1);
  recorded = shredded.mutable_order()->mutable_recorded();
  SetTime(&shredded, recorded, 1'480'000'000);
  recorded->set_currency_code("EUR");
  writer.Event("An order, its personal part gone", shredded);
  InteractionRecord erased = Of("shredded/orders/o1", 2);
  erased.mutable_order()->mutable_erased()->set_reason("requested");
  writer.Event("Erased", erased);
}

template <typename Content>
void SetCall(InteractionRecord* record, Content* content, int64_t seconds) {
  SetTime(record, content, seconds);
  content->set_channel("phone");
  content->set_direction(Interaction::INBOUND);
  auto* personal = content->mutable_plain();
  personal->mutable_external_key()->set_source("desk");
  personal->mutable_external_key()->set_key("call-1");
  personal->set_summary("Zoë asked when the order comes");
  personal->add_participants("Bea");
}

void WriteInteractions(GoldenWriter& writer) {
  InteractionRecord call = Of("full/interactions/i1", 1);
  SetCall(&call, call.mutable_interaction()->mutable_logged(), 1'492'000'000);
  writer.Event("An interaction", call);
  InteractionRecord corrected = Of("full/interactions/i1", 2);
  auto* content = corrected.mutable_interaction()->mutable_corrected();
  SetCall(&corrected, content, 1'493'000'000);
  content->mutable_previous_occurred_time()->set_seconds(1'492'000'000);
  content->set_channel("visit");
  writer.Event("Corrected", corrected);
  InteractionRecord old = Of("full/interactions/i2", 1);
  SetCall(&old, old.mutable_interaction()->mutable_logged(), -62'135'596'800);
  writer.Event("One of the year 1", old);
  InteractionRecord erased = Of("erased/interactions/i1", 1);
  SetCall(&erased, erased.mutable_interaction()->mutable_logged(), 1'494'000'000);
  writer.Event("An interaction, to be erased", erased);
  erased = Of("erased/interactions/i1", 2);
  erased.mutable_interaction()->mutable_erased()->set_reason("requested");
  writer.Event("Erased", erased);
}

void WriteStrangers(GoldenWriter& writer) {
  InteractionRecord later = Of("later/orders/o1", 1);
  SetBasket(&later, later.mutable_order()->mutable_recorded(), 1'490'000'000);
  auto* recorded = later.mutable_order()->mutable_recorded();
  recorded->GetReflection()->MutableUnknownFields(recorded)->AddLengthDelimited(kLaterField, "x");
  writer.Event("A field that only a later version knows", later);
  InteractionRecord before = Of("broken/orders/o1", 1);
  SetBasket(&before, before.mutable_order()->mutable_recorded(), 1'490'000'000);
  writer.Event("An order of a contact whose history breaks", before);
  writer.Unreadable("No message at all", before, "\xff not a message");
  InteractionRecord after = Of("broken/orders/o2", 1);
  SetBasket(&after, after.mutable_order()->mutable_recorded(), 1'490'000'000);
  writer.Event("What follows is not folded", after);
}

}  // namespace
}  // namespace crm::testing

int main() {
  const crm::EventSchema schema(crm::interaction::v1::InteractionRecord::default_instance());
  crm::PlainSealer sealer;
  const crm::EventSource source{schema, sealer};
  crm::testing::GoldenWriter writer(source);
  crm::testing::WriteOrders(writer);
  crm::testing::WriteInteractions(writer);
  crm::testing::WriteStrangers(writer);
}
