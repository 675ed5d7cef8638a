#include "common/rpc/rpc_metrics.h"

#include <array>
#include <atomic>

#include "absl/container/flat_hash_map.h"

namespace crm {
namespace {

constexpr int kCodes = 17;

const char* TypeOf(const google::protobuf::MethodDescriptor& method) {
  if (method.client_streaming()) return method.server_streaming() ? "bidi_stream" : "client_stream";
  return method.server_streaming() ? "server_stream" : "unary";
}

// Names of codes as gRPC's metrics in Go spell them.
constexpr std::array<const char*, kCodes> kCodeNames{
    "OK",       "Canceled",       "Unknown",          "InvalidArgument",   "DeadlineExceeded",
    "NotFound", "AlreadyExists",  "PermissionDenied", "ResourceExhausted", "FailedPrecondition",
    "Aborted",  "OutOfRange",     "Unimplemented",    "Internal",          "Unavailable",
    "DataLoss", "Unauthenticated"};

struct MethodSeries {
  Counter* started = nullptr;
  std::array<Counter*, kCodes> handled{};
  Histogram* seconds = nullptr;
};

// Names are told apart by text, but a server passes the same strings in every call, so most
// comparisons end with the address.
struct MethodKey {
  std::string_view service;
  std::string_view method;
  bool operator==(const MethodKey&) const = default;
  template <typename H>
  friend H AbslHashValue(H h, const MethodKey& key) {
    return H::combine(std::move(h), key.service.size(), key.method.size(), key.method.front(),
                      key.method.back(), key.service.back());
  }
};

}  // namespace

struct RpcMetrics::State {
  absl::flat_hash_map<MethodKey, MethodSeries> methods;
  Counter* shed_calls = nullptr;
  Counter* shed_streams = nullptr;
  Counter* shed_items = nullptr;
  Counter* shed_stopping = nullptr;

  const MethodSeries* Find(std::string_view service, std::string_view method) const {
    if (service.empty() || method.empty()) return nullptr;
    const auto found = methods.find(MethodKey{service, method});
    return found == methods.end() ? nullptr : &found->second;
  }
};

namespace {

MethodSeries SeriesOf(Metrics& metrics, const google::protobuf::MethodDescriptor& method) {
  MetricLabels labels{{"grpc_type", TypeOf(method)},
                      {"grpc_service", method.service()->full_name()},
                      {"grpc_method", method.name()}};
  MethodSeries series;
  series.started = &metrics.CounterOf(metric::kGrpcStarted, labels);
  series.seconds = &metrics.HistogramOf(metric::kGrpcSeconds, labels);
  for (int code = 0; code < kCodes; ++code) {
    labels["grpc_code"] = kCodeNames[code];
    series.handled[code] = &metrics.CounterOf(metric::kGrpcHandled, labels);
  }
  return series;
}

}  // namespace

RpcMetrics::RpcMetrics(Metrics& metrics,
                       const std::vector<const google::protobuf::ServiceDescriptor*>& services)
    : state_(std::make_unique<State>()) {
  for (const auto* service : services) {
    for (int i = 0; i < service->method_count(); ++i) {
      const auto& method = *service->method(i);
      state_->methods[{service->full_name(), method.name()}] = SeriesOf(metrics, method);
    }
  }
  const auto shed = [&](const char* reason) {
    return &metrics.CounterOf(metric::kShed, {{"reason", reason}});
  };
  state_->shed_calls = shed("calls");
  state_->shed_streams = shed("streams");
  state_->shed_items = shed("items");
  state_->shed_stopping = shed("stopping");
}

RpcMetrics::~RpcMetrics() = default;

void RpcMetrics::Started(std::string_view service, std::string_view method) {
  if (const auto* series = state_->Find(service, method)) series->started->Add();
}

void RpcMetrics::Handled(std::string_view service, std::string_view method, absl::StatusCode code,
                         TimeNs duration) {
  const auto* series = state_->Find(service, method);
  if (series == nullptr) return;
  const int index = static_cast<int>(code);
  series->handled[index >= 0 && index < kCodes ? index : 2]->Add();
  series->seconds->Observe(duration);
}

void RpcMetrics::Shed(std::string_view reason) {
  if (reason == "calls") return state_->shed_calls->Add();
  if (reason == "streams") return state_->shed_streams->Add();
  if (reason == "items") return state_->shed_items->Add();
  state_->shed_stopping->Add();
}

}  // namespace crm
