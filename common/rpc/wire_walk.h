#pragma once

#include <google/protobuf/descriptor.h>

#include <string>
#include <string_view>
#include <vector>

namespace crm {

// One field as it lies on the wire.
struct WireField {
  uint32_t number = 0;
  // Wire type: 0 varint, 1 fixed64, 2 length-delimited, 5 fixed32. Groups are not answered.
  uint32_t type = 0;
  // Of a varint.
  uint64_t varint = 0;
  // Content of a length-delimited field.
  std::string_view bytes;
};

// Takes the next field off `in`, passing over groups. False at the end and where the bytes are no
// protobuf; then `in` is empty exactly at a sound end.
bool NextWireField(std::string_view* in, WireField* field);

// `message` without its fields of these numbers; whatever else it holds stays as it is.
std::string WithoutFields(std::string_view message, const std::vector<uint32_t>& numbers);

// A string field that is not UTF-8.
struct BadText {
  // "contact.emails[2]".
  std::string path;
  // Place within the walked bytes.
  size_t offset = 0;
  size_t size = 0;
};

// Looks for string fields that are not UTF-8 in bytes that are meant to be a message of type
// `descriptor`, everywhere in the tree, `max_depth` levels of messages deep. Tolerant: walks on
// over what it can and stops where the structure ends.
std::vector<BadText> FindBadText(std::string_view bytes,
                                 const google::protobuf::Descriptor* descriptor, int max_depth);

}  // namespace crm
