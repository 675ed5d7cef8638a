#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/base/hash.h"
#include "common/projection/sealing.h"
#include "common/service/service_host.h"
#include "common/storage/storage_budget.h"
#include "services/contact/api/contact_service.h"
#include "tests/support/contact_client.h"
#include "tests/support/eventually.h"
#include "tests/support/moody_log.h"
#include "tests/support/temp_directory.h"

namespace crm {
namespace {

using Mine = OwnershipHints::Mine;
using testing::MoodyLog;

constexpr TimeNs kPatience = 20 * kSecond;

Mine All(bool mine) {
  Mine all;
  all.fill(mine);
  return all;
}

// Hints as the test gives them.
class HintsByHand final : public OwnershipHints {
 public:
  explicit HintsByHand(std::vector<std::string> peers) : peers_(std::move(peers)) {
    for (auto& each : folded) each = 0;
  }
  void Start(OnChange changed, std::function<void()> replaced) override {
    changed_ = std::move(changed);
    replaced_ = std::move(replaced);
    ++started;
  }
  std::vector<std::string> Peers(TimeNs) override {
    EXPECT_EQ(stopped, 0) << "asked when it takes part no more";
    return peers_;
  }
  void Folded(Partition partition, Offset read_to) override {
    folded[static_cast<size_t>(partition)] = read_to;
  }
  void Stop() override { ++stopped; }

  void Give(const Mine& mine) { changed_(mine); }
  void Replace() { replaced_(); }

  std::atomic<int> started{0};
  std::atomic<int> stopped{0};
  std::array<std::atomic<Offset>, kPartitions> folded;

 private:
  const std::vector<std::string> peers_;
  OnChange changed_;
  std::function<void()> replaced_;
};

// One replica of the contact service, with a client of its own.
struct Replica {
  Replica(const std::string& name, MoodyLog& log, const Secret& secret,
          std::vector<std::string> peers)
      : hints(std::make_shared<HintsByHand>(std::move(peers))) {
    ServiceDefinition service = contact::MakeContactService({});
    // Only the log of its own topic is there.
    service.reactions.clear();
    HostOptions options;
    options.data_directory = directory.path();
    options.owner = name;
    options.endpoint = name + ":1";
    options.shared_log = true;
    options.hints = hints;
    options.replaced = [this] { replaced = true; };
    host = std::make_unique<ServiceHost>(
        std::move(service), [&log](const std::string&) -> Log& { return log; },
        HostEnvironment{clock, random, secret, sealer, budget, queries}, options);
    host->Register(server);
    EXPECT_TRUE(host->Start().ok());
    EXPECT_TRUE(host->WaitOpen(0)) << "there is nothing to wait for";
    EXPECT_TRUE(server.Start().ok());
    client = std::make_unique<ContactClient>("127.0.0.1:" + std::to_string(server.port()));
    ticker = std::thread([this] {
      while (!end) {
        host->Tick();
        std::this_thread::yield();
      }
    });
  }
  ~Replica() {
    Stop();
    end = true;
    ticker.join();
  }
  void Stop() {
    server.Shutdown(kSecond);
    host->Stop();
  }

  Answered<contact::v1::Contact> Create(const std::string& name) {
    contact::v1::CreateContactRequest request;
    request.mutable_contact()->set_display_name(name);
    request.set_request_id("create " + name);
    return client->Create(request);
  }
  Answered<contact::v1::Contact> CreateAtLast(const std::string& name) {
    Answered<contact::v1::Contact> answered;
    EXPECT_TRUE(Eventually(kPatience, [&] { return (answered = Create(name)).ok(); }))
        << answered.status;
    return answered;
  }
  Answered<contact::v1::Contact> Get(const std::string& name, const std::string& position = "") {
    contact::v1::GetContactRequest request;
    request.set_name(name);
    CallOptions options;
    if (!position.empty()) options.metadata = {{"crm-min-position", position}};
    return client->Get(request, options);
  }
  int open() const { return host->lane_counts().open_partitions; }

  SystemClock clock;
  SystemRandom random;
  TempDirectory directory;
  PlainSealer sealer;
  StorageBudget budget{32 << 20};
  WorkQueue queries{1, 16};
  RpcServer server{{.listen = "127.0.0.1:0"}, clock, nullptr};
  std::shared_ptr<HintsByHand> hints;
  std::atomic<bool> replaced{false};
  std::atomic<bool> end{false};
  std::unique_ptr<ServiceHost> host;
  std::unique_ptr<ContactClient> client;
  std::thread ticker;
};

// Two replicas over one log.
class SharedHostsTest : public ::testing::Test {
 protected:
  const Secret secret_ = *Secret::FromBytes(std::string(32, 's'));
  MoodyLog log_{"crm.contact.events"};
  Replica a_{"a", log_, secret_, {"b"}};
  Replica b_{"b", log_, secret_, {"a"}};
};

TEST_F(SharedHostsTest, EveryReplicaReadsWhatTheOwnerRecorded) {
  a_.hints->Give(All(true));
  const auto created = a_.CreateAtLast("Ada");
  const auto read = b_.Get(created.response.name(), created.position);
  ASSERT_TRUE(read.ok()) << read.status;
  EXPECT_EQ(read.response.display_name(), "Ada");
  const auto refused = b_.Create("Ada");
  EXPECT_EQ(refused.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(refused.status), "NOT_OWNER");
  EXPECT_EQ(ErrorMetadataOf(refused.status, "owner"), "a:1");
}

TEST_F(SharedHostsTest, OwnershipFollowsTheHints) {
  a_.hints->Give(All(true));
  const auto created = a_.CreateAtLast("Ada");
  a_.hints->Give(All(false));
  b_.hints->Give(All(true));
  EXPECT_TRUE(Eventually(kPatience, [this] { return a_.open() == 0 && b_.open() == kPartitions; }));
  const auto repeat = b_.CreateAtLast("Ada");
  EXPECT_EQ(repeat.response.name(), created.response.name());
  EXPECT_EQ(repeat.response.etag(), created.response.etag());
}

TEST_F(SharedHostsTest, AStopHandsOverToALivePeerAndThenLeaves) {
  a_.hints->Give(All(true));
  const auto created = a_.CreateAtLast("Ada");
  EXPECT_EQ(a_.hints->started, 1);
  a_.Stop();
  EXPECT_EQ(a_.hints->stopped, 1);
  EXPECT_TRUE(Eventually(kPatience, [this] { return b_.open() == kPartitions; }))
      << "nobody hints it";
  EXPECT_EQ(b_.CreateAtLast("Ada").response.name(), created.response.name());
}

TEST_F(SharedHostsTest, ACoreThatIsMadeAnewGetsTheLatestHint) {
  a_.hints->Give(All(true));
  ASSERT_TRUE(a_.CreateAtLast("Ada").ok());
  ServedProjection* core = a_.host->FindProjection("core");
  ASSERT_NE(core, nullptr);
  ASSERT_TRUE(core->Rebuild({}).ok());
  EXPECT_TRUE(Eventually(kPatience, [this] { return a_.open() == kPartitions; }));
}

TEST_F(SharedHostsTest, TellsHowFarItHasFolded) {
  a_.hints->Give(All(true));
  ASSERT_TRUE(Eventually(kPatience, [this] { return a_.open() == kPartitions; }));
  EXPECT_TRUE(Eventually(kPatience, [this] { return a_.hints->folded[0] >= 2; }));
}

TEST_F(SharedHostsTest, WhoeverWasReplacedIsTold) {
  EXPECT_FALSE(a_.replaced);
  a_.hints->Replace();
  EXPECT_TRUE(a_.replaced);
}

TEST_F(SharedHostsTest, APartitionWhoseLogWasTrimmedIsServedNoMoreAndTheOthersAre) {
  a_.hints->Give(All(true));
  const auto gone = a_.CreateAtLast("Ada");
  const Partition partition = PartitionOf("default/" + gone.response.name());
  Answered<contact::v1::Contact> other;
  for (int i = 0; i < 100; ++i) {
    other = a_.CreateAtLast("Grace " + std::to_string(i));
    if (PartitionOf("default/" + other.response.name()) != partition) break;
  }
  EXPECT_TRUE(a_.host->serving());
  log_.trimmed = partition;
  ASSERT_TRUE(Eventually(kPatience, [this] { return !a_.host->Fault().ok(); }));
  ASSERT_TRUE(Eventually(kPatience, [this] { return a_.open() == kPartitions - 1; }));
  EXPECT_FALSE(a_.host->serving());
  // The core may learn of it after a view.
  ASSERT_TRUE(Eventually(kPatience, [&] { return !a_.Get(gone.response.name()).ok(); }));
  const auto refused = a_.Get(gone.response.name());
  EXPECT_EQ(refused.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(refused.status), "LOG_TRIMMED");
  EXPECT_EQ(ReasonOf(a_.Create("Ada").status), "LOG_TRIMMED");
  EXPECT_TRUE(a_.Get(other.response.name()).ok());
}

}  // namespace
}  // namespace crm
