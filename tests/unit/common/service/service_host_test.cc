#include "common/service/service_host.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "common/base/hash.h"
#include "common/log/memory/memory_log.h"
#include "common/projection/sealing.h"
#include "common/storage/storage_budget.h"
#include "services/contact/api/contact_service.h"
#include "tests/support/contact_client.h"
#include "tests/support/temp_directory.h"

namespace crm {
namespace {

constexpr TimeNs kPatience = 20 * kSecond;

// Holds a view's folds back while it is shut. Thread-safe.
class Gate {
 public:
  void Shut() {
    MutexLock lock(mutex_);
    shut_ = true;
  }
  void Open() {
    MutexLock lock(mutex_);
    shut_ = false;
    changed_.NotifyAll();
  }
  void Pass() {
    MutexLock lock(mutex_);
    changed_.Wait(lock, [this] { return !shut_; });
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool shut_ = false;
};

// A view that folds nothing while its gate is shut.
class GatedView final : public Projection {
 public:
  GatedView(std::unique_ptr<Projection> view, Gate& gate) : view_(std::move(view)), gate_(gate) {}

  std::string_view name() const override { return view_->name(); }
  int version() const override { return view_->version(); }
  std::unique_ptr<Fold> Begin(Partition partition, Rows& rows) const override {
    return std::make_unique<GatedFold>(view_->Begin(partition, rows), gate_);
  }
  std::string BusinessLine(std::string_view key, std::string_view value) const override {
    return view_->BusinessLine(key, value);
  }

 private:
  class GatedFold final : public Fold {
   public:
    GatedFold(std::unique_ptr<Fold> fold, Gate& gate) : fold_(std::move(fold)), gate_(gate) {}
    absl::Status Apply(std::span<const Event> command) override {
      gate_.Pass();
      return fold_->Apply(command);
    }
    absl::Status Unreadable(std::string_view tenant, std::string_view subject, Offset offset,
                            const absl::Status& why) override {
      return fold_->Unreadable(tenant, subject, offset, why);
    }
    absl::Status Flush() override { return fold_->Flush(); }

   private:
    const std::unique_ptr<Fold> fold_;
    Gate& gate_;
  };

  const std::unique_ptr<Projection> view_;
  Gate& gate_;
};

// The contact service over a log in memory, with a client.
class ServiceHostTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ServiceDefinition service = contact::MakeContactService({});
    // Only the log of its own topic is there.
    service.reactions.clear();
    auto& view = service.views.front().projection;
    view = std::make_unique<GatedView>(std::move(view), gate_);
    HostOptions options;
    options.data_directory = directory_.path();
    host_ = std::make_unique<ServiceHost>(
        std::move(service), [this](const std::string&) -> Log& { return log_; },
        HostEnvironment{clock_, random_, secret_, sealer_, budget_, queries_}, options);
    host_->Register(server_);
    ASSERT_TRUE(host_->Start().ok());
    ASSERT_TRUE(host_->WaitOpen(clock_.Monotonic() + kPatience));
    ASSERT_TRUE(server_.Start().ok());
    client_ = std::make_unique<ContactClient>("127.0.0.1:" + std::to_string(server_.port()));
  }
  void TearDown() override {
    gate_.Open();
    server_.Shutdown(kSecond);
    host_->Stop();
  }

  Answered<contact::v1::Contact> Create(const std::string& name) {
    contact::v1::CreateContactRequest request;
    request.mutable_contact()->set_display_name(name);
    request.set_request_id("create " + name);
    return client_->Create(request);
  }
  Answered<contact::v1::ListContactsResponse> List(const CallOptions& options = {}) {
    contact::v1::ListContactsRequest request;
    request.set_order_by("display_name");
    return client_->List(request, options);
  }
  // How far a token says the partition was read.
  Offset ReadTo(const std::string& token, Partition partition) {
    const auto parts =
        PositionTokens(secret_, random_, log_.topic(), log_.identity()).Open({token});
    EXPECT_TRUE(parts.ok()) << parts.status();
    for (const auto& [part, offset] : parts->at(log_.topic())) {
      if (part == partition) return offset;
    }
    return 0;
  }

  SystemClock clock_;
  SystemRandom random_;
  TempDirectory directory_;
  const Secret secret_ = *Secret::FromBytes(std::string(32, 's'));
  PlainSealer sealer_;
  StorageBudget budget_{32 << 20};
  WorkQueue queries_{1, 16};
  Gate gate_;
  MemoryLog log_{{.topic = "crm.contact.events", .identity = {"log", "check", 0}}};
  RpcServer server_{{.listen = "127.0.0.1:0"}, clock_, nullptr};
  std::unique_ptr<ServiceHost> host_;
  std::unique_ptr<ContactClient> client_;
};

// Whoever takes the list's position along must find there whatever the list lacked.
TEST_F(ServiceHostTest, AListsPositionIsNotNewerThanWhatItShows) {
  const auto first = Create("Ada");
  ASSERT_TRUE(first.ok()) << first.status;
  const auto caught_up = List({{{"crm-min-position", first.position}}});
  ASSERT_TRUE(caught_up.ok()) << caught_up.status;
  EXPECT_EQ(caught_up.response.contacts_size(), 1);

  gate_.Shut();
  const auto second = Create("Grace");
  ASSERT_TRUE(second.ok()) << second.status;
  const auto behind = List();
  ASSERT_TRUE(behind.ok()) << behind.status;
  EXPECT_EQ(behind.response.contacts_size(), 1);
  const Partition partition = PartitionOf("default/" + second.response.name());
  EXPECT_LT(ReadTo(behind.position, partition), ReadTo(second.position, partition));

  gate_.Open();
  const auto after = List({{{"crm-min-position", second.position}}});
  ASSERT_TRUE(after.ok()) << after.status;
  EXPECT_EQ(after.response.contacts_size(), 2);
  EXPECT_GE(ReadTo(after.position, partition), ReadTo(second.position, partition));
}

}  // namespace
}  // namespace crm
