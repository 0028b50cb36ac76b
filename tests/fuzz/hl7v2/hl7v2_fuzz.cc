// Bytes from a socket, through framer, parser, facts and answer.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "adapters/hl7v2/ack.h"
#include "adapters/hl7v2/facts.h"
#include "adapters/hl7v2/message.h"
#include "adapters/hl7v2/mllp.h"

namespace concordat::hl7v2 {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

void Take(absl::string_view content) {
  const MessageHeader header = ReadHeader(content);
  const std::string ack =
      BuildAck(header, {AckCode::kError, "x", "c", absl::UnixEpoch()});
  Require(Message::Parse(ack).ok());
  const auto message = Message::Parse(content);
  if (!message.ok()) return;
  const absl::Status complete = CheckComplete(*message, content);
  const Facts facts = ReadFacts(*message, absl::UTCTimeZone());
  // What is kept reads the same again.
  const std::string kept = KeepInventory(*message);
  const auto again = Message::Parse(kept);
  Require(again.ok());
  const Facts same = ReadFacts(*again, absl::UTCTimeZone());
  Require(same.type == facts.type && same.kind == facts.kind);
  Require(same.patient_ids.size() == facts.patient_ids.size());
  Require(same.services == facts.services);
  Require(same.appointment == facts.appointment);
  Require(KeepInventory(*again) == kept);
}

}  // namespace
}  // namespace concordat::hl7v2

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  concordat::hl7v2::Take(bytes);
  concordat::hl7v2::MllpFramer framer(/*content_bytes_max=*/4096);
  std::vector<concordat::hl7v2::Frame> frames;
  const size_t half = size / 2;
  if (framer.Feed(bytes.substr(0, half), frames).ok()) {
    (void)framer.Feed(bytes.substr(half), frames);
  }
  for (const concordat::hl7v2::Frame& frame : frames) {
    concordat::hl7v2::Take(frame.content);
  }
  (void)framer.End();
  return 0;
}
