#include "tools/crmctl/contact_mapping.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "common/base/status.h"
#include "tools/crmctl/cell_values.h"

namespace crm::crmctl {
namespace {

using contact::v1::Contact;

void AddPath(const std::string& path, google::protobuf::FieldMask* mask) {
  const auto& paths = mask->paths();
  if (std::find(paths.begin(), paths.end(), path) == paths.end()) mask->add_paths(path);
}

int Place(size_t column) {
  return static_cast<int>(column) + 1;
}

absl::Status Faults(const std::vector<std::string>& faults) {
  if (faults.empty()) return absl::OkStatus();
  return Error(absl::StatusCode::kInvalidArgument, "CSV_COLUMNS",
               fmt::format("{}", fmt::join(faults, "; ")));
}

// An address of which only a later one is filled, or nothing at all, is none.
void DropEmptyAddresses(Contact* contact) {
  auto* addresses = contact->mutable_addresses();
  for (int i = addresses->size() - 1; i >= 0; --i) {
    if (addresses->Get(i).ByteSizeLong() == 0) addresses->DeleteSubrange(i, 1);
  }
}

}  // namespace

absl::StatusOr<ContactFileSpec> SpecOf(const ContactColumns& columns) {
  ContactFileSpec spec;
  std::vector<std::string> faults;
  spec.source = columns.source;
  spec.key = columns.key_column;
  spec.kind = columns.kind;
  for (const std::string& map : columns.map) {
    // A column's name may hold '=', a field's cannot.
    const size_t equals = map.rfind('=');
    if (equals == std::string::npos) {
      faults.push_back(fmt::format("--map '{}' is not column=field", map));
    } else {
      spec.columns.push_back({{map.substr(0, equals)}, map.substr(equals + 1), "--map: "});
    }
  }
  for (const std::string& tag : columns.tags_columns) {
    spec.columns.push_back({{tag}, fmt::format("tags[{}]", tag), "--tags-columns: "});
  }
  CRM_RETURN_IF_ERROR(Faults(faults));
  return spec;
}

// Checks a specification against a header and gathers what is wrong.
class ContactMapping::Maker {
 public:
  Maker(const CsvTable& table, const CustomFieldTypes& types) : table_(table), types_(types) {}

  absl::StatusOr<ContactMapping> Make(const ContactFileSpec& spec) {
    mapping_.source_ = spec.source;
    mapping_.nothing_ = spec.nothing;
    mapping_.keep_empty_ = spec.keep_empty;
    mapping_.key_ = Column(spec.key);
    if (!spec.observe_time.empty()) mapping_.observe_time_ = Column(spec.observe_time);
    for (const auto& column : spec.columns) AddColumn(column);
    for (const auto& constant : spec.constants) AddConstant(constant);
    if (!spec.kind.empty()) {
      mapping_.kind_ = spec.kind == "organization" ? Contact::ORGANIZATION : Contact::PERSON;
      AddPath("kind", &mapping_.mask_);
    }
    CRM_RETURN_IF_ERROR(Faults(faults_));
    return std::move(mapping_);
  }

 private:
  size_t Column(const std::string& name) {
    if (const auto found = table_.Find(name)) return *found;
    faults_.push_back(fmt::format("there is no column '{}'; there are: {}", name,
                                  fmt::join(table_.header(), ", ")));
    return 0;
  }

  void AddColumn(const ContactFileSpec::Column& column) {
    std::vector<size_t> places;
    for (const std::string& name : column.columns) places.push_back(Column(name));
    const auto field = ContactField::Parse(column.field, types_);
    if (!field.ok()) {
      faults_.push_back(column.where + std::string(field.status().message()));
      return;
    }
    if (!field->repeats() && !taken_.insert(field->place()).second) {
      faults_.push_back(
          fmt::format("{}'{}' can take one column only; in a mapping file + joins several",
                      column.where, column.field));
    }
    AddPath(field->mask_path(), &mapping_.mask_);
    mapping_.mapped_.push_back({std::move(places), "", *field});
  }

  void AddConstant(const ContactFileSpec::Constant& constant) {
    const auto field = ContactField::Parse(constant.field, types_);
    if (!field.ok()) {
      faults_.push_back(constant.where + std::string(field.status().message()));
      return;
    }
    contact::v1::Contact scratch;
    if (const std::string wrong = field->Set(&scratch, constant.value); !wrong.empty()) {
      faults_.push_back(constant.where + constant.field + " " + wrong);
    }
    AddPath(field->mask_path(), &mapping_.mask_);
    const auto same =
        std::find_if(mapping_.mapped_.begin(), mapping_.mapped_.end(), [&](const Mapped& mapped) {
          return !field->repeats() && mapped.field.place() == field->place();
        });
    if (same != mapping_.mapped_.end()) {
      same->constant = constant.value;
    } else {
      mapping_.mapped_.push_back({{}, constant.value, *field});
    }
  }

  const CsvTable& table_;
  const CustomFieldTypes& types_;
  ContactMapping mapping_;
  std::vector<std::string> faults_;
  std::set<std::string> taken_;
};

absl::StatusOr<ContactMapping> ContactMapping::Make(const ContactFileSpec& spec,
                                                    const CsvTable& table,
                                                    const CustomFieldTypes& types) {
  return Maker(table, types).Make(spec);
}

bool ContactMapping::SaysNothing(const std::string& cell, const ContactField& field) const {
  if (cell.empty()) return true;
  // How survey and statistics exports write "unknown": no tag is made of it.
  if (field.is_labelled_tag() && cell == "NA") return true;
  return std::find(nothing_.begin(), nothing_.end(), cell) != nothing_.end();
}

std::string ContactMapping::Value(const CsvRecord& record, const Mapped& mapped) const {
  std::string value;
  for (const size_t column : mapped.columns) {
    const std::string& cell = record.cells[column];
    if (SaysNothing(cell, mapped.field)) continue;
    if (!value.empty()) value += ' ';
    value += cell;
  }
  return value.empty() ? mapped.constant : value;
}

void ContactMapping::SetKey(const CsvRecord& record, Row* row) const {
  auto* key = row->request.mutable_contact()->mutable_external_key();
  key->set_source(source_);
  key->set_key(record.cells[key_]);
  if (!key->key().empty()) return;
  row->faults.push_back(
      {record.line, Place(key_), "the key is empty; every row needs one of its own"});
}

void ContactMapping::SetObserveTime(const CsvRecord& record, Row* row) const {
  if (!observe_time_ || record.cells[*observe_time_].empty()) return;
  if (const auto time = ParseTime(record.cells[*observe_time_])) {
    *row->request.mutable_observe_time() = *time;
    return;
  }
  row->faults.push_back({record.line, Place(*observe_time_),
                         "must be a date, 'YYYY-MM-DD hh:mm:ss' (UTC), or RFC 3339"});
}

ContactMapping::Row ContactMapping::ToRequest(const CsvRecord& record) const {
  Row row;
  Contact* contact = row.request.mutable_contact();
  SetKey(record, &row);
  SetObserveTime(record, &row);
  contact->set_kind(kind_);
  for (const Mapped& mapped : mapped_) {
    const std::string value = Value(record, mapped);
    if (value.empty()) continue;
    if (keep_empty_) AddPath(mapped.field.mask_path(), row.request.mutable_update_mask());
    const std::string wrong = mapped.field.Set(contact, value);
    if (wrong.empty()) continue;
    row.faults.push_back(
        {record.line, mapped.columns.empty() ? 0 : Place(mapped.columns.front()), wrong});
  }
  DropEmptyAddresses(contact);
  if (keep_empty_ && kind_ != Contact::KIND_UNSPECIFIED) {
    AddPath("kind", row.request.mutable_update_mask());
  }
  if (!keep_empty_) *row.request.mutable_update_mask() = mask_;
  return row;
}

}  // namespace crm::crmctl
