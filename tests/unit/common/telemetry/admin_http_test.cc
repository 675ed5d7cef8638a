#include "common/telemetry/admin_http.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <string>

#include "common/base/mutex.h"
#include "common/telemetry/metrics.h"

namespace crm {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

int Connect(int port) {
  const int socket_fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  timeval patience{10, 0};
  setsockopt(socket_fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  EXPECT_EQ(connect(socket_fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  return socket_fd;
}

// The whole answer to bytes sent as they are.
std::string Talk(int port, const std::string& request) {
  const int socket_fd = Connect(port);
  (void)send(socket_fd, request.data(), request.size(), MSG_NOSIGNAL);
  shutdown(socket_fd, SHUT_WR);
  std::string answer;
  char buffer[4096];
  for (ssize_t n = 0; (n = recv(socket_fd, buffer, sizeof(buffer), 0)) > 0;) {
    answer.append(buffer, static_cast<size_t>(n));
  }
  close(socket_fd);
  return answer;
}

std::string Get(int port, const std::string& path, const std::string& method = "GET") {
  return Talk(port, method + " " + path + " HTTP/1.1\r\nHost: x\r\n\r\n");
}

class AdminHttpTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(http_.Start().ok()); }

  Metrics metrics_;
  std::atomic<bool> ready_{false};
  AdminHttp http_{"127.0.0.1:0",
                  {[this] { return metrics_.Render(); }, [] { return absl::OkStatus(); },
                   [this] {
                     return ready_ ? absl::OkStatus()
                                   : absl::UnavailableError("contact: 12 events behind");
                   },
                   [] { return absl::OkStatus(); }, [] { return "listen = x\n"; }}};
};

TEST_F(AdminHttpTest, ServesEveryPage) {
  metrics_.CounterOf(metric::kShed, {{"reason", "calls"}}).Add(3);
  EXPECT_THAT(Get(http_.port(), "/metrics"),
              HasSubstr("crm_shed_requests_total{reason=\"calls\"} 3"));
  EXPECT_THAT(Get(http_.port(), "/livez"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(Get(http_.port(), "/startupz"), HasSubstr("ok\n"));
  EXPECT_THAT(Get(http_.port(), "/configz"), HasSubstr("listen = x"));
}

TEST_F(AdminHttpTest, ReadinessFollowsItsCallback) {
  EXPECT_THAT(Get(http_.port(), "/readyz"), StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(Get(http_.port(), "/readyz"), HasSubstr("12 events behind"));
  ready_ = true;
  EXPECT_THAT(Get(http_.port(), "/readyz"), StartsWith("HTTP/1.1 200"));
}

TEST_F(AdminHttpTest, HeadHasNoBody) {
  const std::string answer = Get(http_.port(), "/livez", "HEAD");
  EXPECT_THAT(answer, HasSubstr("Content-Length: 3"));
  EXPECT_THAT(answer, Not(HasSubstr("ok\n")));
}

TEST_F(AdminHttpTest, OthersAreRefused) {
  EXPECT_THAT(Get(http_.port(), "/"), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(Get(http_.port(), "/metrics/x"), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(Get(http_.port(), "/../etc/passwd"), Not(HasSubstr("root")));
  EXPECT_THAT(Get(http_.port(), "/livez", "POST"), StartsWith("HTTP/1.1 405"));
  EXPECT_THAT(Get(http_.port(), "/livez", "DELETE"), StartsWith("HTTP/1.1 405"));
}

TEST_F(AdminHttpTest, GarbageAndLongRequestsDoNoHarm) {
  Talk(http_.port(), std::string("\x16\x03\x01\x00\xff\xff\r\n\r\n", 10));
  Talk(http_.port(), "GET /" + std::string(100000, 'a') + " HTTP/1.1\r\n\r\n");
  Talk(http_.port(), "\r\n\r\n\r\n");
  EXPECT_THAT(Get(http_.port(), "/livez"), StartsWith("HTTP/1.1 200"));
}

TEST_F(AdminHttpTest, TakenPortIsRefusedWithTheRemedy) {
  AdminHttp second("127.0.0.1:" + std::to_string(http_.port()), {});
  const absl::Status status = second.Start();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("--admin-listen"));
}

TEST(MetricsTest, SameNameAndLabelsAreTheSameSeries) {
  Metrics metrics;
  Counter& one = metrics.CounterOf(metric::kFencedWrites, {{"topic", "t"}});
  EXPECT_EQ(&one, &metrics.CounterOf(metric::kFencedWrites, {{"topic", "t"}}));
  EXPECT_NE(&one, &metrics.CounterOf(metric::kFencedWrites, {{"topic", "u"}}));
  metrics.GaugeOf(metric::kBuildInfo, {{"version", "1"}}).Set(1);
  metrics.HistogramOf(metric::kAppendSeconds, {{"topic", "t"}}).Observe(2 * kMillisecond);
  const std::string text = metrics.Render();
  EXPECT_THAT(text, HasSubstr("crm_build_info{version=\"1\"} 1"));
  EXPECT_THAT(text, HasSubstr("crm_append_seconds_bucket{topic=\"t\",le=\"0.001\"} 0"));
  EXPECT_THAT(text, HasSubstr("crm_append_seconds_bucket{topic=\"t\",le=\"0.0025\"} 1"));
}

TEST(MetricsTest, GaugesAreRefreshedBeforeRendering) {
  Metrics metrics;
  Gauge& lag = metrics.GaugeOf(metric::kProjectionLag, {{"service", "contact"}});
  int calls = 0;
  metrics.BeforeRender([&] { lag.Set(++calls); });
  metrics.Render();
  EXPECT_THAT(metrics.Render(), HasSubstr("crm_projection_lag_events{service=\"contact\"} 2"));
}

}  // namespace
}  // namespace crm
