#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "services/analytics/domain/purchases.h"

namespace crm::analytics {

// Orders by customer, as the files of tests/data, examples/ and the shared folder of data give
// them.
using OrdersByCustomer = std::map<std::string, std::vector<DatedAmount>>;

// Days from 1970-01-01 of "2006-12-31" or "20061231".
int32_t DayOf(const std::string& date);

// 995 made-up customers; revenue is in whole units.
OrdersByCustomer RfmOrders();

// The grocer's households: an order a basket.
OrdersByCustomer CompleteJourneyBaskets();

// CDNOW's sample of one in ten; empty where the file, which is not shipped, is absent. It lies in
// $CRM_SHARED_DATA, else in shared/data beside the source tree.
OrdersByCustomer CdnowOrders();

// The summaries of all customers of the orders at the day, in the order of their ids.
std::map<std::string, PurchaseSummary> SummariesOf(const OrdersByCustomer& orders,
                                                   int32_t analysis_day);

}  // namespace crm::analytics
