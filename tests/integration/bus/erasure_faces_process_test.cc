// What people say to the register of erasures, and what is wrong with an asking, at
// the real concordat-bus. What each test catches:
//
//   complete while something by hand is not done,         WhatIsDoneByHandIsWaitedFor
//     or done by whom has no right, or said twice
//   bad input taken, answered without its name, or        WhatIsWrongWithAnAsking…
//     recorded; the same of a command                     WhatIsWrongWithACommand…
//   a restriction undone by one that is recorded beside   OfTwoAgenciesThatRestrict…
//     it, or refused because of it
#include <fstream>
#include <sstream>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "tests/integration/bus/erasure_fixture.h"

namespace concordat {
namespace {

class ErasureFacesTest : public ErasureProcessTest {};

TEST_F(ErasureFacesTest, WhatIsDoneByHandIsWaitedFor) {
  ASSERT_TRUE(Publish(*Connect("police"), Marked("c-1", kPerson)).accepted);
  bus::v1::ErasePersonRequest both = Of(kPerson);
  both.add_also(KeyText(kOther));
  both.set_confirmed_count(1);
  const auto erased = ByTwo<bus::v1::ErasePersonResponse>("ErasePerson", both);
  ASSERT_THAT(erased, IsOk());
  // Of each erasure, the newest first, the steps and who says that they are done.
  const auto steps = [&] {
    std::vector<std::string> all;
    const auto list = Erasures<bus::v1::ListErasuresResponse>(
        "admin", "ListErasures", bus::v1::ListErasuresRequest());
    EXPECT_THAT(list, IsOk());
    for (const auto& erasure : list->erasures()) {
      for (const auto& one : erasure.confirmations()) {
        if (one.by_hand().empty()) continue;
        all.push_back(absl::StrCat(one.holder(), " ", one.by()));
      }
    }
    return all;
  };
  const auto waits_for = [&] {
    const auto list = Erasures<bus::v1::ListErasuresResponse>(
        "admin", "ListErasures", bus::v1::ListErasuresRequest());
    return list.ok() ? list->erasures(1).waits_for() : 0;
  };
  // Copies are of both keys, a gateway's drafts of each.
  EXPECT_THAT(steps(), ElementsAre("gateway ", "gateway ", "key-file-copies ",
                                   "identity-copies "));
  const uint32_t before = waits_for();
  const auto confirm = [&](absl::string_view principal, auto say) {
    bus::v1::ConfirmErasureRequest request;
    request.set_step("gateway");
    request.set_erasure_ref(erased->erasure_ref());
    say(request);
    return Erasures<bus::v1::ConfirmErasureResponse>(principal,
                                                     "ConfirmErasure", request);
  };
  const auto by_key = [](auto& of) {
    of.clear_erasure_ref();
    of.set_subject(KeyText(kPerson));
    of.set_destroyed(2);
  };
  uint64_t end = LogStatus().end_sequence();
  EXPECT_THAT(confirm("police", by_key),
              HasCode(absl::StatusCode::kPermissionDenied));
  const auto wrong = [&](auto say) {
    return std::string(confirm("admin", say).status().message());
  };
  EXPECT_THAT(wrong([](auto& of) { of.clear_step(); }), HasSubstr("step: "));
  EXPECT_THAT(wrong([](auto& of) { of.set_step("gate"); }),
              HasSubstr("no such step by hand, but gateway, key-file-copies"));
  EXPECT_THAT(wrong([](auto& of) { of.set_keeps_because("LEGAL_CLAIM"); }),
              HasSubstr("keeps_because: "));
  EXPECT_THAT(wrong([](auto& of) { of.set_subject(KeyText(kPerson)); }),
              HasSubstr("not both"));
  EXPECT_THAT(wrong([](auto& of) {
                of.clear_erasure_ref();
                of.set_subject("Torquil");
              }),
              HasSubstr("subject: no person key"));
  EXPECT_THAT(wrong([](auto& of) {
                of.clear_erasure_ref();
                of.set_subject(KeyText(kPerson + 9));
              }),
              HasSubstr("subject: nobody was erased"));
  EXPECT_THAT(confirm("admin", [](auto& of) { of.set_erasure_ref("E-1"); }),
              HasCode(absl::StatusCode::kNotFound));
  EXPECT_EQ(LogStatus().end_sequence(), end);

  auto done = confirm("admin", by_key);
  ASSERT_THAT(done, IsOk());
  EXPECT_EQ(done->erasure().erasure_ref(), erased->erasure_ref());
  EXPECT_EQ(waits_for(), before - 1);
  // The first word stands.
  end = LogStatus().end_sequence();
  done = confirm("second-operator", by_key);
  ASSERT_THAT(done, IsOk());
  EXPECT_EQ(LogStatus().end_sequence(), end);
  for (const char* step : {"key-file-copies", "identity-copies"}) {
    ASSERT_THAT(
        confirm("second-operator", [&](auto& of) { of.set_step(step); }),
        IsOk());
  }
  EXPECT_THAT(steps(), ElementsAre("gateway ", "gateway admin",
                                   "key-file-copies second-operator",
                                   "identity-copies second-operator"));
  EXPECT_EQ(waits_for(), before - 3);
  // It is in the log.
  bus_.Kill();
  bus_.Start();
  EXPECT_EQ(waits_for(), before - 3);
}

TEST_F(ErasureFacesTest, WhatIsWrongWithAnAskingIsNamedAndNothingRecorded) {
  ASSERT_TRUE(Publish(*Connect("police"), Marked("c-1", kPerson)).accepted);
  struct Bad {
    const char* principal;
    const char* method;
    std::string request;
    absl::StatusCode code;
    const char* named;
  };
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  constexpr auto kFailed = absl::StatusCode::kFailedPrecondition;
  std::vector<Bad> all;
  const auto erase = [&](const char* named, auto spoil,
                         absl::StatusCode code = kInvalid) {
    bus::v1::ErasePersonRequest request = Of(kPerson);
    request.set_confirmed_count(1);
    request.set_why("the board's decision");
    spoil(request);
    all.push_back(
        {"admin", "ErasePerson", request.SerializeAsString(), code, named});
  };
  erase("subject: ", [](auto& of) { of.clear_subject(); });
  erase("subject: ", [](auto& of) { of.set_subject("Torquil"); });
  erase("also: ", [](auto& of) { of.add_also("Torquil"); });
  erase("also: ", [](auto& of) {
    for (int i = 0; i < 16; ++i) of.add_also(KeyText(20 + i));
  });
  erase("reason: ", [](auto& of) { of.clear_reason(); });
  erase("why: ", [](auto& of) { of.clear_why(); });
  erase("why: ", [](auto& of) { of.set_why(std::string(201, 'x')); });
  erase(
      "there are 1 events now, not 2",
      [](auto& of) { of.set_confirmed_count(2); }, kFailed);
  const auto place = [&](const char* named, auto spoil) {
    bus::v1::PlaceHoldRequest request;
    request.set_subject(KeyText(kPerson));
    request.set_reason("SIGNIFICANT_CASE_REVIEW");
    request.set_review_on("2027-04-01");
    request.set_why("the board's decision");
    spoil(request);
    all.push_back(
        {"admin", "PlaceHold", request.SerializeAsString(), kInvalid, named});
  };
  place("subject: ", [](auto& of) { of.clear_subject(); });
  place("subject: ", [](auto& of) { of.set_subject("Torquil"); });
  place("reason: ", [](auto& of) { of.clear_reason(); });
  place("review_on: ", [](auto& of) { of.clear_review_on(); });
  place("review_on: ", [](auto& of) { of.set_review_on("next April"); });
  place("review_on: ", [](auto& of) { of.set_review_on("2027-02-30"); });
  place("why: ", [](auto& of) { of.clear_why(); });
  const auto restrict = [&](const char* named, auto spoil,
                            absl::StatusCode code = kInvalid) {
    bus::v1::RestrictProcessingRequest request;
    request.set_subject(KeyText(kPerson));
    request.set_restricted(true);
    request.set_reason("ACCURACY_CONTESTED");
    request.set_why("the person says it was somebody else");
    spoil(request);
    all.push_back({"service-manager", "RestrictProcessing",
                   request.SerializeAsString(), code, named});
  };
  restrict("subject: ", [](auto& of) { of.set_subject("Torquil"); });
  restrict("reason: ", [](auto& of) { of.clear_reason(); });
  restrict("why: ", [](auto& of) { of.clear_why(); });
  restrict(
      "it is not restricted", [](auto& of) { of.set_restricted(false); },
      kFailed);

  const uint64_t end = LogStatus().end_sequence();
  for (const Bad& bad : all) {
    SCOPED_TRACE(absl::StrCat(bad.method, ", ", bad.named));
    const auto channel =
        OpenChannel(bus_.data(), "concordat-bus", bad.principal, kLong);
    ASSERT_THAT(channel, IsOk());
    const auto answer = GenericCall(
        *channel, absl::StrCat("concordat.bus.v1.ErasureService/", bad.method),
        bad.request, {});
    EXPECT_THAT(answer, HasCode(bad.code));
    EXPECT_THAT(std::string(answer.status().message()), HasSubstr(bad.named));
    EXPECT_EQ(LogStatus().end_sequence(), end);
  }
  // Each was wrong in that alone.
  EXPECT_THAT(Erase(kPerson, 1), IsOk());
}

// Each says all that are restricted of the person.
TEST_F(ErasureFacesTest, OfTwoAgenciesThatRestrictAtOnceNeitherIsUndone) {
  const std::string path = bus_.data().PathOf("registry.textproto");
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  EXPECT_EQ(bus_.Stop(), 0);
  const std::string right = " may_agree: \"restriction\"";
  std::ofstream(path) << absl::StrReplaceAll(
      text.str(), {{"name: \"nhs\"", absl::StrCat("name: \"nhs\"", right)},
                   {"name: \"guardian-nhs\"",
                    absl::StrCat("name: \"guardian-nhs\"", right)}});
  bus_.Start();
  constexpr int kPeople = 4;
  const auto restriction = [](int person) {
    bus::v1::RestrictProcessingRequest request;
    request.set_subject(KeyText(person));
    request.set_restricted(true);
    request.set_reason("ACCURACY_CONTESTED");
    request.set_why("the person says it was somebody else");
    return request;
  };
  const auto ask = [&](const char* principal, int person) {
    auto request = restriction(person);
    const auto asked = Erasures<bus::v1::RestrictProcessingResponse>(
        principal, "RestrictProcessing", request);
    EXPECT_THAT(asked, IsOk());
    if (asked.ok()) request.set_approval(asked->asked().approval());
    return request;
  };
  const auto agree = [&](const char* principal,
                         const bus::v1::RestrictProcessingRequest& request) {
    absl::StatusOr<bus::v1::RestrictProcessingResponse> agreed;
    const absl::Duration until = SteadyNow() + kLong;
    do {
      agreed = Erasures<bus::v1::RestrictProcessingResponse>(
          principal, "RestrictProcessing", request);
    } while (absl::IsUnavailable(agreed.status()) && SteadyNow() < until);
    EXPECT_THAT(agreed, IsOk());
  };
  for (int person = 1; person <= kPeople; ++person) {
    const auto council = ask("service-manager", person);
    const auto board = ask("nhs", person);
    std::thread other([&] { agree("guardian-nhs", board); });
    agree("guardian-council", council);
    other.join();
  }
  for (const char* guardian : {"guardian-council", "guardian-nhs"}) {
    const auto list = Erasures<bus::v1::ListRestrictionsResponse>(
        guardian, "ListRestrictions", bus::v1::ListRestrictionsRequest());
    ASSERT_THAT(list, IsOk());
    ASSERT_EQ(list->restrictions_size(), kPeople) << guardian;
    for (const auto& each : list->restrictions()) {
      EXPECT_EQ(each.to(), 0u) << guardian;
    }
  }
}

// The same by the commands of people, each of which begins right.
TEST_F(ErasureFacesTest, WhatIsWrongWithACommandIsNamedAndNothingRecorded) {
  struct Bad {
    std::string words;
    const char* named;
  };
  const std::string key = KeyText(kPerson);
  const std::string place = absl::StrCat("hold place ", key);
  const std::string restrict = absl::StrCat("restriction on ", key);
  constexpr char kHold[] =
      " --reason SIGNIFICANT_CASE_REVIEW --review-on 2027-04-01";
  constexpr char kContested[] =
      " --reason ACCURACY_CONTESTED --profile service-manager";
  constexpr char kWhy[] = " --why 'as the board decided'";
  const auto line = [](const auto&... parts) { return absl::StrCat(parts...); };
  const std::vector<Bad> all = {
      {line("hold place", kHold, kWhy), "place …"},
      {line("hold keep ", key, kHold, kWhy), "say one of: list, place"},
      {line("hold place Torquil", kHold, kWhy), "subject: no person key"},
      {line(place, kWhy, " --review-on 2027-04-01"), "reason: "},
      {line(place, kWhy, " --review-on 2027-04-01 --reason TIDY"),
       "reason: not in code list hold-reason"},
      {line(place, kWhy, " --reason SIGNIFICANT_CASE_REVIEW"), "review_on: "},
      {line(place, kHold, kWhy, " --review-on 2027-02-30"), "review_on: "},
      {line(place, kHold, kWhy, " --review-on 'in April'"), "review_on: "},
      {line(place, kHold), "why: "},
      {line(place, kHold, " --why 'of 0303790016, who rang'"), "why: it looks"},
      {line(place, kHold, kWhy, " --approve approval-1"),
       "approval: nobody asked"},
      {line(place, kHold, kWhy, " --profile police"),
       "not for the role police"},
      {line("hold lift L-1", kWhy), "hold_ref: no such hold stands"},
      {line("restriction on", kContested, kWhy), "on …"},
      {line("restriction aside ", key, kContested, kWhy), "say one of: on …"},
      {line("restriction on Torquil", kContested, kWhy),
       "subject: no person key"},
      {line(restrict, kWhy, " --profile service-manager"), "reason: "},
      {line(restrict, kWhy, " --profile service-manager --reason TIDY"),
       "reason: not in code list restriction-reason"},
      {line(restrict, kContested), "why: "},
      {line(restrict, kContested, kWhy, " --approve approval-1"),
       "approval: nobody asked"},
      {line(restrict, kContested, kWhy, " --profile police"),
       "needs the right may_agree: \"restriction\""},
      {line("restriction off ", key, kContested, kWhy), "it is not restricted"},
      {"wrapping-key change", "why: "},
      {line("wrapping-key rotate", kWhy), "say one of: change"},
      {line("wrapping-key change", kWhy, " --approve approval-1"),
       "approval: nobody asked"},
      {line("wrapping-key change", kWhy, " --profile police"),
       "not for the role police"},
      {"wrapping-key split --need two --shares 3 --to x", "--need: "},
      {"wrapping-key split --need 2 --to x", "--shares: "},
      {"wrapping-key split --need 2 --shares 3", "--to: "},
      {"wrapping-key split now --need 2 --shares 3 --to x", "no other word"},
      // What a reason says is no verb.
      {"wrapping-key change --why split --profile police",
       "not for the role police"},
      {"log backup --to x --rate fast", "--rate: "},
      {"spool list", "with --profile"},
      {line("erasure of ", key, kWhy, " --confirm 0 --reason TIDY"),
       "reason: not in code list erasure-reason"},
      {line("erasure of ", key, kWhy, " --confirm some"), "--confirm is"},
      {"erasure confirm E-1 --step gateway", "no such erasure"},
      {"erasure at-gateway Torquil", "key"},
  };
  const uint64_t end = LogStatus().end_sequence();
  for (const Bad& bad : all) {
    SCOPED_TRACE(bad.words);
    std::string output;
    EXPECT_NE(Run(absl::StrCat("concordat ", bad.words, " --data ",
                               bus_.data().path()),
                  &output),
              0);
    EXPECT_THAT(output, HasSubstr(bad.named));
    EXPECT_EQ(LogStatus().end_sequence(), end);
  }
  // Each was wrong in that alone; and what is done is done once.
  const auto by_two = [&](const std::string& words, const std::string& first,
                          const std::string& second) {
    std::string asked;
    EXPECT_EQ(Run(absl::StrCat("concordat ", words, " --json --data ",
                               bus_.data().path(), " --profile ", first),
                  &asked),
              0)
        << asked;
    const size_t at = asked.find("approval-");
    EXPECT_NE(at, std::string::npos) << asked;
    if (at == std::string::npos) return;
    const std::string approval = asked.substr(at, asked.find('"', at) - at);
    std::string done;
    EXPECT_EQ(
        Run(absl::StrCat("concordat ", words, " --approve ", approval,
                         " --data ", bus_.data().path(), " --profile ", second),
            &done),
        0)
        << done;
  };
  by_two(line(place, kHold, kWhy), "admin", "second-operator");
  by_two(line(restrict, kContested, kWhy), "service-manager",
         "guardian-council");
  std::string again;
  EXPECT_NE(Run(line("concordat ", restrict, kContested, kWhy, " --data ",
                     bus_.data().path()),
                &again),
            0);
  EXPECT_THAT(again, HasSubstr("it is restricted already"));
}

}  // namespace
}  // namespace concordat
