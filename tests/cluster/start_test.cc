// A process whose broker is not there, at the start or later.

#include "tests/cluster/cluster_test.h"
#include "tests/integration/crmctl/running_server.h"
#include "tests/support/http_get.h"

namespace crm {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class StartTest : public ClusterTest {
 protected:
  // Brokers that have addresses and do not run, and a process that wants them.
  void SetUp() override {
    cluster_ = std::make_unique<Cluster>();
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    ASSERT_TRUE(IsOk(cluster_->Start(std::string("StartTest.") + test->name())));
    ASSERT_TRUE(IsOk(cluster_->brokers().KillBroker(1)));
    admin_ = fmt::format("127.0.0.1:{}", FreePort());
    std::vector<std::string> flags = cluster_->EngineFlags("early");
    flags.insert(flags.end(), {"--admin-listen", admin_});
    process_ = std::make_unique<ServerProcess>(directory_.File("early"), flags, ContactBinary());
    process_->Launch();
    ASSERT_TRUE(
        Eventually(kPatience,
                   [this] {
                     return HttpGet(admin_, "/readyz").find(cluster_->brokers().bootstrap()) !=
                            std::string::npos;
                   }))
        << "it does not say what it waits for:\n"
        << HttpGet(admin_, "/readyz") << process_->errors();
  }
  void TearDown() override {
    if (HasFailure() && process_ != nullptr) std::cout << process_->errors() << std::endl;
  }

  TempDirectory directory_;
  std::string admin_;
  std::unique_ptr<ServerProcess> process_;
};

TEST_F(StartTest, WaitsForItsBrokerAliveAndNotReady) {
  EXPECT_THAT(HttpGet(admin_, "/livez"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(HttpGet(admin_, "/startupz"), StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(HttpGet(admin_, "/readyz"), StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(process_->errors(), HasSubstr(cluster_->brokers().bootstrap()));
  ASSERT_TRUE(IsOk(cluster_->brokers().StartBroker(1)));
  ASSERT_TRUE(IsOk(process_->WaitUntilServing()));
  const ContactClient client(process_->address());
  EXPECT_TRUE(Eventually(kPatience, [&] {
    return client.Create(CreatePerson(1, "after the wait"), {{}, kSecond}).ok();
  }));
  EXPECT_TRUE(Eventually(
      kPatience, [this] { return HttpGet(admin_, "/readyz").starts_with("HTTP/1.1 200"); }));
}

TEST_F(StartTest, IsStoppedWhileItWaits) {
  EXPECT_EQ(process_->Stop(10 * kSecond), 0);
}

using AwayTest = ClusterTest;

TEST_F(AwayTest, StatusAndEventualReadsOfCrmctlWorkWithoutTheBroker) {
  ASSERT_NO_FATAL_FAILURE(Begin({"one"}));
  ASSERT_NE(probe_->WaitUntilAccepted(cluster_->callers(), PartitionProbe::All(), kPatience), 0);
  ASSERT_TRUE(IsOk(cluster_->WaitUntilFolded(kPatience)));
  ASSERT_TRUE(IsOk(cluster_->brokers().KillBroker(1)));
  const auto run = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(),
                     {"--timeout", "15", "--target", cluster_->replica("one").address()});
    return crmctl::Crmctl(arguments);
  };
  const crmctl::Ran status = run({"status"});
  EXPECT_EQ(status.exit_code, 0) << status.err;
  EXPECT_THAT(status.out, HasSubstr("unknown"));
  EXPECT_THAT(run({"projection", "status"}).out, HasSubstr("unknown"));
  const crmctl::Ran read = run({"--eventual", "contact", "get", probe_->NameOf(3)});
  EXPECT_EQ(read.exit_code, 0) << read.err;
  EXPECT_NE(run({"contact", "get", probe_->NameOf(3)}).exit_code, 0);
  ASSERT_TRUE(IsOk(cluster_->brokers().StartBroker(1)));
  EXPECT_TRUE(Eventually(kPatience, [&] {
    const crmctl::Ran again = run({"status"});
    return again.exit_code == 0 && again.out.find("unknown") == std::string::npos;
  }));
}

}  // namespace
}  // namespace crm
