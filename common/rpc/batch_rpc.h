#pragma once

#include <memory>

#include "common/rpc/raw_service.h"

// Internal to common/rpc.
namespace crm {

// One item of a batch stream as crm.common.v1.BatchItem lays it out.
struct BatchItemView {
  int64_t row = 0;
  std::string_view command;
  // Holds `command` where it came in several pieces.
  std::string joined;
  // False: the bytes are no BatchItem; `row` holds what could be read of it.
  bool sound = false;
};
BatchItemView ReadBatchItem(std::string_view bytes);

// Bidirectional batch streams of one method on one loop. On the loop's thread; before it starts,
// the first time. Asks for the next call by itself from then on. `core` is method.core.
void RequestBatches(const RawMethod& method, const std::shared_ptr<ServerCore>& core,
                    const UnaryHandler& handler, CompletionLoop& loop);

}  // namespace crm
