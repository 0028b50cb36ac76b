// An HL7 v2 message in its ER7 form (segments, fields, repetitions,
// components), read in place and without judging its content. PURE.
//
// Threads  Immutable values; any number of readers.
// Bounds   1 MiB a message, 4,096 segments, 1,024 fields a segment.
// Charsets Passed through: delimiters are ASCII, everything else is bytes.
// Errors   Name the segment and the field, never what stands in it.
#ifndef CONCORDAT_ADAPTERS_HL7V2_MESSAGE_H_
#define CONCORDAT_ADAPTERS_HL7V2_MESSAGE_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace concordat::hl7v2 {

inline constexpr size_t kMessageBytesMax = size_t{1} << 20;
inline constexpr size_t kSegmentsMax = 4096;
inline constexpr size_t kFieldsMax = 1024;
inline constexpr size_t kControlIdBytesMax = 256;

// MSH-1 and MSH-2.
struct Delimiters {
  char field = '|';
  char component = '^';
  char repetition = '~';
  char escape = '\\';
  char subcomponent = '&';
};

// One segment. Borrows the message's text.
class Segment {
 public:
  Segment(absl::string_view text, char separator)
      : text_(text), separator_(separator) {}

  absl::string_view name() const { return text_.substr(0, 3); }
  absl::string_view text() const { return text_; }
  // Field `number` as it stands, with all repetitions; empty when not there.
  // Counts from 1, as HL7 does: MSH-1 is the field separator itself.
  absl::string_view Field(size_t number) const;
  // The number of the last field that stands in the segment.
  size_t field_count() const;

 private:
  absl::string_view text_;
  char separator_;
};

// What MSH says, first components only. Empty where it says nothing.
struct MessageHeader {
  Delimiters delimiters;
  absl::string_view sending_application;  // MSH-3
  absl::string_view sending_facility;     // MSH-4
  absl::string_view time;                 // MSH-7
  absl::string_view code;                 // MSH-9.1: ADT
  absl::string_view trigger;              // MSH-9.2: A01
  absl::string_view control_id;           // MSH-10, whole
  absl::string_view processing_id;        // MSH-11.1
  absl::string_view version;              // MSH-12.1
};

// 2.1 to 2.9.
bool IsKnownVersion(absl::string_view version);

// As much of the header as can be read, for answering what cannot be taken.
MessageHeader ReadHeader(absl::string_view text);

class Message {
 public:
  // Reads `text`, which must outlive the message. Segments end with CR; LF,
  // CRLF and a missing last one are tolerated, as is a byte order mark.
  //   INVALID_ARGUMENT  HL7 v2, but broken (answer AE).
  //   UNIMPLEMENTED     not HL7 v2, a batch, or a version that is not known
  //                     (answer AR).
  static absl::StatusOr<Message> Parse(absl::string_view text);

  const MessageHeader& header() const { return header_; }
  const Delimiters& delimiters() const { return header_.delimiters; }
  const std::vector<Segment>& segments() const { return segments_; }
  // The first segment of that name, or null.
  const Segment* Find(absl::string_view name) const;

 private:
  Message() = default;

  MessageHeader header_;
  std::vector<Segment> segments_;
};

// The repetitions of a field; none of an empty one.
std::vector<absl::string_view> Repetitions(absl::string_view field,
                                           const Delimiters& delimiters);
// Component `number`, from 1, of one repetition; empty when not there.
absl::string_view Component(absl::string_view repetition, size_t number,
                            const Delimiters& delimiters);
// First sub-component of component `number` of the first repetition,
// unescaped; nothing for HL7's explicit null ("").
std::string Text(absl::string_view field, size_t number,
                 const Delimiters& delimiters);
// Resolves F, S, T, R, E, P and Xhh…; H and N are dropped and .br is a line
// feed. Other sequences stay as they are.
std::string Unescape(absl::string_view text, const Delimiters& delimiters);

}  // namespace concordat::hl7v2

#endif  // CONCORDAT_ADAPTERS_HL7V2_MESSAGE_H_
