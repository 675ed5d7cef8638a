#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/base/clock.h"

namespace crm {

// The shipped server in a process of its own, over one data directory. Every wait has a deadline.
// The process dies with the thread that started it. Not thread-safe.
class ServerProcess {
 public:
  // `data_dir` is made where it is missing. `flags` come after those for data and ports; an
  // --admin-listen among them counts. `program`: its path; crm-all where it is empty.
  explicit ServerProcess(std::string data_dir, std::vector<std::string> flags = {},
                         std::string program = "");
  // Kills what still runs.
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  // Starts, and waits until the server has answered a first call. Where it ended instead, the error
  // holds what it wrote to stderr.
  absl::Status Start();
  // Starts without a wait.
  void Launch();
  // Waits as Start does.
  absl::Status WaitUntilServing();
  // The exit code, -signal where one ended it, or nothing where it still runs after `wait`.
  std::optional<int> WaitForExit(TimeNs wait);

  // SIGKILL; returns when the process is gone.
  void Kill();
  // SIGTERM without a wait.
  void Terminate();
  // SIGSTOP: the process stands still, its connections stay open. Kill ends it even then.
  void Pause();
  // SIGCONT.
  void Resume();
  // SIGTERM; the exit code as of WaitForExit. A process that has not ended in time is killed and
  // answers nothing.
  std::optional<int> Stop(TimeNs wait = 40 * kSecond);

  bool running() const { return pid_ > 0; }
  pid_t pid() const { return pid_; }
  // "127.0.0.1:port", once serving.
  const std::string& address() const { return address_; }
  // Of /readyz and its like; the same form.
  const std::string& admin_address() const { return admin_address_; }
  const std::string& data_dir() const { return data_dir_; }
  // What the present (or last) process wrote to stderr.
  std::string errors() const;
  // Resident set.
  int64_t ResidentBytes() const;

 private:
  std::vector<std::string> Arguments() const;
  void ReadEndpoints();
  void Forget();

  const std::string data_dir_;
  const std::vector<std::string> flags_;
  const std::string program_;
  const std::string errors_file_;
  pid_t pid_ = 0;
  int pid_fd_ = -1;
  int watch_fd_ = -1;
  std::string address_;
  std::string admin_address_;
};

}  // namespace crm
