#include "tests/support/contact_client.h"

#include <fmt/format.h>
#include <google/rpc/error_details.pb.h>
#include <google/rpc/error_info.pb.h>
#include <grpc/support/time.h>

#include <thread>

namespace crm {
namespace {

namespace cv = contact::v1;
namespace av = admin::v1;

constexpr char kContact[] = "/crm.contact.v1.ContactService/";
constexpr char kAdmin[] = "/crm.admin.v1.AdminService/";
constexpr char kTopic[] = "crm.contact.events";
constexpr char kErrorInfo[] = "type.googleapis.com/google.rpc.ErrorInfo";
constexpr char kBadRequest[] = "type.googleapis.com/google.rpc.BadRequest";

gpr_timespec After(TimeNs wait) {
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_nanos(wait, GPR_TIMESPAN));
}

std::string ToText(const grpc::ByteBuffer& buffer) {
  grpc::Slice slice;
  if (!buffer.Valid() || !buffer.DumpToSingleSlice(&slice).ok()) return "";
  return {reinterpret_cast<const char*>(slice.begin()), slice.size()};
}

}  // namespace

std::vector<std::string> FaultyFields(const absl::Status& status) {
  std::vector<std::string> fields;
  google::rpc::BadRequest bad;
  const auto payload = status.GetPayload(kBadRequest);
  if (!payload || !bad.ParseFromString(std::string(*payload))) return fields;
  for (const auto& violation : bad.field_violations()) fields.push_back(violation.field());
  return fields;
}

std::string ErrorMetadataOf(const absl::Status& status, const std::string& key) {
  google::rpc::ErrorInfo info;
  const auto payload = status.GetPayload(kErrorInfo);
  if (!payload || !info.ParseFromString(std::string(*payload))) return "";
  const auto found = info.metadata().find(key);
  return found == info.metadata().end() ? "" : found->second;
}

ContactClient::ContactClient(const std::string& address) {
  grpc::ChannelArguments arguments;
  // Repeats are the test's to make, over a connection that nobody else holds.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, 64 << 20);
  channel_ = grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

void ContactClient::Prepare(const CallOptions& options, grpc::ClientContext* context) {
  for (const auto& [key, value] : options.metadata) context->AddMetadata(key, value);
  context->set_deadline(After(options.timeout));
}

absl::Status ContactClient::ToStatus(const grpc::Status& status) {
  return DecodeError(status.error_code(), status.error_message(), status.error_details());
}

std::string ContactClient::TrailerOf(const grpc::ClientContext& context, const char* key) {
  const auto& trailers = context.GetServerTrailingMetadata();
  const auto found = trailers.find(key);
  if (found == trailers.end()) return "";
  return {found->second.data(), found->second.size()};
}

Answered<std::string> ContactClient::Raw(const std::string& path, const std::string& request,
                                         const CallOptions& options) const {
  const grpc::Slice slice(request);
  const auto answered = Call<grpc::ByteBuffer>(path, grpc::ByteBuffer(&slice, 1), options);
  return {answered.status, ToText(answered.response), answered.position};
}

Answered<cv::Contact> ContactClient::Get(const cv::GetContactRequest& request,
                                         const CallOptions& options) const {
  return Call<Contact>(std::string(kContact) + "GetContact", request, options);
}

Answered<cv::Contact> ContactClient::Get(const std::string& name,
                                         const CallOptions& options) const {
  cv::GetContactRequest request;
  request.set_name(name);
  return Get(request, options);
}

Answered<cv::Contact> ContactClient::Create(const cv::CreateContactRequest& request,
                                            const CallOptions& options) const {
  return Call<Contact>(std::string(kContact) + "CreateContact", request, options);
}

Answered<cv::Contact> ContactClient::Update(const cv::UpdateContactRequest& request,
                                            const CallOptions& options) const {
  return Call<Contact>(std::string(kContact) + "UpdateContact", request, options);
}

Answered<cv::Contact> ContactClient::Delete(const cv::DeleteContactRequest& request,
                                            const CallOptions& options) const {
  return Call<Contact>(std::string(kContact) + "DeleteContact", request, options);
}

Answered<cv::UpsertContactResponse> ContactClient::Upsert(const cv::UpsertContactRequest& request,
                                                          const CallOptions& options) const {
  return Call<cv::UpsertContactResponse>(std::string(kContact) + "UpsertContact", request, options);
}

Answered<cv::ListContactsResponse> ContactClient::List(const cv::ListContactsRequest& request,
                                                       const CallOptions& options) const {
  return Call<cv::ListContactsResponse>(std::string(kContact) + "ListContacts", request, options);
}

Answered<cv::ListContactRevisionsResponse> ContactClient::Revisions(
    const cv::ListContactRevisionsRequest& request, const CallOptions& options) const {
  return Call<cv::ListContactRevisionsResponse>(std::string(kContact) + "ListContactRevisions",
                                                request, options);
}

absl::Status ContactClient::Import(
    const std::vector<cv::UpsertContactRequest>& rows,
    const std::function<void(const cv::ImportContactsResponse&)>& each,
    const CallOptions& options) const {
  grpc::ClientContext context;
  Prepare(options, &context);
  const std::string path = std::string(kContact) + "ImportContacts";
  const grpc::internal::RpcMethod method(path.c_str(), grpc::internal::RpcMethod::BIDI_STREAMING);
  using Import = grpc::ClientReaderWriter<cv::ImportContactsRequest, cv::ImportContactsResponse>;
  const std::unique_ptr<Import> stream(
      grpc::internal::ClientReaderWriterFactory<cv::ImportContactsRequest,
                                                cv::ImportContactsResponse>::Create(channel_.get(),
                                                                                    method,
                                                                                    &context));
  std::thread writer([&] {
    cv::ImportContactsRequest item;
    for (const auto& row : rows) {
      item.set_row(item.row() + 1);
      *item.mutable_command() = row;
      if (!stream->Write(item)) break;
    }
    stream->WritesDone();
  });
  cv::ImportContactsResponse answer;
  while (stream->Read(&answer)) each(answer);
  writer.join();
  return ToStatus(stream->Finish());
}

absl::Status ContactClient::ListAll(cv::ListContactsRequest request, std::vector<Contact>* contacts,
                                    const CallOptions& options) const {
  for (;;) {
    auto page = List(request, options);
    if (!page.ok()) return page.status;
    for (Contact& contact : *page.response.mutable_contacts()) {
      contacts->push_back(std::move(contact));
    }
    if (page.response.next_page_token().empty()) return absl::OkStatus();
    request.set_page_token(page.response.next_page_token());
  }
}

absl::Status ContactClient::AllRevisions(const std::string& name,
                                         std::vector<cv::ContactRevision>* revisions) const {
  cv::ListContactRevisionsRequest request;
  request.set_name(name);
  request.set_page_size(1000);
  for (;;) {
    auto page = Revisions(request);
    if (!page.ok()) return page.status;
    for (auto& revision : *page.response.mutable_revisions()) {
      revisions->push_back(std::move(revision));
    }
    if (page.response.next_page_token().empty()) return absl::OkStatus();
    request.set_page_token(page.response.next_page_token());
  }
}

Answered<av::GetStatusResponse> ContactClient::Status(const CallOptions& options) const {
  return Call<av::GetStatusResponse>(std::string(kAdmin) + "GetStatus", av::GetStatusRequest(),
                                     options);
}

ContactClient::Hashes ContactClient::Dump(const std::string& projection,
                                          av::DumpProjectionRequest::Kind kind) const {
  av::DumpProjectionRequest request;
  request.set_service("contact");
  request.set_projection(projection);
  request.set_kind(kind);
  request.set_hashes_only(true);
  Hashes hashes;
  hashes.status = Stream<av::DumpProjectionResponse>(
      std::string(kAdmin) + "DumpProjection", request,
      [&hashes](const av::DumpProjectionResponse& answer) {
        if (!answer.hash().empty()) {
          hashes.by_partition[answer.partition()] = answer.hash();
        }
        return true;
      });
  return hashes;
}

absl::Status ContactClient::Verify(const std::string& projection) const {
  av::VerifyProjectionRequest request;
  request.set_service("contact");
  request.set_projection(projection);
  absl::Status found;
  int partitions = 0;
  absl::Status status = Stream<av::VerifyProjectionResponse>(
      std::string(kAdmin) + "VerifyProjection", request,
      [&](const av::VerifyProjectionResponse& answer) {
        ++partitions;
        if (answer.equal()) return true;
        found = absl::DataLossError(
            fmt::format("partition {} differs from a fold anew", answer.partition()));
        return true;
      });
  if (!status.ok()) return status;
  if (partitions != 16) return absl::InternalError("not every partition was verified");
  return found;
}

absl::Status ContactClient::VerifyLog() const {
  av::VerifyLogRequest request;
  request.set_topic(kTopic);
  absl::Status found;
  absl::Status status = Stream<av::VerifyLogResponse>(
      std::string(kAdmin) + "VerifyLog", request, [&](const av::VerifyLogResponse& answer) {
        if (!answer.problem().empty() && found.ok()) {
          found = absl::DataLossError(answer.problem());
        }
        return true;
      });
  return status.ok() ? found : status;
}

absl::Status ContactClient::ReadEvents(const std::function<void(const av::LogEntry&)>& each) const {
  av::ReadLogRequest request;
  request.set_topic(kTopic);
  request.set_valid_only(true);
  return Stream<av::LogEntry>(std::string(kAdmin) + "ReadLog", request,
                              [&](const av::LogEntry& entry) {
                                if (entry.kind() == "event") each(entry);
                                return true;
                              },
                              {{}, 300 * kSecond});
}

std::vector<int64_t> ContactClient::LogEnd() const {
  std::vector<int64_t> ends;
  const auto status = Status();
  for (const auto& service : status.response.services()) {
    for (const auto& partition : service.partitions()) ends.push_back(partition.end_offset());
  }
  return ends;
}

absl::Status ContactClient::WaitForAnswer(TimeNs wait) const {
  const SystemClock clock;
  const TimeNs deadline = clock.Monotonic() + wait;
  while (true) {
    const TimeNs left = deadline - clock.Monotonic();
    if (left <= 0 || !channel_->WaitForConnected(After(left))) {
      return absl::DeadlineExceededError("the server takes no connection");
    }
    absl::Status status = Status({{}, left}).status;
    // A connection that was being closed may take the call with it.
    if (status.code() != absl::StatusCode::kUnavailable) return status;
  }
}

}  // namespace crm
