#include "services/mappa/domain/case.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/history.h"
#include "tests/support/status_matchers.h"

namespace concordat::mappa {
namespace {

using ::concordat::testing::HasCode;
using ::concordat::testing::History;
using ::concordat::testing::IsOk;
using ::testing::ElementsAre;

bool IsKnown(absl::string_view agency) {
  return agency == "council" || agency == "police" || agency == "nhs";
}

v1::CaseOpened Opened(std::vector<std::string> parties,
                      const std::string& lead) {
  v1::CaseOpened opened;
  opened.set_case_ref("C-1");
  for (const std::string& party : parties) opened.add_parties(party);
  opened.set_lead(lead);
  return opened;
}

v1::LevelChanged Level(uint32_t from, uint32_t to) {
  v1::LevelChanged level;
  level.set_from_level(from);
  level.set_to_level(to);
  return level;
}

History OpenedHistory() {
  History history;
  history.Add(Opened({"council", "police"}, "council"));
  return history;
}

TEST(Case, OpensOnceWithKnownPartiesOneOfThemLeading) {
  EXPECT_THAT(DecideOpen({}, Opened({"council", "police"}, "council"), IsKnown),
              IsOk());
  for (const auto& wrong :
       {Opened({"council", "stranger"}, "council"),
        Opened({"council", "council"}, "council"),
        Opened({"council", "police"}, "nhs"), Opened({}, "")}) {
    EXPECT_THAT(DecideOpen({}, wrong, IsKnown),
                HasCode(absl::StatusCode::kInvalidArgument));
  }
  EXPECT_THAT(DecideOpen(OpenedHistory().views(),
                         Opened({"council"}, "council"), IsKnown),
              HasCode(absl::StatusCode::kAlreadyExists));
}

TEST(Case, APersonHasOneOpenCaseAtATime) {
  const v1::CaseOpened opened = Opened({"council"}, "council");
  EXPECT_THAT(CheckNoOtherCase(opened, ""), IsOk());
  EXPECT_THAT(CheckNoOtherCase(opened, "C-1"), IsOk());
  const absl::Status other = CheckNoOtherCase(opened, "C-0");
  EXPECT_THAT(other, HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(other.message(), "subject: has an open case, C-0");
}

TEST(Case, LevelFollowsLevel) {
  History history = OpenedHistory();
  EXPECT_THAT(DecideLevel(history.views(), Level(1, 2)),
              HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(DecideLevel(history.views(), Level(0, 0)),
              HasCode(absl::StatusCode::kInvalidArgument));
  const Decision up = DecideLevel(history.views(), Level(0, 2));
  ASSERT_THAT(up, IsOk());
  history.Add(up->front());
  EXPECT_EQ(FoldCase(history.views()).level, 2u);
  EXPECT_THAT(DecideLevel(history.views(), Level(2, 2)),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(DecideLevel(history.views(), Level(2, 1)), IsOk());
}

TEST(Case, PartiesJoinAndLeaveButNotTheLead) {
  History history = OpenedHistory();
  const auto parties = [&](std::vector<std::string> join,
                           std::vector<std::string> leave) {
    return DecideParties(history.views(), "C-1", join, leave, IsKnown);
  };
  EXPECT_THAT(parties({}, {}), HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(parties({"stranger"}, {}),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(parties({"nhs"}, {"nhs"}),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(parties({"police"}, {}),
              HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(parties({}, {"nhs"}),
              HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(parties({}, {"council"}),
              HasCode(absl::StatusCode::kInvalidArgument));
  const Decision both = parties({"nhs"}, {"police"});
  ASSERT_THAT(both, IsOk());
  for (const ProposedEvent& event : *both) history.Add(event);
  EXPECT_THAT(FoldCase(history.views()).parties, ElementsAre("council", "nhs"));
}

TEST(Case, NothingHappensInAClosedCaseOrInNone) {
  History history = OpenedHistory();
  v1::CaseClosed closed;
  closed.set_reason("EXPIRED");
  history.Add(closed);
  for (const auto& [views, code] :
       {std::pair{history.views(), absl::StatusCode::kFailedPrecondition},
        std::pair{std::vector<View>(), absl::StatusCode::kNotFound}}) {
    EXPECT_THAT(DecideLevel(views, Level(0, 1)), HasCode(code));
    EXPECT_THAT(DecideParties(views, "C-1", {"nhs"}, {}, IsKnown),
                HasCode(code));
    EXPECT_THAT(DecideClose(views, closed), HasCode(code));
    EXPECT_THAT(DecideMeeting(views, v1::MeetingHeld(), IsKnown),
                HasCode(code));
  }
}

TEST(Case, AnAgencyIsAtAMeetingOrWroteButNotBoth) {
  const History history = OpenedHistory();
  v1::MeetingHeld meeting;
  meeting.add_present("council");
  meeting.add_written_return("nhs");
  meeting.set_review_on("2026-01-29");
  EXPECT_THAT(DecideMeeting(history.views(), meeting, IsKnown), IsOk());
  v1::MeetingHeld wrong = meeting;
  wrong.add_written_return("council");
  EXPECT_THAT(DecideMeeting(history.views(), wrong, IsKnown),
              HasCode(absl::StatusCode::kInvalidArgument));
  wrong = meeting;
  wrong.add_present("stranger");
  EXPECT_THAT(DecideMeeting(history.views(), wrong, IsKnown),
              HasCode(absl::StatusCode::kInvalidArgument));
  wrong = meeting;
  wrong.set_review_on("2026-02-30");
  EXPECT_THAT(DecideMeeting(history.views(), wrong, IsKnown),
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST(Case, TheLeadGoesToAPartyByWhoLeadsOrTheCoordinator) {
  History history = OpenedHistory();
  v1::LeadChanged change;
  change.set_lead("police");
  EXPECT_THAT(DecideLead(history.views(), change, "police", false),
              HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(DecideLead(history.views(), change, "mappa", true), IsOk());
  const Decision handed = DecideLead(history.views(), change, "council", false);
  ASSERT_THAT(handed, IsOk());
  for (const char* const wrong : {"council", "nhs"}) {
    change.set_lead(wrong);
    EXPECT_THAT(DecideLead(history.views(), change, "council", false),
                HasCode(absl::StatusCode::kInvalidArgument));
  }
  history.Add(handed->front());
  EXPECT_EQ(FoldCase(history.views()).lead, "police");
  EXPECT_THAT(DecideParties(history.views(), "C-1", {}, {"council"}, IsKnown),
              IsOk());
}

TEST(Case, WhoLeadsSaysWhoMaySeeAndKeepsItsOwnSight) {
  History history = OpenedHistory();
  const auto is_somebody = [](absl::string_view entry) {
    return entry != "stranger";
  };
  const auto access = [&](std::vector<std::string> restricted_to,
                          std::vector<std::string> excluded,
                          absl::string_view by = "council") {
    v1::AccessRestricted command;
    command.mutable_restricted_to()->Assign(restricted_to.begin(),
                                            restricted_to.end());
    command.mutable_excluded()->Assign(excluded.begin(), excluded.end());
    return DecideAccess(history.views(), command, by, is_somebody);
  };
  EXPECT_THAT(access({}, {"police/police/bill"}, "police"),
              HasCode(absl::StatusCode::kPermissionDenied));
  for (const auto& wrong :
       {access({}, {"stranger"}), access({"stranger", "council"}, {}),
        access({}, {"police", "police"}), access({"police"}, {"police"}),
        access({"police"}, {}), access({"councillors"}, {}),
        access({}, {"council"})}) {
    EXPECT_THAT(wrong, HasCode(absl::StatusCode::kInvalidArgument));
  }
  EXPECT_THAT(access({"council/officer"}, {}), IsOk());
  EXPECT_THAT(access({}, {"council/officer/bill"}), IsOk());
  const Decision set = access({}, {"police"});
  ASSERT_THAT(set, IsOk());
  history.Add(set->front());
  EXPECT_THAT(FoldCase(history.views()).access.excluded(),
              ElementsAre("police"));
  EXPECT_THAT(access({}, {}), IsOk());
}

TEST(Case, AnErasedOrUnknownEventChangesNothing) {
  History history = OpenedHistory();
  history.Add(ProposedEvent{"concordat.mappa.v1.SomethingNewer", "\x0a\x01x"});
  history.Add(ProposedEvent{"concordat.mappa.v1.PartyLeft", "\xff"});
  EXPECT_THAT(FoldCase(history.views()).parties,
              ElementsAre("council", "police"));
}

}  // namespace
}  // namespace concordat::mappa
