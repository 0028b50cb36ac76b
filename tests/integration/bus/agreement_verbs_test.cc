// concordat agreements at the command line, on a real bus: each verb does what it says,
// and each wrong input is refused by name and changes nothing.
//
// Mutant                                            Caught by
// a key file is written over, or one is no key      AKeyIsMadeOnceAndNamedWhenItIsNone
// a party signs what is not its own                 APartySignsItsOwnTextsAlone
// another party's key, or a changed byte, is taken  WhatIsAdoptedIsWhatItsPartiesSigned
// an older or unknown version, or one that is over  WhatIsAdoptedIsWhatItsPartiesSigned
// an early end of another version, or in the past   AnEarlyEndIsOfTheNewestVersionAndOfNow
// a candidate that is none, a day that is none      TrialsSayWhichInputIsWrong
// `list` is silent about what ended, or whom to ring  AnEarlyEndIsOfTheNewestVersionAndOfNow
// what a full disk took is a success                WhatCannotBePrintedIsNoSuccess
#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "absl/strings/str_replace.h"
#include "tests/integration/bus/bus_fixture.h"
#include "tests/support/temp_dir.h"

namespace concordat {
namespace {

using ::testing::AllOf;
using ::testing::Not;

struct Said {
  int code = -1;
  std::string words;  // Of both streams.
};

MATCHER_P(Refuses, words, "") {
  *result_listener << arg.code << ": " << arg.words;
  return arg.code != 0 && arg.words.find(words) != std::string::npos;
}
MATCHER_P(Says, words, "") {
  *result_listener << arg.code << ": " << arg.words;
  return arg.code == 0 && arg.words.find(words) != std::string::npos;
}

class AgreementVerbsTest : public BusProcessTest {
 protected:
  Said Agreements(const std::string& words,
                  const std::string& streams = "2>&1") {
    const std::string command =
        absl::StrCat(std::getenv("CONCORDAT_BIN"), "/concordat agreements ",
                     words, " --data ", bus_.data().path(), " ", streams);
    Said said;
    FILE* const output = popen(command.c_str(), "r");
    char piece[512];
    while (std::fgets(piece, sizeof(piece), output) != nullptr) {
      said.words += piece;
    }
    said.code = WEXITSTATUS(pclose(output));
    return said;
  }
  std::string File(const std::string& name, const std::string& text) {
    const std::string path = absl::StrCat(folder_.path(), "/", name);
    std::ofstream(path) << text;
    return path;
  }
  std::string KeyOf(const std::string& party) {
    return bus_.data().PathOf(absl::StrCat("keys/sign-", party, ".key"));
  }
  // The demo's agreement in another version.
  std::string Text(int version) {
    std::ifstream in(bus_.data().PathOf("agreements/tayside-demo.textproto"));
    std::stringstream text;
    text << in.rdbuf();
    // The directory has the one that was adopted last.
    const std::string wanted = absl::StrCat("version: ", version);
    return absl::StrReplaceAll(
        text.str(), {{"version: 8", wanted}, {"version: 9", wanted}});
  }
  std::string Signed(const std::string& path) {
    for (const char* party :
         {"police-scotland", "nhs-tayside", "dundee-city-council"}) {
      EXPECT_THAT(Sign(path, party), Says(party));
    }
    return path;
  }
  Said Sign(const std::string& path, const std::string& party) {
    return Agreements(absl::StrCat("sign ", path, " --key ", KeyOf(party),
                                   " --party ", party, " --office demo"));
  }
  std::string Retirement(int version, const std::string& from = "") {
    return absl::StrCat(
        "name: \"tayside-demo\"\nversion: ", version,
        "\nparty: \"nhs-tayside\"\nreason: \"the board left\"\n",
        from.empty() ? "" : absl::StrCat("from: \"", from, "\"\n"));
  }

  testing::TempDir folder_;
};

TEST_F(AgreementVerbsTest, AKeyIsMadeOnceAndNamedWhenItIsNone) {
  const std::string key = absl::StrCat(folder_.path(), "/board.key");
  EXPECT_THAT(Agreements("new-key " + key), Says("signatories.textproto"));
  struct stat status = {};
  ASSERT_EQ(stat(key.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_THAT(Agreements("new-key " + key), Refuses("board.key"));
  const std::string text = File("next.textproto", Text(9));
  const std::string none = File("none.key", "not a key\n");
  EXPECT_THAT(Agreements(absl::StrCat("sign ", text, " --key ", none,
                                      " --party nhs-tayside")),
              Refuses("none.key: not 64 hexadecimal digits"));
  EXPECT_THAT(Agreements(absl::StrCat("sign ", text, " --key ", folder_.path(),
                                      "/gone.key --party nhs-tayside")),
              Refuses("gone.key"));
  EXPECT_THAT(Agreements("sign " + text), Refuses("--key KEYFILE --party"));
}

TEST_F(AgreementVerbsTest, WhatCannotBePrintedIsNoSuccess) {
  EXPECT_THAT(Agreements("list", "2>&1 >/dev/full"),
              Refuses("concordat agreements: not all of it could be printed"));
}

TEST_F(AgreementVerbsTest, APartySignsItsOwnTextsAlone) {
  const std::string text = File("next.textproto", Text(9));
  EXPECT_THAT(
      Agreements(absl::StrCat("sign ", text, " --key ", KeyOf("nhs-tayside"),
                              " --party nhs-fife")),
      Refuses("--party nhs-fife?"));
  EXPECT_THAT(Sign(File("end.textproto", Retirement(8)), "police-scotland"),
              Refuses("is of nhs-tayside"));
  EXPECT_THAT(
      Sign(File("odd.textproto", "name: \"x\" nonsense: 1\n"), "nhs-tayside"),
      Refuses("odd.textproto"));
  EXPECT_THAT(Sign(folder_.path() + "/gone.textproto", "nhs-tayside"),
              Refuses("gone.textproto"));
}

TEST_F(AgreementVerbsTest, WhatIsAdoptedIsWhatItsPartiesSigned) {
  const std::string text = File("next.textproto", Text(9));
  EXPECT_THAT(Agreements("adopt " + text), Refuses("nobody has signed it"));
  // By the police's key in the board's name.
  EXPECT_THAT(Agreements(absl::StrCat("sign ", text, " --key ",
                                      KeyOf("police-scotland"),
                                      " --party nhs-tayside")),
              Says("nhs-tayside"));
  EXPECT_THAT(Agreements("adopt " + text),
              Refuses("nhs-tayside: the key may not sign for it"));
  EXPECT_THAT(Sign(text, "nhs-tayside"), Says("nhs-tayside"));
  EXPECT_THAT(Agreements("adopt " + text), Refuses("not signed by"));
  Signed(text);
  EXPECT_THAT(Agreements("adopt --check " + text), Says("may be adopted"));
  EXPECT_THAT(Agreements("list"), Says("tayside-demo version 8"));
  // One byte after it was signed.
  File("next.textproto", Text(9) + " ");
  EXPECT_THAT(Agreements("adopt " + text), Refuses("of another text"));
  File("next.textproto", Text(9));
  EXPECT_THAT(Agreements("adopt " + text), Says("version 9 is adopted"));
  EXPECT_THAT(Agreements("adopt " + text), Says("was adopted before"));
  EXPECT_THAT(Agreements("list"), Says("tayside-demo version 9"));
  EXPECT_THAT(Agreements("show tayside-demo"), Says("months_after_case: 24"));
  EXPECT_THAT(Agreements("show nothing"), Refuses("no agreement nothing"));

  const std::string older = Signed(File("older.textproto", Text(7)));
  EXPECT_THAT(Agreements("adopt " + older), Refuses("version 9 is adopted"));
  // The story's day is 3 November 2025.
  const std::string over = Signed(
      File("over.textproto",
           absl::StrReplaceAll(Text(10), {{"2026-09-30", "2025-10-31"}})));
  EXPECT_THAT(Agreements("adopt " + over),
              Refuses("valid_to: 2025-10-31 is past"));
  const std::string odd = File("odd.textproto", "name: \"x\" nonsense: 1\n");
  EXPECT_THAT(Agreements("adopt " + odd), Refuses("nonsense"));
  EXPECT_THAT(Agreements("adopt " + text + " --profile police"), Not(Says("")));
  EXPECT_THAT(Agreements("list"), Says("tayside-demo version 9"));
}

TEST_F(AgreementVerbsTest, AnEarlyEndIsOfTheNewestVersionAndOfNow) {
  const auto signed_end = [&](const std::string& text) {
    const std::string path = File("end.textproto", text);
    EXPECT_THAT(Sign(path, "nhs-tayside"), Says("nhs-tayside"));
    return path;
  };
  EXPECT_THAT(Agreements("retire " + signed_end(Retirement(7))),
              Refuses("version 8 is the newest"));
  EXPECT_THAT(Agreements("retire " + signed_end(Retirement(10))),
              Refuses("version 8 is the newest"));
  EXPECT_THAT(Agreements("retire " +
                         signed_end(absl::StrReplaceAll(
                             Retirement(8), {{"tayside-demo", "tayside"}}))),
              Refuses("no agreement tayside"));
  EXPECT_THAT(Agreements("retire " + signed_end(Retirement(8, "2025-10-01"))),
              Refuses("from: 2025-10-01 is past"));
  EXPECT_THAT(Agreements("retire " + signed_end(Retirement(8, "soon"))),
              Refuses("from"));
  const std::string path = signed_end(Retirement(8));
  File("end.textproto", Retirement(8) + "\n");
  EXPECT_THAT(Agreements("retire " + path), Refuses("of another text"));
  EXPECT_THAT(Agreements("list"), AllOf(Says("in force"), Not(Says("Ring"))));

  EXPECT_THAT(Agreements("retire " + signed_end(Retirement(8, "2025-11-20"))),
              Says("is over from"));
  EXPECT_THAT(Agreements("list"),
              Says("The agreement tayside-demo ends on 19 November 2025, in "
                   "16 days, early (the board left)."));
  EXPECT_THAT(Agreements("retire " + signed_end(Retirement(8))),
              Says("is over from"));
  EXPECT_THAT(
      Agreements("list"),
      Says("Nothing is shared by tayside-demo since 3 November 2025: the "
           "agreement ended early (the board left). Ring the MAPPA "
           "co-ordinator, 01632 960100."));
}

TEST_F(AgreementVerbsTest, TrialsSayWhichInputIsWrong) {
  ASSERT_TRUE(Publish(*Connect("service-mappa"), Opened("o-1", 1)).accepted);
  const std::string same = File("same.textproto", Text(9));
  EXPECT_THAT(Agreements("diff " + same), Says("nothing changes"));
  EXPECT_THAT(Agreements("simulate " + same),
              Says("nobody would see more or less"));
  const std::string less =
      File("less.textproto",
           absl::StrReplaceAll(
               Text(9), {{"types: \"concordat.mappa.v1.CaseOpened\"\n", ""}}));
  EXPECT_THAT(Agreements("diff " + less), Says("sees less"));
  EXPECT_THAT(Agreements(absl::StrCat("diff ", less, " ", same)),
              Says("sees more"));
  EXPECT_THAT(Agreements("simulate " + less), Says("CaseOpened"));
  const std::string longer =
      File("longer.textproto",
           absl::StrReplaceAll(
               Text(9), {{"months_after_case: 24", "months_after_case: 36"}}));
  EXPECT_THAT(Agreements("diff " + longer),
              Says("kept after a case: 24 months becomes 36 months"));

  const std::string odd = File("odd.textproto", "name: \"x\" nonsense: 1\n");
  EXPECT_THAT(Agreements("diff " + odd), Refuses("nonsense"));
  const std::string half =
      File("half.textproto",
           absl::StrReplaceAll(Text(9), {{"months_after_event: 13", ""}}));
  EXPECT_THAT(Agreements("diff " + half),
              Refuses("retention: months_after_event is 0"));
  EXPECT_THAT(Agreements("simulate " + odd), Refuses("nonsense"));
  EXPECT_THAT(Agreements("diff " + folder_.path() + "/gone.textproto"),
              Refuses("gone.textproto"));
  EXPECT_THAT(Agreements("simulate " + same + " --from yesterday"),
              Refuses("--from"));
  EXPECT_THAT(Agreements("simulate " + same + " --to 2026-02-30"),
              Refuses("--to"));
  EXPECT_THAT(
      Agreements("simulate " + same + " --from 2025-12-01 --to 2025-11-01"),
      Refuses("from"));
  EXPECT_THAT(Agreements("mend " + same), Refuses("simulate CANDIDATE"));
}

}  // namespace
}  // namespace concordat
