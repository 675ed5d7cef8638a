#include <fmt/format.h>

#include "crm/interaction/v1/interaction_service.pb.h"
#include "tools/crmctl/answers.h"
#include "tools/crmctl/command_groups.h"

namespace crm::crmctl {
namespace {

using namespace interaction::v1;  // NOLINT: this file is about nothing else

std::string Method(const char* name) {
  return std::string("/crm.interaction.v1.InteractionService/") + name;
}

struct OfContact {
  ContactChoice contact;
  int page_size = 0;
};

void PrintOrders(Console& console, const google::protobuf::RepeatedPtrField<Order>& orders) {
  PrintList(console, {{"TIME"}, {"KEY"}, Right("LINES"), Right("TOTAL"), {"PLACE"}, {"NAME"}},
            orders, [](const Order& order) -> std::vector<std::string> {
              return {TimeText(order, "occurred_time"),
                      order.external_key().key(),
                      WithThousands(order.lines_size()),
                      MoneyText(order.total_minor(), order.currency_code()),
                      order.place(),
                      order.name()};
            });
}

absl::Status Orders(RpcClient& client, Console& console, const OfContact& of) {
  ListOrdersRequest request;
  CRM_RETURN_IF_ERROR(SetContact(of.contact, &request));
  request.set_page_size(of.page_size);
  ListOrdersResponse response;
  CRM_RETURN_IF_ERROR(client.Call(Method("ListOrders"), request, &response));
  PrintOrders(console, response.orders());
  return absl::OkStatus();
}

absl::Status Interactions(RpcClient& client, Console& console, const OfContact& of) {
  ListInteractionsRequest request;
  CRM_RETURN_IF_ERROR(SetContact(of.contact, &request));
  request.set_page_size(of.page_size);
  ListInteractionsResponse response;
  CRM_RETURN_IF_ERROR(client.Call(Method("ListInteractions"), request, &response));
  PrintList(console, {{"TIME"}, {"CHANNEL"}, {"DIRECTION"}, {"SUMMARY"}}, response.interactions(),
            [](const Interaction& interaction) -> std::vector<std::string> {
              return {TimeText(interaction, "occurred_time"), interaction.channel(),
                      EnumText(Interaction::Direction_Name(interaction.direction())),
                      interaction.summary()};
            });
  return absl::OkStatus();
}

absl::Status Brief(RpcClient& client, Console& console, const OfContact& of) {
  ContactBriefRequest request;
  CRM_RETURN_IF_ERROR(SetContact(of.contact, &request));
  ContactBriefResponse brief;
  CRM_RETURN_IF_ERROR(client.Call(Method("ContactBrief"), request, &brief));
  if (console.json) {
    console.PrintJson(brief);
    return absl::OkStatus();
  }
  for (const OrderTotal& total : brief.totals()) {
    console.out << fmt::format("{} orders, {}\n", WithThousands(total.order_count()),
                               MoneyText(total.total_minor(), total.currency_code()));
  }
  PrintOrders(console, brief.recent_orders());
  PrintList(console, {{"PRODUCT"}, Right("PIECES"), Right("BOUGHT"), {"LAST"}}, brief.products(),
            [](const OwnedProduct& product) -> std::vector<std::string> {
              return {product.product(), WithThousands(product.quantity()),
                      WithThousands(product.purchase_count()),
                      TimeText(product, "last_purchase_time")};
            });
  return absl::OkStatus();
}

}  // namespace

void AddInteractionCommands(CommandTree& tree) {
  auto* of = tree.Keep<OfContact>();
  const auto add = [&](CLI::App* group, const char* name, const char* what, auto run) {
    CLI::App* command = tree.AddCall(
        group, name, what,
        [of, run](RpcClient& client, Console& console) { return run(client, console, *of); });
    CommandTree::AddContactChoice(command, &of->contact);
    return command;
  };
  const auto add_list = [&](const char* group, const char* about, const char* what, auto run) {
    add(tree.AddGroup(&tree.app(), group, about), "list", what, run)
        ->add_option("--page-size", of->page_size, "How many, up to 1000");
  };
  add_list("order", "Look at orders", "Orders of one contact, newest first", Orders);
  add_list("interaction", "Look at interactions", "Interactions of one contact, newest first",
           Interactions);
  add(&tree.app(), "brief", "What to know before talking to a contact", Brief);
}

}  // namespace crm::crmctl
