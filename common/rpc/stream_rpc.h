#pragma once

#include "common/rpc/raw_service.h"

// Internal to common/rpc.
namespace crm {

// Server-streaming calls of one method on one loop. On the loop's thread; before it starts, the
// first time. Asks for the next call by itself from then on.
void RequestStreams(const RawMethod& method, const StreamHandler& handler, CompletionLoop& loop);

}  // namespace crm
