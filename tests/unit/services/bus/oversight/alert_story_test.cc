// What became of the alerts about a person. The bug each test catches:
//
//   a step is lost, or told in another's alert          TellsTheLifeOfEach
//   a step without its time, agency, who or words       TellsTheLifeOfEach
//   a field of an alert's types was renamed             TellsTheLifeOfEach
//   other events are told as an alert's, or it drops
//   them from what is reported of the person            OtherEventsAreNone
//   an agency is told of another's alert, also of one
//   whose name begins like its own                      AnAgencyIsToldOfItsOwn
//   who only acted on an alert is not told of it        WhoActedIsToldOfIt
//   a dispute is told to others than the owner, words
//   to others than those they were for, or when others
//   were shown it                                       IsToldWhatTheAlertsServiceShows
//   an alert is told to whom nothing of it is shown     OnlyWhoSeesWhatItRestsOnIsToldOfIt
//   escalated or withdrawn, its rule, severity and limit
//   are gone, or an addressee is named twice          WhatIsAddedTakesNothingAway
//   content that was destroyed makes an alert of no
//   name                                                OfWhatWasDestroyedThereIsNone
#include "services/bus/oversight/alert_story.h"

#include "absl/strings/str_cat.h"
#include "concordat/alerts/v1/events.pb.h"
#include "concordat/police/v1/events.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/demo_types.h"
#include "tests/support/fake_event_log.h"
#include "tests/support/status_matchers.h"

namespace concordat::bus {
namespace {

using access::v1::AlertStep;
using access::v1::KnownAlert;
using access::v1::WhoKnewReport;
using concordat::testing::FakeEventLog;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr uint64_t kAcceptBy = 1'764'000'000'000'000;  // 24 Nov 2025.

class AlertStoriesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto types = concordat::testing::DemoTypes();
    ASSERT_THAT(types, concordat::testing::IsOk());
    types_ = *std::move(types);
  }
  // As the next event of a log; its time is 100 times its number.
  template <typename Message>
  bool Take(const Message& message) {
    const std::string type = message.GetTypeName();
    HeaderView header;
    header.type = type;
    const Sequence sequence = log_.Append(header, message.SerializeAsString(),
                                          100 * (log_.end().value + 1));
    return stories_.Take(*log_.ReadOne(sequence), *types_);
  }
  bool Raise(const char* ref, const std::vector<std::string>& addressees) {
    alerts::v1::AlertRaised raised;
    raised.set_alert_ref(ref);
    raised.set_rule("R07");
    raised.set_severity("HIGH");
    raised.set_accept_by(kAcceptBy);
    raised.add_evidence(absl::StrCat("urn:police#", ref));
    for (const std::string& each : addressees) raised.add_addressees(each);
    return Take(raised);
  }
  bool Accept(const char* ref, const char* agency) {
    alerts::v1::AlertAccepted accepted;
    accepted.set_alert_ref(ref);
    accepted.set_agency(agency);
    accepted.set_by("j.tealing");
    accepted.set_action("visits today");
    return Take(accepted);
  }
  WhoKnewReport Told(std::string agency) const {
    WhoKnewReport report;
    const bool of_all = agency == "mappa-tayside";
    stories_.Fill(report,
                  {std::move(agency), of_all, [this](const std::string& event) {
                     return event != unseen_;
                   }});
    return report;
  }
  std::vector<std::string> ToldTo(std::string agency) const {
    std::vector<std::string> refs;
    const WhoKnewReport report = Told(std::move(agency));
    for (const KnownAlert& alert : report.alerts()) {
      refs.push_back(alert.alert_ref());
    }
    return refs;
  }
  // "step: words" of the first alert that it is told of.
  std::vector<std::string> StepsTo(std::string agency) const {
    std::vector<std::string> steps;
    const WhoKnewReport report = Told(std::move(agency));
    if (report.alerts().empty()) return steps;
    for (const AlertStep& step : report.alerts(0).steps()) {
      steps.push_back(absl::StrCat(step.step(), ": ", step.words()));
    }
    return steps;
  }

  std::string unseen_ = "none";  // A reference.
  std::shared_ptr<const TypeRegistry> types_;
  FakeEventLog log_;
  AlertStories stories_;
};

TEST_F(AlertStoriesTest, TellsTheLifeOfEach) {
  EXPECT_TRUE(Raise("A-1", {"police-scotland/police", "nhs-tayside/liaison",
                            "mappa-tayside/co-ordinator"}));
  EXPECT_TRUE(
      Raise("A-2", {"nhs-tayside/liaison", "mappa-tayside/co-ordinator"}));
  EXPECT_TRUE(Accept("A-1", "police-scotland"));
  alerts::v1::AlertPassedOn passed;
  passed.set_alert_ref("A-1");
  passed.set_agency("police-scotland");
  passed.set_by("j.tealing");
  passed.set_to("dundee-city-council/senior");
  passed.set_words("theirs to visit");
  EXPECT_TRUE(Take(passed));
  alerts::v1::AlertClosed closed;
  closed.set_alert_ref("A-2");
  closed.set_agency("nhs-tayside");
  closed.set_by("m.lunan");
  closed.set_outcome("seen at the clinic");
  EXPECT_TRUE(Take(closed));

  const WhoKnewReport report = Told("mappa-tayside");
  ASSERT_THAT(report.alerts(), SizeIs(2));
  const KnownAlert& first = report.alerts(0);
  EXPECT_EQ(first.alert_ref(), "A-1");
  EXPECT_EQ(first.rule(), "R07");
  EXPECT_EQ(first.severity(), "HIGH");
  EXPECT_EQ(first.accept_by(), kAcceptBy);
  EXPECT_THAT(first.addressees(),
              ElementsAre("police-scotland/police", "nhs-tayside/liaison",
                          "mappa-tayside/co-ordinator"));
  ASSERT_THAT(first.steps(), SizeIs(3));
  EXPECT_EQ(first.steps(0).step(), "raised");
  EXPECT_EQ(first.steps(0).sequence(), 1u);
  EXPECT_EQ(first.steps(0).time(), 100u);
  const AlertStep& accepted = first.steps(1);
  EXPECT_EQ(accepted.step(), "accepted");
  EXPECT_EQ(accepted.sequence(), 3u);
  EXPECT_EQ(accepted.time(), 300u);
  EXPECT_EQ(accepted.agency(), "police-scotland");
  EXPECT_EQ(accepted.by(), "j.tealing");
  EXPECT_EQ(accepted.words(), "visits today");
  EXPECT_EQ(first.steps(2).step(), "passed on");
  EXPECT_EQ(first.steps(2).words(), "dundee-city-council/senior");
  const KnownAlert& second = report.alerts(1);
  EXPECT_EQ(second.alert_ref(), "A-2");
  ASSERT_THAT(second.steps(), SizeIs(2));
  EXPECT_EQ(second.steps(1).step(), "closed");
  EXPECT_EQ(second.steps(1).words(), "seen at the clinic");
}

TEST_F(AlertStoriesTest, OtherEventsAreNone) {
  police::v1::ConcernShared concern;
  concern.set_concern_type("CHILDREN_AT_ADDRESS");
  EXPECT_FALSE(Take(concern));
  EXPECT_THAT(ToldTo("mappa-tayside"), IsEmpty());
}

TEST_F(AlertStoriesTest, AnAgencyIsToldOfItsOwn) {
  Raise("A-1", {"police-scotland/police"});
  Raise("A-2", {"nhs-tayside/liaison", "police-scotland/duty"});
  Raise("A-3", {"nhs-tayside-south/liaison"});
  EXPECT_THAT(ToldTo("police-scotland"), ElementsAre("A-1", "A-2"));
  EXPECT_THAT(ToldTo("nhs-tayside"), ElementsAre("A-2"));
  EXPECT_THAT(ToldTo("mappa-tayside"), IsEmpty());
  EXPECT_THAT(ToldTo(""), IsEmpty());
}

TEST_F(AlertStoriesTest, WhoActedIsToldOfIt) {
  Raise("A-1", {"police-scotland/police"});
  Raise("A-2", {"police-scotland/police"});
  Accept("A-2", "dundee-city-council");
  EXPECT_THAT(ToldTo("dundee-city-council"), ElementsAre("A-2"));
}

TEST_F(AlertStoriesTest, IsToldWhatTheAlertsServiceShows) {
  Raise("A-1", {"police-scotland/police", "nhs-tayside/liaison",
                "mappa-tayside/co-ordinator"});
  alerts::v1::AlertShown shown;
  shown.set_alert_ref("A-1");
  shown.set_agency("nhs-tayside");
  shown.set_by("m.lunan");
  Take(shown);
  alerts::v1::AlertDisputed disputed;
  disputed.set_alert_ref("A-1");
  disputed.set_agency("nhs-tayside");
  disputed.set_by("m.lunan");
  disputed.set_reason("it is not he");
  Take(disputed);
  alerts::v1::AlertPassedOn passed;
  passed.set_alert_ref("A-1");
  passed.set_agency("police-scotland");
  passed.set_by("j.tealing");
  passed.set_to("dundee-city-council/senior");
  passed.set_words("theirs to visit");
  Take(passed);
  Accept("A-1", "police-scotland");
  const std::string said = "theirs to visit; dundee-city-council/senior";
  // The owner is told of the dispute, and not when others were shown it.
  EXPECT_THAT(
      StepsTo("police-scotland"),
      ElementsAre("raised: ", "disputed: it is not he",
                  absl::StrCat("passed on: ", said), "accepted: visits today"));
  EXPECT_THAT(StepsTo("nhs-tayside"),
              ElementsAre("raised: ", "shown: ", "disputed: it is not he",
                          "passed on: dundee-city-council/senior",
                          "accepted: visits today"));
  // To whom it was passed on, it was said to.
  EXPECT_THAT(StepsTo("dundee-city-council"),
              ElementsAre("raised: ", absl::StrCat("passed on: ", said),
                          "accepted: visits today"));
  EXPECT_THAT(StepsTo("mappa-tayside"),
              ElementsAre("raised: ", "shown: ",
                          "passed on: dundee-city-council/senior",
                          "accepted: visits today"));
}

TEST_F(AlertStoriesTest, OnlyWhoSeesWhatItRestsOnIsToldOfIt) {
  Raise("A-1", {"police-scotland/police"});
  Raise("A-2", {"police-scotland/police"});
  unseen_ = "urn:police#A-1";
  EXPECT_THAT(ToldTo("police-scotland"), ElementsAre("A-2"));
  alerts::v1::AlertEvidenceAdded added;
  added.set_alert_ref("A-1");
  added.add_evidence("urn:police#other");
  Take(added);
  EXPECT_THAT(ToldTo("police-scotland"), ElementsAre("A-1", "A-2"));
}

TEST_F(AlertStoriesTest, WhatIsAddedTakesNothingAway) {
  Raise("A-1", {"police-scotland/police"});
  alerts::v1::AlertEscalated escalated;
  escalated.set_alert_ref("A-1");
  escalated.set_step(1);
  escalated.add_addressees("police-scotland/duty-inspector");
  escalated.set_accept_by(kAcceptBy + 60);
  EXPECT_TRUE(Take(escalated));
  alerts::v1::AlertWithdrawn withdrawn;
  withdrawn.set_alert_ref("A-1");
  withdrawn.add_addressees("police-scotland/police");
  EXPECT_TRUE(Take(withdrawn));
  const WhoKnewReport report = Told("police-scotland");
  ASSERT_THAT(report.alerts(), SizeIs(1));
  const KnownAlert& alert = report.alerts(0);
  EXPECT_EQ(alert.rule(), "R07");
  EXPECT_EQ(alert.severity(), "HIGH");
  EXPECT_EQ(alert.accept_by(), kAcceptBy + 60);
  EXPECT_THAT(
      alert.addressees(),
      ElementsAre("police-scotland/police", "police-scotland/duty-inspector"));
  ASSERT_THAT(alert.steps(), SizeIs(3));
  EXPECT_EQ(alert.steps(1).step(), "escalated");
  EXPECT_EQ(alert.steps(2).step(), "withdrawn");
}

TEST_F(AlertStoriesTest, OfWhatWasDestroyedThereIsNone) {
  EXPECT_TRUE(Take(alerts::v1::AlertRaised()));
  EXPECT_THAT(ToldTo("mappa-tayside"), IsEmpty());
}

}  // namespace
}  // namespace concordat::bus
