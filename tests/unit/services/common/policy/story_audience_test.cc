// The story's audience table, every row: the demo agreement and the story's
// events give exactly what the story says, at the end and no sooner.
//
// Mutant                                            Caught by
// audience ignored                                  EverybodySeesWhatTheStorySays
// level range ignored (P6's contacts)               EverybodySeesWhatTheStorySays
// lead is the notified field, not the controller    EverybodySeesWhatTheStorySays
// a referral in an open case moves the lead         EverybodySeesWhatTheStorySays
// own is by source alone (mappa's events)           EverybodySeesWhatTheStorySays
// a grant is for every role of its agency           ARoleSeesNoMoreThanItsWorkNeeds
// arrangement is party only from the case           SubmissionLetsTheCoordinatorIn
// its own lines count as sharing                    WhatABoardHasNotDecidedToShare…
#include <array>
#include <fstream>
#include <map>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "concordat/mappa/v1/events.pb.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "services/common/policy/policy.h"
#include "tests/support/demo_types.h"
#include "tests/support/status_matchers.h"

namespace concordat {
namespace {

using testing::IsOk;

constexpr char kPolice[] = "police-scotland";
constexpr char kNhs[] = "nhs-tayside";
constexpr char kCouncil[] = "dundee-city-council";
constexpr char kArrangement[] = "mappa-tayside";
constexpr std::array<const char*, 4> kReaders = {kArrangement, kPolice, kNhs,
                                                 kCouncil};
// As whom their profiles speak.
constexpr std::array<const char*, 4> kRoles = {
    "coordinator", "police", "nhs-liaison", "supervising-officer"};
constexpr uint64_t kEndUs = 1'764'925'200'000'000;  // Fri 5 Dec 2025 09:00.

struct Row {
  const char* no;
  int person;
  const char* type;
  const char* controller;
  const char* facts;  // "parties;lead;level" of a policy-bearing one.
  const char* seen;   // By coordinator, police, nhs, social work.
};

// In the order of arrival.
constexpr Row kStory[] = {
    {"3.1", 3, "court.v1.OrderImposed", kCouncil, "", "-P-S"},
    {"6.1", 6, "court.v1.OrderImposed", kCouncil, "", "-P-S"},
    {"6.2", 6, "socialwork.v1.FirstContactMade", kCouncil, "", "---S"},
    {"1.1", 1, "police.v1.ManagementStarted", kPolice, "", "CP--"},
    {"1.2", 1, "mappa.v1.NotificationReceived", kPolice, "", "CP--"},
    {"6.3", 6, "police.v1.ManagementStarted", kPolice, "", "CP--"},
    {"6.4", 6, "mappa.v1.NotificationReceived", kCouncil, "", "C--S"},
    {"2.1", 2, "socialwork.v1.AssessmentCompleted", kCouncil, "", "CP-S"},
    {"2.2", 2, "socialwork.v1.AssessmentCompleted", kCouncil, "", "CP-S"},
    {"2.3", 2, "mappa.v1.ReferralSubmitted", kCouncil, "", "C--S"},
    {"4.1", 4, "mappa.v1.NotificationReceived", kNhs, "", "C-N-"},
    {"1.3", 1, "mappa.v1.CaseOpened", kArrangement,
     "police-scotland,nhs-tayside;police-scotland;0", "CPN-"},
    {"1.4", 1, "mappa.v1.LevelChanged", kArrangement, ";;1", "CPN-"},
    {"4.2", 4, "mappa.v1.CaseOpened", kArrangement,
     "nhs-tayside,police-scotland;nhs-tayside;0", "CPN-"},
    {"4.3", 4, "mappa.v1.LevelChanged", kArrangement, ";;1", "CPN-"},
    {"6.5", 6, "mappa.v1.CaseOpened", kArrangement,
     "dundee-city-council,police-scotland,nhs-tayside;dundee-city-council;0",
     "CPNS"},
    {"6.6", 6, "mappa.v1.LevelChanged", kArrangement, ";;1", "CPNS"},
    {"4.4", 4, "nhs.v1.RestrictedPatientStatusChanged", kNhs, "", "CPN-"},
    {"3.2", 3, "socialwork.v1.FirstContactMade", kCouncil, "", "---S"},
    {"2.4", 2, "mappa.v1.ReferralDecided", kArrangement, "", "C--S"},
    {"2.5", 2, "mappa.v1.CaseOpened", kArrangement,
     "dundee-city-council,police-scotland,nhs-tayside;dundee-city-council;0",
     "CPNS"},
    {"6.7", 6, "socialwork.v1.ContactRecorded", kCouncil, "", "-P-S"},
    {"6.8", 6, "police.v1.VisitRecorded", kPolice, "", "CP-S"},
    {"3.3", 3, "socialwork.v1.AssessmentCompleted", kCouncil, "", "CP-S"},
    {"3.4", 3, "socialwork.v1.AssessmentCompleted", kCouncil, "", "CP-S"},
    {"3.5", 3, "mappa.v1.ReferralSubmitted", kCouncil, "", "C--S"},
    {"2.6", 2, "mappa.v1.MeetingHeld", kArrangement, "", "CPNS"},
    {"2.7", 2, "mappa.v1.LevelChanged", kArrangement, ";;2", "CPNS"},
    {"3.6", 3, "mappa.v1.ReferralDecided", kArrangement, "", "C--S"},
    {"3.7", 3, "mappa.v1.CaseOpened", kArrangement,
     "dundee-city-council,police-scotland;dundee-city-council;0", "CP-S"},
    {"6.9", 6, "police.v1.ChargeRecorded", kPolice, "", "CP-S"},
    {"2.8", 2, "nhs.v1.SharingDecided", kNhs, "", "--N-"},
    {"4.5", 4, "mappa.v1.ReferralSubmitted", kNhs, "", "C-N-"},
    {"1.5", 1, "police.v1.AddressChanged", kPolice, "", "CP--"},
    {"4.6", 4, "mappa.v1.ReferralDecided", kArrangement, "", "C-N-"},
    {"6.11", 6, "socialwork.v1.ContactRecorded", kCouncil, "", "-P-S"},
    {"2.9", 2, "prison.v1.Released", kCouncil, "", "CPNS"},
    {"1.7", 1, "police.v1.ConcernShared", kPolice, "", "CP--"},
    {"2.10", 2, "socialwork.v1.ContactRecorded", kCouncil, "", "CP-S"},
    {"3.8", 3, "mappa.v1.MeetingHeld", kArrangement, "", "CP-S"},
    {"3.9", 3, "mappa.v1.LevelChanged", kArrangement, ";;2", "CP-S"},
    {"2.11", 2, "police.v1.VisitRecorded", kPolice, "", "CP-S"},
    {"3.10", 3, "police.v1.DomesticIncidentRecorded", kPolice, "", "CP-S"},
    {"3.11", 3, "police.v1.ConcernShared", kPolice, "", "CP-S"},
    {"6.13", 6, "police.v1.ConcernShared", kPolice, "", "CP-S"},
    {"1.8", 1, "nhs.v1.RiskInformationDisclosed", kNhs, "", "CPN-"},
    {"4.7", 4, "mappa.v1.MeetingHeld", kArrangement, "", "CPN-"},
    {"4.8", 4, "mappa.v1.LevelChanged", kArrangement, ";;2", "CPN-"},
    {"2.12", 2, "socialwork.v1.ContactRecorded", kCouncil, "", "CP-S"},
    {"4.9", 4, "nhs.v1.RestrictedPatientStatusChanged", kNhs, "", "CPN-"},
    {"3.12", 3, "socialwork.v1.UnpaidWorkObservationRaised", kCouncil, "",
     "C--S"},
    {"6.14", 6, "socialwork.v1.ContactRecorded", kCouncil, "", "-P-S"},
    {"1.9", 1, "police.v1.ConcernShared", kPolice, "", "CP--"},
    {"6.15", 6, "police.v1.ConcernShared", kPolice, "", "CP-S"},
    {"3.13", 3, "police.v1.DomesticIncidentRecorded", kPolice, "", "CP-S"},
    {"3.14", 3, "police.v1.ChargeRecorded", kPolice, "", "CP-S"},
    {"4.11", 4, "nhs.v1.RestrictedPatientStatusChanged", kNhs, "", "CPN-"},
    {"4.12", 4, "nhs.v1.RestrictedPatientStatusChanged", kNhs, "", "CPN-"},
    {"6.17", 6, "socialwork.v1.ReviewHeld", kCouncil, "", "CP-S"},
    {"2.13", 2, "socialwork.v1.ContactRecorded", kCouncil, "", "CP-S"},
    {"6.16", 6, "socialwork.v1.ContactRecorded", kCouncil, "", "-P-S"},
    {"2.14", 2, "nhs.v1.AppointmentMissed", kNhs, "", "--N-"},
    {"2.15", 2, "nhs.v1.EngagementReported", kNhs, "", "C-NS"},
    {"5.1", 5, "court.v1.OrderImposed", kCouncil, "", "---S"},
    {"6.18", 6, "court.v1.OrderImposed", kCouncil, "", "-P-S"},
    {"2.16", 2, "socialwork.v1.ContactRecorded", kCouncil, "", "CP-S"},
    {"6.19", 6, "socialwork.v1.FirstContactMade", kCouncil, "", "---S"},
    {"2.17", 2, "socialwork.v1.BreachSubmitted", kCouncil, "", "CP-S"},
};

PersonKey Person(int number) {
  return PersonKey({static_cast<uint8_t>(number)});
}

std::string MessageOf(const Row& row) {
  if (absl::EndsWith(row.type, ".CaseOpened")) {
    const std::vector<std::string> parts = absl::StrSplit(row.facts, ';');
    mappa::v1::CaseOpened opened;
    for (const auto party : absl::StrSplit(parts[0], ',')) {
      opened.add_parties(std::string(party));
    }
    opened.set_lead(parts[1]);
    return opened.SerializeAsString();
  }
  if (absl::EndsWith(row.type, ".LevelChanged")) {
    mappa::v1::LevelChanged changed;
    changed.set_to_level(static_cast<uint32_t>(row.facts[2] - '0'));
    return changed.SerializeAsString();
  }
  return "";
}

class StoryAudienceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto types = testing::DemoTypes();
    ASSERT_THAT(types, IsOk());
    types_ = *types;
    policy_ = std::make_unique<PolicyState>(types_);
    std::ifstream file(
        absl::StrCat(getenv("CONCORDAT_SOURCE"),
                     "/deploy/agreements/tayside-demo.textproto"));
    std::stringstream text;
    text << file.rdbuf();
    policy::v1::Agreement agreement;
    ASSERT_TRUE(
        google::protobuf::TextFormat::ParseFromString(text.str(), &agreement));
    ASSERT_THAT(policy_->Adopt(agreement), IsOk());
  }

  HeaderView HeaderOf(const Row& row) {
    type_ = absl::StrCat("concordat.", row.type);
    HeaderView header;
    header.type = type_;
    header.controller = row.controller;
    source_ = absl::StartsWith(row.type, "mappa.")
                  ? "urn:concordat:mappa-tayside:mappa"
                  : absl::StrCat("urn:concordat:", row.controller, ":x");
    header.source = source_;
    header.subject = Person(row.person);
    header.regime = row.controller == std::string(kPolice)
                        ? bus::v1::REGIME_PART3
                        : bus::v1::REGIME_GDPR;
    return header;
  }
  void Fold(const Row& row) {
    ASSERT_THAT(policy_->Apply(HeaderOf(row), MessageOf(row)), IsOk());
  }
  std::string SeenNow(const Row& row) {
    std::string seen = "----";
    for (size_t i = 0; i < kReaders.size(); ++i) {
      if (policy_->Granted(HeaderOf(row), {kReaders[i], kRoles[i], {}},
                           kEndUs)) {
        seen[i] = "CPNS"[i];
      }
    }
    return seen;
  }

  std::shared_ptr<const TypeRegistry> types_;
  std::unique_ptr<PolicyState> policy_;
  std::string type_;
  std::string source_;
};

TEST_F(StoryAudienceTest, EverybodySeesWhatTheStorySays) {
  for (const Row& row : kStory) Fold(row);
  std::map<char, std::array<int, 7>> counts;  // [0]: all persons.
  for (const Row& row : kStory) {
    EXPECT_EQ(SeenNow(row), row.seen) << row.no << " " << row.type;
    for (const char reader : SeenNow(row)) {
      ++counts[reader][0];
      ++counts[reader][static_cast<size_t>(row.person)];
    }
  }
  EXPECT_EQ(counts['C'], (std::array<int, 7>{55, 8, 15, 12, 11, 0, 9}));
  EXPECT_EQ(counts['P'], (std::array<int, 7>{52, 8, 12, 10, 8, 0, 14}));
  EXPECT_EQ(counts['N'], (std::array<int, 7>{23, 3, 7, 0, 11, 0, 2}));
  EXPECT_EQ(counts['S'], (std::array<int, 7>{46, 0, 15, 14, 0, 1, 16}));
}

// Story 1: unpaid work supervisors would see none of what social work sees, and
// who manages them sees orders and first contacts alone.
TEST_F(StoryAudienceTest, ARoleSeesNoMoreThanItsWorkNeeds) {
  for (const Row& row : kStory) Fold(row);
  std::map<std::string, int> counts;
  for (const Row& row : kStory) {
    for (const char* role : {"supervising-officer", "senior", "duty-senior",
                             "lead-officer", "upw-manager", "service-manager",
                             "upw-supervisor", "service", "adapter"}) {
      if (policy_->Granted(HeaderOf(row), {kCouncil, role, {}}, kEndUs) == 0) {
        continue;
      }
      ++counts[role];
      if (role == std::string("upw-manager")) {
        EXPECT_TRUE(absl::EndsWith(row.type, ".OrderImposed") ||
                    absl::EndsWith(row.type, ".FirstContactMade"))
            << role << " " << row.no;
      }
    }
  }
  EXPECT_EQ(counts["supervising-officer"], 46);
  EXPECT_EQ(counts["senior"], 46);
  EXPECT_EQ(counts["duty-senior"], 46);
  EXPECT_EQ(counts["lead-officer"], 46);
  EXPECT_EQ(counts["upw-manager"], 7);
  EXPECT_EQ(counts["service-manager"], 46);
  EXPECT_EQ(counts["upw-supervisor"], 0);
  EXPECT_EQ(counts["service"], counts["adapter"]);
}

TEST_F(StoryAudienceTest, NobodySeesAnythingOfAnotherBeforeTheCase) {
  for (const Row& row : kStory) {
    const std::string seen = SeenNow(row);
    for (size_t i = 0; i < kReaders.size(); ++i) {
      const bool own = std::string(row.controller) == kReaders[i] ||
                       (i == 0 && absl::StartsWith(row.type, "mappa."));
      EXPECT_EQ(seen[i] != '-', own) << row.no << " " << kReaders[i];
    }
  }
}

// Story 6: type-level rights only are 21 wrong deliveries.
TEST_F(StoryAudienceTest, TypeLevelRightsAloneWouldBeWrongTwentyOneTimes) {
  PersonPolicy anybody;
  anybody.case_open = true;
  anybody.parties = {kPolice, kNhs, kCouncil};
  anybody.level = 2;
  int wrong = 0;
  for (const Row& row : kStory) {
    anybody.lead = policy_->Of(Person(row.person)).lead;
    for (size_t i = 0; i < kReaders.size(); ++i) {
      const bool given = policy_->agreements()->Granted(
                             HeaderOf(row), {kReaders[i], kRoles[i], {}},
                             kEndUs, anybody) != 0;
      if (given && row.seen[i] == '-') ++wrong;
    }
  }
  EXPECT_EQ(wrong, 21);
}

TEST_F(StoryAudienceTest, SubmissionLetsTheCoordinatorIn) {
  const Row assessment = {"2.1",    2,  "socialwork.v1.AssessmentCompleted",
                          kCouncil, "", ""};
  const Row referral = {"2.3",    2,  "mappa.v1.ReferralSubmitted",
                        kCouncil, "", ""};
  Fold(assessment);
  EXPECT_EQ(SeenNow(assessment), "---S");
  Fold(referral);
  EXPECT_EQ(SeenNow(assessment), "C--S");
  EXPECT_EQ(SeenNow(referral), "C--S");
}

// Who opens a person without an interest is shown what is shared with somebody.
TEST_F(StoryAudienceTest, WhatABoardHasNotDecidedToShareIsSharedWithNobody) {
  const auto shared = [&](const char* type) {
    return policy_->agreements()->Shared(absl::StrCat("concordat.", type),
                                         kEndUs);
  };
  for (const char* type :
       {"nhs.v1.AppointmentMissed", "nhs.v1.AppointmentAttended",
        "nhs.v1.SharingDecided"}) {
    EXPECT_EQ(shared(type), 0) << type;
  }
  for (const char* type :
       {"nhs.v1.EngagementReported", "police.v1.ConcernShared",
        "socialwork.v1.ContactRecorded"}) {
    EXPECT_NE(shared(type), 0) << type;
  }
}

}  // namespace
}  // namespace concordat
