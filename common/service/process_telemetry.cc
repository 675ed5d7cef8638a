#include "common/service/process_telemetry.h"

#include <cstdio>

namespace crm {

struct ProcessTelemetry::State {
  Mutex mutex;
  CondVar wake;
  bool stop = false;
};

ProcessTelemetry::ProcessTelemetry(const ServerConfig&, const Clock&, Probes)
    : state_(std::make_unique<State>()) {}
ProcessTelemetry::~ProcessTelemetry() = default;
absl::Status ProcessTelemetry::Start() {
  return absl::OkStatus();
}
void ProcessTelemetry::Stop() {}
std::string ProcessTelemetry::admin_address() const {
  return "";
}
RpcObserver* ProcessTelemetry::rpc_observer() {
  return nullptr;
}
void ProcessTelemetry::Note(const std::string& text) {
  std::fprintf(stderr, "%s\n", text.c_str());
}
void ProcessTelemetry::Rebuilding(const std::string&, const RebuildProgress&) {}
void ProcessTelemetry::Watch(std::vector<ServiceHost*>) {}
void ProcessTelemetry::WaitForStop(TimeNs longest) {
  MutexLock lock(state_->mutex);
  state_->wake.WaitFor(lock, longest, [this] { return state_->stop; });
}
void ProcessTelemetry::StopWaiting() {
  MutexLock lock(state_->mutex);
  state_->stop = true;
  state_->wake.NotifyAll();
}

}  // namespace crm
