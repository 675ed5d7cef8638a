#pragma once

#include <grpcpp/generic/async_generic_service.h>

#include "common/rpc/completion_loop.h"

// Internal to common/rpc.
namespace crm {

// Answers calls of methods nobody serves: UNIMPLEMENTED, with details like every error. On the
// loop's thread; before it starts, the first time. Asks for the next call by itself from then on.
void RequestUnknown(grpc::AsyncGenericService& service, CompletionLoop& loop);

}  // namespace crm
