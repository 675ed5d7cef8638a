#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "services/contact/api/tenants.h"
#include "tests/unit/services/contact/desk.h"

namespace crm::contact {
namespace {

using testing::Desk;
using ::testing::ElementsAre;
using testing::FaultyFields;
using ::testing::IsEmpty;
using v1::CustomField;

class TenantServiceTest : public ::testing::Test {
 protected:
  static CustomField Field(const std::string& id, CustomField::Type type) {
    CustomField field;
    field.set_id(id);
    field.set_type(type);
    if (type == CustomField::CHOICE) {
      field.add_choices("young");
      field.add_choices("old");
    }
    return field;
  }

  // One field of each type, by the type's name in small letters.
  static v1::Tenant EveryType() {
    v1::Tenant tenant;
    *tenant.add_custom_fields() = Field("text", CustomField::TEXT);
    *tenant.add_custom_fields() = Field("integer", CustomField::INTEGER);
    *tenant.add_custom_fields() = Field("number", CustomField::NUMBER);
    *tenant.add_custom_fields() = Field("flag", CustomField::FLAG);
    *tenant.add_custom_fields() = Field("date", CustomField::DATE);
    *tenant.add_custom_fields() = Field("choice", CustomField::CHOICE);
    return tenant;
  }

  absl::StatusOr<v1::Tenant> Create(const v1::Tenant& tenant) {
    v1::CreateTenantRequest request;
    *request.mutable_tenant() = tenant;
    return As<v1::Tenant>(desk_.Execute("CreateTenant", request));
  }
  absl::StatusOr<v1::Tenant> Update(const v1::Tenant& tenant) {
    v1::UpdateTenantRequest request;
    *request.mutable_tenant() = tenant;
    return As<v1::Tenant>(desk_.Execute("UpdateTenant", request));
  }
  absl::StatusOr<v1::Contact> CreateContact(const v1::Contact& contact) {
    v1::CreateContactRequest request;
    *request.mutable_contact() = contact;
    return As<v1::Contact>(desk_.Execute("CreateContact", request));
  }
  absl::StatusOr<v1::Contact> Upsert(v1::Contact contact) {
    v1::UpsertContactRequest request;
    contact.mutable_external_key()->set_source("shop");
    contact.mutable_external_key()->set_key("1");
    *request.mutable_contact() = std::move(contact);
    const auto response = As<v1::UpsertContactResponse>(desk_.Execute("UpsertContact", request));
    if (!response.ok()) return response.status();
    return response->contact();
  }

  template <typename Message>
  static absl::StatusOr<Message> As(const absl::StatusOr<std::string>& bytes) {
    if (!bytes.ok()) return bytes.status();
    Message message;
    EXPECT_TRUE(message.ParseFromString(*bytes));
    return message;
  }

  Desk desk_{{"US", "en"}};
};

v1::Contact With(const std::string& field, const std::function<void(v1::CustomValue*)>& set) {
  v1::Contact contact;
  auto* value = contact.add_custom_fields();
  value->set_field(field);
  set(value);
  return contact;
}

TEST_F(TenantServiceTest, TenantIsThatOfTheCall) {
  const auto created = Create(EveryType());
  ASSERT_TRUE(created.ok()) << created.status();
  EXPECT_EQ(created->name(), "tenants/t");
  EXPECT_EQ(created->etag(), "1");
  EXPECT_EQ(ReasonOf(Create(EveryType()).status()), "TENANT_EXISTS");
  v1::Tenant other;
  other.set_name("tenants/Other");
  EXPECT_THAT(FaultyFields(Create(other).status()), ElementsAre("tenant.name"));
  EXPECT_THAT(FaultyFields(Update(other).status()), ElementsAre("tenant.name"));
}

TEST_F(TenantServiceTest, FaultsOfSettingsAreNamedTogether) {
  v1::Tenant tenant;
  tenant.set_default_region("XX");
  tenant.set_default_language("?");
  *tenant.add_custom_fields() = Field("Age", CustomField::TEXT);
  *tenant.add_custom_fields() = Field("age", CustomField::TYPE_UNSPECIFIED);
  *tenant.add_custom_fields() = Field("age", CustomField::CHOICE);
  tenant.mutable_custom_fields(2)->add_choices("old");
  tenant.mutable_custom_fields(0)->add_choices("x");
  tenant.mutable_survivorship()->add_rules()->add_fields("etag");
  tenant.mutable_survivorship()->add_rules()->add_fields("custom_fields.age");
  tenant.mutable_survivorship()->add_rules();
  tenant.mutable_survivorship()->add_rules();
  EXPECT_THAT(FaultyFields(Create(tenant).status()),
              ::testing::UnorderedElementsAre(
                  "tenant.default_region", "tenant.default_language", "tenant.custom_fields[0].id",
                  "tenant.custom_fields[0].choices", "tenant.custom_fields[1].type",
                  "tenant.custom_fields[2].id", "tenant.custom_fields[2].choices[2]",
                  "tenant.survivorship.rules[0].fields[0]", "tenant.survivorship.rules[3].fields"));
}

TEST_F(TenantServiceTest, SettingsThatWouldSlowEveryCommandAreRefused) {
  v1::Tenant tenant;
  for (int i = 0; i < 5000; ++i) {
    // Fewer choices than a field may have.
    if (i % 900 == 0) {
      *tenant.add_custom_fields() = Field("age" + std::to_string(i), CustomField::CHOICE);
    }
    tenant.mutable_custom_fields()->rbegin()->add_choices(std::string(40, 'x') + std::to_string(i));
  }
  EXPECT_THAT(FaultyFields(Create(tenant).status()), ElementsAre("tenant"));
}

TEST_F(TenantServiceTest, DefaultsOfTheTenantComeBeforeTheServers) {
  v1::Contact contact;
  contact.add_phones("044 668 18 00");
  contact.set_kind(v1::Contact::PERSON);
  const auto before = CreateContact(contact);
  EXPECT_EQ(before->language_code(), "en");
  EXPECT_NE(before->phones(0), "+41446681800");
  v1::Tenant tenant;
  tenant.set_default_region("ch");
  tenant.set_default_language("de-ch");
  ASSERT_TRUE(Update(tenant).ok());
  const auto created = CreateContact(contact);
  ASSERT_TRUE(created.ok()) << created.status();
  EXPECT_THAT(created->phones(), ElementsAre("+41446681800"));
  EXPECT_EQ(created->language_code(), "de-CH");
}

TEST_F(TenantServiceTest, ChangedSettingsHoldForTheNextCommand) {
  v1::Tenant tenant;
  tenant.set_default_language("de");
  ASSERT_TRUE(Update(tenant).ok());
  EXPECT_EQ(desk_.last_settings_version(), 0);
  EXPECT_EQ(CreateContact({})->language_code(), "de");
  EXPECT_EQ(desk_.last_settings_version(), 1);
  tenant.set_default_language("fr");
  ASSERT_TRUE(Update(tenant).ok());
  EXPECT_EQ(Upsert({})->language_code(), "fr");
  EXPECT_EQ(desk_.last_settings_version(), 2);
}

TEST_F(TenantServiceTest, ValuesOfEveryTypeAreKept) {
  ASSERT_TRUE(Create(EveryType()).ok());
  v1::Contact contact;
  const auto add = [&](const char* field) {
    auto* value = contact.add_custom_fields();
    value->set_field(field);
    return value;
  };
  add("choice")->set_choice("old");
  add("date")->set_date("2024-02-29");
  add("flag")->set_flag(false);
  add("integer")->set_integer(-7);
  add("number")->set_number(0.5);
  add("text")->set_text("  two words ");
  const auto created = CreateContact(contact);
  ASSERT_TRUE(created.ok()) << created.status();
  contact.mutable_custom_fields(5)->set_text("two words");
  ASSERT_EQ(created->custom_fields_size(), contact.custom_fields_size());
  for (int i = 0; i < contact.custom_fields_size(); ++i) {
    EXPECT_EQ(created->custom_fields(i).SerializeAsString(),
              contact.custom_fields(i).SerializeAsString());
  }
}

TEST_F(TenantServiceTest, ValuesThatAreNotOfTheirTypeAreNamed) {
  ASSERT_TRUE(Create(EveryType()).ok());
  v1::Contact contact;
  const auto add = [&](const char* field) {
    auto* value = contact.add_custom_fields();
    value->set_field(field);
    return value;
  };
  add("text")->set_integer(1);
  add("integer")->set_number(1);
  add("number")->set_number(std::numeric_limits<double>::infinity());
  add("flag")->set_text("true");
  add("date")->set_date("2023-02-29");
  add("choice")->set_choice("ancient");
  add("unknown")->set_text("x");
  add("text")->set_text("again");
  std::vector<std::string> paths;
  for (int i = 0; i < 8; ++i) paths.push_back("contact.custom_fields[" + std::to_string(i) + "]");
  EXPECT_EQ(FaultyFields(CreateContact(contact).status()), paths);
}

TEST_F(TenantServiceTest, WithoutADeclarationThereIsNoField) {
  const auto text = [](v1::CustomValue* value) { value->set_text("x"); };
  EXPECT_THAT(FaultyFields(CreateContact(With("text", text)).status()),
              ElementsAre("contact.custom_fields[0]"));
}

TEST_F(TenantServiceTest, RequiredFieldIsNeededAtBirthAlone) {
  ASSERT_TRUE(Upsert({}).ok());
  v1::Tenant tenant = EveryType();
  tenant.mutable_custom_fields(0)->set_required(true);
  ASSERT_TRUE(Update(tenant).ok());
  EXPECT_THAT(FaultyFields(CreateContact({}).status()), ElementsAre("contact.custom_fields"));
  const auto blank = [](v1::CustomValue* value) { value->set_text("  "); };
  EXPECT_THAT(FaultyFields(CreateContact(With("text", blank)).status()),
              ElementsAre("contact.custom_fields"));
  const auto text = [](v1::CustomValue* value) { value->set_text("x"); };
  EXPECT_TRUE(CreateContact(With("text", text)).ok());
  // What is there stays as it is; what an upsert gives birth to does not.
  v1::Contact named;
  named.set_display_name("Ada");
  EXPECT_TRUE(Upsert(named).ok());
  desk_.set_tenant("u");
  ASSERT_TRUE(Create(tenant).ok());
  EXPECT_THAT(FaultyFields(Upsert(named).status()), ElementsAre("contact.custom_fields"));
}

TEST_F(TenantServiceTest, RetiredFieldKeepsItsValuesAndTakesNone) {
  v1::Tenant tenant = EveryType();
  ASSERT_TRUE(Create(tenant).ok());
  const auto text = [](v1::CustomValue* value) { value->set_text("x"); };
  ASSERT_TRUE(Upsert(With("text", text)).ok());
  tenant.mutable_custom_fields(0)->set_retired(true);
  tenant.mutable_custom_fields(0)->set_required(false);
  ASSERT_TRUE(Update(tenant).ok());
  EXPECT_THAT(FaultyFields(Upsert(With("text", text)).status()),
              ElementsAre("contact.custom_fields[0]"));
  v1::Contact named;
  named.set_display_name("Ada");
  const auto kept = Upsert(named);
  ASSERT_TRUE(kept.ok()) << kept.status();
  EXPECT_EQ(kept->custom_fields_size(), 1);
  // Nor does it go with the others.
  v1::UpdateContactRequest all;
  all.mutable_contact()->set_name(kept->name());
  all.mutable_update_mask()->add_paths("*");
  const auto emptied = As<v1::Contact>(desk_.Execute("UpdateContact", all));
  ASSERT_TRUE(emptied.ok()) << emptied.status();
  EXPECT_EQ(emptied->display_name(), "");
  EXPECT_EQ(emptied->custom_fields_size(), 1);
  all.mutable_update_mask()->set_paths(0, "custom_fields.text");
  EXPECT_EQ(As<v1::Contact>(desk_.Execute("UpdateContact", all))->custom_fields_size(), 0);
}

TEST_F(TenantServiceTest, EachTenantHasItsOwnSettings) {
  ASSERT_TRUE(Create(EveryType()).ok());
  desk_.set_tenant("u");
  EXPECT_EQ(desk_.Get("tenants/t").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(desk_.Get("tenants/u").status().code(), absl::StatusCode::kNotFound);
  const auto text = [](v1::CustomValue* value) { value->set_text("x"); };
  EXPECT_FALSE(CreateContact(With("text", text)).ok());
  EXPECT_THAT(FaultyFields(CreateContact({}).status()), IsEmpty());
}

}  // namespace
}  // namespace crm::contact
