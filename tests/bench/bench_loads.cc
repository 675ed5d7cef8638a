#include "tests/bench/bench_loads.h"

#include <fmt/format.h>

#include <chrono>
#include <fstream>
#include <iterator>

#include "common/base/bytes.h"
#include "common/base/status.h"
#include "crm/admin/v1/admin_service.pb.h"
#include "tests/bench/child_process.h"
#include "tests/bench/sample_contacts.h"

namespace crm {
namespace {

namespace fs = std::filesystem;

constexpr char kStatus[] = "/crm.admin.v1.AdminService/GetStatus";
constexpr std::chrono::seconds kDeadline{120};

int64_t LagIn(const admin::v1::GetStatusResponse& status) {
  int64_t lag = 0;
  for (const auto& service : status.services()) {
    for (const auto& projection : service.projections()) lag += projection.lag();
  }
  return lag;
}

bool OwnsAll(const admin::v1::GetStatusResponse& status) {
  for (const auto& service : status.services()) {
    for (const auto& partition : service.partitions()) {
      if (!partition.owned()) return false;
    }
  }
  return true;
}

}  // namespace

std::string ReadBytes(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

fs::path BenchLoads::WriteCreates(int64_t count, Keys keys) {
  ++run_;
  std::string all;
  for (int64_t i = 0; i < count; ++i) {
    contact::v1::CreateContactRequest request = SampleCreate(run_, i);
    if (keys == Keys::kExternal) {
      auto* key = request.mutable_contact()->mutable_external_key();
      key->set_source("bench");
      key->set_key(fmt::format("{:04}-{:08}", run_, i));
    }
    AppendSized(&all, request.SerializeAsString());
  }
  fs::path path = options_.work / "creates";
  std::ofstream(path, std::ios::binary) << all;
  return path;
}

void BenchLoads::WriteGets(const fs::path& responses, const fs::path& out) const {
  const std::string contacts = ReadBytes(responses);
  std::string_view rest = contacts;
  std::string all;
  std::string_view bytes;
  while (!rest.empty() && ReadSized(&rest, &bytes)) {
    contact::v1::Contact contact;
    contact.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
    contact::v1::GetContactRequest request;
    request.set_name(contact.name());
    AppendSized(&all, request.SerializeAsString());
  }
  std::ofstream(out, std::ios::binary) << all;
}

absl::StatusOr<BenchLoads::Json> BenchLoads::Run(const std::string& address, const char* method,
                                                 const fs::path& requests,
                                                 std::vector<std::string> how) const {
  std::vector<std::string> arguments = {(options_.programs / "load_client").string(),
                                        "--target",
                                        address,
                                        "--method",
                                        method,
                                        "--requests-file",
                                        requests.string()};
  arguments.insert(arguments.end(), how.begin(), how.end());
  CRM_ASSIGN_OR_RETURN(Json report, RunForJson(arguments));
  if (NumberOf(report, "sent") == NumberOf(report, "ok")) return report;
  return absl::InternalError(fmt::format("{} of {} calls of {} failed",
                                         NumberOf(report, "sent") - NumberOf(report, "ok"),
                                         NumberOf(report, "sent"), method));
}

absl::StatusOr<BenchLoads::Json> BenchLoads::Timed(const std::string& address, const char* method,
                                                   const fs::path& requests, int in_flight) const {
  return Run(address, method, requests,
             {"--in-flight", std::to_string(in_flight), "--seconds",
              fmt::format("{}", options_.seconds), "--warmup", fmt::format("{}", options_.warmup)});
}

absl::StatusOr<BenchLoads::Json> BenchLoads::Creates(const std::string& address, const char* method,
                                                     const fs::path& requests, int64_t count,
                                                     int in_flight) const {
  CRM_ASSIGN_OR_RETURN(Json report, Timed(address, method, requests, in_flight));
  if (NumberOf(report, "sent") <= static_cast<double>(count)) return report;
  return absl::InternalError("the load ran out of new requests");
}

absl::Status BenchLoads::CatchUp(const std::string& address) const {
  return Await(address, "the views do not catch up",
               [](const auto& status) { return LagIn(status) == 0; });
}

absl::Status BenchLoads::AwaitOwner(const std::string& address) const {
  return Await(address, "some partitions accept no commands", OwnsAll);
}

absl::Status BenchLoads::Await(
    const std::string& address, const char* otherwise,
    const std::function<bool(const admin::v1::GetStatusResponse&)>& done) const {
  const fs::path request = options_.work / "status-request";
  std::ofstream(request, std::ios::binary) << std::string(1, '\0');
  const fs::path responses = options_.work / "status-response";
  const auto deadline = std::chrono::steady_clock::now() + kDeadline;
  while (std::chrono::steady_clock::now() < deadline) {
    CRM_RETURN_IF_ERROR(
        Run(address, kStatus, request, {"--count", "1", "--responses-file", responses.string()})
            .status());
    const std::string bytes = ReadBytes(responses);
    std::string_view rest = bytes;
    std::string_view first;
    admin::v1::GetStatusResponse status;
    const bool read = ReadSized(&rest, &first) &&
                      status.ParseFromArray(first.data(), static_cast<int>(first.size()));
    if (read && done(status)) return absl::OkStatus();
  }
  return absl::InternalError(otherwise);
}

}  // namespace crm
