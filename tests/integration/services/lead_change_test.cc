// The lead of a case goes over, at the real service.
//
// Mutant                                        Caught by
// any party, or a stranger, may take the lead   TheNewLeadSeesThePast…
// the new lead is shown what comes alone        TheNewLeadSeesThePast…
// who led is shown more than its own after      TheNewLeadSeesThePast…
// who led still says who may see the person     TheNewLeadSeesThePast…
#include <string>
#include <vector>

#include "tests/integration/services/mappa_fixture.h"

namespace concordat::mappa {
namespace {

class LeadChangeTest : public MappaFixture {
 protected:
  absl::StatusOr<hub::v1::CommandReply> Lead(const std::string& principal,
                                             const std::string& to) {
    v1::ChangeLeadRequest request;
    request.mutable_change()->set_case_ref("C-2");
    request.mutable_change()->set_lead(to);
    return Command(principal, "ChangeLead", request);
  }
  // "R-2001 accepted", as the principal may see them.
  std::vector<std::string> Referrals(const std::string& principal) {
    v1::GetCaseRequest of;
    of.set_subject(kP2);
    const auto file = Read<v1::GetCaseResponse>(principal, "GetCase", of);
    EXPECT_THAT(file, IsOk());
    std::vector<std::string> referrals;
    if (!file.ok()) return referrals;
    for (const v1::Referral& each : file->referrals()) {
      referrals.push_back(absl::StrCat(each.referral_ref(), " ", each.state()));
    }
    return referrals;
  }
  auto Lists(const std::string& principal) {
    v1::GetAccessRequest request;
    request.set_case_ref("C-2");
    return Send<v1::GetAccessResponse>(
        principal, "concordat.mappa.v1.MappaService/GetAccess", request);
  }
  auto Exclude(const std::string& principal) {
    v1::RestrictAccessRequest request;
    request.mutable_access()->set_case_ref("C-2");
    request.mutable_access()->add_excluded("nhs-tayside/nhs-liaison");
    request.mutable_access()->set_reason("KNOWN_TO_STAFF");
    return Command(principal, "RestrictAccess", request);
  }
};

TEST_F(LeadChangeTest, TheNewLeadSeesThePastAndTheOldOneNothingMore) {
  using ::testing::ElementsAre;
  using ::testing::IsEmpty;
  ASSERT_THAT(Submit(), IsOk());
  ASSERT_THAT(Command("coordinator", "DecideReferral", Accept()), IsOk());
  ASSERT_THAT(OpenCase(), IsOk());
  EXPECT_THAT(Referrals("socialwork"), ElementsAre("R-2001 accepted"));
  EXPECT_THAT(Referrals("police"), IsEmpty());
  EXPECT_THAT(Lists("police"), HasCode(absl::StatusCode::kNotFound));

  // By who leads, to a party, or not at all.
  EXPECT_THAT(Lead("police", "police-scotland"),
              HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(Lead("admin", "police-scotland"),
              HasCode(absl::StatusCode::kPermissionDenied));
  for (const char* wrong : {"dundee-city-council", "scottish-prison-service"}) {
    const auto refused = Lead("socialwork", wrong);
    EXPECT_THAT(refused, HasCode(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(std::string(refused.status().message()),
                HasSubstr("change.lead"));
  }
  EXPECT_THAT(Referrals("police"), IsEmpty());
  ASSERT_THAT(Lead("socialwork", "police-scotland"), IsOk());

  // What the new lead is shown was there before; the old one keeps its own.
  EXPECT_THAT(Referrals("police"), ElementsAre("R-2001 accepted"));
  EXPECT_THAT(Referrals("socialwork"), ElementsAre("R-2001 submitted"));
  v1::SubmitReferralRequest another;
  another.mutable_referral()->set_referral_ref("R-2002");
  another.mutable_referral()->set_category("SONR");
  another.mutable_referral()->set_level_sought(3);
  another.mutable_referral()->add_assessment_refs("A-2001");
  ASSERT_THAT(Command("nhs", "SubmitReferral", another), IsOk());
  EXPECT_THAT(Referrals("police"),
              ElementsAre("R-2001 accepted", "R-2002 submitted"));
  EXPECT_THAT(Referrals("socialwork"), ElementsAre("R-2001 submitted"));

  EXPECT_THAT(Exclude("socialwork"),
              HasCode(absl::StatusCode::kPermissionDenied));
  ASSERT_THAT(Exclude("police"), IsOk());
  EXPECT_THAT(Lists("socialwork"), HasCode(absl::StatusCode::kNotFound));
  EXPECT_EQ(Lists("police")->access().excluded_size(), 1);

  // The co-ordinator may hand it back.
  ASSERT_THAT(Lead("coordinator", "dundee-city-council"), IsOk());
  EXPECT_THAT(Referrals("police"), IsEmpty());
  EXPECT_THAT(Referrals("socialwork"),
              ElementsAre("R-2001 accepted", "R-2002 submitted"));
}

}  // namespace
}  // namespace concordat::mappa
