// Papers of a whole hub on which one person was registered, linked, managed, read,
// and erased: the s.62 extract has all of it, and what shows it is checked offline.
//
// Mutant                                              Caught by
// one of the six operations is not found              TheExtractHasAllSixOperationsAndIsProved
// an erasure stands as a look, or nowhere             the same
// a proof that does not hold, or another's that does  the same
// a period or an agency has no events of the log      APeriodHasWhatTheLogTells
// anybody gets one                                    WhoMayNotAskGetsNone
// a breach's pack leaves out who was shown what       ABreachSaysWhatReachedWhom
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/hub_fixture.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace concordat {
namespace {

using ::testing::HasSubstr;
using testing::IsOk;

// Invented; its last digit is right and it is in no register.
constexpr char kChi[] = "0911870012";

class HubPapersTest : public testing::HubFixture {
 protected:
  HubPapersTest() {
    subject_ =
        Field(Until({"call", "identity.Register",
                     absl::StrCat(R"({"command":{"requestId":"r-1"},)"
                                  R"("familyName":"Dunlappie","givenName":)"
                                  R"("Fearchar","birthDate":"1987-11-09",)"
                                  R"("identifiers":[{"scheme":"chi","value":")",
                                  kChi, R"("}]})"),
                     "--profile", "nhs", "--json"}),
              "subject");
    EXPECT_THAT(subject_, HasSubstr("p-"));
    Until({"call", "identity.ConfirmLink",
           absl::StrCat(R"({"command":{"requestId":"r-2"},"subject":")",
                        subject_, R"(","identifier":{"scheme":"chi","value":")",
                        kChi, R"("},"reason":"name and date of birth agree"})"),
           "--profile", "nhs"});
    Until(
        {"call", "police.StartManagement",
         absl::StrCat(R"({"command":{"requestId":"r-3"},"subject":")", subject_,
                      R"(","management":{"category":"SONR",)"
                      R"("managementRef":"OM-1"}})"),
         "--profile", "police"});
    EXPECT_THAT(Until({"tail", "--from", "earliest", "--count", "1",
                       "--timeout", "20s", "--json", "--profile", "police"}),
                HasSubstr("ManagementStarted"));
    EXPECT_THAT(Until({"person", "pack", subject_, "--profile", "police"}),
                HasSubstr("OM-1"));
  }

  testing::TempDir folder_;
  std::string subject_;
};

TEST_F(HubPapersTest, TheExtractHasAllSixOperationsAndIsProved) {
  Erase(subject_);
  const std::string proof = folder_.PathOf("extract.proof");
  const auto rows = RowsOf({"access", "--person", subject_, "--proof", proof,
                            "--profile", "coordinator"});
  for (const char* operation : {"Collection", "Alteration", "Consultation",
                                "Disclosure", "Combination", "Erasure"}) {
    EXPECT_GT(rows.count(operation) == 0 ? 0 : rows.at(operation), 0u)
        << operation;
  }
  EXPECT_EQ(rows.at("Trees over the access logs"), 7u);
  const auto verified = hub_.Run({"verify", proof});
  ASSERT_THAT(verified, IsOk());
  EXPECT_THAT(*verified, HasSubstr("VERIFIED: an extract that coordinator"));
  EXPECT_THAT(*verified, HasSubstr("Rows of concordat-"));
  // The file is its owner's, and is not written over.
  EXPECT_FALSE(hub_.Run({"documents", "access", "--person", subject_, "--proof",
                         proof, "--profile", "coordinator"})
                   .ok());
  std::stringstream bytes;
  bytes << std::ifstream(proof, std::ios::binary).rdbuf();
  for (const double part : {0.1, 0.3, 0.5, 0.7, 0.9}) {
    std::string changed = bytes.str();
    changed[static_cast<size_t>(part * static_cast<double>(changed.size()))] ^=
        1;
    const std::string path = folder_.PathOf("changed.proof");
    std::ofstream(path, std::ios::binary) << changed;
    const auto refused = hub_.Run({"verify", path});
    EXPECT_FALSE(refused.ok()) << part;
    EXPECT_THAT(std::string(refused.status().message()),
                HasSubstr("NOT VERIFIED"));
  }
  const std::string page = Until({"documents", "access", "--person", subject_,
                                  "--profile", "coordinator"});
  EXPECT_THAT(page, HasSubstr("Holds personal data"));
  EXPECT_THAT(page, HasSubstr("No proof was asked for"));
  EXPECT_GT(RowsOf({"erasures"}).at("Confirmations"), 2u);
}

TEST_F(HubPapersTest, APeriodHasWhatTheLogTells) {
  const auto of_police = RowsOf(
      {"access", "--agency", "police-scotland", "--profile", "coordinator"});
  EXPECT_GT(of_police.at("Collection"), 0u);
  EXPECT_GT(of_police.at("Disclosure"), 0u);
  const auto before =
      RowsOf({"access", "--agency", "police-scotland", "--to",
              "2001-01-01T00:00:00Z", "--profile", "coordinator"});
  for (const char* operation : {"Alteration", "Consultation", "Disclosure"}) {
    EXPECT_EQ(before.at(operation), 0u) << operation;
  }
  const auto of_user =
      RowsOf({"access", "--user", "nhs", "--profile", "coordinator"});
  EXPECT_GT(of_user.at("Combination"), 0u);
  EXPECT_EQ(of_user.at("Disclosure"), 0u);
  const auto combined = RowsOf(
      {"access", "--operation", "combination", "--profile", "coordinator"});
  EXPECT_GT(combined.at("Combination"), 0u);
  EXPECT_EQ(combined.count("Consultation"), 0u);
  // Of its own alone, and of what became of what it controls.
  const std::string own =
      Until({"documents", "access", "--json", "--profile", "guardian-police"});
  EXPECT_THAT(own, HasSubstr("Police Scotland"));
  EXPECT_FALSE(absl::StrContains(own, "NHS Tayside, nhs-liaison"));
}

TEST_F(HubPapersTest, WhoMayNotAskGetsNone) {
  for (const char* profile : {"admin", "police", "nhs"}) {
    for (const std::vector<std::string>& words :
         std::vector<std::vector<std::string>>{
             {"documents", "access"},
             {"documents", "glass"},
             {"documents", "breach", "--person", subject_, "--known",
              "2026-11-27T09:00:00Z"}}) {
      std::vector<std::string> all = words;
      all.insert(all.end(), {"--profile", profile});
      EXPECT_FALSE(hub_.Run(all).ok()) << profile << " " << words[1];
    }
  }
  const auto says = [&](std::vector<std::string> words) {
    words.insert(words.begin(), "documents");
    words.insert(words.end(), {"--profile", "coordinator"});
    const auto answer = hub_.Run(words);
    EXPECT_FALSE(answer.ok());
    return std::string(answer.status().message());
  };
  // Who is not shown all that the agency told makes no pack of it.
  const auto pack =
      hub_.Run({"person", "pack", subject_, "--profile", "guardian-police"});
  EXPECT_FALSE(pack.ok());
  EXPECT_THAT(std::string(pack.status().message()),
              HasSubstr("would not be whole"));
  EXPECT_THAT(says({"nothing"}), HasSubstr("schedule, changes, joint"));
  EXPECT_THAT(says({"schedule"}), HasSubstr("schedule AGREEMENT"));
  EXPECT_THAT(says({"access", "--from", "yesterday"}), HasSubstr("--from"));
  EXPECT_THAT(says({"access", "--operation", "looking"}),
              HasSubstr("--operation"));
  EXPECT_THAT(says({"managed", "31 March"}), HasSubstr("'31 March'"));
  EXPECT_THAT(says({"sample", "2026-03-31"}), HasSubstr("--seed"));
  EXPECT_THAT(says({"sample", "2026-03-31", "--seed", "x", "--level", "7"}),
              HasSubstr("--level"));
  EXPECT_THAT(says({"breach", "--person", subject_, "--known", "now"}),
              HasSubstr("--known"));
  EXPECT_THAT(says({"breach", "--known", "2026-11-27T09:00:00Z"}),
              HasSubstr("--person"));
  EXPECT_THAT(says({"rule", "R99"}), HasSubstr("R01"));
  EXPECT_THAT(says({"changes", "no-such-file"}), HasSubstr("no-such-file"));
}

TEST_F(HubPapersTest, ABreachSaysWhatReachedWhom) {
  const auto rows =
      RowsOf({"breach", "--person", subject_, "--known", "2026-11-27T09:00:00Z",
              "--profile", "guardian-police"});
  EXPECT_GT(rows.at("What reached whom"), 0u);
  EXPECT_EQ(rows.at("Whose data, by controller"), 1u);
  EXPECT_GT(rows.at("Who opened the person"), 0u);
  const auto by_user =
      RowsOf({"breach", "--user", "police", "--known", "2026-11-27T09:00:00Z",
              "--profile", "guardian-police"});
  EXPECT_EQ(by_user.at("What reached whom"), rows.at("What reached whom"));
}

}  // namespace
}  // namespace concordat
