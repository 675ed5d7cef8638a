#pragma once

#include <google/longrunning/operations.pb.h>

#include <functional>
#include <memory>
#include <string>

#include "common/base/clock.h"
#include "common/base/random.h"
#include "common/base/secret.h"
#include "common/rpc/call.h"
#include "common/service/position_tokens.h"
#include "common/service/position_waits.h"
#include "common/service/resource_reads.h"
#include "common/service/served_projection.h"
#include "common/service/service_definition.h"
#include "common/service/work_queue.h"

namespace crm {

// The methods of google.longrunning.Operations that read one service's operations, which are rows
// of its core: so they are as durable as everything else. Thread-safe.
class OperationCalls {
 public:
  // All that it refers to outlives it.
  struct Of {
    const OperationMethods& methods;
    ServedProjection& core;
    const PositionWaits& waits;
    PositionTokens& tokens;
    WorkQueue& queries;
    const Secret& secret;
    Random& random;
    const Clock& clock;
    // An error of a row as callers see it.
    std::function<absl::Status(absl::Status)> translate;
  };
  explicit OperationCalls(Of of) : of_(std::move(of)) {}

  void Get(std::unique_ptr<UnaryCall> call) const;
  // Answers when the operation is done, at the request's timeout, or shortly before the call's
  // deadline, with the operation as it is then.
  void Wait(std::unique_ptr<UnaryCall> call) const;
  // By name; a filter is refused.
  void List(std::unique_ptr<UnaryCall> call) const;

 private:
  using Call = std::shared_ptr<UnaryCall>;

  // Answers once the operation is done or it is `until`.
  void AnswerWhenDone(const Call& call, const ResourceRef& ref, TimeNs until) const;
  void Look(const Call& call, const ResourceRef& ref, TimeNs until) const;
  void AnswerList(const Call& call,
                  const google::longrunning::ListOperationsRequest& request) const;
  absl::StatusOr<std::string> ReadList(
      const RowReader& rows, const std::string& tenant,
      const google::longrunning::ListOperationsRequest& request) const;
  void OnQueue(const Call& call, std::function<void()> work) const;

  const Of of_;
};

}  // namespace crm
