// Logs that move to Kafka and back, and what was folded from them before.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <iostream>
#include <numeric>

#include "common/aggregate/core_fold.h"
#include "common/base/status.h"
#include "common/log/kafka/broker_queries.h"
#include "common/log/kafka/kafka_log.h"
#include "common/log/kafka/log_restorer.h"
#include "common/projection/bulk_rebuild.h"
#include "common/projection/dump.h"
#include "common/projection/tail_runner.h"
#include "common/storage/generation.h"
#include "common/storage/memory_store.h"
#include "common/storage/storage_budget.h"
#include "tests/conformance/kafka_log_under_test.h"
#include "tests/integration/crmctl/running_server.h"
#include "tests/support/eventually.h"
#include "tests/support/temp_directory.h"
#include "tests/support/test_seed.h"
#include "tests/unit/tools/crmctl/moving/random_log.h"
#include "tools/crmctl/moving/embedded_draft.h"
#include "tools/crmctl/moving/kafka_draft.h"
#include "tools/crmctl/moving/log_places.h"
#include "tools/crmctl/moving/move_log.h"
#include "tools/crmctl/topics_commands.h"

namespace crm::crmctl {
namespace {

using ::testing::HasSubstr;

// --- random logs, on the broker that tests share

class KafkaMovingTest : public ::testing::Test {
 protected:
  KafkaMovingTest() {
    place_.connection = TestConnection();
    for (const std::string& topic : log_.topics()) place_.topics.push_back({topic, nullptr});
  }

  absl::Status ToKafka() {
    KafkaDraft draft(place_);
    return MoveLog(log_, draft, nullptr).status();
  }

  TempDirectory directory_;
  RandomLog log_{TestSeed(),
                 {KafkaTestRandom().Uuid(), kSecretCheck, 1},
                 {FreshTopic(), FreshTopic()},
                 RandomLog::Form::kOnKafka};
  KafkaPlace place_;
};

void ExpectSame(LogSource& actual, RandomLog& expected) {
  EXPECT_EQ(actual.identity().log_id, expected.identity().log_id);
  for (const std::string& topic : expected.topics()) {
    for (Partition p = 0; p < kPartitions; ++p) {
      const std::vector<Record>& wanted = expected.At({topic, p});
      const auto end = actual.End({topic, p});
      ASSERT_TRUE(end.ok()) << end.status();
      ASSERT_EQ(*end, static_cast<Offset>(wanted.size()));
      size_t next = 0;
      const absl::Status read = actual.Read({topic, p}, 0, *end, [&](const auto& records) {
        for (const Record& record : records) {
          EXPECT_EQ(record.offset, wanted[next].offset);
          EXPECT_EQ(record.kind, wanted[next].kind);
          EXPECT_EQ(RecordHash(record), RecordHash(wanted[next])) << topic << p << ":" << next;
          ++next;
        }
        return absl::OkStatus();
      });
      ASSERT_TRUE(read.ok()) << read;
      ASSERT_EQ(next, wanted.size());
    }
  }
}

TEST_F(KafkaMovingTest, EveryRecordGoesToKafkaAndBack) {
  log_.Grow(2000);
  const absl::Status there = ToKafka();
  ASSERT_TRUE(there.ok()) << there;
  const auto on_kafka = OpenLog({"", place_}, {});
  ASSERT_TRUE(on_kafka.ok()) << on_kafka.status();
  ExpectSame((*on_kafka)->source(), log_);

  EmbeddedDraft back(directory_.File("data"));
  const auto moved = MoveLog((*on_kafka)->source(), back, nullptr);
  ASSERT_TRUE(moved.ok()) << moved.status();
  const auto in_files = OpenLog({directory_.File("data"), {}}, {});
  ASSERT_TRUE(in_files.ok()) << in_files.status();
  ExpectSame((*in_files)->source(), log_);
}

// The source fails after some records, as a killed tool leaves it.
class BreakingSource final : public LogSource {
 public:
  BreakingSource(LogSource& source, size_t batches) : source_(source), left_(batches) {}
  std::string name() const override { return source_.name(); }
  const LogIdentity& identity() const override { return source_.identity(); }
  std::vector<std::string> topics() const override { return source_.topics(); }
  absl::StatusOr<Offset> End(const LogPlace& place) override { return source_.End(place); }
  absl::Status Read(const LogPlace& place, Offset from, Offset to, const Each& each) override {
    return source_.Read(place, from, to, [&](const auto& records) {
      if (left_-- == 0) return Error(absl::StatusCode::kUnavailable, "BROKEN_OFF", "test");
      return each(records);
    });
  }

 private:
  LogSource& source_;
  size_t left_;
};

TEST_F(KafkaMovingTest, BrokenCopyGoesOnAndIsNoLogBefore) {
  log_.Grow(600);
  for (int round = 0; round < 4; ++round) {
    BreakingSource breaking(log_, 1 + log_.Below(40));
    KafkaDraft draft(place_);
    ASSERT_EQ(ReasonOf(MoveLog(breaking, draft, nullptr).status()), "BROKEN_OFF");
    EXPECT_EQ(ReasonOf(OpenLog({"", place_}, {}).status()), "TOPIC_MISSING");
  }
  const absl::Status rest = ToKafka();
  ASSERT_TRUE(rest.ok()) << rest;
  const auto on_kafka = OpenLog({"", place_}, {});
  ASSERT_TRUE(on_kafka.ok()) << on_kafka.status();
  ExpectSame((*on_kafka)->source(), log_);
  // And once more: nothing to do.
  KafkaDraft again(place_);
  const auto moved = MoveLog(log_, again, nullptr);
  ASSERT_TRUE(moved.ok()) << moved.status();
  for (const auto& partition : *moved) EXPECT_EQ(partition.records_added(), 0);
}

TEST_F(KafkaMovingTest, TopicsOfAnotherLogAreNamedAndLeftAlone) {
  TopicCreation creation = CreationOf(log_.topics());
  ASSERT_TRUE(CreateTopics(place_.connection, creation).ok());
  const absl::Status status = ToKafka();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(status), "OTHER_LOG");
  EXPECT_THAT(std::string(status.message()), HasSubstr(creation.identity.log_id));
  KafkaLogOptions options;
  options.connection = place_.connection;
  options.topics = place_.topics;
  const auto engine = OpenOrDie(std::move(options));
  EXPECT_EQ(engine->identity().log_id, creation.identity.log_id);
  EXPECT_EQ(engine->Topic(log_.topics()[0]).EndOffset(0).value(), 1);
}

TEST_F(KafkaMovingTest, CopyThatWentItsOwnWayIsRefused) {
  log_.Grow(50);
  ASSERT_TRUE(ToKafka().ok());
  RandomLog elsewhere = log_;
  elsewhere.Add({log_.topics()[1], 7}, EpochRecord(3));
  {
    KafkaDraft draft(place_);
    ASSERT_TRUE(MoveLog(elsewhere, draft, nullptr).ok());
  }
  log_.Add({log_.topics()[1], 7}, EpochRecord(4));
  EXPECT_EQ(ReasonOf(ToKafka()), "TARGET_DIFFERS");
}

// Anybody may write a record of that kind, with anything in it.
TEST_F(KafkaMovingTest, NoiseIsNotPassedOnAsTheReasonOfAForeignRecord) {
  ASSERT_TRUE(ToKafka().ok());
  const std::string topic = log_.topics()[0];
  auto restorer = KafkaLogRestorer::Open({place_.connection, place_.topics, 0});
  ASSERT_TRUE(restorer.ok()) << restorer.status();
  const Offset end = (*restorer)->End(topic, 4).value();
  for (const std::string& noise : {std::string(1 << 20, 'n'), std::string("\xff\x00", 2)}) {
    const Record record{.offset = kNoOffset, .kind = RecordKind::kForeign, .value = noise};
    // Where it came to lie is not where it said: all the same, it lies there.
    EXPECT_EQ(ReasonOf((*restorer)->Append(topic, 4, {record})), "OFFSET_TAKEN");
  }
  ASSERT_EQ((*restorer)->End(topic, 4).value(), end + 2);
  const absl::Status read =
      (*restorer)->Read(topic, 4, end, end + 2, [](const std::vector<Record>& records) {
        for (const Record& record : records) {
          EXPECT_EQ(record.kind, RecordKind::kForeign);
          EXPECT_EQ(record.value.rfind("UNKNOWN_KIND: ", 0), 0u) << record.value.size();
        }
        return absl::OkStatus();
      });
  EXPECT_TRUE(read.ok()) << read;
}

// --- the services' topics, on a broker of the test's own

class KafkaCrmctlTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto cluster = KafkaCluster::Start({.name = "moving"});
    ASSERT_TRUE(cluster.ok()) << cluster.status();
    cluster_ = std::move(*cluster);
  }
  std::string Url() const { return "kafka://" + cluster_->bootstrap(); }
  std::string File(const std::string& name) const { return directory_.File(name); }

  TempDirectory directory_;
  std::unique_ptr<KafkaCluster> cluster_;
};

// The stored core against what the log on Kafka says: its place in it, and every row.
void ExpectCoreOf(Log& log, const std::string& data_directory) {
  const ServiceDefinition service = contact::MakeContactService({});
  AggregateTypes types;
  for (const auto& type : service.aggregates) types[type->record_field()] = type.get();
  const CoreProjection core(types, service.core_version);
  const EventSchema schema(*service.record);
  PlainSealer sealer;
  const Generation generation(data_directory + "/contact", std::string(core.name()),
                              core.version());
  ASSERT_TRUE(generation.exists());
  StorageBudget budget(64 << 20);
  RocksStoreOptions stored_rows;
  stored_rows.budget = &budget;
  auto store = generation.Open(stored_rows);
  ASSERT_TRUE(store.ok()) << store.status();
  MemoryStore anew;
  RebuildOptions options;
  int64_t folded = 0;
  for (Partition p = 0; p < kPartitions; ++p) {
    const auto position = LoadPosition(**store, p);
    ASSERT_TRUE(position.ok());
    const absl::Status valid = CheckPosition(log, p, *position);
    EXPECT_TRUE(valid.ok()) << valid;
    options.until.push_back(position->stored);
    folded += position->stored;
  }
  EXPECT_GT(folded, 0);
  const auto rebuilt = BulkRebuild(log, core, EventSource{schema, sealer}, anew, options);
  ASSERT_TRUE(rebuilt.ok()) << rebuilt.status();
  for (Partition p = 0; p < kPartitions; ++p) {
    const auto of_files = DumpPartition(**store, core, p, DumpKind::kCanonical, {});
    const auto of_kafka = DumpPartition(anew, core, p, DumpKind::kCanonical, {});
    ASSERT_TRUE(of_files.ok() && of_kafka.ok());
    EXPECT_EQ(of_files->hash, of_kafka->hash) << p;
  }
}

std::unique_ptr<KafkaLogEngine> OpenServed(const std::string& bootstrap,
                                           const std::vector<std::string>& names) {
  KafkaLogOptions options;
  options.connection.bootstrap = bootstrap;
  for (const KafkaTopic& topic : ServedTopics()) {
    if (std::find(names.begin(), names.end(), topic.name) != names.end()) {
      options.topics.push_back(topic);
    }
  }
  return OpenOrDie(std::move(options));
}

TEST_F(KafkaCrmctlTest, CopiedLogKeepsTheProjectionsOfBefore) {
  {
    RunningServer server(File("data"));
    const Ran imported = Crmctl(
        server, {"import", "contacts", CRM_SOURCE_DIR "/examples/complete_journey/households.csv",
                 "--source", "complete-journey", "--key-column", "household_id"});
    ASSERT_EQ(imported.exit_code, 0) << imported.err;
  }
  const Ran copied = Crmctl({"log", "copy", "--data-dir", File("data"), "--to", Url()});
  ASSERT_EQ(copied.exit_code, 0) << copied.err;
  {
    const auto engine = OpenServed(cluster_->bootstrap(), {"crm.contact.events"});
    ExpectCoreOf(engine->Topic("crm.contact.events"), File("data"));
  }
  // Back into files: by way of an export, and at once.
  const Ran exported =
      Crmctl({"log", "export", File("backup"), "--from", Url(), "--topic", "crm.contact.events"});
  ASSERT_EQ(exported.exit_code, 0) << exported.err;
  const Ran imported = Crmctl({"log", "import", File("backup"), "--data-dir", File("new")});
  ASSERT_EQ(imported.exit_code, 0) << imported.err;
  EXPECT_EQ(Crmctl({"--data-dir", File("new"), "log", "cat"}).out,
            Crmctl({"--data-dir", File("data"), "log", "cat"}).out);
  const Ran again = Crmctl({"log", "copy", "--data-dir", File("new"), "--to", Url()});
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(again.out, HasSubstr(" 0 of them new"));
}

// A program of its own, which may be killed.
class Program {
 public:
  explicit Program(std::vector<std::string> arguments) {
    std::vector<char*> pointers;
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    pid_ = fork();
    CRM_CHECK(pid_ >= 0);
    if (pid_ != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int nowhere = open("/dev/null", O_WRONLY);
    dup2(nowhere, STDOUT_FILENO);
    dup2(nowhere, STDERR_FILENO);
    execv(pointers.front(), pointers.data());
    _exit(127);
  }
  ~Program() { Kill(); }
  // False: it had ended before.
  bool Kill() {
    if (pid_ <= 0) return false;
    kill(pid_, SIGKILL);
    int status = 0;
    CRM_CHECK(waitpid(pid_, &status, 0) == pid_);
    pid_ = 0;
    return WIFSIGNALED(status);
  }

 private:
  pid_t pid_ = 0;
};

// Records on Kafka by now; 0 while there are no topics.
int64_t RecordsAt(BrokerQueries& queries) {
  std::vector<crm::LogPlace> places;
  for (Partition p = 0; p < kPartitions; ++p) places.push_back({"crm.contact.events", p});
  const auto ends = queries.Ends(places, 5 * kSecond);
  return ends.ok() ? std::accumulate(ends->begin(), ends->end(), int64_t{0}) : 0;
}

TEST_F(KafkaCrmctlTest, AKilledCopyGoesOnAndIsVerified) {
  int64_t total = 0;
  {
    RunningServer server(File("data"));
    const Ran imported = Crmctl(
        server, {"import", "contacts", CRM_SOURCE_DIR "/examples/complete_journey/households.csv",
                 "--source", "complete-journey", "--key-column", "household_id"});
    ASSERT_EQ(imported.exit_code, 0) << imported.err;
  }
  {
    const auto source = OpenLog({File("data"), {}}, {});
    ASSERT_TRUE(source.ok()) << source.status();
    for (Partition p = 0; p < kPartitions; ++p) {
      total += (*source)->source().End({"crm.contact.events", p}).value();
    }
  }
  KafkaConnection connection;
  connection.bootstrap = cluster_->bootstrap();
  auto queries = BrokerQueries::Make(connection, nullptr);
  ASSERT_TRUE(queries.ok()) << queries.status();
  constexpr int kKills = 4;
  int amid = 0;
  for (int round = 0; round < kKills; ++round) {
    Program copy({CRM_CRMCTL_BINARY, "log", "copy", "--data-dir", File("data"), "--to", Url()});
    const int64_t enough = 1 + round * total / kKills;
    ASSERT_TRUE(Eventually(60 * kSecond, [&] { return RecordsAt(**queries) >= enough; }));
    const bool killed = copy.Kill();
    const int64_t there = RecordsAt(**queries);
    amid += killed && there < total ? 1 : 0;
    std::cout << (killed ? "killed at " : "ended at ") << there << " of " << total << std::endl;
  }
  EXPECT_GT(amid, 0) << "no kill met a copy that was under way";
  const Ran copied = Crmctl({"log", "copy", "--data-dir", File("data"), "--to", Url()});
  ASSERT_EQ(copied.exit_code, 0) << copied.err;
  EXPECT_THAT(copied.out, HasSubstr("All were read back"));
  const auto engine = OpenServed(cluster_->bootstrap(), {"crm.contact.events"});
  ExpectCoreOf(engine->Topic("crm.contact.events"), File("data"));
}

TEST_F(KafkaCrmctlTest, TopicsAreMadeOnceAndChecked) {
  const std::vector<std::string> connection = {"--kafka-bootstrap", cluster_->bootstrap()};
  const auto with = [&](std::vector<std::string> command) {
    command.insert(command.end(), connection.begin(), connection.end());
    return Crmctl(command);
  };
  const Ran missing = with({"topics", "check"});
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_THAT(missing.err, HasSubstr("crmctl topics create"));

  const Ran made = with({"topics", "create", "--secret-file", File("secret")});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  EXPECT_THAT(made.err, HasSubstr("Made the secret file"));
  EXPECT_THAT(made.out, HasSubstr("Made crm.contact.events\n"));
  namespace fs = std::filesystem;
  EXPECT_EQ(fs::status(File("secret")).permissions(),
            fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_EQ(with({"topics", "check"}).exit_code, 0);

  const Ran again = with({"topics", "create", "--secret-file", File("secret")});
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(again.err, "");
  EXPECT_THAT(again.out, HasSubstr("There already: crm.contact.events\n"));
  const std::string log_line = made.out.substr(made.out.find("Log "));
  EXPECT_THAT(again.out, HasSubstr(log_line));

  const Ran other = with({"topics", "create", "--secret-file", File("other-secret")});
  EXPECT_EQ(other.exit_code, 1);
  EXPECT_THAT(other.err, HasSubstr("SECRET_MISMATCH"));
}

TEST_F(KafkaCrmctlTest, RestoredLogIsAdopted) {
  ASSERT_EQ(Crmctl({"topics", "create", "--kafka-bootstrap", cluster_->bootstrap(), "--secret-file",
                    File("secret")})
                .exit_code,
            0);
  EXPECT_EQ(Crmctl({"log", "adopt-restored", "--to", Url()}).exit_code, 2);
  const Ran adopted = Crmctl({"log", "adopt-restored", "--to", Url(), "--yes"});
  ASSERT_EQ(adopted.exit_code, 0) << adopted.err;
  EXPECT_THAT(adopted.out, HasSubstr("epoch 1 now"));
  std::vector<std::string> names;
  for (const KafkaTopic& topic : ServedTopics()) names.push_back(topic.name);
  const auto engine = OpenServed(cluster_->bootstrap(), names);
  EXPECT_EQ(engine->identity().epoch, 1);
  for (const std::string& name : names) {
    for (Partition p = 0; p < kPartitions; ++p) {
      EXPECT_EQ(engine->Topic(name).EndOffset(p).value(), 2) << name << " " << p;
    }
  }
  StoredPosition before;
  before.log_id = engine->identity().log_id;
  before.stored = 1;
  EXPECT_EQ(ReasonOf(CheckPosition(engine->Topic(names[0]), 0, before)),
            "PROJECTION_OF_EARLIER_EPOCH");
}

}  // namespace
}  // namespace crm::crmctl
