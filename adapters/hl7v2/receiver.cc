#include "adapters/hl7v2/receiver.h"

#include <algorithm>
#include <array>
#include <utility>

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

absl::Status Receiver::Keep(const Frame& frame, absl::string_view reason,
                            const Message* whole) {
  const MessageHeader header = ReadHeader(frame.content);
  edge::Verdict verdict;
  verdict.reason = std::string(reason);
  verdict.message_type = PlainType(header);
  verdict.source = kSource;
  if (const auto time = ParseTime(header.time, mapping_.zone())) {
    verdict.happened_us = static_cast<uint64_t>(absl::ToUnixMicros(time->at));
  }
  edge::WaitingMessage message;
  message.key = KeyOf(header, frame.content);
  message.received_us = NowMicros();
  if (whole != nullptr) {
    const Facts facts = ReadFacts(*whole, mapping_.zone());
    const edge::CohortAnswer who = cohort_.Find(mapping_.IdentifyAll(facts));
    if (who.kind == edge::CohortAnswer::Kind::kMember) {
      verdict.subject = who.subject;
      verdict.localsubject = mapping_.OwnNumber(facts);
      verdict.words = std::string(Words(facts.kind));
    }
    message.message = who.kind == edge::CohortAnswer::Kind::kOutside
                          ? KeepHeader(*whole)
                          : KeepInventory(*whole);
  } else {
    const size_t first_end = frame.content.find_first_of("\r\n");
    const auto first = Message::Parse(
        absl::string_view(frame.content).substr(0, first_end));
    if (first.ok()) message.message = KeepHeader(*first);
  }
  return store_.Refuse(std::move(message), std::move(verdict));
}

std::optional<std::string> Receiver::Refuse(const Frame& frame, AckCode code,
                                            absl::string_view reason,
                                            const Message* whole) {
  if (!Keep(frame, reason, whole).ok()) return std::nullopt;
  return Answer(ReadHeader(frame.content), code, reason);
}

void Receiver::Lost(const Frame& frame) {
  // If this cannot be kept nothing can, and the sender has no answer anyway.
  (void)Keep(frame, "cut off: the connection ended", nullptr);
}

void Receiver::Saw(const MessageHeader& header) {
  last_seen_us_ = NowMicros();
  const auto time = ParseTime(header.time, mapping_.zone());
  if (!time.has_value()) return;
  const auto at_us = static_cast<uint64_t>(absl::ToUnixMicros(time->at));
  uint64_t newest = last_message_us_;
  while (newest < at_us &&
         !last_message_us_.compare_exchange_weak(newest, at_us)) {
  }
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
  std::optional<std::string> answer = Take(frame, header);
  if (answer.has_value()) Saw(header);
  return answer;
}

std::optional<std::string> Receiver::Take(const Frame& frame,
                                          const MessageHeader& header) {
  if (frame.cut_off) {
    return Refuse(frame, AckCode::kError, "cut off: the frame has no end",
                  nullptr);
  }
  const absl::StatusOr<Message> message = Message::Parse(frame.content);
  if (!message.ok()) {
    const AckCode code = absl::IsUnimplemented(message.status())
                             ? AckCode::kReject
                             : AckCode::kError;
    return Refuse(frame, code, message.status().message(), nullptr);
  }
  const absl::Status complete = CheckComplete(*message, frame.content);
  if (!complete.ok()) {
    return Refuse(frame, AckCode::kError, complete.message(), nullptr);
  }
  if (!mapping_.TakesProcessingId(header.processing_id)) {
    return Refuse(frame, AckCode::kReject,
                  WrongProcessingId(header.processing_id), &*message);
  }
  const Facts facts = ReadFacts(*message, mapping_.zone());
  const edge::CohortAnswer who = cohort_.Find(mapping_.IdentifyAll(facts));
  const absl::Status kept =
      who.kind == edge::CohortAnswer::Kind::kOutside
          ? store_.CountNotInCohort()
          : store_.Accept(KeyOf(header, frame.content), NowMicros(),
                          KeepInventory(*message));
  if (!kept.ok()) return std::nullopt;
  return Answer(header, AckCode::kAccept, "");
}

}  // namespace concordat::hl7v2
