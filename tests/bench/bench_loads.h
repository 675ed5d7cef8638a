#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "crm/admin/v1/admin_service.pb.h"
#include "google/protobuf/struct.pb.h"

namespace crm {

// Methods that loads are sent to; the ceiling server answers kSyncMethod after one sync of a file.
inline constexpr char kGetMethod[] = "/crm.contact.v1.ContactService/GetContact";
inline constexpr char kCreateMethod[] = "/crm.contact.v1.ContactService/CreateContact";
inline constexpr char kSyncMethod[] = "/crm.contact.v1.ContactService/DeleteContact";

// Loads by load_client, a process of its own each. Not thread-safe.
class BenchLoads {
 public:
  struct Options {
    // Where load_client lies, and where requests are written.
    std::filesystem::path programs;
    std::filesystem::path work;
    double seconds = 4;
    double warmup = 0.5;
  };
  using Json = google::protobuf::Struct;

  explicit BenchLoads(Options options) : options_(std::move(options)) {}

  // Whether contacts have a key of another system.
  enum class Keys { kNone, kExternal };
  // Requests to create contacts no load has sent before; the next call overwrites them.
  std::filesystem::path WriteCreates(int64_t count, Keys keys = Keys::kNone);
  // GetContact of every contact that a load answered into the file `responses`.
  void WriteGets(const std::filesystem::path& responses, const std::filesystem::path& out) const;

  // load_client's answer. INTERNAL: a call failed.
  absl::StatusOr<Json> Run(const std::string& address, const char* method,
                           const std::filesystem::path& requests,
                           std::vector<std::string> how) const;
  // For the time of the options.
  absl::StatusOr<Json> Timed(const std::string& address, const char* method,
                             const std::filesystem::path& requests, int in_flight) const;
  // So many requests are at hand; INTERNAL: they did not suffice.
  absl::StatusOr<Json> Creates(const std::string& address, const char* method,
                               const std::filesystem::path& requests, int64_t count,
                               int in_flight) const;
  // Returns when no projection of the server lags, so that its work of one load does not fall into
  // the next one's time. INTERNAL: they still do after two minutes.
  absl::Status CatchUp(const std::string& address) const;
  // Returns when the server accepts commands for every partition, as CatchUp.
  absl::Status AwaitOwner(const std::string& address) const;

  double load_seconds() const { return options_.seconds + options_.warmup; }

 private:
  absl::Status Await(const std::string& address, const char* otherwise,
                     const std::function<bool(const admin::v1::GetStatusResponse&)>& done) const;

  const Options options_;
  int run_ = 0;
};

// Of a whole file.
std::string ReadBytes(const std::filesystem::path& path);

}  // namespace crm
