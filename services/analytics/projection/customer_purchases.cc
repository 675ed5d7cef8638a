#include "services/analytics/projection/customer_purchases.h"

#include "services/analytics/domain/model_error.h"

namespace crm::analytics {
namespace {

// Orders of a day that count and sum up as those of the fact do: which of them had which amount
// makes no difference to the models.
void Unfold(const DayFact& fact, std::vector<DatedAmount>* orders) {
  const bool is_sale = fact.purchases > 0 && fact.amount_minor >= 0;
  orders->insert(orders->end(), static_cast<size_t>(fact.purchases - (is_sale ? 1 : 0)),
                 {fact.day, 0});
  if (is_sale || fact.amount_minor < 0) orders->push_back({fact.day, fact.amount_minor});
}

// Sums up one customer after the other, as their facts come.
class Summing {
 public:
  explicit Summing(const OrderSelection& selection) : selection_(selection) {}

  void Add(std::string_view id, const DayFact& fact) {
    if (fact.currency != selection_.currency || fact.day > selection_.last_day) return;
    if (id != id_) Finish();
    id_ = id;
    Unfold(fact, &orders_);
  }

  // Ends with the last customer. The first error of any.
  absl::StatusOr<std::vector<Customer>> End() {
    Finish();
    if (!status_.ok()) return status_;
    return std::move(customers_);
  }

 private:
  void Finish() {
    if (orders_.empty()) return;
    auto summary = Summarise(orders_, selection_.last_day);
    orders_.clear();
    if (!summary.ok()) {
      status_.Update(NoAnswer(ReasonOf(summary.status()), std::string(summary.status().message())));
    } else if (summary->has_value()) {
      customers_.push_back({id_, **summary});
    }
  }

  const OrderSelection& selection_;
  std::string id_;
  std::vector<DatedAmount> orders_;
  std::vector<Customer> customers_;
  absl::Status status_;
};

}  // namespace

absl::StatusOr<CustomerPurchases> ReadPurchases(const RowReader& facts,
                                                const OrderSelection& selection) {
  Summing summing(selection);
  CustomerPurchases purchases;
  CRM_ASSIGN_OR_RETURN(
      purchases.read_to,
      OrderFacts::OfTenant(facts, selection.tenant, [&](std::string_view id, const DayFact& fact) {
        summing.Add(id, fact);
      }));
  CRM_ASSIGN_OR_RETURN(purchases.customers, summing.End());
  return purchases;
}

}  // namespace crm::analytics
