#include "crm/service_config.h"

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include <set>

#include "crm/analytics/v1/analytics_service.pb.h"
#include "crm/campaign/v1/campaign_service.pb.h"
#include "crm/interaction/v1/interaction_service.pb.h"
#include "tests/unit/common/rpc/test_server.h"

namespace crm {
namespace {

using google::protobuf::MethodDescriptor;

constexpr char kUpsert[] = "/crm.contact.v1.ContactService/UpsertContact";

// Commands that lead to the same state however often they arrive, also without a request id.
const std::set<std::string> kSafeCommands = {
    "UpdateContact",       "DeleteContact", "UndeleteContact", "UpsertContact",    "GrantConsent",
    "WithdrawConsent",     "UpdateTenant",  "LinkExternalKey", "OpenQualityIssue", "RecordOrder",
    "ResolveQualityIssue", "RenameSegment", "DeleteSegment",   "UpdateCampaign"};

std::set<std::string> RetriedMethods() {
  google::protobuf::Struct config;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(kServiceConfig, &config).ok());
  std::set<std::string> methods;
  for (const auto& each : config.fields().at("methodConfig").list_value().values()) {
    for (const auto& name : each.struct_value().fields().at("name").list_value().values()) {
      const auto& fields = name.struct_value().fields();
      const std::string method =
          fields.at("service").string_value() + "." + fields.at("method").string_value();
      EXPECT_TRUE(methods.insert(method).second) << method << " is there twice";
    }
  }
  return methods;
}

TEST(ServiceConfig, EveryReadAndEverySafeCommandIsRetriedAndNothingElse) {
  std::set<std::string> retried = RetriedMethods();
  for (const auto* file : {contact::v1::ListContactsRequest::descriptor()->file(),
                           interaction::v1::ListOrdersRequest::descriptor()->file(),
                           campaign::v1::ListCampaignsRequest::descriptor()->file(),
                           analytics::v1::GetCustomer360Request::descriptor()->file()}) {
    for (int i = 0; i < file->service(0)->method_count(); ++i) {
      const MethodDescriptor& method = *file->service(0)->method(i);
      const bool read = method.input_type()->FindFieldByName("request_id") == nullptr;
      const bool safe = !method.client_streaming() && (read || kSafeCommands.count(method.name()));
      EXPECT_EQ(retried.erase(method.full_name()) == 1, safe) << method.full_name();
    }
  }
  EXPECT_THAT(retried, testing::IsEmpty()) << "methods that are not there";
}

// A server that is away for the first two calls, and how often it was called.
class AwayTwice {
 public:
  AwayTwice() {
    server_.unary = [this](std::unique_ptr<UnaryCall> call) {
      if (++calls_ > 2) return EchoCall(std::move(call));
      call->Finish(Error(absl::StatusCode::kUnavailable, "NOT_OWNER", "away"));
    };
    server_.Start();
    grpc::ChannelArguments arguments;
    arguments.SetServiceConfigJSON(kServiceConfig);
    stub_ = std::make_unique<grpc::GenericStub>(
        grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(server_.server().port()),
                                  grpc::InsecureChannelCredentials(), arguments));
  }
  absl::Status Call(const char* method) { return ClientCall(*stub_, method, "").Wait().status; }
  int calls() const { return calls_; }

 private:
  std::atomic<int> calls_{0};
  TestServer server_;
  std::unique_ptr<grpc::GenericStub> stub_;
};

TEST(ServiceConfig, CallsThatMayBeRepeatedSurviveAServerThatIsAwayTwice) {
  for (const char* method : {kGet, kUpsert}) {
    AwayTwice server;
    EXPECT_TRUE(server.Call(method).ok()) << method;
    EXPECT_EQ(server.calls(), 3) << method;
  }
}

TEST(ServiceConfig, CallsThatMayNotBeRepeatedFailAtOnce) {
  AwayTwice server;
  EXPECT_EQ(ReasonOf(server.Call(kCreate)), "NOT_OWNER");
  EXPECT_EQ(server.calls(), 1);
}

TEST(ServiceConfig, OtherErrorsAreNotRetried) {
  TestServer server;
  std::atomic<int> calls{0};
  server.unary = [&calls](std::unique_ptr<UnaryCall> call) {
    ++calls;
    call->Finish(Error(absl::StatusCode::kAborted, "ETAG_STALE", "changed"));
  };
  server.Start();
  grpc::ChannelArguments arguments;
  arguments.SetServiceConfigJSON(kServiceConfig);
  grpc::GenericStub stub(
      grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(server.server().port()),
                                grpc::InsecureChannelCredentials(), arguments));
  EXPECT_TRUE(absl::IsAborted(ClientCall(stub, kGet, "").Wait().status));
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace crm
