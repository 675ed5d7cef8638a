#include "services/contact/domain/tenant.h"

#include <gtest/gtest.h>

#include "tests/support/given_when_then.h"

namespace crm::contact {
namespace {

using v1::CustomField;
using v1::TenantEvent;

auto Given(const std::vector<TenantEvent>& events) {
  return crm::testing::Given<TenantDecider>(events);
}

FieldDeclaration Age() {
  return {.id = "age", .type = CustomField::CHOICE, .choices = {"young", "old"}};
}

TenantSettings Swiss() {
  return {.display_name = "Acme", .default_region = "CH", .custom_fields = {Age()}};
}

TenantEvent Created(const TenantSettings& settings) {
  TenantEvent event;
  WriteSettings(settings, event.mutable_created()->mutable_settings());
  return event;
}

TenantEvent Changed(const TenantSettings& settings, const SettingsMask& fields) {
  TenantEvent event;
  WriteSettings(settings, event.mutable_settings_changed()->mutable_settings());
  for (const auto& field : fields) event.mutable_settings_changed()->add_changed_fields(field);
  return event;
}

UpdateTenant Declare(std::vector<FieldDeclaration> fields) {
  return {{.custom_fields = std::move(fields)}, {"custom_fields"}};
}

TEST(TenantDecider, TenantIsCreatedOnce) {
  Given({}).When(CreateTenant{Swiss()}).ThenRecorded({Created(Swiss())});
  Given({Created(Swiss())}).When(CreateTenant{Swiss()}).ThenRefused(kTenantExists);
}

TEST(TenantDecider, UpdateChangesWhatItsMaskNamesAndDiffers) {
  TenantSettings wanted{.display_name = "Acme", .default_region = "AT", .default_language = "de"};
  Given({Created(Swiss())})
      .When(UpdateTenant{wanted, {"display_name", "default_region"}})
      .ThenRecorded({Changed({.default_region = "AT"}, {"default_region"})});
  Given({Created(Swiss())}).When(UpdateTenant{Swiss(), {"default_region"}}).ThenNothing();
}

TEST(TenantDecider, TenantFoundInTheLogGetsSettingsByAnUpdate) {
  const auto history = Given({Changed({.default_region = "CH"}, {"default_region"})});
  Given({})
      .When(UpdateTenant{{.default_region = "CH"}, {"default_region"}})
      .ThenRecorded({Changed({.default_region = "CH"}, {"default_region"})});
  EXPECT_EQ(history.state().settings.default_region, "CH");
  history.When(CreateTenant{}).ThenRefused(kTenantExists);
}

TEST(TenantDecider, DeclarationsGrow) {
  FieldDeclaration grown = Age();
  grown.title = "Age";
  grown.choices = {"old", "middle", "young"};
  grown.retired = true;
  const FieldDeclaration added{.id = "vip", .type = CustomField::FLAG, .required = true};
  const TenantSettings after{.custom_fields = {added, grown}};
  Given({Created(Swiss())})
      .When(Declare({added, grown}))
      .ThenRecorded({Changed(after, {"custom_fields"})});
}

TEST(TenantDecider, DeclarationsDoNotChangeWhatValuesMean) {
  const auto history = Given({Created(Swiss())});
  history.When(Declare({})).ThenRefused(kCustomFieldGone);
  FieldDeclaration typed = Age();
  typed.type = CustomField::TEXT;
  history.When(Declare({typed})).ThenRefused(kCustomFieldType);
  FieldDeclaration fewer = Age();
  fewer.choices = {"young"};
  history.When(Declare({fewer})).ThenRefused(kCustomFieldChoiceGone);
  FieldDeclaration required = Age();
  required.required = true;
  history.When(Declare({required})).ThenRefused(kCustomFieldRequired);
}

TEST(TenantDecider, RequiredFieldMayBecomeOptional) {
  FieldDeclaration required = Age();
  required.required = true;
  Given({Created({.custom_fields = {required}})})
      .When(Declare({Age()}))
      .ThenRecorded({Changed({.custom_fields = {Age()}}, {"custom_fields"})});
}

TEST(TenantDecider, OtherSettingsDoNotTouchDeclarations) {
  Given({Created(Swiss())})
      .When(UpdateTenant{{.default_region = "AT"}, {"default_region"}})
      .ThenRecorded({Changed({.default_region = "AT"}, {"default_region"})});
}

TEST(TenantDecider, ErasureOfAPersonMeansNothingHere) {
  TenantEvent erased;
  erased.mutable_erased();
  EXPECT_EQ(Given({Created(Swiss()), erased}).state(), Given({Created(Swiss())}).state());
}

}  // namespace
}  // namespace crm::contact
