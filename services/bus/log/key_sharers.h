// The other processes that a log's wrapping key is to be changed with. Of a log in
// files there are none.
#ifndef CONCORDAT_SERVICES_BUS_LOG_KEY_SHARERS_H_
#define CONCORDAT_SERVICES_BUS_LOG_KEY_SHARERS_H_

#include <cstdint>

#include "absl/status/status.h"
#include "services/bus/log/wrapping_keys.h"

namespace concordat::bus {

// Threads  One at a time. Both wait.
class KeySharers {
 public:
  virtual ~KeySharers() = default;

  // Gives the newest of `keys` to every other process that lives: OK once each has
  // it in its own key file, durably.
  //   FAILED_PRECONDITION  one does not prove that it may have it; names it.
  //   UNAVAILABLE          one did not take it in time; names it.
  virtual absl::Status HandOver(const WrappingKeys& keys) = 0;
  // OK once no other key file, of those that were ever told of, has a lower one.
  //   UNAVAILABLE  one has, still; names it.
  virtual absl::Status AwaitDestroyed(uint32_t below) = 0;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_LOG_KEY_SHARERS_H_
