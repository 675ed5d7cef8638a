// Interactions and orders through the shipped server: imports, corrections, the past, crashes and
// lost projections.

#include <filesystem>
#include <map>

#include "crm/interaction/v1/interaction_service.pb.h"
#include "tests/support/server_test.h"

namespace crm {
namespace {

namespace iv = interaction::v1;

constexpr int kContacts = 20;
constexpr int kOrders = 300;

void SetKey(contact::v1::ExternalKey* key, const std::string& source, int number) {
  key->set_source(source);
  key->set_key(std::to_string(number));
}

iv::RecordOrderRequest Order(int number, int64_t amount_minor = 250) {
  iv::RecordOrderRequest request;
  SetKey(request.mutable_contact_key(), "shop", number % kContacts);
  auto* order = request.mutable_order();
  SetKey(order->mutable_external_key(), "till", number);
  order->mutable_occurred_time()->set_seconds(1'500'000'000 + number * 7919 % 1000);
  order->set_currency_code(number % 5 == 0 ? "USD" : "CHF");
  auto* line = order->add_lines();
  line->set_product("p" + std::to_string(number % 11));
  line->set_quantity(1);
  line->set_amount_minor(amount_minor);
  return request;
}

iv::LogInteractionRequest Call(int number) {
  iv::LogInteractionRequest request;
  SetKey(request.mutable_contact_key(), "shop", number % kContacts);
  auto* interaction = request.mutable_interaction();
  SetKey(interaction->mutable_external_key(), "desk", number);
  interaction->set_channel("phone");
  interaction->mutable_occurred_time()->set_seconds(1'500'000'000 + number);
  interaction->set_summary("call " + std::to_string(number));
  return request;
}

class InteractionTest : public ServerTest {
 protected:
  template <typename Response, typename Request>
  Answered<Response> Ask(const std::string& method, const Request& request,
                         const CallOptions& options = {}) {
    return client_->Call<Response>("/crm.interaction.v1.InteractionService/" + method, request,
                                   options);
  }

  // How many answers of each outcome.
  template <typename Request, typename Response, typename Make>
  std::map<iv::RecordOutcome, int> Import(const std::string& method, int count, Make make) {
    grpc::ClientContext context;
    const std::string path = "/crm.interaction.v1.InteractionService/" + method;
    const grpc::internal::RpcMethod rpc(path.c_str(), grpc::internal::RpcMethod::BIDI_STREAMING);
    const std::unique_ptr<grpc::ClientReaderWriter<Request, Response>> stream(
        grpc::internal::ClientReaderWriterFactory<Request, Response>::Create(
            client_->channel().get(), rpc, &context));
    for (int i = 0; i < count; ++i) {
      Request request;
      request.set_row(i);
      *request.mutable_command() = make(i);
      EXPECT_TRUE(stream->Write(request));
    }
    EXPECT_TRUE(stream->WritesDone());
    std::map<iv::RecordOutcome, int> outcomes;
    Response response;
    while (stream->Read(&response)) {
      EXPECT_FALSE(response.has_error()) << response.error().DebugString();
      ++outcomes[response.result().outcome()];
    }
    EXPECT_TRUE(stream->Finish().ok());
    return outcomes;
  }

  std::map<iv::RecordOutcome, int> ImportOrders(int64_t amount_minor = 250) {
    return Import<iv::ImportOrdersRequest, iv::ImportOrdersResponse>(
        "ImportOrders", kOrders, [=](int i) { return Order(i, amount_minor); });
  }
  std::map<iv::RecordOutcome, int> ImportInteractions() {
    return Import<iv::ImportInteractionsRequest, iv::ImportInteractionsResponse>(
        "ImportInteractions", kOrders, Call);
  }

  // Every contact's lists and brief, as text.
  std::string Everything() {
    CallOptions strong;
    strong.metadata = {{"crm-consistency", "strong"}};
    std::string all;
    for (int i = 0; i < kContacts; ++i) {
      iv::ContactBriefRequest brief;
      SetKey(brief.mutable_contact_key(), "shop", i);
      const auto briefed = Ask<iv::ContactBriefResponse>("ContactBrief", brief, strong);
      EXPECT_TRUE(IsOk(briefed.status));
      all += briefed.response.DebugString();
      iv::ListOrdersRequest orders;
      SetKey(orders.mutable_contact_key(), "shop", i);
      all += Ask<iv::ListOrdersResponse>("ListOrders", orders, strong).response.DebugString();
      iv::ListInteractionsRequest interactions;
      SetKey(interactions.mutable_contact_key(), "shop", i);
      interactions.set_order_by("occurred_time");
      all += Ask<iv::ListInteractionsResponse>("ListInteractions", interactions, strong)
                 .response.DebugString();
    }
    return all;
  }

  // Stores that equal a fold anew.
  void ExpectVerified() {
    for (const char* projection : {"core", "contact-timeline"}) {
      admin::v1::VerifyProjectionRequest request;
      request.set_service("interaction");
      request.set_projection(projection);
      int equal = 0;
      EXPECT_TRUE(IsOk(client_->Stream<admin::v1::VerifyProjectionResponse>(
          "/crm.admin.v1.AdminService/VerifyProjection", request,
          [&equal](const admin::v1::VerifyProjectionResponse& answer) {
            equal += answer.equal() ? 1 : 0;
            return true;
          })));
      EXPECT_EQ(equal, 16) << projection;
    }
  }
};

using Outcomes = std::map<iv::RecordOutcome, int>;

TEST_F(InteractionTest, ImportedTwiceCorrectedCrashedAndRebuiltTheAnswersStay) {
  EXPECT_EQ(ImportOrders(), (Outcomes{{iv::RECORDED, kOrders}}));
  EXPECT_EQ(ImportInteractions(), (Outcomes{{iv::RECORDED, kOrders}}));
  const std::string once = Everything();
  EXPECT_EQ(ImportOrders(), (Outcomes{{iv::UNCHANGED, kOrders}}));
  EXPECT_EQ(ImportInteractions(), (Outcomes{{iv::UNCHANGED, kOrders}}));
  EXPECT_EQ(Everything(), once);
  EXPECT_EQ(ImportOrders(300), (Outcomes{{iv::CORRECTED, kOrders}}));
  const std::string corrected = Everything();
  EXPECT_NE(corrected, once);
  ExpectVerified();
  Crash();
  EXPECT_EQ(Everything(), corrected);
  server_.Kill();
  std::filesystem::remove_all(server_.data_dir() + "/interaction");
  Serve();
  EXPECT_EQ(Everything(), corrected);
  ExpectVerified();
}

TEST_F(InteractionTest, ThePastAndTheRevisionsOfAnOrderAreKept) {
  const auto first = Ask<iv::RecordOrderResponse>("RecordOrder", Order(1));
  ASSERT_TRUE(IsOk(first.status));
  const auto second = Ask<iv::RecordOrderResponse>("RecordOrder", Order(1, 300));
  ASSERT_TRUE(IsOk(second.status));
  iv::GetOrderRequest get;
  get.set_name(first.response.order().name());
  EXPECT_EQ(Ask<iv::Order>("GetOrder", get).response.total_minor(), 300);
  get.mutable_as_of()->set_position(first.position);
  const auto past = Ask<iv::Order>("GetOrder", get);
  ASSERT_TRUE(IsOk(past.status));
  EXPECT_EQ(past.response.DebugString(), first.response.order().DebugString());
  iv::ListOrderRevisionsRequest list;
  list.set_name(get.name());
  const auto revisions = Ask<iv::ListOrderRevisionsResponse>("ListOrderRevisions", list);
  ASSERT_EQ(revisions.response.revisions_size(), 2);
  EXPECT_EQ(revisions.response.revisions(0).event_type(), "OrderRecorded");
  EXPECT_EQ(revisions.response.revisions(1).event_type(), "OrderCorrected");
  EXPECT_EQ(revisions.response.revisions(1).order().total_minor(), 300);
}

TEST_F(InteractionTest, WhatWasWrittenIsListedAtItsPosition) {
  for (int i = 0; i < 20; ++i) {
    auto request = Call(i * kContacts);
    const auto logged = Ask<iv::LogInteractionResponse>("LogInteraction", request);
    ASSERT_TRUE(IsOk(logged.status));
    iv::ListInteractionsRequest list;
    *list.mutable_contact_key() = request.contact_key();
    CallOptions after;
    after.metadata = {{"crm-min-position", logged.position}};
    const auto listed = Ask<iv::ListInteractionsResponse>("ListInteractions", list, after);
    ASSERT_TRUE(IsOk(listed.status));
    EXPECT_EQ(listed.response.interactions_size(), i + 1);
  }
}

TEST_F(InteractionTest, RequestIdsEtagsAndRehearsalsHold) {
  auto request = Order(1);
  request.set_validate_only(true);
  EXPECT_EQ(Ask<iv::RecordOrderResponse>("RecordOrder", request).response.outcome(), iv::RECORDED);
  request.clear_validate_only();
  request.set_request_id("r1");
  const auto first = Ask<iv::RecordOrderResponse>("RecordOrder", request);
  ASSERT_TRUE(IsOk(first.status));
  EXPECT_EQ(Ask<iv::RecordOrderResponse>("RecordOrder", request).response.DebugString(),
            first.response.DebugString());
  auto other = Order(1, 777);
  other.set_request_id("r1");
  EXPECT_TRUE(
      RefusedField(Ask<iv::RecordOrderResponse>("RecordOrder", other).status, "request_id"));
  other = Order(1, 777);
  other.mutable_order()->set_etag("9");
  EXPECT_TRUE(Refused(Ask<iv::RecordOrderResponse>("RecordOrder", other).status,
                      absl::StatusCode::kAborted));
}

TEST_F(InteractionTest, BadRequestsNameReasonAndField) {
  auto request = Order(1);
  request.mutable_order()->set_currency_code("ZZZ");
  const auto unknown = Ask<iv::RecordOrderResponse>("RecordOrder", request).status;
  EXPECT_TRUE(Refused(unknown, absl::StatusCode::kInvalidArgument, "CURRENCY_UNKNOWN"));
  EXPECT_TRUE(RefusedField(unknown, "order.currency_code"));
  request = Order(1);
  for (int i = 0; i < 1000; ++i) *request.mutable_order()->add_lines() = request.order().lines(0);
  EXPECT_TRUE(
      RefusedField(Ask<iv::RecordOrderResponse>("RecordOrder", request).status, "order.lines"));
  iv::GetOrderRequest get;
  get.set_name("contacts/c1/interactions/i1");
  EXPECT_TRUE(RefusedField(Ask<iv::Order>("GetOrder", get).status, "name"));
}

}  // namespace
}  // namespace crm
