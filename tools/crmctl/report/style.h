#pragma once

#include <string_view>

namespace crm::crmctl {

// The report's style sheet: light, or dark where the reader's system asks for it; readable in print
// and on a small screen.
std::string_view ReportStyle();

}  // namespace crm::crmctl
