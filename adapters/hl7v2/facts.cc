#include "adapters/hl7v2/facts.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace concordat::hl7v2 {
namespace {

struct KindRow {
  absl::string_view code;
  absl::string_view trigger;
  Kind kind;
  absl::string_view words;
};

constexpr std::array<KindRow, 15> kKinds = {{
    {"ADT", "A01", Kind::kAdmitted, "admitted to hospital"},
    {"ADT", "A02", Kind::kTransferred, "moved to another ward"},
    {"ADT", "A03", Kind::kDischarged, "discharged from hospital"},
    {"ADT", "A04", Kind::kRegistered, "registered at a clinic or department"},
    {"ADT", "A08", Kind::kUpdated, "details changed"},
    {"ADT", "A11", Kind::kAdmissionCancelled, "admission cancelled"},
    {"ADT", "A12", Kind::kTransferCancelled, "move cancelled"},
    {"ADT", "A13", Kind::kDischargeCancelled, "discharge cancelled"},
    {"ADT", "A21", Kind::kLeaveStarted, "leave started, for you to decide"},
    {"ADT", "A22", Kind::kLeaveEnded, "back from leave, for you to decide"},
    {"ADT", "A31", Kind::kPersonUpdated, "details changed"},
    {"ADT", "A40", Kind::kMerged, "two records joined into one"},
    {"SIU", "S12", Kind::kBooked, "appointment booked"},
    {"SIU", "S15", Kind::kAppointmentCancelled, "appointment cancelled"},
    {"SIU", "S26", Kind::kNoShow, "appointment not kept"},
}};

struct InventoryField {
  size_t number;
  absl::string_view name;
};

struct InventoryRow {
  absl::string_view segment;
  std::vector<InventoryField> fields;  // Ascending.
};

const std::vector<InventoryRow>& Inventory() {
  static const auto& rows = *new std::vector<InventoryRow>{
      {"MSH",
       {{3, "sending system"},
        {4, "sending site"},
        {5, "receiving system"},
        {6, "receiving site"},
        {7, "time of the message"},
        {8, "security"},
        {9, "type"},
        {10, "number of the message"},
        {11, "processing id"},
        {12, "version"}}},
      {"EVN", {{1, "event"}, {2, "recorded"}}},
      {"PID",
       {{3, "numbers"},
        {5, "name"},
        {7, "born"},
        {8, "sex"},
        {11, "address"},
        {30, "died"}}},
      {"PV1",
       {{2, "class"},
        {3, "place"},
        {10, "service"},
        {44, "admitted"},
        {45, "discharged"}}},
      {"SCH",
       {{1, "appointment"}, {6, "reason"}, {11, "when"}, {25, "status"}}},
      {"AIS", {{3, "service"}}},
      {"MRG", {{1, "number given up"}}}};
  return rows;
}

const InventoryRow* InventoryOf(absl::string_view segment) {
  for (const InventoryRow& row : Inventory()) {
    if (row.segment == segment) return &row;
  }
  return nullptr;
}

void AppendInventory(const Segment& segment, char separator,
                     std::string& kept) {
  const InventoryRow* row = InventoryOf(segment.name());
  if (row == nullptr) return;
  absl::StrAppend(&kept, segment.name());
  size_t written = 0;
  if (segment.name() == "MSH") {
    kept.push_back(separator);
    absl::StrAppend(&kept, segment.Field(2));
    written = 2;
  }
  for (const InventoryField& field : row->fields) {
    const absl::string_view value = segment.Field(field.number);
    if (value.empty()) continue;
    kept.append(field.number - written, separator);
    absl::StrAppend(&kept, value);
    written = field.number;
  }
  kept.push_back('\r');
}

// An address as people write it.
std::string AddressLine(absl::string_view field, const Delimiters& d) {
  constexpr size_t kPostcode = 5;
  std::string line;
  for (size_t part = 1; part <= kPostcode; ++part) {
    const std::string text = Text(field, part, d);
    if (text.empty()) continue;
    absl::StrAppend(&line, line.empty() ? "" : ", ", text);
  }
  return line;
}

// A type as it may be shown: letters and digits, else a question mark.
std::string PlainCode(absl::string_view text) {
  const bool plain = !text.empty() && text.size() <= 3 &&
                     std::all_of(text.begin(), text.end(), absl::ascii_isalnum);
  return plain ? std::string(text) : "?";
}

void AppendIds(absl::string_view field, const Delimiters& d,
               std::vector<PatientId>& ids) {
  for (const absl::string_view repetition : Repetitions(field, d)) {
    PatientId id{Text(repetition, 1, d), Text(repetition, 4, d),
                 Text(repetition, 5, d)};
    if (!id.value.empty()) ids.push_back(std::move(id));
  }
}

const KindRow* RowOf(Kind kind) {
  for (const KindRow& row : kKinds) {
    if (row.kind == kind) return &row;
  }
  return nullptr;
}

// Reads `count` digits off the front. False: they are not there.
bool TakeNumber(absl::string_view& text, size_t count, int& number) {
  if (text.size() < count ||
      !std::all_of(text.begin(), text.begin() + count, absl::ascii_isdigit)) {
    return false;
  }
  const bool taken = absl::SimpleAtoi(text.substr(0, count), &number);
  text.remove_prefix(count);
  return taken;
}

}  // namespace

Kind KindOf(const MessageHeader& header) {
  for (const KindRow& row : kKinds) {
    if (row.code == header.code && row.trigger == header.trigger) {
      return row.kind;
    }
  }
  return Kind::kOther;
}

std::string PlainType(const MessageHeader& header) {
  return absl::StrCat(PlainCode(header.code), "^", PlainCode(header.trigger));
}

absl::string_view Words(Kind kind) {
  const KindRow* row = RowOf(kind);
  return row == nullptr ? "a message this edge has no use for" : row->words;
}

absl::Status CheckComplete(const Message& message, absl::string_view text) {
  const Kind kind = KindOf(message.header());
  if (kind == Kind::kOther) return absl::OkStatus();
  const auto missing = [&](absl::string_view segment) {
    return absl::InvalidArgumentError(
        absl::StrCat(RowOf(kind)->code, "^", RowOf(kind)->trigger, ": no ",
                     segment, " segment"));
  };
  const Segment* pid = message.Find("PID");
  if (message.header().code == "ADT" && pid == nullptr) return missing("PID");
  if (message.header().code == "SIU" && message.Find("SCH") == nullptr) {
    return missing("SCH");
  }
  if (kind == Kind::kMerged && message.Find("MRG") == nullptr) {
    return missing("MRG");
  }
  // Many senders leave out the last segment's end, so its lack alone says
  // little; a patient without what follows the name was cut off.
  constexpr size_t kBirthDate = 7;
  const bool ended = text.back() == '\r' || text.back() == '\n';
  const Segment& last = message.segments().back();
  if (!ended && last.name() == "PID" && last.field_count() < kBirthDate) {
    return absl::InvalidArgumentError(
        absl::StrCat("cut off in PID-", last.field_count()));
  }
  return absl::OkStatus();
}

Facts ReadFacts(const Message& message, const absl::TimeZone& zone) {
  const Delimiters& d = message.delimiters();
  const MessageHeader& header = message.header();
  Facts facts;
  facts.kind = KindOf(header);
  facts.type = PlainType(header);
  facts.time = ParseTime(header.time, zone);
  for (const Segment& segment : message.segments()) {
    if (segment.name() == "PID") {
      AppendIds(segment.Field(3), d, facts.patient_ids);
      if (facts.address.empty()) {
        facts.address = AddressLine(segment.Field(11), d);
      }
    } else if (segment.name() == "MRG") {
      AppendIds(segment.Field(1), d, facts.merged_ids);
    } else if (segment.name() == "SCH") {
      facts.appointment = Text(segment.Field(1), 1, d);
    } else if (segment.name() == "AIS") {
      facts.services.push_back(Text(segment.Field(3), 1, d));
    }
  }
  return facts;
}

std::string KeepInventory(const Message& message) {
  std::string kept;
  for (const Segment& segment : message.segments()) {
    AppendInventory(segment, message.delimiters().field, kept);
  }
  return kept;
}

std::string KeepHeader(const Message& message) {
  std::string kept;
  AppendInventory(message.segments().front(), message.delimiters().field, kept);
  return kept;
}

std::vector<NamedField> ListInventory(const Message& message) {
  std::vector<NamedField> fields;
  for (const Segment& segment : message.segments()) {
    const InventoryRow* row = InventoryOf(segment.name());
    if (row == nullptr) continue;
    for (const InventoryField& field : row->fields) {
      const absl::string_view value = segment.Field(field.number);
      if (value.empty()) continue;
      fields.push_back(
          {absl::StrCat(segment.name(), "-", field.number, " ", field.name),
           std::string(value)});
    }
  }
  return fields;
}

std::vector<InventoryEntry> InventoryEntries() {
  std::vector<InventoryEntry> entries;
  for (const InventoryRow& row : Inventory()) {
    for (const InventoryField& field : row.fields) {
      entries.push_back(
          {std::string(row.segment), field.number, std::string(field.name)});
    }
  }
  return entries;
}

std::optional<MessageTime> ParseTime(absl::string_view text,
                                     const absl::TimeZone& zone) {
  const size_t sign = text.find_first_of("+-");
  absl::string_view offset =
      sign == absl::string_view::npos ? "" : text.substr(sign);
  text = text.substr(0, sign);
  int year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0;
  if (!TakeNumber(text, 4, year)) return std::nullopt;
  MessageTime time;
  const auto part = [&text](int& number) {
    return text.empty() || TakeNumber(text, 2, number);
  };
  if (!part(month) || !part(day)) return std::nullopt;
  time.has_time_of_day = !text.empty();
  if (!part(hour) || !part(minute)) return std::nullopt;
  time.to_the_second = !text.empty();
  if (!part(second)) return std::nullopt;
  if (!text.empty()) {  // A fraction, which nothing here needs.
    if (text.front() != '.' || text.size() > 5 ||
        !std::all_of(text.begin() + 1, text.end(), absl::ascii_isdigit)) {
      return std::nullopt;
    }
  }
  const absl::CivilSecond civil(year, month, day, hour, minute, second);
  if (civil.month() != month || civil.day() != day || civil.hour() != hour ||
      civil.minute() != minute || civil.second() != second) {
    return std::nullopt;  // Such as 31 November.
  }
  if (offset.empty()) {
    time.at = absl::FromCivil(civil, zone);
    return time;
  }
  const bool west = offset.front() == '-';
  offset.remove_prefix(1);
  int hours = 0, minutes = 0;
  if (!TakeNumber(offset, 2, hours) || !TakeNumber(offset, 2, minutes) ||
      !offset.empty() || hours > 14 || minutes > 59) {
    return std::nullopt;
  }
  const absl::Duration east = absl::Hours(hours) + absl::Minutes(minutes);
  time.at = absl::FromCivil(civil, absl::UTCTimeZone()) + (west ? east : -east);
  return time;
}

}  // namespace concordat::hl7v2
