#include "common/rpc/field_rules.h"

#include <google/protobuf/field_mask.pb.h>

#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "common/base/check.h"
#include "common/base/mutex.h"
#include "crm/common/v1/rules.pb.h"

namespace crm {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

constexpr int kDefaultMaxBytes = 4096;
constexpr int kDefaultMaxItems = 100;
// Of a mask's paths: a tenant may declare more fields than other lists have items.
constexpr int kMaxMaskPaths = 250;

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

// A request with a mask has one resource: the message that has an etag.
const Descriptor* ResourceOf(const Descriptor* request) {
  for (int i = 0; i < request->field_count(); ++i) {
    const Descriptor* type = request->field(i)->message_type();
    if (type != nullptr && type->FindFieldByName("etag") != nullptr) return type;
  }
  return nullptr;
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
    rules->mask = type->FindFieldByName("update_mask");
    if (rules->mask != nullptr) {
      CRM_CHECK(rules->mask->message_type() == google::protobuf::FieldMask::descriptor());
      rules->masked = ResourceOf(type);
      CRM_CHECK(rules->masked != nullptr);
    }
    return rules;
  }

  void AddField(const FieldDescriptor* field, MessageRules* out) {
    const auto& rules = field->options().GetExtension(common::v1::rules);
    if (!CanBeAtFault(field, rules)) return;
    FieldRule rule;
    rule.field = field;
    rule.required = rules.required();
    rule.output_only = rules.output_only();
    rule.max_bytes = rules.max_bytes() > 0 ? rules.max_bytes() : kDefaultMaxBytes;
    rule.max_items = rules.max_items() > 0 ? rules.max_items() : kDefaultMaxItems;
    if (field->containing_type() == google::protobuf::FieldMask::descriptor()) {
      rule.max_items = kMaxMaskPaths;
    }
    if (!rules.pattern().empty()) {
      rule.pattern = std::make_unique<const RE2>(rules.pattern());
      CRM_CHECK(rule.pattern->ok());
    }
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      rule.message = Find(field->message_type());
    }
    out->fields.push_back(std::move(rule));
  }

  Mutex mutex_;
  absl::flat_hash_map<const Descriptor*, std::unique_ptr<MessageRules>> rules_;
};

}  // namespace

const MessageRules& RulesOf(const Descriptor* type) {
  static auto* cache = new RuleCache;
  return cache->Of(type);
}

bool CanBeUpdated(const FieldDescriptor* field) {
  const auto& rules = field->options().GetExtension(common::v1::rules);
  return !rules.immutable() && !rules.output_only();
}

}  // namespace crm
