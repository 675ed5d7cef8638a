#include "services/campaign/domain/facts.h"

#include <algorithm>
#include <tuple>

namespace crm::campaign {

const ConsentFact* ContactFacts::FindConsent(std::string_view purpose, std::string_view channel,
                                             std::string_view recipient) const {
  const auto key = std::tie(purpose, channel, recipient);
  const auto use = [](const ConsentFact& fact) {
    return std::tuple<std::string_view, std::string_view, std::string_view>(
        fact.purpose, fact.channel, fact.recipient);
  };
  const auto at = std::lower_bound(consents.begin(), consents.end(), key,
                                   [&](const auto& fact, const auto& k) { return use(fact) < k; });
  return at != consents.end() && use(*at) == key ? &*at : nullptr;
}

}  // namespace crm::campaign
