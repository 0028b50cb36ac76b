#include "adapters/hl7v2/ack.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
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

// A version could not be written with '.' for a delimiter.
bool AreUsable(const Delimiters& d) {
  const std::string all = {d.field, d.component, d.repetition, d.escape,
                           d.subcomponent};
  for (size_t i = 0; i < all.size(); ++i) {
    if (!absl::ascii_ispunct(all[i]) || all[i] == '.' || all.find(all[i]) != i)
      return false;
  }
  return true;
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

std::string BuildAck(const MessageHeader& asked, const Ack& ack) {
  // The sender's delimiters, or HL7's usual ones; what was split at another
  // field separator than is used here says nothing that can be repeated.
  const bool usable = AreUsable(asked.delimiters);
  const Delimiters d = usable ? asked.delimiters : Delimiters();
  const MessageHeader header =
      asked.delimiters.field == d.field ? asked : MessageHeader();
  const absl::string_view field(&d.field, 1);
  const absl::string_view component(&d.component, 1);
  const std::string encoding = {d.component, d.repetition, d.escape,
                                d.subcomponent};
  const std::string type =
      header.trigger.empty()
          ? "ACK"
          : absl::StrCat("ACK", component, Plain(header.trigger, 3));
  std::string time =
      absl::FormatTime("%Y%m%d%H%M%S", ack.time, absl::UTCTimeZone());
  if (d.field != '+' && !absl::StrContains(encoding, '+')) time += "+0000";
  const std::string msh = absl::StrJoin(
      {std::string("MSH"), encoding, std::string("CONCORDAT"),
       std::string("EDGE"), Plain(header.sending_application, 180),
       Plain(header.sending_facility, 180), time, std::string(), type,
       Plain(ack.control_id, kControlIdBytesMax),
       header.processing_id.empty() ? "P" : Plain(header.processing_id, 3),
       IsKnownVersion(header.version) ? std::string(header.version) : "2.4"},
      field);
  // NUL is in no message that is taken, and many receivers end a text at it.
  std::string control_id(header.control_id.substr(0, kControlIdBytesMax));
  std::replace(control_id.begin(), control_id.end(), '\0', ' ');
  std::string msa =
      absl::StrCat("MSA", field, CodeText(ack.code), field, control_id);
  if (!ack.text.empty()) absl::StrAppend(&msa, field, Plain(ack.text, 80));
  return absl::StrCat(msh, "\r", msa, "\r");
}

}  // namespace concordat::hl7v2
