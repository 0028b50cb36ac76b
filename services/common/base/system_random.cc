#include "services/common/base/system_random.h"

#include <sodium.h>

#include "services/common/base/check.h"

namespace concordat {

SystemRandom::SystemRandom() { CONCORDAT_CHECK(sodium_init() >= 0); }

void SystemRandom::Fill(uint8_t* out, size_t count) {
  randombytes_buf(out, count);
}

}  // namespace concordat
