#include "common/rpc/validate.h"

#include <google/protobuf/field_mask.pb.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/rpc/error_details.pb.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "common/rpc/field_rules.h"
#include "common/rpc/wire_walk.h"

namespace crm {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using google::rpc::BadRequest;

constexpr int kMaxDepth = 32;
// More than the details of an error can hold.
constexpr int kMaxFaults = 256;
constexpr char kBadRequest[] = "type.googleapis.com/google.rpc.BadRequest";

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

// Notes what is at fault, and takes it out: what is left is sound.
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
    if (rules.mask != nullptr && reflection->HasField(*message, rules.mask)) {
      CheckMask(reflection->GetMessage(*message, rules.mask), rules);
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
    bool sound = true;
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING: {
        std::string scratch;
        sound = CheckText(reflection->GetStringReference(*message, field, &scratch), rule, at);
        break;
      }
      case FieldDescriptor::CPPTYPE_ENUM:
        sound = CheckEnum(reflection->GetEnumValue(*message, field), field, at);
        break;
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return Check(reflection->MutableMessage(message, field), *rule.message, at);
      default:
        return;
    }
    if (!sound) [[unlikely]]
      reflection->ClearField(message, field);
  }

  void CheckRepeated(Message* message, const Reflection* reflection, const FieldRule& rule,
                     const Path& parent) {
    int size = reflection->FieldSize(*message, rule.field);
    if (size == 0 && rule.required) Fault(Path{&parent, rule.field}, "needs at least one item");
    if (size > rule.max_items) {
      Fault(Path{&parent, rule.field}, "at most " + std::to_string(rule.max_items) + " items");
    }
    for (; size > rule.max_items; --size) reflection->RemoveLast(message, rule.field);
    for (int i = 0; i < size; ++i) {
      CheckItem(message, reflection, rule, Path{&parent, rule.field, i});
    }
  }

  void CheckItem(Message* message, const Reflection* reflection, const FieldRule& rule,
                 const Path& at) {
    const FieldDescriptor* field = rule.field;
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING: {
        std::string scratch;
        const auto& text =
            reflection->GetRepeatedStringReference(*message, field, at.index, &scratch);
        if (CheckText(text, rule, at)) return;
        return reflection->SetRepeatedString(message, field, at.index, "");
      }
      case FieldDescriptor::CPPTYPE_ENUM:
        if (CheckEnum(reflection->GetRepeatedEnumValue(*message, field, at.index), field, at))
          return;
        return reflection->SetRepeatedEnumValue(message, field, at.index, 0);
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return Check(reflection->MutableRepeatedMessage(message, field, at.index), *rule.message,
                     at);
      default:
        return;
    }
  }

  bool CheckText(const std::string& value, const FieldRule& rule, const Path& at) {
    // An item of a list is there, whatever it holds; a member of a oneof may be there and empty.
    if (value.empty() && rule.required && at.index < 0) return Fault(at, "is required");
    if (value.size() > static_cast<size_t>(rule.max_bytes)) {
      return Fault(at, "at most " + std::to_string(rule.max_bytes) + " bytes");
    }
    if (rule.pattern == nullptr || value.empty() || RE2::FullMatch(value, *rule.pattern)) {
      return true;
    }
    return Fault(at, "must match " + rule.pattern->pattern());
  }

  bool CheckEnum(int value, const FieldDescriptor* field, const Path& at) {
    if (field->enum_type()->FindValueByNumber(value) != nullptr) return true;
    return Fault(at, AllowedValues(field->enum_type()));
  }

  // Paths name fields of the resource, or what lies in them; "*" is all that can be changed.
  void CheckMask(const Message& message, const MessageRules& rules) {
    const auto& mask = static_cast<const google::protobuf::FieldMask&>(message);
    const Path at{nullptr, rules.mask};
    for (const std::string& path : mask.paths()) {
      if (path.empty() || (path == "*" && mask.paths_size() == 1)) continue;
      const FieldDescriptor* named = rules.masked->FindFieldByName(path.substr(0, path.find('.')));
      if (named == nullptr) {
        Fault(at, "may name fields of " + rules.masked->full_name() + ", or \"*\" alone");
        return;
      }
      if (!CanBeUpdated(named)) {
        Fault(at, "may not name " + named->name() + ", which no update changes");
      }
    }
  }

  // Always false.
  bool Fault(const Path& at, std::string description) {
    if (++count_ <= kMaxFaults) faults_.Add(at.Render(), std::move(description));
    return false;
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

std::vector<BadRequest::FieldViolation> FaultsOf(const absl::Status& status) {
  BadRequest bad;
  if (const auto detail = status.GetPayload(kBadRequest)) bad.ParseFromString(std::string(*detail));
  return {bad.field_violations().begin(), bad.field_violations().end()};
}

// One path is the other or leads to it.
bool OneHoldsTheOther(std::string_view one, std::string_view other) {
  if (one.size() > other.size()) std::swap(one, other);
  if (!other.starts_with(one)) return false;
  return one.size() == other.size() || other[one.size()] == '.' || other[one.size()] == '[';
}

}  // namespace

absl::Status ParseAndValidate(std::string_view bytes, Message* message, FieldFaults* faults) {
  if (!Parse(bytes, message) && !ParseMasked(bytes, message, faults)) [[unlikely]] {
    // A message with more bad strings than are looked for still names those found.
    return faults->empty() ? Malformed(*message) : faults->ToStatus();
  }
  Validator(faults).Check(message, RulesOf(message->GetDescriptor()), Path{});
  return absl::OkStatus();
}

absl::Status ParseAndValidate(std::string_view bytes, Message* message) {
  FieldFaults faults;
  CRM_RETURN_IF_ERROR(ParseAndValidate(bytes, message, &faults));
  return faults.ToStatus();
}

absl::Status JoinFaults(FieldFaults faults, const absl::Status& refusal) {
  const auto first = FaultsOf(faults.ToStatus());
  for (const auto& more : FaultsOf(refusal)) {
    const bool follows = std::any_of(first.begin(), first.end(), [&more](const auto& each) {
      return OneHoldsTheOther(each.field(), more.field());
    });
    if (!follows) faults.Add(more.field(), more.description());
  }
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
