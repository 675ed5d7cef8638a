#include "tests/unit/services/analytics/sample_data.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace crm::analytics {
namespace {

const std::string kSource = CRM_SOURCE_DIR;

// The cells of these files hold no commas and no quotes.
std::vector<std::string> CellsOf(const std::string& line) {
  std::vector<std::string> cells;
  std::istringstream in(line);
  for (std::string cell; std::getline(in, cell, ',');) {
    if (cell.size() >= 2 && cell.front() == '"') cell = cell.substr(1, cell.size() - 2);
    cells.push_back(std::move(cell));
  }
  return cells;
}

int64_t MinorOf(const std::string& amount) {
  return std::llround(std::strtod(amount.c_str(), nullptr) * 100);
}

std::string Unzipped(const std::string& path) {
  std::string text;
  const gzFile file = gzopen(path.c_str(), "rb");
  EXPECT_NE(file, nullptr) << path;
  char buffer[1 << 16];
  for (int read = 0; (read = gzread(file, buffer, sizeof(buffer))) > 0;) text.append(buffer, read);
  gzclose(file);
  return text;
}

}  // namespace

int32_t DayOf(const std::string& date) {
  const size_t dash = date.size() == 10 ? 1 : 0;
  const std::chrono::year_month_day day{
      std::chrono::year(std::stoi(date.substr(0, 4))),
      std::chrono::month(static_cast<unsigned>(std::stoi(date.substr(4 + dash, 2)))),
      std::chrono::day(static_cast<unsigned>(std::stoi(date.substr(6 + 2 * dash, 2))))};
  return std::chrono::sys_days(day).time_since_epoch().count();
}

OrdersByCustomer RfmOrders() {
  std::ifstream in(kSource + "/tests/data/rfm_orders.csv");
  OrdersByCustomer orders;
  std::string line;
  std::getline(in, line);
  while (std::getline(in, line)) {
    const std::vector<std::string> cells = CellsOf(line);
    orders[cells[0]].push_back({DayOf(cells[1]), MinorOf(cells[2])});
  }
  return orders;
}

OrdersByCustomer CompleteJourneyBaskets() {
  std::istringstream in(
      Unzipped(kSource + "/examples/complete_journey/cj_transactions_sample.csv.gz"));
  std::map<std::pair<std::string, std::string>, DatedAmount> baskets;
  std::string line;
  std::getline(in, line);
  while (std::getline(in, line)) {
    const std::vector<std::string> cells = CellsOf(line);
    DatedAmount& basket = baskets[{cells[0], cells[2]}];
    basket.day = DayOf(cells[10].substr(0, 10));
    basket.amount_minor += MinorOf(cells[5]);
  }
  OrdersByCustomer orders;
  for (const auto& [key, basket] : baskets) orders[key.first].push_back(basket);
  return orders;
}

OrdersByCustomer CdnowOrders() {
  const char* shared = std::getenv("CRM_SHARED_DATA");
  const std::string folder = shared != nullptr ? shared : kSource + "/../shared/data";
  std::ifstream in(folder + "/cdnow_sample.txt");
  OrdersByCustomer orders;
  std::string master;
  std::string sample;
  std::string date;
  std::string discs;
  std::string dollars;
  while (in >> master >> sample >> date >> discs >> dollars) {
    orders[sample].push_back({DayOf(date), MinorOf(dollars)});
  }
  return orders;
}

std::map<std::string, PurchaseSummary> SummariesOf(const OrdersByCustomer& orders,
                                                   int32_t analysis_day) {
  std::map<std::string, PurchaseSummary> summaries;
  for (const auto& [id, amounts] : orders) {
    const auto summary = Summarise(amounts, analysis_day);
    EXPECT_TRUE(summary.ok()) << summary.status();
    if (summary.ok() && summary->has_value()) summaries.emplace(id, **summary);
  }
  return summaries;
}

}  // namespace crm::analytics
