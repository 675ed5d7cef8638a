// Files of contacts through `crmctl import contacts` into a server, and streams of ImportContacts.

#include <gmock/gmock.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/support/sync_stream.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "crm/contact/v1/contact_service.pb.h"
#include "tests/integration/crmctl/running_server.h"
#include "tests/support/temp_directory.h"
#include "tools/crmctl/csv_reader.h"

namespace crm::crmctl {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

namespace fs = std::filesystem;

constexpr char kData[] = CRM_SOURCE_DIR "/tests/data/";
constexpr char kMappings[] = CRM_SOURCE_DIR "/examples/imports/";

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in.good()) << path;
  return {std::istreambuf_iterator<char>(in), {}};
}

void WriteFile(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

std::vector<std::string> Lines(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

class ImportTest : public ::testing::Test {
 protected:
  std::string File(const std::string& name) const { return directory_.File(name); }
  Ran Import(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"--json", "import", "contacts"});
    return Crmctl(server_, std::move(arguments));
  }
  // Writes a file and a mapping for it, and imports it.
  Ran ImportText(const std::string& mapping, const std::string& text) {
    WriteFile(File("a.mapping"), mapping);
    WriteFile(File("a.csv"), text);
    return Import({File("a.csv"), "--mapping", File("a.mapping")});
  }
  std::map<std::string, contact::v1::Contact> Contacts() {
    const Ran ran = Crmctl(server_, {"--json", "contact", "list", "--all", "--page-size", "1000"});
    EXPECT_EQ(ran.exit_code, 0) << ran.err;
    std::map<std::string, contact::v1::Contact> contacts;
    for (const std::string& line : Lines(ran.out)) {
      contact::v1::Contact contact;
      EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(line, &contact).ok()) << line;
      contacts[contact.external_key().key()] = contact;
    }
    return contacts;
  }
  size_t Events() { return Lines(Crmctl(server_, {"--json", "log", "cat", "--valid"}).out).size(); }

  TempDirectory directory_;
  RunningServer server_{directory_.File("data")};
};

std::string Counts(int created, int updated, int unchanged, int failed) {
  return "\"created\":" + std::to_string(created) + ",\"updated\":" + std::to_string(updated) +
         ",\"unchanged\":" + std::to_string(unchanged) +
         ",\"superseded\":0,\"failed\":" + std::to_string(failed);
}

TEST_F(ImportTest, Febrl1ByItsMapping) {
  fs::copy(kData + std::string("febrl1.csv"), File("febrl1.csv"));
  const std::vector<std::string> import = {File("febrl1.csv"), "--mapping",
                                           kMappings + std::string("febrl1.mapping")};
  const Ran first = Import(import);
  EXPECT_EQ(first.exit_code, 0) << first.err;
  EXPECT_THAT(first.out, HasSubstr(Counts(1000, 0, 0, 0)));
  auto contacts = Contacts();
  EXPECT_EQ(contacts.size(), 1000u);
  const contact::v1::Contact& person = contacts["rec-122-org"];
  EXPECT_EQ(person.given_name(), "lachlan");
  EXPECT_EQ(person.family_name(), "berry");
  ASSERT_EQ(person.addresses_size(), 1);
  EXPECT_THAT(person.addresses(0).lines(), ElementsAre("69 giblin street", "killarney"));
  EXPECT_EQ(person.addresses(0).locality(), "bittern");
  EXPECT_EQ(person.addresses(0).postal_code(), "4814");
  EXPECT_EQ(person.addresses(0).region_code(), "AU");
  EXPECT_THAT(person.tags(), ElementsAre("born:19990219", "social-security:7364009"));
  EXPECT_EQ(contacts["rec-223-org"].given_name(), "");
  const size_t events = Events();
  EXPECT_THAT(Import(import).out, HasSubstr(Counts(0, 0, 1000, 0)));
  EXPECT_EQ(Events(), events);
  EXPECT_THAT(fs::exists(File("febrl1.csv.refused.csv")), false);
}

TEST_F(ImportTest, PeopleOfOrdersByTheirMapping) {
  const std::vector<std::string> import = {kData + std::string("rfm_orders.csv"), "--mapping",
                                           kMappings + std::string("rfm_people.mapping"), "--state",
                                           File("state")};
  const Ran first = Import(import);
  EXPECT_EQ(first.exit_code, 0) << first.err;
  EXPECT_THAT(first.out, HasSubstr(Counts(995, 0, 4906 - 995, 0)));
  auto contacts = Contacts();
  EXPECT_EQ(contacts.size(), 995u);
  EXPECT_EQ(contacts["Abbey O'Reilly"].family_name(), "O'Reilly");
  EXPECT_EQ(Events(), 995u);
  EXPECT_THAT(Import(import).out, HasSubstr(Counts(0, 0, 4906, 0)));
  EXPECT_EQ(Events(), 995u);
}

constexpr char kPeople[] =
    "[contact]\nsource = shop\nkey = id\n[columns]\nname = display_name\nmail = emails\n"
    "phone = phones\nregion = region_code\n";

// Columns of a CSV line that has no quotes.
std::vector<std::string> Cells(const std::string& line) {
  std::vector<std::string> cells(1);
  for (const char c : line) {
    if (c == ',') {
      cells.emplace_back();
    } else {
      cells.back().push_back(c);
    }
  }
  return cells;
}

TEST_F(ImportTest, EveryPhoneNumberOfAllCountries) {
  const auto lines = Lines(ReadFile(kData + std::string("phone_examples_third.csv")));
  std::string text = "id,name,mail,phone,region\n";
  for (size_t i = 1; i < lines.size(); ++i) {
    const auto cells = Cells(lines[i]);
    text += std::to_string(i) + ",,," + cells.at(2) + "," + cells.at(0) + "\n";
  }
  const Ran ran = ImportText(kPeople, text);
  auto contacts = Contacts();
  ASSERT_EQ(contacts.size(), lines.size() - 1) << ran.err;
  for (size_t i = 1; i < lines.size(); ++i) {
    EXPECT_THAT(contacts[std::to_string(i)].phones(), ElementsAre(Cells(lines[i]).at(3)));
  }
}

// ["address", "diagnosis"] pairs of a JSON file.
std::vector<std::pair<std::string, std::string>> Emails() {
  google::protobuf::ListValue list;
  const std::string text = ReadFile(kData + std::string("email_addresses_half.json"));
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(text, &list).ok());
  std::vector<std::pair<std::string, std::string>> emails;
  for (const auto& pair : list.values()) {
    const auto& values = pair.list_value().values();
    emails.emplace_back(values[0].string_value(), values[1].string_value());
  }
  return emails;
}

TEST_F(ImportTest, EveryEmailAddressByItsDiagnosis) {
  const auto emails = Emails();
  ASSERT_EQ(emails.size(), 93u);
  std::string text = "id,name,mail,phone,region\n";
  for (size_t i = 0; i < emails.size(); ++i) {
    std::vector<std::string> row = {std::to_string(i), "x", emails[i].first, "", ""};
    text += ToCsvLine(row, {});
  }
  const Ran ran = ImportText(kPeople, text);
  auto contacts = Contacts();
  std::set<std::string> refused;
  std::istringstream in(ReadFile(File("a.csv.refused.csv")));
  auto table = CsvTable::Open(in);
  while (const auto record = table->Next()) {
    // A NUL byte is a fault of the cell.
    const bool nul =
        emails.at(std::stoul(record->cells.at(0))).first.find('\0') != std::string::npos;
    EXPECT_EQ(record->cells.at(6), nul ? "mail" : "contact.emails[0]");
    refused.insert(record->cells.at(0));
  }
  for (size_t i = 0; i < emails.size(); ++i) {
    const auto& [address, diagnosis] = emails[i];
    const std::string key = std::to_string(i);
    EXPECT_NE(refused.contains(key), contacts.contains(key)) << address;
    // An empty cell is no address.
    if (diagnosis.starts_with("err") && !address.empty()) {
      EXPECT_TRUE(refused.contains(key)) << address;
    }
    if (diagnosis == "valid" || diagnosis.starts_with("dnsWarn") ||
        diagnosis.starts_with("rfc5321")) {
      EXPECT_TRUE(contacts.contains(key)) << address << " " << diagnosis;
    }
  }
}

TEST_F(ImportTest, RefusedRowsAreKeptAndCanBeMended) {
  const std::string header = "id,name,mail,phone,region\n";
  const Ran ran = ImportText(kPeople, header +
                                          "1,Ada,ada@example.com,,\n"
                                          "2,Bob,no address,12,XX\n"
                                          "3,Cyn\n"
                                          "4,\"two\nlines\",c@example.com,,\n"
                                          ",Dan,,,\n");
  EXPECT_EQ(ran.exit_code, 2);
  EXPECT_THAT(ran.out, HasSubstr(Counts(1, 0, 0, 4)));
  EXPECT_THAT(ran.err, HasSubstr("refused rows are in " + File("a.csv.refused.csv")));
  std::istringstream in(ReadFile(File("a.csv.refused.csv")));
  auto table = CsvTable::Open(in);
  ASSERT_TRUE(table.ok()) << table.status();
  std::vector<std::vector<std::string>> rows;
  while (auto record = table->Next()) rows.push_back(record->cells);
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_THAT(rows[0], ElementsAre("2", "Bob", "no address", "12", "XX", "3",
                                   "contact.region_code; contact.emails[0]; contact.phones[0]",
                                   HasSubstr("must be an e-mail address")));
  EXPECT_THAT(rows[1],
              ElementsAre("3", "Cyn", "", "", "", "4", "", "has 2 cells where the header has 5"));
  EXPECT_THAT(rows[2], ElementsAre("4", "two\nlines", "c@example.com", "", "", "5",
                                   "contact.display_name", HasSubstr("control characters")));
  EXPECT_THAT(rows[3], ElementsAre("", "Dan", "", "", "", "7", "id", HasSubstr("key is empty")));
  // Mended in the file of refused rows, which is imported as the file was.
  std::string mended = header.substr(0, header.size() - 1) +
                       ",refused_line,refused_field,"
                       "refused_reason\n2,Bob,bob@example.com,,,3,x,y\n5,Dan,bad,,,7,id,z\n";
  WriteFile(File("a.csv.refused.csv"), mended);
  const Ran again = Import({File("a.csv.refused.csv"), "--mapping", File("a.mapping")});
  EXPECT_THAT(again.out, HasSubstr(Counts(1, 0, 0, 1)));
  const auto second = Lines(ReadFile(File("a.csv.refused.csv.refused.csv")));
  EXPECT_THAT(second.at(0), HasSubstr("region,refused_line,refused_field,refused_reason"));
  EXPECT_THAT(second.at(0).find("refused_line"), second.at(0).rfind("refused_line"));
  EXPECT_THAT(second.at(1), HasSubstr("5,Dan,bad,,,3,contact.emails[0],"));
}

TEST_F(ImportTest, OtherEncodingsAndTheirRefusedRows) {
  const std::string mapping =
      "[file]\ndelimiter = ;\nencoding = windows-1252\n" + std::string(kPeople);
  const Ran ran =
      ImportText(mapping, "id;name;mail;phone;region\n1;Zo\xEB \x80;;;\n2;Zo\xEB;x;;\n");
  EXPECT_THAT(ran.out, HasSubstr(Counts(1, 0, 0, 1)));
  EXPECT_EQ(Contacts()["1"].display_name(), "Zoë €");
  // In UTF-8 with its mark, so that the same mapping reads them.
  const std::string refused = ReadFile(File("a.csv.refused.csv"));
  EXPECT_THAT(refused, HasSubstr("\xEF\xBB\xBFid;name;mail"));
  EXPECT_THAT(refused, HasSubstr("2;Zoë;x;;;3;"));
  const Ran again = Import({File("a.csv.refused.csv"), "--mapping", File("a.mapping")});
  EXPECT_THAT(again.out, HasSubstr(Counts(0, 0, 0, 1)));
}

std::string Utf16(const std::string& ascii) {
  std::string bytes = "\xFF\xFE";
  for (const char c : ascii) bytes += {c, '\0'};
  return bytes;
}

TEST_F(ImportTest, Utf16WithAMarkNeedsNoWordAndWithoutOneIsNamed) {
  const std::string text = "id,name,mail,phone,region\n1,\"A\"\"da\",a@example.com,,\n";
  EXPECT_THAT(ImportText(kPeople, Utf16(text)).out, HasSubstr(Counts(1, 0, 0, 0)));
  EXPECT_EQ(Contacts()["1"].display_name(), "A\"da");
  const Ran unmarked = ImportText(kPeople, Utf16(text).substr(2));
  EXPECT_EQ(unmarked.exit_code, 2);
  EXPECT_THAT(unmarked.err, HasSubstr("is the file UTF-16? Say so: encoding = utf-16le"));
  const Ran named =
      ImportText("[file]\nencoding = utf-16le\n" + std::string(kPeople), Utf16(text).substr(2));
  EXPECT_THAT(named.out, HasSubstr(Counts(0, 0, 1, 0)));
}

TEST_F(ImportTest, LineOf20MegabytesIsRefusedAndTheFileGoesOn) {
  const Ran ran = ImportText(kPeople, "id,name,mail,phone,region\n1,a,,,\n2," +
                                          std::string(20 << 20, 'x') + ",,,\n3,c,,,\n");
  EXPECT_EQ(ran.exit_code, 2);
  EXPECT_THAT(ran.out, HasSubstr(Counts(2, 0, 0, 1)));
  EXPECT_THAT(ran.err, HasSubstr("a.csv: line 3: is longer than 1048576 bytes"));
  EXPECT_THAT(ReadFile(File("a.csv.refused.csv")), HasSubstr("\n,,,,,3,,is longer than"));
}

TEST_F(ImportTest, FaultyMappingSendsNothing) {
  const size_t events = Events();
  const Ran ran =
      ImportText("[contact]\nkey = gone\n[columns]\nname = nickname\n", "id,name\n1,a\n");
  EXPECT_EQ(ran.exit_code, 2);
  EXPECT_THAT(ran.err, HasSubstr("[contact] needs a source"));
  EXPECT_THAT(ran.err, HasSubstr("nothing was sent"));
  EXPECT_EQ(Import({File("a.csv")}).exit_code, 2);
  EXPECT_EQ(Import({File("a.csv"), "--mapping", File("none")}).exit_code, 2);
  EXPECT_EQ(Import({File("a.csv"), "--mapping", File("a.mapping"), "--source", "x"}).exit_code, 2);
  EXPECT_EQ(Events(), events);
}

TEST_F(ImportTest, FieldsOfTheTenantHaveTheirDeclaredTypes) {
  const std::string mapping =
      "[contact]\nsource = shop\nkey = id\n[columns]\nsize = custom_fields.size\n"
      "age = custom_fields.age\n";
  const std::string text = "id,size,age\n1,42,45-54\n2,big,65+\n3,,old\n4,,\n";
  const Ran undeclared = ImportText(mapping, text);
  EXPECT_EQ(undeclared.exit_code, 2);
  EXPECT_THAT(undeclared.err, HasSubstr("the type of custom_fields.size is not known: declare"));
  const Ran set = Crmctl(server_, {"tenant", "set", "--field", "size=integer", "--field",
                                   "age=choice,choices=45-54|65+"});
  ASSERT_EQ(set.exit_code, 0) << set.err;
  const Ran ran = ImportText(mapping, text);
  EXPECT_THAT(ran.out, HasSubstr(Counts(2, 0, 0, 2))) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("line 3, column 2 (size): must be a whole number"));
  EXPECT_THAT(ran.err, HasSubstr("line 4: contact.custom_fields[0]"));
  const auto values = Contacts()["1"].custom_fields();
  ASSERT_EQ(values.size(), 2);
  EXPECT_EQ(values[0].choice(), "45-54");
  EXPECT_EQ(values[1].integer(), 42);
  // An emptied cell clears its field only.
  const Ran cleared = ImportText(mapping, "id,size,age\n1,,45-54\n");
  EXPECT_THAT(cleared.out, HasSubstr(Counts(0, 1, 0, 0))) << cleared.err;
  EXPECT_EQ(Contacts()["1"].custom_fields_size(), 1);
}

TEST_F(ImportTest, CardsOfAFile) {
  WriteFile(File("people.vcf"),
            "BEGIN:VCARD\r\nVERSION:4.0\r\nUID:1\r\nFN:Ada\r\nEMAIL:ada@example.com\r\n"
            "NOTE:x\r\nEND:VCARD\r\n"
            "BEGIN:VCARD\r\nVERSION:2.1\r\nFN:Bob\r\nEND:VCARD\r\n"
            "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:3\r\nFN:Cyn\r\nEMAIL:no address\r\nEND:VCARD\r\n");
  const Ran ran = Import({File("people.vcf"), "--source", "book"});
  EXPECT_EQ(ran.exit_code, 2);
  EXPECT_THAT(ran.out, HasSubstr(Counts(1, 0, 0, 2)));
  EXPECT_THAT(ran.err, HasSubstr("not imported, as contacts have no place for it: NOTE (1)"));
  EXPECT_EQ(Contacts()["1"].display_name(), "Ada");
  std::string refused = ReadFile(File("people.vcf.refused.vcf"));
  EXPECT_THAT(refused,
              HasSubstr("BEGIN:VCARD\r\nX-CRM-REFUSED:line 8: VERSION must be 3.0 or 4.0"));
  EXPECT_THAT(refused, HasSubstr("X-CRM-REFUSED:line 12: contact.emails[0]: must be an e-mail"));
  const size_t place = refused.find("no address");
  refused.replace(place, 10, "cyn@example.com");
  WriteFile(File("mended.vcf"), refused);
  EXPECT_THAT(Import({File("mended.vcf"), "--source", "book"}).out, HasSubstr(Counts(1, 0, 0, 1)));
  EXPECT_THAT(Contacts()["3"].emails(), ElementsAre("cyn@example.com"));
}

// One stream of ImportContacts: all written, then all read.
std::vector<contact::v1::ImportContactsResponse> Stream(
    const std::string& address, const std::vector<contact::v1::ImportContactsRequest>& items) {
  using contact::v1::ImportContactsRequest;
  using contact::v1::ImportContactsResponse;
  const auto channel = grpc::CreateChannel(address, grpc::InsecureChannelCredentials());
  const grpc::internal::RpcMethod method("/crm.contact.v1.ContactService/ImportContacts",
                                         grpc::internal::RpcMethod::BIDI_STREAMING, channel);
  grpc::ClientContext context;
  const std::unique_ptr<grpc::ClientReaderWriter<ImportContactsRequest, ImportContactsResponse>>
      stream(grpc::internal::ClientReaderWriterFactory<
             ImportContactsRequest, ImportContactsResponse>::Create(channel.get(), method,
                                                                    &context));
  std::vector<contact::v1::ImportContactsResponse> results;
  for (const auto& item : items) EXPECT_TRUE(stream->Write(item));
  EXPECT_TRUE(stream->WritesDone());
  for (contact::v1::ImportContactsResponse result; stream->Read(&result);) {
    results.push_back(result);
  }
  const grpc::Status end = stream->Finish();
  EXPECT_TRUE(end.ok()) << end.error_message();
  return results;
}

contact::v1::ImportContactsRequest ItemOf(int64_t row, const std::string& key,
                                          const std::string& name) {
  contact::v1::ImportContactsRequest item;
  item.set_row(row);
  auto* contact = item.mutable_command()->mutable_contact();
  contact->mutable_external_key()->set_source("shop");
  contact->mutable_external_key()->set_key(key);
  contact->set_display_name(name);
  return item;
}

TEST_F(ImportTest, SameContactInOneStreamIsAppliedInOrder) {
  std::vector<contact::v1::ImportContactsRequest> items;
  for (int64_t row = 0; row < 100; ++row) {
    items.push_back(ItemOf(row, "same", "Name " + std::to_string(row)));
  }
  std::map<int64_t, std::string> etags;
  for (const auto& result : Stream(server_.address(), items)) {
    EXPECT_FALSE(result.has_error()) << result.error().message();
    EXPECT_EQ(result.result().outcome(), result.row() == 0
                                             ? contact::v1::UpsertContactResponse::CREATED
                                             : contact::v1::UpsertContactResponse::UPDATED);
    etags[result.row()] = result.result().contact().etag();
  }
  ASSERT_EQ(etags.size(), 100u);
  for (const auto& [row, etag] : etags) EXPECT_EQ(etag, std::to_string(row + 1));
  EXPECT_EQ(Contacts()["same"].display_name(), "Name 99");
}

TEST_F(ImportTest, ImportThatIsRepeatedUnderItsIdHasItsFirstAnswers) {
  std::vector<contact::v1::ImportContactsRequest> items;
  for (int64_t row = 0; row < 50; ++row) {
    // Each contact is changed to another name and back.
    items.push_back(ItemOf(row, std::to_string(row % 10), row / 10 % 2 == 0 ? "A" : "B"));
  }
  items.front().set_import_id("spring");
  const auto sorted = [](std::vector<contact::v1::ImportContactsResponse> results) {
    std::map<int64_t, std::string> by_row;
    for (const auto& result : results) by_row[result.row()] = result.DebugString();
    return by_row;
  };
  const auto first = sorted(Stream(server_.address(), items));
  EXPECT_EQ(Events(), 50u);
  // Begun in the middle, and all of it.
  std::vector<contact::v1::ImportContactsRequest> rest(items.begin() + 20, items.end());
  rest.front().set_import_id("spring");
  Stream(server_.address(), rest);
  EXPECT_EQ(sorted(Stream(server_.address(), items)), first);
  EXPECT_EQ(Events(), 50u);
  // The same row with other content is a mistake, and named.
  auto other = ItemOf(3, "3", "C");
  other.set_import_id("spring");
  const auto refused = Stream(server_.address(), {other});
  EXPECT_EQ(refused.at(0).error().code(), 3);
  EXPECT_EQ(Events(), 50u);
}

TEST_F(ImportTest, BadItemsAreNamedAndTheStreamGoesOn) {
  std::vector<contact::v1::ImportContactsRequest> items = {
      ItemOf(1, "1", "A"), ItemOf(2, "", "B"), {}, ItemOf(4, "4", "D")};
  items[0].mutable_command()->mutable_contact()->add_emails("no address");
  items[2].set_row(3);
  std::map<int64_t, contact::v1::ImportContactsResponse> results;
  for (const auto& result : Stream(server_.address(), items)) results[result.row()] = result;
  EXPECT_EQ(results[1].error().code(), 3);
  EXPECT_THAT(results[1].error().message(), HasSubstr("contact.emails[0]"));
  EXPECT_THAT(results[2].error().message(), HasSubstr("contact.external_key.key"));
  EXPECT_THAT(results[3].error().message(), HasSubstr("contact"));
  EXPECT_EQ(results[4].result().outcome(), contact::v1::UpsertContactResponse::CREATED);
}

}  // namespace
}  // namespace crm::crmctl
