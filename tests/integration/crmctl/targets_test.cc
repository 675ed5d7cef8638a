// crmctl over servers of several services and replicas.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "tests/integration/crmctl/running_server.h"
#include "tests/support/temp_directory.h"

namespace crm::crmctl {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Nobody listens there.
constexpr char kAway[] = "127.0.0.1:1";

class TargetsTest : public ::testing::Test {
 protected:
  Ran At(const std::string& target, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"--target", target});
    return Crmctl(arguments);
  }

  // One contact, "Ada".
  Ran ImportAda(const std::string& target) {
    const std::string file = directory_.File("people.csv");
    std::ofstream(file) << "id,name\n1,Ada\n";
    return At(target, {"import", "contacts", file, "--source", "shop", "--key-column", "id",
                       "--map", "name=display_name"});
  }

  TempDirectory directory_;
  RunningServer server_{directory_.File("one")};
  const std::string here_ = "contact=" + server_.address();
};

TEST_F(TargetsTest, CallsGoToTheServiceTheyBelongTo) {
  const std::string targets = here_ + ",analytics=" + kAway;
  const Ran imported = ImportAda(targets);
  EXPECT_EQ(imported.exit_code, 0) << imported.err;
  EXPECT_THAT(At(targets, {"contact", "list"}).out, HasSubstr("Ada"));
  const Ran runs = At(targets, {"score", "runs"});
  EXPECT_EQ(runs.exit_code, 3);
  EXPECT_THAT(runs.err, HasSubstr(kAway));
}

TEST_F(TargetsTest, AReplicaThatIsAwayIsPassedOverAndNamed) {
  const std::string targets = std::string("contact=") + kAway + "," + here_;
  EXPECT_EQ(ImportAda(targets).exit_code, 0);
  EXPECT_THAT(At(targets, {"contact", "list"}).out, HasSubstr("Ada"));
  const Ran status = At(targets, {"status"});
  EXPECT_EQ(status.exit_code, 3);
  EXPECT_THAT(status.err, HasSubstr(std::string("contact@") + kAway + " did not answer"));
  EXPECT_THAT(status.out, HasSubstr("contact@" + server_.address()));
  EXPECT_THAT(status.out, Not(HasSubstr(kAway)));
  EXPECT_EQ(At(targets, {"wait"}).exit_code, 0);
  const Ran dump = At(targets, {"projection", "dump", "--service", "contact", "--hashes"});
  EXPECT_EQ(dump.exit_code, 0) << dump.err;
  const Ran verify = At(targets, {"projection", "verify", "--service", "contact"});
  EXPECT_EQ(verify.exit_code, 3);
  EXPECT_THAT(verify.err, HasSubstr(std::string("contact@") + kAway + " did not answer"));
  EXPECT_THAT(verify.out, HasSubstr("yes"));
  EXPECT_EQ(At(targets, {"dead-letters", "list"}).exit_code, 0);
  EXPECT_EQ(At(targets, {"log", "verify"}).exit_code, 0);
  EXPECT_THAT(At(targets, {"log", "cat"}).out, HasSubstr("ContactCreated"));
}

TEST_F(TargetsTest, AServiceWithoutAnyServerIsNoSmallThing) {
  const Ran status = At(here_ + ",campaign=" + kAway, {"status"});
  EXPECT_EQ(status.exit_code, 3);
  EXPECT_THAT(status.err, HasSubstr(kAway));
}

TEST_F(TargetsTest, ServersOfDifferentLogsAreNotMixed) {
  const RunningServer other(directory_.File("two"));
  const Ran status = At(here_ + ",contact=" + other.address(), {"status"});
  EXPECT_EQ(status.exit_code, 1);
  EXPECT_THAT(status.err, HasSubstr("different deployments"));
}

TEST_F(TargetsTest, AMalformedTargetIsAFaultOfTheCommandLine) {
  const Ran ran = At("people=127.0.0.1:1", {"status"});
  EXPECT_EQ(ran.exit_code, 2);
  EXPECT_THAT(ran.err, HasSubstr("SERVICE=HOST:PORT"));
}

}  // namespace
}  // namespace crm::crmctl
