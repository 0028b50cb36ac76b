// Mutant                                            Caught by
// a list beside the registry                        AreThoseOfTheRegistry
// who is revoked is waited for                      WhoIsRevokedIsNone
#include "gateway/cli/programs.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/demo_types.h"
#include "tests/support/status_matchers.h"

namespace concordat::cli {
namespace {

using ::concordat::testing::IsOk;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;

std::vector<std::string> NamesOf(const bus::v1::Registry& registry) {
  std::vector<std::string> names;
  for (const HubProgram& each : ProgramsOf(registry)) {
    names.push_back(each.program);
  }
  return names;
}

TEST(Programs, AreThoseOfTheRegistry) {
  auto registry = testing::DemoRegistry();
  ASSERT_THAT(registry, IsOk());
  EXPECT_THAT(
      NamesOf(*registry),
      ElementsAre("concordat-bus", "concordat-identity", "concordat-police",
                  "concordat-nhs", "concordat-socialwork", "concordat-mappa",
                  "concordat-alerts", "concordat-adapter", "edge-council"));
  bus::v1::Principal& edge = *registry->add_principals();
  edge.set_name("edge-housing");
  edge.set_role("adapter");
  EXPECT_EQ(ProgramsOf(*registry).back().program, "edge-housing");
  EXPECT_TRUE(ProgramsOf(*registry).back().is_edge);
}

TEST(Programs, WhoIsRevokedIsNone) {
  auto registry = testing::DemoRegistry();
  ASSERT_THAT(registry, IsOk());
  for (bus::v1::Principal& each : *registry->mutable_principals()) {
    if (each.name() == "edge-council" || each.name() == "service-nhs") {
      each.set_revoked(true);
    }
  }
  EXPECT_THAT(NamesOf(*registry), Not(Contains("edge-council")));
  EXPECT_THAT(NamesOf(*registry), Not(Contains("concordat-nhs")));
  EXPECT_THAT(NamesOf(*registry), Contains("concordat-police"));
}

}  // namespace
}  // namespace concordat::cli
