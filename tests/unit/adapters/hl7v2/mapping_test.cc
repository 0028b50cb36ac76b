// Mutants, each with the test that catches it:
//   no decision needed, or another's taken     ANoShowLeavesOnlyUnderADecision
//   decision NOTHING or of another service     ANoShowLeavesOnlyUnderADecision
//   judged while decisions are not folded      WaitsWhileItCannotBeKnown
//   stale cohort read as outside               WaitsWhileItCannotBeKnown
//   unknown authority taken for CHI            AnUnknownAuthorityIsUnknown
//   first service of several                   SeveralServicesAreHeld
//   A40 by its new number alone                AMergeStopsAndAsks
//   leave ends in an event                     CareIsHeldForTheLiaisonOfficer
//   summer time not counted                    UsesTheMessagesOwnTime
//   late release: now, or any decision         WhatIsLetOutLaterKeepsItsTime...
//   address to anybody but identity            AnotherAddressIsForIdentityAlone
//   a release offered of what never leaves     WhatNeverLeavesSaysSoBeforehand
#include "adapters/hl7v2/mapping.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"

namespace concordat::hl7v2 {
namespace {

using concordat::testing::HasCode;
using concordat::testing::IsOk;
using edge::v1::OUTCOME_HELD;
using edge::v1::OUTCOME_NOT_IN_COHORT;
using edge::v1::OUTCOME_PUBLISHED;
using edge::v1::OUTCOME_TO_IDENTITY;

const PersonKey kTorquil(std::array<uint8_t, 16>{2});
const PersonKey kFearchar(std::array<uint8_t, 16>{4});

edge::v1::Hl7Edge Settings() {
  edge::v1::Hl7Edge settings;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"(listener { processing_ids: "T" }
         time_zone: "Europe/London"
         identifiers { authority: "NHSSCOT" type: "CHI" scheme: "chi" }
         identifiers { authority: "TAY" type: "MR" scheme: "local" system: "pas" }
         services { code: "ALCTX" service_code: "ALCOHOL_TREATMENT" }
         services { code: "ALC2" service_code: "ALCOHOL_TREATMENT" }
         services { code: "PSY" service_code: "PSYCHOLOGY" })",
      &settings));
  return settings;
}

std::string NoShow(absl::string_view service = "ALCTX",
                   absl::string_view time = "20251127112000") {
  return absl::StrCat("MSH|^~\\&|PAS|F|C|E|", time,
                      "||SIU^S26|DEMO0009|T|2.4\rSCH|A20017-3\r"
                      "PID|||0303790016^^^NHSSCOT^CHI||BALNAMOON\rAIS|||",
                      service, "\r");
}
std::string Adt(absl::string_view trigger, absl::string_view id) {
  return absl::StrCat("MSH|^~\\&|PAS|F|C|E|20251117||ADT^", trigger,
                      "|7|T|2.4\rPID|||", id, "\r");
}

class MappingTest : public ::testing::Test {
 protected:
  MappingTest() : mapping_(*Mapping::Build(Settings())) {
    cohort_.Join(kTorquil, {{"chi", "0303790016", ""}});
    cohort_.Join(kFearchar,
                 {{"chi", "0911870012", ""}, {"local", "77", "pas"}});
    cohort_.Complete(Sequence{1});
    decisions_.SetCurrent(true, Sequence{1});
  }
  void Decided(const std::string& what = "ENGAGEMENT_ONLY",
               const PersonKey& subject = kTorquil,
               const std::string& service = "ALCOHOL_TREATMENT") {
    nhs::v1::SharingDecided decided;
    decided.set_decision_ref("D-2001");
    decided.set_what(what);
    decided.set_service_code(service);
    decided.set_until("2026-11-06");
    View view;
    view.header.type = "concordat.nhs.v1.SharingDecided";
    view.header.subject = subject;
    view.header.time_us = 1762509600000000;  // 2025-11-07T10:00Z
    view.groups.push_back({0, decided.SerializeAsString(), {}});
    ASSERT_THAT(decisions_.Fold(view), IsOk());
  }
  Outcome DecideOn(absl::string_view message) {
    return Decide(message, mapping_, cohort_, decisions_);
  }

  const Mapping mapping_;
  concordat::testing::FakeClock clock_;
  edge::Cohort cohort_{"key", clock_};
  edge::SharingDecisions decisions_{absl::UTCTimeZone()};
};

TEST_F(MappingTest, ANoShowLeavesOnlyUnderADecision) {
  EXPECT_EQ(DecideOn(NoShow()).verdict.outcome, OUTCOME_HELD);
  Decided("ENGAGEMENT_ONLY", kFearchar);
  EXPECT_EQ(DecideOn(NoShow()).verdict.outcome, OUTCOME_HELD);
  Decided("ENGAGEMENT_ONLY", kTorquil, "PSYCHOLOGY");
  EXPECT_EQ(DecideOn(NoShow()).verdict.outcome, OUTCOME_HELD);
  Decided("NOTHING");
  EXPECT_EQ(DecideOn(NoShow()).verdict.outcome, OUTCOME_HELD);
  EXPECT_EQ(DecideOn(NoShow()).verdict.reason, "no sharing decision in force");
  Decided();
  const Outcome outcome = DecideOn(NoShow());
  EXPECT_EQ(outcome.verdict.outcome, OUTCOME_PUBLISHED);
  EXPECT_EQ(outcome.verdict.subject, kTorquil);
  ASSERT_TRUE(outcome.missed.has_value());
  EXPECT_EQ(outcome.missed->data.appointment_ref(), "A20017-3");
  EXPECT_EQ(outcome.missed->data.service_code(), "ALCOHOL_TREATMENT");
  EXPECT_EQ(outcome.missed->data.decision_ref(), "D-2001");
  // Before the decision was made.
  EXPECT_EQ(DecideOn(NoShow("ALCTX", "20251107095959")).verdict.outcome,
            OUTCOME_HELD);
}

TEST_F(MappingTest, UsesTheMessagesOwnTime) {
  Decided();
  const auto time = [&](absl::string_view text) {
    const Outcome outcome = DecideOn(NoShow("ALCTX", text));
    EXPECT_TRUE(outcome.missed.has_value()) << text;
    return outcome.missed.has_value() ? outcome.missed->time.at
                                      : absl::InfinitePast();
  };
  EXPECT_EQ(time("20251127112000"), absl::FromUnixSeconds(1764242400));
  EXPECT_EQ(time("20251127122000+0100"), absl::FromUnixSeconds(1764242400));
  EXPECT_EQ(time("202606271220"), absl::FromUnixSeconds(1782559200));
  EXPECT_EQ(DecideOn(NoShow("ALCTX", "20251127")).verdict.reason,
            "MSH-7 is no time of day");
  EXPECT_EQ(DecideOn(NoShow("ALCTX", "")).verdict.outcome, OUTCOME_HELD);
}

TEST_F(MappingTest, WaitsWhileItCannotBeKnown) {
  Decided();
  decisions_.SetCurrent(false, Sequence{1});
  EXPECT_TRUE(DecideOn(NoShow()).wait);
  EXPECT_FALSE(DecideOn(Adt("A01", "0911870012^^^NHSSCOT^CHI")).wait);
  decisions_.SetCurrent(true, Sequence{1});
  EXPECT_FALSE(DecideOn(NoShow()).wait);
  clock_.Advance(absl::Minutes(2));
  EXPECT_TRUE(DecideOn(NoShow()).wait);
}

TEST_F(MappingTest, SeveralServicesAreHeld) {
  Decided();
  EXPECT_TRUE(DecideOn(NoShow() + "AIS|||ALC2\r").missed.has_value());
  for (const std::string more : {"AIS|||PSY\r", "AIS|||ORTHO\r", "AIS|1\r"}) {
    const Outcome outcome = DecideOn(NoShow() + more);
    EXPECT_FALSE(outcome.missed.has_value());
    EXPECT_EQ(outcome.verdict.reason, "the service is not in the table");
  }
  EXPECT_FALSE(DecideOn(NoShow("ORTHO")).missed.has_value());
}

TEST_F(MappingTest, AReferenceThatCannotStandInAnEventIsHeld) {
  Decided();
  for (const std::string& ref :
       {std::string(), std::string("A 1"), std::string(41, 'x')}) {
    const Outcome outcome =
        DecideOn(absl::StrReplaceAll(NoShow(), {{"A20017-3", ref}}));
    EXPECT_EQ(outcome.verdict.reason, "SCH-1 is no usable reference");
  }
}

TEST_F(MappingTest, CareIsHeldForTheLiaisonOfficer) {
  const std::pair<std::string, std::string> all[] = {
      {"A01", "admitted to hospital"},
      {"A03", "discharged from hospital"},
      {"A08", "details changed"},
      {"A11", "admission cancelled"},
      {"A21", "leave started, for you to decide"}};
  for (const auto& [trigger, words] : all) {
    const Outcome outcome = DecideOn(Adt(trigger, "0911870012^^^NHSSCOT^CHI"));
    EXPECT_EQ(outcome.verdict.outcome, OUTCOME_HELD) << trigger;
    EXPECT_EQ(outcome.verdict.words, words);
    EXPECT_EQ(outcome.verdict.message_type, "ADT^" + trigger);
    EXPECT_EQ(outcome.verdict.subject, kFearchar);
  }
  EXPECT_EQ(DecideOn(Adt("A17", "77^^^TAY^MR")).verdict.reason, "not mapped");
}

TEST_F(MappingTest, ABookingUnderEngagementOnlyIsHeld) {
  const std::string booked = absl::StrReplaceAll(NoShow(), {{"S26", "S12"}});
  EXPECT_EQ(DecideOn(booked).verdict.reason, "no sharing decision in force");
  Decided();
  const Outcome outcome = DecideOn(booked);
  EXPECT_EQ(outcome.verdict.outcome, OUTCOME_HELD);
  EXPECT_EQ(outcome.verdict.words,
            "booked; engagement only: nothing to share yet");
  EXPECT_FALSE(outcome.missed.has_value());
}

TEST_F(MappingTest, AMergeStopsAndAsks) {
  const std::string merge = Adt("A40", "0303790016^^^NHSSCOT^CHI");
  EXPECT_EQ(DecideOn(merge + "MRG|12^^^TAY^MR\r").verdict.reason,
            "identity review");
  // The old number alone is of the cohort.
  const Outcome old = DecideOn(Adt("A40", "5^^^TAY^MR") + "MRG|77^^^TAY^MR\r");
  EXPECT_EQ(old.verdict.reason, "identity review");
  EXPECT_EQ(old.verdict.subject, kFearchar);
  // Both are, and of different people.
  const Outcome two = DecideOn(merge + "MRG|77^^^TAY^MR\r");
  EXPECT_EQ(two.verdict.outcome, OUTCOME_TO_IDENTITY);
  ASSERT_TRUE(two.for_identity.has_value());
  EXPECT_EQ(two.for_identity->review_kind, "MERGED_AT_SOURCE");
  EXPECT_EQ(two.for_identity->subject, kTorquil);
  ASSERT_EQ(two.for_identity->identifiers.size(), 1u);
  EXPECT_EQ(two.for_identity->identifiers[0].value, "77");
}

TEST_F(MappingTest, NumbersOfDifferentPeopleAreHeldAndIdentityIsTold) {
  Decided();
  const Outcome outcome = DecideOn(absl::StrReplaceAll(
      NoShow(), {{"^^^NHSSCOT^CHI", "^^^NHSSCOT^CHI~77^^^TAY^MR"}}));
  EXPECT_EQ(outcome.verdict.outcome, OUTCOME_HELD);
  EXPECT_TRUE(outcome.verdict.subject.empty());
  EXPECT_FALSE(outcome.missed.has_value());
  ASSERT_TRUE(outcome.for_identity.has_value());
  EXPECT_EQ(outcome.for_identity->review_kind, "DIFFERENT_PEOPLE");
  EXPECT_EQ(outcome.for_identity->identifiers.size(), 2u);
}

TEST_F(MappingTest, AnotherAddressIsForIdentityAlone) {
  for (const std::string trigger : {"A08", "A31"}) {
    const Outcome outcome =
        DecideOn(Adt(trigger,
                     "0303790016^^^NHSSCOT^CHI||X||19790303|M|||"
                     "19 FLEUCHAR NEUK^^DUNDEE^^DD4 9ZZ"));
    EXPECT_EQ(outcome.verdict.outcome, OUTCOME_TO_IDENTITY);
    ASSERT_TRUE(outcome.for_identity.has_value());
    EXPECT_EQ(outcome.for_identity->address,
              "19 FLEUCHAR NEUK, DUNDEE, DD4 9ZZ");
    EXPECT_FALSE(outcome.missed.has_value());
    // Without one there is nothing to tell.
    EXPECT_EQ(
        DecideOn(Adt(trigger, "0303790016^^^NHSSCOT^CHI")).verdict.outcome,
        OUTCOME_HELD);
  }
}

TEST_F(MappingTest, WhatIsLetOutLaterKeepsItsTimeAndNeedsItsDecision) {
  const auto release = [this](const std::string& message,
                              const std::string& ref) {
    return DecideRelease(message, mapping_, cohort_, decisions_, ref);
  };
  EXPECT_THAT(release(NoShow(), "D-2001"),
              HasCode(absl::StatusCode::kFailedPrecondition));
  // Decided after the appointment, and taken: a person says so.
  Decided();
  const auto missed = release(NoShow("ALCTX", "20251105112000"), "D-2001");
  ASSERT_THAT(missed, IsOk());
  EXPECT_EQ(absl::FormatTime(missed->time.at, absl::UTCTimeZone()),
            "2025-11-05T11:20:00+00:00");
  EXPECT_EQ(missed->subject, kTorquil);
  EXPECT_EQ(missed->data.decision_ref(), "D-2001");
  for (const auto& [message, ref] :
       {std::pair(NoShow(), "D-2002"), std::pair(NoShow("PSY"), "D-2001"),
        std::pair(NoShow("NEW"), "D-2001"),
        std::pair(NoShow("ALCTX", "20261107112000"), "D-2001"),
        std::pair(Adt("A21", "0303790016^^^NHSSCOT^CHI"), "D-2001"),
        std::pair(Adt("A01", "1104550008^^^NHSSCOT^CHI"), "D-2001")}) {
    EXPECT_THAT(release(message, ref),
                HasCode(absl::StatusCode::kFailedPrecondition))
        << message;
  }
  decisions_.SetCurrent(false, Sequence{2});
  EXPECT_THAT(release(NoShow(), "D-2001"),
              HasCode(absl::StatusCode::kUnavailable));
}

TEST_F(MappingTest, WhatNeverLeavesSaysSoBeforehand) {
  const auto preview = [this](const std::string& message) {
    return PreviewRelease(message, mapping_, cohort_);
  };
  // No decision is made yet, and none need be known.
  decisions_.SetCurrent(false, Sequence{1});
  const auto missed = preview(NoShow("ALC2"));
  ASSERT_THAT(missed, IsOk());
  EXPECT_EQ(missed->data.service_code(), "ALCOHOL_TREATMENT");
  EXPECT_EQ(missed->subject, kTorquil);
  const std::string booked =
      absl::StrReplaceAll(NoShow(), {{"SIU^S26", "SIU^S12"}});
  for (const auto& [message, why] :
       {std::pair(NoShow("ORTH"), "the service is not in the table"),
        std::pair(NoShow("ALCTX", "20251127"), "MSH-7 is no time of day"),
        std::pair(absl::StrReplaceAll(NoShow(), {{"A20017-3", "A 3"}}),
                  "SCH-1 is no usable reference"),
        std::pair(Adt("A21", "0303790016^^^NHSSCOT^CHI"),
                  "leave is never told by a message: state the status "
                  "yourself, then leave this"),
        std::pair(booked,
                  "nothing is told of an appointment before it is missed"),
        std::pair(Adt("A03", "0303790016^^^NHSSCOT^CHI"),
                  "no fact is made of this kind of message: state what "
                  "partners need yourself, then leave this")}) {
    const absl::Status refused = preview(message).status();
    EXPECT_THAT(refused, HasCode(absl::StatusCode::kFailedPrecondition));
    EXPECT_EQ(refused.message(), why);
    // What says so beforehand is what decides.
    Decided();
    EXPECT_EQ(DecideRelease(message, mapping_, cohort_, decisions_, "D-2001")
                  .status(),
              refused);
  }
}

TEST_F(MappingTest, AnUnknownAuthorityIsUnknown) {
  for (const std::string id :
       {"0303790016", "0303790016^^^NHS^CHI", "0303790016^^^NHSSCOT^MR",
        "0303790016^^^^CHI", "0303790017^^^NHSSCOT^CHI"}) {
    EXPECT_EQ(DecideOn(Adt("A01", id)).verdict.outcome, OUTCOME_NOT_IN_COHORT)
        << id;
  }
  EXPECT_EQ(DecideOn(Adt("A01", "9~030379 0016^^^NHSSCOT^CHI")).verdict.outcome,
            OUTCOME_HELD);
}

TEST_F(MappingTest, RefusesTablesThatSayTwoThings) {
  edge::v1::Hl7Edge settings = Settings();
  settings.add_services()->CopyFrom(settings.services(0));
  EXPECT_THAT(Mapping::Build(settings),
              HasCode(absl::StatusCode::kInvalidArgument));
  settings = Settings();
  settings.add_identifiers()->CopyFrom(settings.identifiers(0));
  EXPECT_THAT(Mapping::Build(settings),
              HasCode(absl::StatusCode::kInvalidArgument));
  settings = Settings();
  settings.set_time_zone("Europe/Dundee");
  EXPECT_THAT(Mapping::Build(settings),
              HasCode(absl::StatusCode::kInvalidArgument));
  settings = Settings();
  settings.mutable_listener()->clear_processing_ids();
  EXPECT_THAT(Mapping::Build(settings),
              HasCode(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace concordat::hl7v2
