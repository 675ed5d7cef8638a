#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"

namespace crm {

// What the admin port answers; called on its threads, each must return soon.
struct AdminPages {
  // Prometheus text.
  std::function<std::string()> metrics;
  // OK = 200; anything else = 503 with the message, which says what is missing.
  std::function<absl::Status()> live;
  std::function<absl::Status()> ready;
  std::function<absl::Status()> started;
  // Effective configuration without secrets.
  std::function<std::string()> config;
};

// HTTP for probes and scrapers: GET and HEAD of /metrics /livez /readyz /startupz /configz;
// anything else is 404 or 405. Plain and without authentication: for the pod's network only.
// Thread-safe.
class AdminHttp {
 public:
  // host:port; port 0 takes a free one.
  AdminHttp(std::string listen, AdminPages pages);
  // Stops; returns when no page is being made any more.
  ~AdminHttp();
  AdminHttp(const AdminHttp&) = delete;
  AdminHttp& operator=(const AdminHttp&) = delete;

  // UNAVAILABLE: the address cannot be bound.
  absl::Status Start();
  int port() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace crm
