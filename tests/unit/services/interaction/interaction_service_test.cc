#include "services/interaction/api/interaction_service.h"

#include <gmock/gmock.h>
#include <google/rpc/error_details.pb.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <set>
#include <tuple>

#include "common/aggregate/core_fold.h"
#include "common/aggregate/core_rows.h"
#include "common/base/timestamp.h"
#include "common/projection/batch_rows.h"
#include "common/projection/sealing.h"
#include "common/storage/memory_store.h"
#include "crm/interaction/v1/interaction_events.pb.h"
#include "crm/interaction/v1/interaction_service.pb.h"
#include "services/interaction/projection/contact_timeline.h"
#include "tests/support/as_host.h"

namespace crm::interaction {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

constexpr TimeNs kNow = 1'600'000'000 * kSecond;

// The service over rows in memory: what the host does to a command, without log, lane and network.
class Desk {
 public:
  Desk() {
    for (const auto& type : service_.aggregates) types_[type->record_field()] = type.get();
  }

  absl::StatusOr<v1::RecordOrderResponse> Record(const v1::RecordOrderRequest& request) {
    return Execute<v1::RecordOrderResponse>("RecordOrder", request, request.request_id());
  }
  absl::StatusOr<v1::LogInteractionResponse> Log(const v1::LogInteractionRequest& request) {
    return Execute<v1::LogInteractionResponse>("LogInteraction", request, request.request_id());
  }

  template <typename Response>
  absl::StatusOr<Response> Ask(std::string_view method, const google::protobuf::Message& request) {
    ServiceReading reading;
    reading.core = {&core_, service_.topic, {}};
    reading.AddView(ContactTimeline::kName, {&view_, service_.topic, {}}, nullptr);
    const QueryContext context{caller_, names_, reading, {schema_, sealer_}, {}, secret_,
                               random_, 0,      {}};
    for (const QueryMethod& query : service_.queries) {
      if (query.method != method) continue;
      CRM_RETURN_IF_ERROR(query.subject(caller_, request, names_).status());
      CRM_ASSIGN_OR_RETURN(const std::string bytes, query.run(context, request));
      Response response;
      EXPECT_TRUE(response.ParseFromString(bytes));
      return response;
    }
    return absl::UnimplementedError(std::string(method));
  }

  void Quarantine(const std::string& contact) {
    With(contact, [&](Fold& fold) {
      return fold.Unreadable(caller_.tenant, contact, 0, absl::DataLossError("damaged"));
    });
  }

  void set_tenant(std::string tenant) { caller_.tenant = std::move(tenant); }
  int64_t events() const { return events_; }
  const v1::InteractionRecord& last_record() const { return last_record_; }
  const std::string& last_etag() const { return last_etag_; }
  const ServiceDefinition& service() const { return service_; }

 private:
  class Reader final : public AggregateReader {
   public:
    Reader(const Desk& desk, Partition partition)
        : tenant_(desk.caller_.tenant), rows_(desk.core_), state_(desk.types_, partition) {}
    absl::StatusOr<const Aggregate*> Find(const AggregateType& type,
                                          const std::string& name) override {
      return state_.Find(rows_, type, tenant_, name);
    }

   private:
    const std::string& tenant_;
    BatchRows rows_;
    CoreState state_;
  };

  template <typename Response>
  absl::StatusOr<Response> Execute(std::string_view method,
                                   const google::protobuf::Message& request,
                                   const std::string& request_id) {
    for (const CommandMethod& candidate : service_.commands) {
      if (candidate.method != method) continue;
      CRM_ASSIGN_OR_RETURN(auto command, PrepareAsHost(candidate, {caller_, names_}, request));
      command->request_id = request_id;
      last_etag_ = command->etag;
      CRM_ASSIGN_OR_RETURN(Outcome outcome, Run(*command));
      Response response;
      EXPECT_TRUE(response.ParseFromString(candidate.render(std::move(outcome))));
      return response;
    }
    return absl::UnimplementedError(std::string(method));
  }

  std::unique_ptr<Aggregate> Now(const AggregateType& type, const std::string& name) {
    auto aggregate = type.New(name);
    const auto row = core_.Get(
        AggregateKey(PartitionOfSubject(caller_.tenant, SubjectOf(name)), caller_.tenant, name));
    if (*row) {
      EXPECT_TRUE(aggregate->FromRow(**row).ok());
    }
    return aggregate;
  }

  absl::StatusOr<Outcome> Run(const Command& command) {
    EXPECT_EQ(command.subject, SubjectOf(command.aggregate));
    Reader reader(*this, PartitionOfSubject(caller_.tenant, command.subject));
    Outcome outcome;
    outcome.version_before = Now(*command.type, command.aggregate)->info().version;
    CRM_ASSIGN_OR_RETURN(const auto events, command.Decide(reader));
    for (const NewEvent& event : events) {
      FoldRecord(event, static_cast<const v1::InteractionRecord&>(*event.record));
    }
    outcome.events = static_cast<int64_t>(events.size());
    outcome.resource = Now(*command.type, command.aggregate)->Render();
    return outcome;
  }

  void FoldRecord(const NewEvent& decided, const v1::InteractionRecord& content) {
    ++events_;
    last_record_ = content;
    auto record = std::make_unique<v1::InteractionRecord>(content);
    auto* metadata = record->mutable_metadata();
    metadata->set_tenant(caller_.tenant);
    metadata->set_aggregate(decided.aggregate);
    metadata->set_aggregate_version(Now(*decided.type, decided.aggregate)->info().version + 1);
    SetTimestamp(now_ += kSecond, metadata->mutable_recorded_time());
    auto event = schema_.Encode(std::move(record), sealer_);
    ASSERT_TRUE(event.ok());
    With(std::string(SubjectOf(decided.aggregate)), [&](Fold& fold) {
      return fold.Apply({&*event, 1});
    });
  }

  template <typename Do>
  void With(const std::string& subject, Do what) {
    FoldInto(CoreProjection(types_, 1), core_, subject, what);
    FoldInto(*service_.views[0].projection, view_, subject, what);
  }

  template <typename Do>
  void FoldInto(const Projection& projection, MemoryStore& rows, const std::string& subject,
                Do what) {
    BatchRows batch(rows);
    const auto fold = projection.Begin(PartitionOfSubject(caller_.tenant, subject), batch);
    ASSERT_TRUE(what(*fold).ok());
    ASSERT_TRUE(fold->Flush().ok());
    ASSERT_TRUE(rows.Write(batch.Take()).ok());
  }

  ManualClock clock_{kNow};
  ServiceDefinition service_ = MakeInteractionService({clock_});
  AggregateTypes types_;
  EventSchema schema_{v1::InteractionRecord::default_instance()};
  PlainSealer sealer_;
  SeededRandom random_{1};
  Secret secret_ = *Secret::FromBytes(std::string(32, 's'));
  NameMaker names_{secret_, random_, "interaction"};
  Caller caller_{.tenant = "t"};
  MemoryStore core_, view_;
  TimeNs now_ = kNow;
  int64_t events_ = 0;
  v1::InteractionRecord last_record_;
  std::string last_etag_;
};

std::vector<std::string> FaultyFields(const absl::Status& status) {
  google::rpc::BadRequest bad;
  const auto detail = status.GetPayload("type.googleapis.com/google.rpc.BadRequest");
  if (detail) {
    EXPECT_TRUE(bad.ParseFromString(std::string(*detail)));
  }
  std::vector<std::string> fields;
  for (const auto& violation : bad.field_violations()) fields.push_back(violation.field());
  return fields;
}

std::string NameOf(char c) {
  return "contacts/c" + std::string(26, c);
}

v1::RecordOrderRequest OrderOf(const std::string& key, int64_t seconds = 1'500'000'000,
                               int64_t amount_minor = 250) {
  v1::RecordOrderRequest request;
  request.set_contact(NameOf('a'));
  auto* order = request.mutable_order();
  order->mutable_external_key()->set_source("shop");
  order->mutable_external_key()->set_key(key);
  order->mutable_occurred_time()->set_seconds(seconds);
  order->set_currency_code("CHF");
  order->set_place("store-7");
  auto* line = order->add_lines();
  line->set_product("milk");
  line->set_quantity(1);
  line->set_amount_minor(amount_minor);
  return request;
}

v1::LogInteractionRequest CallOf(const std::string& key, int64_t seconds = 1'500'000'000) {
  v1::LogInteractionRequest request;
  request.set_contact(NameOf('a'));
  auto* interaction = request.mutable_interaction();
  if (!key.empty()) {
    interaction->mutable_external_key()->set_source("desk");
    interaction->mutable_external_key()->set_key(key);
  }
  interaction->set_channel("phone");
  interaction->mutable_occurred_time()->set_seconds(seconds);
  interaction->set_summary("summary of " + key);
  return request;
}

v1::ListOrdersRequest OrdersOf(char contact) {
  v1::ListOrdersRequest request;
  request.set_contact(NameOf(contact));
  return request;
}

// --- recording

TEST(InteractionService, OrderIsRecordedOnceAndCorrected) {
  Desk desk;
  const auto first = desk.Record(OrderOf("1"));
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->outcome(), v1::RECORDED);
  EXPECT_EQ(first->order().total_minor(), 250);
  EXPECT_TRUE(first->order().name().starts_with(NameOf('a') + "/orders/o"));
  EXPECT_EQ(desk.Record(OrderOf("1"))->outcome(), v1::UNCHANGED);
  const auto corrected = desk.Record(OrderOf("1", 1'500'000'000, 300));
  EXPECT_EQ(corrected->outcome(), v1::CORRECTED);
  EXPECT_EQ(corrected->order().total_minor(), 300);
  EXPECT_EQ(corrected->order().name(), first->order().name());
  EXPECT_EQ(desk.events(), 2);
}

TEST(InteractionService, EventsTellInTheirMetadataWhenItHappened) {
  Desk desk;
  for (const int64_t seconds : {int64_t{-62'135'596'800}, int64_t{0}, int64_t{1'500'000'000}}) {
    auto order = OrderOf("at " + std::to_string(seconds), seconds);
    order.mutable_order()->mutable_occurred_time()->set_nanos(7);
    ASSERT_TRUE(desk.Record(order).ok());
    EXPECT_EQ(desk.last_record().metadata().occurred_time().seconds(), seconds);
    EXPECT_EQ(desk.last_record().metadata().occurred_time().nanos(), 7);
    ASSERT_TRUE(desk.Log(CallOf("at " + std::to_string(seconds), seconds)).ok());
    EXPECT_TRUE(desk.last_record().metadata().has_occurred_time());
    EXPECT_EQ(desk.last_record().metadata().occurred_time().seconds(), seconds);
  }
}

TEST(InteractionService, TheSameKeyOfAnotherContactSourceOrTenantIsAnotherOrder) {
  Desk desk;
  std::set<std::string> names;
  names.insert(desk.Record(OrderOf("1"))->order().name());
  auto other = OrderOf("1");
  other.set_contact(NameOf('b'));
  names.insert(desk.Record(other)->order().name());
  other = OrderOf("1");
  other.mutable_order()->mutable_external_key()->set_source("web");
  names.insert(desk.Record(other)->order().name());
  desk.set_tenant("u");
  names.insert(desk.Record(OrderOf("1"))->order().name());
  EXPECT_THAT(names, SizeIs(4));
}

TEST(InteractionService, CustomerIsNamedByKeyAndNeedNotBeKnown) {
  Desk desk;
  auto request = OrderOf("1");
  request.clear_contact();
  request.mutable_contact_key()->set_source("complete-journey");
  request.mutable_contact_key()->set_key("household-1");
  const std::string name = desk.Record(request)->order().name();
  EXPECT_EQ(name.find("household"), std::string::npos);
  v1::ListOrdersRequest list;
  *list.mutable_contact_key() = request.contact_key();
  EXPECT_THAT(desk.Ask<v1::ListOrdersResponse>("ListOrders", list)->orders(), SizeIs(1));
}

TEST(InteractionService, InteractionIsKnownByItsKeyElseByItsRequest) {
  Desk desk;
  EXPECT_EQ(desk.Log(CallOf("1"))->outcome(), v1::RECORDED);
  EXPECT_EQ(desk.Log(CallOf("1"))->outcome(), v1::UNCHANGED);
  auto changed = CallOf("1");
  changed.mutable_interaction()->set_summary("something else");
  EXPECT_EQ(desk.Log(changed)->outcome(), v1::CORRECTED);
  auto keyless = CallOf("");
  keyless.set_request_id("r1");
  const auto first = desk.Log(keyless);
  EXPECT_EQ(desk.Log(keyless)->interaction().name(), first->interaction().name());
  keyless.clear_request_id();
  EXPECT_NE(desk.Log(keyless)->interaction().name(), desk.Log(keyless)->interaction().name());
}

TEST(InteractionService, ImportedTwiceAddsNoEvent) {
  Desk desk;
  const auto import = [&] {
    for (int i = 0; i < 50; ++i) {
      ASSERT_TRUE(desk.Record(OrderOf(std::to_string(i), 1'400'000'000 + i)).ok());
      ASSERT_TRUE(desk.Log(CallOf(std::to_string(i), 1'400'000'000 + i)).ok());
    }
  };
  import();
  EXPECT_EQ(desk.events(), 100);
  import();
  EXPECT_EQ(desk.events(), 100);
}

TEST(InteractionService, EtagIsPassedOn) {
  Desk desk;
  auto request = OrderOf("1");
  request.mutable_order()->set_etag("4");
  ASSERT_TRUE(desk.Record(request).ok());
  EXPECT_EQ(desk.last_etag(), "4");
}

TEST(InteractionService, CurrencyIsKeptInUpperCase) {
  Desk desk;
  auto request = OrderOf("1");
  request.mutable_order()->set_currency_code("chf");
  EXPECT_EQ(desk.Record(request)->order().currency_code(), "CHF");
  EXPECT_EQ(desk.Record(OrderOf("1"))->outcome(), v1::UNCHANGED);
  for (const char* known : {"USD", "JPY", "KWD", "DEM", "XAU"}) {
    request.mutable_order()->set_currency_code(known);
    EXPECT_TRUE(desk.Record(request).ok()) << known;
  }
}

// --- bad input

struct Fault {
  std::function<void(v1::RecordOrderRequest&)> plant;
  std::string reason;
  std::string field;
};

TEST(InteractionService, EveryFaultOfAnOrderHasItsReasonAndField) {
  const auto line = [](v1::RecordOrderRequest& r) { return r.mutable_order()->mutable_lines(0); };
  constexpr int64_t kTooMuch = 1'000'000'000'000'001;
  std::vector<Fault> faults = {
      {[](auto& r) { r.clear_contact(); }, "CONTACT_INVALID", "contact"},
      {[](auto& r) { r.set_contact("contacts/7"); }, "CONTACT_INVALID", "contact"},
      {[](auto& r) {
         r.mutable_contact_key()->set_source("shop");
         r.mutable_contact_key()->set_key("both");
       },
       "CONTACT_INVALID", "contact"},
      {[](auto& r) { r.mutable_order()->clear_external_key(); }, "EXTERNAL_KEY_INVALID",
       "order.external_key"},
      {[](auto& r) { r.mutable_order()->mutable_external_key()->set_key("a\nb"); },
       "EXTERNAL_KEY_INVALID", "order.external_key.key"},
      {[](auto& r) { r.mutable_order()->mutable_occurred_time()->set_seconds(253'402'300'800); },
       "OCCURRED_TIME_INVALID", "order.occurred_time"},
      {[](auto& r) { r.mutable_order()->mutable_occurred_time()->set_nanos(-1); },
       "OCCURRED_TIME_INVALID", "order.occurred_time"},
      {[](auto& r) {
         r.mutable_order()->mutable_occurred_time()->set_seconds(kNow / kSecond + 86'401);
       },
       "OCCURRED_TIME_INVALID", "order.occurred_time"},
      {[=](auto& r) { line(r)->set_quantity(-1); }, "QUANTITY_INVALID", "order.lines[0].quantity"},
      {[=](auto& r) { line(r)->set_amount_minor(kTooMuch); }, "AMOUNT_OUT_OF_RANGE",
       "order.lines[0].amount_minor"},
      {[=](auto& r) { line(r)->set_amount_minor(std::numeric_limits<int64_t>::min()); },
       "AMOUNT_OUT_OF_RANGE", "order.lines[0].amount_minor"},
      {[](auto& r) { r.mutable_order()->set_place("a\tb"); }, "TEXT_INVALID", "order.place"}};
  // What a field's rules in the proto refuse has no reason of its own.
  for (const char* currency : {"", "CH", "XYZ", "XXX", "XTS", "C1F", "CHFX", "ÄÖ"}) {
    const size_t bytes = std::string_view(currency).size();
    faults.push_back({[=](auto& r) { r.mutable_order()->set_currency_code(currency); },
                      bytes == 0 || bytes > 3 ? "INVALID_FIELD" : "CURRENCY_UNKNOWN",
                      "order.currency_code"});
  }
  for (const char* product : {"", "two words", "tab\t", "no-break\u00a0space", "\u200b"}) {
    faults.push_back({[=](auto& r) { line(r)->set_product(product); },
                      std::string_view(product).empty() ? "INVALID_FIELD" : "PRODUCT_INVALID",
                      "order.lines[0].product"});
  }
  Desk desk;
  for (const Fault& fault : faults) {
    auto request = OrderOf("1");
    fault.plant(request);
    const auto answer = desk.Record(request);
    EXPECT_EQ(answer.status().code(), absl::StatusCode::kInvalidArgument) << fault.field;
    EXPECT_EQ(ReasonOf(answer.status()), fault.reason) << fault.field;
    EXPECT_THAT(FaultyFields(answer.status()), ::testing::Contains(fault.field));
  }
  EXPECT_EQ(desk.events(), 0);
}

TEST(InteractionService, AmountsThatOverflowTogetherAreRefused) {
  Desk desk;
  auto request = OrderOf("1", 1'500'000'000, 1'000'000'000'000'000);
  EXPECT_TRUE(desk.Record(request).ok());
  *request.mutable_order()->add_lines() = request.order().lines(0);
  auto answer = desk.Record(request);
  EXPECT_EQ(ReasonOf(answer.status()), "AMOUNT_OUT_OF_RANGE");
  EXPECT_THAT(FaultyFields(answer.status()), ElementsAre("order.lines"));
  request.mutable_order()->mutable_lines(0)->set_amount_minor(std::numeric_limits<int64_t>::max());
  answer = desk.Record(request);
  EXPECT_THAT(FaultyFields(answer.status()),
              ElementsAre("order.lines[0].amount_minor", "order.lines"));
}

TEST(InteractionService, AllFaultsAreAnsweredAtOnce) {
  Desk desk;
  auto request = OrderOf("1");
  request.clear_contact();
  request.mutable_order()->set_currency_code("nope");
  request.mutable_order()->mutable_lines(0)->set_quantity(-1);
  request.mutable_order()->mutable_lines(0)->set_product("a b");
  const auto answer = desk.Record(request);
  EXPECT_EQ(ReasonOf(answer.status()), "INVALID_FIELD");
  EXPECT_THAT(FaultyFields(answer.status()),
              UnorderedElementsAre("contact", "order.currency_code", "order.lines[0].quantity",
                                   "order.lines[0].product"));
}

TEST(InteractionService, FaultsOfAnInteraction) {
  Desk desk;
  const std::vector<std::tuple<std::function<void(v1::Interaction&)>, const char*, const char*>>
      faults = {
          {[](auto& i) { i.set_channel("E-Mail"); }, "CHANNEL_INVALID", "interaction.channel"},
          {[](auto& i) { i.set_channel("7"); }, "CHANNEL_INVALID", "interaction.channel"},
          {[](auto& i) { i.set_direction(static_cast<v1::Interaction::Direction>(9)); },
           "INVALID_FIELD", "interaction.direction"},
          {[](auto& i) { i.mutable_occurred_time()->set_seconds(-62'135'596'801); },
           "OCCURRED_TIME_INVALID", "interaction.occurred_time"},
          {[](auto& i) { i.add_participants(""); }, "TEXT_INVALID", "interaction.participants[0]"}};
  for (const auto& [plant, reason, field] : faults) {
    auto request = CallOf("1");
    plant(*request.mutable_interaction());
    const auto answer = desk.Log(request);
    EXPECT_EQ(ReasonOf(answer.status()), reason);
    EXPECT_THAT(FaultyFields(answer.status()), ElementsAre(field));
  }
  EXPECT_EQ(desk.events(), 0);
}

TEST(InteractionService, WhatHappenedWithinADayAheadIsTaken) {
  Desk desk;
  EXPECT_TRUE(desk.Record(OrderOf("1", kNow / kSecond + 86'400)).ok());
  EXPECT_TRUE(desk.Record(OrderOf("2", -62'135'596'800)).ok());
}

// --- lists

TEST(InteractionService, PagesGoThroughBothOrdersWithoutGapsWhileFactsArrive) {
  for (const char* order_by : {"", "occurred_time"}) {
    Desk desk;
    for (int i = 0; i < 25; ++i) {
      ASSERT_TRUE(desk.Record(OrderOf(std::to_string(i), 1'400'000'000 + i % 7)).ok());
    }
    v1::ListOrdersRequest request = OrdersOf('a');
    request.set_order_by(order_by);
    const auto whole = desk.Ask<v1::ListOrdersResponse>("ListOrders", request);
    ASSERT_THAT(whole->orders(), SizeIs(25));
    EXPECT_EQ(whole->next_page_token(), "");
    request.set_page_size(4);
    std::vector<std::string> names;
    for (int page = 0; page < 7; ++page) {
      const auto answer = desk.Ask<v1::ListOrdersResponse>("ListOrders", request);
      ASSERT_TRUE(answer.ok()) << answer.status();
      for (const auto& order : answer->orders()) names.push_back(order.name());
      request.set_page_token(answer->next_page_token());
      EXPECT_EQ(answer->next_page_token().empty(), page == 6);
    }
    ASSERT_THAT(names, SizeIs(25));
    for (int i = 0; i < 25; ++i) EXPECT_EQ(names[i], whole->orders(i).name());
    const bool newest_first = std::string(order_by).empty();
    EXPECT_EQ(newest_first, whole->orders(0).occurred_time().seconds() >
                                whole->orders(24).occurred_time().seconds());
  }
}

TEST(InteractionService, ListsKeepToTheirContactTenantAndKind) {
  Desk desk;
  ASSERT_TRUE(desk.Record(OrderOf("1")).ok());
  ASSERT_TRUE(desk.Log(CallOf("1")).ok());
  const auto orders = desk.Ask<v1::ListOrdersResponse>("ListOrders", OrdersOf('a'));
  ASSERT_THAT(orders->orders(), SizeIs(1));
  EXPECT_EQ(orders->orders(0).lines(0).product(), "milk");
  EXPECT_THAT(desk.Ask<v1::ListOrdersResponse>("ListOrders", OrdersOf('b'))->orders(), IsEmpty());
  v1::ListInteractionsRequest interactions;
  interactions.set_contact(NameOf('a'));
  const auto calls = desk.Ask<v1::ListInteractionsResponse>("ListInteractions", interactions);
  ASSERT_THAT(calls->interactions(), SizeIs(1));
  EXPECT_EQ(calls->interactions(0).summary(), "summary of 1");
  desk.set_tenant("u");
  EXPECT_THAT(desk.Ask<v1::ListOrdersResponse>("ListOrders", OrdersOf('a'))->orders(), IsEmpty());
}

TEST(InteractionService, LargeOrdersEndAPageEarly) {
  Desk desk;
  for (int i = 0; i < 20; ++i) {
    auto request = OrderOf(std::to_string(i), 1'400'000'000 + i);
    for (int line = 0; line < 999; ++line) {
      auto* added = request.mutable_order()->add_lines();
      added->set_product(std::string(124, 'p') + std::to_string(line));
    }
    ASSERT_TRUE(desk.Record(request).ok());
  }
  v1::ListOrdersRequest request = OrdersOf('a');
  int orders = 0;
  int pages = 0;
  do {
    const auto answer = desk.Ask<v1::ListOrdersResponse>("ListOrders", request);
    EXPECT_LT(answer->ByteSizeLong(), 3u << 20);
    orders += answer->orders_size();
    ++pages;
    request.set_page_token(answer->next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(orders, 20);
  EXPECT_EQ(pages, 2);
}

TEST(InteractionService, BadListRequestsAreRefused) {
  Desk desk;
  ASSERT_TRUE(desk.Record(OrderOf("1")).ok());
  ASSERT_TRUE(desk.Record(OrderOf("2")).ok());
  auto request = OrdersOf('a');
  request.set_order_by("total");
  EXPECT_THAT(FaultyFields(desk.Ask<v1::ListOrdersResponse>("ListOrders", request).status()),
              ElementsAre("order_by"));
  request = OrdersOf('a');
  request.set_page_size(-1);
  EXPECT_THAT(FaultyFields(desk.Ask<v1::ListOrdersResponse>("ListOrders", request).status()),
              ElementsAre("page_size"));
  request.set_page_size(1);
  const auto page = desk.Ask<v1::ListOrdersResponse>("ListOrders", request);
  auto other = OrdersOf('b');
  other.set_page_token(page->next_page_token());
  EXPECT_EQ(ReasonOf(desk.Ask<v1::ListOrdersResponse>("ListOrders", other).status()),
            "PAGE_TOKEN_INVALID");
  EXPECT_EQ(
      ReasonOf(desk.Ask<v1::ListOrdersResponse>("ListOrders", v1::ListOrdersRequest()).status()),
      "CONTACT_INVALID");
}

TEST(InteractionService, UnreadableContactAnswersDataLoss) {
  Desk desk;
  ASSERT_TRUE(desk.Record(OrderOf("1")).ok());
  desk.Quarantine(NameOf('a'));
  EXPECT_EQ(ReasonOf(desk.Ask<v1::ListOrdersResponse>("ListOrders", OrdersOf('a')).status()),
            "SUBJECT_UNREADABLE");
  v1::ContactBriefRequest brief;
  brief.set_contact(NameOf('a'));
  EXPECT_EQ(ReasonOf(desk.Ask<v1::ContactBriefResponse>("ContactBrief", brief).status()),
            "SUBJECT_UNREADABLE");
}

// --- the brief

TEST(InteractionService, BriefTellsTotalsFirstLastRecentAndProducts) {
  Desk desk;
  for (int i = 0; i < 8; ++i) {
    auto order = OrderOf(std::to_string(i), 1'400'000'000 + i * 100, 100 + i);
    order.mutable_order()->mutable_lines(0)->set_product("p" + std::to_string(i % 3));
    if (i == 7) order.mutable_order()->set_currency_code("USD");
    ASSERT_TRUE(desk.Record(order).ok());
    ASSERT_TRUE(desk.Log(CallOf(std::to_string(i), 1'400'000'000 + i)).ok());
  }
  v1::ContactBriefRequest request;
  request.set_contact(NameOf('a'));
  request.set_recent(2);
  const auto brief = desk.Ask<v1::ContactBriefResponse>("ContactBrief", request);
  ASSERT_TRUE(brief.ok()) << brief.status();
  EXPECT_EQ(brief->contact(), NameOf('a'));
  ASSERT_THAT(brief->totals(), SizeIs(2));
  EXPECT_EQ(brief->totals(0).order_count(), 7);
  EXPECT_EQ(brief->totals(0).total_minor(), 7 * 100 + 21);
  EXPECT_EQ(brief->totals(1).currency_code(), "USD");
  EXPECT_EQ(brief->totals(1).total_minor(), 107);
  EXPECT_EQ(brief->first_order().external_key().key(), "0");
  EXPECT_EQ(brief->last_order().external_key().key(), "7");
  ASSERT_THAT(brief->recent_orders(), SizeIs(2));
  EXPECT_EQ(brief->recent_orders(1).external_key().key(), "6");
  ASSERT_THAT(brief->recent_interactions(), SizeIs(2));
  EXPECT_EQ(brief->recent_interactions(0).summary(), "summary of 7");
  ASSERT_THAT(brief->products(), SizeIs(3));
  EXPECT_EQ(brief->products(0).product(), "p1");
  EXPECT_EQ(brief->products(0).quantity(), 3);
  EXPECT_EQ(brief->products(0).last_purchase_time().seconds(), 1'400'000'700);
  EXPECT_EQ(brief->products(2).product(), "p2");
  EXPECT_EQ(brief->products(2).purchase_count(), 2);
}

TEST(InteractionService, BriefOfTheUnknownIsEmpty) {
  Desk desk;
  v1::ContactBriefRequest request;
  request.set_contact(NameOf('z'));
  const auto brief = desk.Ask<v1::ContactBriefResponse>("ContactBrief", request);
  ASSERT_TRUE(brief.ok()) << brief.status();
  EXPECT_FALSE(brief->has_first_order());
  EXPECT_THAT(brief->totals(), IsEmpty());
  request.set_recent(-1);
  EXPECT_THAT(FaultyFields(desk.Ask<v1::ContactBriefResponse>("ContactBrief", request).status()),
              ElementsAre("recent"));
}

// --- the definition

TEST(InteractionService, EveryMethodOfTheProtoIsServed) {
  Desk desk;
  const ServiceDefinition& service = desk.service();
  std::set<std::string> served;
  for (const auto& one : service.commands) served.insert(one.method);
  for (const auto& one : service.queries) served.insert(one.method);
  for (const auto& one : service.batches) served.insert(one.first);
  for (const auto& one : service.resources) served.insert({one.get, one.list_revisions});
  std::set<std::string> declared;
  for (int i = 0; i < service.rpc->method_count(); ++i) {
    declared.insert(service.rpc->method(i)->name());
  }
  EXPECT_EQ(served, declared);
}

}  // namespace
}  // namespace crm::interaction
