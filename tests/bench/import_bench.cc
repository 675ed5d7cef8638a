// A million contacts: how fast they are imported, what they cost in memory, when they can be
// listed, and whether lists and searches stay as fast as with ten thousand.
//
//   import_bench --server build/release/services/contact/crm-contact --json FILE [--contacts N]
//       [--quick]
//
// Contacts with a name, e-mail, phone, language, region and external key over one ImportContacts
// stream, from this process; `--quick`: 100,000 of them. Exit status 0: all was measured, every row
// was created, and the lists and searches answered.

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/client_unary_call.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/support/sync_stream.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/base/status.h"
#include "crm/contact/v1/contact_service.pb.h"
#include "tests/bench/bench_loads.h"
#include "tests/bench/bench_rows.h"
#include "tests/bench/child_process.h"
#include "tests/bench/sample_contacts.h"

namespace crm {
namespace {

namespace fs = std::filesystem;
namespace cv = contact::v1;
using Clock = std::chrono::steady_clock;

constexpr char kService[] = "/crm.contact.v1.ContactService/";
constexpr double kMemoryBudget = 512 << 20;
constexpr int64_t kFew = 10'000;
constexpr int kPages = 300;
constexpr int kSearchesPerSecond = 500;
constexpr int kSearchers = 4;
// Rows that may lie in the client before they go out together.
constexpr size_t kTogether = 32;

struct Options {
  std::string server;
  std::string json;
  std::string work_dir;
  int64_t contacts = 1'000'000;
  bool quick = false;
};

double MillisSince(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

absl::Status OfCall(const std::string& method, const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  return absl::InternalError(method + ": " + status.error_message());
}

// Thread-safe.
class Client {
 public:
  explicit Client(const std::string& address)
      : channel_(grpc::CreateChannel(address, grpc::InsecureChannelCredentials())) {}

  template <typename Response, typename Request>
  absl::StatusOr<Response> Call(const char* name, const Request& request) const {
    const std::string method = std::string(kService) + name;
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    const grpc::internal::RpcMethod rpc(method.c_str(), grpc::internal::RpcMethod::NORMAL_RPC);
    Response response;
    const grpc::Status status =
        grpc::internal::BlockingUnaryCall<Request, Response, google::protobuf::MessageLite,
                                          google::protobuf::MessageLite>(
            channel_.get(), rpc, &context, request, &response);
    CRM_RETURN_IF_ERROR(OfCall(method, status));
    return response;
  }

  // Items of contacts from..to, as they go out.
  static std::vector<grpc::ByteBuffer> Rows(int64_t from, int64_t to) {
    std::vector<grpc::ByteBuffer> rows;
    rows.reserve(static_cast<size_t>(to - from));
    for (int64_t i = from; i < to; ++i) {
      const grpc::Slice slice(Row(i).SerializeAsString());
      rows.emplace_back(&slice, 1);
    }
    return rows;
  }

  // Over one stream; each must be created.
  absl::Status Import(const std::vector<grpc::ByteBuffer>& rows) const {
    const std::string method = std::string(kService) + "ImportContacts";
    grpc::ClientContext context;
    const grpc::internal::RpcMethod rpc(method.c_str(), grpc::internal::RpcMethod::BIDI_STREAMING);
    using Stream = grpc::ClientReaderWriter<grpc::ByteBuffer, cv::ImportContactsResponse>;
    const std::unique_ptr<Stream> stream(
        grpc::internal::ClientReaderWriterFactory<
            grpc::ByteBuffer, cv::ImportContactsResponse>::Create(channel_.get(), rpc, &context));
    std::thread writer([&] {
      for (size_t i = 0; i < rows.size(); ++i) {
        grpc::WriteOptions how;
        if ((i + 1) % kTogether != 0 && i + 1 < rows.size()) how.set_buffer_hint();
        if (!stream->Write(rows[i], how)) break;
      }
      stream->WritesDone();
    });
    size_t created = 0;
    std::string fault;
    for (cv::ImportContactsResponse result; stream->Read(&result);) {
      created += result.result().outcome() == cv::UpsertContactResponse::CREATED ? 1 : 0;
      if (result.has_error() && fault.empty()) fault = result.error().message();
    }
    writer.join();
    CRM_RETURN_IF_ERROR(OfCall(method, stream->Finish()));
    if (created == rows.size()) return absl::OkStatus();
    return absl::InternalError(
        fmt::format("{} of {} rows were created; {}", created, rows.size(), fault));
  }

 private:
  static cv::ImportContactsRequest Row(int64_t number) {
    cv::ImportContactsRequest item;
    item.set_row(number);
    cv::Contact& contact = *item.mutable_command()->mutable_contact();
    contact = VariedContact(number);
    contact.mutable_external_key()->set_source("bench");
    contact.mutable_external_key()->set_key(fmt::format("{:010}", number));
    return item;
  }

  const std::shared_ptr<grpc::Channel> channel_;
};

class Bench {
 public:
  Bench(const Options& options, const fs::path& programs, const fs::path& work,
        std::vector<BenchRow>* rows)
      : options_(options),
        count_(options.quick ? std::min<int64_t>(options.contacts, 100'000) : options.contacts),
        work_(work),
        loads_({programs, work}),
        rows_(*rows) {}

  absl::Status Run() {
    CRM_ASSIGN_OR_RETURN(
        server_,
        ServerProcess::Start({options_.server, "--admin-listen", "127.0.0.1:0"}, work_ / "server"));
    client_ = std::make_unique<Client>(server_->address());
    CRM_RETURN_IF_ERROR(client_->Import(Client::Rows(0, kFew)));
    CRM_RETURN_IF_ERROR(loads_.CatchUp(server_->address()));
    CRM_RETURN_IF_ERROR(MeasurePages(&few_));
    CRM_RETURN_IF_ERROR(MeasureImport());
    CRM_RETURN_IF_ERROR(MeasurePages(&many_));
    for (size_t i = 0; i < many_.size(); ++i) {
      rows_.push_back({fmt::format("first page, {}, {} contacts", many_[i].name, count_),
                       many_[i].millis, "ms", fmt::format("at {}", kFew), few_[i].millis,
                       few_[i].millis / many_[i].millis, 1 / 1.5});
    }
    CRM_RETURN_IF_ERROR(MeasureSearch());
    rows_.push_back({"memory at the end", server_->Memory() / (1 << 20), "MiB", "budget",
                     kMemoryBudget / (1 << 20), kMemoryBudget / server_->Memory(), 1});
    return server_->Stop();
  }

 private:
  struct Page {
    std::string name;
    double millis = 0;
  };

  absl::Status MeasureImport() {
    const std::vector<grpc::ByteBuffer> items = Client::Rows(kFew, count_);
    const double used = ProcessorSeconds(server_->pid());
    const auto start = Clock::now();
    CRM_RETURN_IF_ERROR(client_->Import(items));
    const double seconds = MillisSince(start) / 1000;
    const double peak = server_->Memory();
    CRM_RETURN_IF_ERROR(loads_.CatchUp(server_->address()));
    const double caught_up = MillisSince(start) / 1000;
    const double cost = ProcessorSeconds(server_->pid()) - used;
    const auto imported = static_cast<double>(count_ - kFew);
    rows_.push_back({fmt::format("import of {:.0f} contacts, acknowledged", imported),
                     imported / seconds, "rows/s", "15 k/s", 15'000, imported / seconds / 15'000,
                     1});
    rows_.push_back({"import, until every view shows it", imported / caught_up, "rows/s",
                     "acknowledged", imported / seconds, seconds / caught_up, std::nullopt});
    rows_.push_back({"import, views catch up after it", caught_up - seconds, "s", "of the import",
                     seconds, seconds / (caught_up - seconds), std::nullopt});
    rows_.push_back({"import, processor time", cost * 1e6 / imported, "us/row", "one thread",
                     seconds * 1e6 / imported, seconds / cost, std::nullopt});
    rows_.push_back({"memory after the import", peak / (1 << 20), "MiB", "budget",
                     kMemoryBudget / (1 << 20), kMemoryBudget / peak, 1});
    return absl::OkStatus();
  }

  // Medians of first pages of 50.
  absl::Status MeasurePages(std::vector<Page>* pages) {
    const std::vector<std::pair<std::string, std::string>> kinds = {
        {"", "display_name"}, {"region_code = \"US\"", "create_time desc"}};
    for (const auto& [filter, order] : kinds) {
      cv::ListContactsRequest request;
      request.set_page_size(50);
      request.set_filter(filter);
      request.set_order_by(order);
      std::vector<double> millis;
      for (int i = 0; i < kPages; ++i) {
        const auto start = Clock::now();
        CRM_ASSIGN_OR_RETURN(const auto page,
                             client_->Call<cv::ListContactsResponse>("ListContacts", request));
        millis.push_back(MillisSince(start));
        if (page.contacts_size() != 50) return absl::InternalError("a page is not full");
      }
      pages->push_back(
          {fmt::format("{} by {}", filter.empty() ? "all" : "filtered", order), Median(millis)});
    }
    return absl::OkStatus();
  }

  // From the moment a call is due, so that one that is slow shows in those behind it.
  absl::Status Searcher(int which, double seconds, std::vector<double>* millis) const {
    const auto begin = Clock::now();
    const auto calls = static_cast<int>(seconds * kSearchesPerSecond / kSearchers);
    for (int i = 0; i < calls; ++i) {
      const auto due =
          begin + std::chrono::microseconds((static_cast<int64_t>(i) * kSearchers + which) *
                                            1'000'000 / kSearchesPerSecond);
      std::this_thread::sleep_until(due);
      cv::SearchContactsRequest request;
      request.set_page_size(20);
      const cv::Contact wanted = VariedContact((static_cast<int64_t>(i) * 7919 + which) % count_);
      request.set_prefix(wanted.family_name().substr(0, 3 + static_cast<size_t>(i % 3)));
      CRM_ASSIGN_OR_RETURN(const auto found,
                           client_->Call<cv::SearchContactsResponse>("SearchContacts", request));
      millis->push_back(MillisSince(due));
      if (found.contacts_size() == 0) return absl::InternalError("a search found nobody");
    }
    return absl::OkStatus();
  }

  absl::Status MeasureSearch() {
    std::vector<std::vector<double>> millis(kSearchers);
    std::vector<absl::Status> ended(kSearchers);
    std::vector<std::thread> threads;
    for (int i = 0; i < kSearchers; ++i) {
      threads.emplace_back([&, i] { ended[i] = Searcher(i, options_.quick ? 4 : 15, &millis[i]); });
    }
    for (std::thread& thread : threads) thread.join();
    std::vector<double> all;
    for (int i = 0; i < kSearchers; ++i) {
      CRM_RETURN_IF_ERROR(ended[i]);
      all.insert(all.end(), millis[i].begin(), millis[i].end());
    }
    rows_.push_back(AtMost("name prefix, 500 calls/s, p50", Quantile(all, 0.5), "ms", 5));
    rows_.push_back(AtMost("name prefix, 500 calls/s, p99", Quantile(all, 0.99), "ms", 5));
    return absl::OkStatus();
  }

  const Options& options_;
  const int64_t count_;
  const fs::path work_;
  BenchLoads loads_;
  std::vector<BenchRow>& rows_;
  std::unique_ptr<ServerProcess> server_;
  std::unique_ptr<Client> client_;
  std::vector<Page> few_;
  std::vector<Page> many_;
};

int Main(int argc, char** argv) {
  Options options;
  CLI::App app("Import, lists and searches of a million contacts");
  app.add_option("--server", options.server, "crm-contact")->required();
  app.add_option("--json", options.json, "Where the results go")->required();
  app.add_option("--work-dir", options.work_dir,
                 "Folder on the disk to measure. Default: beside the results");
  app.add_option("--contacts", options.contacts)->check(CLI::Range(20'000, 100'000'000));
  app.add_flag("--quick", options.quick, "100,000 contacts");
  CLI11_PARSE(app, argc, argv);
  return RunInFolder(
      options.json, options.work_dir, [&](const std::string& work, std::vector<BenchRow>* rows) {
        return Bench(options, fs::canonical("/proc/self/exe").parent_path(), work, rows).Run();
      });
}

}  // namespace
}  // namespace crm

int main(int argc, char** argv) {
  return crm::Main(argc, argv);
}
