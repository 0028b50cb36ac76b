#include "services/common/base/system_random.h"

#include <sodium.h>
#include <sys/random.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "services/common/base/check.h"

namespace concordat {
namespace {

// What a thread has drawn ahead: a system call for each seed, salt and id costs
// more than the event it is for. Processes are never forked without exec, which
// would give both sides the same bytes.
struct Drawn {
  std::array<uint8_t, 4096> bytes;
  size_t used = sizeof(bytes);
};
constexpr size_t kLongBytes = 256;

// One call for all: libsodium asks for 256 bytes at a time.
void Draw(uint8_t* out, size_t count) {
  while (count > 0) {
    const ssize_t got = getrandom(out, count, 0);
    if (got < 0) {
      CONCORDAT_CHECK(errno == EINTR);
      continue;
    }
    out += got;
    count -= static_cast<size_t>(got);
  }
}

}  // namespace

SystemRandom::SystemRandom() { CONCORDAT_CHECK(sodium_init() >= 0); }

void SystemRandom::Fill(uint8_t* out, size_t count) {
  if (count > kLongBytes) return Draw(out, count);
  thread_local Drawn drawn;
  if (drawn.bytes.size() - drawn.used < count) {
    // Grown from 32 bytes of the system's, whose own generator is slower than
    // this one by much.
    std::array<uint8_t, randombytes_SEEDBYTES> seed;
    Draw(seed.data(), seed.size());
    randombytes_buf_deterministic(drawn.bytes.data(), drawn.bytes.size(),
                                  seed.data());
    sodium_memzero(seed.data(), seed.size());
    drawn.used = 0;
  }
  uint8_t* const from = drawn.bytes.data() + drawn.used;
  std::memcpy(out, from, count);
  sodium_memzero(from, count);  // Nobody can read here what became a key.
  drawn.used += count;
}

}  // namespace concordat
