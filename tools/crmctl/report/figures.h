#pragma once

#include <cstdint>
#include <string>

#include "tools/crmctl/report/report.h"

namespace crm::crmctl {

// Figures as people read them, the same in every locale. What is not finite is an en dash.

// "16.56 %" of .1656.
std::string Percent(double share, int digits = 2);
// responses / sends; a dash without sends.
std::string Rate(int64_t responses, int64_t sends);
// "1,156.05 USD".
std::string Money(const Currency& currency, int64_t amount_minor);
std::string Money(const Currency& currency, double amount_minor);
// "12.3".
std::string Decimal(double number, int digits);
// "2017-12-31".
std::string Date(int32_t day);

}  // namespace crm::crmctl
