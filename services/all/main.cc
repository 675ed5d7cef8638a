// crm-all: every service over one embedded log, in one process.

#include <csignal>
#include <cstdio>
#include <vector>

#include "common/base/status.h"
#include "common/base/version.h"
#include "common/config/server_options.h"
#include "common/service/process.h"
#include "services/analytics/api/analytics_service.h"
#include "services/campaign/api/campaign_service.h"
#include "services/contact/api/contact_service.h"
#include "services/interaction/api/interaction_service.h"

namespace {

// Blocked in every thread from the start, so that they are waited for here and nowhere else.
sigset_t BlockStopSignals() {
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return stop;
}

int Fail(const absl::Status& status, int exit_code) {
  const std::string reason = crm::ReasonOf(status);
  std::fprintf(stderr, "crm-all: %s%s%s\n", reason.c_str(), reason.empty() ? "" : ": ",
               std::string(status.message()).c_str());
  return exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  const sigset_t stop = BlockStopSignals();
  const auto config = crm::ParseServerOptions("crm-all", crm::kVersion,
                                              std::vector<std::string>(argv + 1, argv + argc),
                                              crm::ProcessSurroundings());
  if (!config.ok()) return Fail(config.status(), 2);
  if (!config->output.empty()) {
    std::printf("%s", config->output.c_str());
    return 0;
  }
  const crm::ServerOptions& options = config->options;
  const auto contact =
      crm::contact::CheckContactOptions({options.default_region, options.default_language});
  if (!contact.ok()) return Fail(contact.status(), 2);

  crm::SystemClock clock;
  crm::SystemRandom random;
  std::vector<crm::ServiceDefinition> services;
  services.push_back(crm::contact::MakeContactService(*contact));
  services.push_back(crm::interaction::MakeInteractionService({clock}));
  services.push_back(crm::campaign::MakeCampaignService({options.outbox_dir}, clock));
  services.push_back(crm::analytics::MakeAnalyticsService());

  crm::Process process(*config, std::move(services), clock, random);
  if (const absl::Status status = process.Start(); !status.ok()) return Fail(status, 1);
  int signal = 0;
  sigwait(&stop, &signal);
  process.Stop();
  return 0;
}
