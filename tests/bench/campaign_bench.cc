// How fast the shipped server decides on sends: contacts with consents are imported, a segment
// takes them all in, a campaign of several steps is launched over it, and every contact gets a
// decision on every step, with consent and frequency cap checked. Hand-offs to the outbox go on at
// the same time.
//
//   campaign_bench --server build/release/services/all/crm-all [--contacts N] [--steps N] [--cap N]
//
// Prints one line of JSON: seconds from the launch to the last decision and to the last hand-off,
// decisions per second, how many were decided and refused. Exit status 0: every contact has its
// decision on every step.

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/client_unary_call.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/support/sync_stream.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "crm/campaign/v1/campaign_service.pb.h"
#include "crm/contact/v1/contact_service.pb.h"
#include "tests/bench/child_process.h"

namespace crm {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr char kContact[] = "/crm.contact.v1.ContactService/";
constexpr char kCampaign[] = "/crm.campaign.v1.CampaignService/";
constexpr std::chrono::seconds kDeadline{900};
constexpr std::chrono::milliseconds kPoll{200};

struct Options {
  std::string server;
  std::string work_dir;
  int64_t contacts = 100'000;
  int steps = 10;
  // Sends in seven days; 0: no cap.
  int cap = 5;
};

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

[[noreturn]] void Fail(const std::string& what) {
  std::fprintf(stderr, "campaign_bench: %s\n", what.c_str());
  std::exit(1);
}

class Client {
 public:
  explicit Client(const std::string& address)
      : channel_(grpc::CreateChannel(address, grpc::InsecureChannelCredentials())) {}

  template <typename Response, typename Request>
  Response Call(const std::string& method, const Request& request) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kDeadline);
    const grpc::internal::RpcMethod rpc(method.c_str(), grpc::internal::RpcMethod::NORMAL_RPC);
    Response response;
    const grpc::Status status =
        grpc::internal::BlockingUnaryCall<Request, Response, google::protobuf::MessageLite,
                                          google::protobuf::MessageLite>(
            channel_.get(), rpc, &context, request, &response);
    if (!status.ok()) Fail(method + ": " + status.error_message());
    return response;
  }

  // Sends `count` items of `make(i)` over one stream; every one must be accepted.
  template <typename Request, typename Response>
  void Import(const std::string& method, int64_t count,
              const std::function<void(int64_t, Request*)>& make) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kDeadline);
    const grpc::internal::RpcMethod rpc(method.c_str(), grpc::internal::RpcMethod::BIDI_STREAMING);
    const std::unique_ptr<grpc::ClientReaderWriter<Request, Response>> stream(
        grpc::internal::ClientReaderWriterFactory<Request, Response>::Create(channel_.get(), rpc,
                                                                             &context));
    std::thread writer([&] {
      for (int64_t i = 0; i < count; ++i) {
        Request request;
        request.set_row(i);
        make(i, &request);
        if (!stream->Write(request)) break;
      }
      stream->WritesDone();
    });
    int64_t accepted = 0;
    for (Response response; stream->Read(&response);) accepted += response.has_error() ? 0 : 1;
    writer.join();
    if (const auto status = stream->Finish(); !status.ok()) Fail(status.error_message());
    if (accepted != count) Fail(fmt::format("{}: {} of {} accepted", method, accepted, count));
  }

 private:
  const std::shared_ptr<grpc::Channel> channel_;
};

void SetKey(int64_t i, contact::v1::ExternalKey* key) {
  key->set_source("bench");
  key->set_key(std::to_string(i));
}

void ImportContacts(Client& client, int64_t count) {
  client.Import<contact::v1::ImportContactsRequest, contact::v1::ImportContactsResponse>(
      std::string(kContact) + "ImportContacts", count,
      [](int64_t i, contact::v1::ImportContactsRequest* request) {
        auto* contact = request->mutable_command()->mutable_contact();
        contact->set_kind(contact::v1::Contact::PERSON);
        contact->set_display_name("Person " + std::to_string(i));
        SetKey(i, contact->mutable_external_key());
      });
  client.Import<contact::v1::ImportConsentsRequest, contact::v1::ImportConsentsResponse>(
      std::string(kContact) + "ImportConsents", count,
      [](int64_t i, contact::v1::ImportConsentsRequest* request) {
        auto* command = request->mutable_command();
        SetKey(i, command->mutable_contact_key());
        command->set_purpose("marketing");
        command->set_channel("email");
      });
}

std::string FillSegment(Client& client, int64_t contacts) {
  campaign::v1::CreateSegmentRequest request;
  request.mutable_segment()->set_filter("consent(\"marketing\", \"email\")");
  request.set_request_id("bench");
  const auto segment =
      client.Call<campaign::v1::Segment>(std::string(kCampaign) + "CreateSegment", request);
  const auto start = Clock::now();
  for (int64_t members = 0; members < contacts; std::this_thread::sleep_for(kPoll)) {
    if (Clock::now() - start > kDeadline) Fail("the segment was not filled in time");
    members = 0;
    campaign::v1::ListSegmentMembersRequest page;
    page.set_segment(segment.name());
    page.set_page_size(1000);
    do {
      const auto answer = client.Call<campaign::v1::ListSegmentMembersResponse>(
          std::string(kCampaign) + "ListSegmentMembers", page);
      members += answer.contacts_size();
      page.set_page_token(answer.next_page_token());
    } while (!page.page_token().empty());
  }
  return segment.name();
}

std::string CreateCampaign(Client& client, const std::string& segment, const Options& options) {
  campaign::v1::CreateCampaignRequest request;
  auto* campaign = request.mutable_campaign();
  campaign->set_segment(segment);
  for (int i = 0; i < options.steps; ++i) {
    auto* step = campaign->add_steps();
    step->set_step(fmt::format("step{}", i));
    step->set_channel("email");
    step->set_purpose("marketing");
    step->set_subject("Hello");
    step->set_body("Something new is here for you.");
  }
  if (options.cap > 0) {
    campaign->mutable_cap()->set_sends(options.cap);
    campaign->mutable_cap()->set_days(7);
  }
  request.set_request_id("bench");
  return client.Call<campaign::v1::Campaign>(std::string(kCampaign) + "CreateCampaign", request)
      .name();
}

void StartSteps(Client& client, const std::string& campaign, int steps) {
  campaign::v1::LaunchCampaignRequest launch;
  launch.set_name(campaign);
  client.Call<campaign::v1::Campaign>(std::string(kCampaign) + "LaunchCampaign", launch);
  for (int i = 1; i < steps; ++i) {
    campaign::v1::StartStepRequest start;
    start.set_name(campaign);
    start.set_step(fmt::format("step{}", i));
    client.Call<campaign::v1::Campaign>(std::string(kCampaign) + "StartStep", start);
  }
}

campaign::v1::SendCounts CountsOf(Client& client, const std::string& campaign) {
  campaign::v1::GetCampaignStatisticsRequest request;
  request.set_name(campaign);
  return client
      .Call<campaign::v1::CampaignStatistics>(std::string(kCampaign) + "GetCampaignStatistics",
                                              request)
      .counts();
}

int64_t RefusedOf(const campaign::v1::SendCounts& counts) {
  int64_t refused = 0;
  for (const auto& reason : counts.refused()) refused += reason.count();
  return refused;
}

void Run(const Options& options) {
  const fs::path data = fs::path(options.work_dir) / "campaign-data";
  fs::remove_all(data);
  auto server = ServerProcess::Start({options.server}, data);
  if (!server.ok()) Fail(std::string(server.status().message()));
  Client client((*server)->address());
  auto start = Clock::now();
  ImportContacts(client, options.contacts);
  const double imported = SecondsSince(start);
  start = Clock::now();
  const std::string segment = FillSegment(client, options.contacts);
  const double filled = SecondsSince(start);
  const std::string campaign = CreateCampaign(client, segment, options);

  start = Clock::now();
  StartSteps(client, campaign, options.steps);
  const int64_t wanted = options.contacts * options.steps;
  campaign::v1::SendCounts counts;
  while (counts.decided() + RefusedOf(counts) < wanted) {
    if (Clock::now() - start > kDeadline) Fail("not all was decided in time");
    std::this_thread::sleep_for(kPoll);
    counts = CountsOf(client, campaign);
  }
  const double seconds = SecondsSince(start);
  const int64_t handed_off_meanwhile = counts.handed_off();
  while (counts.handed_off() + counts.cancelled() < counts.decided()) {
    if (Clock::now() - start > kDeadline) Fail("not all was handed over in time");
    std::this_thread::sleep_for(kPoll);
    counts = CountsOf(client, campaign);
  }
  const double until_handed_off = SecondsSince(start);
  fmt::print(
      "{{\"contacts\":{},\"steps\":{},\"import_seconds\":{:.1f},\"fill_seconds\":{:.1f},"
      "\"seconds\":{:.1f},\"decisions_per_second\":{:.0f},\"decided\":{},\"refused\":{},"
      "\"handed_off_meanwhile\":{},\"seconds_until_all_handed_off\":{:.1f}}}\n",
      options.contacts, options.steps, imported, filled, seconds,
      static_cast<double>(wanted) / seconds, counts.decided(), RefusedOf(counts),
      handed_off_meanwhile, until_handed_off);
  if (const auto status = (*server)->Stop(); !status.ok()) Fail(std::string(status.message()));
  fs::remove_all(data);
}

}  // namespace
}  // namespace crm

int main(int argc, char** argv) {
  crm::Options options;
  options.work_dir = crm::fs::temp_directory_path().string();
  CLI::App app{"Measures decisions on sends."};
  app.add_option("--server", options.server)->required();
  app.add_option("--work-dir", options.work_dir);
  app.add_option("--contacts", options.contacts);
  app.add_option("--steps", options.steps);
  app.add_option("--cap", options.cap);
  CLI11_PARSE(app, argc, argv);
  crm::Run(options);
  return 0;
}
