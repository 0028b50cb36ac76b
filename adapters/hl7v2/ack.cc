#include "adapters/hl7v2/ack.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace concordat::hl7v2 {
namespace {

absl::string_view CodeText(AckCode code) {
  switch (code) {
    case AckCode::kAccept:
      return "AA";
    case AckCode::kError:
      return "AE";
    case AckCode::kReject:
      return "AR";
  }
  return "AR";
}

// The header's delimiters when they can be used, else HL7's usual ones.
Delimiters Usable(const Delimiters& d) {
  const std::string all = {d.field, d.component, d.repetition, d.escape,
                           d.subcomponent};
  for (size_t i = 0; i < all.size(); ++i) {
    if (!absl::ascii_ispunct(all[i]) || all.find(all[i]) != i) {
      return Delimiters();
    }
  }
  return d;
}

// Printable bytes for a reader of logs; nothing that could break a segment.
std::string Plain(absl::string_view text, size_t bytes_max) {
  std::string plain(text.substr(0, bytes_max));
  std::replace_if(
      plain.begin(), plain.end(), [](char c) { return absl::ascii_iscntrl(c); },
      ' ');
  return plain;
}

}  // namespace

std::string BuildAck(const MessageHeader& header, const Ack& ack) {
  const Delimiters d = Usable(header.delimiters);
  const absl::string_view field(&d.field, 1);
  const absl::string_view component(&d.component, 1);
  const std::string encoding = {d.component, d.repetition, d.escape,
                                d.subcomponent};
  const std::string type =
      header.trigger.empty()
          ? "ACK"
          : absl::StrCat("ACK", component, Plain(header.trigger, 3));
  const std::string time =
      absl::FormatTime("%Y%m%d%H%M%S+0000", ack.time, absl::UTCTimeZone());
  const std::string msh = absl::StrJoin(
      {std::string("MSH"), encoding, std::string("CONCORDAT"),
       std::string("EDGE"), Plain(header.sending_application, 180),
       Plain(header.sending_facility, 180), time, std::string(), type,
       Plain(ack.control_id, kControlIdBytesMax),
       header.processing_id.empty() ? "P" : Plain(header.processing_id, 3),
       IsKnownVersion(header.version) ? std::string(header.version) : "2.4"},
      field);
  std::string msa =
      absl::StrCat("MSA", field, CodeText(ack.code), field,
                   header.control_id.substr(0, kControlIdBytesMax));
  if (!ack.text.empty()) absl::StrAppend(&msa, field, Plain(ack.text, 80));
  return absl::StrCat(msh, "\r", msa, "\r");
}

}  // namespace concordat::hl7v2
