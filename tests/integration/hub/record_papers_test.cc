// Papers of a whole hub about itself and about people's rights: an edge is revoked, a
// bus killed, a log backed up, a fact restricted, and each stands in its paper.
//
// Mutant                                               Caught by
// a change of the registry never reaches the review    WhoIsRevokedIsInTheReview
// an agency's guardian reads of another's people       the same
// an edge that runs is certified; one that is gone not AnEdgeIsCertifiedOnceItIsGone
// an outage, or a backup that failed, is nowhere       AnOutageAndABackupAreInThePack
// what was known when the hub went down is not asked   the same
// an agency's restriction is not in its records        RightsAreReadByTheirGuardian
// who may not ask gets one                             the same
// the letter depends on who is asked about             LettersAreMade
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/base/system_clock.h"
#include "tests/support/hub_fixture.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace concordat {
namespace {

using ::testing::HasSubstr;
using testing::IsOk;
using ::testing::Not;

constexpr absl::Duration kLong = absl::Seconds(60);
constexpr char kEdge[] = "edge-council";

class HubRecordPapersTest : public testing::HubFixture {
 protected:
  std::string Paper(std::vector<std::string> words) {
    words.insert(words.begin(), "documents");
    return Until(words);
  }
  // As `words` answers once it says so.
  std::string PaperWith(const std::vector<std::string>& words,
                        const std::string& text) {
    const SystemSteadyClock clock;
    const absl::Duration end = clock.Elapsed() + kLong;
    std::string paper;
    do {
      paper = Paper(words);
    } while (paper.find(text) == std::string::npos && clock.Elapsed() < end);
    EXPECT_THAT(paper, HasSubstr(text));
    return paper;
  }
  std::string Refused(std::vector<std::string> words) {
    words.insert(words.begin(), "documents");
    const auto answer = hub_.Run(words);
    EXPECT_FALSE(answer.ok());
    return std::string(answer.status().message());
  }
  // Registered and managed, with an open case of police and council.
  std::string Plant() {
    const std::string subject = Field(
        Until({"call", "identity.Register",
               R"({"command":{"requestId":"r-1"},"familyName":"Dunlappie",)"
               R"("givenName":"Fearchar","birthDate":"1987-11-09",)"
               R"("identifiers":[{"scheme":"council","value":"DCC-70918"}]})",
               "--profile", "socialwork", "--json"}),
        "subject");
    Until({"call", "mappa.OpenCase",
           absl::StrCat(
               R"({"command":{"requestId":"r-2"},"subject":")", subject,
               R"(","caseOpened":{"caseRef":"C-1","lead":"police-scotland",)"
               R"("parties":["police-scotland","dundee-city-council"]}})"),
           "--profile", "coordinator"});
    Until(
        {"call", "police.StartManagement",
         absl::StrCat(R"({"command":{"requestId":"r-3"},"subject":")", subject,
                      R"(","management":{"category":"SONR",)"
                      R"("managementRef":"OM-1"}})"),
         "--profile", "police"});
    // Police are shown it.
    const SystemSteadyClock clock;
    const absl::Duration end = clock.Elapsed() + kLong;
    std::string shown;
    while (shown.find("ManagementStarted") == std::string::npos &&
           clock.Elapsed() < end) {
      shown = hub_.Run({"tail", "--from", "earliest", "--timeout", "1s",
                        "--json", "--profile", "police"})
                  .value_or("");
    }
    EXPECT_THAT(shown, HasSubstr("ManagementStarted"));
    return subject;
  }

  testing::TempDir folder_;
};

TEST_F(HubRecordPapersTest, WhoIsRevokedIsInTheReview) {
  std::filesystem::create_directories(hub_.data().PathOf("gateway/accounts"));
  std::ofstream(hub_.data().PathOf("gateway/accounts/accounts.textproto"))
      << "accounts { name: \"m.carnbee\" password_hash: \"$argon2id$x\" "
         "principal: \"nhs\" display_name: \"M. Carnbee\" staff: \"T-1042\" "
         "changed: 1 }\n";
  ASSERT_THAT(hub_.Run({"account", "record", "m.carnbee", "--trained",
                        "2025-10-01", "--vetted-to", "2020-01-31"}),
              IsOk());
  const auto bad =
      hub_.Run({"account", "record", "m.carnbee", "--trained", "yesterday"});
  EXPECT_THAT(std::string(bad.status().message()), HasSubstr("trained_on"));
  Until({"documents", "people"});
  ASSERT_THAT(hub_.Run({"keys", "revoke", "nhs"}), IsOk());
  const std::string paper = PaperWith({"people"}, ">REVOKED<");
  EXPECT_THAT(paper, HasSubstr("2020-01-31, ENDED"));
  EXPECT_THAT(paper, HasSubstr("2025-10-01"));
  EXPECT_THAT(paper, Not(HasSubstr("argon2id")));
  EXPECT_EQ(RowsOf({"people"}).at("Left"), 1u);
  EXPECT_EQ(RowsOf({"people", "--from", "2001-01-01T00:00:00Z", "--to",
                    "2001-01-02T00:00:00Z"})
                .at("Left"),
            0u);
  const auto of_police = RowsOf({"people", "--profile", "guardian-police"});
  EXPECT_EQ(of_police.at("Left"), 0u);
  EXPECT_EQ(of_police.at("People with an account"), 0u);
  EXPECT_EQ(RowsOf({"people", "--profile", "guardian-nhs"}).at("Left"), 1u);
  EXPECT_THAT(Refused({"people", "--profile", "police"}),
              HasSubstr("guardians"));
  EXPECT_THAT(Refused({"people", "--from", "spring"}), HasSubstr("--from"));
}

TEST_F(HubRecordPapersTest, AnEdgeIsCertifiedOnceItIsGone) {
  EXPECT_THAT(Paper({"decommission", kEdge}), HasSubstr("NOT DECOMMISSIONED"));
  ASSERT_THAT(hub_.Run({"keys", "revoke", kEdge}), IsOk());
  EXPECT_THAT(Paper({"decommission", kEdge}), HasSubstr("still promised"));
  ASSERT_TRUE(std::filesystem::remove(
      hub_.data().PathOf("feeds/dundee-case-files.textproto")));
  const std::string paper =
      PaperWith({"decommission", kEdge}, "may not connect (since");
  EXPECT_THAT(paper, HasSubstr("<h1>Certificate: the edge edge-council"));
  EXPECT_THAT(Refused({"decommission", "edge-nobody"}),
              HasSubstr("edge-health"));
  EXPECT_THAT(Refused({"decommission", kEdge, "--profile", "coordinator"}),
              HasSubstr("not for the role coordinator"));
}

TEST_F(HubRecordPapersTest, AnOutageAndABackupAreInThePack) {
  const std::string subject = Plant();
  const std::string backup = folder_.PathOf("backup");
  ASSERT_THAT(hub_.Run({"log", "backup", "--to", backup}), IsOk());
  // It never writes over a log.
  EXPECT_FALSE(hub_.Run({"log", "restore", "--from", backup}).ok());
  hub_.Kill("concordat-bus");
  hub_.Start("concordat-bus");
  const std::vector<std::string> words = {"resilience", "--profile",
                                          "coordinator"};
  const std::string paper = PaperWith(words, "hub down");
  EXPECT_THAT(paper, HasSubstr("access log of concordat-bus"));
  EXPECT_THAT(paper, HasSubstr("FAILED: "));
  EXPECT_THAT(paper, HasSubstr("NO RESTORE IS RECORDED"));
  const auto rows = RowsOf(words);
  EXPECT_EQ(rows.at("The newest backups"), 1u);
  EXPECT_EQ(rows.at("Restores that were tried"), 1u);
  EXPECT_GT(rows.at("Outages"), 0u);
  EXPECT_GT(rows.at("What each could have known"), 0u);
  // The rehearsal of another machine.
  const std::string record = folder_.PathOf("record.jsonl");
  std::ofstream(record) << "{\"act\":\"restore\",\"at\":\"2025-11-20T02:00:"
                           "00Z\",\"seconds\":3,\"sequence\":4,"
                           "\"accepted_time\":\"2025-11-20T01:00:00Z\","
                           "\"opened\":true}\n";
  EXPECT_THAT(
      Paper({"resilience", "--record", record, "--profile", "coordinator"}),
      HasSubstr("every payload opened"));
  std::ofstream(record) << "not a record\n";
  EXPECT_THAT(
      Refused({"resilience", "--record", record, "--profile", "coordinator"}),
      HasSubstr("record.jsonl: line 1"));
  EXPECT_THAT(Refused({"resilience", "--record", folder_.PathOf("none"),
                       "--profile", "coordinator"}),
              HasSubstr("none"));
  EXPECT_THAT(Refused({"resilience", "--profile", "police"}),
              HasSubstr("records of the hub are read by"));
}

TEST_F(HubRecordPapersTest, RightsAreReadByTheirGuardian) {
  const std::string subject = Plant();
  const auto asked = hub_.Run({"restriction", "on", subject, "--reason",
                               "OBJECTION_PENDING", "--why", "an objection",
                               "--json", "--profile", "service-manager"});
  ASSERT_THAT(asked, IsOk());
  ASSERT_THAT(
      hub_.Run({"restriction", "on", subject, "--reason", "OBJECTION_PENDING",
                "--approve", Field(*asked, "approval"), "--profile",
                "guardian-council"}),
      IsOk());
  const auto own = RowsOf({"rights", "--profile", "guardian-council"});
  EXPECT_EQ(own.at("Restrictions"), 1u);
  EXPECT_EQ(own.at("Objections that were looked at"), 1u);
  EXPECT_EQ(RowsOf({"rights", "--profile", "guardian-nhs"}).at("Restrictions"),
            0u);
  EXPECT_THAT(Refused({"rights", "--profile", "police"}),
              HasSubstr("restrictions are read by"));
}

TEST_F(HubRecordPapersTest, LettersAreMade) {
  const std::string subject = Plant();
  const std::string letter = Paper({"neither", "nhs-tayside"});
  EXPECT_THAT(letter, HasSubstr("neither confirm nor deny"));
  EXPECT_THAT(letter, Not(HasSubstr(subject)));
  EXPECT_THAT(Refused({"neither", "nobody"}), HasSubstr("nhs-tayside"));
  const std::vector<std::string> breach = {"--person",  subject,
                                           "--known",   "2026-11-27T09:00:00Z",
                                           "--profile", "guardian-police"};
  std::vector<std::string> words = breach;
  words.insert(words.begin(), "letters");
  EXPECT_GE(RowsOf(words).at("Letters"), 3u);
  EXPECT_THAT(Paper(words), HasSubstr("section 67"));
  EXPECT_THAT(
      Refused({"letters", "--person", subject, "--profile", "guardian-police"}),
      HasSubstr("--known"));
  const auto ages = RowsOf({"equality", "R07", "--profile", "coordinator"});
  EXPECT_EQ(ages.at("By age"), 6u);
  EXPECT_THAT(Refused({"equality", "R99", "--profile", "coordinator"}),
              HasSubstr("R07"));
}

}  // namespace
}  // namespace concordat
