#ifndef CONCORDAT_SERVICES_COMMON_BASE_SYSTEM_RANDOM_H_
#define CONCORDAT_SERVICES_COMMON_BASE_SYSTEM_RANDOM_H_

#include "services/common/base/random.h"

namespace concordat {

// The operating system's entropy. Thread-safe.
class SystemRandom : public Random {
 public:
  SystemRandom();
  void Fill(uint8_t* out, size_t count) override;
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_BASE_SYSTEM_RANDOM_H_
