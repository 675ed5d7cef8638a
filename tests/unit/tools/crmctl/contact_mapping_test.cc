#include "tools/crmctl/contact_mapping.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace crm::crmctl {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// The mapping of a header, and the rows it makes of a file.
class ContactMappingTest : public ::testing::Test {
 protected:
  absl::Status Map(const std::string& text, ContactColumns columns) {
    in_.str(text);
    in_.clear();
    auto table = CsvTable::Open(in_);
    EXPECT_TRUE(table.ok()) << table.status();
    columns.source = "shop";
    const auto mapping = ContactMapping::Make(columns, *table);
    if (!mapping.ok()) return mapping.status();
    rows_.clear();
    while (const auto record = table->Next()) rows_.push_back(mapping->ToRequest(*record));
    return absl::OkStatus();
  }
  const contact::v1::Contact& Contact(size_t row) { return rows_.at(row).request.contact(); }

  std::istringstream in_;
  std::vector<ContactMapping::Row> rows_;
};

TEST_F(ContactMappingTest, ColumnsBecomeFieldsAndTheMask) {
  ContactColumns columns;
  columns.key_column = "id";
  columns.map = {"first=given_name", "mail=emails", "mail 2=emails", "town=addresses.locality",
                 "zip=addresses.postal_code"};
  columns.kind = "organization";
  ASSERT_TRUE(Map("id,first,mail,mail 2,town,zip\n7,Ada,a@x.ch,b@x.ch,Bern,3000\n", columns).ok());
  EXPECT_EQ(Contact(0).external_key().source(), "shop");
  EXPECT_EQ(Contact(0).external_key().key(), "7");
  EXPECT_EQ(Contact(0).given_name(), "Ada");
  EXPECT_THAT(Contact(0).emails(), ElementsAre("a@x.ch", "b@x.ch"));
  ASSERT_EQ(Contact(0).addresses_size(), 1);
  EXPECT_EQ(Contact(0).addresses(0).locality(), "Bern");
  EXPECT_EQ(Contact(0).addresses(0).postal_code(), "3000");
  EXPECT_EQ(Contact(0).kind(), contact::v1::Contact::ORGANIZATION);
  EXPECT_THAT(rows_[0].request.update_mask().paths(),
              ElementsAre("given_name", "emails", "addresses", "kind"));
}

TEST_F(ContactMappingTest, EmptyCellsAndNaMakeNoTagAndEmptyCellsNoField) {
  ContactColumns columns;
  columns.key_column = "id";
  columns.map = {"mail=emails"};
  columns.tags_columns = {"age", "kids"};
  ASSERT_TRUE(Map("id,age,kids,mail\n1,65+,NA,\n2,,0,a@x.ch\n", columns).ok());
  EXPECT_THAT(Contact(0).tags(), ElementsAre("age:65+"));
  EXPECT_THAT(Contact(0).emails(), IsEmpty());
  EXPECT_THAT(Contact(1).tags(), ElementsAre("kids:0"));
  // The mask names what the file decides, so an emptied cell empties the field.
  EXPECT_THAT(rows_[0].request.update_mask().paths(), ElementsAre("emails", "tags"));
}

TEST_F(ContactMappingTest, ColumnNamesMayHoldAnEqualsSign) {
  ContactColumns columns;
  columns.key_column = "id";
  columns.map = {"a=b=display_name"};
  ASSERT_TRUE(Map("id,a=b\n1,Ada\n", columns).ok());
  EXPECT_EQ(Contact(0).display_name(), "Ada");
}

TEST_F(ContactMappingTest, EmptyKeyIsAFaultOfItsRow) {
  ContactColumns columns;
  columns.key_column = "id";
  ASSERT_TRUE(Map("name,id\nAda,\n", columns).ok());
  ASSERT_EQ(rows_[0].faults.size(), 1u);
  EXPECT_EQ(Describe(rows_[0].faults[0], {"name", "id"}),
            "line 2, column 2 (id): the key is empty; every row needs one of its own");
}

TEST_F(ContactMappingTest, AllFaultsOfTheColumnsAreNamedTogether) {
  ContactColumns columns;
  columns.key_column = "key";
  columns.map = {"id", "gone=emails", "id=etag", "id=name", "id=family_name", "id=family_name"};
  columns.tags_columns = {"colour"};
  const absl::Status status = Map("id\n", columns);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  const std::string message(status.message());
  EXPECT_THAT(message, HasSubstr("there is no column 'key'; there are: id"));
  EXPECT_THAT(message, HasSubstr("--map 'id' is not column=field"));
  EXPECT_THAT(message, HasSubstr("there is no column 'gone'"));
  EXPECT_THAT(message, HasSubstr("'etag' is no field"));
  EXPECT_THAT(message, HasSubstr("'name' is no field"));
  EXPECT_THAT(message, HasSubstr("'family_name' can take one column only"));
  EXPECT_THAT(message, HasSubstr("there is no column 'colour'"));
}

TEST(ContactMapping, EveryFieldOfAProfileCanBeMapped) {
  EXPECT_THAT(ContactMapping::Fields(),
              ElementsAre("display_name", "given_name", "family_name", "emails", "phones",
                          "addresses.lines", "addresses.locality", "addresses.administrative_area",
                          "addresses.postal_code", "addresses.region_code", "addresses.label",
                          "language_code", "region_code", "time_zone", "tags"));
}

}  // namespace
}  // namespace crm::crmctl
