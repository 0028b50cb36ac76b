// What two people agree to, and what comes of it in the registry. The command line and
// the bus are in tests/integration/bus/enrolment_test.cc.
//
// Mutants: the day of asking is part of what is agreed to; so little is that another
// key or right passes for the same.
#include "gateway/cli/keys/enrolment.h"

#include <string>

#include "gateway/cli/keys/key_files.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace concordat::cli {
namespace {

using ::concordat::testing::HasCode;
using ::concordat::testing::IsOk;
using ::testing::HasSubstr;

constexpr absl::CivilDay kToday(2027, 3, 31);

class EnrolmentPlanTest : public ::testing::Test {
 protected:
  EnrolmentPlanTest() {
    registry_.set_environment(bus::v1::ENVIRONMENT_DEMO);
    registry_.add_agencies()->set_name("nhs-tayside");
  }

  // Of keys that are made for it, and of a certificate when there is one.
  std::string Request(bool renews) {
    bus::v1::EnrolmentRequest wanted;
    wanted.set_environment("demo");
    wanted.set_name("ward");
    wanted.set_agency("nhs-tayside");
    wanted.set_system("ward");
    wanted.set_role("nhs-liaison");
    wanted.set_renews(renews);
    const auto path =
        MakeEnrolmentRequest(folder_.PathOf("data"), wanted, random_);
    EXPECT_THAT(path, IsOk());
    return *ReadWholeFile(*path);
  }
  // It is in the registry, and has its certificate.
  void Enrol() {
    const std::string request = Request(false);
    const auto plan = PlanEnrolment(request, {}, registry_, kToday);
    ASSERT_THAT(plan, IsOk());
    const auto authority =
        CertificateAuthority::Make("Test", absl::UnixEpoch());
    ASSERT_THAT(authority, IsOk());
    const auto certificate =
        (*authority)
            ->IssueTo(plan->request.certificate_request(), "ward",
                      plan->principal.certificate_uri());
    ASSERT_THAT(certificate, IsOk());
    folder_.Write("data/keys/ward.crt.pem", *certificate);
    *registry_.add_principals() = plan->principal;
  }
  std::string Text() const {
    std::string text;
    google::protobuf::TextFormat::PrintToString(registry_, &text);
    return text;
  }

  testing::TempDir folder_;
  testing::SeededRandom random_;
  bus::v1::Registry registry_;
};

TEST_F(EnrolmentPlanTest, ARenewalIsTheSameActAfterMidnight) {
  Enrol();
  const std::string request = Request(true);
  const auto asked = PlanEnrolment(request, {}, registry_, kToday);
  const auto agreed = PlanEnrolment(request, {}, registry_, kToday + 1);
  ASSERT_THAT(asked, IsOk());
  ASSERT_THAT(agreed, IsOk());
  EXPECT_EQ(asked->digest, agreed->digest);
  // The old keys go on from the day of the answer.
  EXPECT_EQ(agreed->principal.second_curve_valid_to(), "2027-04-15");
  EXPECT_EQ(agreed->principal.second_certificate_key_valid_to(), "2027-04-15");
  EXPECT_EQ(agreed->principal.second_certificate_key(),
            registry_.principals(0).certificate_key());

  registry_.mutable_principals(0)->add_may_agree("erasure");
  const auto other = PlanEnrolment(request, {}, registry_, kToday);
  ASSERT_THAT(other, IsOk());
  EXPECT_NE(other->digest, asked->digest);
  registry_.mutable_principals(0)->clear_may_agree();
  const auto new_keys = PlanEnrolment(Request(true), {}, registry_, kToday);
  ASSERT_THAT(new_keys, IsOk());
  EXPECT_NE(new_keys->digest, asked->digest);
}

}  // namespace
}  // namespace concordat::cli
