#pragma once

#include <cstdio>
#include <cstdlib>

// CRM_CHECK(condition): an impossible state stops the process, in release builds too. Never for bad
// input, bad files or what a peer sends: those are Status.
#define CRM_CHECK(condition)                                                             \
  do {                                                                                   \
    if (!(condition)) [[unlikely]] {                                                     \
      std::fprintf(stderr, "%s:%d: check failed: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                      \
    }                                                                                    \
  } while (false)
