#ifndef CONCORDAT_SERVICES_COMMON_BASE_RANDOM_H_
#define CONCORDAT_SERVICES_COMMON_BASE_RANDOM_H_

#include <cstddef>
#include <cstdint>

namespace concordat {

// Where unpredictable bytes come from, so that simulation can draw them from a
// seed. Implementations are thread-safe and cannot fail.
class Random {
 public:
  virtual ~Random() = default;
  virtual void Fill(uint8_t* out, size_t count) = 0;
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_BASE_RANDOM_H_
