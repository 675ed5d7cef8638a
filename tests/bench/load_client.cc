// Closed-loop load on one unary method: keeps N calls in flight over M channels, answers rate and
// latency as one line of JSON on stdout. A process of its own, so that a server's figures are not
// flattered by sharing one with its client.
//
//   load_client --target 127.0.0.1:50051 --method /crm.contact.v1.ContactService/GetContact
//       --requests-file FILE --in-flight 64 --seconds 5 [--warmup 1] [--channels 1]
//       [--metadata crm-tenant=acme]…
//
// The requests file holds serialised requests, each after its length as a varint; they are sent in
// turn, again from the start after the last, or once each with --once. --count ends after so many
// answers. --responses-file keeps the responses of all OK answers in the same form. Rate, latency
// and `statuses` are of the measured time; `ok` counts every OK answer, of the warm-up too.

#include <fmt/format.h>
#include <grpcpp/alarm.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/bytes.h"

namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  std::string target;
  std::string method;
  std::string requests_file;
  int in_flight = 64;
  int channels = 1;
  double seconds = 0;
  double warmup = 0;
  double deadline_seconds = 30;
  int64_t count = 0;
  bool once = false;
  std::string responses_file;
  std::vector<std::string> metadata;
};

double Seconds(Clock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

class Load;

struct Call {
  std::optional<grpc::ClientContext> context;
  std::unique_ptr<grpc::GenericClientAsyncResponseReader> reader;
  grpc::ByteBuffer response;
  grpc::Status status;
  Clock::time_point started;
  int channel = 0;
};

// Single-threaded.
class Load {
 public:
  Load(const Options& options, std::vector<grpc::ByteBuffer> requests)
      : options_(options), requests_(std::move(requests)) {
    for (int i = 0; i < options_.channels; ++i) AddChannel(i);
    for (const std::string& pair : options_.metadata) {
      const size_t equals = pair.find('=');
      metadata_.emplace_back(pair.substr(0, equals), pair.substr(equals + 1));
    }
  }

  bool Connect() {
    const auto until = std::chrono::system_clock::now() + std::chrono::seconds(10);
    return std::all_of(channels_.begin(), channels_.end(),
                       [&](const auto& channel) { return channel->WaitForConnected(until); });
  }

  void Run() {
    begin_ = Clock::now();
    measured_from_ = begin_ + Span(options_.warmup);
    ends_ =
        options_.seconds > 0 ? measured_from_ + Span(options_.seconds) : Clock::time_point::max();
    std::vector<Call> calls(options_.in_flight);
    for (int i = 0; i < options_.in_flight; ++i) {
      calls[i].channel = i % options_.channels;
      Send(&calls[i]);
    }
    void* tag = nullptr;
    bool ok = false;
    while (open_ > 0 && queue_.Next(&tag, &ok)) Answered(static_cast<Call*>(tag));
    queue_.Shutdown();
    while (queue_.Next(&tag, &ok)) {
    }
    if (!options_.responses_file.empty()) {
      std::ofstream(options_.responses_file, std::ios::binary) << responses_;
    }
  }

  std::string Report() {
    std::sort(latencies_.begin(), latencies_.end());
    const double elapsed = Seconds(last_ - measured_from_);
    std::string statuses;
    for (const auto& [code, count] : statuses_) {
      statuses += fmt::format("{}\"{}\":{}", statuses.empty() ? "" : ",", code, count);
    }
    return fmt::format(
        "{{\"calls\":{},\"seconds\":{:.3f},\"rate\":{:.1f},\"p50_ms\":{:.4f},\"p99_ms\":{:.4f},"
        "\"max_ms\":{:.4f},\"in_flight\":{},\"channels\":{},\"sent\":{},\"ok\":{},"
        "\"response_bytes\":{},\"position_bytes\":{},\"statuses\":{{{}}}}}",
        latencies_.size(), elapsed,
        elapsed > 0 ? static_cast<double>(latencies_.size()) / elapsed : 0.0, Quantile(0.5),
        Quantile(0.99), Quantile(1.0), options_.in_flight, options_.channels, sent_, ok_,
        ok_ > 0 ? response_bytes_ / ok_ : 0, position_bytes_, statuses);
  }

 private:
  static Clock::duration Span(double seconds) {
    return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  }

  void AddChannel(int number) {
    grpc::ChannelArguments arguments;
    // Channels with equal arguments would share one connection.
    arguments.SetInt("crm.channel", number);
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    channels_.push_back(
        grpc::CreateCustomChannel(options_.target, grpc::InsecureChannelCredentials(), arguments));
    stubs_.push_back(std::make_unique<grpc::GenericStub>(channels_.back()));
  }

  bool MaySend() const {
    if (options_.once && next_ >= requests_.size()) return false;
    if (options_.count > 0 && sent_ >= options_.count) return false;
    return Clock::now() < ends_;
  }

  void Send(Call* call) {
    if (!MaySend()) return;
    call->context.emplace();
    for (const auto& [key, value] : metadata_) call->context->AddMetadata(key, value);
    call->context->set_deadline(
        std::chrono::system_clock::now() +
        std::chrono::milliseconds(static_cast<int64_t>(options_.deadline_seconds * 1000)));
    call->started = Clock::now();
    call->reader = stubs_[call->channel]->PrepareUnaryCall(
        &*call->context, options_.method, requests_[next_++ % requests_.size()], &queue_);
    call->reader->StartCall();
    call->reader->Finish(&call->response, &call->status, call);
    ++sent_;
    ++open_;
  }

  void Answered(Call* call) {
    --open_;
    last_ = Clock::now();
    if (call->started >= measured_from_) {
      latencies_.push_back(static_cast<float>(Seconds(last_ - call->started) * 1000));
      ++statuses_[call->status.error_code()];
    }
    if (call->status.ok()) Count(call);
    call->response.Clear();
    call->reader.reset();
    Send(call);
  }

  void Count(Call* call) {
    ++ok_;
    response_bytes_ += static_cast<int64_t>(call->response.Length());
    if (position_bytes_ == 0) {
      const auto& trailing = call->context->GetServerTrailingMetadata();
      const auto found = trailing.find("crm-position");
      if (found != trailing.end()) position_bytes_ = static_cast<int64_t>(found->second.size());
    }
    if (!options_.responses_file.empty()) Keep(call->response);
  }

  void Keep(const grpc::ByteBuffer& response) {
    std::vector<grpc::Slice> slices;
    std::string bytes;
    if (!response.Dump(&slices).ok()) return;
    for (const grpc::Slice& slice : slices) {
      bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
    }
    crm::AppendSized(&responses_, bytes);
  }

  double Quantile(double q) const {
    if (latencies_.empty()) return 0;
    return latencies_[static_cast<size_t>(q * static_cast<double>(latencies_.size() - 1))];
  }

  const Options& options_;
  const std::vector<grpc::ByteBuffer> requests_;
  std::vector<std::pair<std::string, std::string>> metadata_;
  std::vector<std::shared_ptr<grpc::Channel>> channels_;
  std::vector<std::unique_ptr<grpc::GenericStub>> stubs_;
  grpc::CompletionQueue queue_;
  Clock::time_point begin_;
  Clock::time_point measured_from_;
  Clock::time_point ends_;
  Clock::time_point last_;
  size_t next_ = 0;
  int64_t sent_ = 0;
  int open_ = 0;
  int64_t ok_ = 0;
  int64_t response_bytes_ = 0;
  int64_t position_bytes_ = 0;
  std::string responses_;
  std::vector<float> latencies_;
  // By gRPC status code.
  std::map<int, int64_t> statuses_;
};

std::optional<std::vector<grpc::ByteBuffer>> ReadRequests(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string all((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  std::string_view rest = all;
  std::vector<grpc::ByteBuffer> requests;
  while (!rest.empty()) {
    std::string_view request;
    if (!crm::ReadSized(&rest, &request)) return std::nullopt;
    const grpc::Slice slice(request.data(), request.size());
    requests.emplace_back(&slice, 1);
  }
  if (requests.empty()) return std::nullopt;
  return requests;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Closed-loop load on one unary method");
  app.add_option("--target", options.target, "host:port")->required();
  app.add_option("--method", options.method, "/package.Service/Method")->required();
  app.add_option("--requests-file", options.requests_file, "varint length, request, …")->required();
  app.add_option("--in-flight", options.in_flight)->check(CLI::Range(1, 100000));
  app.add_option("--channels", options.channels)->check(CLI::Range(1, 1000));
  app.add_option("--seconds", options.seconds, "Time measured, after the warm-up");
  app.add_option("--warmup", options.warmup, "Seconds before measuring");
  app.add_option("--deadline", options.deadline_seconds, "Seconds, per call");
  app.add_option("--count", options.count, "Calls to send");
  app.add_flag("--once", options.once, "Each request once");
  app.add_option("--responses-file", options.responses_file, "Where OK answers are kept");
  app.add_option("--metadata", options.metadata, "key=value");
  CLI11_PARSE(app, argc, argv);
  if (options.seconds <= 0 && options.count <= 0 && !options.once) {
    std::fprintf(stderr, "give --seconds, --count or --once\n");
    return 2;
  }
  auto requests = ReadRequests(options.requests_file);
  if (!requests) {
    std::fprintf(stderr, "%s: not a file of requests\n", options.requests_file.c_str());
    return 2;
  }
  Load load(options, std::move(*requests));
  if (!load.Connect()) {
    std::fprintf(stderr, "cannot connect to %s\n", options.target.c_str());
    return 1;
  }
  load.Run();
  std::printf("%s\n", load.Report().c_str());
  return 0;
}
