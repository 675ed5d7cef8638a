#include "common/telemetry/admin_http.h"

#include <civetweb.h>
#include <fmt/format.h>

#include <chrono>
#include <future>
#include <optional>
#include <string_view>

#include "common/base/status.h"

namespace crm {
namespace {

constexpr char kText[] = "text/plain; charset=utf-8";
constexpr char kPrometheus[] = "text/plain; version=0.0.4; charset=utf-8";

struct Page {
  int code = 200;
  const char* type = kText;
  std::string body;
};

Page Probe(const std::function<absl::Status()>& check) {
  const absl::Status status = check();
  if (status.ok()) return {200, kText, "ok\n"};
  return {503, kText, std::string(status.message()) + "\n"};
}

std::optional<Page> MakePage(std::string_view path, const AdminPages& pages) {
  if (path == "/metrics") return Page{200, kPrometheus, pages.metrics()};
  if (path == "/livez") return Probe(pages.live);
  if (path == "/readyz") return Probe(pages.ready);
  if (path == "/startupz") return Probe(pages.started);
  if (path == "/configz") return Page{200, kText, pages.config()};
  return std::nullopt;
}

const char* ReasonPhrase(int code) {
  switch (code) {
    case 200:
      return "OK";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    default:
      return "Service Unavailable";
  }
}

void Send(mg_connection* connection, const Page& page, bool with_body) {
  mg_printf(connection,
            "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
            "Cache-Control: no-store\r\n%sConnection: close\r\n\r\n",
            page.code, ReasonPhrase(page.code), page.type, page.body.size(),
            page.code == 405 ? "Allow: GET, HEAD\r\n" : "");
  if (with_body) mg_write(connection, page.body.data(), page.body.size());
}

int Serve(mg_connection* connection, void* data) {
  const auto& pages = *static_cast<const AdminPages*>(data);
  const mg_request_info* request = mg_get_request_info(connection);
  const std::string_view method = request->request_method;
  const bool head = method == "HEAD";
  Page page{405, kText, "only GET and HEAD\n"};
  if (head || method == "GET") {
    page = MakePage(request->local_uri, pages)
               .value_or(Page{404, kText,
                              "no such page; there are /metrics /livez /readyz /startupz "
                              "/configz\n"});
  }
  Send(connection, page, !head);
  return page.code;
}

}  // namespace

struct AdminHttp::State {
  std::string listen;
  AdminPages pages;
  mg_context* server = nullptr;
  int port = 0;

  void Call() const {
    const std::string host = listen.substr(0, listen.rfind(':'));
    char fault[128];
    mg_connection* call = mg_connect_client(host.c_str(), port, 0, fault, sizeof(fault));
    if (call != nullptr) mg_close_connection(call);
  }
};

AdminHttp::AdminHttp(std::string listen, AdminPages pages)
    : state_(std::make_unique<State>(State{std::move(listen), std::move(pages)})) {}

AdminHttp::~AdminHttp() {
  if (state_->server == nullptr) return;
  // The thread that accepts looks for the end every two seconds only, or when somebody calls.
  const std::future<void> stopped = std::async(std::launch::async, mg_stop, state_->server);
  do {
    state_->Call();
  } while (stopped.wait_for(std::chrono::milliseconds(10)) != std::future_status::ready);
}

absl::Status AdminHttp::Start() {
  const char* options[] = {"listening_ports",
                           state_->listen.c_str(),
                           "num_threads",
                           "3",
                           "request_timeout_ms",
                           "5000",
                           "max_request_size",
                           "8192",
                           "enable_keep_alive",
                           "no",
                           nullptr};
  mg_callbacks callbacks{};
  // Silent: its own log goes to stderr, line by line.
  callbacks.log_message = [](const mg_connection*, const char*) { return 1; };
  state_->server = mg_start(&callbacks, nullptr, options);
  if (state_->server == nullptr) {
    return Error(absl::StatusCode::kUnavailable, "CANNOT_LISTEN",
                 fmt::format("cannot listen on {}: is the port in use, or the address not this "
                             "machine's? Choose another with --admin-listen",
                             state_->listen));
  }
  mg_set_request_handler(state_->server, "/", &Serve, &state_->pages);
  mg_server_port ports[1] = {};
  if (mg_get_server_ports(state_->server, 1, ports) == 1) state_->port = ports[0].port;
  return absl::OkStatus();
}

int AdminHttp::port() const {
  return state_->port;
}

}  // namespace crm
