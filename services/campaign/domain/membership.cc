#include "services/campaign/domain/membership.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace crm::campaign {
namespace {

using Definitions = std::map<std::string, SegmentDefinition, std::less<>>;

bool IsDynamic(const SegmentDefinition& definition) {
  return definition.kind == v1::Segment::DYNAMIC && !definition.deleted;
}

void Add(const FactsNeeded& needed, FactsNeeded* sum) {
  sum->sources |= needed.sources;
  auto& products = sum->products;
  products.insert(products.end(), needed.products.begin(), needed.products.end());
  std::sort(products.begin(), products.end());
  products.erase(std::unique(products.begin(), products.end()), products.end());
}

// One contact's memberships, each decided once.
class Evaluation {
 public:
  Evaluation(const Definitions& definitions, const ContactFacts& facts,
             const Memberships& on_record)
      : definitions_(definitions), facts_(facts), on_record_(on_record) {}

  // Takes part in what dynamic segments that refer to it see.
  bool Enter(const std::string& snapshot, const Filter& filter) {
    const bool in = on_record_.contains(snapshot) || Meets(filter);
    decided_[snapshot] = in;
    return in;
  }

  bool IsIn(std::string_view name) {
    const auto decided = decided_.find(name);
    // A filter that is being decided refers to itself by way of others, which takes naming a
    // segment before it is defined: there it is not met.
    if (decided != decided_.end()) return decided->second.value_or(false);
    const auto definition = definitions_.find(name);
    if (definition == definitions_.end() || !IsDynamic(definition->second)) {
      return on_record_.contains(name);
    }
    decided_[std::string(name)] = std::nullopt;
    const bool in = Meets(definition->second.filter);
    decided_[std::string(name)] = in;
    return in;
  }

 private:
  bool Meets(const Filter& filter) {
    return facts_.living() &&
           Matches(filter, facts_, [this](std::string_view name) { return IsIn(name); });
  }

  const Definitions& definitions_;
  const ContactFacts& facts_;
  const Memberships& on_record_;
  std::map<std::string, std::optional<bool>, std::less<>> decided_;
};

void AddDynamic(const Definitions& definitions, Evaluation& evaluation,
                EvaluateMemberships* command) {
  for (const auto& [name, definition] : definitions) {
    if (!IsDynamic(definition)) continue;
    (evaluation.IsIn(name) ? command->entered : command->left).push_back(name);
  }
}

}  // namespace

TenantSegments::TenantSegments(Definitions definitions) : definitions_(std::move(definitions)) {
  for (const auto& [name, definition] : definitions_) {
    if (!IsDynamic(definition)) continue;
    has_dynamic_ = true;
    Add(ReadsOf(definition.filter).facts, &needed_);
  }
}

const SegmentDefinition* TenantSegments::Find(std::string_view name) const {
  const auto at = definitions_.find(name);
  return at == definitions_.end() ? nullptr : &at->second;
}

EvaluateMemberships TenantSegments::Evaluate(const ContactFacts& facts,
                                             const Memberships& on_record) const {
  EvaluateMemberships command;
  Evaluation evaluation(definitions_, facts, on_record);
  AddDynamic(definitions_, evaluation, &command);
  return command;
}

EvaluateMemberships TenantSegments::EvaluateDefined(std::string_view defined,
                                                    const ContactFacts& facts,
                                                    const Memberships& on_record) const {
  const SegmentDefinition* definition = Find(defined);
  if (definition == nullptr || definition->deleted) return {};
  if (IsDynamic(*definition)) return Evaluate(facts, on_record);
  EvaluateMemberships command;
  Evaluation evaluation(definitions_, facts, on_record);
  const std::string name(defined);
  if (evaluation.Enter(name, definition->filter)) command.entered.push_back(name);
  AddDynamic(definitions_, evaluation, &command);
  std::sort(command.entered.begin(), command.entered.end());
  return command;
}

FactsNeeded TenantSegments::NeededFor(std::string_view defined) const {
  FactsNeeded needed = needed_;
  const SegmentDefinition* definition = Find(defined);
  if (definition != nullptr) Add(ReadsOf(definition->filter).facts, &needed);
  return needed;
}

bool Changes(const EvaluateMemberships& command, const Memberships& on_record) {
  const auto on = [&](const std::string& name) { return on_record.contains(name); };
  return !std::all_of(command.entered.begin(), command.entered.end(), on) ||
         std::any_of(command.left.begin(), command.left.end(), on);
}

}  // namespace crm::campaign
