#include "tools/crmctl/command_tree.h"

#include "common/base/status.h"
#include "common/base/version.h"
#include "tools/crmctl/served_services.h"
#include "tools/crmctl/server_inspection.h"

namespace crm::crmctl {

CommandTree::CommandTree(Console& console, Random& random, const char* footer)
    : console_(console), random_(random) {
  app_.require_subcommand(1);
  // Options of the program may stand behind the command too.
  app_.fallthrough();
  app_.footer(footer);
  app_.set_version_flag("--version", kVersion);
  app_.add_option("--target", target_,
                  "Server, HOST:PORT; or SERVICE=HOST:PORT for each replica of each service, "
                  "separated by commas")
      ->envname("CRMCTL_TARGET")
      ->capture_default_str();
  app_.add_option(
      "--data-dir", data_directory_,
      "Data directory of a stopped server: work on its files instead (log cat, verify, "
      "export, import, copy and adopt-restored, projection, dead-letters, refusals, status)");
  app_.add_option("--tenant", tenant_, "Tenant; the server's default is 'default'");
  app_.add_option("--actor", actor_,
                  "Who acts, for the record: PRINCIPAL or KIND:PRINCIPAL with kind employee, "
                  "customer, partner or service");
  app_.add_option("--timeout", timeout_seconds_, "Seconds to wait for an answer")
      ->check(CLI::Range(0.001, 86400.0))
      ->capture_default_str();
  app_.add_flag("--eventual", eventual_,
                "Read what the server holds, without asking the log for its end: works while the "
                "log cannot be reached, and may be a moment old");
  app_.add_flag("--json", json_, "Answers as JSON, one object a line");
}

absl::Status CommandTree::Run() {
  console_.json = json_;
  return run_();
}

CLI::App* CommandTree::AddGroup(CLI::App* parent, const char* name, const char* what) {
  CLI::App* group = parent->add_subcommand(name, what);
  // What belongs to the commands above is not repeated below.
  group->footer("");
  group->require_subcommand(1);
  return group;
}

CLI::App* CommandTree::Add(CLI::App* parent, const char* name, const char* what,
                           std::function<absl::Status()> run) {
  CLI::App* command = parent->add_subcommand(name, what);
  command->footer("");
  command->callback([this, run = std::move(run)] { run_ = run; });
  return command;
}

CLI::App* CommandTree::AddCall(CLI::App* parent, const char* name, const char* what, Call call) {
  return Add(parent, name, what, [this, call = std::move(call)] {
    return WithServer([&](RpcClient& client) { return call(client, console_); });
  });
}

void CommandTree::AddContactChoice(CLI::App* command, ContactChoice* choice) {
  auto* which = command->add_option_group("which", "One of");
  which->add_option("NAME", choice->name, "contacts/{id}");
  which->add_option("--key", choice->key, "External key, SOURCE/KEY");
  which->require_option(1);
}

void CommandTree::AddImportOptions(CLI::App* command, ImportOptions* to) {
  command->add_option("FILE", to->file, "CSV file with a header line; - is standard input")
      ->required();
  command->add_option("--in-flight", to->in_flight, "Rows sent and not answered yet")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  command->add_option("--show-faults", to->show_faults, "Faults printed one by one; 0 = all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("--refused", to->refused,
                      "Where refused rows go; default FILE.refused.csv (vCard: .vcf)");
  command->add_option("--state", to->state,
                      "Where it is kept how far the import is, so that it goes on after a break; "
                      "default beside FILE");
  command
      ->add_option("--import-id,--request-prefix", to->import_id,
                   "Row N has request id ID-N; default that of an import of FILE that broke off, "
                   "else random")
      ->check([](const std::string& id) {
        return id.size() > 100 ? std::string("must have at most 100 bytes") : std::string();
      });
}

RpcTarget CommandTree::Target() const {
  RpcTarget target;
  target.address = target_;
  target.tenant = tenant_;
  target.actor = actor_;
  target.eventual = eventual_;
  target.timeout = static_cast<TimeNs>(timeout_seconds_ * kSecond);
  return target;
}

absl::Status CommandTree::WithServer(const std::function<absl::Status(RpcClient&)>& call) {
  if (!data_directory_.empty()) {
    return Error(absl::StatusCode::kInvalidArgument, "SERVER_NEEDED",
                 "this command works through a server; leave out --data-dir");
  }
  CRM_RETURN_IF_ERROR(ParseTargets(target_).status());
  RpcClient client(Target());
  return call(client);
}

absl::Status CommandTree::WithFiles(const std::function<absl::Status(FileInspection&)>& call) {
  if (data_directory_.empty()) {
    return Error(absl::StatusCode::kInvalidArgument, "DATA_DIRECTORY_NEEDED",
                 "this command works on the files of a stopped server; give --data-dir");
  }
  CRM_ASSIGN_OR_RETURN(const auto files, FileInspection::Open(data_directory_, ServedServices()));
  return call(*files);
}

absl::Status CommandTree::Inspecting(const Inspect& call) {
  if (!data_directory_.empty()) return WithFiles(call);
  return WithServer([&](RpcClient& client) {
    ServerInspection server(client);
    return call(server);
  });
}

}  // namespace crm::crmctl
