#include "tests/bench/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <optional>
#include <sstream>
#include <thread>

#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "common/base/status.h"

namespace crm {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kStartDeadline{60};
constexpr std::chrono::milliseconds kPoll{2};

// The child's end of a fork; does not return.
[[noreturn]] void Become(const std::vector<std::string>& arguments, int out, int err) {
  dup2(out, STDOUT_FILENO);
  if (err >= 0) dup2(err, STDERR_FILENO);
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  execv(argv[0], argv.data());
  _exit(127);
}

std::string EndpointOf(const fs::path& file) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("api=")) return line.substr(4);
  }
  return "";
}

// Ticks of one process: own time, and of children that ended; empty where it is not there.
struct Ticks {
  pid_t parent = 0;
  int64_t used = 0;
};

std::optional<Ticks> TicksOf(pid_t pid) {
  std::ifstream in(fmt::format("/proc/{}/stat", pid));
  std::string line;
  if (!std::getline(in, line)) return std::nullopt;
  // The name, in parentheses, may hold anything.
  std::istringstream fields(line.substr(line.rfind(')') + 1));
  std::string state;
  Ticks ticks;
  fields >> state >> ticks.parent;
  std::string skipped;
  for (int i = 0; i < 9; ++i) fields >> skipped;
  for (int i = 0; i < 4; ++i) {
    int64_t each = 0;
    fields >> each;
    ticks.used += each;
  }
  return ticks;
}

}  // namespace

absl::StatusOr<std::string> RunForOutput(const std::vector<std::string>& arguments) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return absl::InternalError("pipe");
  const pid_t pid = fork();
  if (pid == 0) Become(arguments, ends[1], -1);
  close(ends[1]);
  std::string output;
  char buffer[4096];
  for (ssize_t n; (n = read(ends[0], buffer, sizeof buffer)) > 0;) {
    output.append(buffer, static_cast<size_t>(n));
  }
  close(ends[0]);
  int status = 0;
  waitpid(pid, &status, 0);
  if (status == 0) return output;
  return absl::InternalError(fmt::format("{} failed: {}", arguments.front(), output));
}

absl::StatusOr<google::protobuf::Struct> RunForJson(const std::vector<std::string>& arguments) {
  CRM_ASSIGN_OR_RETURN(const std::string output, RunForOutput(arguments));
  const std::string trimmed(absl::StripSuffix(output, "\n"));
  const std::string last = trimmed.substr(trimmed.rfind('\n') + 1);
  google::protobuf::Struct json;
  const bool parsed = google::protobuf::util::JsonStringToMessage(last, &json).ok();
  if (parsed) return json;
  return absl::InternalError(fmt::format("{} failed: {}", arguments.front(), output));
}

double ProcessorSeconds(pid_t pid) {
  int64_t used = TicksOf(pid).value_or(Ticks{}).used;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    pid_t other = 0;
    if (!absl::SimpleAtoi(entry.path().filename().string(), &other)) continue;
    const std::optional<Ticks> ticks = TicksOf(other);
    if (ticks && ticks->parent == pid) used += ticks->used;
  }
  return static_cast<double>(used) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

double NumberOf(const google::protobuf::Struct& json, const std::string& field) {
  const auto found = json.fields().find(field);
  return found == json.fields().end() ? 0 : found->second.number_value();
}

absl::StatusOr<std::unique_ptr<ServerProcess>> ServerProcess::Start(
    std::vector<std::string> arguments, const fs::path& data_dir) {
  fs::create_directories(data_dir);
  fs::remove(data_dir / "endpoints");
  arguments.insert(arguments.end(), {"--data-dir", data_dir.string(), "--listen", "127.0.0.1:0"});
  const std::string log = data_dir.string() + ".log";
  const auto start = Clock::now();
  const pid_t pid = fork();
  if (pid == 0) {
    const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    Become(arguments, out, out);
  }
  std::unique_ptr<ServerProcess> server(new ServerProcess(pid));
  while (server->address_.empty()) {
    int status = 0;
    const bool ended = waitpid(pid, &status, WNOHANG) == pid;
    if (ended) server->pid_ = 0;
    if (ended || Clock::now() - start > kStartDeadline) {
      return absl::UnavailableError(
          fmt::format("{} does not serve; see {}", arguments.front(), log));
    }
    std::this_thread::sleep_for(kPoll);
    server->address_ = EndpointOf(data_dir / "endpoints");
  }
  server->start_seconds_ = std::chrono::duration<double>(Clock::now() - start).count();
  return server;
}

ServerProcess::~ServerProcess() {
  (void)Stop();
}

double ServerProcess::StatusOf(const char* line) const {
  std::ifstream status(fmt::format("/proc/{}/status", pid_));
  const std::string start(line);
  for (std::string each; std::getline(status, each);) {
    if (each.starts_with(start)) return 1024 * std::stod(each.substr(start.size()));
  }
  return 0;
}

double ServerProcess::PeakMemory() const {
  return StatusOf("VmHWM:");
}

double ServerProcess::Memory() const {
  return StatusOf("VmRSS:");
}

void ServerProcess::Kill() {
  if (pid_ == 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

absl::Status ServerProcess::Stop() {
  if (pid_ == 0) return absl::OkStatus();
  kill(pid_, SIGTERM);
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = 0;
  if (status == 0) return absl::OkStatus();
  return absl::InternalError(fmt::format("a server ended with status {}", status));
}

}  // namespace crm
