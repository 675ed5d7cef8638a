#include "services/contact/domain/survivorship.h"

#include <algorithm>

namespace crm::contact {
namespace {

using Rule = Survivorship::Rule;

bool Names(const Rule& rule, std::string_view field) {
  return std::find(rule.fields.begin(), rule.fields.end(), field) != rule.fields.end();
}

// The field's own rule, then that of its group, then that of all others.
const Rule* RuleOf(const std::vector<Rule>& rules, std::string_view field) {
  for (const Rule& rule : rules) {
    if (Names(rule, field)) return &rule;
  }
  const size_t dot = field.find('.');
  if (dot != std::string_view::npos) return RuleOf(rules, field.substr(0, dot));
  for (const Rule& rule : rules) {
    if (rule.fields.empty()) return &rule;
  }
  return nullptr;
}

}  // namespace

int Survivorship::Rank(std::string_view field, std::string_view source) const {
  const Rule* rule = RuleOf(rules, field);
  if (rule == nullptr) return 0;
  const auto found = std::find(rule->sources.begin(), rule->sources.end(), source);
  return static_cast<int>(found - rule->sources.begin());
}

}  // namespace crm::contact
