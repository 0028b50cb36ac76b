// Mapping, from its data.
#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "adapters/casefile/mapping.h"

namespace concordat::casefile {
namespace {

constexpr size_t kFileBytesMax = 32u << 20;
constexpr size_t kFileBytesLimit = 256u << 20;
constexpr size_t kFixedCharactersMax = 16 * 1024;
constexpr absl::string_view kUrn = "urn:concordat:";

absl::StatusOr<DateAndTime> ReadClock(absl::string_view text) {
  const auto form = Form::Parse("HH:MM");
  return form->Read(text, absl::CivilDay());
}

bool IsOneCharacter(const std::string& text) {
  return text.size() == 1 && text[0] != '\n' && text[0] != '\r' &&
         text[0] != '\0';
}

std::optional<bus::v1::Basis> ReadBasis(absl::string_view word) {
  static constexpr std::array<std::pair<absl::string_view, bus::v1::Basis>, 4>
      kWords = {{{"observed", bus::v1::BASIS_OBSERVED},
                 {"reported-by-partner", bus::v1::BASIS_REPORTED_BY_PARTNER},
                 {"opinion", bus::v1::BASIS_OPINION},
                 {"suspicion", bus::v1::BASIS_SUSPICION}}};
  for (const auto& [text, basis] : kWords) {
    if (word == text) return basis;
  }
  return std::nullopt;
}

}  // namespace

absl::StatusOr<absl::CivilDay> ReadIsoDay(absl::string_view text) {
  const auto form = Form::Parse("yyyy-mm-dd");
  const auto day = form->Read(text, absl::CivilDay());
  if (!day.ok()) return day.status();
  return day->day;
}

absl::Status Mapping::Bad(absl::string_view what) const {
  return absl::InvalidArgumentError(absl::StrCat(
      "mapping ", proto_.name(), " version ", proto_.version(), ": ", what));
}

size_t Mapping::Column(const std::string& name) {
  const auto [at, added] = column_places_.try_emplace(name, columns_.size());
  if (added) columns_.push_back(name);
  return at->second;
}

absl::StatusOr<std::shared_ptr<const Mapping>> Mapping::Build(
    const edge::v1::CaseFileMapping& proto,
    std::shared_ptr<const TypeRegistry> types, const absl::TimeZone& zone) {
  std::shared_ptr<Mapping> mapping(new Mapping());
  mapping->proto_ = proto;
  mapping->types_ = std::move(types);
  mapping->zone_ = zone;
  for (const auto step :
       {&Mapping::CompileFiles, &Mapping::CompileFormat, &Mapping::Compile}) {
    if (absl::Status status = (mapping.get()->*step)(); !status.ok()) {
      return status;
    }
  }
  return std::shared_ptr<const Mapping>(std::move(mapping));
}

absl::Status Mapping::CompileFiles() {
  if (proto_.name().empty() || proto_.version() == 0) {
    return Bad("it needs a name and a version");
  }
  const auto effective = ReadIsoDay(proto_.effective());
  if (!effective.ok()) return Bad("effective is not yyyy-mm-dd");
  effective_ = *effective;
  for (const edge::v1::FileNames& names : proto_.files()) {
    Names& compiled = files_.emplace_back();
    compiled.historic = names.historic();
    compiled.pattern = std::make_unique<RE2>(names.pattern(), RE2::Quiet);
    if (!compiled.pattern->ok() || names.pattern().empty()) {
      return Bad(absl::StrCat("files: not a pattern: ", names.pattern()));
    }
    const bool dated = compiled.pattern->NumberOfCapturingGroups() > 0;
    if (dated) {
      auto form = Form::Parse(names.date_form());
      if (!form.ok() || !form->has_date()) {
        return Bad("files: date_form is no form of a date");
      }
      compiled.date_form = *std::move(form);
    } else if (!proto_.feed().empty() && !names.historic()) {
      return Bad("files: what a feed is complete to needs a date in the name");
    }
  }
  if (files_.empty()) return Bad("files: none");
  if (proto_.whole_when() == edge::v1::WHOLE_WHEN_UNSPECIFIED) {
    return Bad("whole_when is missing");
  }
  if (proto_.whole_when() == edge::v1::WHOLE_WHEN_SETTLED &&
      proto_.settle_seconds() == 0) {
    return Bad("settle_seconds is missing");
  }
  if (proto_.feed().empty()) return absl::OkStatus();
  const auto complete = ReadClock(proto_.complete_at());
  if (!complete.ok()) return Bad("complete_at is not HH:MM");
  complete_at_ = *complete;
  return absl::OkStatus();
}

absl::Status Mapping::CompileFormat() {
  if (proto_.encoding() == edge::v1::TEXT_ENCODING_UNSPECIFIED) {
    return Bad("encoding is missing");
  }
  if (proto_.has_delimited()) {
    const edge::v1::Delimited& format = proto_.delimited();
    if (!IsOneCharacter(format.separator()) ||
        (!format.quote().empty() && !IsOneCharacter(format.quote())) ||
        format.quote() == format.separator()) {
      return Bad("delimited: separator and quote are one character each");
    }
  } else if (proto_.has_fixed_width()) {
    for (const edge::v1::FixedColumn& column : proto_.fixed_width().columns()) {
      if (column.from() == 0 || column.width() == 0 ||
          column.from() > kFixedCharactersMax ||
          column.width() > kFixedCharactersMax) {
        return Bad(absl::StrCat("fixed_width: ", column.name(),
                                " has no place in a line"));
      }
    }
  } else if (!proto_.has_xml() || proto_.xml().row().empty()) {
    return Bad("a format is missing");
  }
  if (proto_.has_trailer() &&
      (proto_.trailer().mark().empty() ||
       (proto_.trailer().count_at() == 0) != proto_.has_xml())) {
    return Bad("trailer: mark and the place of the count");
  }
  file_bytes_max_ = proto_.file_bytes_max() == 0
                        ? kFileBytesMax
                        : static_cast<size_t>(proto_.file_bytes_max());
  if (file_bytes_max_ > kFileBytesLimit) return Bad("file_bytes_max");
  if (proto_.rows_max() > 0) limits_.rows_max = proto_.rows_max();
  return absl::OkStatus();
}

absl::StatusOr<Mapping::Moment> Mapping::CompileMoment(
    const edge::v1::MomentColumn& proto) {
  auto form = Form::Parse(proto.form());
  if (!form.ok() || !form->has_date() || proto.column().empty()) {
    return Bad(absl::StrCat("no form of a date: ", proto.form()));
  }
  Moment moment{Column(proto.column()), *std::move(form), {}, {}, {}};
  if (!proto.time_column().empty()) {
    auto time_form = Form::Parse(proto.time_form());
    if (!time_form.ok() || time_form->has_date() || moment.form.has_time()) {
      return Bad(absl::StrCat("no form of a time: ", proto.time_form()));
    }
    moment.time_column = Column(proto.time_column());
    moment.time_form = *std::move(time_form);
  } else if (!moment.form.has_time()) {
    const auto clock = ReadClock(proto.day_time());
    if (!clock.ok()) return Bad("a day without a time needs day_time");
    moment.day_time = *clock;
  }
  return moment;
}

absl::Status Mapping::CompileField(const edge::v1::FieldFrom& proto,
                                   Rule& rule) {
  FieldRule field;
  field.proto = proto;
  if (proto.column().empty() == proto.constant().empty()) {
    return Bad(absl::StrCat("field ", proto.field(),
                            ": either a column or a constant"));
  }
  if (!proto.column().empty()) field.column = Column(proto.column());
  if (!proto.date_form().empty()) {
    auto form = Form::Parse(proto.date_form());
    if (!form.ok() || !form->has_date()) {
      return Bad(absl::StrCat("field ", proto.field(), ": date_form"));
    }
    field.date_form = *std::move(form);
  }
  if (!proto.codes().empty()) {
    for (const edge::v1::CodeMap& map : proto_.codes()) {
      if (map.name() == proto.codes()) field.codes = &map;
    }
    if (field.codes == nullptr) {
      return Bad(absl::StrCat("field ", proto.field(), ": no code map ",
                              proto.codes()));
    }
  }
  field.several = !proto.split().empty();
  rule.fields.push_back(std::move(field));
  return absl::OkStatus();
}

absl::Status Mapping::CompileRule(const edge::v1::RowRule& proto) {
  Rule& rule = rules_.emplace_back();
  rule.proto = proto;
  for (const edge::v1::ColumnValues& when : proto.when()) {
    rule.when.push_back(
        {Column(when.column()), {when.values().begin(), when.values().end()}});
  }
  if (proto.skip()) return absl::OkStatus();
  if (types_->Find(proto.type()) == nullptr) {
    return Bad(absl::StrCat("rows: no event type ", proto.type()));
  }
  auto time = CompileMoment(proto.time());
  if (!time.ok()) return time.status();
  rule.time = *std::move(time);
  const auto basis = ReadBasis(proto.basis());
  if (!basis.has_value()) return Bad("rows: basis");
  rule.basis = *basis;
  if (proto.stream().empty()) return Bad("rows: stream is missing");
  if (!proto.stream_column().empty()) {
    if (proto.stream_column() == proto_.person().column()) {
      return Bad("rows: a stream names a record, never a person");
    }
    rule.stream_column = Column(proto.stream_column());
  }
  std::set<std::string> fields;
  for (const edge::v1::FieldFrom& field : proto.fields()) {
    if (absl::Status status = CompileField(field, rule); !status.ok()) {
      return status;
    }
    if (!fields.insert(field.field()).second) {
      return Bad(absl::StrCat("field ", field.field(), " is there twice"));
    }
  }
  // A null is taken of every field that there is.
  const std::string nulls =
      absl::StrCat("{",
                   absl::StrJoin(fields, ",",
                                 [](std::string* out, const auto& name) {
                                   absl::StrAppend(out, "\"", name, "\":null");
                                 }),
                   "}");
  if (!types_->FromJson(proto.type(), nulls).ok()) {
    return Bad(
        absl::StrCat("rows: ", proto.type(), " has not all of the fields"));
  }
  return absl::OkStatus();
}

absl::Status Mapping::Compile() {
  if (proto_.key().empty()) return Bad("key: no columns");
  for (const std::string& column : proto_.key()) key_.push_back(Column(column));
  const edge::v1::PersonColumn& person = proto_.person();
  const bool chi = person.scheme() == "chi";
  if (person.column().empty() ||
      (!chi && person.scheme() != "council" && person.scheme() != "local") ||
      chi == absl::StartsWith(person.system(), kUrn)) {
    return Bad("person: column, scheme and the system of the number");
  }
  person_ = Column(person.column());
  if (proto_.has_amended()) {
    auto amended = CompileMoment(proto_.amended());
    if (!amended.ok()) return amended.status();
    amended_ = *std::move(amended);
  }
  for (const edge::v1::CodeMap& map : proto_.codes()) {
    for (const edge::v1::CodeMeaning& code : map.codes()) {
      if ((!code.valid_from().empty() && !ReadIsoDay(code.valid_from()).ok()) ||
          (!code.valid_to().empty() && !ReadIsoDay(code.valid_to()).ok())) {
        return Bad(
            absl::StrCat("codes ", map.name(), ": a date of ", code.from()));
      }
    }
  }
  for (const edge::v1::RowRule& rule : proto_.rows()) {
    if (absl::Status status = CompileRule(rule); !status.ok()) return status;
  }
  if (rules_.empty()) return Bad("rows: none");
  if (proto_.content() == edge::v1::CONTENT_UNSPECIFIED) {
    return Bad("content is missing");
  }
  if (everything() == (proto_.vanished() == edge::v1::VANISHED_UNSPECIFIED)) {
    return Bad("vanished: of files of everything, and of those alone");
  }
  if (columns_.size() > kColumnsMax) return Bad("too many columns");
  return absl::OkStatus();
}

}  // namespace concordat::casefile
