#include <fmt/format.h>

#include "crm/analytics/v1/analytics_service.pb.h"
#include "tools/crmctl/answers.h"
#include "tools/crmctl/cell_values.h"
#include "tools/crmctl/command_groups.h"
#include "tools/crmctl/report_command.h"

namespace crm::crmctl {
namespace {

using namespace analytics::v1;  // NOLINT: this file is about nothing else

constexpr TimeNs kPollEvery = 50 * kMillisecond;

std::string Method(const char* name) {
  return std::string("/crm.analytics.v1.AnalyticsService/") + name;
}

// --- score runs

struct RunArguments {
  std::string model = "rfm";
  std::string date;
  std::string currency;
  double horizon_weeks = 0;
  double discount_rate = 0;
  std::string request_id;
};

void PrintRun(Console& console, const ScoreRun& run) {
  if (console.json) return console.PrintJson(run);
  Table table({{"FIELD"}, {"VALUE"}});
  table.Add({"run", run.name()});
  table.Add({"model", ScoreRun::Model_Name(run.model())});
  table.Add({"state", EnumText(ScoreRun::State_Name(run.state()))});
  if (!run.failure().empty()) table.Add({"failure", run.failure()});
  table.Add({"customers", WithThousands(run.customers())});
  table.Add({"scores changed", WithThousands(run.changed())});
  if (run.has_rfm_cuts()) {
    const RfmCuts& cuts = run.rfm_cuts();
    table.Add({"recency cuts", fmt::format("{:g}", fmt::join(cuts.recency_days(), " "))});
    table.Add({"frequency cuts", fmt::format("{:g}", fmt::join(cuts.orders(), " "))});
    table.Add({"monetary cuts", fmt::format("{:g}", fmt::join(cuts.amount_minor(), " "))});
  }
  if (run.has_value_parameters()) {
    const ValueParameters& fit = run.value_parameters();
    table.Add({"BG/NBD r, alpha, a, b",
               fmt::format("{:.5g} {:.5g} {:.5g} {:.5g}", fit.r(), fit.alpha(), fit.a(), fit.b())});
    table.Add({"log likelihood", fmt::format("{:.3f}", fit.log_likelihood())});
    table.Add({"Gamma-Gamma p, q, gamma",
               fmt::format("{:.5g} {:.5g} {:.5g}", fit.p(), fit.q(), fit.gamma())});
  }
  console.out << table.ToString();
}

// Starts the run and waits for its end.
absl::Status Run(RpcClient& client, Console& console, const RunArguments& to) {
  StartScoreRunRequest start;
  start.set_request_id(to.request_id);
  ScoreRun* asked = start.mutable_run();
  asked->set_model(to.model == "rfm" ? ScoreRun::RFM : ScoreRun::VALUE);
  const auto date = ParseTime(to.date);
  if (!date) {
    return Error(absl::StatusCode::kInvalidArgument, "ARGUMENT_MALFORMED",
                 "--date takes YYYY-MM-DD or an RFC 3339 time");
  }
  *asked->mutable_analysis_time() = *date;
  asked->set_currency_code(to.currency);
  asked->set_horizon_weeks(to.horizon_weeks);
  asked->set_discount_rate(to.discount_rate);
  ScoreRun run;
  CRM_RETURN_IF_ERROR(client.Call(Method("StartScoreRun"), start, &run));
  GetScoreRunRequest get;
  get.set_name(run.name());
  while (run.state() == ScoreRun::RUNNING) {
    Pause(kPollEvery);
    CRM_RETURN_IF_ERROR(client.Call(Method("GetScoreRun"), get, &run));
  }
  PrintRun(console, run);
  if (run.state() == ScoreRun::DONE) return absl::OkStatus();
  return Error(absl::StatusCode::kFailedPrecondition, run.failure(),
               "the model has no answer for these customers");
}

absl::Status Runs(RpcClient& client, Console& console) {
  ListScoreRunsResponse response;
  CRM_RETURN_IF_ERROR(client.Call(Method("ListScoreRuns"), ListScoreRunsRequest(), &response));
  PrintList(console, {{"RUN"}, {"MODEL"}, {"STATE"}, {"ANALYSIS"}, Right("CUSTOMERS")},
            response.runs(), [](const ScoreRun& run) -> std::vector<std::string> {
              return {run.name(), ScoreRun::Model_Name(run.model()),
                      EnumText(ScoreRun::State_Name(run.state())), TimeText(run, "analysis_time"),
                      WithThousands(run.customers())};
            });
  return absl::OkStatus();
}

struct TopArguments {
  std::string order_by;
  int page_size = 10;
};

absl::Status Top(RpcClient& client, Console& console, const TopArguments& to) {
  ListContactScoresRequest request;
  request.set_order_by(to.order_by);
  request.set_page_size(to.page_size);
  ListContactScoresResponse response;
  CRM_RETURN_IF_ERROR(client.Call(Method("ListContactScores"), request, &response));
  PrintList(console,
            {{"SCORES"}, Right("RFM"), Right("P(ALIVE)"), Right("PURCHASES"), Right("VALUE")},
            response.scores(), [](const ContactScores& scores) -> std::vector<std::string> {
              return {scores.name(), fmt::format("{}", scores.rfm().score()),
                      fmt::format("{:.4f}", scores.value().alive_probability()),
                      fmt::format("{:.2f}", scores.value().expected_purchases()),
                      fmt::format("{:.2f}", scores.value().lifetime_value_minor() / 100)};
            });
  return absl::OkStatus();
}

void AddScoreCommands(CommandTree& tree) {
  CLI::App* group = tree.AddGroup(&tree.app(), "score", "What customers are worth");
  auto* to = tree.Keep<RunArguments>();
  CLI::App* run =
      tree.AddCall(group, "run", "Score all customers, and wait for the end",
                   [to](RpcClient& client, Console& console) { return Run(client, console, *to); });
  run->add_option("--model", to->model, "rfm, or value (BG/NBD and Gamma-Gamma)")
      ->check(CLI::IsMember({"rfm", "value"}))
      ->capture_default_str();
  run->add_option("--date", to->date, "Orders after this day do not count")->required();
  run->add_option("--currency", to->currency, "Orders in others do not count")->required();
  run->add_option("--horizon-weeks", to->horizon_weeks, "How far ahead; default 52");
  run->add_option("--discount", to->discount_rate, "Yearly, e.g. 0.1");
  run->add_option("--request-id", to->request_id, "A repeat with the same id changes nothing");
  tree.AddCall(group, "runs", "Runs, the latest first", Runs);
  auto* top = tree.Keep<TopArguments>();
  CLI::App* list = tree.AddCall(
      group, "list", "Contacts by score",
      [top](RpcClient& client, Console& console) { return Top(client, console, *top); });
  list->add_option("--order-by", top->order_by, "Default \"rfm.score desc\"")
      ->check(CLI::IsMember(
          {"rfm.score desc", "value.lifetime_value_minor desc", "value.alive_probability"}));
  list->add_option("--page-size", top->page_size, "How many")->capture_default_str();
}

// --- one customer

struct CustomerArguments {
  ContactChoice contact;
  int entries = 20;
};

absl::Status ShowCustomer(RpcClient& client, Console& console, const CustomerArguments& to) {
  GetCustomer360Request request;
  request.set_timeline_size(to.entries);
  const ContactChoice& contact = to.contact;
  if (!contact.name.empty()) {
    request.set_name(contact.name);
  } else {
    CRM_ASSIGN_OR_RETURN(*request.mutable_external_key(), ParseKey(contact.key));
  }
  Customer360 customer;
  CRM_RETURN_IF_ERROR(client.Call(Method("GetCustomer360"), request, &customer));
  if (console.json) {
    console.PrintJson(customer);
    return absl::OkStatus();
  }
  Table facts({{"FIELD"}, {"VALUE"}});
  facts.Add({"contact", customer.contact()});
  facts.Add({"key", customer.profile().contact().external_key().key()});
  facts.Add({"stage",
             EnumText(contact::v1::LifecycleStage_Name(customer.lifecycle().lifecycle().stage()))});
  for (const CustomerSales& sales : customer.totals().sales()) {
    facts.Add({"sales", fmt::format("{} in {} orders",
                                    MoneyText(sales.amount_minor(), sales.currency_code()),
                                    WithThousands(sales.orders()))});
  }
  for (const auto& consent : customer.consents().consents()) {
    facts.Add(
        {"consent", fmt::format("{} by {}: {}", consent.purpose(), consent.channel(),
                                EnumText(contact::v1::Consent::State_Name(consent.state())))});
  }
  const ContactScores& scores = customer.scores().scores();
  if (scores.has_rfm()) facts.Add({"RFM", fmt::format("{}", scores.rfm().score())});
  if (scores.has_value()) {
    facts.Add({"P(alive)", fmt::format("{:.4f}", scores.value().alive_probability())});
  }
  for (const auto& membership : customer.memberships().memberships()) {
    facts.Add({"segment", membership.segment()});
  }
  facts.Add({"sends", WithThousands(customer.sends().total())});
  facts.Add({"responses", WithThousands(customer.responses().total())});
  console.out << facts.ToString() << '\n';
  PrintList(console, {{"TIME"}, {"WHAT"}, {"DETAIL"}}, customer.timeline().entries(),
            [](const TimelineEntry& entry) -> std::vector<std::string> {
              if (entry.has_order()) {
                return {TimeText(entry, "occurred_time"), "order",
                        MoneyText(entry.order().total_minor(), entry.order().currency_code())};
              }
              return {TimeText(entry, "occurred_time"), entry.interaction().channel(),
                      entry.interaction().summary()};
            });
  return absl::OkStatus();
}

absl::Status Concentrate(RpcClient& client, Console& console, const std::string& currency) {
  GetConcentrationRequest request;
  request.set_currency_code(currency);
  Concentration answer;
  CRM_RETURN_IF_ERROR(client.Call(Method("GetConcentration"), request, &answer));
  PrintList(console, {Right("TOP"), Right("CUSTOMERS"), Right("SHARE OF SALES")}, answer.top(),
            [](const ConcentrationPoint& point) -> std::vector<std::string> {
              return {PercentText(point.fraction()), WithThousands(point.customers()),
                      PercentText(point.share())};
            });
  return absl::OkStatus();
}

void AddReportCommand(CommandTree& tree) {
  auto* to = tree.Keep<ReportArguments>();
  CLI::App* report = tree.AddCall(
      &tree.app(), "report", "The figures of campaigns and customers as one HTML page",
      [to](RpcClient& client, Console& console) { return WriteReport(client, console, *to); });
  report->add_option("FILE", to->file, "Where to write it")->required();
  report->add_option("--currency", to->currency, "ISO 4217 code of the sales shown")->required();
  report->add_option("--title", to->title, "Its title")->capture_default_str();
  report->add_option("--key", to->customer.key, "Customer whose story is told, SOURCE/KEY");
  report->add_option("--contact", to->customer.name, "The same by name, contacts/{id}");
  report->add_option("--top", to->top_customers, "How many customers by value")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
}

}  // namespace

void AddAnalyticsCommands(CommandTree& tree) {
  AddScoreCommands(tree);
  auto* of = tree.Keep<CustomerArguments>();
  CLI::App* customer = tree.AddCall(
      &tree.app(), "customer360", "Everything known of one contact",
      [of](RpcClient& client, Console& console) { return ShowCustomer(client, console, *of); });
  CommandTree::AddContactChoice(customer, &of->contact);
  customer->add_option("--entries", of->entries, "Latest orders and interactions")
      ->capture_default_str();
  auto* currency = tree.Keep<std::string>();
  tree.AddCall(&tree.app(), "concentration", "How unevenly sales are spread over customers",
               [currency](RpcClient& client, Console& console) {
                 return Concentrate(client, console, *currency);
               })
      ->add_option("--currency", *currency, "ISO 4217 code")
      ->required();
  AddReportCommand(tree);
}

}  // namespace crm::crmctl
