#ifndef CONCORDAT_SERVICES_COMMON_BASE_CHECK_H_
#define CONCORDAT_SERVICES_COMMON_BASE_CHECK_H_

#include <cstdio>
#include <cstdlib>

// Stops the process when `condition` is false: a bug, never an outside failure.
// Not assert(): it is on in every build.
#define CONCORDAT_CHECK(condition)                                          \
  do {                                                                      \
    if (!(condition)) {                                                     \
      std::fprintf(stderr, "%s:%d: check failed: %s\n", __FILE__, __LINE__, \
                   #condition);                                             \
      std::abort();                                                         \
    }                                                                       \
  } while (false)

#endif  // CONCORDAT_SERVICES_COMMON_BASE_CHECK_H_
