#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "common/base/status.h"
#include "crm/contact/v1/contact_service.pb.h"
#include "tools/crmctl/answers.h"
#include "tools/crmctl/command_groups.h"
#include "tools/crmctl/contact_commands.h"

namespace crm::crmctl {
namespace {

using contact::v1::ContactQuality;
using contact::v1::QualityIssue;
using contact::v1::QualityScorecard;

constexpr char kFooter[] = R"(
Examples:
  crmctl quality scorecard
  crmctl quality open --key shop/17 --kind invalid --field emails --note "bounces since May"
  crmctl quality resolve --key shop/17 --issue invalid-emails --note "asked on the phone"
  crmctl quality show --key shop/17)";

std::string Method(const char* name) {
  return std::string("/crm.contact.v1.ContactService/") + name;
}

struct QualityArguments {
  ContactChoice contact;
  std::string issue;
  std::string kind;
  std::string field;
  std::string note;
  std::string as_of;
};

// "invalid" -> INVALID; the option takes no other words.
QualityIssue::Kind KindOf(std::string word) {
  std::transform(word.begin(), word.end(), word.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  QualityIssue::Kind kind = QualityIssue::KIND_UNSPECIFIED;
  QualityIssue::Kind_Parse(word, &kind);
  return kind;
}

void PrintQuality(const Console& console, const ContactQuality& quality) {
  if (console.json) return console.PrintJson(quality);
  Table table({{"ISSUE"}, {"KIND"}, {"FIELD"}, {"OPENED"}, {"RESOLVED"}, {"NOTE"}});
  for (const QualityIssue& issue : quality.issues()) {
    table.Add({issue.issue(), EnumText(QualityIssue::Kind_Name(issue.kind())), issue.field(),
               TimeText(issue, "open_time"), TimeText(issue, "resolve_time"), issue.note()});
  }
  console.out << table.ToString();
}

absl::Status Open(RpcClient& client, Console& console, const QualityArguments& to) {
  contact::v1::OpenQualityIssueRequest request;
  CRM_RETURN_IF_ERROR(SetContact(to.contact, &request));
  request.set_issue(to.issue);
  request.set_kind(KindOf(to.kind));
  request.set_field(to.field);
  request.set_note(to.note);
  ContactQuality quality;
  CRM_RETURN_IF_ERROR(client.Call(Method("OpenQualityIssue"), request, &quality));
  PrintQuality(console, quality);
  return absl::OkStatus();
}

absl::Status Resolve(RpcClient& client, Console& console, const QualityArguments& to) {
  contact::v1::ResolveQualityIssueRequest request;
  CRM_RETURN_IF_ERROR(SetContact(to.contact, &request));
  request.set_issue(to.issue);
  request.set_note(to.note);
  ContactQuality quality;
  CRM_RETURN_IF_ERROR(client.Call(Method("ResolveQualityIssue"), request, &quality));
  PrintQuality(console, quality);
  return absl::OkStatus();
}

absl::Status Show(RpcClient& client, Console& console, const QualityArguments& to) {
  CRM_ASSIGN_OR_RETURN(const std::string name, NameOfContact(client, to.contact));
  contact::v1::GetQualityRequest request;
  request.set_name(name + "/quality");
  if (!to.as_of.empty()) *request.mutable_as_of() = ParseAsOf(to.as_of);
  ContactQuality quality;
  CRM_RETURN_IF_ERROR(client.Call(Method("GetQuality"), request, &quality));
  PrintQuality(console, quality);
  return absl::OkStatus();
}

std::string ShareText(int64_t part, int64_t whole) {
  return whole == 0 ? "-" : PercentText(static_cast<double>(part) / static_cast<double>(whole));
}

void PrintFields(const Console& console, const QualityScorecard& scorecard) {
  Table fields({{"FIELD"}, Right("FILLED"), Right("OF ALL"), Right("DOUBTED")});
  for (const auto& field : scorecard.fields()) {
    fields.Add({field.field(), WithThousands(field.filled()),
                ShareText(field.filled(), scorecard.contacts()), WithThousands(field.doubted())});
  }
  console.out << fields.ToString();
}

void PrintSums(const Console& console, const QualityScorecard& scorecard) {
  Table sums({{"CONTACTS"}, Right(""), Right("OF ALL")});
  const auto add = [&](const std::string& what, int64_t contacts) {
    sums.Add({what, WithThousands(contacts), ShareText(contacts, scorecard.contacts())});
  };
  add("all", scorecard.contacts());
  add("unreachable", scorecard.unreachable());
  for (const auto& month : scorecard.last_observed()) {
    add("last observed in " + month.month(), month.contacts());
  }
  console.out << '\n' << sums.ToString();
}

void PrintIssues(const Console& console, const QualityScorecard& scorecard) {
  if (scorecard.open_issues_size() == 0) return;
  Table issues({{"OPEN ISSUES"}, Right("")});
  for (const auto& open : scorecard.open_issues()) {
    issues.Add({EnumText(QualityIssue::Kind_Name(open.kind())), WithThousands(open.issues())});
  }
  console.out << '\n' << issues.ToString();
}

absl::Status Scorecard(RpcClient& client, Console& console) {
  QualityScorecard scorecard;
  CRM_RETURN_IF_ERROR(client.Call(Method("GetQualityScorecard"),
                                  contact::v1::GetQualityScorecardRequest(), &scorecard));
  if (console.json) {
    console.PrintJson(scorecard);
    return absl::OkStatus();
  }
  PrintFields(console, scorecard);
  PrintSums(console, scorecard);
  PrintIssues(console, scorecard);
  return absl::OkStatus();
}

}  // namespace

void AddQualityCommands(CommandTree& tree) {
  CLI::App* group = tree.AddGroup(&tree.app(), "quality", "How good the data of contacts is");
  group->footer(kFooter);
  auto* to = tree.Keep<QualityArguments>();
  const auto add = [&](const char* name, const char* what, auto run) {
    CLI::App* command = tree.AddCall(
        group, name, what,
        [to, run](RpcClient& client, Console& console) { return run(client, console, *to); });
    command->footer(kFooter);
    CommandTree::AddContactChoice(command, &to->contact);
    return command;
  };
  tree.AddCall(group, "scorecard", "Completeness, doubts and age of all contacts' data", Scorecard);
  CLI::App* open = add("open", "Note a doubt about the data of one contact", Open);
  open->add_option("--kind", to->kind, "What is wrong: missing, invalid, stale, contradicting")
      ->required()
      ->check(CLI::IsMember({"missing", "invalid", "stale", "contradicting"}));
  open->add_option("--field", to->field,
                   "Field of the contact, custom_fields.ID for a declared one");
  open->add_option("--issue", to->issue, "Its name; default KIND-FIELD");
  open->add_option("--note", to->note, "For whoever looks into it");
  CLI::App* resolve = add("resolve", "Note that a doubt was cleared up", Resolve);
  resolve->add_option("--issue", to->issue, "Its name")->required();
  resolve->add_option("--note", to->note, "Takes the place of the note");
  add("show", "The doubts about one contact, open ones first", Show)
      ->add_option("--as-of", to->as_of, "RFC 3339 time, or a position token");
}

}  // namespace crm::crmctl
