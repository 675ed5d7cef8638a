#pragma once

#include <cstdio>
#include <cstdlib>
#include <random>

namespace crm {

// A seed for a test's random choices, printed; CRM_TEST_SEED replays one.
inline unsigned TestSeed() {
  const char* given = std::getenv("CRM_TEST_SEED");
  const unsigned seed = given != nullptr ? static_cast<unsigned>(std::strtoul(given, nullptr, 10))
                                         : std::random_device{}();
  std::printf("CRM_TEST_SEED=%u\n", seed);
  return seed;
}

}  // namespace crm
