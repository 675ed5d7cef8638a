// write_sample_report FILE: the sample report, for a look at it in a browser and
// scripts/report_check.sh.

#include <fstream>

#include "tests/unit/tools/crmctl/report/sample_report.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  std::ofstream out(argv[1], std::ios::binary);
  out << crm::crmctl::RenderReport(crm::crmctl::SampleReport());
  return out.good() ? 0 : 1;
}
