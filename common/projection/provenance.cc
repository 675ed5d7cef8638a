#include "common/projection/provenance.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "crm/common/v1/rules.pb.h"

namespace crm {
namespace {

// Whether a field tells when, where or how often something was recorded, not what.
bool IsProvenance(const google::protobuf::FieldDescriptor& field) {
  constexpr std::array<std::string_view, 5> kStandard = {"etag", "create_time", "update_time",
                                                         "delete_time", "erase_time"};
  return std::find(kStandard.begin(), kStandard.end(), field.name()) != kStandard.end() ||
         field.options().GetExtension(common::v1::rules).provenance();
}

}  // namespace

void ClearProvenance(google::protobuf::Message* message) {
  const auto* reflection = message->GetReflection();
  std::vector<const google::protobuf::FieldDescriptor*> set;
  reflection->ListFields(*message, &set);
  for (const auto* field : set) {
    if (IsProvenance(*field)) {
      reflection->ClearField(message, field);
    } else if (field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE ||
               field->is_map()) {
      continue;
    } else if (field->is_repeated()) {
      for (int i = 0; i < reflection->FieldSize(*message, field); ++i) {
        ClearProvenance(reflection->MutableRepeatedMessage(message, field, i));
      }
    } else {
      ClearProvenance(reflection->MutableMessage(message, field));
    }
  }
}

}  // namespace crm
