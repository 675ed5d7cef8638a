#include "tools/crmctl/contact_why.h"

#include <fmt/format.h>
#include <google/protobuf/text_format.h>

#include "common/base/status.h"
#include "crm/contact/v1/contact_service.pb.h"
#include "tools/crmctl/contact_commands.h"
#include "tools/crmctl/table.h"

namespace crm::crmctl {
namespace {

using contact::v1::FieldExplanation;
using contact::v1::ObservedValue;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

std::string Text(const Message& message);

// One value of a field; -1: it is not repeated.
std::string TextAt(const Message& message, const FieldDescriptor& field, int index) {
  const auto* reflection = message.GetReflection();
  const bool repeated = index >= 0;
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
    return Text(repeated ? reflection->GetRepeatedMessage(message, &field, index)
                         : reflection->GetMessage(message, &field));
  }
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
    return repeated ? reflection->GetRepeatedString(message, &field, index)
                    : reflection->GetString(message, &field);
  }
  std::string text;
  google::protobuf::TextFormat::PrintFieldValueToString(message, &field, index, &text);
  return text;
}

// The values of all fields that are set, in their order.
std::string Text(const Message& message) {
  const auto* reflection = message.GetReflection();
  std::vector<const FieldDescriptor*> set;
  reflection->ListFields(message, &set);
  std::vector<std::string> parts;
  for (const FieldDescriptor* field : set) {
    if (!field->is_repeated()) parts.push_back(TextAt(message, *field, -1));
    for (int i = 0; field->is_repeated() && i < reflection->FieldSize(message, field); ++i) {
      parts.push_back(TextAt(message, *field, i));
    }
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string ValueText(const std::string& field, const ObservedValue& value) {
  // Of a declared field the value alone: its name stands beside.
  if (field.find('.') != std::string::npos && value.value().custom_fields_size() == 1) {
    contact::v1::CustomValue only = value.value().custom_fields(0);
    only.clear_field();
    return Text(only);
  }
  const std::string text = Text(value.value());
  return text.empty() ? "(empty)" : text;
}

std::string SourceText(const ObservedValue& value) {
  if (!value.has_observe_time()) return "(default)";
  return value.source().empty() ? "(direct)" : value.source();
}

void AddValue(const std::string& field, const char* standing, const ObservedValue& value,
              Table* table) {
  const std::string& actor = value.actor().principal();
  table->Add({field, ValueText(field, value), standing, SourceText(value),
              TimeText(value, "observe_time"), std::to_string(value.version()), value.event_type(),
              actor.empty() ? "-" : actor});
}

const char* StandingOf(const ObservedValue& other) {
  return other.superseded_at_once() ? "not taken" : "replaced";
}

}  // namespace

absl::Status ContactWhy(RpcClient& client, Console& console, const WhyArguments& arguments) {
  ContactChoice choice{.name = "", .key = arguments.key};
  auto field = arguments.words.begin();
  if (choice.key.empty()) {
    if (arguments.words.empty()) {
      return Error(absl::StatusCode::kInvalidArgument, "CONTACT_NOT_NAMED",
                   "name the contact, contacts/{id}, or give --key SOURCE/KEY");
    }
    choice.name = *field++;
  }
  contact::v1::ExplainContactRequest request;
  CRM_ASSIGN_OR_RETURN(*request.mutable_name(), NameOfContact(client, choice));
  for (; field != arguments.words.end(); ++field) request.add_fields(*field);
  contact::v1::ExplainContactResponse response;
  CRM_RETURN_IF_ERROR(
      client.Call("/crm.contact.v1.ContactService/ExplainContact", request, &response));
  Table table({{"FIELD"},
               {"VALUE"},
               {"STANDING"},
               {"SOURCE"},
               {"OBSERVED"},
               {"VERSION", Table::Align::kRight},
               {"EVENT"},
               {"ACTOR"}});
  for (const FieldExplanation& each : response.fields()) {
    if (console.json) console.PrintJson(each);
    if (each.has_taken()) AddValue(each.field(), "shown", each.taken(), &table);
    for (const auto& other : each.others()) {
      AddValue(each.field(), StandingOf(other), other, &table);
    }
  }
  if (!console.json) console.out << table.ToString();
  return absl::OkStatus();
}

}  // namespace crm::crmctl
