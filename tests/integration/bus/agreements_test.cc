// An agreement's life on a real bus: signed, adopted, compared, tried, ended.
//
// Mutant                                            Caught by
// one signature missing is enough, or another text  AnAgreementIsAdoptedAsAllHaveSignedIt
// a restart goes back to the older file             AnAgreementIsAdoptedAsAllHaveSignedIt
// who is no operator adopts                         OnlyTheOperatorAdoptsAndRetires
// a retirement waits for a session's next event     RetirementEndsSessionsAndSaysWhy
// what was shared is lost with it for publishers    RetirementEndsSessionsAndSaysWhy
// a party that is not of it retires it              RetirementNeedsAPartysSignature
// numbers are of another candidate                  ACandidateIsComparedAndTried
// a text of one's own tells of a stranger's         AStrangersTextIsNotComparedWithWhatIsAdopted
// an end is told late, or in other words elsewhere  AnEndIsToldInOneAndTheSameWords
// whom to ring, or whose agreement, is not in it    AnEndIsToldInOneAndTheSameWords
#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/str_replace.h"
#include "concordat/access/v1/who_knew.pb.h"
#include "concordat/bus/v1/agreements.pb.h"
#include "google/protobuf/text_format.h"
#include "tests/integration/bus/bus_fixture.h"
#include "tests/integration/bus/signed_text.h"

namespace concordat {
namespace {

constexpr char kName[] = "tayside-demo";

class AgreementsTest : public BusProcessTest {
 protected:
  std::string PathOf(const std::string& name) {
    return bus_.data().PathOf(name);
  }
  std::string TextNow() {
    std::ifstream in(PathOf("agreements/tayside-demo.textproto"));
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
  }
  // The next version, changed.
  std::string Next(
      const std::vector<std::pair<std::string, std::string>>& changes = {}) {
    std::string text =
        absl::StrReplaceAll(TextNow(), {{"version: 8", "version: 9"}});
    for (const auto& [from, to] : changes) {
      EXPECT_THAT(text, HasSubstr(from));
      text = absl::StrReplaceAll(text, {{from, to}});
    }
    return text;
  }
  policy::v1::SignatureFile Signed(SignedText what, const std::string& text,
                                   const std::vector<std::string>& parties) {
    return testing::SignedBy(bus_.data(), what, text, parties);
  }
  template <typename Response>
  absl::StatusOr<Response> Desk(absl::string_view principal,
                                absl::string_view method,
                                const google::protobuf::MessageLite& request) {
    return AskOf<Response>(
        principal, absl::StrCat("concordat.bus.v1.AgreementService/", method),
        request);
  }
  auto Adopt(const std::string& text, const std::vector<std::string>& by,
             bool check_only = false) {
    bus::v1::AdoptAgreementRequest request;
    request.set_text(text);
    *request.mutable_signatures() = Signed(SignedText::kAgreement, text, by);
    request.set_check_only(check_only);
    return Desk<bus::v1::AdoptAgreementResponse>("admin", "AdoptAgreement",
                                                 request);
  }
  auto Retire(const std::string& party, const std::string& by,
              absl::string_view principal = "admin") {
    bus::v1::RetireAgreementRequest request;
    request.set_text(absl::StrCat("name: \"", kName,
                                  "\"\nversion: 8\nparty: \"", party,
                                  "\"\nreason: \"the board left\"\n"));
    *request.mutable_signatures() =
        Signed(SignedText::kRetirement, request.text(), {by});
    return Desk<bus::v1::RetireAgreementResponse>(principal, "RetireAgreement",
                                                  request);
  }
  bus::v1::AgreementState State() {
    const auto list = Ask<bus::v1::ListAgreementsResponse>(
        "admin", "ListAgreements", bus::v1::ListAgreementsRequest());
    EXPECT_THAT(list, IsOk());
    EXPECT_EQ(list->agreements_size(), 1);
    return list->agreements(0);
  }

  const std::vector<std::string> all_ = {"police-scotland", "nhs-tayside",
                                         "dundee-city-council"};
};

TEST_F(AgreementsTest, AnAgreementIsAdoptedAsAllHaveSignedIt) {
  EXPECT_EQ(State().agreement().version(), 8u);
  EXPECT_EQ(State().signed_by_size(), 3);
  const std::string next = Next();
  const auto two = Adopt(next, {"police-scotland", "nhs-tayside"});
  EXPECT_THAT(two, HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(two.status().message(),
              HasSubstr("not signed by dundee-city-council"));
  EXPECT_THAT(Adopt(next, {}), HasCode(absl::StatusCode::kPermissionDenied));
  bus::v1::AdoptAgreementRequest other;
  other.set_text(absl::StrCat(next, "\n"));
  *other.mutable_signatures() = Signed(SignedText::kAgreement, next, all_);
  EXPECT_THAT(
      Desk<bus::v1::AdoptAgreementResponse>("admin", "AdoptAgreement", other),
      HasCode(absl::StatusCode::kInvalidArgument));
  ASSERT_THAT(Adopt(next, all_, /*check_only=*/true), IsOk());
  EXPECT_EQ(State().agreement().version(), 8u);

  const auto adopted = Adopt(next, all_);
  ASSERT_THAT(adopted, IsOk());
  EXPECT_FALSE(adopted->duplicate());
  EXPECT_EQ(State().agreement().version(), 9u);
  EXPECT_EQ(State().signed_by_size(), 3);
  EXPECT_TRUE(Adopt(next, all_)->duplicate());
  const std::string changed =
      absl::StrReplaceAll(next, {{"01632 960100", "01632 960101"}});
  EXPECT_THAT(Adopt(changed, all_),
              HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(Adopt("name: \"x\" oops", {}),
              HasCode(absl::StatusCode::kInvalidArgument));

  ASSERT_EQ(bus_.Stop(), 0);
  bus_.Start();
  EXPECT_EQ(State().agreement().version(), 9u);
}

TEST_F(AgreementsTest, OnlyTheOperatorAdoptsAndRetires) {
  bus::v1::AdoptAgreementRequest request;
  request.set_text(Next());
  *request.mutable_signatures() =
      Signed(SignedText::kAgreement, request.text(), all_);
  EXPECT_THAT(Desk<bus::v1::AdoptAgreementResponse>("police", "AdoptAgreement",
                                                    request),
              HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(Retire("police-scotland", "police-scotland", "police"),
              HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_TRUE(State().in_force());
}

TEST_F(AgreementsTest, RetirementNeedsAPartysSignature) {
  EXPECT_THAT(Retire("nhs-tayside", "police-scotland"),
              HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(Retire("mappa-tayside", "police-scotland"),
              HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_TRUE(State().in_force());
}

TEST_F(AgreementsTest, RetirementEndsSessionsAndSaysWhy) {
  const auto mappa = Connect("service-mappa");
  ASSERT_TRUE(Publish(*mappa, Opened("o-1", 1)).accepted);
  const auto reader = Connect("police");
  const auto subscription = reader->Subscribe({});
  ASSERT_THAT(subscription, IsOk());
  ASSERT_THAT((*subscription)->Next(kLong), IsOk());
  const auto retired = Retire("nhs-tayside", "nhs-tayside");
  ASSERT_THAT(retired, IsOk());
  absl::Status ended;
  do {
    ended = (*subscription)->Next(kLong).status();
  } while (ended.ok());
  EXPECT_THAT(ended, HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(
      ended.message(),
      HasSubstr("Nothing is shared with you since 3 November 2025: the "
                "agreement ended early (the board left). Ring the MAPPA "
                "co-ordinator, 01632 960100."));
  const auto state = State();
  EXPECT_FALSE(state.in_force());
  // What the session was told is what its people read in the list.
  const auto told = Ask<bus::v1::ListAgreementsResponse>(
      "police", "ListAgreements", bus::v1::ListAgreementsRequest());
  ASSERT_THAT(told, IsOk());
  ASSERT_EQ(told->agreements_size(), 1);
  EXPECT_THAT(std::string(ended.message()),
              ::testing::EndsWith(told->agreements(0).notice()));
  EXPECT_NE(told->agreements(0).notice(), "");
  EXPECT_THAT(state.notice(), HasSubstr("Nothing is shared by tayside-demo"));
  EXPECT_EQ(state.retired_by(), "nhs-tayside");
  EXPECT_EQ(state.retired_from(), retired->from());
  EXPECT_FALSE(Publish(*mappa, Opened("o-2", 2)).accepted);
  EXPECT_THAT(Retire("nhs-tayside", "nhs-tayside"),
              HasCode(absl::StatusCode::kFailedPrecondition));
  // Who asks what was known is told whom nothing reached any more, and why.
  access::v1::WhoKnewRequest question;
  question.set_subject(PersonKey({1}).ToString());
  const auto channel =
      OpenChannel(bus_.data(), "concordat-bus", "coordinator", kLong);
  ASSERT_THAT(channel, IsOk());
  const auto bytes =
      GenericCall(*channel, "concordat.access.v1.WhoKnewService/WhoKnew",
                  question.SerializeAsString(), {});
  ASSERT_THAT(bytes, IsOk());
  access::v1::WhoKnewResponse known;
  ASSERT_TRUE(known.ParseFromString(*bytes));
  std::string gaps;
  for (const auto& gap : known.report().could_not_know()) {
    absl::StrAppend(&gaps, gap.what(), ": ", gap.words(), "\n");
  }
  EXPECT_THAT(gaps, HasSubstr("agreement ended: police-scotland, police, was "
                              "told: \"Nothing is shared with you since"));
  // Sharing goes on by a new version.
  ASSERT_THAT(Adopt(Next(), all_), IsOk());
  EXPECT_TRUE(Publish(*mappa, Opened("o-3", 3)).accepted);
}

TEST_F(AgreementsTest, AnEndIsToldInOneAndTheSameWords) {
  EXPECT_EQ(State().notice(), "");
  const auto reader = Connect("service-alerts");
  SubscribeOptions options;
  options.types.push_back("concordat.hub.v1.AgreementEndWarned");
  const auto subscription = reader->Subscribe(options);
  ASSERT_THAT(subscription, IsOk());
  // The demo's log stands at 3 November 2025.
  ASSERT_THAT(Adopt(Next({{"2026-09-30", "2025-11-13"}}), all_), IsOk());
  const auto next = (*subscription)->Next(kLong);
  ASSERT_THAT(next, IsOk());
  hub::v1::AgreementEndWarned warned;
  ASSERT_TRUE(warned.ParseFromString(next->view.Data()));
  EXPECT_EQ(warned.days_left(), 10u);
  EXPECT_THAT(warned.parties(), ::testing::ElementsAreArray(all_));
  EXPECT_EQ(warned.words(),
            "The agreement tayside-demo ends on 13 November 2025, in 10 days. "
            "Nothing is shared by it after that. Ring the MAPPA co-ordinator, "
            "01632 960100.");
  EXPECT_EQ(State().notice(), warned.words());
}

TEST_F(AgreementsTest, ACandidateIsComparedAndTried) {
  const auto mappa = Connect("service-mappa");
  ASSERT_TRUE(Publish(*mappa, Opened("o-1", 1)).accepted);
  ASSERT_TRUE(Publish(*mappa, Opened("o-2", 2)).accepted);
  const std::string candidate =
      Next({{"types: \"concordat.mappa.v1.CaseOpened\"\n", ""}});
  bus::v1::DiffAgreementRequest compare;
  compare.set_candidate(candidate);
  const auto diff = Desk<bus::v1::DiffAgreementResponse>(
      "coordinator", "DiffAgreement", compare);
  ASSERT_THAT(diff, IsOk());
  EXPECT_EQ(diff->from_version(), 8u);
  EXPECT_EQ(diff->to_version(), 9u);
  ASSERT_GT(diff->changes_size(), 0);
  bool police = false;
  for (const auto& change : diff->changes()) {
    EXPECT_EQ(change.type(), "concordat.mappa.v1.CaseOpened");
    EXPECT_EQ(change.more_size(), 0);
    EXPECT_GT(change.less_size(), 0);
    police |= change.agency() == "police-scotland";
  }
  EXPECT_TRUE(police);
  bus::v1::SimulateAgreementRequest attempt;
  attempt.set_candidate(candidate);
  EXPECT_THAT(Desk<bus::v1::SimulateAgreementResponse>(
                  "police", "SimulateAgreement", attempt),
              HasCode(absl::StatusCode::kPermissionDenied));
  const auto tried = Desk<bus::v1::SimulateAgreementResponse>(
      "coordinator", "SimulateAgreement", attempt);
  ASSERT_THAT(tried, IsOk());
  uint64_t hidden = 0;
  for (const auto& change : tried->changes()) {
    EXPECT_EQ(change.newly_shown(), 0u);
    if (change.agency() != "police-scotland" || change.role() != "police") {
      continue;
    }
    hidden = change.newly_hidden();
    EXPECT_EQ(change.hidden_people(), 2u);
  }
  EXPECT_EQ(hidden, 2u);
  attempt.set_from(2);
  attempt.set_to(1);
  EXPECT_THAT(Desk<bus::v1::SimulateAgreementResponse>(
                  "admin", "SimulateAgreement", attempt),
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST_F(AgreementsTest, AStrangersTextIsNotComparedWithWhatIsAdopted) {
  // The council is no party to what two others have adopted.
  const std::string text =
      "name: \"two-boards\" version: 1 parties: \"police-scotland\" "
      "parties: \"nhs-tayside\" valid_from: \"2025-10-01\" "
      "valid_to: \"2026-09-30\" purposes: \"MAPPA_RISK_MANAGEMENT\" "
      "gateways: \"G1\" see { to: \"nhs-tayside\" roles: \"nhs-liaison\" "
      "types: \"concordat.police.v1.*\" audience: AUDIENCE_PARTY }";
  ASSERT_THAT(Adopt(text, {"police-scotland", "nhs-tayside"}), IsOk());
  const std::string own =
      absl::StrReplaceAll(text, {{"version: 1", "version: 2"},
                                 {"parties: \"nhs-tayside\"",
                                  "parties: \"nhs-tayside\" "
                                  "parties: \"dundee-city-council\""}});
  const auto compare = [&](absl::string_view principal,
                           const std::string& base) {
    bus::v1::DiffAgreementRequest request;
    request.set_candidate(own);
    request.set_base(base);
    return Desk<bus::v1::DiffAgreementResponse>(principal, "DiffAgreement",
                                                request);
  };
  EXPECT_THAT(compare("socialwork", ""),
              HasCode(absl::StatusCode::kPermissionDenied));
  bus::v1::SimulateAgreementRequest attempt;
  attempt.set_candidate(absl::StrReplaceAll(
      own, {{"valid_from", "arrangement: \"mappa-tayside\" valid_from"}}));
  EXPECT_THAT(Desk<bus::v1::SimulateAgreementResponse>(
                  "coordinator", "SimulateAgreement", attempt),
              HasCode(absl::StatusCode::kPermissionDenied));
  // Of its own texts, and to a party.
  const auto texts = compare("socialwork", text);
  ASSERT_THAT(texts, IsOk());
  EXPECT_EQ(texts->from_version(), 1u);
  EXPECT_THAT(compare("nhs", ""), IsOk());
}

}  // namespace
}  // namespace concordat
