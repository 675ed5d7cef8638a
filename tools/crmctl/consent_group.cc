#include <fmt/format.h>

#include "crm/contact/v1/contact_service.pb.h"
#include "tools/crmctl/answers.h"
#include "tools/crmctl/command_groups.h"
#include "tools/crmctl/contact_commands.h"

namespace crm::crmctl {
namespace {

using namespace contact::v1;  // NOLINT: this file is about nothing else

std::string Method(const char* name) {
  return std::string("/crm.contact.v1.ContactService/") + name;
}

// What consent commands take.
struct ConsentArguments {
  ContactChoice contact;
  std::string purpose = "marketing";
  std::string channel;
  std::string recipient;
  std::string wording_version;
  std::string evidence;
  std::string as_of;
};

template <typename Request>
absl::StatusOr<Request> RequestOf(const ConsentArguments& to) {
  Request request;
  CRM_RETURN_IF_ERROR(SetContact(to.contact, &request));
  request.set_purpose(to.purpose);
  request.set_channel(to.channel);
  request.set_recipient(to.recipient);
  return request;
}

void PrintLedger(Console& console, const ConsentLedger& ledger) {
  if (console.json) return console.PrintJson(ledger);
  PrintList(
      console,
      {{"PURPOSE"}, {"CHANNEL"}, {"RECIPIENT"}, {"STATE"}, {"WORDING"}, {"SINCE"}, {"EXPIRES"}},
      ledger.consents(), [](const Consent& consent) -> std::vector<std::string> {
        return {consent.purpose(),
                consent.channel(),
                consent.recipient(),
                EnumText(Consent::State_Name(consent.state())),
                consent.wording_version(),
                TimeText(consent, "decided_time"),
                TimeText(consent, "expire_time")};
      });
}

absl::Status Grant(RpcClient& client, Console& console, const ConsentArguments& to) {
  CRM_ASSIGN_OR_RETURN(auto request, RequestOf<GrantConsentRequest>(to));
  request.set_wording_version(to.wording_version);
  request.set_evidence(to.evidence);
  ConsentLedger ledger;
  CRM_RETURN_IF_ERROR(client.Call(Method("GrantConsent"), request, &ledger));
  PrintLedger(console, ledger);
  return absl::OkStatus();
}

absl::Status Withdraw(RpcClient& client, Console& console, const ConsentArguments& to) {
  CRM_ASSIGN_OR_RETURN(auto request, RequestOf<WithdrawConsentRequest>(to));
  request.set_evidence(to.evidence);
  ConsentLedger ledger;
  CRM_RETURN_IF_ERROR(client.Call(Method("WithdrawConsent"), request, &ledger));
  PrintLedger(console, ledger);
  return absl::OkStatus();
}

absl::Status Check(RpcClient& client, Console& console, const ConsentArguments& to) {
  CRM_ASSIGN_OR_RETURN(auto request, RequestOf<CheckConsentRequest>(to));
  if (!to.as_of.empty()) *request.mutable_as_of() = ParseAsOf(to.as_of);
  CheckConsentResponse response;
  CRM_RETURN_IF_ERROR(client.Call(Method("CheckConsent"), request, &response));
  if (console.json) {
    console.PrintJson(response);
  } else {
    console.out << EnumText(CheckConsentResponse::State_Name(response.state()));
    if (response.basis().version() > 0) {
      console.out << fmt::format(", by version {} of {}", response.basis().version(),
                                 response.basis().ledger());
    }
    console.out << '\n';
  }
  if (response.state() == CheckConsentResponse::GRANTED) return absl::OkStatus();
  return Error(absl::StatusCode::kFailedPrecondition, "NOT_CONSENTED",
               "the contact does not consent to this use");
}

absl::Status List(RpcClient& client, Console& console, const ConsentArguments& to) {
  CRM_ASSIGN_OR_RETURN(const std::string name, NameOfContact(client, to.contact));
  GetConsentsRequest request;
  request.set_name(name + "/consents");
  if (!to.as_of.empty()) *request.mutable_as_of() = ParseAsOf(to.as_of);
  ConsentLedger ledger;
  CRM_RETURN_IF_ERROR(client.Call(Method("GetConsents"), request, &ledger));
  PrintLedger(console, ledger);
  return absl::OkStatus();
}

absl::Status Stages(RpcClient& client, Console& console) {
  CountByStageResponse response;
  CRM_RETURN_IF_ERROR(client.Call(Method("CountByStage"), CountByStageRequest(), &response));
  if (console.json) {
    console.PrintJson(response);
    return absl::OkStatus();
  }
  Table table({{"STAGE"}, Right("CONTACTS")});
  for (const auto& stage : response.counts()) {
    table.Add({EnumText(LifecycleStage_Name(stage.stage())), WithThousands(stage.contacts())});
  }
  console.out << table.ToString();
  return absl::OkStatus();
}

}  // namespace

void AddConsentCommands(CommandTree& tree) {
  CLI::App* consent = tree.AddGroup(&tree.app(), "consent", "What a contact agreed to");
  auto* to = tree.Keep<ConsentArguments>();
  const auto add = [&](const char* name, const char* what, auto run) {
    CLI::App* command = tree.AddCall(
        consent, name, what,
        [to, run](RpcClient& client, Console& console) { return run(client, console, *to); });
    CommandTree::AddContactChoice(command, &to->contact);
    return command;
  };
  const auto about = [&](CLI::App* command) {
    command->add_option("--purpose", to->purpose, "What for")->capture_default_str();
    command->add_option("--recipient", to->recipient, "Whom data go to; empty = the tenant");
    return command->add_option("--channel", to->channel, "email, sms, phone, post …");
  };
  CLI::App* grant = add("grant", "Record that the contact agreed", Grant);
  about(grant)->required();
  grant->add_option("--wording", to->wording_version, "Version of the text agreed to");
  grant->add_option("--evidence", to->evidence, "What proves it");
  CLI::App* withdraw =
      add("withdraw", "Record that the contact withdrew; all channels unless one", Withdraw);
  about(withdraw);
  withdraw->add_option("--evidence", to->evidence, "What proves it");
  CLI::App* check = add("check", "Whether a use is agreed to; exit code 1 where not", Check);
  about(check)->required();
  check->add_option("--as-of", to->as_of, "RFC 3339 time, or a position token");
  add("list", "All consents of one contact", List)
      ->add_option("--as-of", to->as_of, "RFC 3339 time, or a position token");
  tree.AddCall(&tree.app(), "stages", "How many contacts are in each stage of the life cycle",
               Stages);
}

}  // namespace crm::crmctl
