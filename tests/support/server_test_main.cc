#include <gtest/gtest.h>

#include "tests/support/server_test.h"

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  crm::KeepArguments(argc, argv);
  return RUN_ALL_TESTS();
}
