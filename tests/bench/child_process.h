#pragma once

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "google/protobuf/struct.pb.h"

namespace crm {

// Runs a program to its end, answers what it prints. INTERNAL: it failed.
absl::StatusOr<std::string> RunForOutput(const std::vector<std::string>& arguments);
// The same, and reads the last line, which is JSON. INTERNAL: it failed, or it is none.
absl::StatusOr<google::protobuf::Struct> RunForJson(const std::vector<std::string>& arguments);

// A number of what RunForJson answered; 0 where it is absent.
double NumberOf(const google::protobuf::Struct& json, const std::string& field);

// User and system time of a process and its children, those that ended too, in seconds. 0 where it
// is not there.
double ProcessorSeconds(pid_t pid);

// A server in a process of its own that writes `<data-dir>/endpoints` once it serves. Not
// thread-safe.
class ServerProcess {
 public:
  // `arguments` begin with the program and lack --data-dir and the addresses. Its output goes to
  // `<data-dir>.log`. UNAVAILABLE: it ended or does not serve after a minute.
  static absl::StatusOr<std::unique_ptr<ServerProcess>> Start(
      std::vector<std::string> arguments, const std::filesystem::path& data_dir);
  // Stops it where Stop was not called.
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  pid_t pid() const { return pid_; }
  // host:port of the API.
  const std::string& address() const { return address_; }
  // From the start of the process until it served.
  double start_seconds() const { return start_seconds_; }
  // Most memory it held so far, in bytes.
  double PeakMemory() const;
  // What it holds now, in bytes.
  double Memory() const;
  // INTERNAL: it did not end well.
  absl::Status Stop();
  // SIGKILL; returns when it is gone.
  void Kill();

 private:
  explicit ServerProcess(pid_t pid) : pid_(pid) {}
  // A line of /proc/PID/status that counts kB, in bytes; 0 where it is not there.
  double StatusOf(const char* line) const;

  pid_t pid_;
  std::string address_;
  double start_seconds_ = 0;
};

}  // namespace crm
