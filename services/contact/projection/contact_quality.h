#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/projection/projection.h"
#include "crm/contact/v1/quality.pb.h"

namespace crm::contact {

// Counts over the contacts of one tenant that live. What counts nothing is left out.
struct QualityCounts {
  int64_t contacts = 0;
  // With no e-mail, phone or address.
  int64_t unreachable = 0;
  // By field ("custom_fields.{id}" for a declared one): contacts with a value, and contacts with an
  // open issue about it.
  std::map<std::string, int64_t> filled;
  std::map<std::string, int64_t> doubted;
  // Open issues.
  std::map<v1::QualityIssue::Kind, int64_t> issues;
  // By "2026-01" (UTC): contacts of which anything was observed then, and nothing later.
  std::map<std::string, int64_t> last_observed;
  bool operator==(const QualityCounts&) const = default;
};

// The view behind GetQualityScorecard: what is known of each contact's data, and its counts.
//
//   key                                 value
//   partition 'n' tenant 0              counts: a varint each for contacts, unreachable and the
//                                       built-in fields; then, sorted, counters by name: sized
//                                       name, varint. Names: 'f' id (a declared field's values),
//                                       'd' field (doubted), 'i' kind, 'm' month (be32)
//   partition 'c' tenant 0 id           an Existence; varints: bits of the built-in fields that
//                                       have a value, month last observed; counted: ids of
//                                       declared fields with a value; counted: open issues, each
//                                       id, kind, field
//
// `id` is the name without "contacts/"; a month is year × 12 + month - 1. Built-in fields stand in
// the order of ForEachField. Counts are written once a batch, where they are not 0. A contact
// counts while it lives: the deleted and purged leave and may come back, the erased and those whose
// history cannot be read do not. Nothing here is personal. Immutable, thread-safe.
class ContactQualityView final : public Projection {
 public:
  static constexpr std::string_view kName = "contact-quality";

  std::string_view name() const override { return kName; }
  int version() const override { return 1; }
  std::unique_ptr<Fold> Begin(Partition partition, Rows& rows) const override;
  std::string BusinessLine(std::string_view key, std::string_view value) const override;

  // Adds those of the tenant's contacts in one partition. DATA_LOSS: a row cannot be read.
  static absl::Status AddCounts(const RowReader& rows, Partition partition, std::string_view tenant,
                                QualityCounts* counts);
};

}  // namespace crm::contact
