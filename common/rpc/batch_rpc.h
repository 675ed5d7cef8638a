#pragma once

#include <memory>

#include "common/rpc/raw_service.h"

// Internal to common/rpc.
namespace crm {

// Bidirectional batch streams of one method on one loop. On the loop's thread; before it starts,
// the first time. Asks for the next call by itself from then on. `core` is method.core.
void RequestBatches(const RawMethod& method, const std::shared_ptr<ServerCore>& core,
                    const UnaryHandler& handler, CompletionLoop& loop);

}  // namespace crm
