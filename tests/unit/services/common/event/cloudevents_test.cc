// Mutants this file catches:
//   an attribute written and not read, or the other way  BothWays
//   unspecified written as the word it is read as        Minimal, BothWays
//   time cut to seconds, or in the wrong zone            Times
//   "infinite-future" taken for a time                   Times
//   sequence through a double                            BigNumbers
//   unknown attribute skipped                            Refuses
//   error that repeats what was sent                     NeverRepeatsAValue
//   a producer may say sequence or acceptedtime          Publishable
#include "services/common/event/cloudevents.h"

#include <random>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "concordat/police/v1/events.pb.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/dynamic_message.h"
#include "services/common/event/commitments.h"
#include "services/common/event/make_event.h"
#include "tests/support/demo_types.h"
#include "tests/support/event_types.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"

namespace concordat {
namespace {

using ::concordat::testing::HasCode;
using ::concordat::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// A police publish as the story has it.
constexpr char kPublish[] =
    R"({"specversion":"1.0","id":"019a9f2c-0000-7000-8000-000000000109","source":"urn:concordat:police-scotland:rms",
 "type":"concordat.police.v1.ConcernShared","subject":"p-aaaaaaaaaaaaaaaaaaaaaaaaaa","time":"2025-11-20T21:15:00Z","controller":"police-scotland",
 "regime":"part3","gateway":"G1","purpose":"MAPPA_RISK_MANAGEMENT","basis":"observed","classification":"OFFICIAL-SENSITIVE",
 "data":{"concernType":"SEEN_WITH_CHILD","incidentRef":"INC-102","urgency":"ROUTINE"}})";

class CloudEventsTest : public ::testing::Test {
 protected:
  std::shared_ptr<const TypeRegistry> types_ = *testing::DemoTypes();
};

TEST_F(CloudEventsTest, APolicePublish) {
  const auto event = ParseCloudEvent(*types_, kPublish);
  ASSERT_THAT(event, IsOk());
  EXPECT_THAT(CheckPublishable(*event), IsOk());
  const Header& h = event->header;
  EXPECT_EQ(h.id, "019a9f2c-0000-7000-8000-000000000109");
  EXPECT_EQ(h.source, "urn:concordat:police-scotland:rms");
  EXPECT_EQ(h.subject.ToString(), "p-aaaaaaaaaaaaaaaaaaaaaaaaaa");
  EXPECT_EQ(h.time_us, 1763673300000000u);
  EXPECT_EQ(h.time_precision, bus::v1::TIME_PRECISION_UNSPECIFIED);
  EXPECT_EQ(h.controller, "police-scotland");
  EXPECT_EQ(h.regime, bus::v1::REGIME_PART3);
  EXPECT_EQ(h.gateway, "G1");
  EXPECT_EQ(h.purpose, "MAPPA_RISK_MANAGEMENT");
  EXPECT_EQ(h.basis, bus::v1::BASIS_OBSERVED);
  EXPECT_EQ(h.classification, bus::v1::CLASSIFICATION_OFFICIAL_SENSITIVE);
  EXPECT_FALSE(h.expected_version.has_value());
  police::v1::ConcernShared data;
  ASSERT_TRUE(data.ParseFromString(*event->data));
  EXPECT_EQ(data.incident_ref(), "INC-102");
  // And it is an event.
  EXPECT_THAT(MakeEvent(*types_, h, *event->data, Seed{1}), IsOk());
}

TEST_F(CloudEventsTest, Minimal) {
  CloudEvent event;
  event.header.id = "1";
  event.header.source = "s";
  event.header.type = "concordat.police.v1.ConcernShared";
  EXPECT_EQ(*WriteCloudEvent(*types_, event),
            R"({"specversion":"1.0","id":"1","source":"s",)"
            R"("type":"concordat.police.v1.ConcernShared"})");
}

std::string Hex(const std::string& bytes) {
  std::string hex;
  for (const char c : bytes) {
    absl::StrAppend(&hex, absl::Hex(static_cast<uint8_t>(c), absl::kZeroPad2));
  }
  return hex;
}

// Equal in all that the mapping carries.
void ExpectSame(const CloudEvent& a, const CloudEvent& b) {
  EXPECT_EQ(Hex(CanonicalForDuplicate(AsView(a.header))),
            Hex(CanonicalForDuplicate(AsView(b.header))));
  EXPECT_EQ(a.header.recorded_us, b.header.recorded_us);
  EXPECT_EQ(a.header.traceparent, b.header.traceparent);
  EXPECT_EQ(a.subject_ref, b.subject_ref);
  EXPECT_EQ(a.data.has_value(), b.data.has_value());
  EXPECT_EQ(a.sequence, b.sequence);
  EXPECT_EQ(a.accepted_us, b.accepted_us);
  EXPECT_EQ(a.withheld, b.withheld);
  EXPECT_EQ(a.faults, b.faults);
  EXPECT_EQ(a.local_subject, b.local_subject);
  EXPECT_EQ(a.environment, b.environment);
}

class AtRandom {
 public:
  explicit AtRandom(uint64_t seed) : engine_(seed) {}
  uint64_t Below(uint64_t bound) { return engine_() % bound; }
  // Printable, quotes and backslashes with the rest.
  std::string Text(uint64_t min, uint64_t max) {
    std::string text;
    for (uint64_t n = min + Below(max - min + 1); n > 0; --n) {
      text.push_back(static_cast<char>('!' + Below(94)));
    }
    return text;
  }
  uint64_t Time() {
    switch (Below(4)) {
      case 0:
        return 0;
      case 1:
        return 1 + Below(4'000'000'000) * 1'000'000;
      default:
        return 1 + engine_() % kTimeMaxUs;
    }
  }

  CloudEvent Make(std::string type) {
    CloudEvent event;
    Header& h = event.header;
    h.id = Text(1, 64);
    h.source = Text(1, 40);
    h.type = std::move(type);
    h.controller = Text(0, 20);
    h.purpose = Text(0, 20);
    h.gateway = Text(0, 5);
    if (Below(2) == 0) {
      std::array<uint8_t, 16> key;
      for (uint8_t& byte : key) byte = static_cast<uint8_t>(engine_());
      h.subject = PersonKey(key);
    } else if (Below(2) == 0) {
      event.subject_ref = "ref:rms:" + Text(1, 20);
    }
    h.stream = Text(0, 60);
    if (!h.stream.empty() && Below(2) == 0) {
      h.expected_version = Sequence{engine_() >> Below(64)};
    }
    h.time_us = Time();
    h.recorded_us = Time();
    h.effective_us = Time();
    h.time_precision = static_cast<bus::v1::TimePrecision>(Below(5));
    h.regime = static_cast<bus::v1::Regime>(Below(3));
    h.basis = static_cast<bus::v1::Basis>(Below(5));
    h.classification = static_cast<bus::v1::Classification>(Below(3));
    h.subject_role = Text(0, 20);
    h.on_behalf_of = Text(0, 20);
    h.correlation = Text(0, 60);
    h.causation = Text(0, 60);
    h.corrects = Text(0, 60);
    h.retracts = Text(0, 60);
    h.traceparent = Text(0, 55);
    if (Below(2) == 0) event.sequence = Sequence{engine_() >> Below(64)};
    event.accepted_us = Time();
    if (Below(2) == 0) event.withheld = {"clinical", "victim or third party"};
    if (Below(2) == 0) event.faults = {"urgency: not in code list urgency"};
    event.local_subject = Text(0, 20);
    event.environment = static_cast<bus::v1::Environment>(Below(5));
    return event;
  }

 private:
  std::mt19937_64 engine_;
};

TEST_F(CloudEventsTest, BothWays) {
  google::protobuf::FileDescriptorSet files;
  ASSERT_TRUE(files.ParseFromString(testing::DemoDescriptorSet()));
  google::protobuf::DescriptorPool pool;
  google::protobuf::DynamicMessageFactory factory(&pool);
  for (const auto& file : files.file()) pool.BuildFile(file);
  int checked = 0;
  for (const absl::string_view name : types_->names()) {
    const auto* descriptor = pool.FindMessageTypeByName(std::string(name));
    for (uint64_t seed = 0; seed < 20; ++seed) {
      AtRandom random(seed * 1000 + name.size());
      CloudEvent event = random.Make(std::string(name));
      ASSERT_THAT(CheckHeader(AsView(event.header)), IsOk());
      std::unique_ptr<google::protobuf::Message> message(
          factory.GetPrototype(descriptor)->New());
      if (random.Below(4) != 0) {
        testing::FillAtRandom(seed, *message);
        event.data = message->SerializeAsString();
      }
      const auto json = WriteCloudEvent(*types_, event);
      ASSERT_THAT(json, IsOk());
      EXPECT_THAT(*json, Not(HasSubstr("\n")));
      const auto again = ParseCloudEvent(*types_, *json);
      ASSERT_THAT(again, IsOk()) << *json;
      ExpectSame(event, *again);
      if (event.data.has_value()) {
        std::unique_ptr<google::protobuf::Message> parsed(message->New());
        ASSERT_TRUE(parsed->ParseFromString(*again->data));
        EXPECT_EQ(parsed->DebugString(), message->DebugString());
      }
      EXPECT_EQ(*WriteCloudEvent(*types_, *again), *json);
      ++checked;
    }
  }
  EXPECT_GT(checked, 300);
}

TEST_F(CloudEventsTest, Times) {
  const auto time = [this](const std::string& text) {
    return ParseCloudEvent(
        *types_,
        absl::StrReplaceAll(kPublish, {{"2025-11-20T21:15:00Z", text}}));
  };
  EXPECT_EQ(time("2025-11-20T21:15:00.25Z")->header.time_us, 1763673300250000u);
  EXPECT_EQ(time("2025-11-20T21:15:00.000001Z")->header.time_us,
            1763673300000001u);
  EXPECT_EQ(time("2025-11-20T22:15:00+01:00")->header.time_us,
            1763673300000000u);
  EXPECT_EQ(time("9999-12-31T23:59:59.999999Z")->header.time_us, kTimeMaxUs);
  for (const char* const bad :
       {"infinite-future", "2025-11-20", "2025-11-20T21:15:00", "yesterday",
        "1969-12-31T23:59:59Z", "1970-01-01T00:00:00Z", "2025-13-20T21:15:00Z",
        "20251-11-20T21:15:00Z", " 2025-11-20T21:15:00Z",
        "2025-11-20T21:15:00Z "}) {
    EXPECT_THAT(time(bad), HasCode(absl::StatusCode::kInvalidArgument)) << bad;
  }
  CloudEvent event = *time("2025-11-20T21:15:00Z");
  event.header.time_precision = bus::v1::TIME_PRECISION_DAY;
  EXPECT_THAT(
      *WriteCloudEvent(*types_, event),
      HasSubstr(R"("time":"2025-11-20T21:15:00Z","timeprecision":"day")"));
}

TEST_F(CloudEventsTest, BigNumbers) {
  const auto with = [this](const char* version) {
    return ParseCloudEvent(
        *types_, absl::StrReplaceAll(
                     kPublish,
                     {{R"("regime")",
                       absl::StrCat(R"("stream":"s",)", R"("expectedversion":)",
                                    version, R"(,"regime")")}}));
  };
  EXPECT_EQ(with("\"18446744073709551615\"")->header.expected_version->value,
            ~uint64_t{0});
  EXPECT_EQ(with("18446744073709551615")->header.expected_version->value,
            ~uint64_t{0});
  EXPECT_EQ(with("0")->header.expected_version->value, 0u);
  for (const char* const bad :
       {"-1", "\"-1\"", "\"\"", "1.5", "\"18446744073709551616\"", "\" 1\"",
        "true", "\"1x\"", "1e3", "{}"}) {
    EXPECT_THAT(with(bad), HasCode(absl::StatusCode::kInvalidArgument)) << bad;
  }
}

TEST_F(CloudEventsTest, Refuses) {
  struct Refusal {
    const char* from;
    const char* to;
    const char* says;
  };
  const Refusal refusals[] = {
      {R"("1.0")", R"("0.3")", "specversion: not 1.0"},
      {R"("specversion":"1.0",)", "", "specversion: not 1.0"},
      {R"("id":"019a9f2c-0000-7000-8000-000000000109")", R"("id":"")",
       "id: empty"},
      {R"("id":"019a9f2c-0000-7000-8000-000000000109",)", "", "id: missing"},
      {R"("id":"019a9f2c-0000-7000-8000-000000000109")", R"("id":7)",
       "id: not text"},
      {R"("id":"019a9f2c-0000-7000-8000-000000000109")", R"("id":"a b")",
       "id: not printable"},
      {R"("subject":"p-)", R"("subject":"q-)", "subject: not a person key"},
      {R"("part3")", R"("part4")", "regime: is none of part3, gdpr"},
      {R"("OFFICIAL-SENSITIVE")", R"("SECRET")",
       "classification: is none of OFFICIAL, OFFICIAL-SENSITIVE"},
      {R"("gateway":"G1")", R"("gateway":"é")", "gateway: not printable"},
      {R"("gateway":"G1")", R"("expectedversion":1)",
       "expectedversion: without a stream"},
      {R"("gateway":"G1")", R"("subjectrole":"é")",
       "subjectrole: not printable"},
      {R"("gateway")", R"("gate")", "gate: no attribute of ours"},
      {R"("gateway":"G1")", R"("data_base64":"AA==")",
       "data_base64: no attribute of ours"},
      {R"("gateway":"G1")", R"("dataschema":"x")",
       "dataschema: no attribute of ours"},
      {R"("gateway":"G1")", R"("Gate way":"G1")",
       "an attribute is not named in lower-case letters and digits"},
      {R"("gateway":"G1")", R"("datacontenttype":"text/xml")",
       "datacontenttype: not application/json"},
      {R"("concernType":"SEEN_WITH_CHILD")", R"("concernType":["x"])",
       "data.concernType: not of its type"},
      {R"({"concernType":"SEEN_WITH_CHILD","incidentRef":"INC-102","urgency":"ROUTINE"})",
       "[]", "data: not a JSON object"},
  };
  for (const Refusal& refusal : refusals) {
    const std::string json =
        absl::StrReplaceAll(kPublish, {{refusal.from, refusal.to}});
    ASSERT_NE(json, kPublish) << refusal.says;
    const absl::Status status = ParseCloudEvent(*types_, json).status();
    EXPECT_THAT(status, HasCode(absl::StatusCode::kInvalidArgument));
    EXPECT_EQ(status.message(), refusal.says);
  }
  for (const char* const bad : {"", "[]", "1", "{", "null", "\xff", "{}x"}) {
    EXPECT_THAT(ParseCloudEvent(*types_, bad),
                HasCode(absl::StatusCode::kInvalidArgument))
        << bad;
  }
  EXPECT_THAT(
      ParseCloudEvent(*types_, std::string(kCloudEventBytesMax + 1, ' ')),
      HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(
      ParseCloudEvent(*types_, absl::StrReplaceAll(
                                   kPublish, {{"ConcernShared", "Unheard"}})),
      HasCode(absl::StatusCode::kNotFound));
}

TEST_F(CloudEventsTest, NullIsAbsent) {
  const auto event = ParseCloudEvent(
      *types_, absl::StrReplaceAll(
                   kPublish, {{R"("G1")", "null"},
                              {R"("regime")", R"("new":null,"regime")"}}));
  // A null attribute is none, but a name that is not ours is refused as ever.
  EXPECT_EQ(event.status().message(), "new: no attribute of ours");
  const auto without = ParseCloudEvent(
      *types_, absl::StrReplaceAll(kPublish, {{R"("G1")", "null"}}));
  ASSERT_THAT(without, IsOk());
  EXPECT_EQ(without->header.gateway, "");
}

TEST_F(CloudEventsTest, SubjectByReference) {
  const auto event = ParseCloudEvent(
      *types_, absl::StrReplaceAll(kPublish, {{"p-aaaaaaaaaaaaaaaaaaaaaaaaaa",
                                               "ref:rms:OM-4471"}}));
  ASSERT_THAT(event, IsOk());
  EXPECT_EQ(event->subject_ref, "ref:rms:OM-4471");
  EXPECT_TRUE(event->header.subject.empty());
}

TEST_F(CloudEventsTest, NeverRepeatsAValue) {
  const std::string secret = "SECRET";
  for (const char* const name :
       {"019a9f2c-0000-7000-8000-000000000109",
        "urn:concordat:police-scotland:rms", "p-aaaaaaaaaaaaaaaaaaaaaaaaaa",
        "2025-11-20T21:15:00Z", "police-scotland\"", "part3", "G1",
        "MAPPA_RISK_MANAGEMENT", "observed", "OFFICIAL-SENSITIVE", "urgency"}) {
    const std::string json =
        absl::StrReplaceAll(kPublish, {{name, secret + "\\u0007"}});
    const absl::Status status = ParseCloudEvent(*types_, json).status();
    if (!status.ok()) {
      EXPECT_THAT(std::string(status.message()), Not(HasSubstr(secret)));
    }
  }
}

TEST_F(CloudEventsTest, Publishable) {
  for (const char* const said :
       {R"("sequence":"1")", R"("acceptedtime":"2025-11-20T21:15:00Z")",
        R"("withheld":"clinical")", R"("faults":"x")", R"("localsubject":"x")",
        R"("environment":"demo")"}) {
    const auto event = ParseCloudEvent(
        *types_, absl::StrReplaceAll(kPublish, {{R"("gateway":"G1")", said}}));
    ASSERT_THAT(event, IsOk());
    EXPECT_THAT(CheckPublishable(*event),
                HasCode(absl::StatusCode::kInvalidArgument))
        << said;
  }
}

TEST_F(CloudEventsTest, AView) {
  const auto event = ParseCloudEvent(*types_, kPublish);
  ASSERT_THAT(event, IsOk());
  View view;
  view.sequence = Sequence{7};
  view.accepted_us = 1763673300000000;
  view.header = event->header;
  police::v1::ConcernShared shown;
  shown.set_incident_ref("INC-102");
  view.groups = {{0, shown.SerializeAsString(), {}}};
  view.withheld = {"offence data", "clinical"};
  view.environment = bus::v1::ENVIRONMENT_DEMO;
  CloudEvent cloud = ToCloudEvent(view);
  cloud.local_subject = "OM-4471";
  const std::string json = *WriteCloudEvent(*types_, cloud);
  EXPECT_THAT(json, HasSubstr(R"("sequence":"7")"));
  EXPECT_THAT(json, HasSubstr(R"("withheld":"offence data; clinical")"));
  EXPECT_THAT(json, HasSubstr(R"("environment":"demo")"));
  EXPECT_THAT(json, HasSubstr(R"("data":{"incidentRef":"INC-102"}})"));
  EXPECT_THAT(ParseCloudEvent(*types_, json)->withheld,
              ElementsAre("offence data", "clinical"));
}

}  // namespace
}  // namespace concordat
