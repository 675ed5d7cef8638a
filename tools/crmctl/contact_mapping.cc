#include "tools/crmctl/contact_mapping.h"

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>

#include <algorithm>

#include "common/base/status.h"

namespace crm::crmctl {
namespace {

using contact::v1::Contact;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// What an update can change; the rest of a contact is the service's.
bool IsChangeable(const FieldDescriptor& field) {
  static const std::vector<std::string> kNot = {"name", "external_key", "etag", "kind"};
  return std::find(kNot.begin(), kNot.end(), field.name()) == kNot.end();
}

bool IsText(const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_STRING;
}

bool IsRecordOfTexts(const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && field.is_repeated();
}

// The one element of a repeated message, or the message itself.
Message* Within(Message* message, const FieldDescriptor* field) {
  const auto* reflection = message->GetReflection();
  if (reflection->FieldSize(*message, field) == 0) return reflection->AddMessage(message, field);
  return reflection->MutableRepeatedMessage(message, field, 0);
}

void SetField(Message* message, const std::vector<const FieldDescriptor*>& path,
              const std::string& value) {
  for (size_t i = 0; i + 1 < path.size(); ++i) message = Within(message, path[i]);
  const FieldDescriptor* field = path.back();
  if (field->is_repeated()) return message->GetReflection()->AddString(message, field, value);
  message->GetReflection()->SetString(message, field, value);
}

// How survey and statistics exports write "unknown".
bool IsAbsent(const std::string& cell) {
  return cell.empty() || cell == "NA";
}

}  // namespace

std::vector<std::string> ContactMapping::Fields() {
  std::vector<std::string> names;
  const auto* contact = Contact::descriptor();
  for (int i = 0; i < contact->field_count(); ++i) {
    const FieldDescriptor& field = *contact->field(i);
    if (!IsChangeable(field)) continue;
    if (IsText(field)) names.push_back(field.name());
    if (!IsRecordOfTexts(field)) continue;
    for (int j = 0; j < field.message_type()->field_count(); ++j) {
      names.push_back(field.name() + "." + field.message_type()->field(j)->name());
    }
  }
  return names;
}

std::optional<ContactMapping::FieldPath> ContactMapping::FindField(std::string_view name) {
  const std::vector<std::string> known = Fields();
  if (std::find(known.begin(), known.end(), name) == known.end()) return std::nullopt;
  const size_t dot = name.find('.');
  const auto* field = Contact::descriptor()->FindFieldByName(std::string(name.substr(0, dot)));
  if (dot == std::string_view::npos) return FieldPath{field};
  return FieldPath{field,
                   field->message_type()->FindFieldByName(std::string(name.substr(dot + 1)))};
}

size_t ContactMapping::Column(const std::string& name, const CsvTable& table,
                              std::vector<std::string>* faults) {
  if (const auto found = table.Find(name)) return *found;
  faults->push_back(
      fmt::format("there is no column '{}'; there are: {}", name, fmt::join(table.header(), ", ")));
  return 0;
}

void ContactMapping::AddToMask(const std::string& path) {
  const auto& paths = mask_.paths();
  if (std::find(paths.begin(), paths.end(), path) == paths.end()) mask_.add_paths(path);
}

void ContactMapping::AddMap(const std::string& text, const CsvTable& table,
                            std::vector<std::string>* faults) {
  // A column's name may hold '=', a field's cannot.
  const size_t equals = text.rfind('=');
  if (equals == std::string::npos) {
    faults->push_back(fmt::format("--map '{}' is not column=field", text));
    return;
  }
  const std::string name = text.substr(equals + 1);
  const auto path = FindField(name);
  const size_t column = Column(text.substr(0, equals), table, faults);
  if (!path) {
    faults->push_back(
        fmt::format("--map: '{}' is no field; there are: {}", name, fmt::join(Fields(), ", ")));
    return;
  }
  const bool taken = std::any_of(mapped_.begin(), mapped_.end(), [&](const MappedColumn& other) {
    return other.path == *path && !path->back()->is_repeated();
  });
  if (taken) faults->push_back(fmt::format("--map: '{}' can take one column only", name));
  mapped_.push_back({column, *path});
  AddToMask(path->front()->name());
}

absl::StatusOr<ContactMapping> ContactMapping::Make(const ContactColumns& columns,
                                                    const CsvTable& table) {
  ContactMapping mapping;
  std::vector<std::string> faults;
  mapping.source_ = columns.source;
  mapping.key_column_ = mapping.Column(columns.key_column, table, &faults);
  for (const std::string& map : columns.map) mapping.AddMap(map, table, &faults);
  for (const std::string& tag : columns.tags_columns) {
    mapping.tags_.emplace_back(mapping.Column(tag, table, &faults), tag);
    mapping.AddToMask("tags");
  }
  if (!columns.kind.empty()) {
    mapping.kind_ = columns.kind == "organization" ? Contact::ORGANIZATION : Contact::PERSON;
    mapping.AddToMask("kind");
  }
  if (faults.empty()) return mapping;
  return Error(absl::StatusCode::kInvalidArgument, "CSV_COLUMNS",
               fmt::format("{}", fmt::join(faults, "; ")));
}

ContactMapping::Row ContactMapping::ToRequest(const CsvRecord& record) const {
  Row row;
  Contact* contact = row.request.mutable_contact();
  const std::string& key = record.cells[key_column_];
  if (key.empty()) {
    row.faults.push_back({record.line, static_cast<int>(key_column_) + 1,
                          "the key is empty; every row needs one of its own"});
  }
  contact->mutable_external_key()->set_source(source_);
  contact->mutable_external_key()->set_key(key);
  contact->set_kind(kind_);
  for (const auto& [column, path] : mapped_) {
    if (!record.cells[column].empty()) SetField(contact, path, record.cells[column]);
  }
  for (const auto& [column, name] : tags_) {
    if (!IsAbsent(record.cells[column])) contact->add_tags(name + ":" + record.cells[column]);
  }
  *row.request.mutable_update_mask() = mask_;
  return row;
}

}  // namespace crm::crmctl
