#include "services/common/event/cloudevents.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "boost/json.hpp"

namespace concordat {
namespace {

namespace json = boost::json;

constexpr absl::string_view kListSeparator = "; ";
constexpr absl::string_view kSubjectRefPrefix = "ref:";
constexpr size_t kAttributeNameMax = 20;  // CloudEvents 1.0, 3.1.1.

absl::Status Bad(absl::string_view attribute, absl::string_view rule) {
  return absl::InvalidArgumentError(absl::StrCat(attribute, ": ", rule));
}

struct TextAttribute {
  absl::string_view name;
  std::string Header::*field;
};
// Those that must be there, then those that may be.
constexpr TextAttribute kIdentity[] = {
    {"id", &Header::id},
    {"source", &Header::source},
    {"type", &Header::type},
};
constexpr TextAttribute kTexts[] = {
    {"controller", &Header::controller},
    {"purpose", &Header::purpose},
    {"gateway", &Header::gateway},
    {"stream", &Header::stream},
    {"subjectrole", &Header::subject_role},
    {"onbehalfof", &Header::on_behalf_of},
    {"correlation", &Header::correlation},
    {"causation", &Header::causation},
    {"corrects", &Header::corrects},
    {"retracts", &Header::retracts},
    {"traceparent", &Header::traceparent},
};

struct TimeAttribute {
  absl::string_view name;
  uint64_t Header::*field;
};
constexpr TimeAttribute kTimes[] = {
    {"time", &Header::time_us},
    {"recordedtime", &Header::recorded_us},
    {"effectivetime", &Header::effective_us},
};

template <typename Enum>
struct Word {
  Enum value;
  absl::string_view word;
};
constexpr Word<bus::v1::TimePrecision> kPrecisions[] = {
    {bus::v1::TIME_PRECISION_SECOND, "second"},
    {bus::v1::TIME_PRECISION_MINUTE, "minute"},
    {bus::v1::TIME_PRECISION_DAY, "day"},
    {bus::v1::TIME_PRECISION_ABOUT, "about"},
};
constexpr Word<bus::v1::Regime> kRegimes[] = {
    {bus::v1::REGIME_PART3, "part3"},
    {bus::v1::REGIME_GDPR, "gdpr"},
};
constexpr Word<bus::v1::Basis> kBases[] = {
    {bus::v1::BASIS_OBSERVED, "observed"},
    {bus::v1::BASIS_REPORTED_BY_PARTNER, "reported-by-partner"},
    {bus::v1::BASIS_OPINION, "opinion"},
    {bus::v1::BASIS_SUSPICION, "suspicion"},
};
constexpr Word<bus::v1::Classification> kClassifications[] = {
    {bus::v1::CLASSIFICATION_OFFICIAL, "OFFICIAL"},
    {bus::v1::CLASSIFICATION_OFFICIAL_SENSITIVE, "OFFICIAL-SENSITIVE"},
};
constexpr Word<bus::v1::Environment> kEnvironments[] = {
    {bus::v1::ENVIRONMENT_LIVE, "live"},
    {bus::v1::ENVIRONMENT_SHADOW, "shadow"},
    {bus::v1::ENVIRONMENT_TRAINING, "training"},
    {bus::v1::ENVIRONMENT_DEMO, "demo"},
};

// CheckHeader() keeps times within what this can write.
std::string TimeText(uint64_t us) {
  return absl::FormatTime("%Y-%m-%d%ET%H:%M:%E*SZ",
                          absl::FromUnixMicros(static_cast<int64_t>(us)),
                          absl::UTCTimeZone());
}

bool IsTimeShaped(absl::string_view text) {
  constexpr absl::string_view kShape = "dddd-dd-ddTdd:dd:dd";
  // The library's parser forgives spaces around.
  if (text.size() <= kShape.size() || !absl::ascii_isalnum(text.back())) {
    return false;
  }
  for (size_t i = 0; i < kShape.size(); ++i) {
    const bool ok = kShape[i] == 'd'
                        ? absl::ascii_isdigit(text[i])
                        : absl::ascii_toupper(text[i]) == kShape[i];
    if (!ok) return false;
  }
  return true;
}

absl::Status ReadTime(absl::string_view name, absl::string_view text,
                      uint64_t& us) {
  absl::Time time;
  std::string error;
  if (!IsTimeShaped(text) ||
      !absl::ParseTime(absl::RFC3339_full, text, &time, &error)) {
    return Bad(name, "not a time by RFC 3339");
  }
  if (time <= absl::UnixEpoch()) return Bad(name, "not after 1970");
  us = static_cast<uint64_t>(absl::ToUnixMicros(time));
  if (us == 0) return Bad(name, "not after 1970");
  return absl::OkStatus();
}

// The attributes of one event, each taken once; what is left at the end is
// unknown.
class Attributes {
 public:
  explicit Attributes(const json::object& object) : object_(object) {}

  // What attribute `name` holds; null when it is absent or null, which in
  // CloudEvents' JSON is the same.
  const json::value* Take(absl::string_view name) {
    taken_.push_back(name);
    const json::value* const value =
        object_.if_contains({name.data(), name.size()});
    return value == nullptr || value->is_null() ? nullptr : value;
  }

  absl::Status Text(absl::string_view name, std::string& out) {
    const json::value* const value = Take(name);
    if (value == nullptr) return absl::OkStatus();
    if (!value->is_string()) return Bad(name, "not text");
    const json::string& text = value->get_string();
    if (text.empty()) return Bad(name, "empty");
    out.assign(text.data(), text.size());
    return absl::OkStatus();
  }

  absl::Status Time(absl::string_view name, uint64_t& us) {
    std::string text;
    const absl::Status status = Text(name, text);
    if (!status.ok() || text.empty()) return status;
    return ReadTime(name, text, us);
  }

  absl::Status Number(absl::string_view name, std::optional<Sequence>& out) {
    const json::value* const value = Take(name);
    if (value == nullptr) return absl::OkStatus();
    uint64_t number = 0;
    if (value->is_string()) {
      const json::string& text = value->get_string();
      const absl::string_view digits(text.data(), text.size());
      if (!std::all_of(digits.begin(), digits.end(), absl::ascii_isdigit) ||
          !absl::SimpleAtoi(digits, &number)) {
        return Bad(name, "not a number");
      }
    } else if (value->is_int64() && value->get_int64() >= 0) {
      number = static_cast<uint64_t>(value->get_int64());
    } else if (value->is_uint64()) {
      number = value->get_uint64();
    } else {
      return Bad(name, "not a number");
    }
    out = Sequence{number};
    return absl::OkStatus();
  }

  template <typename Enum, size_t kCount>
  absl::Status OneOf(absl::string_view name, const Word<Enum> (&words)[kCount],
                     Enum& out) {
    std::string text;
    const absl::Status status = Text(name, text);
    if (!status.ok() || text.empty()) return status;
    for (const Word<Enum>& word : words) {
      if (word.word != text) continue;
      out = word.value;
      return absl::OkStatus();
    }
    return Bad(
        name, absl::StrCat(
                  "is none of ",
                  absl::StrJoin(
                      words, ", ", [](std::string* to, const Word<Enum>& word) {
                        to->append(word.word.data(), word.word.size());
                      })));
  }

  absl::Status List(absl::string_view name, std::vector<std::string>& out) {
    std::string text;
    const absl::Status status = Text(name, text);
    if (status.ok() && !text.empty()) {
      out = absl::StrSplit(text, kListSeparator);
    }
    return status;
  }

  absl::Status NothingElse() const {
    for (const auto& member : object_) {
      const absl::string_view name(member.key().data(), member.key().size());
      if (std::find(taken_.begin(), taken_.end(), name) != taken_.end()) {
        continue;
      }
      const bool is_name = !name.empty() && name.size() <= kAttributeNameMax &&
                           std::all_of(name.begin(), name.end(), [](char c) {
                             return absl::ascii_islower(c) ||
                                    absl::ascii_isdigit(c) ||
                                    c == '_';  // data_base64
                           });
      if (is_name) return Bad(name, "no attribute of ours");
      // It may be anything, so it is not repeated.
      return absl::InvalidArgumentError(
          "an attribute is not named in lower-case letters and digits");
    }
    return absl::OkStatus();
  }

 private:
  const json::object& object_;
  std::vector<absl::string_view> taken_;
};

absl::Status ReadSubject(Attributes& attributes, CloudEvent& event) {
  std::string text;
  const absl::Status status = attributes.Text("subject", text);
  if (!status.ok() || text.empty()) return status;
  if (absl::StartsWith(text, kSubjectRefPrefix)) {
    event.subject_ref = std::move(text);
    return absl::OkStatus();
  }
  absl::StatusOr<PersonKey> key = PersonKey::Parse(text);
  if (!key.ok()) return Bad("subject", "not a person key");
  event.header.subject = *key;
  return absl::OkStatus();
}

absl::Status ReadData(Attributes& attributes, const TypeRegistry& types,
                      CloudEvent& event) {
  std::string content_type;
  const absl::Status status = attributes.Text("datacontenttype", content_type);
  if (!status.ok()) return status;
  if (!content_type.empty() && content_type != "application/json") {
    return Bad("datacontenttype", "not application/json");
  }
  const json::value* const data = attributes.Take("data");
  if (data == nullptr) return absl::OkStatus();
  if (!data->is_object()) return Bad("data", "not a JSON object");
  absl::StatusOr<std::string> bytes =
      types.FromJson(event.header.type, json::serialize(*data));
  if (!bytes.ok()) return bytes.status();
  event.data = *std::move(bytes);
  return absl::OkStatus();
}

// CheckHeader() speaks of fields; their attributes have no underscores.
absl::Status InAttributes(const absl::Status& status) {
  if (status.ok()) return status;
  const absl::string_view message = status.message();
  const size_t colon = std::min(message.find(':'), message.size());
  return absl::InvalidArgumentError(
      absl::StrCat(absl::StrReplaceAll(message.substr(0, colon), {{"_", ""}}),
                   message.substr(colon)));
}

class Writer {
 public:
  void Raw(absl::string_view name, absl::string_view value) {
    absl::StrAppend(&out_, out_.empty() ? "{" : ",", "\"", name, "\":", value);
  }
  void Text(absl::string_view name, absl::string_view text) {
    if (text.empty()) return;
    Raw(name, json::serialize(json::string_view(text.data(), text.size())));
  }
  void Time(absl::string_view name, uint64_t us) {
    if (us != 0) Text(name, TimeText(us));
  }
  template <typename Enum, size_t kCount>
  void OneOf(absl::string_view name, const Word<Enum> (&words)[kCount],
             Enum value) {
    for (const Word<Enum>& word : words) {
      if (word.value == value) Text(name, word.word);
    }
  }
  void Number(absl::string_view name, const std::optional<Sequence>& number) {
    if (number.has_value()) Text(name, absl::StrCat(number->value));
  }
  void List(absl::string_view name, const std::vector<std::string>& items) {
    Text(name, absl::StrJoin(items, kListSeparator));
  }
  std::string Take() { return std::move(out_) + "}"; }

 private:
  std::string out_;
};

}  // namespace

absl::StatusOr<CloudEvent> ParseCloudEvent(const TypeRegistry& types,
                                           absl::string_view text) {
  if (text.size() > kCloudEventBytesMax) {
    return absl::InvalidArgumentError("event: over 1 MiB");
  }
  json::error_code error;
  const json::value value = json::parse({text.data(), text.size()}, error);
  if (error || !value.is_object()) {
    return absl::InvalidArgumentError("event: not a JSON object");
  }
  Attributes attributes(value.get_object());
  CloudEvent event;
  Header& header = event.header;

  std::string version;
  absl::Status status = attributes.Text("specversion", version);
  if (status.ok() && version != "1.0") status = Bad("specversion", "not 1.0");
  for (const TextAttribute& attribute : kIdentity) {
    if (!status.ok()) return status;
    status = attributes.Text(attribute.name, header.*attribute.field);
    if (status.ok() && (header.*attribute.field).empty()) {
      status = Bad(attribute.name, "missing");
    }
  }
  if (!status.ok()) return status;
  // Before the rest: another's event is not held to our attributes.
  if (types.Find(header.type) == nullptr) {
    return absl::NotFoundError("type: no such event type");
  }
  for (const TextAttribute& attribute : kTexts) {
    if (!status.ok()) return status;
    status = attributes.Text(attribute.name, header.*attribute.field);
  }
  for (const TimeAttribute& attribute : kTimes) {
    if (!status.ok()) return status;
    status = attributes.Time(attribute.name, header.*attribute.field);
  }
  if (status.ok()) status = ReadSubject(attributes, event);
  if (status.ok()) {
    status = attributes.Number("expectedversion", header.expected_version);
  }
  if (status.ok()) {
    status =
        attributes.OneOf("timeprecision", kPrecisions, header.time_precision);
  }
  if (status.ok()) {
    status = attributes.OneOf("regime", kRegimes, header.regime);
  }
  if (status.ok()) status = attributes.OneOf("basis", kBases, header.basis);
  if (status.ok()) {
    status = attributes.OneOf("classification", kClassifications,
                              header.classification);
  }
  if (status.ok()) status = attributes.Number("sequence", event.sequence);
  if (status.ok()) status = attributes.Time("acceptedtime", event.accepted_us);
  if (status.ok()) status = attributes.List("withheld", event.withheld);
  if (status.ok()) status = attributes.List("faults", event.faults);
  if (status.ok()) {
    status = attributes.Text("localsubject", event.local_subject);
  }
  if (status.ok()) {
    status = attributes.OneOf("environment", kEnvironments, event.environment);
  }
  if (status.ok()) status = InAttributes(CheckHeader(AsView(header)));
  if (status.ok()) status = ReadData(attributes, types, event);
  if (status.ok()) status = attributes.NothingElse();
  if (!status.ok()) return status;
  return event;
}

absl::StatusOr<std::string> WriteCloudEvent(const TypeRegistry& types,
                                            const CloudEvent& event) {
  const Header& header = event.header;
  Writer out;
  out.Text("specversion", "1.0");
  for (const TextAttribute& attribute : kIdentity) {
    out.Text(attribute.name, header.*attribute.field);
  }
  out.Text("subject", header.subject.empty() ? event.subject_ref
                                             : header.subject.ToString());
  for (const TimeAttribute& attribute : kTimes) {
    out.Time(attribute.name, header.*attribute.field);
  }
  out.OneOf("timeprecision", kPrecisions, header.time_precision);
  out.OneOf("regime", kRegimes, header.regime);
  out.OneOf("basis", kBases, header.basis);
  out.OneOf("classification", kClassifications, header.classification);
  for (const TextAttribute& attribute : kTexts) {
    out.Text(attribute.name, header.*attribute.field);
  }
  out.Number("expectedversion", header.expected_version);
  out.Number("sequence", event.sequence);
  out.Time("acceptedtime", event.accepted_us);
  out.Text("localsubject", event.local_subject);
  out.List("withheld", event.withheld);
  out.List("faults", event.faults);
  out.OneOf("environment", kEnvironments, event.environment);
  if (event.data.has_value()) {
    absl::StatusOr<std::string> data = types.ToJson(header.type, *event.data);
    if (!data.ok()) return data.status();
    out.Text("datacontenttype", "application/json");
    out.Raw("data", *data);
  }
  return out.Take();
}

CloudEvent ToCloudEvent(const View& view) {
  CloudEvent event;
  event.header = view.header;
  event.data = view.Data();
  event.sequence = view.sequence;
  event.accepted_us = view.accepted_us;
  event.withheld = view.withheld;
  event.faults = view.faults;
  event.environment = view.environment;
  return event;
}

absl::Status CheckPublishable(const CloudEvent& event) {
  const std::pair<absl::string_view, bool> said[] = {
      {"sequence", event.sequence.has_value()},
      {"acceptedtime", event.accepted_us != 0},
      {"withheld", !event.withheld.empty()},
      {"faults", !event.faults.empty()},
      {"localsubject", !event.local_subject.empty()},
      {"environment", event.environment != bus::v1::ENVIRONMENT_UNSPECIFIED},
  };
  for (const auto& [attribute, is_said] : said) {
    if (is_said) return Bad(attribute, "is for the bus to say");
  }
  return absl::OkStatus();
}

}  // namespace concordat
