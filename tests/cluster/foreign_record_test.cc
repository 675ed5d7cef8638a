// What strangers do to topics behind our back: their records among ours, topics trimmed and
// recreated. The flag --seed=S.

#include <algorithm>

#include "common/aggregate/core_rows.h"
#include "common/log/kafka/kafka_topics.h"
#include "common/log/kafka/topic_settings.h"
#include "crm/contact/v1/contact_events.pb.h"
#include "tests/cluster/cluster_test.h"
#include "tests/conformance/raw_kafka.h"
#include "tests/integration/crmctl/running_server.h"
#include "tests/support/http_get.h"

namespace crm {
namespace {

using crmctl::Crmctl;
using crmctl::Ran;
using testing::HasSubstr;
using testing::StartsWith;

constexpr char kTopic[] = "crm.contact.events";
constexpr int kWriters = 8;
constexpr size_t kMebibyte = 1 << 20;
// Behind a fence that never was: no reader takes it for an owner's.
const std::pair<std::string, std::string> kFence{"crm-fence", "1"};
const std::pair<std::string, std::string> kSeq{"crm-seq", "1"};
const std::pair<std::string, std::string> kLast{"crm-last", "1"};

std::pair<std::string, std::string> Kind(const std::string& kind) {
  return {"crm-kind", kind};
}

// A strange record, and the reason it is to be listed with.
struct Strange {
  std::string what;
  RawRecord record;
  std::string reason;
};

class StrangerTest : public ClusterTest {
 protected:
  RawKafka Stranger() { return RawKafka(cluster_->brokers().bootstrap()); }

  std::string Noise(size_t size) {
    std::string noise(size, '\0');
    for (char& c : noise) c = static_cast<char>(random_());
    return noise;
  }

  std::string KeyOf(Partition partition) { return "default/" + probe_->NameOf(partition); }

  // One that lies in the partition, so that only its value tells.
  static std::string OtherTenantsKey(Partition partition) {
    for (int number = 0;; ++number) {
      const std::string subject = fmt::format("contacts/c{}", number);
      if (PartitionOfSubject("other", subject) == partition) return "other/" + subject;
    }
  }

  // Value of the last event in the partition.
  std::string RealValue(Partition partition) {
    std::string value;
    EXPECT_TRUE(IsOk(cluster_->client("one").ReadEvents([&](const admin::v1::LogEntry& entry) {
      if (entry.partition() == partition) value = entry.value();
    })));
    return value;
  }

  std::vector<Strange> All(Partition p) {
    const std::string key = KeyOf(p);
    const std::string real = RealValue(p);
    const auto event = [p](std::string value, std::string record_key) {
      return RawRecord{
          kTopic, p, std::move(record_key), std::move(value), {Kind("event"), kFence, kSeq, kLast}};
    };
    // A field that no event type of ours has, in the place of the aggregates.
    contact::v1::ContactRecord newer;
    EXPECT_TRUE(newer.ParseFromString(real));
    newer.clear_aggregate();
    const std::string newer_value =
        newer.SerializeAsString() + std::string("\xa2\x06\x02\x0a\x00", 5);
    return {
        {"no headers", {kTopic, p, key, "hello", {}}, "NO_HEADERS"},
        {"a tombstone", {kTopic, p, key, std::nullopt, {}}, "NO_HEADERS"},
        {"noise without headers", {kTopic, p, key, Noise(kMebibyte), {}}, "NO_HEADERS"},
        {"an unknown kind", {kTopic, p, key, real, {Kind("gossip"), kFence, kSeq}}, "UNKNOWN_KIND"},
        {"no fence", {kTopic, p, key, real, {Kind("event"), kSeq}}, "BAD_HEADER"},
        {"a fence that is no number",
         {kTopic, p, key, real, {Kind("event"), {"crm-fence", "one"}, kSeq}},
         "BAD_HEADER"},
        {"another partition's key", event(real, KeyOf((p + 1) % kPartitions)), "KEY_ELSEWHERE"},
        {"another tenant's key", event(real, OtherTenantsKey(p)), "EVENT_FOREIGN"},
        {"a control record of noise",
         {kTopic, p, std::nullopt, Noise(64), {Kind("own")}},
         "BAD_CONTROL"},
        {"wrong protobuf", event(Noise(200), key), ""},
        {"1 MiB of noise", event(Noise(kMebibyte), key), ""},
        {"truncated", event(real.substr(0, real.size() / 2), key), ""},
        {"from a newer writer", event(newer_value, key), ""},
    };
  }

  std::map<std::pair<int, int64_t>, std::string> DeadLetters(const std::string& replica) {
    admin::v1::ListDeadLettersRequest request;
    request.set_service("contact");
    request.set_page_size(7);
    std::map<std::pair<int, int64_t>, std::string> letters;
    do {
      const auto listed = cluster_->client(replica).Call<admin::v1::ListDeadLettersResponse>(
          "/crm.admin.v1.AdminService/ListDeadLetters", request);
      EXPECT_TRUE(IsOk(listed.status));
      EXPECT_LE(listed.response.dead_letters_size(), 7);
      for (const auto& letter : listed.response.dead_letters()) {
        const bool is_new =
            letters.try_emplace({letter.partition(), letter.offset()}, letter.reason()).second;
        EXPECT_TRUE(is_new) << "listed twice";
      }
      request.set_page_token(listed.response.next_page_token());
    } while (!request.page_token().empty());
    return letters;
  }

  std::string Targets() const {
    return fmt::format("contact={},contact={}", cluster_->replica("one").address(),
                       cluster_->replica("two").address());
  }

  // What people see of them.
  void ExpectShown(const std::map<std::pair<int, int64_t>, Strange>& sent) {
    const Ran listed = Crmctl({"--target", Targets(), "--json", "dlq", "list"});
    EXPECT_EQ(listed.exit_code, 1) << listed.err;
    EXPECT_EQ(std::count(listed.out.begin(), listed.out.end(), '\n'),
              static_cast<int64_t>(2 * sent.size()));
    const auto status = cluster_->client("one").Status();
    ASSERT_TRUE(IsOk(status.status));
    int64_t foreign = 0;
    for (const auto& partition : status.response.services(0).partitions()) {
      foreign += partition.foreign_records();
      EXPECT_GE(partition.void_records(), partition.foreign_records());
    }
    EXPECT_EQ(foreign, static_cast<int64_t>(sent.size()));
    for (const auto& [place, strange] : sent) {
      if (strange.reason != "NO_HEADERS" && strange.reason != "UNKNOWN_KIND") continue;
      const Ran shown = Crmctl({"--target", cluster_->replica("one").address(), "log", "cat",
                                "--partition", std::to_string(place.first), "--from",
                                std::to_string(place.second), "--limit", "1"});
      EXPECT_THAT(shown.out, HasSubstr("foreign ")) << strange.what;
      EXPECT_THAT(shown.out, HasSubstr("VOID: written by somebody else  " + strange.reason));
    }
  }

  void ExpectStopped(Partition partition) {
    for (const char* replica : {"one", "two"}) {
      SCOPED_TRACE(fmt::format("{} at {}", partition, replica));
      absl::Status read;
      ASSERT_TRUE(Eventually(kPatience, [&] {
        read = cluster_->client(replica).Get(probe_->NameOf(partition)).status;
        return !read.ok();
      })) << "goes on serving it";
      EXPECT_EQ(read.code(), absl::StatusCode::kUnavailable) << read;
      EXPECT_THAT(ReasonOf(read), testing::AnyOf("LOG_TRIMMED", "LOG_REPLACED"));
      const std::string ready = HttpGet(cluster_->replica(replica).admin_address(), "/readyz");
      EXPECT_THAT(ready, StartsWith("HTTP/1.1 503"));
      EXPECT_THAT(ready, HasSubstr(kTopic));
      EXPECT_TRUE(cluster_->replica(replica).running());
    }
  }

  // The replica writes a line with each of `words`.
  testing::AssertionResult Tells(const std::string& replica, const std::string& words) {
    const bool told = Eventually(kPatience, [&] {
      return cluster_->replica(replica).errors().find(words) != std::string::npos;
    });
    return told ? testing::AssertionSuccess()
                : testing::AssertionFailure() << replica << " does not tell: " << words;
  }
};

TEST_F(StrangerTest, StrangeRecordsAreListedAndStopNothing) {
  ASSERT_NO_FATAL_FAILURE(Begin({"one", "two"}));
  ASSERT_NE(probe_->WaitUntilAccepted(cluster_->callers(), PartitionProbe::All(), kPatience), 0);
  ClusterWriters writers(cluster_->callers(), kWriters, RunSeed());
  RawKafka stranger = Stranger();
  std::map<std::pair<int, int64_t>, Strange> sent;
  Partition partition = static_cast<Partition>(Pick(kPartitions));
  for (const char* codec : {"none", "gzip", "snappy", "lz4", "zstd"}) {
    for (Strange& strange : All(partition)) {
      strange.record.codec = codec;
      const Offset offset = stranger.Produce(strange.record);
      strange.what += std::string(" by ") + codec;
      sent[{partition, offset}] = std::move(strange);
    }
    partition = (partition + 3) % kPartitions;
  }
  ASSERT_TRUE(writers.WaitForAnswers(500, kPatience));
  ASSERT_NE(probe_->WaitUntilAccepted(cluster_->callers(), PartitionProbe::All(), kPatience), 0);
  ASSERT_NO_FATAL_FAILURE(DrainAndJudge(writers));
  for (const char* replica : {"one", "two"}) {
    const auto letters = DeadLetters(replica);
    for (const auto& [place, strange] : sent) {
      const auto found = letters.find(place);
      ASSERT_NE(found, letters.end()) << replica << " does not list " << strange.what;
      EXPECT_THAT(found->second, HasSubstr(strange.reason)) << strange.what;
      EXPECT_FALSE(found->second.empty()) << strange.what;
    }
    EXPECT_EQ(letters.size(), sent.size()) << replica;
  }
  ExpectShown(sent);
  std::cout << sent.size() << " strange records, all listed" << std::endl;
}

// One partition loses its beginning, and later another: they are served no more, the others are.
TEST_F(StrangerTest, ATrimmedPartitionIsServedNoMore) {
  ASSERT_NO_FATAL_FAILURE(Begin({"one", "two"}));
  ASSERT_NE(probe_->WaitUntilAccepted(cluster_->callers(), PartitionProbe::All(), kPatience), 0);
  RawKafka stranger = Stranger();
  std::set<Partition> others = PartitionProbe::All();
  for (const Partition trimmed : {5, 11}) {
    stranger.Trim(kTopic, trimmed, 2);
    ASSERT_NO_FATAL_FAILURE(ExpectStopped(trimmed));
    others.erase(trimmed);
    EXPECT_NE(probe_->WaitUntilAccepted(cluster_->callers(), others, kPatience), 0);
  }
}

// Told as an error, and again when it is mended; service goes on meanwhile.
TEST_F(StrangerTest, AChangedSettingIsTold) {
  ASSERT_NO_FATAL_FAILURE(Begin({"one"}));
  const auto accepts = [this] {
    return probe_->WaitUntilAccepted(cluster_->callers(), PartitionProbe::All(), kPatience) != 0;
  };
  RawKafka stranger = Stranger();
  RawHeaders settings = SettingsForNewTopic(1);
  const RawHeaders right = settings;
  for (auto& [name, value] : settings) {
    if (name == "retention.ms") value = "86400000";
  }
  stranger.SetSettings(kTopic, settings);
  EXPECT_TRUE(Tells("one", "retention.ms=86400000"));
  EXPECT_THAT(cluster_->replica("one").errors(), HasSubstr("the log is not as it must be"));
  EXPECT_TRUE(accepts());
  EXPECT_THAT(HttpGet(cluster_->replica("one").admin_address(), "/readyz"),
              StartsWith("HTTP/1.1 200"));
  stranger.SetSettings(kTopic, right);
  EXPECT_TRUE(Tells("one", "the log is as it must be again"));
  stranger.AddPartitions(kTopic, kPartitions + 1);
  EXPECT_TRUE(Tells("one", "has 17 partitions"));
  EXPECT_TRUE(accepts());
  const absl::Status start = cluster_->StartReplica("two");
  EXPECT_THAT(std::string(start.message()), HasSubstr("has 17 partitions"));
  cluster_->Forget("two");
}

TEST_F(StrangerTest, ARecreatedTopicIsServedNoMore) {
  ASSERT_NO_FATAL_FAILURE(Begin({"one", "two"}));
  ASSERT_NE(probe_->WaitUntilAccepted(cluster_->callers(), PartitionProbe::All(), kPatience), 0);
  Stranger().DeleteTopic(kTopic);
  TopicCreation creation;
  creation.topics = {kTopic};
  creation.identity = {std::string(32, 'a'), cluster_->secret().CheckValue(), 0};
  KafkaConnection connection;
  connection.bootstrap = cluster_->brokers().bootstrap();
  absl::Status created;
  // Brokers delete behind the answer.
  ASSERT_TRUE(Eventually(kPatience, [&] {
    created = CreateTopics(connection, creation).status();
    return created.ok();
  })) << created;
  for (const char* replica : {"one", "two"}) {
    SCOPED_TRACE(replica);
    absl::Status read;
    ASSERT_TRUE(Eventually(kPatience, [&] {
      read = cluster_->client(replica).Get(probe_->NameOf(1)).status;
      return !read.ok();
    })) << "goes on serving it";
    EXPECT_EQ(read.code(), absl::StatusCode::kUnavailable) << read;
    EXPECT_THAT(HttpGet(cluster_->replica(replica).admin_address(), "/readyz"),
                StartsWith("HTTP/1.1 503"));
    const auto written =
        cluster_->client(replica).Create(CreatePerson(1, "into another log"), {{}, 5 * kSecond});
    EXPECT_FALSE(written.ok());
  }
}

}  // namespace
}  // namespace crm
