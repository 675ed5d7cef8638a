#pragma once

#include <string>
#include <string_view>

#include "common/log/record.h"

namespace crm {

// How the embedded log stores a record: bytes are kept forever, so the format never changes.
//
//   key    BE32(partition) BE64(offset)
//   value  kind, + 0x80 on the last event of a command
//          varint(fence) varint(seq) varint(key length) key
//          the record's value

std::string LogKey(Partition partition, Offset offset);
// False for anything LogKey did not make.
bool ReadLogKey(std::string_view key, Partition* partition, Offset* offset);

// What precedes the record's value.
void AppendRecordHead(std::string* out, const Record& record);
// Sets all but the offset; false when the bytes are no record.
bool DecodeRecord(std::string_view bytes, Record* record);

}  // namespace crm
