#include "common/projection/list_page.h"

#include <google/rpc/error_details.pb.h>
#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "common/base/status.h"
#include "common/storage/memory_store.h"

namespace crm {
namespace {

std::string Prefix(Partition partition) {
  return {static_cast<char>(partition), 'n', 't', '\0'};
}

std::vector<std::string> Places(const MemoryStore& rows, std::string_view after) {
  std::vector<std::string> places;
  for (MergedRows merged(rows, Prefix, after); merged.Valid(); merged.Next()) {
    EXPECT_EQ(merged.value(), std::to_string(merged.partition()));
    places.emplace_back(merged.place());
  }
  return places;
}

TEST(MergedRows, AllPartitionsInOneOrder) {
  SeededRandom random(7);
  MemoryStore rows;
  RowBatch batch;
  std::set<std::string> expected;
  for (int i = 0; i < 500; ++i) {
    const auto partition = static_cast<Partition>(random.Next64() % kPartitions);
    const std::string place = std::to_string(random.Next64() % 1000) + '\0' + std::to_string(i);
    expected.insert(place);
    batch.Put(Prefix(partition) + place, std::to_string(partition));
    batch.Put(std::string{static_cast<char>(partition), 'n', 'u', '\0'} + place, "other tenant");
    batch.Put(std::string{static_cast<char>(partition), 'm'}, "other family");
  }
  ASSERT_TRUE(rows.Write(batch).ok());
  const std::vector<std::string> all(expected.begin(), expected.end());
  EXPECT_EQ(Places(rows, ""), all);
  for (size_t i = 0; i < all.size(); i += 37) {
    EXPECT_EQ(Places(rows, all[i]), std::vector<std::string>(all.begin() + i + 1, all.end()));
  }
}

TEST(MergedRows, GoesOnAfterAPlaceThatIsGone) {
  MemoryStore rows;
  RowBatch batch;
  batch.Put(Prefix(3) + "a", "3");
  batch.Put(Prefix(15) + "c", "15");
  ASSERT_TRUE(rows.Write(batch).ok());
  EXPECT_EQ(Places(rows, "b"), std::vector<std::string>{"c"});
  EXPECT_EQ(Places(rows, "c"), std::vector<std::string>{});
  EXPECT_EQ(Places(MemoryStore(), ""), std::vector<std::string>{});
}

TEST(PageSize, Bounds) {
  EXPECT_EQ(*PageSize(0), 50);
  EXPECT_EQ(*PageSize(1), 1);
  EXPECT_EQ(*PageSize(1000), 1000);
  EXPECT_EQ(*PageSize(1'000'000'000), 1000);
  EXPECT_EQ(PageSize(-1).status().code(), absl::StatusCode::kInvalidArgument);
}

class PageToken : public ::testing::Test {
 protected:
  void ExpectRefused(const std::string& hash, const std::string& token) {
    const auto place = OpenPageToken(hash, token, secret_);
    ASSERT_EQ(place.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(ReasonOf(place.status()), "PAGE_TOKEN_INVALID");
    google::rpc::BadRequest bad;
    const auto detail = place.status().GetPayload("type.googleapis.com/google.rpc.BadRequest");
    ASSERT_TRUE(detail && bad.ParseFromString(std::string(*detail)));
    EXPECT_EQ(bad.field_violations(0).field(), "page_token");
  }

  SeededRandom random_{1};
  Secret secret_ = *Secret::FromBytes(std::string(32, 's'));
  std::string hash_ = QueryHash("t", "List", {"name", ""});
};

TEST_F(PageToken, LeadsBackToItsPlace) {
  const std::string place = std::string("name\0id", 7);
  const std::string token = SealPageToken(hash_, place, secret_, random_);
  EXPECT_EQ(*OpenPageToken(hash_, token, secret_), place);
  EXPECT_EQ(token.find("name"), std::string::npos);
  EXPECT_EQ(*OpenPageToken(hash_, "", secret_), "");
}

TEST_F(PageToken, OfAnotherQueryIsRefused) {
  const std::string token = SealPageToken(hash_, "place", secret_, random_);
  ExpectRefused(QueryHash("u", "List", {"name", ""}), token);
  ExpectRefused(QueryHash("t", "Find", {"name", ""}), token);
  ExpectRefused(QueryHash("t", "List", {"name", "x"}), token);
  ExpectRefused(QueryHash("t", "List", {"", "name"}), token);
}

TEST_F(PageToken, ForgedIsRefused) {
  std::string token = SealPageToken(hash_, "place", secret_, random_);
  ExpectRefused(hash_, "garbage");
  ExpectRefused(hash_, token.substr(1));
  ExpectRefused(hash_, secret_.SealToken("position", "x", random_));
  ExpectRefused(hash_, secret_.SealToken("page", "\xff", random_));
  token[token.size() / 2] ^= 1;
  ExpectRefused(hash_, token);
}

}  // namespace
}  // namespace crm
