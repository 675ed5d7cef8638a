#pragma once

#include <google/protobuf/message.h>
#include <grpcpp/grpcpp.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/ids.h"
#include "tools/crmctl/server_targets.h"

namespace crm::crmctl {

struct RpcTarget {
  // As ParseTargets takes it.
  std::string address = "127.0.0.1:50051";
  std::string tenant;
  std::string actor;
  // Longest wait for an answer, and for a connection.
  TimeNs timeout = 30 * kSecond;
  // Reads answer from what the server holds, which may be a moment old; they need no log.
  bool eventual = false;
};

// Calls servers by the names of their methods ("/package.Service/Method"): of those that host the
// method's service the first that can be reached. Errors come with the google.rpc details that the
// server sent; one that never reached a server is UNAVAILABLE (SERVER_UNREACHABLE) and names the
// remedy. Not thread-safe.
//
// Where a partition's owner is being replaced, calls are made again, within the target's time-out:
// reads, and commands that bear a request id.
class RpcClient {
 public:
  // A target that cannot be parsed is taken for one address.
  explicit RpcClient(RpcTarget target);

  // Reads strongly unless the target says otherwise: a person expects to see what was answered to
  // anyone before.
  absl::Status Call(const std::string& method, const google::protobuf::Message& request,
                    google::protobuf::Message* response);

  // Each answer of a server-streaming call, parsed into `response`, goes to `each`; when that is
  // false the call ends, OK. Without a deadline: a stream may go on for as long as there is
  // something.
  absl::Status CallStream(const std::string& method, const google::protobuf::Message& request,
                          google::protobuf::Message* response, const std::function<bool()>& each);

  // With tenant and actor.
  std::unique_ptr<grpc::ClientContext> NewContext() const;
  // To a server of the method's service that can be reached, or to the first there is.
  const std::shared_ptr<grpc::Channel>& ChannelOf(const std::string& method);
  const RpcTarget& target() const { return target_; }
  const ServerTargets& servers() const { return servers_; }

  // As a status with the details the server sent.
  absl::Status ToStatus(const grpc::Status& status, const grpc::ClientContext& context) const;

 private:
  absl::Status CallOnce(const std::string& method, const google::protobuf::Message& request,
                        TimeNs timeout, google::protobuf::Message* response);
  bool IsReachable(size_t server);

  RpcTarget target_;
  ServerTargets servers_;
  // One a server.
  std::vector<std::shared_ptr<grpc::Channel>> channels_;
  // By service: which one served last.
  std::map<std::string, size_t> chosen_;
};

// A point in time `from_now` on, for deadlines and alarms.
gpr_timespec FromNow(TimeNs from_now);

// Between two looks at something that another process does.
void Pause(TimeNs how_long);

grpc::ByteBuffer ToBuffer(const google::protobuf::Message& message);
// False: the bytes are no such message.
bool FromBuffer(grpc::ByteBuffer* buffer, google::protobuf::Message* message);

}  // namespace crm::crmctl
