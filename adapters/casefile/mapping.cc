#include "adapters/casefile/mapping.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "adapters/casefile/delimited.h"
#include "adapters/casefile/fixed_width.h"
#include "adapters/casefile/text_encoding.h"
#include "adapters/casefile/xml_rows.h"

namespace concordat::casefile {
namespace {

constexpr size_t kMarkBytes = 16;
constexpr size_t kCaseNumberBytesMax = 20;
constexpr size_t kStreamMarkBytes = 8;

std::string Mark(const HmacSha256& marks, absl::string_view text) {
  const Sha256Hash hash = marks.Of(text);
  return std::string(hash.begin(), hash.begin() + kMarkBytes);
}

// Lengths first, so that no two lists of texts make one.
void AppendText(absl::string_view text, std::string& out) {
  absl::StrAppend(&out, text.size(), ",", text, ";");
}

std::string JsonText(absl::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (byte < 0x20) {
      absl::StrAppend(&out, "\\u00", absl::Hex(byte, absl::kZeroPad2));
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
  return out;
}

absl::Status Because(absl::string_view column, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(column, ": ", what));
}

bool Holds(const std::string& list_from, const std::string& list_to,
           absl::CivilDay day) {
  return (list_from.empty() || *ReadIsoDay(list_from) <= day) &&
         (list_to.empty() || *ReadIsoDay(list_to) >= day);
}

std::string ContentOf(const edge::v1::WaitingRow& row) {
  std::string text;
  for (const absl::string_view part :
       {absl::string_view(row.type()), absl::string_view(row.data()),
        absl::string_view(row.stream()), absl::string_view(row.scheme()),
        absl::string_view(row.person()), absl::string_view(row.system())}) {
    AppendText(part, text);
  }
  absl::StrAppend(&text, row.time(), ";", row.precision(), ";", row.basis());
  return text;
}

}  // namespace

std::optional<FileName> Mapping::Match(absl::string_view file) const {
  const re2::StringPiece name(file.data(), file.size());
  for (const Names& names : files_) {
    std::string date;
    const bool dated = names.date_form.has_value();
    if (dated ? !RE2::FullMatch(name, *names.pattern, &date)
              : !RE2::FullMatch(name, *names.pattern)) {
      continue;
    }
    FileName match{std::string(file), std::nullopt, names.historic};
    if (dated) {
      const auto day = names.date_form->Read(date, absl::CivilDay(2000, 1, 1));
      if (!day.ok()) continue;
      match.day = day->day;
    }
    return match;
  }
  return std::nullopt;
}

absl::StatusOr<Table> Mapping::ReadFormat(absl::string_view text) const {
  const edge::v1::Trailer* const trailer =
      proto_.has_trailer() ? &proto_.trailer() : nullptr;
  if (proto_.has_delimited()) {
    return ReadDelimited(text, proto_.delimited(), trailer, columns_, limits_);
  }
  if (proto_.has_fixed_width()) {
    return ReadFixedWidth(text, proto_.fixed_width(), trailer, columns_,
                          limits_);
  }
  return ReadXml(text, proto_.xml(), trailer, proto_.encoding(), columns_,
                 limits_);
}

absl::StatusOr<Table> Mapping::Read(absl::string_view bytes) const {
  if (bytes.size() > file_bytes_max_) {
    return absl::InvalidArgumentError(
        absl::StrCat("over ", file_bytes_max_, " bytes"));
  }
  const auto text = ToUtf8(bytes, proto_.encoding());
  if (!text.ok()) return text.status();
  auto table = ReadFormat(*text);
  if (!table.ok() || !proto_.has_trailer()) return table;
  if (!table->trailer_count.has_value()) {
    return absl::InvalidArgumentError(
        "there is no trailer: the file may not be whole");
  }
  if (*table->trailer_count != table->rows.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the trailer says ", *table->trailer_count,
                     " rows, there are ", table->rows.size()));
  }
  return table;
}

std::optional<absl::Time> Mapping::CompleteTo(const FileName& file) const {
  if (file.historic || !file.day.has_value() || !complete_at_.has_value()) {
    return std::nullopt;
  }
  DateAndTime local = *complete_at_;
  local.day = *file.day;
  const auto moment = ToMoment(local, zone_);
  if (!moment.ok()) return std::nullopt;
  return *moment;
}

edge::v1::WaitingRow Mapping::MapRow(const TableRow& row,
                                     const std::string& file,
                                     absl::CivilDay file_day,
                                     const HmacSha256& marks) const {
  edge::v1::WaitingRow out;
  out.set_mapping(name());
  out.set_file(file);
  out.set_line(row.line);
  out.set_file_day(static_cast<int32_t>(file_day - absl::CivilDay()));
  absl::Status mapped = absl::OkStatus();
  if (!row.fault.empty()) {
    mapped = absl::InvalidArgumentError(row.fault);
  } else {
    for (size_t i = 0; i < columns_.size(); ++i) {
      edge::v1::ColumnText& column = *out.add_columns();
      column.set_column(columns_[i]);
      column.set_text(row.fields[i]);
    }
    mapped = Map(row, file_day, marks, out);
  }
  if (!mapped.ok()) {
    out.set_kind(edge::v1::ROW_KIND_REJECT);
    out.set_reason(std::string(mapped.message().substr(0, kReasonBytesMax)));
    // The same bad row in the next file is the same reject.
    std::string text = "reject;";
    AppendText(name(), text);
    AppendText(out.columns().empty() ? absl::StrCat(file, ";", row.line) : "",
               text);
    for (const edge::v1::ColumnText& column : out.columns()) {
      AppendText(column.text(), text);
    }
    out.set_content(Mark(marks, text));
  } else if (out.kind() == edge::v1::ROW_KIND_FACT) {
    out.set_content(Mark(marks, "content;" + ContentOf(out)));
    out.set_keep_data(proto_.vanished() == edge::v1::VANISHED_ASK ||
                      proto_.vanished() == edge::v1::VANISHED_RETRACT);
    out.clear_columns();
  }
  return out;
}

absl::Status Mapping::Map(const TableRow& row, absl::CivilDay file_day,
                          const HmacSha256& marks,
                          edge::v1::WaitingRow& out) const {
  std::string key = "key;";
  AppendText(name(), key);
  bool any = false;
  for (const size_t column : key_) {
    const absl::string_view text =
        absl::StripAsciiWhitespace(row.fields[column]);
    any = any || !text.empty();
    AppendText(text, key);
  }
  if (any) out.set_key(Mark(marks, key));
  if (absl::Status person = MapPerson(row, out); !person.ok()) return person;
  if (!any)
    return absl::InvalidArgumentError("the columns of its key are empty");
  const Rule* const rule = FindRule(row);
  if (rule == nullptr) {
    return absl::InvalidArgumentError("no rule of the mapping takes this row");
  }
  if (rule->proto.skip()) return absl::OkStatus();
  if (amended_.has_value()) {
    const auto amended = ReadMoment(*amended_, row, file_day);
    if (!amended.ok()) return amended.status();
    const int64_t micros = absl::ToUnixMicros(amended->first);
    if (micros <= 0) {
      return absl::InvalidArgumentError("it was amended before 1970");
    }
    out.set_amended(static_cast<uint64_t>(micros));
  }
  if (absl::Status fact = MapFact(*rule, row, file_day, out); !fact.ok()) {
    return fact;
  }
  std::string record;
  if (rule->stream_column.has_value()) {
    record = std::string(
        absl::StripAsciiWhitespace(row.fields[*rule->stream_column]));
    if (record.empty()) return Because(rule->proto.stream_column(), "is empty");
  } else {
    record = absl::BytesToHexString(out.key().substr(0, kStreamMarkBytes));
  }
  out.set_stream(absl::StrCat(rule->proto.stream(), "/", record));
  out.set_kind(edge::v1::ROW_KIND_FACT);
  return absl::OkStatus();
}

absl::Status Mapping::MapPerson(const TableRow& row,
                                edge::v1::WaitingRow& out) const {
  const edge::v1::PersonColumn& person = proto_.person();
  std::string value(absl::StripAsciiWhitespace(row.fields[person_]));
  if (person.scheme() == "chi") {
    value.erase(std::remove(value.begin(), value.end(), ' '), value.end());
  }
  if (value.empty()) return Because(person.column(), "is empty");
  if (value.size() > kCaseNumberBytesMax ||
      !std::all_of(value.begin(), value.end(), [](char c) {
        return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-';
      })) {
    return Because(person.column(), "is not a number of a case");
  }
  out.set_scheme(person.scheme());
  out.set_person(std::move(value));
  out.set_system(person.system());
  return absl::OkStatus();
}

const Mapping::Rule* Mapping::FindRule(const TableRow& row) const {
  for (const Rule& rule : rules_) {
    const bool holds = std::all_of(
        rule.when.begin(), rule.when.end(), [&](const Condition& when) {
          const absl::string_view text =
              absl::StripAsciiWhitespace(row.fields[when.column]);
          if (when.values.empty()) return !text.empty();
          return std::find(when.values.begin(), when.values.end(), text) !=
                 when.values.end();
        });
    if (holds) return &rule;
  }
  return nullptr;
}

absl::StatusOr<std::pair<absl::Time, bus::v1::TimePrecision>>
Mapping::ReadMoment(const Moment& moment, const TableRow& row,
                    absl::CivilDay file_day) const {
  auto local = moment.form.Read(row.fields[moment.column], file_day);
  if (!local.ok()) return local.status();
  bool second = moment.form.has_second();
  if (moment.time_column.has_value()) {
    const auto time =
        moment.time_form->Read(row.fields[*moment.time_column], file_day);
    if (!time.ok()) return time.status();
    local->hour = time->hour;
    local->minute = time->minute;
    local->second = time->second;
    second = moment.time_form->has_second();
  } else if (moment.day_time.has_value()) {
    local->hour = moment.day_time->hour;
    local->minute = moment.day_time->minute;
  }
  const auto at = ToMoment(*local, zone_);
  if (!at.ok()) return at.status();
  const bus::v1::TimePrecision precision =
      moment.day_time.has_value() ? bus::v1::TIME_PRECISION_DAY
      : second                    ? bus::v1::TIME_PRECISION_SECOND
                                  : bus::v1::TIME_PRECISION_MINUTE;
  return std::pair(*at, precision);
}

absl::StatusOr<std::vector<std::string>> Mapping::FieldValues(
    const FieldRule& field, const TableRow& row, absl::CivilDay file_day,
    absl::CivilDay fact_day) const {
  if (!field.column.has_value()) {
    return std::vector<std::string>{field.proto.constant()};
  }
  const absl::string_view text =
      absl::StripAsciiWhitespace(row.fields[*field.column]);
  std::vector<std::string> values;
  if (field.several) {
    for (const absl::string_view part :
         absl::StrSplit(text, field.proto.split(), absl::SkipWhitespace())) {
      values.emplace_back(absl::StripAsciiWhitespace(part));
    }
  } else if (!text.empty()) {
    values.emplace_back(text);
  }
  if (values.empty() && field.proto.required()) {
    return Because(field.proto.column(), "is empty");
  }
  for (std::string& value : values) {
    if (field.date_form.has_value()) {
      const auto day = field.date_form->Read(value, file_day);
      if (!day.ok()) return day.status();
      value = absl::FormatCivilTime(day->day);
    } else if (field.proto.has_number()) {
      const auto number = ReadNumber(value, field.proto.number());
      if (!number.ok()) return number.status();
      value = absl::StrCat(*number);
    } else if (field.codes != nullptr) {
      const auto code = std::find_if(
          field.codes->codes().begin(), field.codes->codes().end(),
          [&](const edge::v1::CodeMeaning& each) {
            return each.from() == value &&
                   Holds(each.valid_from(), each.valid_to(), fact_day);
          });
      if (code == field.codes->codes().end()) {
        return Because(field.proto.column(),
                       absl::StrCat(Shown(value), " is not in the codes ",
                                    field.codes->name()));
      }
      value = code->to();
    }
  }
  return values;
}

absl::StatusOr<std::string> Mapping::ToJson(const Rule& rule,
                                            const TableRow& row,
                                            absl::CivilDay file_day,
                                            absl::CivilDay fact_day) const {
  std::vector<std::string> members;
  for (const FieldRule& field : rule.fields) {
    const auto values = FieldValues(field, row, file_day, fact_day);
    if (!values.ok()) return values.status();
    if (values->empty()) continue;
    std::vector<std::string> texts;
    for (const std::string& value : *values) texts.push_back(JsonText(value));
    members.push_back(absl::StrCat(
        JsonText(field.proto.field()), ":",
        field.several ? absl::StrCat("[", absl::StrJoin(texts, ","), "]")
                      : texts.front()));
  }
  return absl::StrCat("{", absl::StrJoin(members, ","), "}");
}

absl::Status Mapping::CheckMessage(const std::string& type,
                                   absl::string_view data) const {
  const EventType& event = *types_->Find(type);
  const auto groups = event.Split(data);
  if (!groups.ok()) return groups.status();
  std::vector<BasicGroup<absl::string_view>> views;
  for (const BasicGroup<std::string>& group : *groups) {
    views.push_back({group.number, group.data});
  }
  return event.Check(views, nullptr);
}

absl::Status Mapping::MapFact(const Rule& rule, const TableRow& row,
                              absl::CivilDay file_day,
                              edge::v1::WaitingRow& out) const {
  const auto moment = ReadMoment(*rule.time, row, file_day);
  if (!moment.ok()) return moment.status();
  const int64_t micros = absl::ToUnixMicros(moment->first);
  if (micros <= 0) {
    return absl::InvalidArgumentError("it happened before 1970");
  }
  const absl::CivilDay fact_day(absl::ToCivilDay(moment->first, zone_));
  const auto json = ToJson(rule, row, file_day, fact_day);
  if (!json.ok()) return json.status();
  const auto data = types_->FromJson(rule.proto.type(), *json);
  if (!data.ok()) return data.status();
  if (absl::Status good = CheckMessage(rule.proto.type(), *data); !good.ok()) {
    return good;
  }
  out.set_type(rule.proto.type());
  out.set_data(*data);
  out.set_time(static_cast<uint64_t>(micros));
  out.set_precision(static_cast<uint32_t>(moment->second));
  out.set_basis(static_cast<uint32_t>(rule.basis));
  return absl::OkStatus();
}

}  // namespace concordat::casefile
