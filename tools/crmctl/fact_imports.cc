#include "tools/crmctl/campaign_rows.h"
#include "tools/crmctl/command_groups.h"
#include "tools/crmctl/consent_rows.h"
#include "tools/crmctl/order_rows.h"

namespace crm::crmctl {
namespace {

constexpr char kOrdersFooter[] = R"(
One row is one line of an order; rows with the same key and contact are one order. An order is keyed
by (source, key): importing a file again changes nothing, changed rows correct their order.

Example:
  crmctl import orders baskets.csv --source shop --key-column basket --contact-column customer \
      --time-column at --product-column product --quantity-column pieces --amount-column paid \
      --currency EUR)";

constexpr char kResponsesFooter[] = R"(
A response is keyed by the cells of --key-columns together: importing a file again changes nothing.
Its send must be on record: import sends first.)";

template <typename Columns>
struct FileOf {
  ImportOptions options;
  Columns columns;
};

// Adds a command that imports a file by `Rows`.
template <typename Rows, typename Columns>
CLI::App* AddFileImport(CommandTree& tree, CLI::App* import, const char* name, const char* what,
                        FileOf<Columns>* to) {
  const auto run = [to, &tree](RpcClient& client, Console& console) {
    Rows rows(to->columns);
    to->options.fresh_id = "import-" + tree.random().Uuid();
    return ImportFile(client, console, to->options, {}, rows);
  };
  CLI::App* command = tree.AddCall(import, name, what, run);
  CommandTree::AddImportOptions(command, &to->options);
  command->add_option("--source", to->columns.source, "The system the file comes from")->required();
  return command;
}

void AddOrders(CommandTree& tree, CLI::App* import) {
  auto* to = tree.Keep<FileOf<OrderColumns>>();
  CLI::App* orders = AddFileImport<OrderRows>(tree, import, "orders",
                                              "Record orders from a CSV file of lines", to);
  orders->footer(kOrdersFooter);
  OrderColumns& columns = to->columns;
  orders->add_option("--key-column", columns.key_column, "Key of the order")->required();
  orders->add_option("--contact-column", columns.contact_column, "Key of its customer")->required();
  orders->add_option("--time-column", columns.time_column, "When it was placed")->required();
  orders->add_option("--amount-column", columns.amount_column, "What was paid for the line")
      ->required();
  orders->add_option("--currency", columns.currency, "ISO 4217 code of all amounts")->required();
  orders->add_option("--decimals", columns.decimals, "Digits behind the currency's point")
      ->check(CLI::Range(0, 4))
      ->capture_default_str();
  orders->add_option("--product-column", columns.product_column, "Key of the product");
  orders->add_option("--quantity-column", columns.quantity_column, "Pieces; default 1");
  orders->add_option("--place-column", columns.place_column, "Where it was bought");
}

void AddCampaigns(CommandTree& tree, CLI::App* import) {
  auto* to = tree.Keep<FileOf<CampaignColumns>>();
  CLI::App* campaigns = AddFileImport<CampaignRows>(
      tree, import, "campaigns", "Put campaigns of another system on record", to);
  CampaignColumns& columns = to->columns;
  campaigns->add_option("--key-column", columns.key_column, "Key of the campaign")->required();
  campaigns->add_option("--name-column", columns.name_column, "What people call it");
  campaigns->add_option("--category-column", columns.category_column, "What statistics group by");
  campaigns->add_option("--start-column", columns.start_column, "First day");
  campaigns->add_option("--end-column", columns.end_column, "Last day");
}

void AddSends(CommandTree& tree, CLI::App* import) {
  auto* to = tree.Keep<FileOf<SendColumns>>();
  CLI::App* sends =
      AddFileImport<SendRows>(tree, import, "sends", "Record which contact was sent what", to);
  SendColumns& columns = to->columns;
  sends->add_option("--campaign-column", columns.campaign_column, "Key of the campaign")
      ->required();
  sends->add_option("--contact-column", columns.contact_column, "Key of the contact")->required();
  sends->add_option("--time-column", columns.time_column, "When it was sent; default now");
  sends->add_option("--channel", columns.channel, "What it was sent over, e.g. post");
}

void AddResponses(CommandTree& tree, CLI::App* import) {
  auto* to = tree.Keep<FileOf<ResponseColumns>>();
  CLI::App* responses =
      AddFileImport<ResponseRows>(tree, import, "responses", "Record answers to campaigns", to);
  responses->footer(kResponsesFooter);
  ResponseColumns& columns = to->columns;
  responses->add_option("--campaign-column", columns.campaign_column, "Key of the campaign")
      ->required();
  responses->add_option("--contact-column", columns.contact_column, "Key of the contact")
      ->required();
  responses->add_option("--time-column", columns.time_column, "When they answered; default now");
  responses->add_option("--key-columns", columns.key_columns, "What keys a response")
      ->required()
      ->delimiter(',')
      ->allow_extra_args(false);
  responses->add_option("--kind", columns.kind, "redemption, reply, click …")
      ->capture_default_str();
}

void AddConsents(CommandTree& tree, CLI::App* import) {
  auto* to = tree.Keep<FileOf<ConsentColumns>>();
  CLI::App* consents =
      AddFileImport<ConsentRows>(tree, import, "consents", "Record who agreed to a use", to);
  ConsentColumns& columns = to->columns;
  consents->add_option("--contact-column", columns.contact_column, "Key of the contact")
      ->required();
  consents->add_option("--purpose", columns.purpose, "What for")->capture_default_str();
  consents->add_option("--channel", columns.channel, "email, sms, phone, post …")->required();
  consents->add_option("--wording", columns.wording_version, "Version of the text agreed to");
  consents->add_option("--evidence", columns.evidence, "What proves them");
}

}  // namespace

void AddFactImports(CommandTree& tree, CLI::App* import) {
  AddConsents(tree, import);
  AddOrders(tree, import);
  AddCampaigns(tree, import);
  AddSends(tree, import);
  AddResponses(tree, import);
}

}  // namespace crm::crmctl
