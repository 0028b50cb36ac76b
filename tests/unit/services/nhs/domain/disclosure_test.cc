// Bug                                          Caught by
// no gateway named                             NamesItsGatewayAndADayItEnds
// one that has ended already                   NamesItsGatewayAndADayItEnds
// disclosed twice under one reference          IsMadeOnce
#include "services/nhs/domain/disclosure.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/history.h"
#include "tests/support/status_matchers.h"

namespace concordat::nhs {
namespace {

using ::concordat::testing::HasCode;
using ::concordat::testing::History;
using ::concordat::testing::IsOk;
using ::testing::HasSubstr;

const absl::CivilDay kDay(2025, 11, 18);

v1::RiskInformationDisclosed Until(const std::string& day) {
  v1::RiskInformationDisclosed disclosed;
  disclosed.set_expires_on(day);
  return disclosed;
}

TEST(Disclosure, NamesItsGatewayAndADayItEnds) {
  EXPECT_THAT(DecideDisclosure({}, Until("2026-02-18"), "G9", kDay), IsOk());
  const Decision no_law = DecideDisclosure({}, Until("2026-02-18"), "", kDay);
  EXPECT_THAT(no_law, HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(no_law.status().message(), HasSubstr("command.gateway"));
  for (const char* day : {"", "2026-02-30", "2025-11-18", "2025-11-17"}) {
    const Decision decision = DecideDisclosure({}, Until(day), "G9", kDay);
    EXPECT_THAT(decision, HasCode(absl::StatusCode::kInvalidArgument)) << day;
    EXPECT_THAT(decision.status().message(), HasSubstr("expires_on"));
  }
  EXPECT_THAT(DecideDisclosure({}, Until("2025-11-19"), "G9", kDay), IsOk());
}

TEST(Disclosure, IsMadeOnce) {
  History history;
  history.Add(Until("2026-02-18"));
  EXPECT_THAT(
      DecideDisclosure(history.views(), Until("2026-02-18"), "G9", kDay),
      HasCode(absl::StatusCode::kAlreadyExists));
}

}  // namespace
}  // namespace concordat::nhs
