#include "services/contact/projection/tenant_aggregate.h"

#include <gtest/gtest.h>

#include "common/base/random.h"

namespace crm::contact {
namespace {

const AggregateInfo kInfo{
    .name = "tenants/acme", .version = 2, .create_time = kSecond, .update_time = 2 * kSecond};

TEST(TenantAggregate, ResourceOfAnUnknownTenantHasNoTimes) {
  const v1::Tenant resource = TenantAggregate::Store({}, {.name = "tenants/acme"});
  EXPECT_EQ(resource.name(), "tenants/acme");
  EXPECT_EQ(resource.etag(), "0");
  EXPECT_FALSE(resource.has_create_time());
  EXPECT_EQ(TenantAggregate::Load(resource), Tenant{});
}

TEST(TenantAggregateProperty, LoadUndoesStore) {
  SeededRandom random(11);
  const auto below = [&](uint64_t n) { return random.Next64() % n; };
  const auto text = [&] { return below(2) == 0 ? std::string() : std::to_string(below(9)); };
  for (int i = 0; i < 300; ++i) {
    Tenant tenant{.known = true,
                  .settings = {text(), text(), text(), std::vector<FieldDeclaration>(below(3)),
                               std::vector<SourceOrder>(below(3))}};
    for (FieldDeclaration& field : tenant.settings.custom_fields) {
      field = {text(),        text(),   static_cast<v1::CustomField::Type>(below(7)),
               below(2) == 0, {text()}, below(2) == 0};
    }
    for (SourceOrder& rule : tenant.settings.survivorship) rule = {{text()}, {text(), text()}};
    v1::Tenant resource;
    ASSERT_TRUE(
        resource.ParseFromString(TenantAggregate::Store(tenant, kInfo).SerializeAsString()));
    EXPECT_EQ(TenantAggregate::Load(resource), tenant);
    EXPECT_EQ(resource.etag(), "2");
  }
}

}  // namespace
}  // namespace crm::contact
