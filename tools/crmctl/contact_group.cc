#include "tools/crmctl/command_groups.h"

#include <fmt/format.h>

#include "tools/crmctl/contact_commands.h"
#include "tools/crmctl/contact_why.h"

namespace crm::crmctl {
namespace {

constexpr char kImportFooter[] = R"(
A CSV file's first line names its columns; a mapping file (docs/importing.md) says how the file is
written and what the columns are; flags do for plain files. A .vcf file has vCards, 3.0 or 4.0.

A contact is keyed by (source, key): importing a file again changes nothing, a changed row updates
its contact. Rows that are refused are named by line, column or field and reason, the others go in;
then the exit code is 2, and the refused rows are in FILE.refused.csv: mended, that file can be
imported by itself. An import that broke off goes on where it was when the command is run again.

Examples:
  crmctl import contacts people.csv --mapping people.mapping
  crmctl import contacts people.vcf --source phone-book
  crmctl import contacts people.csv --source shop --key-column id \
      --map first=given_name --map last=family_name --map mail=emails
  crmctl import contacts households.csv --source complete-journey --key-column household_id \
      --tags-columns age,income,kids_count)";

constexpr char kGetFooter[] = R"(
Examples:
  crmctl contact get contacts/c4tn3o6q2b5xj7y4e2zk6m3wqla
  crmctl contact get --key shop/17 --as-of 2024-05-01T12:00:00Z)";

constexpr char kWhyFooter[] = R"(
Each value with its source and when it was observed there: what is shown, what was replaced, and what
the tenant's rule of survivorship did not take.

Examples:
  crmctl contact why contacts/c4tn3o6q2b5xj7y4e2zk6m3wqla
  crmctl contact why --key shop/17 display_name custom_fields.tier)";

std::string NotEmpty(const std::string& text) {
  return text.empty() ? std::string("must not be empty") : std::string();
}

}  // namespace

void AddContactImport(CommandTree& tree, CLI::App* import) {
  auto* to = tree.Keep<ImportArguments>();
  CLI::App* contacts =
      tree.AddCall(import, "contacts", "Upsert a contact for each row of a CSV file, or vCard",
                   [to, &tree](RpcClient& client, Console& console) {
                     to->options.fresh_id = "import-" + tree.random().Uuid();
                     return ImportContacts(client, console, *to);
                   });
  contacts->footer(kImportFooter);
  CommandTree::AddImportOptions(contacts, &to->options);
  contacts->add_option("--mapping", to->mapping, "Mapping file: says all that the flags below say");
  contacts->add_option("--source", to->columns.source, "The system the contacts come from")
      ->excludes("--mapping")
      ->check(NotEmpty);
  contacts->add_option("--key-column", to->columns.key_column, "Column with the key there")
      ->excludes("--mapping");
  contacts
      ->add_option("--map", to->columns.map,
                   fmt::format("COLUMN=FIELD, may repeat; an empty cell empties the field. "
                               "Fields: {}",
                               fmt::join(ContactField::Plain(), ", ")))
      ->excludes("--mapping")
      ->allow_extra_args(false);
  contacts
      ->add_option("--tags-columns", to->columns.tags_columns,
                   "Columns that become tags \"column:value\"; empty cells and NA make none")
      ->excludes("--mapping")
      ->delimiter(',')
      ->allow_extra_args(false);
  contacts->add_option("--kind", to->columns.kind, "What the contacts are; default person")
      ->excludes("--mapping")
      ->check(CLI::IsMember({"person", "organization"}));
  contacts->add_option("--format", to->format, "Default: vcard where FILE ends with .vcf, else csv")
      ->check(CLI::IsMember({"csv", "vcard"}));
  contacts->add_option("--region", to->region, "ISO 3166-1 code for vCards that tell no country");
}

void AddContactCommands(CommandTree& tree) {
  CLI::App* contact =
      tree.AddGroup(&tree.app(), "contact", "Look at contacts, and purge deleted ones");
  auto* of = tree.Keep<GetArguments>();
  CLI::App* get = tree.AddCall(
      contact, "get", "One contact, now or as of a past moment",
      [of](RpcClient& client, Console& console) { return GetContact(client, console, *of); });
  get->footer(kGetFooter);
  CommandTree::AddContactChoice(get, &of->contact);
  get->add_option("--as-of", of->as_of, "RFC 3339 time, or a position token");

  auto* which = tree.Keep<ListArguments>();
  CLI::App* list = tree.AddCall(contact, "list", "Contacts that a filter meets, in order",
                                [which](RpcClient& client, Console& console) {
                                  return ListContacts(client, console, *which);
                                });
  list->add_option("--order-by", which->order_by, "Default name")
      ->check(CLI::IsMember({"name", "display_name", "family_name", "create_time",
                             "create_time desc", "update_time", "update_time desc"}));
  list->add_option("--filter", which->filter, "Such as 'region_code = \"CH\"' (docs/filters.md)");
  list->add_option("--page-size", which->page_size, "Contacts a page, up to 1000")
      ->check(CLI::NonNegativeNumber);
  list->add_option("--page-token", which->page_token, "From the page before");
  list->add_flag("--all", which->all, "Every page");
  list->add_flag("--show-deleted", which->show_deleted, "Deleted ones too");

  auto* prefix = tree.Keep<std::string>();
  tree.AddCall(contact, "search", "Contacts of whose names a word begins so",
               [prefix](RpcClient& client, Console& console) {
                 return SearchContacts(client, console, *prefix);
               })
      ->add_option("PREFIX", *prefix, "In any script, whatever the case and accents")
      ->required();

  auto* choice = tree.Keep<ContactChoice>();
  CommandTree::AddContactChoice(
      tree.AddCall(contact, "history", "Every change of one contact, oldest first",
                   [choice](RpcClient& client, Console& console) {
                     return ContactHistory(client, console, *choice);
                   }),
      choice);

  auto* why = tree.Keep<WhyArguments>();
  CLI::App* explain = tree.AddCall(
      contact, "why", "Where the values of one contact come from, and what lost against them",
      [why](RpcClient& client, Console& console) { return ContactWhy(client, console, *why); });
  explain->footer(kWhyFooter);
  explain->add_option("WORDS", why->words, "NAME [FIELD...]; with --key fields only");
  explain->add_option("--key", why->key, "External key, SOURCE/KEY");
  AddContactPurge(tree, contact);
}

}  // namespace crm::crmctl
