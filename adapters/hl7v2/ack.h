// What a listener answers: MSH of its own and MSA. PURE.
#ifndef CONCORDAT_ADAPTERS_HL7V2_ACK_H_
#define CONCORDAT_ADAPTERS_HL7V2_ACK_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "adapters/hl7v2/message.h"

namespace concordat::hl7v2 {

enum class AckCode {
  kAccept,  // AA: it is safe here.
  kError,   // AE: HL7, but broken.
  kReject,  // AR: not HL7, or not for this listener.
};

struct Ack {
  AckCode code = AckCode::kAccept;
  absl::string_view text;        // MSA-3, without a byte of the message.
  absl::string_view control_id;  // Of the answer: unique per listener.
  absl::Time time;               // Written in UTC with its offset.
};

// Answers the message that `asked` was read from, in its own delimiters.
// MSA-2 is its MSH-10, byte for byte (at most kControlIdBytesMax, and a NUL
// as a space).
std::string BuildAck(const MessageHeader& asked, const Ack& ack);

}  // namespace concordat::hl7v2

#endif  // CONCORDAT_ADAPTERS_HL7V2_ACK_H_
