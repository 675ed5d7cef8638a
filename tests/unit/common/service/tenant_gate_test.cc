#include "common/service/tenant_gate.h"

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "common/base/hash.h"
#include "common/log/memory/memory_log.h"
#include "common/projection/sealing.h"
#include "common/service/service_host.h"
#include "common/storage/storage_budget.h"
#include "crm/interaction/v1/interaction_service.pb.h"
#include "services/contact/api/contact_service.h"
#include "services/interaction/api/interaction_service.h"
#include "tests/support/contact_client.h"
#include "tests/support/temp_directory.h"

namespace crm {
namespace {

namespace cv = contact::v1;
namespace iv = interaction::v1;

constexpr TimeNs kPatience = 20 * kSecond;
constexpr char kCreateTenant[] = "/crm.contact.v1.ContactService/CreateTenant";
constexpr char kContactBrief[] = "/crm.interaction.v1.InteractionService/ContactBrief";

CallOptions As(const std::string& tenant) {
  return {{{"crm-tenant", tenant}}, kPatience};
}

// Holds a view's folds back while it is shut. Thread-safe.
class Sluice {
 public:
  void Set(bool open) {
    MutexLock lock(mutex_);
    open_ = open;
    changed_.NotifyAll();
  }
  void Pass() {
    MutexLock lock(mutex_);
    changed_.Wait(lock, [this] { return open_; });
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool open_ = true;
};

class HeldView final : public Projection {
 public:
  HeldView(std::unique_ptr<Projection> view, Sluice& sluice)
      : view_(std::move(view)), sluice_(sluice) {}
  std::string_view name() const override { return view_->name(); }
  int version() const override { return view_->version(); }
  std::unique_ptr<Fold> Begin(Partition partition, Rows& rows) const override {
    return std::make_unique<HeldFold>(view_->Begin(partition, rows), sluice_);
  }
  std::string BusinessLine(std::string_view key, std::string_view value) const override {
    return view_->BusinessLine(key, value);
  }

 private:
  class HeldFold final : public Fold {
   public:
    HeldFold(std::unique_ptr<Fold> fold, Sluice& sluice)
        : fold_(std::move(fold)), sluice_(sluice) {}
    bool Skips(std::string_view key) const override { return fold_->Skips(key); }
    absl::Status Apply(std::span<const Event> command) override {
      sluice_.Pass();
      return fold_->Apply(command);
    }
    absl::Status Unreadable(std::string_view tenant, std::string_view subject, Offset offset,
                            const absl::Status& why) override {
      return fold_->Unreadable(tenant, subject, offset, why);
    }
    absl::Status Flush() override { return fold_->Flush(); }

   private:
    const std::unique_ptr<Fold> fold_;
    Sluice& sluice_;
  };

  const std::unique_ptr<Projection> view_;
  Sluice& sluice_;
};

// Two services, each over its own log in memory, as two processes have them.
class TenantGateTest : public ::testing::Test {
 protected:
  void SetUp() override { Serve(false); }
  void TearDown() override { Stop(); }

  void Serve(bool accept_unknown) {
    ServiceDefinition contacts = contact::MakeContactService({});
    contacts.reactions.clear();
    ServiceDefinition interactions = interaction::MakeInteractionService({clock_});
    auto& tenants = interactions.views.back().projection;
    ASSERT_EQ(tenants->name(), "tenants");
    tenants = std::make_unique<HeldView>(std::move(tenants), sluice_);
    server_ =
        std::make_unique<RpcServer>(RpcServerOptions{.listen = "127.0.0.1:0"}, clock_, nullptr);
    for (ServiceDefinition* definition : {&contacts, &interactions}) {
      HostOptions options;
      options.data_directory = directory_.path();
      options.accept_unknown_tenants = accept_unknown;
      hosts_.push_back(std::make_unique<ServiceHost>(
          std::move(*definition),
          [this](const std::string& topic) -> Log& {
            return topic == contact_log_.topic() ? contact_log_ : interaction_log_;
          },
          HostEnvironment{clock_, random_, secret_, sealer_, budget_, queries_}, options));
      hosts_.back()->Register(*server_);
      ASSERT_TRUE(hosts_.back()->Start().ok());
      ASSERT_TRUE(hosts_.back()->WaitOpen(clock_.Monotonic() + kPatience));
    }
    ASSERT_TRUE(server_->Start().ok());
    client_ = std::make_unique<ContactClient>("127.0.0.1:" + std::to_string(server_->port()));
  }

  void Stop() {
    sluice_.Set(true);
    server_->Shutdown(kSecond);
    for (const auto& host : hosts_) host->Stop();
    client_.reset();
    server_.reset();
    hosts_.clear();
  }

  absl::Status Make(const std::string& tenant) {
    return client_->Call<cv::Tenant>(kCreateTenant, cv::CreateTenantRequest(), As(tenant)).status;
  }
  absl::Status AskContacts(const std::string& tenant) {
    cv::ListContactsRequest request;
    return client_->List(request, As(tenant)).status;
  }
  absl::Status AskInteractions(const std::string& tenant, TimeNs timeout = kPatience) {
    iv::ContactBriefRequest request;
    request.mutable_contact_key()->set_source("shop");
    request.mutable_contact_key()->set_key("1");
    return client_
        ->Call<iv::ContactBriefResponse>(kContactBrief, request, {As(tenant).metadata, timeout})
        .status;
  }

  static void ExpectUnknown(const absl::Status& status, const std::string& tenant) {
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
    EXPECT_EQ(ReasonOf(status), "TENANT_UNKNOWN");
    EXPECT_EQ(ErrorMetadataOf(status, "tenant"), tenant);
  }

  SystemClock clock_;
  SystemRandom random_;
  TempDirectory directory_;
  const Secret secret_ = *Secret::FromBytes(std::string(32, 's'));
  PlainSealer sealer_;
  StorageBudget budget_{32 << 20};
  WorkQueue queries_{1, 16};
  Sluice sluice_;
  MemoryLog contact_log_{{.topic = "crm.contact.events", .identity = {"log", "check", 0}}};
  MemoryLog interaction_log_{{.topic = "crm.interaction.events", .identity = {"log", "check", 0}}};
  std::vector<std::unique_ptr<ServiceHost>> hosts_;
  std::unique_ptr<RpcServer> server_;
  std::unique_ptr<ContactClient> client_;
};

TEST_F(TenantGateTest, DefaultTenantNeedsNoMaking) {
  EXPECT_TRUE(AskContacts("default").ok());
  EXPECT_TRUE(AskInteractions("default").ok());
}

TEST_F(TenantGateTest, TenantThatNobodyMadeIsUnknownToEveryService) {
  ExpectUnknown(AskContacts("acme"), "acme");
  ExpectUnknown(AskInteractions("acme"), "acme");
  ASSERT_TRUE(Make("acme").ok());
  EXPECT_TRUE(AskContacts("acme").ok());
  EXPECT_TRUE(AskInteractions("acme").ok());
  ExpectUnknown(AskContacts("acm"), "acm");
}

TEST_F(TenantGateTest, MadeTenantIsNeverCalledUnknown) {
  sluice_.Set(false);
  ASSERT_TRUE(Make("acme").ok());
  auto asked = std::async(std::launch::async, [this] { return AskInteractions("acme", kSecond); });
  while (asked.wait_for(std::chrono::milliseconds(5)) != std::future_status::ready) {
    for (const auto& host : hosts_) host->Tick();
  }
  const absl::Status behind = asked.get();
  EXPECT_EQ(behind.code(), absl::StatusCode::kUnavailable) << behind;
  sluice_.Set(true);
  EXPECT_TRUE(AskInteractions("acme").ok());
}

TEST_F(TenantGateTest, TenantOfTheLogIsAdopted) {
  Stop();
  Serve(true);
  cv::UpsertContactRequest request;
  request.mutable_contact()->mutable_external_key()->set_source("shop");
  request.mutable_contact()->mutable_external_key()->set_key("1");
  ASSERT_TRUE(client_->Upsert(request, As("acme")).ok());
  EXPECT_TRUE(AskInteractions("bob").ok());
  Stop();
  Serve(false);
  EXPECT_TRUE(AskContacts("acme").ok());
  EXPECT_TRUE(AskInteractions("acme").ok());
  ExpectUnknown(AskInteractions("bob"), "bob");
}

}  // namespace
}  // namespace crm
