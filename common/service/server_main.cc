#include "common/service/server_main.h"

#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <utility>

#include "common/base/random.h"
#include "common/base/status.h"
#include "common/base/version.h"
#include "common/service/process.h"

namespace crm {
namespace {

// Sent by this process to itself: the start has ended, or another took the instance's name.
constexpr int kNews = SIGUSR1;
constexpr std::chrono::seconds kAttemptPatience{1};

// Blocked in every thread from the start, so that they are waited for here and nowhere else.
sigset_t BlockSignals() {
  sigset_t waited;
  sigemptyset(&waited);
  for (const int signal : {SIGINT, SIGTERM, kNews}) sigaddset(&waited, signal);
  pthread_sigmask(SIG_BLOCK, &waited, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return waited;
}

int Fail(const std::string& program, const absl::Status& status, int exit_code) {
  const std::string reason = ReasonOf(status);
  std::fprintf(stderr, "%s: %s%s%s\n", program.c_str(), reason.c_str(), reason.empty() ? "" : ": ",
               std::string(status.message()).c_str());
  return exit_code;
}

// One process from start to end, told what to do by signals.
class Running {
 public:
  Running(const ServerProgram& program, Process& process) : program_(program), process_(process) {}

  int Run(const sigset_t& waited) {
    process_.OnReplaced([this] {
      replaced_ = true;
      kill(getpid(), kNews);
    });
    started_ = std::async(std::launch::async, [this] {
      absl::Status status = process_.Start();
      start_ended_ = true;
      kill(getpid(), kNews);
      return status;
    });
    for (;;) {
      int signal = 0;
      sigwait(&waited, &signal);
      if (replaced_) return Leave();
      if (signal != kNews) return Stop();
      if (!start_ended_ || !started_.valid()) continue;
      if (const absl::Status status = started_.get(); !status.ok()) {
        return Fail(program_.name, status, kExitFailed);
      }
    }
  }

 private:
  int Stop() {
    process_.Interrupt();
    // An attempt to reach brokers may take longer than whoever stops us waits; nothing is open yet.
    if (started_.valid() && process_.waiting_for_log() &&
        started_.wait_for(kAttemptPatience) == std::future_status::timeout &&
        process_.waiting_for_log()) {
      std::_Exit(kExitClean);
    }
    if (started_.valid()) started_.wait();
    process_.Stop();
    return kExitClean;
  }

  int Leave() {
    Stop();
    return Fail(program_.name,
                Error(absl::StatusCode::kFailedPrecondition, "INSTANCE_NAME_TAKEN",
                      "another process runs under this one's instance name; give each its own "
                      "with --instance"),
                kExitReplaced);
  }

  const ServerProgram& program_;
  Process& process_;
  std::future<absl::Status> started_;
  std::atomic<bool> start_ended_{false};
  std::atomic<bool> replaced_{false};
};

}  // namespace

int RunServer(int argc, char** argv, const ServerProgram& program) {
  const sigset_t waited = BlockSignals();
  const auto config =
      ParseServerOptions(program.name, kVersion, std::vector<std::string>(argv + 1, argv + argc),
                         ProcessSurroundings(), program.purpose);
  if (!config.ok()) return Fail(program.name, config.status(), kExitConfiguration);
  if (!config->output.empty()) {
    std::fputs(config->output.c_str(), stdout);
    return kExitClean;
  }
  SystemClock clock;
  SystemRandom random;
  auto services = program.make_services(config->options, clock);
  if (!services.ok()) return Fail(program.name, services.status(), kExitConfiguration);
  Process process(*config, *std::move(services), clock, random);
  return Running(program, process).Run(waited);
}

}  // namespace crm
