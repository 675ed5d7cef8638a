#pragma once

#include <cstdint>
#include <string>
#include <string_view>

// Internal to common/rpc.
namespace crm {

// One item of a batch stream as crm.common.v1.BatchItem lays it out.
struct BatchItemView {
  int64_t row = 0;
  std::string_view command;
  // Empty where the item names no import.
  std::string_view import_id;
  // Holds `command` where it is not one piece of the item's bytes.
  std::string joined;
  // False: the bytes are no BatchItem; `row` holds what could be read of it.
  bool sound = false;
};
BatchItemView ReadBatchItem(std::string_view bytes);

// Longest name of an import, in bytes: with any row it makes a request id that the rules allow.
inline constexpr size_t kMaxImportId = 100;

// Gives a command that has no request id the one of its row in the import. `field`: the request
// id's number in the command.
void NameRequest(BatchItemView* item, std::string_view import_id, int field);

}  // namespace crm
