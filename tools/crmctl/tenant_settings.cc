#include "tools/crmctl/tenant_settings.h"

#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>

#include "common/base/status.h"

namespace crm::crmctl {
namespace {

using contact::v1::CustomField;
using contact::v1::Tenant;

absl::Status Wrong(std::string_view message) {
  return Error(absl::StatusCode::kInvalidArgument, "TENANT_ARGUMENTS", message);
}

absl::StatusOr<std::string> ReadText(const std::string& file) {
  if (file == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
  std::ifstream in(file, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(in), {});
  if (in.good() || in.eof()) return text;
  return Wrong("cannot read " + file);
}

absl::StatusOr<Tenant> ReadTenant(const std::string& file) {
  CRM_ASSIGN_OR_RETURN(const std::string text, ReadText(file));
  Tenant tenant;
  const auto parsed = google::protobuf::util::JsonStringToMessage(text, &tenant);
  if (parsed.ok()) return tenant;
  return Wrong(file + " is no tenant in JSON as crmctl --json tenant show prints it: " +
               std::string(parsed.message()));
}

std::vector<std::string> Split(const std::string& text, char separator) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == separator) {
      parts.emplace_back();
    } else {
      parts.back().push_back(c);
    }
  }
  return parts;
}

std::optional<CustomField::Type> TypeOf(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  CustomField::Type type = CustomField::TYPE_UNSPECIFIED;
  if (!CustomField::Type_Parse(name, &type)) return std::nullopt;
  return type;
}

constexpr char kFieldForm[] =
    "--field takes ID=TYPE[,required][,title=TEXT][,choices=A|B|C], TYPE one of text, integer, "
    "number, flag, date, choice";

absl::StatusOr<CustomField> ParseField(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) return Wrong(kFieldForm);
  const std::vector<std::string> parts = Split(text.substr(equals + 1), ',');
  const auto type = TypeOf(parts.front());
  if (!type) return Wrong(kFieldForm);
  CustomField field;
  field.set_id(text.substr(0, equals));
  field.set_type(*type);
  for (size_t i = 1; i < parts.size(); ++i) {
    const std::string& part = parts[i];
    if (part == "required") {
      field.set_required(true);
    } else if (part.starts_with("title=")) {
      field.set_title(part.substr(6));
    } else if (part.starts_with("choices=")) {
      for (std::string& choice : Split(part.substr(8), '|')) field.add_choices(std::move(choice));
    } else {
      return Wrong(kFieldForm);
    }
  }
  return field;
}

CustomField* FindField(Tenant* tenant, const std::string& id) {
  auto& fields = *tenant->mutable_custom_fields();
  const auto found = std::find_if(fields.begin(), fields.end(),
                                  [&id](const auto& field) { return field.id() == id; });
  return found == fields.end() ? nullptr : &*found;
}

// Applies what was said to one tenant.
class Change {
 public:
  explicit Change(Tenant now) { change_.tenant = std::move(now); }

  void SetText(const char* field, const std::string& value, std::string* target) {
    if (value.empty()) return;
    *target = value;
    Touch(field);
  }

  void TakeFrom(const Tenant& file) {
    Tenant* tenant = &change_.tenant;
    SetText("display_name", file.display_name(), tenant->mutable_display_name());
    SetText("default_region", file.default_region(), tenant->mutable_default_region());
    SetText("default_language", file.default_language(), tenant->mutable_default_language());
    if (file.custom_fields_size() > 0) {
      *tenant->mutable_custom_fields() = file.custom_fields();
      Touch("custom_fields");
    }
    if (file.has_survivorship()) {
      *tenant->mutable_survivorship() = file.survivorship();
      Touch("survivorship");
    }
  }

  absl::Status Declare(const std::string& text) {
    CRM_ASSIGN_OR_RETURN(CustomField field, ParseField(text));
    CustomField* same = FindField(&change_.tenant, field.id());
    *(same != nullptr ? same : change_.tenant.add_custom_fields()) = std::move(field);
    Touch("custom_fields");
    return absl::OkStatus();
  }

  template <typename Alter>
  absl::Status AlterField(const std::string& id, Alter alter) {
    CustomField* field = FindField(&change_.tenant, id);
    if (field == nullptr) return Wrong("the tenant declares no field " + id);
    alter(field);
    Touch("custom_fields");
    return absl::OkStatus();
  }

  SettingsChange Take() { return std::move(change_); }
  Tenant* tenant() { return &change_.tenant; }

 private:
  void Touch(const char* field) {
    auto& mask = change_.mask;
    if (std::find(mask.begin(), mask.end(), field) == mask.end()) mask.emplace_back(field);
  }

  SettingsChange change_;
};

}  // namespace

absl::StatusOr<SettingsChange> ApplyTo(Tenant now, const TenantArguments& arguments) {
  Change change(std::move(now));
  if (!arguments.file.empty()) {
    CRM_ASSIGN_OR_RETURN(const Tenant file, ReadTenant(arguments.file));
    change.TakeFrom(file);
  }
  Tenant flags;
  flags.set_display_name(arguments.display_name);
  flags.set_default_region(arguments.default_region);
  flags.set_default_language(arguments.default_language);
  change.TakeFrom(flags);
  for (const std::string& field : arguments.fields) CRM_RETURN_IF_ERROR(change.Declare(field));
  for (const std::string& id : arguments.optional) {
    CRM_RETURN_IF_ERROR(
        change.AlterField(id, [](CustomField* field) { field->set_required(false); }));
  }
  for (const std::string& id : arguments.retired) {
    CRM_RETURN_IF_ERROR(
        change.AlterField(id, [](CustomField* field) { field->set_retired(true); }));
  }
  return change.Take();
}

}  // namespace crm::crmctl
