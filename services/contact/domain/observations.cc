#include "services/contact/domain/observations.h"

#include <algorithm>

#include "services/contact/domain/profile_fields.h"

namespace crm::contact {
namespace {

// What most share; none of the defaults.
Attribution Commonest(const std::map<Attribution, int>& counts) {
  Attribution commonest;
  int most = 0;
  for (const auto& [attribution, count] : counts) {
    if (attribution.time == kByDefault || count <= most) continue;
    commonest = attribution;
    most = count;
  }
  return commonest;
}

}  // namespace

const Attribution* Observations::Standing(std::string_view field, bool has_value) const {
  const auto found = named.find(std::string(field));
  const Attribution* standing = found != named.end() ? &found->second : &rest;
  if (found == named.end() && !has_value) return nullptr;
  return standing->time == kByDefault ? nullptr : standing;
}

const TimeNs* Observations::Superseded(const std::string& source, const std::string& field) const {
  const auto found = superseded.find({source, field});
  return found == superseded.end() ? nullptr : &found->second;
}

void Observations::Take(const std::string& field, bool had_value, const Attribution& by) {
  if (const Attribution* before = Standing(field, had_value);
      before != nullptr && before->source != by.source) {
    Supersede(field, Attribution(*before));
  }
  superseded.erase({by.source, field});
  named.insert_or_assign(field, by);
}

void Observations::Supersede(const std::string& field, const Attribution& by) {
  const auto [found, added] = superseded.try_emplace({by.source, field}, by.time);
  found->second = std::max(found->second, by.time);
  if (!added || superseded.size() <= kMaxSuperseded) return;
  superseded.erase(
      std::min_element(superseded.begin(), superseded.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; }));
}

void Observations::Settle(const Profile& profile) {
  const FieldMask fields = FieldsWithValue(profile);
  std::map<Attribution, int> counts;
  for (const std::string& field : fields) {
    const auto found = named.find(field);
    ++counts[found == named.end() ? rest : found->second];
  }
  const Attribution common = Commonest(counts);
  for (const std::string& field : fields) {
    const auto [found, added] = named.try_emplace(field, rest);
    if (found->second == common) named.erase(found);
  }
  rest = common;
}

}  // namespace crm::contact
