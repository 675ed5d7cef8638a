// A process over brokers that want TLS and a password.

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/cluster/cluster_test.h"
#include "tests/support/http_get.h"

namespace crm {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::string FirstLineOf(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

void Write(const std::string& path, const std::string& text) {
  std::ofstream(path) << text;
}

// Lines of `text` that hold each of `words`.
int LinesWith(const std::string& text, const std::vector<std::string>& words) {
  int count = 0;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const bool all = std::all_of(words.begin(), words.end(), [&](const std::string& word) {
      return line.find(word) != std::string::npos;
    });
    count += all ? 1 : 0;
  }
  return count;
}

class SecuredStartTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto cluster = KafkaCluster::Start({.name = "SecuredStartTest", .tls = true, .sasl = true});
    ASSERT_TRUE(IsOk(cluster.status()));
    cluster_ = std::move(*cluster);
    directory_ = std::make_unique<TempDirectory>();
    Write(directory_->File("secret"), std::string(64, 'a') + "\n");
    std::filesystem::permissions(directory_->File("secret"), std::filesystem::perms::owner_read);
    password_ = FirstLineOf(cluster_->Secure("KAFKA_SASL_PASSWORD_FILE"));
    ASSERT_GE(password_.size(), 16u);
  }
  static void TearDownTestSuite() {
    cluster_.reset();
    directory_.reset();
  }
  void TearDown() override {
    if (process_ == nullptr) return;
    EXPECT_THAT(process_->errors(), Not(HasSubstr(password_)));
    if (HasFailure()) std::cout << process_->errors() << std::endl;
  }

  struct Access {
    std::string mechanism = "PLAIN";
    std::string password_file = cluster_->Secure("KAFKA_SASL_PASSWORD_FILE");
    std::string ca_file = cluster_->Secure("KAFKA_CA_FILE");
  };

  ServerProcess& Launch(const Access& access) {
    const std::string name =
        testing::UnitTest::GetInstance()->current_test_info()->name() + access.mechanism;
    admin_ = fmt::format("127.0.0.1:{}", FreePort());
    process_ = std::make_unique<ServerProcess>(
        directory_->File(name),
        std::vector<std::string>{"--engine",
                                 "kafka",
                                 "--kafka-bootstrap",
                                 cluster_->Secure("KAFKA_SASL_BOOTSTRAP"),
                                 "--create-topics",
                                 "--secret-file",
                                 directory_->File("secret"),
                                 "--instance",
                                 name,
                                 "--kafka-session-timeout",
                                 "3s",
                                 "--admin-listen",
                                 admin_,
                                 "--kafka-tls",
                                 "--kafka-ca-file",
                                 access.ca_file,
                                 "--kafka-sasl-mechanism",
                                 access.mechanism,
                                 "--kafka-sasl-username",
                                 cluster_->Secure("KAFKA_SASL_USERNAME"),
                                 "--kafka-sasl-password-file",
                                 access.password_file},
        ContactBinary());
    process_->Launch();
    return *process_;
  }

  void ExpectWritesAndReads(const std::string& mechanism) {
    SCOPED_TRACE(mechanism);
    ServerProcess& process = Launch({.mechanism = mechanism});
    ASSERT_TRUE(IsOk(process.WaitUntilServing()));
    const ContactClient client(process.address());
    Answered<ContactClient::Contact> created;
    ASSERT_TRUE(Eventually(kPatience, [&] {
      created = client.Create(CreatePerson(1, "over TLS"), {{}, kSecond});
      return created.ok();
    })) << created.status;
    const auto read = client.Get(created.response.name(), {{{"crm-consistency", "strong"}}});
    EXPECT_TRUE(IsOk(read.status));
    const std::string config = HttpGet(admin_, "/configz");
    EXPECT_THAT(config, HasSubstr("kafka-sasl-password-file"));
    EXPECT_THAT(config, Not(HasSubstr(password_)));
    EXPECT_EQ(process.Stop(), 0);
    EXPECT_THAT(process.errors(), Not(HasSubstr(password_)));
  }

  static inline std::unique_ptr<KafkaCluster> cluster_;
  static inline std::unique_ptr<TempDirectory> directory_;
  static inline std::string password_;
  std::string admin_;
  std::unique_ptr<ServerProcess> process_;
};

TEST_F(SecuredStartTest, WritesAndReadsOverTlsWithAPassword) {
  ASSERT_NO_FATAL_FAILURE(ExpectWritesAndReads("PLAIN"));
  // Brokers from 4 on refuse the client's nonce (docs/kafka.md).
  if (!std::string(std::getenv("TEST_KAFKA_VERSION")).starts_with("3.")) return;
  ASSERT_NO_FATAL_FAILURE(ExpectWritesAndReads("SCRAM-SHA-256"));
  ASSERT_NO_FATAL_FAILURE(ExpectWritesAndReads("SCRAM-SHA-512"));
}

TEST_F(SecuredStartTest, LeavesWithAWrongPassword) {
  const std::string wrong = "not-the-password-of-anybody";
  Write(directory_->File("wrong"), wrong + "\n");
  ServerProcess& process = Launch({.password_file = directory_->File("wrong")});
  const std::optional<int> code = process.WaitForExit(kPatience);
  ASSERT_TRUE(code.has_value());
  EXPECT_GT(*code, 0);
  EXPECT_EQ(LinesWith(process.errors(), {"--kafka-sasl-password-file"}), 1);
  EXPECT_THAT(process.errors(), Not(HasSubstr(wrong)));
}

TEST_F(SecuredStartTest, WaitsWhileItDoesNotTrustTheBrokers) {
  const std::string ca = directory_->File("other-ca.pem");
  const std::string made = fmt::format(
      "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=other -keyout '{}.key' -out "
      "'{}' 2>/dev/null",
      ca, ca);
  ASSERT_EQ(std::system(made.c_str()), 0);
  ServerProcess& process = Launch({.ca_file = ca});
  std::string ready;
  ASSERT_TRUE(Eventually(kPatience, [&] {
    ready = HttpGet(admin_, "/readyz");
    return ready.find("--kafka-ca-file") != std::string::npos;
  })) << ready;
  EXPECT_THAT(ready, StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(HttpGet(admin_, "/livez"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(HttpGet(admin_, "/configz"), Not(HasSubstr(password_)));
  EXPECT_EQ(LinesWith(process.errors(), {"waiting for the log", "--kafka-ca-file"}), 1);
  EXPECT_EQ(process.Stop(10 * kSecond), 0);
}

TEST_F(SecuredStartTest, LeavesWithoutTheFilesItWasGiven) {
  for (const Access& access :
       {Access{.password_file = "/nowhere"}, Access{.ca_file = "/nowhere"}}) {
    ServerProcess& process = Launch(access);
    const std::optional<int> code = process.WaitForExit(kPatience);
    ASSERT_TRUE(code.has_value());
    EXPECT_GT(*code, 0);
    const std::string flag =
        access.ca_file == "/nowhere" ? "--kafka-ca-file" : "--kafka-sasl-password-file";
    EXPECT_EQ(LinesWith(process.errors(), {flag}), 1);
  }
}

}  // namespace
}  // namespace crm
