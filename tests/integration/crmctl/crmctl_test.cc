// crmctl from command line to exit code, against the services over an embedded log.

#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/time_util.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include "crm/admin/v1/admin_service.pb.h"
#include "crm/common/v1/log_export.pb.h"
#include "crm/contact/v1/contact_service.pb.h"
#include "tests/integration/crmctl/running_server.h"
#include "tests/support/temp_directory.h"

namespace crm::crmctl {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

namespace fs = std::filesystem;

constexpr char kHouseholds[] = CRM_SOURCE_DIR "/examples/complete_journey/households.csv";

std::vector<std::string> Lines(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

void WriteFile(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

template <typename Message>
std::vector<Message> FromJson(const std::string& text) {
  std::vector<Message> messages;
  for (const std::string& line : Lines(text)) {
    EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(line, &messages.emplace_back()).ok())
        << line;
  }
  return messages;
}

constexpr char kDemographics[] =
    "age,income,home_ownership,marital_status,household_size,household_comp,kids_count";

Ran ImportHouseholds(const RunningServer& server, const std::string& file) {
  return Crmctl(server, {"--json", "import", "contacts", file, "--source", "complete-journey",
                         "--key-column", "household_id", "--tags-columns", kDemographics});
}

int64_t LogEnd(const RunningServer& server) {
  const auto status =
      FromJson<admin::v1::GetStatusResponse>(Crmctl(server, {"status", "--json"}).out);
  int64_t end = 0;
  for (const auto& partition : status.at(0).services(0).partitions()) end += partition.end_offset();
  return end;
}

std::string BusinessHashes(const RunningServer& server) {
  const Ran ran = Crmctl(server, {"projection", "dump", "--business", "--hashes"});
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  return ran.out;
}

// The header, and the rows in another order.
std::string Shuffled(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::vector<std::string> lines = Lines(std::string(std::istreambuf_iterator<char>(in), {}));
  const uint64_t seed = SystemRandom().Next64();
  std::printf("seed %lu\n", static_cast<unsigned long>(seed));
  std::shuffle(lines.begin() + 1, lines.end(), std::mt19937_64(seed));
  std::string text;
  for (const std::string& line : lines) text += line + "\r\n";
  return text;
}

class CrmctlTest : public ::testing::Test {
 protected:
  std::string File(const std::string& name) const { return directory_.File(name); }
  // A file of people with the columns id, name and mail.
  Ran ImportPeople(const RunningServer& server, const std::string& rows) {
    WriteFile(File("people.csv"), "id,name,mail\n" + rows);
    return Crmctl(
        server, {"import", "contacts", File("people.csv"), "--source", "shop", "--key-column", "id",
                 "--map", "name=display_name", "--map", "mail=emails"});
  }

  TempDirectory directory_;
};

TEST_F(CrmctlTest, HouseholdsGoInOnceWhateverTheOrder) {
  std::string first_hashes;
  {
    RunningServer server(File("first"));
    const Ran first = ImportHouseholds(server, kHouseholds);
    EXPECT_EQ(first.exit_code, 0) << first.err;
    EXPECT_THAT(first.out,
                HasSubstr(R"("created":2379,"updated":0,"unchanged":0,"superseded":0,"failed":0)"));
    const int64_t end = LogEnd(server);
    const Ran second = ImportHouseholds(server, kHouseholds);
    EXPECT_EQ(second.exit_code, 0) << second.err;
    EXPECT_THAT(second.out,
                HasSubstr(R"("created":0,"updated":0,"unchanged":2379,"superseded":0,"failed":0)"));
    EXPECT_EQ(LogEnd(server), end);
    first_hashes = BusinessHashes(server);
  }
  WriteFile(File("shuffled.csv"), Shuffled(kHouseholds));
  RunningServer server(File("second"), File("first/secret"));
  const Ran shuffled = ImportHouseholds(server, File("shuffled.csv"));
  EXPECT_THAT(shuffled.out, HasSubstr(R"("created":2379)")) << shuffled.err;
  EXPECT_EQ(BusinessHashes(server), first_hashes);
}

TEST_F(CrmctlTest, BadHeaderSendsNothing) {
  RunningServer server(File("data"));
  const int64_t end = LogEnd(server);
  WriteFile(File("bad.csv"), "id,name,id\n1,Ada,1\n");
  const Ran ran = Crmctl(
      server, {"import", "contacts", File("bad.csv"), "--source", "shop", "--key-column", "id"});
  EXPECT_EQ(ran.exit_code, 2);
  EXPECT_THAT(ran.err, HasSubstr("line 1, column 3: 'id' is also the name of column 1"));
  EXPECT_THAT(ran.err, HasSubstr("nothing was sent"));
  const Ran no_column = Crmctl(
      server, {"import", "contacts", kHouseholds, "--source", "shop", "--key-column", "household"});
  EXPECT_EQ(no_column.exit_code, 2);
  EXPECT_THAT(no_column.err, HasSubstr("there is no column 'household'; there are: household_id"));
  const Ran no_file = Crmctl(
      server, {"import", "contacts", File("none.csv"), "--source", "shop", "--key-column", "id"});
  EXPECT_EQ(no_file.exit_code, 2);
  EXPECT_EQ(LogEnd(server), end);
}

TEST_F(CrmctlTest, BadRowsAreNamedAndTheOthersGoIn) {
  RunningServer server(File("data"));
  const Ran ran = ImportPeople(server,
                               "1,Ada,ada@example.com\n"
                               "2,Bob\n"
                               "3,\xFF,c@example.com\n"
                               ",Dan,d@example.com\n"
                               "5,Eve,not an address\n"
                               "6,\"Ray, Fay\",f@example.com\n"
                               "7,Guy,\"never closed\n");
  EXPECT_EQ(ran.exit_code, 2);
  EXPECT_THAT(ran.err, HasSubstr("people.csv: line 3: has 2 cells where the header has 3"));
  EXPECT_THAT(ran.err, HasSubstr("people.csv: line 4, column 2 (name): is not UTF-8"));
  EXPECT_THAT(ran.err, HasSubstr("people.csv: line 5, column 1 (id): the key is empty"));
  EXPECT_THAT(ran.err, HasSubstr("people.csv: line 6: "));
  EXPECT_THAT(ran.err, HasSubstr("contact.emails[0]"));
  EXPECT_THAT(ran.err, HasSubstr("people.csv: line 8, column 3 (mail): the quote that opens here"));
  EXPECT_THAT(ran.err, Not(HasSubstr("not an address")));
  const Ran list = Crmctl(server, {"--json", "contact", "list", "--all"});
  EXPECT_EQ(FromJson<contact::v1::Contact>(list.out).size(), 2u);
}

TEST_F(CrmctlTest, LaterRowOfAKeyWins) {
  RunningServer server(File("data"));
  std::string rows;
  for (int i = 0; i < 100; ++i) rows += "1,Name " + std::to_string(i) + ",\n";
  EXPECT_EQ(ImportPeople(server, rows).exit_code, 0);
  const Ran get = Crmctl(server, {"--json", "contact", "get", "--key", "shop/1"});
  EXPECT_EQ(FromJson<contact::v1::Contact>(get.out).at(0).display_name(), "Name 99");
}

TEST_F(CrmctlTest, HistoryAndAsOfShowThePast) {
  RunningServer server(File("data"));
  ASSERT_EQ(ImportPeople(server, "1,Ada,ada@example.com\n").exit_code, 0);
  ASSERT_EQ(ImportPeople(server, "1,Ada King,\n").exit_code, 0);
  const Ran history = Crmctl(server, {"--json", "contact", "history", "--key", "shop/1"});
  const auto revisions = FromJson<contact::v1::ContactRevision>(history.out);
  ASSERT_EQ(revisions.size(), 2u);
  EXPECT_EQ(revisions[0].event_type(), "ContactCreated");
  EXPECT_EQ(revisions[1].version(), 2);
  const std::string then = google::protobuf::util::TimeUtil::ToString(revisions[0].recorded_time());
  const Ran past = Crmctl(server, {"contact", "get", "--key", "shop/1", "--as-of", then});
  EXPECT_EQ(past.exit_code, 0) << past.err;
  EXPECT_THAT(past.out, HasSubstr("ada@example.com"));
  EXPECT_THAT(past.out, Not(HasSubstr("Ada King")));
  const Ran now = Crmctl(server, {"contact", "get", revisions[0].contact().name()});
  EXPECT_THAT(now.out, HasSubstr("Ada King"));
  EXPECT_THAT(now.out, Not(HasSubstr("ada@example.com")));
  EXPECT_EQ(Crmctl(server, {"contact", "get", "--key", "shop/1", "--as-of", "forged"}).exit_code,
            2);
  EXPECT_EQ(Crmctl(server, {"contact", "get", "--key", "shop/1", "--as-of", "1999-01-01T00:00:00Z"})
                .exit_code,
            1);
}

TEST_F(CrmctlTest, WhyNamesSourceTimeAndLosingValues) {
  RunningServer server(File("data"));
  ASSERT_EQ(ImportPeople(server, "1,Ada,ada@example.com\n").exit_code, 0);
  ASSERT_EQ(ImportPeople(server, "1,Ada King,ada@example.com\n").exit_code, 0);
  const Ran why = Crmctl(server, {"contact", "why", "--key", "shop/1"});
  EXPECT_EQ(why.exit_code, 0) << why.err;
  EXPECT_THAT(why.out, AllOf(HasSubstr("STANDING"), HasSubstr("shop"), HasSubstr("Ada King"),
                             HasSubstr("replaced"), HasSubstr("ada@example.com")));
  const Ran json = Crmctl(server, {"--json", "contact", "why", "--key", "shop/1", "display_name"});
  const auto fields = FromJson<contact::v1::FieldExplanation>(json.out);
  ASSERT_EQ(fields.size(), 1u);
  EXPECT_EQ(fields[0].taken().value().display_name(), "Ada King");
  EXPECT_EQ(fields[0].taken().version(), 2);
  ASSERT_EQ(fields[0].others_size(), 1);
  EXPECT_EQ(fields[0].others(0).source(), "shop");
  const std::string name = FromJson<contact::v1::Contact>(
                               Crmctl(server, {"--json", "contact", "get", "--key", "shop/1"}).out)
                               .at(0)
                               .name();
  EXPECT_THAT(Crmctl(server, {"contact", "why", name, "emails"}).out, Not(HasSubstr("Ada")));
  EXPECT_EQ(Crmctl(server, {"contact", "why", name, "no_such_field"}).exit_code, 2);
  EXPECT_EQ(Crmctl(server, {"contact", "why"}).exit_code, 2);
}

TEST_F(CrmctlTest, AskingForAKeyThatIsNotThereRecordsNothing) {
  RunningServer server(File("data"));
  const int64_t end = LogEnd(server);
  const Ran get = Crmctl(server, {"contact", "get", "--key", "shop/unknown"});
  EXPECT_EQ(get.exit_code, 1);
  EXPECT_THAT(get.err, HasSubstr("there is no contact with this external key"));
  EXPECT_EQ(Crmctl(server, {"contact", "history", "--key", "shop/unknown"}).exit_code, 1);
  EXPECT_EQ(Crmctl(server, {"contact", "get", "--key", "shop"}).exit_code, 2);
  EXPECT_EQ(LogEnd(server), end);
}

TEST_F(CrmctlTest, ListGoesThroughAllPagesInOrderOfName) {
  RunningServer server(File("data"));
  std::string rows;
  for (int i = 0; i < 57; ++i)
    rows += std::to_string(i) + "," + std::string(1, 'a' + i % 26) + ",\n";
  ASSERT_EQ(ImportPeople(server, rows).exit_code, 0);
  const Ran first = Crmctl(server, {"contact", "list", "--page-size", "10"});
  EXPECT_EQ(Lines(first.out).size(), 11u);
  EXPECT_THAT(first.err, HasSubstr("10 contacts; there are more: --all, or --page-token "));
  const Ran all = Crmctl(server, {"contact", "list", "--page-size", "10", "--all", "--json",
                                  "--order-by", "display_name"});
  const auto contacts = FromJson<contact::v1::Contact>(all.out);
  ASSERT_EQ(contacts.size(), 57u);
  EXPECT_TRUE(std::is_sorted(contacts.begin(), contacts.end(), [](const auto& a, const auto& b) {
    return a.display_name() < b.display_name();
  }));
}

TEST_F(CrmctlTest, ContactsAreFilteredAndSearched) {
  RunningServer server(File("data"));
  ASSERT_EQ(ImportPeople(server, "1,Ada King,\n2,Bob Hope,\n3,Cyn Adair,\n").exit_code, 0);
  const Ran all = Crmctl(server, {"contact", "list", "--all", "--json"});
  const auto contacts = FromJson<contact::v1::Contact>(all.out);
  ASSERT_FALSE(contacts.empty());
  const std::string& key = contacts.front().external_key().key();
  const Ran one = Crmctl(server, {"contact", "list", "--json", "--order-by", "create_time desc",
                                  "--filter", "external_key.key = \"" + key + "\""});
  ASSERT_EQ(one.exit_code, 0) << one.err;
  const auto listed = FromJson<contact::v1::Contact>(one.out);
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed.front().name(), contacts.front().name());
  const Ran wrong = Crmctl(server, {"contact", "list", "--filter", "shoe_size > 42"});
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("FILTER_INVALID"));
  const Ran found = Crmctl(server, {"contact", "search", "--json", "ADA"});
  ASSERT_EQ(found.exit_code, 0) << found.err;
  const auto people = FromJson<contact::v1::Contact>(found.out);
  ASSERT_EQ(people.size(), 2u);
  EXPECT_EQ(people[0].display_name(), "Ada King");
  EXPECT_EQ(people[1].display_name(), "Cyn Adair");
}

TEST_F(CrmctlTest, LogAndProjectionsAnswerTheSameOfAServerAndOfItsFiles) {
  const std::vector<std::vector<std::string>> commands = {
      {"log", "cat", "--valid", "--json", "--partition", "3"},
      {"log", "verify"},
      {"projection", "dump"},
      {"projection", "dump", "--business", "--hashes"},
      {"projection", "dump", "--projection", "contact-index", "--hashes"},
      {"dead-letters", "list"}};
  std::vector<std::string> of_server;
  {
    RunningServer server(File("data"));
    ASSERT_EQ(ImportHouseholds(server, kHouseholds).exit_code, 0);
    // Lists wait for the view they read.
    EXPECT_EQ(Crmctl(server, {"contact", "list", "--order-by", "display_name"}).exit_code, 0);
    const Ran verify = Crmctl(server, {"projection", "verify"});
    EXPECT_EQ(verify.exit_code, 0) << verify.err;
    EXPECT_EQ(Lines(verify.out).size(), 1u + 4 * kPartitions);
    EXPECT_THAT(verify.out, Not(HasSubstr("NO")));
    for (const auto& command : commands) {
      const Ran ran = Crmctl(server, command);
      EXPECT_EQ(ran.exit_code, 0) << ran.err;
      of_server.push_back(ran.out);
    }
    const Ran locked = Crmctl({"--data-dir", File("data"), "log", "verify"});
    EXPECT_EQ(locked.exit_code, 1);
    EXPECT_THAT(locked.err, HasSubstr("DIRECTORY_IN_USE"));
  }
  // A clean stop may record that it releases its partitions: that is no event.
  for (size_t i = 0; i < commands.size(); ++i) {
    if (commands[i][1] == "verify") continue;
    std::vector<std::string> command = commands[i];
    command.insert(command.begin(), {"--data-dir", File("data")});
    const Ran ran = Crmctl(command);
    EXPECT_EQ(ran.exit_code, 0) << ran.err;
    EXPECT_EQ(ran.out, of_server[i]) << command[2] << " " << command[3];
  }
  const Ran log = Crmctl({"--data-dir", File("data"), "log", "verify"});
  EXPECT_EQ(log.exit_code, 0) << log.err << log.out;
  const Ran verify = Crmctl({"--data-dir", File("data"), "projection", "verify"});
  EXPECT_EQ(verify.exit_code, 0) << verify.err;
}

TEST_F(CrmctlTest, RebuildKeepsWhatIsIn) {
  RunningServer server(File("data"));
  ASSERT_EQ(ImportHouseholds(server, kHouseholds).exit_code, 0);
  const std::string before = BusinessHashes(server);
  const Ran rebuild = Crmctl(server, {"projection", "rebuild"});
  EXPECT_EQ(rebuild.exit_code, 0) << rebuild.err;
  EXPECT_THAT(rebuild.out, HasSubstr("2,379"));
  EXPECT_EQ(rebuild.err, "");
  EXPECT_EQ(BusinessHashes(server), before);
  EXPECT_EQ(Crmctl(server, {"projection", "rebuild", "--projection", "none"}).exit_code, 2);
}

TEST_F(CrmctlTest, RebuildOfFilesPutsBackWhatIsMissing) {
  {
    RunningServer server(File("data"));
    ASSERT_EQ(ImportHouseholds(server, kHouseholds).exit_code, 0);
  }
  const Ran before = Crmctl({"--data-dir", File("data"), "projection", "dump"});
  fs::remove_all(File("data/contact"));
  const Ran missing = Crmctl({"--data-dir", File("data"), "projection", "dump"});
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_THAT(missing.err, HasSubstr("PROJECTION_NOT_BUILT"));
  fs::create_directories(File("data/contact"));
  const Ran rebuild = Crmctl({"--data-dir", File("data"), "projection", "rebuild"});
  EXPECT_EQ(rebuild.exit_code, 0) << rebuild.err;
  EXPECT_EQ(Crmctl({"--data-dir", File("data"), "projection", "dump"}).out, before.out);
}

TEST_F(CrmctlTest, RestoredLogIsAdoptedAndServesAgain) {
  { RunningServer(File("data")); }
  fs::copy(File("data/log"), File("older"), fs::copy_options::recursive);
  {
    RunningServer server(File("data"));
    ASSERT_EQ(ImportHouseholds(server, kHouseholds).exit_code, 0);
  }
  fs::remove_all(File("data/log"));
  fs::copy(File("older"), File("data/log"), fs::copy_options::recursive);

  const Ran asked = Crmctl({"log", "adopt-restored", "--data-dir", File("data")});
  EXPECT_EQ(asked.exit_code, 2);
  EXPECT_THAT(asked.err, HasSubstr("Nothing was done; repeat with --yes"));
  const Ran adopted = Crmctl({"log", "adopt-restored", "--data-dir", File("data"), "--yes"});
  EXPECT_EQ(adopted.exit_code, 0) << adopted.err;
  EXPECT_THAT(adopted.out, HasSubstr("The log is in epoch 1 now."));
  EXPECT_THAT(adopted.out, HasSubstr("Set aside: "));

  RunningServer server(File("data"));
  const Ran list = Crmctl(server, {"contact", "list"});
  EXPECT_EQ(list.err, "0 contacts\n");
  EXPECT_EQ(ImportHouseholds(server, kHouseholds).exit_code, 0);
  EXPECT_EQ(Crmctl(server, {"projection", "verify"}).exit_code, 0);
  EXPECT_EQ(Crmctl(server, {"log", "verify"}).exit_code, 0);
}

// Views and core as they were, over a log that went through files.
TEST_F(CrmctlTest, ImportedLogIsServedWithTheProjectionsOfBefore) {
  std::string before;
  {
    RunningServer server(File("data"));
    ASSERT_EQ(ImportHouseholds(server, kHouseholds).exit_code, 0);
    EXPECT_EQ(Crmctl(server, {"wait"}).exit_code, 0);
    before = Crmctl(server, {"projection", "dump"}).out;
  }
  const Ran exported = Crmctl({"log", "export", File("backup"), "--data-dir", File("data")});
  EXPECT_EQ(exported.exit_code, 0) << exported.err;
  const Ran verified = Crmctl({"log", "export", File("backup"), "--verify"});
  EXPECT_EQ(verified.exit_code, 0) << verified.err;
  fs::rename(File("data/log"), File("old-log"));
  const Ran imported = Crmctl({"log", "import", File("backup"), "--data-dir", File("data")});
  EXPECT_EQ(imported.exit_code, 0) << imported.err;
  // The same partitions with the same hashes, then a sentence.
  const std::vector<std::string> partitions = Lines(imported.out);
  ASSERT_EQ(partitions.size(), 2u + kPartitions);
  for (size_t i = 0; i <= kPartitions; ++i) EXPECT_EQ(partitions[i], Lines(exported.out).at(i));
  EXPECT_EQ(Crmctl({"--data-dir", File("data"), "projection", "verify"}).exit_code, 0);

  RunningServer server(File("data"));
  EXPECT_EQ(Crmctl(server, {"projection", "dump"}).out, before);
  EXPECT_EQ(Crmctl(server, {"log", "verify"}).exit_code, 0);
  // Every row is known already.
  const int64_t end = LogEnd(server);
  EXPECT_EQ(ImportHouseholds(server, kHouseholds).exit_code, 0);
  EXPECT_EQ(LogEnd(server), end);
}

TEST_F(CrmctlTest, DamagedExportIsNotImported) {
  { RunningServer(File("data")); }
  ASSERT_EQ(Crmctl({"log", "export", File("backup"), "--data-dir", File("data")}).exit_code, 0);
  const std::string file = "crm.contact.events/03-00000000000000000000.records";
  ASSERT_TRUE(fs::exists(File("backup/" + file)));
  std::ofstream(File("backup/" + file), std::ios::binary | std::ios::app) << "x";
  for (const auto& command : std::vector<std::vector<std::string>>{
           {"log", "export", File("backup"), "--verify"},
           {"log", "import", File("backup"), "--data-dir", File("new")}}) {
    const Ran ran = Crmctl(command);
    EXPECT_EQ(ran.exit_code, 1);
    EXPECT_THAT(ran.err, HasSubstr(file));
  }
  EXPECT_FALSE(fs::exists(File("new")));
}

TEST_F(CrmctlTest, MovingNeedsToKnowFromWhereAndWhereTo) {
  EXPECT_EQ(Crmctl({"log", "export", File("backup")}).exit_code, 2);
  { RunningServer(File("data")); }
  ASSERT_EQ(Crmctl({"log", "export", File("backup"), "--data-dir", File("data")}).exit_code, 0);
  const Ran nowhere = Crmctl({"log", "import", File("backup")});
  EXPECT_EQ(nowhere.exit_code, 2);
  EXPECT_THAT(nowhere.err, HasSubstr("--data-dir"));
  const Ran full = Crmctl({"log", "import", File("backup"), "--data-dir", File("data")});
  EXPECT_EQ(full.exit_code, 1);
  EXPECT_THAT(full.err, HasSubstr("TARGET_NOT_EMPTY"));
  const Ran copied =
      Crmctl({"log", "copy", "--data-dir", File("data"), "--to", File("other"), "--json"});
  EXPECT_EQ(copied.exit_code, 0) << copied.err;
  const auto partitions = FromJson<common::v1::MovedPartition>(copied.out);
  ASSERT_EQ(partitions.size(), static_cast<size_t>(kPartitions));
  EXPECT_EQ(partitions[0].records(), partitions[0].records_added());
}

TEST_F(CrmctlTest, TailShowsWhatComesAndEndsAtItsLimit) {
  RunningServer server(File("data"));
  ASSERT_EQ(ImportPeople(server, "1,Ada,\n").exit_code, 0);
  const int64_t end = LogEnd(server);
  std::atomic<bool> seen = false;
  std::thread later([&] {
    // As many as it takes: the tail begins at some moment while they come.
    for (int i = 2; !seen && i < 10'000; ++i) ImportPeople(server, std::to_string(i) + ",Bob,\n");
  });
  const Ran tail = Crmctl(server, {"log", "tail", "--limit", "1", "--json", "--valid"});
  seen = true;
  later.join();
  EXPECT_EQ(tail.exit_code, 0) << tail.err;
  const auto entries = FromJson<admin::v1::LogEntry>(tail.out);
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].event_type(), "crm.contact.v1.ContactCreated");
  EXPECT_GE(LogEnd(server), end + 1);
}

TEST_F(CrmctlTest, UnreachableServerAndWrongUseHaveCodesOfTheirOwn) {
  const Ran away = Crmctl({"--target", "127.0.0.1:1", "status"});
  EXPECT_EQ(away.exit_code, 3);
  EXPECT_THAT(away.err, HasSubstr("cannot reach a server at 127.0.0.1:1"));
  const Ran import = Crmctl({"--target", "127.0.0.1:1", "import", "contacts", kHouseholds,
                             "--source", "s", "--key-column", "household_id"});
  EXPECT_EQ(import.exit_code, 3);
  EXPECT_EQ(Crmctl({}).exit_code, 2);
  EXPECT_EQ(Crmctl({"contact", "get"}).exit_code, 2);
  EXPECT_EQ(Crmctl({"--help"}).exit_code, 0);
  const Ran unknown = Crmctl({"contcat", "list"});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("there is no command 'contcat'"));
  EXPECT_EQ(Crmctl({"log", "verify", "--data-dir", File("none")}).exit_code, 1);
  EXPECT_EQ(Crmctl({"contact", "list", "--data-dir", File("none")}).exit_code, 2);
}

TEST_F(CrmctlTest, TenantIsMadeShownAndSet) {
  RunningServer server(File("data"));
  const auto acme = [&server](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"--tenant", "acme"});
    return Crmctl(server, arguments);
  };
  const Ran unknown = acme({"contact", "list"});
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_THAT(unknown.err, HasSubstr("crmctl --tenant acme tenant create"));

  const std::vector<std::string> create = {"tenant",           "create", "--display-name", "Acme",
                                           "--default-region", "CH",     "--request-id",   "once"};
  const Ran made = acme(create);
  EXPECT_EQ(made.exit_code, 0) << made.err;
  EXPECT_THAT(made.out, HasSubstr("Acme"));
  EXPECT_EQ(acme(create).exit_code, 0);
  const Ran again = acme({"tenant", "create"});
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_THAT(again.err, HasSubstr("TENANT_EXISTS"));
  EXPECT_EQ(acme({"contact", "list"}).exit_code, 0);

  const Ran declared = acme({"tenant", "set", "--field", "age=choice,title=Age,choices=young|old",
                             "--field", "vip=flag,required"});
  EXPECT_EQ(declared.exit_code, 0) << declared.err;
  EXPECT_THAT(declared.out, HasSubstr("young, old"));
  EXPECT_THAT(acme({"tenant", "set", "--field", "age=text"}).err, HasSubstr("CUSTOM_FIELD_TYPE"));
  EXPECT_EQ(acme({"tenant", "set", "--optional", "vip", "--retire", "age"}).exit_code, 0);
  const Ran shown = acme({"--json", "tenant", "show"});
  const auto tenant = FromJson<contact::v1::Tenant>(shown.out).at(0);
  ASSERT_EQ(tenant.custom_fields_size(), 2);
  EXPECT_TRUE(tenant.custom_fields(0).retired());
  EXPECT_FALSE(tenant.custom_fields(1).required());
  EXPECT_EQ(tenant.default_region(), "CH");
  EXPECT_EQ(tenant.etag(), "3");

  // As it is shown it can be given to another, and what a file does not set stays.
  WriteFile(File("acme.json"), shown.out);
  const Ran copied = Crmctl(
      server, {"--tenant", "copy", "tenant", "create", "--file", File("acme.json"), "--json"});
  EXPECT_EQ(copied.exit_code, 0) << copied.err;
  EXPECT_EQ(FromJson<contact::v1::Tenant>(copied.out).at(0).custom_fields_size(), 2);
  WriteFile(File("language.json"), R"({"defaultLanguage": "de-CH"})");
  EXPECT_EQ(acme({"tenant", "set", "--file", File("language.json")}).exit_code, 0);
  EXPECT_THAT(acme({"tenant", "show"}).out, AllOf(HasSubstr("de-CH"), HasSubstr("Acme")));
}

TEST_F(CrmctlTest, TenantArgumentsThatMeanNothingAreRefused) {
  RunningServer server(File("data"));
  const Ran none = Crmctl(server, {"tenant", "show"});
  EXPECT_EQ(none.exit_code, 1);
  EXPECT_THAT(none.err, HasSubstr("TENANT_WITHOUT_SETTINGS"));
  WriteFile(File("wrong.json"), R"({"nickname": "x"})");
  for (const std::vector<std::string>& wrong :
       std::vector<std::vector<std::string>>{{"tenant", "set"},
                                             {"tenant", "set", "--field", "age"},
                                             {"tenant", "set", "--field", "age=colour"},
                                             {"tenant", "set", "--field", "age=text,sometimes"},
                                             {"tenant", "set", "--field", "Age=text"},
                                             {"tenant", "set", "--retire", "age"},
                                             {"tenant", "set", "--file", File("missing.json")},
                                             {"tenant", "set", "--file", File("wrong.json")},
                                             {"tenant", "set", "--default-region", "XX"},
                                             {"--tenant", "Acme", "tenant", "create"}}) {
    const Ran ran = Crmctl(server, wrong);
    EXPECT_EQ(ran.exit_code, 2) << wrong.back() << ran.err;
    EXPECT_FALSE(ran.err.empty());
  }
}

}  // namespace
}  // namespace crm::crmctl
