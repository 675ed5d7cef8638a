#pragma once

#include <google/protobuf/descriptor.h>
#include <re2/re2.h>

#include <memory>
#include <vector>

// Internal to common/rpc.
namespace crm {

struct MessageRules;

// What one field must satisfy (crm/common/v1/rules.proto).
struct FieldRule {
  const google::protobuf::FieldDescriptor* field = nullptr;
  bool required = false;
  bool output_only = false;
  int max_bytes = 0;
  int max_items = 0;
  // Null where any text is allowed.
  std::unique_ptr<const RE2> pattern;
  // Of a message field.
  const MessageRules* message = nullptr;
};

// The fields of one message type that can be at fault.
struct MessageRules {
  std::vector<FieldRule> fields;
  // Of a request with an `update_mask`: that field, and the type of the resource it is about; else
  // null.
  const google::protobuf::FieldDescriptor* mask = nullptr;
  const google::protobuf::Descriptor* masked = nullptr;
};

// The rules of a message type and all that it can hold, made once, with every pattern compiled.
// Stops the process where a pattern is none. Thread-safe.
const MessageRules& RulesOf(const google::protobuf::Descriptor* type);

// Whether an update mask may name the field.
bool CanBeUpdated(const google::protobuf::FieldDescriptor* field);

}  // namespace crm
