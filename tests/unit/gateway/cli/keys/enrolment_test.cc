// What two people agree to, and what comes of it in the registry. The command line and
// the bus are in tests/integration/bus/enrolment_test.cc.
//
// Mutants: the day of asking is part of what is agreed to; so little is that another
// key or right passes for the same; what is written is what was worked out, whatever has
// happened since; a key that has ended goes on for 14 days more; two edits of a file at
// a time, of which one is lost.
#include "gateway/cli/keys/enrolment.h"

#include <sys/wait.h>
#include <unistd.h>

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

TEST_F(EnrolmentPlanTest, ARevocationIsNotOverwrittenByARenewalOfBefore) {
  Enrol();
  const auto plan = PlanEnrolment(Request(true), {}, registry_, kToday);
  ASSERT_THAT(plan, IsOk());
  EXPECT_THAT(AddToRegistry(Text(), *plan), IsOk());
  const auto revoked = RevokeInRegistry(Text(), "ward");
  ASSERT_THAT(revoked, IsOk());
  const auto refused = AddToRegistry(*revoked, *plan);
  EXPECT_THAT(refused, HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(refused.status().message(), HasSubstr("changed meanwhile"));
  registry_.clear_principals();
  EXPECT_THAT(AddToRegistry(Text(), *plan),
              HasCode(absl::StatusCode::kFailedPrecondition));
}

TEST_F(EnrolmentPlanTest, WhoEditsAFileSeesWhatTheOtherWrote) {
  constexpr int kEdits = 10;
  folder_.Write("file", "");
  const std::string path = folder_.PathOf("file");
  const auto edit = [&path] {
    for (int i = 0; i < kEdits; ++i) {
      EXPECT_THAT(
          EditFile(path, kPublicFile,
                   [](const std::string& before)
                       -> absl::StatusOr<std::string> { return before + "x"; }),
          IsOk());
    }
  };
  // As two processes do: each opens the lock for itself.
  const pid_t other = fork();
  ASSERT_GE(other, 0);
  edit();
  if (other == 0) _exit(HasFailure() ? 1 : 0);
  int status = 0;
  ASSERT_EQ(waitpid(other, &status, 0), other);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(ReadWholeFile(path)->size(), 2u * kEdits);
  EXPECT_THAT(EditFile(path, kPublicFile,
                       [](const std::string&) -> absl::StatusOr<std::string> {
                         return absl::NotFoundError("no");
                       }),
              HasCode(absl::StatusCode::kNotFound));
  EXPECT_EQ(ReadWholeFile(path)->size(), 2u * kEdits);
}

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

  // One that was to end sooner, or has, does not come back.
  bus::v1::Registry ended = registry_;
  ended.mutable_principals(0)->set_curve_valid_to("2027-04-02");
  ended.mutable_principals(0)->set_certificate_key_valid_to("2027-03-01");
  const auto plan = PlanEnrolment(request, {}, ended, kToday);
  ASSERT_THAT(plan, IsOk());
  EXPECT_EQ(plan->principal.second_curve_valid_to(), "2027-04-02");
  EXPECT_EQ(plan->principal.second_certificate_key_valid_to(), "2027-03-01");

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
