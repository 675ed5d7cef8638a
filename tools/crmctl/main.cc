// crmctl: the person's way in.

#include <unistd.h>

#include <iostream>

#include "common/base/clock.h"
#include "common/base/random.h"
#include "tools/crmctl/crmctl.h"

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  const crm::SystemClock clock;
  crm::SystemRandom random;
  crm::crmctl::Console console{std::cout, std::cerr, clock, isatty(STDERR_FILENO) != 0};
  return crm::crmctl::RunCrmctl(std::vector<std::string>(argv + 1, argv + argc), console, random);
}
