#include "common/rpc/wire_walk.h"

#include <algorithm>
#include <unordered_map>

#include "common/base/bytes.h"

namespace crm {
namespace {

constexpr size_t kMaxBadTexts = 100;
constexpr int kMaxGroups = 32;

bool Skip(std::string_view* in, size_t size) {
  if (in->size() < size) return false;
  in->remove_prefix(size);
  return true;
}

// One tag and what follows it; groups by their start and end tags.
bool ReadOne(std::string_view* in, WireField* field) {
  uint64_t tag = 0;
  if (!ReadVarint(in, &tag) || tag >> 3 == 0 || tag > UINT32_MAX) return false;
  field->number = static_cast<uint32_t>(tag >> 3);
  field->type = static_cast<uint32_t>(tag & 7);
  switch (field->type) {
    case 0:
      return ReadVarint(in, &field->varint);
    case 1:
      return Skip(in, 8);
    case 2:
      return ReadSized(in, &field->bytes);
    case 5:
      return Skip(in, 4);
    default:
      return field->type == 3 || field->type == 4;
  }
}

bool SkipGroup(std::string_view* in) {
  WireField field;
  for (int open = 1; open > 0 && open <= kMaxGroups;) {
    if (!ReadOne(in, &field)) return false;
    if (field.type == 3) ++open;
    if (field.type == 4 && --open == 0) return true;
  }
  return false;
}

bool Stop(std::string_view* in) {
  // Not empty any more, so that the caller does not take it for the end.
  constexpr static char kNothing[1] = {};
  if (in->empty()) *in = std::string_view(kNothing, 1);
  return false;
}

class BadTextFinder {
 public:
  explicit BadTextFinder(std::string_view whole) : whole_(whole) {}

  void Walk(std::string_view bytes, const google::protobuf::Descriptor* descriptor,
            const std::string& prefix, int depth) {
    std::unordered_map<int, int> items;
    WireField field;
    while (found_.size() < kMaxBadTexts && NextWireField(&bytes, &field)) {
      const auto* known = descriptor->FindFieldByNumber(static_cast<int>(field.number));
      if (known == nullptr || field.type != 2) continue;
      std::string path = prefix + known->name();
      if (known->is_repeated()) path += "[" + std::to_string(items[known->number()]++) + "]";
      Look(field.bytes, known, path, depth);
    }
  }

  std::vector<BadText> Take() { return std::move(found_); }

 private:
  void Look(std::string_view content, const google::protobuf::FieldDescriptor* field,
            const std::string& path, int depth) {
    if (field->type() == google::protobuf::FieldDescriptor::TYPE_STRING && !IsUtf8(content)) {
      found_.push_back({path, static_cast<size_t>(content.data() - whole_.data()), content.size()});
    }
    if (field->type() == google::protobuf::FieldDescriptor::TYPE_MESSAGE && depth > 0) {
      Walk(content, field->message_type(), path + ".", depth - 1);
    }
  }

  std::string_view whole_;
  std::vector<BadText> found_;
};

}  // namespace

bool NextWireField(std::string_view* in, WireField* field) {
  while (!in->empty()) {
    if (!ReadOne(in, field) || field->type == 4) return Stop(in);
    if (field->type != 3) return true;
    if (!SkipGroup(in)) return Stop(in);
  }
  return false;
}

std::string WithoutFields(std::string_view message, const std::vector<uint32_t>& numbers) {
  std::string kept;
  kept.reserve(message.size());
  WireField field;
  for (const char* from = message.data(); NextWireField(&message, &field); from = message.data()) {
    if (std::find(numbers.begin(), numbers.end(), field.number) != numbers.end()) continue;
    kept.append(from, message.data());
  }
  return kept;
}

std::vector<BadText> FindBadText(std::string_view bytes,
                                 const google::protobuf::Descriptor* descriptor, int max_depth) {
  BadTextFinder finder(bytes);
  finder.Walk(bytes, descriptor, "", max_depth);
  return finder.Take();
}

}  // namespace crm
