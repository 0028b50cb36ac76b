// Takes a message in, or does not: everything between a frame and its answer.
//
// Order   The whole message is parsed. What is not HL7 or is broken is answered
//         AR or AE and kept as a reject: reason and header. What is not for
//         this listener is answered AR and kept as one. Then identity is read, and nothing else: of a person
//         outside the cohort the message is counted, answered AA, and gone. The
//         rest is cut down to the inventory, spooled, and answered AA once it
//         is durable.
// Threads Any number at the same time.
#ifndef CONCORDAT_ADAPTERS_HL7V2_RECEIVER_H_
#define CONCORDAT_ADAPTERS_HL7V2_RECEIVER_H_

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "adapters/core/cohort.h"
#include "adapters/core/edge_store.h"
#include "adapters/hl7v2/ack.h"
#include "adapters/hl7v2/mapping.h"
#include "adapters/hl7v2/mllp.h"
#include "services/common/base/clock.h"
#include "services/common/base/random.h"
#include "services/common/crypto/sha256.h"

namespace concordat::hl7v2 {

class Receiver {
 public:
  // Borrows all but the key, from which message keys come.
  Receiver(const Mapping& mapping, const edge::Cohort& cohort,
           edge::EdgeStore& store, absl::string_view key, const Clock& clock,
           Random& random);

  // The answer to send; nothing: close the socket, the sender keeps it.
  std::optional<std::string> Receive(const Frame& frame);
  // A connection ended inside a frame, so that nobody can be answered.
  void Lost(const Frame& frame);

  // When a message was last answered, in real time; and the newest time that
  // one gave itself. Microseconds, 0: none yet.
  uint64_t last_seen_us() const { return last_seen_us_; }
  uint64_t last_message_us() const { return last_message_us_; }

 private:
  std::optional<std::string> Take(const Frame& frame,
                                  const MessageHeader& header);
  std::optional<std::string> Refuse(const Frame& frame, AckCode code,
                                    absl::string_view reason,
                                    const Message* whole);
  // Keeps a reject: of a `whole` message its inventory, unless it is about
  // nobody of the cohort; of that, and of a broken one (null), the header.
  absl::Status Keep(const Frame& frame, absl::string_view reason,
                    const Message* whole);
  void Saw(const MessageHeader& header);
  std::string Answer(const MessageHeader& header, AckCode code,
                     absl::string_view text);
  edge::MessageKey KeyOf(const MessageHeader& header,
                         absl::string_view content) const;
  uint64_t NowMicros() const;

  const Mapping& mapping_;
  const edge::Cohort& cohort_;
  edge::EdgeStore& store_;
  const HmacSha256 key_;
  const Clock& clock_;
  Random& random_;
  std::atomic<uint64_t> last_seen_us_{0};
  std::atomic<uint64_t> last_message_us_{0};
};

}  // namespace concordat::hl7v2

#endif  // CONCORDAT_ADAPTERS_HL7V2_RECEIVER_H_
