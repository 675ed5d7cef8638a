#include "tools/crmctl/contact_mapping.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <sstream>

#include "tools/crmctl/importing/mapping_file.h"

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
    const auto spec = SpecOf(columns);
    if (!spec.ok()) return spec.status();
    return Map(*spec, *table);
  }
  absl::Status Map(const ContactFileSpec& spec, CsvTable& table,
                   const CustomFieldTypes& types = {}) {
    const auto mapping = ContactMapping::Make(spec, table, types);
    if (!mapping.ok()) return mapping.status();
    rows_.clear();
    while (const auto record = table.Next()) rows_.push_back(mapping->ToRequest(*record));
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
  columns.map = {"id", "no equals sign"};
  EXPECT_THAT(std::string(Map("id\n", columns).message()),
              HasSubstr("--map 'id' is not column=field; --map 'no equals sign' is not"));
  columns.map = {"gone=emails", "id=etag", "id=name", "id=family_name", "id=family_name"};
  columns.tags_columns = {"colour"};
  const absl::Status status = Map("id\n", columns);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  const std::string message(status.message());
  EXPECT_THAT(message, HasSubstr("there is no column 'key'; there are: id"));
  EXPECT_THAT(message, HasSubstr("there is no column 'gone'"));
  EXPECT_THAT(message, HasSubstr("'etag' is no field"));
  EXPECT_THAT(message, HasSubstr("'name' is no field"));
  EXPECT_THAT(message, HasSubstr("'family_name' can take one column only"));
  EXPECT_THAT(message, HasSubstr("there is no column 'colour'"));
}

// A mapping file and a CSV file, to what comes of the rows.
class MappingFileTest : public ContactMappingTest {
 protected:
  absl::Status MapFile(const std::string& mapping, const std::string& text,
                       const CustomFieldTypes& types = {}) {
    std::istringstream in(mapping);
    const auto spec = ReadMappingFile(in);
    if (!spec.ok()) return spec.status();
    in_.str(text);
    in_.clear();
    auto table = CsvTable::Open(in_, spec->dialect);
    if (!table.ok()) return table.status();
    return Map(*spec, *table, types);
  }
  std::vector<std::string> Faults(size_t row) {
    std::vector<std::string> faults;
    for (const CsvFault& fault : rows_.at(row).faults) faults.push_back(Describe(fault, {}));
    return faults;
  }
};

constexpr char kContactSection[] = "[contact]\nsource = crm\nkey = id\n";

TEST_F(MappingFileTest, SaysHowTheFileIsWrittenAndWhatItsColumnsAre) {
  ASSERT_TRUE(
      MapFile(R"(# people
[file]
delimiter = ", "      # comma and blank
quote = "'"
encoding = iso-8859-1
nothing = -

[contact]
source = registry
key = id
kind = person
observe_time = seen

[columns]
first = given_name
"last = name" = family_name
number + street = addresses.lines
town = addresses.locality
second town = addresses[1].locality
mail = emails
other mail = emails
colour = tags
colour = tags[colour]
worry = concerns[price]
news = preferences[email/offers]

[constants]
region_code = AU
addresses.region_code = AU
tags = imported
)",
              "id, first, last = name, number, street, town, second town, mail, other mail, "
              "colour, worry, news, seen\n"
              "7, Zo\xEB, 'O''Neil, jr.', 48, goldfinch circuit, canterbury, hay, a@x.au, "
              "b@x.au, red, -, no, 2024-05-01\n")
          .ok());
  ASSERT_THAT(Faults(0), IsEmpty());
  contact::v1::UpsertContactRequest expected;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(
      contact {
        external_key { source: "registry" key: "7" }
        kind: PERSON
        given_name: "Zoë" family_name: "O'Neil, jr." region_code: "AU"
        emails: "a@x.au" emails: "b@x.au"
        addresses { lines: "48 goldfinch circuit" locality: "canterbury" region_code: "AU" }
        addresses { locality: "hay" }
        tags: "red" tags: "colour:red" tags: "imported"
        preferences { channel: "email" topic: "offers" attitude: UNWANTED }
      }
      update_mask {
        paths: "given_name" paths: "family_name" paths: "addresses" paths: "emails" paths: "tags"
        paths: "concerns" paths: "preferences" paths: "region_code" paths: "kind"
      }
      observe_time { seconds: 1714521600 })",
                                                            &expected));
  EXPECT_EQ(rows_[0].request.DebugString(), expected.DebugString());
}

TEST_F(MappingFileTest, EmptyCellsClearUnlessToldToKeep) {
  const std::string columns = "[columns]\na = given_name\nb = family_name\n";
  ASSERT_TRUE(MapFile(kContactSection + columns, "id,a,b\n1,Ada,\n").ok());
  EXPECT_THAT(rows_[0].request.update_mask().paths(), ElementsAre("given_name", "family_name"));
  ASSERT_TRUE(MapFile(kContactSection + ("empty = keep\n" + columns), "id,a,b\n1,Ada,\n").ok());
  EXPECT_THAT(rows_[0].request.update_mask().paths(), ElementsAre("given_name"));
}

TEST_F(MappingFileTest, CustomFieldsHaveTheTypeThatWasDeclaredOrNamed) {
  using contact::v1::CustomField;
  const std::string mapping = std::string(kContactSection) +
                              "[columns]\na = custom_fields.size\nb = custom_fields.born:date\n"
                              "c = custom_fields.vip\nd = custom_fields.weight:number\n";
  const CustomFieldTypes types = {{"size", CustomField::INTEGER}, {"vip", CustomField::FLAG}};
  ASSERT_TRUE(
      MapFile(mapping, "id,a,b,c,d\n1,42,1990-01-31,yes,1.5\n2,big,,maybe,x\n3,,,,\n", types).ok());
  const auto& values = Contact(0).custom_fields();
  ASSERT_EQ(values.size(), 4);
  EXPECT_EQ(values[0].integer(), 42);
  EXPECT_EQ(values[1].date(), "1990-01-31");
  EXPECT_TRUE(values[2].flag());
  EXPECT_EQ(values[3].number(), 1.5);
  EXPECT_THAT(rows_[0].request.update_mask().paths(),
              ElementsAre("custom_fields.size", "custom_fields.born", "custom_fields.vip",
                          "custom_fields.weight"));
  EXPECT_THAT(Faults(1), ElementsAre("line 3, column 2: must be a whole number",
                                     HasSubstr("line 3, column 4: must be yes"),
                                     "line 3, column 5: must be a number"));
  EXPECT_EQ(Contact(2).custom_fields_size(), 0);
  const absl::Status undeclared = MapFile(mapping, "id,a,b,c,d\n");
  EXPECT_THAT(std::string(undeclared.message()),
              HasSubstr("line 5: the type of custom_fields.size is not known: declare the field"));
}

TEST_F(MappingFileTest, AllFaultsAreNamedTogetherByLine) {
  const absl::Status status = MapFile(R"(early = x
[file]
delimiter = ""
quote = ab
encoding = ebcdic
colour = red
[people]
ignored = x
[contact]
kind = robot
empty = maybe
kind = person
[columns]
no equals sign
a =
"open = given_name
)",
                                      "id\n");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  const std::string message(status.message());
  for (const char* fault :
       {"line 1: stands before the first section", "line 3: delimiter:", "line 4: quote:",
        "line 5: encoding: utf-8, utf-16le", "line 6: [file] has no 'colour'; it has delimiter",
        "line 7: there are the sections", "line 10: kind: person or organization",
        "line 11: empty: clear or keep", "line 12: kind is set twice",
        "line 14: is not 'name = value'", "line 15: is not 'name = value'",
        "line 16: is not 'name = value'", "[contact] needs a source", "[contact] needs a key"}) {
    EXPECT_THAT(message, HasSubstr(fault));
  }
}

TEST_F(MappingFileTest, FieldsThatAreNoneAreNamedByLine) {
  const absl::Status status = MapFile(std::string(kContactSection) +
                                          "[columns]\nid = etag\nid = addresses[20].lines\n"
                                          "id = tags[\n[constants]\nlanguage = de\n",
                                      "id\n1\n");
  for (const char* fault : {"line 5: 'etag' is no field; there are: display_name",
                            "line 6: 'addresses[20].lines' is no field",
                            "line 7: 'tags[' is no field", "line 9: 'language' is no field"}) {
    EXPECT_THAT(std::string(status.message()), HasSubstr(fault));
  }
}

TEST_F(MappingFileTest, WhatDoesNotFitTheFileIsNamedByLine) {
  const absl::Status status = MapFile(std::string(kContactSection) +
                                          "[columns]\nid = given_name\nid = given_name\n"
                                          "gone = emails\n[constants]\n"
                                          "preferences[email/x] = perhaps\n",
                                      "id\n1\n");
  for (const char* fault :
       {"line 6: 'given_name' can take one column only", "there is no column 'gone'",
        "line 9: preferences[email/x] must be wanted"}) {
    EXPECT_THAT(std::string(status.message()), HasSubstr(fault));
  }
}

TEST(ContactField, PlainOnesAreFieldsOfAContact) {
  for (const std::string& name : ContactField::Plain()) {
    const auto field = ContactField::Parse(name, {});
    ASSERT_TRUE(field.ok()) << field.status();
    contact::v1::Contact contact;
    EXPECT_EQ(field->Set(&contact, "x"), "");
    EXPECT_GT(contact.ByteSizeLong(), 0u) << name;
  }
}

}  // namespace
}  // namespace crm::crmctl
