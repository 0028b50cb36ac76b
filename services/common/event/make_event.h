// Making events: ids, seeds, and an event from a message. PURE.
#ifndef CONCORDAT_SERVICES_COMMON_EVENT_MAKE_EVENT_H_
#define CONCORDAT_SERVICES_COMMON_EVENT_MAKE_EVENT_H_

#include <cstdint>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message_lite.h"
#include "services/common/base/mutex.h"
#include "services/common/base/random.h"
#include "services/common/event/event.h"
#include "services/common/event/type_table.h"

namespace concordat {

// Checks, splits and binds an event, with a seed drawn from `random`. The
// header's type may be empty; it is then the message's.
//   NOT_FOUND         no such event type.
//   INVALID_ARGUMENT  header or message breaks a rule; names the field. An
//                     urgent type is made whatever field rules it breaks.
absl::StatusOr<Event> MakeEvent(const TypeRegistry& types, Header header,
                                const google::protobuf::MessageLite& message,
                                Random& random);
// The same from the message's bytes; the header names the type.
absl::StatusOr<Event> MakeEvent(const TypeRegistry& types, Header header,
                                absl::string_view message, const Seed& seed);

// Draws the seed of an event.
Seed DrawSeed(Random& random);

// Ids by time (RFC 9562, version 7, as text): each sorts after the one before,
// also when the clock steps back. Thread-safe.
class UuidV7 {
 public:
  // `random` outlives this.
  explicit UuidV7(Random& random) : random_(random) {}
  std::string Next(uint64_t now_us);

 private:
  Random& random_;
  Mutex mu_;
  // Milliseconds and 12 bits of their fraction.
  uint64_t last_ ABSL_GUARDED_BY(mu_) = 0;
};

// The id of the n-th event of a command: the same for each retry of it
// (RFC 9562, version 8).
std::string DerivedId(absl::string_view service, absl::string_view request_id,
                      uint32_t n);

// The seed of an event from a producer without our library, so that a retry
// through the same door binds the same: HMAC-SHA-256 of source and id under the
// door's own key, its first 16 bytes.
Seed SeedFor(absl::string_view door_key, absl::string_view source,
             absl::string_view id);

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_EVENT_MAKE_EVENT_H_
