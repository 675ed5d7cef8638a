#include "services/contact/projection/quality_aggregate.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "common/base/timestamp.h"

namespace crm::contact {
namespace {

using Entry = std::pair<const std::string, QualityIssue>;

bool ComesFirst(const Entry* a, const Entry* b) {
  const auto place = [](const Entry& entry) {
    return std::tuple(!entry.second.open(), entry.second.open_time, entry.first);
  };
  return place(*a) < place(*b);
}

void StoreIssue(const Entry& entry, v1::QualityIssue* issue) {
  issue->set_issue(entry.first);
  issue->set_kind(entry.second.kind);
  issue->set_field(entry.second.field);
  issue->set_note(entry.second.note);
  SetTimestamp(entry.second.open_time, issue->mutable_open_time());
  if (!entry.second.open()) SetTimestamp(entry.second.resolve_time, issue->mutable_resolve_time());
}

}  // namespace

ContactQuality QualityAggregate::Load(const v1::ContactQuality& resource) {
  ContactQuality quality{.issues = {}, .erased = resource.has_erase_time()};
  for (const v1::QualityIssue& issue : resource.issues()) {
    quality.issues[issue.issue()] = {
        .kind = issue.kind(),
        .field = issue.field(),
        .note = issue.note(),
        .open_time = ToTimeNs(issue.open_time()),
        .resolve_time = issue.has_resolve_time() ? ToTimeNs(issue.resolve_time()) : 0};
  }
  return quality;
}

v1::ContactQuality QualityAggregate::Store(const ContactQuality& quality,
                                           const AggregateInfo& info) {
  v1::ContactQuality resource;
  resource.set_name(info.name);
  std::vector<const Entry*> ordered;
  for (const Entry& entry : quality.issues) ordered.push_back(&entry);
  std::sort(ordered.begin(), ordered.end(), ComesFirst);
  for (const Entry* entry : ordered) StoreIssue(*entry, resource.add_issues());
  resource.set_etag(std::to_string(info.version));
  // Shown where a command had nothing to record of it.
  if (info.version == 0) return resource;
  SetTimestamp(info.create_time, resource.mutable_create_time());
  SetTimestamp(info.update_time, resource.mutable_update_time());
  if (quality.erased) SetTimestamp(info.update_time, resource.mutable_erase_time());
  return resource;
}

}  // namespace crm::contact
