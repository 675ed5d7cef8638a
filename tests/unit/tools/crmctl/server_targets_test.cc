#include "tools/crmctl/server_targets.h"

#include <gtest/gtest.h>

#include "common/base/status.h"

namespace crm::crmctl {
namespace {

TEST(ServerTargets, OneAddressHasEveryService) {
  const auto targets = ParseTargets("127.0.0.1:50051");
  ASSERT_TRUE(targets.ok()) << targets.status();
  ASSERT_EQ(targets->servers.size(), 1u);
  EXPECT_EQ(targets->servers[0].address, "127.0.0.1:50051");
  EXPECT_EQ(targets->Of("contact"), std::vector<size_t>{0});
  EXPECT_EQ(targets->Of(""), std::vector<size_t>{0});
}

TEST(ServerTargets, ReplicasKeepTheirOrder) {
  const auto targets = ParseTargets("contact=a:1,analytics=b:2,contact=[::1]:3");
  ASSERT_TRUE(targets.ok()) << targets.status();
  EXPECT_EQ(targets->Of("contact"), (std::vector<size_t>{0, 2}));
  EXPECT_EQ(targets->Of("analytics"), std::vector<size_t>{1});
  EXPECT_TRUE(targets->Of("campaign").empty());
  EXPECT_EQ(targets->servers[2].address, "[::1]:3");
}

TEST(ServerTargets, OtherFormsAreRefusedWithTheRightOne) {
  for (const char* text : {"", ",", "a:1,", "contact=", "=a:1", "contacts=a:1", "a:1,contact=b:2",
                           "contact=a:1,b:2"}) {
    const absl::Status status = ParseTargets(text).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_NE(status.message().find("SERVICE=HOST:PORT"), absl::string_view::npos) << text;
  }
}

TEST(ServerTargets, MethodsAndTopicsNameTheirService) {
  EXPECT_EQ(ServiceOfMethod("/crm.contact.v1.ContactService/GetContact"), "contact");
  EXPECT_EQ(ServiceOfMethod("/crm.admin.v1.AdminService/GetStatus"), "");
  EXPECT_EQ(ServiceOfTopic("crm.campaign.events"), "campaign");
  EXPECT_EQ(ServiceOfTopic(""), "");
}

}  // namespace
}  // namespace crm::crmctl
