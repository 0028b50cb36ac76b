#include "adapters/hl7v2/message.h"

#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace concordat::hl7v2 {
namespace {

constexpr absl::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr absl::string_view kSegmentEnds = "\r\n";
constexpr std::array<absl::string_view, 14> kVersions = {
    "2.1", "2.2", "2.3",   "2.3.1", "2.4",   "2.5",   "2.5.1",
    "2.6", "2.7", "2.7.1", "2.8",   "2.8.1", "2.8.2", "2.9"};

// The part `number`, from 1, of `text` between separators.
absl::string_view Part(absl::string_view text, size_t number, char separator) {
  for (; number > 1; --number) {
    const size_t at = text.find(separator);
    if (at == absl::string_view::npos) return {};
    text.remove_prefix(at + 1);
  }
  return text.substr(0, text.find(separator));
}

absl::string_view Start(absl::string_view text) {
  absl::ConsumePrefix(&text, kByteOrderMark);
  const size_t at = text.find_first_not_of(kSegmentEnds);
  return at == absl::string_view::npos ? "" : text.substr(at);
}

bool IsSegmentName(absl::string_view line, char separator) {
  return line.size() >= 3 && absl::ascii_isupper(line[0]) &&
         (absl::ascii_isupper(line[1]) || absl::ascii_isdigit(line[1])) &&
         (absl::ascii_isupper(line[2]) || absl::ascii_isdigit(line[2])) &&
         (line.size() == 3 || line[3] == separator);
}

bool IsDelimiter(char c) { return absl::ascii_ispunct(c); }

absl::Status CheckDelimiters(const Segment& msh) {
  // 2.7 and later may name a truncation character as the fifth.
  const absl::string_view encoding = msh.Field(2);
  if (encoding.size() < 4 || encoding.size() > 5) {
    return absl::InvalidArgumentError("MSH-2: not four or five characters");
  }
  std::string all = absl::StrCat(msh.Field(1), encoding);
  if (!std::all_of(all.begin(), all.end(), IsDelimiter)) {
    return absl::InvalidArgumentError("MSH-2: not a punctuation character");
  }
  std::sort(all.begin(), all.end());
  if (std::adjacent_find(all.begin(), all.end()) != all.end()) {
    return absl::InvalidArgumentError("MSH-2: a delimiter stands twice");
  }
  return absl::OkStatus();
}

absl::Status CheckHeader(const MessageHeader& header) {
  if (header.code.empty()) {
    return absl::InvalidArgumentError("MSH-9: no message type");
  }
  if (header.control_id.size() > kControlIdBytesMax) {
    return absl::InvalidArgumentError("MSH-10: too long");
  }
  if (header.version.empty()) {
    return absl::InvalidArgumentError("MSH-12: no version");
  }
  if (!IsKnownVersion(header.version)) {
    return absl::UnimplementedError("MSH-12: a version that is not known");
  }
  return absl::OkStatus();
}

// What an escape sequence stands for; null: keep it as it is.
bool Resolve(absl::string_view sequence, const Delimiters& d,
             std::string& out) {
  if (sequence == "F") {
    out.push_back(d.field);
  } else if (sequence == "S") {
    out.push_back(d.component);
  } else if (sequence == "T") {
    out.push_back(d.subcomponent);
  } else if (sequence == "R") {
    out.push_back(d.repetition);
  } else if (sequence == "E") {
    out.push_back(d.escape);
  } else if (sequence == "P") {
    out.push_back('#');
  } else if (sequence == ".br") {
    out.push_back('\n');
  } else if (sequence == "H" || sequence == "N") {
    // Highlighting has no text.
  } else if (sequence.size() > 1 && sequence.size() % 2 == 1 &&
             sequence[0] == 'X' &&
             std::all_of(sequence.begin() + 1, sequence.end(),
                         absl::ascii_isxdigit)) {
    absl::StrAppend(&out, absl::HexStringToBytes(sequence.substr(1)));
  } else {
    return false;
  }
  return true;
}

}  // namespace

absl::string_view Segment::Field(size_t number) const {
  if (number == 0) return {};
  if (name() == "MSH") {
    if (number == 1) return text_.substr(3, 1);
    --number;
  }
  return Part(text_, number + 1, separator_);
}

size_t Segment::field_count() const {
  const size_t count =
      static_cast<size_t>(std::count(text_.begin(), text_.end(), separator_));
  return name() == "MSH" ? count + 1 : count;
}

bool IsKnownVersion(absl::string_view version) {
  return std::find(kVersions.begin(), kVersions.end(), version) !=
         kVersions.end();
}

MessageHeader ReadHeader(absl::string_view text) {
  MessageHeader header;
  text = Start(text.substr(0, kMessageBytesMax));
  text = text.substr(0, text.find_first_of(kSegmentEnds));
  if (!absl::StartsWith(text, "MSH") || text.size() < 4) return header;
  const Segment msh(text, text[3]);
  Delimiters& d = header.delimiters;
  const absl::string_view encoding = msh.Field(2);
  d.field = text[3];
  if (encoding.size() > 0) d.component = encoding[0];
  if (encoding.size() > 1) d.repetition = encoding[1];
  if (encoding.size() > 2) d.escape = encoding[2];
  if (encoding.size() > 3) d.subcomponent = encoding[3];
  const auto first = [&](size_t number) {
    return Component(msh.Field(number), 1, d);
  };
  header.sending_application = first(3);
  header.sending_facility = first(4);
  header.time = first(7);
  header.code = first(9);
  header.trigger = Component(msh.Field(9), 2, d);
  header.control_id = msh.Field(10);
  header.processing_id = first(11);
  header.version = absl::StripAsciiWhitespace(first(12));
  return header;
}

absl::StatusOr<Message> Message::Parse(absl::string_view text) {
  if (text.size() > kMessageBytesMax) {
    return absl::InvalidArgumentError("the message is over 1 MiB");
  }
  text = Start(text);
  if (absl::StartsWith(text, "FHS") || absl::StartsWith(text, "BHS")) {
    return absl::UnimplementedError("a batch: send one message a frame");
  }
  if (!absl::StartsWith(text, "MSH")) {
    return absl::UnimplementedError("not HL7 v2: no MSH segment first");
  }
  if (text.find('\0') != absl::string_view::npos) {
    return absl::InvalidArgumentError("a NUL byte in the message");
  }
  if (text.size() < 8) return absl::InvalidArgumentError("MSH: too short");
  const char separator = text[3];

  Message message;
  while (!text.empty()) {
    const absl::string_view line = text.substr(0, text.find_first_of("\r\n"));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (absl::StripAsciiWhitespace(line).empty()) continue;
    const size_t number = message.segments_.size() + 1;
    if (number > kSegmentsMax) {
      return absl::InvalidArgumentError("too many segments");
    }
    if (!IsSegmentName(line, separator)) {
      return absl::InvalidArgumentError(
          absl::StrCat("segment ", number, ": does not begin with a name"));
    }
    const Segment segment(line, separator);
    if (number > 1 && segment.name() == "MSH") {
      return absl::InvalidArgumentError(
          absl::StrCat("segment ", number, ": a second MSH"));
    }
    if (segment.field_count() > kFieldsMax) {
      return absl::InvalidArgumentError(absl::StrCat(
          "segment ", number, " (", segment.name(), "): too many fields"));
    }
    message.segments_.push_back(segment);
  }
  const absl::Status delimiters = CheckDelimiters(message.segments_.front());
  if (!delimiters.ok()) return delimiters;
  message.header_ = ReadHeader(message.segments_.front().text());
  const absl::Status header = CheckHeader(message.header_);
  if (!header.ok()) return header;
  return message;
}

const Segment* Message::Find(absl::string_view name) const {
  for (const Segment& segment : segments_) {
    if (segment.name() == name) return &segment;
  }
  return nullptr;
}

std::vector<absl::string_view> Repetitions(absl::string_view field,
                                           const Delimiters& delimiters) {
  std::vector<absl::string_view> all;
  while (!field.empty()) {
    const size_t at = field.find(delimiters.repetition);
    all.push_back(field.substr(0, at));
    if (at == absl::string_view::npos) break;
    field.remove_prefix(at + 1);
  }
  return all;
}

absl::string_view Component(absl::string_view repetition, size_t number,
                            const Delimiters& delimiters) {
  return Part(repetition, number, delimiters.component);
}

std::string Text(absl::string_view field, size_t number,
                 const Delimiters& delimiters) {
  const absl::string_view component =
      Component(Part(field, 1, delimiters.repetition), number, delimiters);
  if (component == "\"\"") return "";
  return Unescape(Part(component, 1, delimiters.subcomponent), delimiters);
}

std::string Unescape(absl::string_view text, const Delimiters& delimiters) {
  std::string out;
  while (!text.empty()) {
    const size_t begin = text.find(delimiters.escape);
    absl::StrAppend(&out, text.substr(0, begin));
    if (begin == absl::string_view::npos) break;
    text.remove_prefix(begin + 1);
    const size_t end = text.find(delimiters.escape);
    if (end == absl::string_view::npos) {  // Never closed: not a sequence.
      out.push_back(delimiters.escape);
      continue;
    }
    if (Resolve(text.substr(0, end), delimiters, out)) {
      text.remove_prefix(end + 1);
    } else {
      out.push_back(delimiters.escape);
    }
  }
  return out;
}

}  // namespace concordat::hl7v2
