#ifndef CONCORDAT_TESTS_SUPPORT_SEEDED_RANDOM_H_
#define CONCORDAT_TESTS_SUPPORT_SEEDED_RANDOM_H_

#include <random>

#include "absl/base/thread_annotations.h"
#include "services/common/base/mutex.h"
#include "services/common/base/random.h"

namespace concordat::testing {

// The same bytes each run. Thread-safe.
class SeededRandom : public Random {
 public:
  explicit SeededRandom(uint64_t seed = 1) : engine_(seed) {}
  void Fill(uint8_t* out, size_t count) override {
    MutexLock lock(mu_);
    for (size_t i = 0; i < count; ++i) {
      out[i] = static_cast<uint8_t>(engine_());
    }
  }

 private:
  Mutex mu_;
  std::mt19937_64 engine_ ABSL_GUARDED_BY(mu_);
};

}  // namespace concordat::testing

#endif  // CONCORDAT_TESTS_SUPPORT_SEEDED_RANDOM_H_
