#include "common/projection/tenants_seen.h"

#include <gtest/gtest.h>

#include "common/projection/batch_rows.h"
#include "common/projection/partition_fold.h"
#include "common/storage/memory_store.h"
#include "tests/support/contact_log.h"

namespace crm {
namespace {

using testing::ContactSource;

constexpr Partition kPartition = 5;

// One partition's fold over records whose values nobody can read, so that each that is decoded is
// counted.
class TenantsSeenTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(fold_.Accept({.offset = 0, .kind = RecordKind::kOwn}).ok()); }
  void Event(const std::string& key) {
    const int64_t offset = ++offset_;
    ASSERT_TRUE(fold_
                    .Accept({.offset = offset,
                             .key = key,
                             .fence = 0,
                             .seq = offset,
                             .last = true,
                             .value = "\xff"})
                    .ok());
  }
  bool Has(std::string_view tenant) {
    EXPECT_TRUE(fold_.Flush().ok());
    EXPECT_TRUE(store_.Write(rows_.Take()).ok());
    return *TenantsSeen::Has(store_, tenant);
  }

  const TenantsSeen view_{};
  MemoryStore store_;
  BatchRows rows_{store_};
  PartitionFold fold_{view_, ContactSource(), {"log", "check", 0}, kPartition, {}, rows_};
  int64_t offset_ = 0;
};

TEST_F(TenantsSeenTest, WhoseEventsAreThereIsSeen) {
  EXPECT_FALSE(Has("acme"));
  Event("acme/contacts/c1");
  EXPECT_TRUE(Has("acme"));
  EXPECT_FALSE(Has("acm"));
  EXPECT_FALSE(Has("acmes"));
}

TEST_F(TenantsSeenTest, FirstRecordOfATenantAloneIsDecoded) {
  Event("acme/contacts/c1");
  Event("bob/contacts/c2");
  Event("acme/contacts/c3");
  Event("bob/tenants/bob");
  EXPECT_EQ(fold_.unreadable(), 2);
  EXPECT_EQ(fold_.position().stored, offset_ + 1);
  EXPECT_TRUE(Has("acme"));
  EXPECT_TRUE(Has("bob"));
}

TEST_F(TenantsSeenTest, RowsAreThoseOfAnyBatches) {
  Event("acme/contacts/c1");
  EXPECT_TRUE(Has("acme"));
  PartitionFold later(view_, ContactSource(), {"log", "check", 0}, kPartition, fold_.position(),
                      rows_);
  ASSERT_TRUE(later
                  .Accept({.offset = 2,
                           .key = "acme/contacts/c2",
                           .fence = 0,
                           .seq = 2,
                           .last = true,
                           .value = "\xff"})
                  .ok());
  ASSERT_TRUE(later.Flush().ok());
  const RowBatch written = rows_.Take();
  for (const auto& op : written.ops()) EXPECT_EQ(op.key[1], 'm');
}

}  // namespace
}  // namespace crm
