#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/base/random.h"
#include "common/config/server_options.h"
#include "common/service/process.h"
#include "services/contact/api/contact_service.h"
#include "tools/crmctl/crmctl.h"

namespace crm::crmctl {

// What one command line printed and answered.
struct Ran {
  int exit_code = -1;
  std::string out;
  std::string err;
};

// All services over a data directory, on free ports, in this process; stopped by its destructor.
class RunningServer {
 public:
  // With `secret_file` empty the directory's own.
  explicit RunningServer(const std::string& data_directory, const std::string& secret_file = "") {
    std::vector<std::string> flags = {"--listen",        "127.0.0.1:0", "--admin-listen",
                                      "127.0.0.1:0",     "--data-dir",  data_directory,
                                      "--memory-budget", "128MiB"};
    if (!secret_file.empty()) flags.insert(flags.end(), {"--secret-file", secret_file});
    auto config = ParseServerOptions("crm-all", "test", flags, Surroundings{});
    EXPECT_TRUE(config.ok()) << config.status();
    std::vector<ServiceDefinition> services;
    services.push_back(contact::MakeContactService({}));
    // Others' topics come with their services.
    std::erase_if(services.front().reactions, [&](const auto& reaction) {
      return reaction->topic() != services.front().topic;
    });
    process_ = std::make_unique<Process>(*std::move(config), std::move(services), clock_, random_);
    const absl::Status started = process_->Start();
    EXPECT_TRUE(started.ok()) << started;
    address_ = "127.0.0.1:" + std::to_string(process_->api_port());
  }

  const std::string& address() const { return address_; }

 private:
  SystemClock clock_;
  SystemRandom random_;
  std::unique_ptr<Process> process_;
  std::string address_;
};

inline Ran Crmctl(const std::vector<std::string>& arguments) {
  const SystemClock clock;
  SystemRandom random;
  std::ostringstream out;
  std::ostringstream err;
  Console console{out, err, clock};
  Ran ran;
  ran.exit_code = RunCrmctl(arguments, console, random);
  ran.out = out.str();
  ran.err = err.str();
  return ran;
}

inline Ran Crmctl(const RunningServer& server, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"--target", server.address()});
  return Crmctl(arguments);
}

}  // namespace crm::crmctl
