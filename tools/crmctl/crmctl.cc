#include "tools/crmctl/crmctl.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>

#include "common/base/status.h"
#include "common/base/version.h"
#include "tools/crmctl/contact_commands.h"
#include "tools/crmctl/exit_code.h"
#include "tools/crmctl/file_inspection.h"
#include "tools/crmctl/log_commands.h"
#include "tools/crmctl/projection_commands.h"
#include "tools/crmctl/served_services.h"
#include "tools/crmctl/server_inspection.h"
#include "tools/crmctl/table.h"

namespace crm::crmctl {
namespace {

constexpr char kFooter[] = R"(
Exit codes:
  0  done; the answer is yes
  1  the answer is no: not found, refused, or a verification found a difference
  2  the command line or an input file is wrong
  3  the server cannot be reached or cannot answer now; the same command may work later

Examples:
  crmctl status
  crmctl contact get --key complete-journey/1023
  crmctl --json contact list --all | jq -r .name
  crmctl --data-dir data/demo log verify)";

constexpr char kImportFooter[] = R"(
The file is CSV as of RFC 4180 in UTF-8; its first line names the columns. A contact is keyed by
(source, key): importing a file again changes nothing, a changed row updates its contact. Rows with
faults are named by line and column and left out; then the exit code is 2.

Examples:
  crmctl import contacts people.csv --source shop --key-column id \
      --map first=given_name --map last=family_name --map mail=emails
  crmctl import contacts households.csv --source complete-journey --key-column household_id \
      --tags-columns age,income,kids_count)";

constexpr char kGetFooter[] = R"(
Examples:
  crmctl contact get contacts/c4tn3o6q2b5xj7y4e2zk6m3wqla
  crmctl contact get --key shop/17 --as-of 2024-05-01T12:00:00Z)";

constexpr char kLogFooter[] = R"(
Examples:
  crmctl log cat --valid --limit 20
  crmctl log cat --partition 3 --from 1000 --json
  crmctl log tail --key default/contacts/c4tn3o6q2b5xj7y4e2zk6m3wqla)";

constexpr char kDumpFooter[] = R"(
Equal content has equal hashes. A business dump leaves out versions, positions, event ids and
recorded times: it compares histories that should mean the same.

Examples:
  crmctl projection dump --business --hashes
  crmctl projection dump --projection core > rows.txt)";

constexpr char kAdoptFooter[] = R"(
After a log was restored from an older copy, projections and callers may know events that the log
has lost; the server refuses to start on it. This sets the projections aside, to be built anew at
the next start, and begins a new epoch: position tokens and cursors from before are no longer valid.

Example:
  crmctl log adopt-restored --data-dir /var/lib/crm --yes)";

// Everything the command line may say.
struct Arguments {
  std::string target = "127.0.0.1:50051";
  std::string data_directory;
  std::string tenant;
  std::string actor;
  double timeout_seconds = 30;
  bool json = false;

  ImportArguments import;
  GetArguments get;
  ContactChoice history;
  ListArguments list;
  LogArguments log;
  std::string verify_topic;
  bool confirmed = false;
  ProjectionChoice projections;
  DumpArguments dump;
  std::string dead_letters_service;
  std::string refusals_service;
};

// The command line as a tree of commands; the one that was given leaves what to do in `run`.
class CommandLine {
 public:
  CommandLine(Console& console, Random& random) : console_(console), random_(random) { Build(); }

  CLI::App& app() { return app_; }
  absl::Status Run() {
    console_.json = arguments_.json;
    return run_();
  }

 private:
  using Inspect = std::function<absl::Status(Inspection&)>;

  void Build();
  void AddImport();
  static void AddImportOptions(CLI::App* command, ImportOptions* to);
  void AddContact();
  void AddLog();
  void AddProjection();
  void AddStatus();
  CLI::App* Add(CLI::App* parent, const char* name, const char* what,
                std::function<absl::Status()> run);
  void AddLogOptions(CLI::App* command);
  void AddProjectionOptions(CLI::App* command, ProjectionChoice* choice);
  static void AddContactChoice(CLI::App* command, ContactChoice* choice);

  RpcTarget Target() const;
  absl::Status WithServer(const std::function<absl::Status(RpcClient&)>& call);
  absl::Status WithFiles(const std::function<absl::Status(FileInspection&)>& call);
  // The files where --data-dir is given, else the server.
  absl::Status Inspecting(const Inspect& call);

  Console& console_;
  Random& random_;
  Arguments arguments_;
  CLI::App app_{"Looks after a CRM: imports, shows, follows and verifies.", "crmctl"};
  std::function<absl::Status()> run_;
};

RpcTarget CommandLine::Target() const {
  RpcTarget target;
  target.address = arguments_.target;
  target.tenant = arguments_.tenant;
  target.actor = arguments_.actor;
  target.timeout = static_cast<TimeNs>(arguments_.timeout_seconds * kSecond);
  return target;
}

absl::Status CommandLine::WithServer(const std::function<absl::Status(RpcClient&)>& call) {
  if (!arguments_.data_directory.empty()) {
    return Error(absl::StatusCode::kInvalidArgument, "SERVER_NEEDED",
                 "this command works through a server; leave out --data-dir");
  }
  RpcClient client(Target());
  return call(client);
}

absl::Status CommandLine::WithFiles(const std::function<absl::Status(FileInspection&)>& call) {
  if (arguments_.data_directory.empty()) {
    return Error(absl::StatusCode::kInvalidArgument, "DATA_DIRECTORY_NEEDED",
                 "this command works on the files of a stopped server; give --data-dir");
  }
  CRM_ASSIGN_OR_RETURN(const auto files,
                       FileInspection::Open(arguments_.data_directory, ServedServices()));
  return call(*files);
}

absl::Status CommandLine::Inspecting(const Inspect& call) {
  if (!arguments_.data_directory.empty()) return WithFiles(call);
  return WithServer([&](RpcClient& client) {
    ServerInspection server(client);
    return call(server);
  });
}

CLI::App* CommandLine::Add(CLI::App* parent, const char* name, const char* what,
                           std::function<absl::Status()> run) {
  CLI::App* command = parent->add_subcommand(name, what);
  // What belongs to the commands above is not repeated below.
  command->footer("");
  if (!run) {
    command->require_subcommand(1);
  } else {
    command->callback([this, run = std::move(run)] { run_ = run; });
  }
  return command;
}

void CommandLine::Build() {
  app_.require_subcommand(1);
  // Options of the program may stand behind the command too.
  app_.fallthrough();
  app_.footer(kFooter);
  app_.set_version_flag("--version", kVersion);
  app_.add_option("--target", arguments_.target, "Server, HOST:PORT")
      ->envname("CRMCTL_TARGET")
      ->capture_default_str();
  app_.add_option("--data-dir", arguments_.data_directory,
                  "Data directory of a stopped server: work on its files instead (log cat, verify "
                  "and adopt-restored, projection, dead-letters, status)");
  app_.add_option("--tenant", arguments_.tenant, "Tenant; the server's default is 'default'");
  app_.add_option("--actor", arguments_.actor,
                  "Who acts, for the record: PRINCIPAL or KIND:PRINCIPAL with kind employee, "
                  "customer, partner or service");
  app_.add_option("--timeout", arguments_.timeout_seconds, "Seconds to wait for an answer")
      ->check(CLI::Range(0.001, 86400.0))
      ->capture_default_str();
  app_.add_flag("--json", arguments_.json, "Answers as JSON, one object a line");
  AddImport();
  AddContact();
  AddLog();
  AddProjection();
  AddStatus();
}

void CommandLine::AddImportOptions(CLI::App* command, ImportOptions* to) {
  command->add_option("FILE", to->file, "CSV file with a header line; - is standard input")
      ->required();
  command->add_option("--in-flight", to->in_flight, "Rows sent and not answered yet")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  command->add_option("--show-faults", to->show_faults, "Faults printed one by one; 0 = all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
}

void CommandLine::AddImport() {
  CLI::App* import = Add(&app_, "import", "Take in customer data", nullptr);
  ImportArguments& to = arguments_.import;
  CLI::App* contacts = Add(import, "contacts", "Upsert a contact for each row of a CSV file", [&] {
    if (to.request_prefix.empty()) to.request_prefix = "import-" + random_.Uuid();
    return WithServer([&](RpcClient& client) { return ImportContacts(client, console_, to); });
  });
  contacts->footer(kImportFooter);
  AddImportOptions(contacts, &to.options);
  contacts->add_option("--source", to.columns.source, "The system the contacts come from")
      ->required()
      ->check([](const std::string& source) {
        return source.empty() ? std::string("must not be empty") : std::string();
      });
  contacts->add_option("--key-column", to.columns.key_column, "Column with the contact's key there")
      ->required();
  contacts
      ->add_option("--map", to.columns.map,
                   fmt::format("COLUMN=FIELD, may repeat; an empty cell empties the field. "
                               "Fields: {}",
                               fmt::join(ContactMapping::Fields(), ", ")))
      ->allow_extra_args(false);
  contacts
      ->add_option("--tags-columns", to.columns.tags_columns,
                   "Columns that become tags \"column:value\"; empty cells and NA make none")
      ->delimiter(',')
      ->allow_extra_args(false);
  contacts->add_option("--kind", to.columns.kind, "What the contacts are; default person")
      ->check(CLI::IsMember({"person", "organization"}));
  contacts
      ->add_option("--request-prefix", to.request_prefix,
                   "Row at line N has request id PREFIX-N; random where not given")
      ->check([](const std::string& prefix) {
        return prefix.size() > 100 ? std::string("must have at most 100 bytes") : std::string();
      });
}

void CommandLine::AddContactChoice(CLI::App* command, ContactChoice* choice) {
  auto* which = command->add_option_group("which", "One of");
  which->add_option("NAME", choice->name, "contacts/{id}");
  which->add_option("--key", choice->key, "External key, SOURCE/KEY");
  which->require_option(1);
}

void CommandLine::AddContact() {
  CLI::App* contact = Add(&app_, "contact", "Look at contacts", nullptr);
  CLI::App* get = Add(contact, "get", "One contact, now or as of a past moment", [this] {
    return WithServer(
        [this](RpcClient& client) { return GetContact(client, console_, arguments_.get); });
  });
  get->footer(kGetFooter);
  AddContactChoice(get, &arguments_.get.contact);
  get->add_option("--as-of", arguments_.get.as_of, "RFC 3339 time, or a position token");

  CLI::App* list = Add(contact, "list", "Contacts in order of name or display name", [this] {
    return WithServer(
        [this](RpcClient& client) { return ListContacts(client, console_, arguments_.list); });
  });
  list->add_option("--order-by", arguments_.list.order_by, "Default name")
      ->check(CLI::IsMember({"name", "display_name"}));
  list->add_option("--page-size", arguments_.list.page_size, "Contacts a page, up to 1000")
      ->check(CLI::NonNegativeNumber);
  list->add_option("--page-token", arguments_.list.page_token, "From the page before");
  list->add_flag("--all", arguments_.list.all, "Every page");
  list->add_flag("--show-deleted", arguments_.list.show_deleted, "Deleted ones too");

  CLI::App* history = Add(contact, "history", "Every change of one contact, oldest first", [this] {
    return WithServer(
        [this](RpcClient& client) { return ContactHistory(client, console_, arguments_.history); });
  });
  AddContactChoice(history, &arguments_.history);
}

void CommandLine::AddLogOptions(CLI::App* command) {
  LogArguments& to = arguments_.log;
  command->footer(kLogFooter);
  command->add_option("--topic", to.topic, "Topic; not needed where there is one");
  command->add_option("--partition", to.partitions, "Only these, may repeat")
      ->check(CLI::Range(0, kPartitions - 1))
      ->allow_extra_args(false);
  command
      ->add_option_function<int64_t>(
          "--from",
          [&to](const int64_t& from) {
            to.from = from;
            to.from_given = true;
          },
          "First offset of each partition")
      ->check(CLI::NonNegativeNumber);
  command->add_flag("--valid", to.valid_only, "Only events that every reader applies");
  command->add_option("--key", to.key, "Only records with this key, TENANT/SUBJECT");
  command->add_option("--limit", to.limit, "End after so many records; 0 = no limit")
      ->check(CLI::NonNegativeNumber);
}

void CommandLine::AddLog() {
  CLI::App* log = Add(&app_, "log", "Read and check the log", nullptr);
  AddLogOptions(Add(log, "cat", "Records as they lie in the log, without personal fields", [this] {
    return Inspecting([this](Inspection& i) { return LogCat(i, console_, arguments_.log); });
  }));
  AddLogOptions(Add(log, "tail", "Records as they come, until Ctrl-C", [this] {
    return WithServer([this](RpcClient& client) {
      ServerInspection server(client);
      return LogTail(server, console_, arguments_.log);
    });
  }));
  CLI::App* verify =
      Add(log, "verify", "Read every record: checksums, order, fences, decoding", [this] {
        return Inspecting(
            [this](Inspection& i) { return LogVerify(i, console_, arguments_.verify_topic); });
      });
  verify->add_option("--topic", arguments_.verify_topic, "Default: all");
  CLI::App* adopt =
      Add(log, "adopt-restored", "Declare that the log was restored from an older copy", [this] {
        return WithFiles([this](FileInspection& files) {
          return LogAdoptRestored(files, console_, arguments_.confirmed);
        });
      });
  adopt->footer(kAdoptFooter);
  adopt->add_flag("--yes", arguments_.confirmed, "Do it");
}

void CommandLine::AddProjectionOptions(CLI::App* command, ProjectionChoice* choice) {
  command->add_option("--service", choice->service, "Only of this service");
  command->add_option("--projection", choice->projection, "Only this one: core, or a view's name");
}

void CommandLine::AddProjection() {
  CLI::App* projection =
      Add(&app_, "projection", "Look after what is folded from the log", nullptr);
  Add(projection, "status", "How far each projection is", [this] {
    return Inspecting([this](Inspection& i) { return ProjectionStatus(i, console_); });
  });
  AddProjectionOptions(Add(projection, "rebuild", "Build anew from the log, then serve it",
                           [this] {
                             return Inspecting([this](Inspection& i) {
                               return ProjectionRebuild(i, console_, arguments_.projections);
                             });
                           }),
                       &arguments_.projections);
  AddProjectionOptions(Add(projection, "verify", "Fold the log anew and compare",
                           [this] {
                             return Inspecting([this](Inspection& i) {
                               return ProjectionVerify(i, console_, arguments_.projections);
                             });
                           }),
                       &arguments_.projections);
  CLI::App* dump =
      Add(projection, "dump", "Rows of one projection as text, and their hashes", [this] {
        return Inspecting(
            [this](Inspection& i) { return ProjectionDump(i, console_, arguments_.dump); });
      });
  dump->footer(kDumpFooter);
  AddProjectionOptions(dump, &arguments_.dump.choice);
  dump->add_flag("--business", arguments_.dump.business, "What the rows mean, not their bytes");
  dump->add_flag("--hashes", arguments_.dump.hashes_only, "Only the hashes");
}

void CommandLine::AddStatus() {
  Add(&app_, "status", "What runs, over which log",
      [this] { return Inspecting([this](Inspection& i) { return ShowStatus(i, console_); }); });
  CLI::App* letters = Add(&app_, "dead-letters", "Records that could not be folded", nullptr);
  CLI::App* list = Add(letters, "list", "List them; exit code 1 where there are some", [this] {
    return Inspecting([this](Inspection& i) {
      return ListDeadLetters(i, console_, arguments_.dead_letters_service);
    });
  });
  list->add_option("--service", arguments_.dead_letters_service, "Only of this service");
  CLI::App* refusals = Add(&app_, "refusals", "Commands of reactions that were refused", [this] {
    return Inspecting(
        [this](Inspection& i) { return ListRefusals(i, console_, arguments_.refusals_service); });
  });
  refusals->add_option("--service", arguments_.refusals_service, "Only of this service");
}

}  // namespace

int RunCrmctl(const std::vector<std::string>& arguments, Console& console, Random& random) {
  CommandLine line(console, random);
  try {
    // CLI11 takes them last first.
    line.app().parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ParseError& error) {
    if (error.get_name() == "RequiredError" && !line.app().remaining(true).empty()) {
      console.err << "crmctl: there is no command '" << Printable(line.app().remaining(true)[0])
                  << "'; --help names those there are\n";
      return static_cast<int>(ExitCode::kUsage);
    }
    const int code = line.app().exit(error, console.out, console.err);
    return static_cast<int>(code == 0 ? ExitCode::kOk : ExitCode::kUsage);
  }
  const absl::Status status = line.Run();
  console.out.flush();
  if (const std::string text = DescribeError(status); !text.empty()) {
    console.err << "crmctl: " << text << '\n';
  }
  return static_cast<int>(ExitCodeOf(status));
}

}  // namespace crm::crmctl
