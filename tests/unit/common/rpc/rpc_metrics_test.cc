#include "common/rpc/rpc_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crm/contact/v1/contact_service.pb.h"

namespace crm {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(RpcMetrics, CountsByMethodAndCode) {
  Metrics metrics;
  const auto* service = contact::v1::GetContactRequest::descriptor()->file()->service(0);
  RpcMetrics observer(metrics, {service});
  // Other strings than the descriptor's own.
  const std::string name = service->full_name();
  observer.Started(name, "GetContact");
  observer.Handled(name, "GetContact", absl::StatusCode::kNotFound, 2 * kMillisecond);
  observer.Handled(name, "ImportContacts", absl::StatusCode::kOk, kSecond);
  observer.Handled(name, "GetContact", static_cast<absl::StatusCode>(99), 0);
  observer.Handled("no.Such", "Method", absl::StatusCode::kOk, 0);
  observer.Handled("", "", absl::StatusCode::kOk, 0);
  observer.Shed("items");
  const std::string text = metrics.Render();
  const auto labels = [&](const std::string& method, const std::string& type) {
    return "grpc_method=\"" + method + "\",grpc_service=\"" + name + "\",grpc_type=\"" + type +
           "\"}";
  };
  EXPECT_THAT(text, HasSubstr("grpc_server_started_total{" + labels("GetContact", "unary") + " 1"));
  EXPECT_THAT(text, HasSubstr("grpc_server_handled_total{grpc_code=\"NotFound\"," +
                              labels("GetContact", "unary") + " 1"));
  EXPECT_THAT(text, HasSubstr("grpc_server_handled_total{grpc_code=\"OK\"," +
                              labels("ImportContacts", "bidi_stream") + " 1"));
  EXPECT_THAT(text, HasSubstr("crm_shed_requests_total{reason=\"items\"} 1"));
  EXPECT_THAT(text, Not(HasSubstr("no.Such")));
}

}  // namespace
}  // namespace crm
