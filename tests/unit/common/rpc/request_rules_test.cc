// The field rules of every request of every service, as a reviewer would read them.

#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "common/rpc/validate.h"
#include "crm/analytics/v1/analytics_service.pb.h"
#include "crm/campaign/v1/campaign_service.pb.h"
#include "crm/common/v1/rules.pb.h"
#include "crm/contact/v1/contact_service.pb.h"
#include "crm/interaction/v1/interaction_service.pb.h"

namespace crm {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

std::vector<const google::protobuf::ServiceDescriptor*> Services() {
  std::vector<const google::protobuf::ServiceDescriptor*> services;
  for (const auto* file : {contact::v1::ListContactsRequest::descriptor()->file(),
                           interaction::v1::ListOrdersRequest::descriptor()->file(),
                           campaign::v1::ListCampaignsRequest::descriptor()->file(),
                           analytics::v1::GetCustomer360Request::descriptor()->file()}) {
    for (int i = 0; i < file->service_count(); ++i) services.push_back(file->service(i));
  }
  return services;
}

std::vector<const Descriptor*> Requests() {
  std::vector<const Descriptor*> requests;
  for (const auto* service : Services()) {
    for (int i = 0; i < service->method_count(); ++i) {
      requests.push_back(service->method(i)->input_type());
    }
  }
  return requests;
}

// Every field of every request, and of what requests hold; each once.
void ForEachField(const std::function<void(const FieldDescriptor*)>& each) {
  std::set<const Descriptor*> seen;
  const std::function<void(const Descriptor*)> walk = [&](const Descriptor* type) {
    if (type->file()->package().rfind("crm.", 0) != 0 || !seen.insert(type).second) return;
    for (int i = 0; i < type->field_count(); ++i) {
      each(type->field(i));
      if (type->field(i)->message_type() != nullptr) walk(type->field(i)->message_type());
    }
  };
  for (const Descriptor* request : Requests()) walk(request);
}

const common::v1::FieldRules& RulesOfField(const FieldDescriptor* field) {
  return field->options().GetExtension(common::v1::rules);
}

TEST(RequestRules, EveryRequestCanBeChecked) {
  ASSERT_GE(Requests().size(), 80u);
  for (const Descriptor* type : Requests()) {
    const auto* prototype =
        google::protobuf::MessageFactory::generated_factory()->GetPrototype(type);
    const std::unique_ptr<google::protobuf::Message> request(prototype->New());
    // Stops the process where a pattern is none, or a mask is about no resource.
    const absl::Status status = ParseAndValidate("", request.get());
    EXPECT_TRUE(status.ok() || absl::IsInvalidArgument(status)) << type->full_name();
  }
}

TEST(RequestRules, WhatTheServerWritesIsOutputOnly) {
  ForEachField([](const FieldDescriptor* field) {
    for (const char* name : {"create_time", "update_time", "delete_time", "erase_time"}) {
      if (field->name() != name) continue;
      EXPECT_TRUE(RulesOfField(field).output_only()) << field->full_name();
    }
  });
}

TEST(RequestRules, CommonFieldsHaveTheSameLimitsEverywhere) {
  const std::vector<std::pair<std::string, int>> limits = {
      {"request_id", 128}, {"etag", 64}, {"page_token", 4096}, {"order_by", 64}};
  ForEachField([&](const FieldDescriptor* field) {
    for (const auto& [name, limit] : limits) {
      if (field->name() != name) continue;
      EXPECT_EQ(RulesOfField(field).max_bytes(), limit) << field->full_name();
    }
  });
}

TEST(RequestRules, NamesOfResourcesAreRequiredOrIgnoredAndNeverChanged) {
  for (const Descriptor* request : Requests()) {
    const FieldDescriptor* name = request->FindFieldByName("name");
    if (name != nullptr && name->containing_oneof() == nullptr) {
      EXPECT_TRUE(RulesOfField(name).required()) << name->full_name();
    }
    for (int i = 0; i < request->field_count(); ++i) {
      const Descriptor* resource = request->field(i)->message_type();
      if (resource == nullptr || resource->FindFieldByName("etag") == nullptr) continue;
      const FieldDescriptor* own = resource->FindFieldByName("name");
      ASSERT_NE(own, nullptr) << resource->full_name();
      EXPECT_TRUE(RulesOfField(own).immutable()) << own->full_name();
    }
  }
}

TEST(RequestRules, TextsOfPeopleArePersonal) {
  const std::set<std::string> texts = {"display_name", "given_name", "family_name", "emails",
                                       "email",        "phones",     "phone",       "addresses",
                                       "evidence",     "note",       "summary",     "participants",
                                       "filter",       "tags",       "prefix"};
  // Of organisations' own things.
  const std::set<std::string> not_people = {
      "crm.campaign.v1.Segment.display_name", "crm.campaign.v1.Campaign.display_name",
      "crm.campaign.v1.RenameSegmentRequest.display_name", "crm.contact.v1.Tenant.display_name"};
  ForEachField([&](const FieldDescriptor* field) {
    if (texts.count(field->name()) == 0 || not_people.count(field->full_name()) > 0) return;
    EXPECT_TRUE(RulesOfField(field).personal()) << field->full_name();
  });
}

TEST(RequestRules, EveryChangeCanBeRepeatedAndTried) {
  for (const auto* service : Services()) {
    for (int i = 0; i < service->method_count(); ++i) {
      const Descriptor* request = service->method(i)->input_type();
      if (request->FindFieldByName("validate_only") == nullptr) continue;
      EXPECT_NE(request->FindFieldByName("request_id"), nullptr) << request->full_name();
    }
  }
}

}  // namespace
}  // namespace crm
