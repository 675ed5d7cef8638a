#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/service/service_definition.h"

namespace crm {
namespace {

class NameMakerTest : public ::testing::Test {
 protected:
  std::string External(std::string tenant, std::string source, std::string key) {
    return names_.FromExternalKey("contacts", 'c', tenant, source, key);
  }
  std::string Requested(std::string tenant, std::string request_id) {
    return names_.FromRequest("contacts", 'c', tenant, request_id);
  }

  SeededRandom random_{1};
  Secret secret_ = *Secret::FromBytes(std::string(32, 's'));
  NameMaker names_{secret_, random_, "contact"};
};

// Ids outlive every release: a changed derivation would lose every contact.
TEST_F(NameMakerTest, DerivationIsForLife) {
  EXPECT_EQ(External("t", "shop", "7"), "contacts/ch5a3w6eejqap2dcbe5hikkgyj4");
  EXPECT_EQ(Requested("t", "r1"), "contacts/cxx7tsfvowvfzidv3k3q3xufpju");
}

TEST_F(NameMakerTest, SameKeySameName) {
  EXPECT_EQ(External("t", "shop", "7"), External("t", "shop", "7"));
  EXPECT_EQ(Requested("t", "r1"), Requested("t", "r1"));
  EXPECT_THAT(External("t", "shop", "7"), ::testing::MatchesRegex("contacts/c[a-z2-7]+"));
  EXPECT_EQ(External("t", "shop", "7").size(), std::string("contacts/c").size() + 26);
}

TEST_F(NameMakerTest, EveryPartCounts) {
  EXPECT_NE(External("t", "shop", "7"), External("u", "shop", "7"));
  EXPECT_NE(External("t", "shop", "7"), External("t", "shop7", ""));
  EXPECT_NE(External("t", "shop", "7"), External("t", "sho", "p7"));
  EXPECT_NE(Requested("t", "r1"), Requested("u", "r1"));
  NameMaker other(secret_, random_, "campaign");
  EXPECT_NE(Requested("t", "r1"), other.FromRequest("contacts", 'c', "t", "r1"));
}

TEST_F(NameMakerTest, WithoutRequestIdEveryNameIsNew) {
  EXPECT_NE(Requested("t", ""), Requested("t", ""));
  EXPECT_EQ(Requested("t", "").size(), Requested("t", "r1").size());
}

}  // namespace
}  // namespace crm
