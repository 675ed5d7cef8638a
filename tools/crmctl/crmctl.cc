#include "tools/crmctl/crmctl.h"

#include "common/base/status.h"
#include "tools/crmctl/command_groups.h"
#include "tools/crmctl/exit_code.h"
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

void AddCommands(CommandTree& tree) {
  CLI::App* import = tree.AddGroup(&tree.app(), "import", "Take in data of other systems");
  AddContactImport(tree, import);
  AddFactImports(tree, import);
  AddContactCommands(tree);
  AddConsentCommands(tree);
  AddInteractionCommands(tree);
  AddCampaignCommands(tree);
  AddAnalyticsCommands(tree);
  AddLogCommands(tree);
  AddOperationCommands(tree);
  AddProjectionCommands(tree);
  AddQualityCommands(tree);
  AddStatusCommands(tree);
  AddTenantCommands(tree);
  AddTopicsCommands(tree);
}

}  // namespace

int RunCrmctl(const std::vector<std::string>& arguments, Console& console, Random& random) {
  CommandTree tree(console, random, kFooter);
  AddCommands(tree);
  try {
    // CLI11 takes them last first.
    tree.app().parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ParseError& error) {
    if (error.get_name() == "RequiredError" && !tree.app().remaining(true).empty()) {
      console.err << "crmctl: there is no command '" << Printable(tree.app().remaining(true)[0])
                  << "'; --help names those there are\n";
      return static_cast<int>(ExitCode::kUsage);
    }
    const int code = tree.app().exit(error, console.out, console.err);
    return static_cast<int>(code == 0 ? ExitCode::kOk : ExitCode::kUsage);
  }
  const absl::Status status = tree.Run();
  console.out.flush();
  if (const std::string text = DescribeError(status); !text.empty()) {
    console.err << "crmctl: " << text << '\n';
  }
  return static_cast<int>(ExitCodeOf(status));
}

}  // namespace crm::crmctl
