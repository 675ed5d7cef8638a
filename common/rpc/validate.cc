#include "common/rpc/validate.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "common/base/mutex.h"
#include "common/base/status.h"
#include "common/rpc/wire_walk.h"
#include "crm/common/v1/rules.pb.h"

namespace crm {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr int kMaxDepth = 32;
constexpr int kDefaultMaxBytes = 4096;
constexpr int kDefaultMaxItems = 100;
// More than the details of an error can hold.
constexpr int kMaxFaults = 256;

struct MessageRules;

struct FieldRule {
  const FieldDescriptor* field = nullptr;
  bool required = false;
  bool output_only = false;
  int max_bytes = kDefaultMaxBytes;
  int max_items = kDefaultMaxItems;
  // Of a message field.
  const MessageRules* message = nullptr;
};

// The fields of one message type that can be at fault.
struct MessageRules {
  std::vector<FieldRule> fields;
};

bool CanBeAtFault(const FieldDescriptor* field, const common::v1::FieldRules& rules) {
  if (field->is_repeated() || rules.required() || rules.output_only()) return true;
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
    case FieldDescriptor::CPPTYPE_MESSAGE:
    case FieldDescriptor::CPPTYPE_ENUM:
      return true;
    default:
      return false;
  }
}

// Rules of every message type seen so far, never forgotten: types come from the program's own
// protos.
class RuleCache {
 public:
  const MessageRules& Of(const Descriptor* type) {
    MutexLock lock(mutex_);
    return *Find(type);
  }

 private:
  const MessageRules* Find(const Descriptor* type) {
    auto& slot = rules_[type];
    if (slot != nullptr) return slot.get();
    slot = std::make_unique<MessageRules>();
    // Known before its fields are: types may contain themselves.
    MessageRules* rules = slot.get();
    for (int i = 0; i < type->field_count(); ++i) AddField(type->field(i), rules);
    return rules;
  }

  void AddField(const FieldDescriptor* field, MessageRules* out) {
    const auto& rules = field->options().GetExtension(common::v1::rules);
    if (!CanBeAtFault(field, rules)) return;
    FieldRule rule{field, rules.required(), rules.output_only()};
    if (rules.max_bytes() > 0) rule.max_bytes = rules.max_bytes();
    if (rules.max_items() > 0) rule.max_items = rules.max_items();
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      rule.message = Find(field->message_type());
    }
    out->fields.push_back(rule);
  }

  Mutex mutex_;
  absl::flat_hash_map<const Descriptor*, std::unique_ptr<MessageRules>> rules_;
};

RuleCache& Cache() {
  static auto* cache = new RuleCache;
  return *cache;
}

std::string AllowedValues(const google::protobuf::EnumDescriptor* type) {
  std::string out = "unknown value; known are ";
  for (int i = 0; i < type->value_count(); ++i) {
    if (i > 0) out += ", ";
    out += type->value(i)->name();
  }
  return out;
}

// A place in the request; rendered only where there is a fault.
struct Path {
  const Path* parent = nullptr;
  const FieldDescriptor* field = nullptr;
  int index = -1;

  std::string Render() const {
    std::string out = parent != nullptr && parent->field != nullptr ? parent->Render() + "." : "";
    out += field->name();
    if (index >= 0) out += "[" + std::to_string(index) + "]";
    return out;
  }
};

class Validator {
 public:
  explicit Validator(FieldFaults* faults) : faults_(*faults) {}

  void Check(Message* message, const MessageRules& rules, const Path& at) {
    const Reflection* reflection = message->GetReflection();
    for (const FieldRule& rule : rules.fields) {
      if (rule.output_only) {
        reflection->ClearField(message, rule.field);
      } else if (rule.field->is_repeated()) {
        CheckRepeated(message, reflection, rule, at);
      } else {
        CheckSingle(message, reflection, rule, Path{&at, rule.field});
      }
    }
  }

 private:
  void CheckSingle(Message* message, const Reflection* reflection, const FieldRule& rule,
                   const Path& at) {
    const FieldDescriptor* field = rule.field;
    if (!reflection->HasField(*message, field)) {
      if (rule.required) Fault(at, "is required");
      return;
    }
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING: {
        std::string scratch;
        return CheckBytes(reflection->GetStringReference(*message, field, &scratch), rule, at);
      }
      case FieldDescriptor::CPPTYPE_ENUM:
        return CheckEnum(reflection->GetEnumValue(*message, field), field, at);
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return Check(reflection->MutableMessage(message, field), *rule.message, at);
      default:
        return;
    }
  }

  void CheckRepeated(Message* message, const Reflection* reflection, const FieldRule& rule,
                     const Path& parent) {
    const int size = reflection->FieldSize(*message, rule.field);
    if (size == 0 && rule.required) Fault(Path{&parent, rule.field}, "needs at least one item");
    if (size > rule.max_items) {
      Fault(Path{&parent, rule.field}, "at most " + std::to_string(rule.max_items) + " items");
    }
    for (int i = 0; i < size && i < rule.max_items; ++i) {
      CheckItem(message, reflection, rule, Path{&parent, rule.field, i});
    }
  }

  void CheckItem(Message* message, const Reflection* reflection, const FieldRule& rule,
                 const Path& at) {
    const FieldDescriptor* field = rule.field;
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING: {
        std::string scratch;
        return CheckBytes(
            reflection->GetRepeatedStringReference(*message, field, at.index, &scratch), rule, at);
      }
      case FieldDescriptor::CPPTYPE_ENUM:
        return CheckEnum(reflection->GetRepeatedEnumValue(*message, field, at.index), field, at);
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return Check(reflection->MutableRepeatedMessage(message, field, at.index), *rule.message,
                     at);
      default:
        return;
    }
  }

  void CheckBytes(const std::string& value, const FieldRule& rule, const Path& at) {
    if (value.empty() && rule.required && at.index < 0) return Fault(at, "is required");
    if (value.size() <= static_cast<size_t>(rule.max_bytes)) return;
    Fault(at, "at most " + std::to_string(rule.max_bytes) + " bytes");
  }

  void CheckEnum(int value, const FieldDescriptor* field, const Path& at) {
    if (field->enum_type()->FindValueByNumber(value) != nullptr) return;
    Fault(at, AllowedValues(field->enum_type()));
  }

  void Fault(const Path& at, std::string description) {
    if (++count_ <= kMaxFaults) faults_.Add(at.Render(), std::move(description));
  }

  FieldFaults& faults_;
  int count_ = 0;
};

bool Parse(std::string_view bytes, Message* message) {
  google::protobuf::io::CodedInputStream input(reinterpret_cast<const uint8_t*>(bytes.data()),
                                               static_cast<int>(bytes.size()));
  input.SetRecursionLimit(kMaxDepth);
  return message->ParseFromCodedStream(&input) && input.ConsumedEntireMessage();
}

absl::Status Malformed(const Message& message) {
  return Error(absl::StatusCode::kInvalidArgument, "REQUEST_MALFORMED",
               "the request is not a sound " + message.GetDescriptor()->full_name() +
                   ": truncated, not protobuf, or nested deeper than " + std::to_string(kMaxDepth));
}

// Protobuf refuses a whole message for one string that is not UTF-8. Such strings are found, masked
// and the rest is parsed, so that all faults are named.
bool ParseMasked(std::string_view bytes, Message* message, FieldFaults* faults) {
  const auto bad_texts = FindBadText(bytes, message->GetDescriptor(), kMaxDepth);
  if (bad_texts.empty()) return false;
  std::string masked(bytes);
  for (const BadText& bad : bad_texts) {
    faults->Add(bad.path, "must be valid UTF-8");
    masked.replace(bad.offset, bad.size, bad.size, '?');
  }
  message->Clear();
  return Parse(masked, message);
}

}  // namespace

absl::Status ParseAndValidate(std::string_view bytes, Message* message) {
  FieldFaults faults;
  if (!Parse(bytes, message) && !ParseMasked(bytes, message, &faults)) [[unlikely]] {
    // A message with more bad strings than are looked for still names those found.
    return faults.empty() ? Malformed(*message) : faults.ToStatus();
  }
  Validator(&faults).Check(message, Cache().Of(message->GetDescriptor()), Path{});
  return faults.ToStatus();
}

std::string CanonicalPayload(const Message& request) {
  std::string all;
  {
    google::protobuf::io::StringOutputStream stream(&all);
    google::protobuf::io::CodedOutputStream out(&stream);
    out.SetSerializationDeterministic(true);
    request.SerializeToCodedStream(&out);
  }
  const auto number = [&](const char* name) {
    const auto* field = request.GetDescriptor()->FindFieldByName(name);
    return field == nullptr ? 0u : static_cast<uint32_t>(field->number());
  };
  const uint32_t request_id = number("request_id");
  const uint32_t validate_only = number("validate_only");
  std::string out;
  out.reserve(all.size());
  std::string_view rest = all;
  WireField field;
  for (const char* from = rest.data(); NextWireField(&rest, &field); from = rest.data()) {
    if (field.number == request_id || field.number == validate_only) continue;
    out.append(from, rest.data());
  }
  return out;
}

}  // namespace crm
