#pragma once

#include "tools/crmctl/report/report.h"

namespace crm::crmctl {

// A report with every section filled.
Report SampleReport();

}  // namespace crm::crmctl
