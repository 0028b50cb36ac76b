#include "gateway/api/opening_note.h"

#include <array>

#include "absl/strings/escaping.h"
#include "concordat/access/v1/glass.pb.h"
#include "services/common/base/bytes.h"

namespace concordat::gateway {

absl::Status NoteOpening(Upstream& upstream, const Caller& caller,
                         const std::string& subject, const std::string& purpose,
                         Random& random, absl::Duration timeout) {
  auto options = OptionsFor({}, caller, timeout);
  if (!options.ok()) return options.status();
  // The session has it from now on, and the caller was before.
  options->purpose = purpose;
  std::array<uint8_t, 16> id;
  random.Fill(id.data(), id.size());
  access::v1::NoteOpeningRequest request;
  request.mutable_command()->set_request_id(absl::BytesToHexString(AsView(id)));
  request.set_subject(subject);
  return upstream
      .Call<access::v1::NoteOpeningResponse>(
          "concordat-bus", "concordat.access.v1.GlassService/NoteOpening",
          request, *options)
      .status();
}

}  // namespace concordat::gateway
