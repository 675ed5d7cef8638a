#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/base/random.h"
#include "tools/crmctl/console.h"
#include "tools/crmctl/contact_choice.h"
#include "tools/crmctl/file_import.h"
#include "tools/crmctl/file_inspection.h"
#include "tools/crmctl/rpc_client.h"

namespace crm::crmctl {

// The command line as a tree of commands; the one that was given leaves what to do. Not
// thread-safe.
class CommandTree {
 public:
  using Call = std::function<absl::Status(RpcClient&, Console&)>;
  using Inspect = std::function<absl::Status(Inspection&)>;

  CommandTree(Console& console, Random& random, const char* footer);

  CLI::App& app() { return app_; }
  Console& console() { return console_; }
  Random& random() { return random_; }
  // --data-dir; empty where it was not given.
  const std::string& data_directory() const { return data_directory_; }
  // Runs the command that was given.
  absl::Status Run();

  // A command that only holds others.
  CLI::App* AddGroup(CLI::App* parent, const char* name, const char* what);
  CLI::App* Add(CLI::App* parent, const char* name, const char* what,
                std::function<absl::Status()> run);
  // One that works through a server.
  CLI::App* AddCall(CLI::App* parent, const char* name, const char* what, Call call);

  // What a command's options write to; lives as long as the tree.
  template <typename T>
  T* Keep(T value = {}) {
    auto kept = std::make_shared<T>(std::move(value));
    kept_.push_back(kept);
    return kept.get();
  }

  // --- what several commands take
  static void AddContactChoice(CLI::App* command, ContactChoice* choice);
  static void AddImportOptions(CLI::App* command, ImportOptions* options);

  absl::Status WithServer(const std::function<absl::Status(RpcClient&)>& call);
  absl::Status WithFiles(const std::function<absl::Status(FileInspection&)>& call);
  // The files where --data-dir is given, else the server.
  absl::Status Inspecting(const Inspect& call);

 private:
  RpcTarget Target() const;

  Console& console_;
  Random& random_;
  CLI::App app_{"Looks after a CRM: imports, shows, follows and verifies.", "crmctl"};
  std::function<absl::Status()> run_;
  std::vector<std::shared_ptr<void>> kept_;

  std::string target_ = "127.0.0.1:50051";
  std::string data_directory_;
  std::string tenant_;
  std::string actor_;
  double timeout_seconds_ = 30;
  bool json_ = false;
  bool eventual_ = false;
};

}  // namespace crm::crmctl
