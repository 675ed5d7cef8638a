#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/crmctl/report/markup.h"
#include "tools/crmctl/report/report.h"

namespace crm::crmctl {

// Parts that sections of the report share.

struct Cell {
  std::string text;
  // Stands to the right.
  bool number = false;
};

// Opens a table that scrolls on a small screen; rows follow, then EndTable.
void BeginTable(std::string_view caption, const std::vector<Cell>& headings, Markup& out);
void EndTable(Markup& out);
// The first cell names the row.
void Row(const std::vector<Cell>& cells, Markup& out);

// A list of names and values; `style` is a class beside "facts".
void Facts(const std::vector<Fact>& facts, std::string_view style, Markup& out);

void NoData(std::string_view text, Markup& out);

// A share as a bar beside its figure, in a table's cell.
void MeterCell(double share, const std::string& figure, Markup& out);

void CustomerSection(const CustomerStory& customer, const Currency& currency, Markup& out);

}  // namespace crm::crmctl
