#ifndef CONCORDAT_GATEWAY_API_OPENING_NOTE_H_
#define CONCORDAT_GATEWAY_API_OPENING_NOTE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gateway/api/upstream.h"
#include "services/common/base/random.h"

namespace concordat::gateway {

// Has the bus put into the log that the caller opens this person, to whom no task
// led. Waits for it.
//   UNAVAILABLE, DEADLINE_EXCEEDED  the bus does not answer.
//   Others                          as GlassService.NoteOpening.
absl::Status NoteOpening(Upstream& upstream, const Caller& caller,
                         const std::string& subject, const std::string& purpose,
                         Random& random, absl::Duration timeout);

}  // namespace concordat::gateway

#endif  // CONCORDAT_GATEWAY_API_OPENING_NOTE_H_
