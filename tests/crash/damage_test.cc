// Damaged, lost and swapped files under the shipped server. Flags: --flips=N (per test), --seed=S.

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>

#include "common/base/hash.h"
#include "tests/support/damage.h"
#include "tests/support/server_test.h"

namespace crm {
namespace {

namespace cv = contact::v1;
namespace fs = std::filesystem;
using Dump = admin::v1::DumpProjectionRequest;

constexpr char kProjections[] = "/contact";
constexpr char kLog[] = "/log";
constexpr const char* kNames[] = {"core", "contact-index"};

// What a server answers about everything it has.
struct Picture {
  std::map<std::string, std::map<int, std::string>> canonical;
  std::map<std::string, std::map<int, std::string>> business;
  std::map<std::string, std::string> contacts;
  std::vector<std::string> by_display_name;

  bool operator==(const Picture&) const = default;
};

// The first fault met while looking, else the picture.
absl::Status Look(const ContactClient& client, Picture* picture) {
  *picture = {};
  cv::ListContactsRequest request;
  request.set_page_size(1000);
  request.set_show_deleted(true);
  std::vector<cv::Contact> contacts;
  const CallOptions strong{{{"crm-consistency", "strong"}}, 30 * kSecond};
  if (auto status = client.ListAll(request, &contacts, strong); !status.ok()) return status;
  for (const auto& contact : contacts) {
    picture->contacts[contact.name()] = contact.SerializeAsString();
  }
  contacts.clear();
  request.set_show_deleted(false);
  request.set_order_by("display_name");
  if (auto status = client.ListAll(request, &contacts, strong); !status.ok()) return status;
  for (const auto& contact : contacts) picture->by_display_name.push_back(contact.name());
  for (const char* name : kNames) {
    auto canonical = client.Dump(name, Dump::CANONICAL);
    if (!canonical.status.ok()) return canonical.status;
    auto business = client.Dump(name, Dump::BUSINESS);
    if (!business.status.ok()) return business.status;
    picture->canonical[name] = std::move(canonical.by_partition);
    picture->business[name] = std::move(business.by_partition);
  }
  return absl::OkStatus();
}

// Refusals that say "not now", so that a caller comes again; and what administration calls find.
bool IsHealing(const absl::Status& status) {
  return status.code() == absl::StatusCode::kUnavailable || ReasonOf(status) == "STORAGE_DAMAGED";
}

class DamageTest : public testing::Test {
 protected:
  // One history for all tests: contacts born, changed and deleted over several lives of the server,
  // so that there are tables as well as write-ahead logs; and what it looks like.
  static void SetUpTestSuite() {
    sound_ = new TempDirectory;
    expected_ = new Picture;
    for (int life = 0; life < 3; ++life) {
      ServerProcess server(SoundData());
      ASSERT_TRUE(IsOk(server.Start()));
      const ContactClient client(server.address());
      Write(client, life);
      ASSERT_TRUE(IsOk(Look(client, expected_)));
    }
    ASSERT_FALSE(expected_->contacts.empty());
  }
  static void TearDownTestSuite() {
    delete sound_;
    delete expected_;
  }

  static std::string SoundData() { return sound_->File("data"); }

  static void Write(const ContactClient& client, int life) {
    std::vector<cv::UpsertContactRequest> rows;
    for (int i = 0; i < 800; ++i) {
      rows.push_back(UpsertPerson(life * 400 + i, "damage"));
      rows.back().mutable_contact()->set_display_name(fmt::format("Life {} of {}", life, i));
    }
    std::vector<std::string> names;
    ASSERT_TRUE(IsOk(client.Import(rows, [&names](const cv::ImportContactsResponse& answer) {
      names.push_back(answer.result().contact().name());
    })));
    for (size_t i = 0; i < names.size(); i += 40) {
      cv::DeleteContactRequest request;
      request.set_name(names[i]);
      if (life < 2) continue;
      ASSERT_TRUE(IsOk(client.Delete(request).status));
    }
  }

  void SetUp() override { CopyTree(SoundData(), data()); }
  void TearDown() override {
    if (HasFailure()) std::cout << "the server wrote:\n" << server_.errors() << std::endl;
  }

  std::string data() const { return directory_.File("data"); }

  absl::Status Start() {
    absl::Status status = server_.Start();
    if (status.ok()) client_ = std::make_unique<ContactClient>(server_.address());
    return status;
  }

  // Looks until nothing is being healed any more; what is answered must be right at every look.
  void ExpectUnchanged() {
    const SystemClock clock;
    const TimeNs deadline = clock.Monotonic() + 60 * kSecond;
    Picture seen;
    absl::Status status = Look(*client_, &seen);
    while (IsHealing(status) && clock.Monotonic() < deadline) status = Look(*client_, &seen);
    ASSERT_TRUE(IsOk(status));
    ExpectSame(seen);
  }

  void ExpectSame(const Picture& seen) {
    for (const char* name : kNames) {
      EXPECT_EQ(seen.canonical.at(name), expected_->canonical.at(name)) << name;
      EXPECT_EQ(seen.business.at(name), expected_->business.at(name)) << name;
    }
    EXPECT_TRUE(seen.contacts == expected_->contacts);
    EXPECT_EQ(seen.by_display_name, expected_->by_display_name);
  }

  void ExpectRefusedToStart(const std::vector<std::string>& words) {
    const absl::Status status = Start();
    ASSERT_FALSE(status.ok()) << "the server serves";
    for (const std::string& word : words) {
      EXPECT_THAT(server_.errors(), testing::HasSubstr(word));
    }
  }

  int64_t flips() const { return FlagValue("flips", 100); }

  static inline TempDirectory* sound_ = nullptr;
  static inline Picture* expected_ = nullptr;
  TempDirectory directory_;
  ServerProcess server_{directory_.File("data")};
  std::unique_ptr<ContactClient> client_;
  std::mt19937_64 random_{RunSeed()};
};

TEST_F(DamageTest, RestartChangesNothing) {
  ASSERT_TRUE(IsOk(Start()));
  ExpectUnchanged();
  EXPECT_EQ(server_.Stop(), 0);
  ASSERT_TRUE(IsOk(Start()));
  ExpectUnchanged();
}

TEST_F(DamageTest, DeletedProjectionsAreRebuilt) {
  fs::remove_all(data() + kProjections);
  ASSERT_TRUE(IsOk(Start()));
  ExpectUnchanged();
}

TEST_F(DamageTest, RebuildByCommandChangesNothing) {
  ASSERT_TRUE(IsOk(Start()));
  for (const char* name : kNames) {
    admin::v1::RebuildProjectionRequest request;
    request.set_service("contact");
    request.set_projection(name);
    bool done = false;
    ASSERT_TRUE(IsOk(client_->Stream<admin::v1::RebuildProjectionProgress>(
        "/crm.admin.v1.AdminService/RebuildProjection", request,
        [&done](const auto& progress) { return (done = progress.done()) || true; })));
    EXPECT_TRUE(done);
    ExpectUnchanged();
  }
}

TEST_F(DamageTest, FlippedByteInAProjectionIsNeverServed) {
  for (int64_t i = 0; i < flips() && !HasFailure(); ++i) {
    CopyTree(SoundData(), data());
    const Flip flip = PickFlip({data() + kProjections}, random_);
    SCOPED_TRACE(flip.ToString());
    Apply(flip);
    ASSERT_TRUE(IsOk(Start()));
    ExpectUnchanged();
    server_.Kill();
  }
}

TEST_F(DamageTest, FlippedByteUnderARunningServerIsNeverServed) {
  ASSERT_TRUE(IsOk(Start()));
  for (int64_t i = 0; i < flips() && !HasFailure(); ++i) {
    const Flip flip = PickFlip({data() + kProjections}, random_);
    SCOPED_TRACE(flip.ToString());
    Apply(flip);
    if (i % 2 == 0) {
      // Verify reads the files themselves, past every cache.
      for (const char* name : kNames) {
        const absl::Status verified = client_->Verify(name);
        EXPECT_TRUE(verified.ok() || IsHealing(verified)) << verified;
      }
    }
    ExpectUnchanged();
    if (i % 10 != 9) continue;
    server_.Kill();
    ASSERT_TRUE(IsOk(Start()));
    ExpectUnchanged();
  }
}

// Every second time the projections are gone, so that all is folded from the damaged log.
TEST_F(DamageTest, ProjectionsDeletedUnderARunningServerAreRebuilt) {
  ASSERT_TRUE(IsOk(Start()));
  std::filesystem::remove_all(data() + kProjections);
  for (const char* name : kNames) {
    const absl::Status verified = client_->Verify(name);
    EXPECT_TRUE(verified.ok() || IsHealing(verified)) << verified;
  }
  ExpectUnchanged();
}

TEST_F(DamageTest, FlippedByteInTheLogIsNeverFolded) {
  int refused = 0;
  int found = 0;
  for (int64_t i = 0; i < flips() && !HasFailure(); ++i) {
    CopyTree(SoundData(), data());
    const Flip flip = PickFlip({data() + kLog}, random_);
    SCOPED_TRACE(flip.ToString());
    Apply(flip);
    if (i % 2 == 0) fs::remove_all(data() + kProjections);
    if (!Start().ok()) {
      ++refused;
      EXPECT_THAT(server_.errors(), testing::HasSubstr("crm-all: "));
      continue;
    }
    const absl::Status verified = client_->VerifyLog();
    found += verified.ok() ? 0 : 1;
    ExpectUnchanged();
    server_.Kill();
  }
  std::cout << refused << " starts refused, " << found << " found by VerifyLog, of " << flips()
            << std::endl;
}

TEST_F(DamageTest, LogRestoredFromAnOlderCopyIsRefused) {
  const std::string older = directory_.File("older-log");
  ASSERT_TRUE(IsOk(Start()));
  EXPECT_EQ(server_.Stop(), 0);
  CopyTree(data() + kLog, older);
  ASSERT_TRUE(IsOk(Start()));
  for (int i = 0; i < 64; ++i) {
    ASSERT_TRUE(IsOk(client_->Create(CreatePerson(i, fmt::format("later-{}", i))).status));
  }
  EXPECT_EQ(server_.Stop(), 0);
  CopyTree(older, data() + kLog);
  ExpectRefusedToStart({"PROJECTION_AHEAD_OF_LOG", "crmctl log adopt-restored"});
  // Asked again, it refuses again: nothing was set aside on the way.
  ExpectRefusedToStart({"PROJECTION_AHEAD_OF_LOG"});
}

// A log made anew is another log: nothing of the old one's projections shows over it.
TEST_F(DamageTest, ProjectionsOfAnotherLogAreRebuilt) {
  const std::string other = directory_.File("other");
  {
    ServerProcess another(other);
    ASSERT_TRUE(IsOk(another.Start()));
    const ContactClient client(another.address());
    ASSERT_TRUE(IsOk(client.Create(CreatePerson(1, "other")).status));
  }
  fs::remove_all(data() + kLog);
  fs::remove(data() + "/secret");
  CopyTree(other + kLog, data() + kLog);
  fs::copy_file(other + "/secret", data() + "/secret");
  ASSERT_TRUE(IsOk(Start()));
  Picture seen;
  ASSERT_TRUE(IsOk(Look(*client_, &seen)));
  EXPECT_EQ(seen.contacts.size(), 1U);
}

TEST_F(DamageTest, LostSecretIsRefused) {
  fs::remove(data() + "/secret");
  ExpectRefusedToStart({"SECRET_FILE", data() + "/secret"});
  EXPECT_FALSE(fs::exists(data() + "/secret"));
}

TEST_F(DamageTest, WrongSecretIsRefused) {
  std::ofstream(data() + "/secret", std::ios::trunc) << std::string(64, 'a') << "\n";
  ExpectRefusedToStart({"secret"});
}

TEST_F(DamageTest, EmptySecretIsRefused) {
  std::ofstream(data() + "/secret", std::ios::trunc).flush();
  ExpectRefusedToStart({"SECRET"});
}

TEST_F(DamageTest, SecondProcessOnTheSameDirectoryIsRefused) {
  ASSERT_TRUE(IsOk(Start()));
  ServerProcess second(data());
  const pid_t first = server_.pid();
  second.Launch();
  const auto code = second.WaitForExit(30 * kSecond);
  ASSERT_TRUE(code.has_value());
  EXPECT_NE(*code, 0);
  EXPECT_THAT(second.errors(), testing::HasSubstr(fmt::format("process {}", first)));
  ExpectUnchanged();
}

TEST_F(DamageTest, KilledWhileRebuildingStartsOver) {
  for (int i = 0; i < 20; ++i) {
    fs::remove_all(data() + kProjections);
    server_.Launch();
    const TimeNs wait = static_cast<TimeNs>(random_() % 300) * kMillisecond;
    if (server_.WaitForExit(wait).has_value()) FAIL() << "the server ended by itself";
    server_.Kill();
  }
  ASSERT_TRUE(IsOk(Start()));
  ExpectUnchanged();
}

}  // namespace
}  // namespace crm
