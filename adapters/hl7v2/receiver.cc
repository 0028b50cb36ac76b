#include "adapters/hl7v2/receiver.h"

#include <algorithm>
#include <array>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace concordat::hl7v2 {

Receiver::Receiver(const Mapping& mapping, const edge::Cohort& cohort,
                   edge::EdgeStore& store, absl::string_view key,
                   const Clock& clock, Random& random)
    : mapping_(mapping),
      cohort_(cohort),
      store_(store),
      key_(absl::StrCat("concordat/hl7/1", key)),
      clock_(clock),
      random_(random) {}

uint64_t Receiver::NowMicros() const {
  return static_cast<uint64_t>(absl::ToUnixMicros(clock_.Now()));
}

std::string Receiver::Answer(const MessageHeader& header, AckCode code,
                             absl::string_view text) {
  std::string id(8, '\0');
  random_.Fill(reinterpret_cast<uint8_t*>(id.data()), id.size());
  return BuildAck(header,
                  {code, text, absl::BytesToHexString(id), clock_.Now()});
}

std::optional<std::string> Receiver::Refuse(const MessageHeader& header,
                                            AckCode code,
                                            absl::string_view reason) {
  const absl::Status kept =
      store_.Refuse(NowMicros(), reason, PlainType(header));
  if (!kept.ok()) return std::nullopt;
  return Answer(header, code, reason);
}

void Receiver::Lost(const Frame& frame) {
  // If this cannot be kept nothing can, and the sender has no answer anyway.
  (void)store_.Refuse(NowMicros(), "cut off: the connection ended",
                      PlainType(ReadHeader(frame.content)));
}

edge::MessageKey Receiver::KeyOf(const MessageHeader& header,
                                 absl::string_view content) const {
  const Sha256Hash hash = key_.Of(absl::StrCat(
      header.sending_application.size(), ",", header.sending_application,
      header.control_id.size(), ",", header.control_id, content));
  edge::MessageKey key;
  std::copy_n(hash.begin(), key.size(), key.begin());
  return key;
}

std::optional<std::string> Receiver::Receive(const Frame& frame) {
  const MessageHeader header = ReadHeader(frame.content);
  if (frame.cut_off) {
    return Refuse(header, AckCode::kError, "cut off: the frame has no end");
  }
  const absl::StatusOr<Message> message = Message::Parse(frame.content);
  if (!message.ok()) {
    const AckCode code = absl::IsUnimplemented(message.status())
                             ? AckCode::kReject
                             : AckCode::kError;
    return Refuse(header, code, message.status().message());
  }
  const absl::Status complete = CheckComplete(*message, frame.content);
  if (!complete.ok()) {
    return Refuse(header, AckCode::kError, complete.message());
  }
  if (!mapping_.TakesProcessingId(header.processing_id)) {
    return Refuse(header, AckCode::kReject,
                  header.processing_id == "P"
                      ? "this is not a live listener"
                      : "MSH-11: not for this listener");
  }
  const Facts facts = ReadFacts(*message, mapping_.zone());
  std::vector<PatientId> ids = facts.patient_ids;
  ids.insert(ids.end(), facts.merged_ids.begin(), facts.merged_ids.end());
  const edge::CohortAnswer who = cohort_.Find(mapping_.Identify(ids));
  const absl::Status kept =
      who.kind == edge::CohortAnswer::Kind::kOutside
          ? store_.CountNotInCohort()
          : store_.Accept(KeyOf(header, frame.content), NowMicros(),
                          KeepInventory(*message));
  if (!kept.ok()) return std::nullopt;
  return Answer(header, AckCode::kAccept, "");
}

}  // namespace concordat::hl7v2
