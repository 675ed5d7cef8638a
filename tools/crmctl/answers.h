#pragma once

#include <google/protobuf/message.h>

#include <functional>
#include <string>
#include <vector>

#include "tools/crmctl/console.h"
#include "tools/crmctl/table.h"

namespace crm::crmctl {

// Prints each message of a list: as one JSON line for programs, else as one row of a table made by
// `cells`.
template <typename Messages>
void PrintList(
    Console& console, std::vector<Table::Column> columns, const Messages& messages,
    const std::function<std::vector<std::string>(const typename Messages::value_type&)>& cells) {
  if (console.json) {
    for (const auto& message : messages) console.PrintJson(message);
    return;
  }
  Table table(std::move(columns));
  for (const auto& message : messages) table.Add(cells(message));
  console.out << table.ToString();
}

// A right-aligned heading.
Table::Column Right(const char* heading);

// Digits of the currency's minor unit; 2 where ICU does not know it.
int CurrencyDecimals(const std::string& currency);

// 115605, "USD" -> "1,156.05 USD"; with the digits the currency has.
std::string MoneyText(int64_t minor, const std::string& currency);

// 0.1656 -> "16.56 %".
std::string PercentText(double share);

// "SEGMENT_ENTERED" -> "segment entered".
std::string EnumText(const std::string& name);

}  // namespace crm::crmctl
