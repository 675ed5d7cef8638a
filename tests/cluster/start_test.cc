// A process whose broker is not there yet.

#include "tests/cluster/cluster_test.h"
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

}  // namespace
}  // namespace crm
