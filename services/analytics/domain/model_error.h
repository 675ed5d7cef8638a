#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "common/base/status.h"

namespace crm::analytics {

// Reasons of FAILED_PRECONDITION: the customers give the model no answer.
inline constexpr std::string_view kNoCustomers = "NO_CUSTOMERS";
inline constexpr std::string_view kNoRepeats = "NO_REPEATS";
inline constexpr std::string_view kNoSpend = "NO_SPEND";
inline constexpr std::string_view kNoSales = "NO_SALES";
inline constexpr std::string_view kDegenerateFit = "DEGENERATE_FIT";
inline constexpr std::string_view kNoMeanSpend = "NO_MEAN_SPEND";

// Reasons of INVALID_ARGUMENT.
inline constexpr std::string_view kInvalidDay = "INVALID_DAY";
inline constexpr std::string_view kAmountOverflow = "AMOUNT_OVERFLOW";
inline constexpr std::string_view kInvalidCurrencyUnit = "INVALID_CURRENCY_UNIT";
inline constexpr std::string_view kInvalidHistory = "INVALID_HISTORY";
inline constexpr std::string_view kInvalidSpend = "INVALID_SPEND";
inline constexpr std::string_view kInvalidParameters = "INVALID_PARAMETERS";
inline constexpr std::string_view kInvalidHorizon = "INVALID_HORIZON";
inline constexpr std::string_view kInvalidDiscount = "INVALID_DISCOUNT";
inline constexpr std::string_view kInvalidFraction = "INVALID_FRACTION";

inline absl::Status NoAnswer(std::string_view reason, std::string_view message) {
  return Error(absl::StatusCode::kFailedPrecondition, reason, message);
}

inline absl::Status Malformed(std::string_view reason, std::string_view message) {
  return Error(absl::StatusCode::kInvalidArgument, reason, message);
}

}  // namespace crm::analytics
