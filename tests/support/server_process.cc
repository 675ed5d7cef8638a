#include "tests/support/server_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "common/base/check.h"
#include "tests/support/contact_client.h"

namespace crm {
namespace {

// Two processes over one directory write to two files.
std::string ErrorsFile(const std::string& data_dir) {
  static std::atomic<int> made{0};
  return fmt::format("{}.stderr-{}", data_dir, ++made);
}

constexpr TimeNs kStartDeadline = 60 * kSecond;

std::string ReadText(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Between fork and exec: nothing but calls that are safe there.
[[noreturn]] void Become(const std::vector<char*>& arguments, const char* errors) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int fd = open(errors, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  dup2(fd, STDOUT_FILENO);
  dup2(fd, STDERR_FILENO);
  execv(arguments.front(), arguments.data());
  _exit(127);
}

int ExitCode(int status) {
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

int Milliseconds(TimeNs wait) {
  return static_cast<int>(std::max<TimeNs>(0, wait / kMillisecond));
}

}  // namespace

ServerProcess::ServerProcess(std::string data_dir, std::vector<std::string> flags,
                             std::string program)
    : data_dir_(std::move(data_dir)),
      flags_(std::move(flags)),
      program_(program.empty() ? CRM_ALL_BINARY : std::move(program)),
      errors_file_(ErrorsFile(data_dir_)) {
  std::filesystem::create_directories(data_dir_);
}

ServerProcess::~ServerProcess() {
  Kill();
}

std::vector<std::string> ServerProcess::Arguments() const {
  std::vector<std::string> arguments = {program_, "--data-dir", data_dir_, "--listen",
                                        "127.0.0.1:0"};
  if (std::find(flags_.begin(), flags_.end(), "--admin-listen") == flags_.end()) {
    arguments.insert(arguments.end(), {"--admin-listen", "127.0.0.1:0"});
  }
  arguments.insert(arguments.end(), flags_.begin(), flags_.end());
  return arguments;
}

void ServerProcess::Launch() {
  CRM_CHECK(pid_ == 0);
  std::filesystem::remove(data_dir_ + "/endpoints");
  address_.clear();
  watch_fd_ = inotify_init1(IN_CLOEXEC);
  CRM_CHECK(inotify_add_watch(watch_fd_, data_dir_.c_str(), IN_MOVED_TO) >= 0);
  std::vector<std::string> arguments = Arguments();
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  pid_ = fork();
  CRM_CHECK(pid_ >= 0);
  if (pid_ == 0) Become(pointers, errors_file_.c_str());
  pid_fd_ = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
  CRM_CHECK(pid_fd_ >= 0);
}

absl::Status ServerProcess::Start() {
  Launch();
  return WaitUntilServing();
}

absl::Status ServerProcess::WaitUntilServing() {
  const SystemClock clock;
  const TimeNs deadline = clock.Monotonic() + kStartDeadline;
  const std::string endpoints = data_dir_ + "/endpoints";
  while (!std::filesystem::exists(endpoints)) {
    pollfd events[] = {{pid_fd_, POLLIN, 0}, {watch_fd_, POLLIN, 0}};
    const int ready = poll(events, 2, Milliseconds(deadline - clock.Monotonic()));
    if (ready == 0) {
      return absl::DeadlineExceededError("the server does not serve:\n" + errors());
    }
    if ((events[0].revents & POLLIN) != 0) {
      const std::optional<int> code = WaitForExit(0);
      return absl::FailedPreconditionError(
          fmt::format("the server ended with {}:\n{}", code.value_or(-1), errors()));
    }
    char passed[4096];
    if ((events[1].revents & POLLIN) != 0 && read(watch_fd_, passed, sizeof(passed)) < 0) continue;
  }
  ReadEndpoints();
  return ContactClient(address_).WaitForAnswer(deadline - clock.Monotonic());
}

void ServerProcess::ReadEndpoints() {
  const std::string text = ReadText(data_dir_ + "/endpoints");
  const auto value = [&text](const std::string& name) {
    const size_t begin = text.find(name) + name.size();
    return text.substr(begin, text.find('\n', begin) - begin);
  };
  address_ = value("api=");
  admin_address_ = value("admin=");
}

std::optional<int> ServerProcess::WaitForExit(TimeNs wait) {
  CRM_CHECK(running());
  pollfd event{pid_fd_, POLLIN, 0};
  if (poll(&event, 1, Milliseconds(wait)) == 0) return std::nullopt;
  int status = 0;
  CRM_CHECK(waitpid(pid_, &status, 0) == pid_);
  Forget();
  return ExitCode(status);
}

void ServerProcess::Forget() {
  close(pid_fd_);
  close(watch_fd_);
  pid_fd_ = watch_fd_ = -1;
  pid_ = 0;
}

void ServerProcess::Kill() {
  if (!running()) return;
  kill(pid_, SIGKILL);
  CRM_CHECK(WaitForExit(60 * kSecond).has_value());
}

void ServerProcess::Terminate() {
  CRM_CHECK(running());
  kill(pid_, SIGTERM);
}

void ServerProcess::Pause() {
  CRM_CHECK(running());
  kill(pid_, SIGSTOP);
}

void ServerProcess::Resume() {
  CRM_CHECK(running());
  kill(pid_, SIGCONT);
}

std::optional<int> ServerProcess::Stop(TimeNs wait) {
  Terminate();
  const std::optional<int> code = WaitForExit(wait);
  if (!code.has_value()) Kill();
  return code;
}

std::string ServerProcess::errors() const {
  return ReadText(errors_file_);
}

int64_t ServerProcess::ResidentBytes() const {
  std::ifstream in("/proc/" + std::to_string(pid_) + "/statm");
  int64_t size = 0;
  int64_t resident = 0;
  in >> size >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

}  // namespace crm
