// Kills a process that appends, and fails its writes. The program starts itself as that process,
// because RocksDB's threads do not come along in a fork.

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <map>
#include <random>
#include <sstream>

#include "common/base/status.h"
#include "tests/conformance/embedded_log_under_test.h"
#include "tests/conformance/log_calls.h"
#include "tests/support/temp_directory.h"
#include "tests/support/test_seed.h"

namespace crm {
namespace {

constexpr char kAppendForever[] = "--child-appends-forever";
constexpr char kFailWrites[] = "--child-fails-writes";

// What a child had acknowledged, as it told on its standard output: "partition offset value\n".
struct Acknowledged {
  Partition partition;
  Offset offset;
  std::string value;
};

int AppendForever(const std::string& directory) {
  EmbeddedLogOptions options = OptionsFor(directory);
  // Flushes and compactions happen under the kill too.
  options.memory_bytes = 4 << 20;
  const auto engine = OpenOrDie(options);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (int64_t i = 0;; ++i) {
        const auto partition = static_cast<Partition>((thread + i) % kPartitions);
        const std::string value = fmt::format("{}-{}-{}", getpid(), thread, i);
        const auto offsets = AppendNow(engine->Topic(kTopic), partition,
                                       {EventOf(std::string(i * 37 % 9000, 'k'), value)});
        CRM_CHECK(offsets.ok());
        const std::string line = fmt::format("{} {} {}\n", partition, (*offsets)[0], value);
        // Below PIPE_BUF bytes a write is one piece.
        if (write(STDOUT_FILENO, line.data(), line.size()) < 0) return;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  return 1;
}

// With files that may not grow beyond a limit a write fails. Exits with the number of acknowledged
// appends, or 0 when the engine did not behave.
int FailWrites(const std::string& directory) {
  std::signal(SIGXFSZ, SIG_IGN);
  const auto engine = OpenOrDie(OptionsFor(directory));
  const rlimit limit = {300'000, RLIM_INFINITY};
  CRM_CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
  int acknowledged = 0;
  absl::Status failed;
  while (failed.ok() && acknowledged < 200) {
    failed = AppendNow(engine->Topic(kTopic), 0, {EventOf("k", std::string(4000, 'v'))}).status();
    if (failed.ok()) ++acknowledged;
  }
  if (ReasonOf(failed) != "LOG_WRITE_FAILED") return 0;
  const rlimit lifted = {RLIM_INFINITY, RLIM_INFINITY};
  CRM_CHECK(setrlimit(RLIMIT_FSIZE, &lifted) == 0);
  const absl::Status later = AppendNow(engine->Topic(kTopic), 1, {EventOf("k", "v")}).status();
  if (later.code() != absl::StatusCode::kUnavailable) return 0;
  const auto read = ReadPartition(engine->Topic(kTopic), 0, 1);
  return read.size() == static_cast<size_t>(acknowledged) ? acknowledged : 0;
}

struct Child {
  pid_t pid;
  // What it writes.
  int output;
};

Child Start(const char* what, const std::string& directory) {
  int ends[2];
  CRM_CHECK(pipe2(ends, O_CLOEXEC) == 0);
  const pid_t pid = fork();
  CRM_CHECK(pid >= 0);
  if (pid == 0) {
    dup2(ends[1], STDOUT_FILENO);
    execl("/proc/self/exe", "embedded_crash_test", what, directory.c_str(), nullptr);
    _exit(127);
  }
  close(ends[1]);
  return {pid, ends[0]};
}

// Kills the child once it told of `lines` appends; answers all it told of.
std::vector<Acknowledged> KillAfter(const Child& child, int64_t lines) {
  std::string text;
  char buffer[4096];
  bool killed = false;
  for (ssize_t got; (got = read(child.output, buffer, sizeof(buffer))) > 0;) {
    text.append(buffer, static_cast<size_t>(got));
    if (killed || std::count(text.begin(), text.end(), '\n') < lines) continue;
    kill(child.pid, SIGKILL);
    killed = true;
  }
  close(child.output);
  int status = 0;
  EXPECT_EQ(waitpid(child.pid, &status, 0), child.pid);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  std::vector<Acknowledged> acks;
  std::istringstream in(text.substr(0, text.rfind('\n') + 1));
  for (Acknowledged ack; in >> ack.partition >> ack.offset >> ack.value;) acks.push_back(ack);
  return acks;
}

using Places = std::map<std::pair<Partition, Offset>, std::string>;

Places ReadAll(Log& log) {
  Places places;
  for (Partition p = 0; p < kPartitions; ++p) {
    for (const Record& record : ReadPartition(log, p, 0)) places[{p, record.offset}] = record.value;
  }
  return places;
}

TEST(EmbeddedLogCrash, AcknowledgedIsReadableAfterKill) {
  TempDirectory directory;
  std::mt19937 random(TestSeed());
  Places acknowledged;
  for (int round = 0; round < 20; ++round) {
    const Child child = Start(kAppendForever, directory.path());
    for (const Acknowledged& ack : KillAfter(child, 1 + random() % 400)) {
      ASSERT_TRUE(acknowledged.emplace(std::pair(ack.partition, ack.offset), ack.value).second);
    }
    const auto engine = OpenOrDie(OptionsFor(directory.path()));
    Places read = ReadAll(engine->Topic(kTopic));
    for (const auto& [place, value] : acknowledged) ASSERT_EQ(read[place], value);
    const absl::Status verified = engine->Verify();
    ASSERT_TRUE(verified.ok()) << verified;
  }
  EXPECT_GT(acknowledged.size(), 500u);
}

TEST(EmbeddedLogCrash, AFailedWriteStopsTheEngineAndLosesNothingAcknowledged) {
  TempDirectory directory;
  const Child child = Start(kFailWrites, directory.path());
  int status = 0;
  ASSERT_EQ(waitpid(child.pid, &status, 0), child.pid);
  close(child.output);
  ASSERT_TRUE(WIFEXITED(status));
  const int acknowledged = WEXITSTATUS(status);
  ASSERT_GT(acknowledged, 10);
  const auto engine = OpenOrDie(OptionsFor(directory.path()));
  const auto read = ReadPartition(engine->Topic(kTopic), 0, 1);
  EXPECT_GE(read.size(), static_cast<size_t>(acknowledged));
  EXPECT_LE(read.size(), static_cast<size_t>(acknowledged) + 1);
  EXPECT_TRUE(engine->Verify().ok());
}

}  // namespace
}  // namespace crm

int main(int argc, char** argv) {
  if (argc == 3 && argv[1] == std::string(crm::kAppendForever)) return crm::AppendForever(argv[2]);
  if (argc == 3 && argv[1] == std::string(crm::kFailWrites)) return crm::FailWrites(argv[2]);
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
