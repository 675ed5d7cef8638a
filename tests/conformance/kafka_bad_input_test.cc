#include <crm/common/v1/log_control.pb.h>
#include <crm/contact/v1/contact_events.pb.h>
#include <fmt/format.h>
#include <google/protobuf/util/time_util.h>

#include <array>
#include <thread>

#include "common/base/status.h"
#include "common/log/kafka/topic_settings.h"
#include "tests/conformance/kafka_log_under_test.h"
#include "tests/conformance/log_calls.h"
#include "tests/conformance/raw_kafka.h"
#include "tests/support/eventually.h"

namespace crm {
namespace {

using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

std::string MessageOf(const absl::Status& status) {
  return std::string(status.message());
}

RawHeaders EventHeaders(const std::string& fence = "1", const std::string& seq = "1") {
  return {{"crm-kind", "event"}, {"crm-fence", fence}, {"crm-seq", seq}};
}

std::string ForeignReason(const Record& record) {
  return record.kind == RecordKind::kForeign ? record.value.substr(0, record.value.find(':')) : "";
}

TEST(KafkaForeign, EachReasonIsNamedAndTheOthersReadOn) {
  KafkaUnderTest log;
  RawKafka raw(KafkaBootstrap());
  const std::string key = KeyIn(2);
  const struct {
    RawRecord record;
    std::string reason;
  } cases[] = {
      {{.key = key, .value = "v"}, "NO_HEADERS"},
      {{.key = key, .value = "v", .headers = {{"other", "x"}}}, "NO_HEADERS"},
      {{.key = key, .value = "v", .headers = {{"crm-kind", "novel"}}}, "UNKNOWN_KIND"},
      {{.key = key, .value = "v", .headers = {{"crm-kind", "event"}}}, "BAD_HEADER"},
      {{.key = key, .value = "v", .headers = EventHeaders("x")}, "BAD_HEADER"},
      {{.key = key, .value = "v", .headers = EventHeaders("-1")}, "BAD_HEADER"},
      {{.key = key, .value = "v", .headers = EventHeaders("01")}, "BAD_HEADER"},
      {{.key = key, .value = "v", .headers = EventHeaders("99999999999999999999")}, "BAD_HEADER"},
      {{.key = KeyIn(3), .value = "v", .headers = EventHeaders()}, "KEY_ELSEWHERE"},
      {{.key = "nobody", .value = "v", .headers = EventHeaders()}, "KEY_ELSEWHERE"},
      {{.key = {}, .value = "\xff\xff", .headers = {{"crm-kind", "own"}}}, "BAD_CONTROL"},
      {{.key = {}, .value = {}, .headers = {}}, "NO_HEADERS"},
      // An event is judged by its frame alone; what its value holds is for those who fold it.
      {{.key = key, .value = "\xff", .headers = EventHeaders()}, ""},
  };
  const Offset first = log.log().EndOffset(2).value();
  std::vector<std::string> wanted;
  for (auto one : cases) {
    one.record.topic = log.topic;
    one.record.partition = 2;
    raw.Produce(one.record);
    wanted.push_back(one.reason);
  }
  const auto ours = AppendNow(log.log(), 2, {EventOf(key, "ours")});
  ASSERT_TRUE(ours.ok()) << ours.status();
  for (int round = 0; round < 2; ++round) {
    std::vector<std::string> reasons;
    const auto records = ReadPartition(log.log(), 2, first);
    for (const Record& record : records) reasons.push_back(ForeignReason(record));
    ASSERT_EQ(reasons.size(), wanted.size() + 1);
    EXPECT_EQ(records.back().value, "ours");
    reasons.pop_back();
    EXPECT_EQ(reasons, wanted);
    // Then once more as history.
    log.Reopen();
  }
}

TEST(KafkaForeign, NoiseOfAMebibyteInEveryCodecIsPassedOver) {
  KafkaUnderTest log;
  RawKafka raw(KafkaBootstrap());
  std::string noise(1 << 20, '\0');
  KafkaTestRandom().Fill(noise.data(), noise.size());
  const Offset first = log.log().EndOffset(5).value();
  for (const std::string codec : {"none", "gzip", "snappy", "lz4", "zstd"}) {
    raw.Produce({.topic = log.topic, .partition = 5, .value = noise, .codec = codec});
    raw.Produce({.topic = log.topic,
                 .partition = 5,
                 .key = KeyIn(5),
                 .value = std::string(100'000, 'x'),
                 .headers = EventHeaders(),
                 .codec = codec});
  }
  ASSERT_TRUE(AppendNow(log.log(), 5, {EventOf(KeyIn(5), "ours")}).ok());
  for (int round = 0; round < 2; ++round) {
    const auto records = ReadPartition(log.log(), 5, first);
    ASSERT_EQ(records.size(), 11u);
    for (int i = 0; i < 10; i += 2) {
      EXPECT_EQ(ForeignReason(records[i]), "NO_HEADERS");
      EXPECT_EQ(records[i + 1].value, std::string(100'000, 'x'));
    }
    EXPECT_EQ(records[10].value, "ours");
    log.Reopen();
  }
}

TEST(KafkaAppend, AnEventOfAnotherPartitionAndARecordTooLargeAreRefused) {
  KafkaUnderTest log;
  const auto elsewhere = AppendNow(log.log(), 1, {EventOf(KeyIn(2), "v")});
  EXPECT_EQ(ReasonOf(elsewhere.status()), "KEY_ELSEWHERE");
  const auto large = AppendNow(log.log(), 1, {EventOf(KeyIn(1), std::string(3 << 20, 'v'))});
  EXPECT_EQ(ReasonOf(large.status()), "APPEND_TOO_LARGE");
  EXPECT_EQ(log.log().EndOffset(1).value(), 1);
}

TEST(KafkaEvents, AreCloudEvents) {
  KafkaUnderTest log;
  log.engine.reset();
  KafkaLogOptions options = OptionsFor({log.topic});
  options.topics[0].record = &contact::v1::ContactRecord::default_instance();
  log.engine = OpenOrDie(std::move(options));
  contact::v1::ContactRecord content;
  content.mutable_metadata()->set_tenant("default");
  content.mutable_metadata()->set_aggregate("contacts/c1");
  content.mutable_metadata()->set_traceparent("00-1-2-01");
  content.mutable_metadata()->mutable_recorded_time()->set_seconds(1'700'000'000);
  content.mutable_contact()->mutable_deleted();
  Record event = EventOf(KeyIn(4), content.SerializeAsString(), 7);
  event.fence = 3;
  const auto offsets = AppendNow(log.log(), 4, {event}).value();
  const std::string service = log.topic.substr(4, log.topic.size() - 11);
  RawKafka raw(KafkaBootstrap());
  EXPECT_THAT(
      raw.HeadersAt(log.topic, 4, offsets[0]),
      UnorderedElementsAre(
          std::pair("crm-kind", "event"), std::pair("crm-fence", "3"), std::pair("crm-seq", "7"),
          std::pair("crm-last", "1"), std::pair("ce_specversion", "1.0"),
          std::pair("ce_id", "0-4-3-7"), std::pair("ce_type", "crm.contact.v1.ContactDeleted"),
          std::pair("ce_source", "/crm/" + service + "/default"),
          std::pair("ce_time", "2023-11-14T22:13:20Z"), std::pair("ce_subject", "contacts/c1"),
          std::pair("content-type", "application/protobuf"),
          std::pair("traceparent", "00-1-2-01")));
}

TEST(KafkaOpen, AWrongSettingIsRefusedByItsName) {
  RawKafka raw(KafkaBootstrap());
  const std::pair<std::string, std::string> wrong[] = {
      {"retention.ms", "86400000"},     {"retention.bytes", "1000000000"},
      {"cleanup.policy", "compact"},    {"unclean.leader.election.enable", "true"},
      {"max.message.bytes", "1048588"}, {"message.timestamp.type", "LogAppendTime"},
  };
  for (const auto& [name, value] : wrong) {
    const std::string topic = FreshTopic();
    RawHeaders settings = {{"retention.ms", "-1"},
                           {"retention.bytes", "-1"},
                           {"cleanup.policy", "delete"},
                           {"unclean.leader.election.enable", "false"},
                           {"max.message.bytes", "2097152"}};
    settings.erase(std::remove_if(settings.begin(), settings.end(),
                                  [&](const auto& one) { return one.first == name; }),
                   settings.end());
    settings.emplace_back(name, value);
    raw.CreateTopic(topic, kPartitions, settings);
    for (const absl::Status& status : {CreateTopics(TestConnection(), CreationOf({topic})).status(),
                                       KafkaLogEngine::Open(OptionsFor({topic})).status()}) {
      EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
      EXPECT_EQ(ReasonOf(status), "TOPIC_SETTING");
      EXPECT_THAT(MessageOf(status), HasSubstr(fmt::format("{}={}", name, value)));
    }
  }
}

TEST(KafkaOpen, AnotherNumberOfPartitionsIsRefused) {
  RawKafka raw(KafkaBootstrap());
  const std::string topic = FreshTopic();
  raw.CreateTopic(topic, 3, {});
  const absl::Status status = KafkaLogEngine::Open(OptionsFor({topic})).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(MessageOf(status), HasSubstr("3 partitions"));
}

TEST(KafkaOpen, AWrongSecretAMissingTopicAndMixedLogsAreRefused) {
  KafkaUnderTest one;
  KafkaUnderTest other;
  KafkaLogOptions options = OptionsFor({one.topic});
  options.secret_check = "another";
  EXPECT_EQ(ReasonOf(KafkaLogEngine::Open(options).status()), "SECRET_MISMATCH");
  EXPECT_EQ(ReasonOf(KafkaLogEngine::Open(OptionsFor({one.topic, other.topic})).status()),
            "LOGS_MIXED");
  const absl::Status missing = KafkaLogEngine::Open(OptionsFor({one.topic, FreshTopic()})).status();
  EXPECT_EQ(missing.code(), absl::StatusCode::kNotFound) << missing;
  EXPECT_EQ(ReasonOf(missing), "TOPIC_MISSING");
  EXPECT_THAT(MessageOf(missing), HasSubstr("crmctl topics create"));
}

TEST(KafkaOpen, WithoutABrokerIsUnavailable) {
  KafkaLogOptions options = OptionsFor({"crm.t.events"});
  options.connection.bootstrap = "127.0.0.1:1";
  const absl::Status status = KafkaLogEngine::Open(options).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_EQ(ReasonOf(status), "BROKERS_UNREACHABLE");
}

TEST(KafkaOpen, FindsTheEpochOfTheLastOwner) {
  KafkaUnderTest log;
  EXPECT_EQ(log.log().identity().epoch, 0);
  common::v1::LogControl own;
  own.mutable_own()->set_epoch(3);
  Record record;
  record.kind = RecordKind::kOwn;
  record.value = own.SerializeAsString();
  const auto fence = AppendNow(log.log(), 9, {record}).value();
  std::vector<Record> events;
  for (int i = 1; i <= 20; ++i) {
    events.push_back(EventOf(KeyIn(9), "v", i));
    events.back().fence = fence[0];
  }
  ASSERT_TRUE(AppendNow(log.log(), 9, events).ok());
  RawKafka raw(KafkaBootstrap());
  for (int i = 0; i < 6; ++i) raw.Produce({.topic = log.topic, .partition = 9, .value = "x"});
  log.Reopen();
  EXPECT_EQ(log.log().identity().epoch, 3);
}

TEST(KafkaTopics, CreatedByManyAtOnceAgreeOnOneLog) {
  const std::vector<std::string> topics = {FreshTopic(), FreshTopic(), FreshTopic()};
  std::array<absl::StatusOr<TopicsCreated>, 4> made;
  std::vector<std::thread> threads;
  for (auto& one : made) {
    threads.emplace_back([&] { one = CreateTopics(TestConnection(), CreationOf(topics)); });
  }
  for (auto& thread : threads) thread.join();
  size_t created = 0;
  for (const auto& one : made) {
    ASSERT_TRUE(one.ok()) << one.status();
    EXPECT_EQ(one->log_id, made[0]->log_id);
    EXPECT_EQ(one->created.size() + one->already_there.size(), 3u);
    created += one->created.size();
  }
  EXPECT_EQ(created, 3u);
  EXPECT_TRUE(CheckTopics(TestConnection(), topics).ok());
  const auto engine = OpenOrDie(OptionsFor(topics));
  EXPECT_EQ(engine->identity().log_id, made[0]->log_id);
  const auto again = CreateTopics(TestConnection(), CreationOf(topics));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->log_id, made[0]->log_id);
  EXPECT_TRUE(again->created.empty());
}

TEST(KafkaCheck, ATrimmedPartitionFailsAndTheOthersGoOn) {
  KafkaUnderTest log;
  RawKafka raw(KafkaBootstrap());
  ASSERT_TRUE(AppendNow(log.log(), 6, {EventOf(KeyIn(6), "1"), EventOf(KeyIn(6), "2")}).ok());
  EXPECT_TRUE(log.engine->Check().ok());
  const Offset end = log.log().EndOffset(6).value();
  auto tail = log.log().OpenTail({{6, end}, {7, 1}}).value();
  raw.Trim(log.topic, 6, 2);
  const absl::Status status = log.engine->Check();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
  EXPECT_EQ(ReasonOf(status), "LOG_TRIMMED");
  EXPECT_EQ(ReasonOf(tail->Poll(kPatience).status()), "LOG_TRIMMED");
  EXPECT_EQ(ReasonOf(AppendNow(log.log(), 6, {EventOf(KeyIn(6), "3")}).status()), "LOG_TRIMMED");
  ASSERT_TRUE(AppendNow(log.log(), 7, {EventOf(KeyIn(7), "on")}).ok());
  EXPECT_EQ(ValuesOf(ReadRecords(*tail, 1)), std::vector<std::string>{"on"});
  tail.reset();
  log.engine.reset();
  EXPECT_EQ(ReasonOf(KafkaLogEngine::Open(OptionsFor({log.topic})).status()), "LOG_TRIMMED");
}

TEST(KafkaCheck, EachPartitionThatIsTrimmedFails) {
  KafkaUnderTest log;
  RawKafka raw(KafkaBootstrap());
  for (const Partition p : {4, 9}) {
    ASSERT_TRUE(AppendNow(log.log(), p, {EventOf(KeyIn(p), "1"), EventOf(KeyIn(p), "2")}).ok());
  }
  for (const Partition p : {4, 9}) {
    SCOPED_TRACE(p);
    auto tail = log.log().OpenTail({{p, log.log().EndOffset(p).value()}}).value();
    raw.Trim(log.topic, p, 2);
    EXPECT_EQ(ReasonOf(log.engine->Check()), "LOG_TRIMMED");
    EXPECT_EQ(ReasonOf(tail->Poll(kPatience).status()), "LOG_TRIMMED");
    EXPECT_EQ(ReasonOf(AppendNow(log.log(), p, {EventOf(KeyIn(p), "3")}).status()), "LOG_TRIMMED");
  }
  EXPECT_TRUE(AppendNow(log.log(), 5, {EventOf(KeyIn(5), "on")}).ok());
}

TEST(KafkaCheck, ASettingIsNamedUntilItIsMended) {
  KafkaUnderTest log;
  RawKafka raw(KafkaBootstrap());
  RawHeaders settings = SettingsForNewTopic(1);
  const RawHeaders right = settings;
  for (auto& [name, value] : settings) {
    if (name == "retention.ms") value = "86400000";
  }
  EXPECT_TRUE(log.engine->Check().ok());
  raw.SetSettings(log.topic, settings);
  absl::Status wrong;
  // Brokers answer a moment before they show it.
  EXPECT_TRUE(Eventually(kPatience, [&] {
    wrong = log.engine->Check();
    return !wrong.ok();
  }));
  EXPECT_EQ(ReasonOf(wrong), "TOPIC_SETTING") << wrong;
  EXPECT_THAT(MessageOf(wrong), HasSubstr("retention.ms=86400000"));
  EXPECT_TRUE(AppendNow(log.log(), 1, {EventOf(KeyIn(1), "on")}).ok());
  raw.SetSettings(log.topic, right);
  EXPECT_TRUE(Eventually(kPatience, [&] { return log.engine->Check().ok(); }));
}

TEST(KafkaCheck, AddedPartitionsAreNamedAndRefusedAtTheNextStart) {
  KafkaUnderTest log;
  RawKafka(KafkaBootstrap()).AddPartitions(log.topic, kPartitions + 1);
  absl::Status wrong;
  EXPECT_TRUE(Eventually(kPatience, [&] {
    wrong = log.engine->Check();
    return !wrong.ok();
  }));
  EXPECT_EQ(ReasonOf(wrong), "TOPIC_SETTING") << wrong;
  EXPECT_THAT(MessageOf(wrong), HasSubstr("17 partitions"));
  EXPECT_TRUE(AppendNow(log.log(), 1, {EventOf(KeyIn(1), "on")}).ok());
  EXPECT_EQ(ReasonOf(KafkaLogEngine::Open(OptionsFor({log.topic})).status()), "TOPIC_SETTING");
}

TEST(KafkaCheck, ARecreatedTopicIsAnotherLog) {
  KafkaUnderTest log;
  RawKafka raw(KafkaBootstrap());
  auto tail = log.log().OpenTail({{0, 1}}).value();
  raw.DeleteTopic(log.topic);
  EXPECT_EQ(log.engine->Check().code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(CreateTopics(TestConnection(), CreationOf({log.topic})).ok());
  const absl::Status status = log.engine->Check();
  EXPECT_EQ(ReasonOf(status), "LOG_REPLACED") << status;
  EXPECT_EQ(ReasonOf(tail->Poll(kPatience).status()), "LOG_REPLACED");
}

// Collects what one member of a group is told.
struct Member {
  Member(const std::string& name, const std::string& topic, const std::string& group) {
    KafkaLogOptions options = OptionsFor({topic});
    options.connection.client_id = name;
    options.session_timeout = 6 * kSecond;
    engine = OpenOrDie(std::move(options));
    hints = engine->Hints(topic, group);
    hints->Start(
        [this](const OwnershipHints::Mine& told) {
          MutexLock lock(mutex);
          mine = told;
          changed.NotifyAll();
        },
        [this] {
          MutexLock lock(mutex);
          replaced = true;
          changed.NotifyAll();
        });
  }
  int64_t owned() {
    MutexLock lock(mutex);
    return std::count(mine.begin(), mine.end(), true);
  }
  template <typename Predicate>
  bool Wait(Predicate predicate) {
    MutexLock lock(mutex);
    return changed.WaitFor(lock, 30 * kSecond, predicate);
  }

  Mutex mutex;
  CondVar changed;
  OwnershipHints::Mine mine = {};
  bool replaced = false;
  std::unique_ptr<KafkaLogEngine> engine;
  std::unique_ptr<OwnershipHints> hints;
};

TEST(KafkaHints, TwoMembersShareThePartitionsAndASecondOfTheSameNameReplacesTheFirst) {
  KafkaUnderTest log;
  const std::string group = "crm-" + log.topic;
  Member a("a", log.topic, group);
  const auto holds = [](Member& member, int64_t count) {
    return member.Wait(
        [&] { return std::count(member.mine.begin(), member.mine.end(), true) == count; });
  };
  ASSERT_TRUE(holds(a, 16));
  Member b("b", log.topic, group);
  ASSERT_TRUE(holds(b, 8));
  ASSERT_TRUE(holds(a, 8));
  for (size_t p = 0; p < kPartitions; ++p) EXPECT_NE(a.mine[p], b.mine[p]);
  EXPECT_EQ(a.hints->Peers(5 * kSecond), std::vector<std::string>{"b"});
  Partition mine = 0;
  while (!b.mine[static_cast<size_t>(mine)]) ++mine;
  b.hints->Folded(mine, 1);
  b.hints->Stop();
  EXPECT_EQ(RawKafka(KafkaBootstrap()).Committed(group + "-folded", log.topic, mine), 1);
  Member same("a", log.topic, group);
  EXPECT_TRUE(a.Wait([&] { return a.replaced; }));
  EXPECT_FALSE(same.replaced);
}

}  // namespace
}  // namespace crm
