// A client that knows nothing of the services but what reflection tells it.

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor_database.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/util/json_util.h>

#include "crm/contact/v1/contact_service.pb.h"
#include "tests/integration/reflection.pb.h"
#include "tests/support/server_test.h"

namespace crm {
namespace {

namespace pb = google::protobuf;
using test::reflection::Request;
using test::reflection::Response;

constexpr char kContactService[] = "crm.contact.v1.ContactService";

class ReflectionTest : public ServerTest {
 protected:
  Response Ask(const Request& request) {
    grpc::ClientContext context;
    const grpc::internal::RpcMethod method(
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        grpc::internal::RpcMethod::BIDI_STREAMING);
    const std::unique_ptr<grpc::ClientReaderWriter<Request, Response>> stream(
        grpc::internal::ClientReaderWriterFactory<Request, Response>::Create(
            client_->channel().get(), method, &context));
    Response response;
    EXPECT_TRUE(stream->Write(request));
    EXPECT_TRUE(stream->Read(&response));
    stream->WritesDone();
    EXPECT_TRUE(stream->Finish().ok());
    return response;
  }

  // The symbol's file and, one by one, all it imports.
  void Load(const Request& request) {
    const Response response = Ask(request);
    ASSERT_FALSE(response.has_error_response()) << response.DebugString();
    for (const std::string& bytes : response.file_descriptor_response().file_descriptor_proto()) {
      pb::FileDescriptorProto file;
      ASSERT_TRUE(file.ParseFromString(bytes));
      pb::FileDescriptorProto known;
      if (files_.FindFileByName(file.name(), &known)) continue;
      files_.Add(file);
      for (const std::string& dependency : file.dependency()) LoadFile(dependency);
    }
  }
  void LoadFile(const std::string& name) {
    pb::FileDescriptorProto known;
    if (files_.FindFileByName(name, &known)) return;
    Request request;
    request.set_file_by_filename(name);
    Load(request);
  }

  // Calls a method by its name, in and out as JSON.
  std::string Call(const std::string& name, const std::string& json) {
    const pb::MethodDescriptor* method = service_->FindMethodByName(name);
    const std::unique_ptr<pb::Message> request(messages_.GetPrototype(method->input_type())->New());
    const std::unique_ptr<pb::Message> response(
        messages_.GetPrototype(method->output_type())->New());
    EXPECT_TRUE(pb::util::JsonStringToMessage(json, request.get()).ok()) << json;
    const auto answer =
        client_->Raw("/" + service_->full_name() + "/" + name, request->SerializeAsString());
    EXPECT_TRUE(IsOk(answer.status));
    EXPECT_TRUE(response->ParseFromString(answer.response));
    std::string text;
    EXPECT_TRUE(pb::util::MessageToJsonString(*response, &text).ok());
    const auto* field = response->GetDescriptor()->FindFieldByName("name");
    if (field != nullptr) name_ = response->GetReflection()->GetString(*response, field);
    return text;
  }

  pb::SimpleDescriptorDatabase files_;
  pb::DescriptorPool pool_{&files_};
  pb::DynamicMessageFactory messages_{&pool_};
  const pb::ServiceDescriptor* service_ = nullptr;
  std::string name_;
};

TEST_F(ReflectionTest, ListsEveryService) {
  Request request;
  request.set_list_services("*");
  std::vector<std::string> names;
  const Response response = Ask(request);
  for (const auto& service : response.list_services_response().service()) {
    names.push_back(service.name());
  }
  EXPECT_THAT(names, testing::IsSupersetOf(
                         {kContactService, "crm.admin.v1.AdminService", "grpc.health.v1.Health"}));
}

TEST_F(ReflectionTest, AGenericClientCreatesAndReads) {
  Request request;
  request.set_file_containing_symbol(kContactService);
  Load(request);
  ASSERT_FALSE(HasFatalFailure());
  service_ = pool_.FindServiceByName(kContactService);
  ASSERT_NE(service_, nullptr);
  EXPECT_EQ(service_->method_count(), contact::v1::GetContactRequest::descriptor()
                                          ->file()
                                          ->FindServiceByName("ContactService")
                                          ->method_count());
  const std::string created =
      Call("CreateContact", R"({"contact": {"displayName": "Ada", "emails": ["ada@example.com"]},)"
                            R"( "requestId": "reflected"})");
  EXPECT_THAT(created, testing::HasSubstr(R"("displayName":"Ada")"));
  ASSERT_FALSE(name_.empty());
  EXPECT_EQ(Call("GetContact", R"({"name": ")" + name_ + R"("})"), created);
}

TEST_F(ReflectionTest, HealthServes) {
  const auto health = client_->Raw("/grpc.health.v1.Health/Check", "");
  ASSERT_TRUE(IsOk(health.status));
}

}  // namespace
}  // namespace crm
