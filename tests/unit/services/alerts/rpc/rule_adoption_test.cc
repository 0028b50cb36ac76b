// | bug | test |
// |---|---|
// | changed rules are in force without anybody | ChangedRulesWaitForTwoPeople |
// | ... or by an agreement to others, or of another kind | the same |
// | agreed, and not kept: gone with the file | AgreedToTheyAreInForce |
// | a log that does not answer lets them in | ALogThatIsAwayAgreesToNothing |
// | the order of files makes other rules | TheOrderOfFilesIsNothing |
#include "services/alerts/rpc/rule_adoption.h"

#include <algorithm>

#include "concordat/hub/v1/approval.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/base/system_clock.h"
#include "services/common/storage/posix_directory.h"
#include "tests/support/demo_engine.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/services/alerts/rpc/bus_fixture.h"

namespace concordat::alerts {
namespace {

using ::concordat::testing::IsOk;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class RuleAdoptionTest : public AlertsBusTest {
 protected:
  void SetUp() override {
    AlertsBusTest::SetUp();
    const auto definitions = testing::DemoDefinitions(types_);
    ASSERT_THAT(definitions, IsOk());
    rules_ = definitions->rules;
    client_ = bus_.Connect("service-alerts");
    folder_ = *PosixDirectory::Open(files_.path());
  }
  RulesInForce Find(const std::vector<v1::Rule>& rules) {
    auto found =
        FindRulesInForce(*folder_, rules, *client_, steady_, absl::Seconds(5));
    EXPECT_THAT(found, IsOk());
    return found.value_or(RulesInForce());
  }
  std::vector<v1::Rule> Changed() {
    std::vector<v1::Rule> changed = rules_;
    changed[0].set_version(changed[0].version() + 1);
    return changed;
  }
  void Agree(const std::string& kind, const std::string& digest) {
    hub::v1::ApprovalGiven given;
    given.set_request("approval-1");
    given.set_kind(kind);
    given.set_digest(digest);
    given.set_asked_by("coordinator");
    given.set_by("service-manager");
    Happens(given, "hub", "bus", PersonKey());
  }

  testing::TempDir files_;
  std::unique_ptr<Directory> folder_;
  SystemSteadyClock steady_;
  std::vector<v1::Rule> rules_;
  std::unique_ptr<BusClient> client_;
};

TEST_F(RuleAdoptionTest, ChangedRulesWaitForTwoPeople) {
  EXPECT_THAT(Find(rules_).waiting.digest(), IsEmpty());
  Agree("rule", DigestOf(rules_));
  Agree("keys", DigestOf(Changed()));
  const RulesInForce found = Find(Changed());
  EXPECT_EQ(DigestOf(found.rules), DigestOf(rules_));
  EXPECT_FALSE(found.adopted);
  EXPECT_EQ(found.waiting.digest(), DigestOf(Changed()));
  EXPECT_THAT(found.waiting.what(), HasSubstr(" in place of R"));
  // One rule fewer is a change, too.
  std::vector<v1::Rule> fewer = rules_;
  fewer.pop_back();
  EXPECT_THAT(Find(fewer).waiting.what(), HasSubstr("any more"));
}

TEST_F(RuleAdoptionTest, AgreedToTheyAreInForce) {
  Find(rules_);
  Agree("rule", DigestOf(Changed()));
  const RulesInForce found = Find(Changed());
  EXPECT_TRUE(found.adopted);
  EXPECT_EQ(DigestOf(found.rules), DigestOf(Changed()));
  EXPECT_THAT(found.waiting.digest(), IsEmpty());
  EXPECT_FALSE(Find(Changed()).adopted);
  bus::v1::Principal self;
  self.set_name("service-alerts");
  self.set_agency("mappa-tayside");
  self.set_system("alerts");
  self.set_default_purpose("MAPPA_RISK_MANAGEMENT");
  self.set_default_gateway("G1");
  self.set_default_regime(bus::v1::REGIME_GDPR);
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(SayAdopted(found.rules, self, *client_, *types_, random_),
                IsOk());
  }
  std::vector<View> said = bus_.events();
  std::erase_if(said, [](const View& view) {
    return view.header.type != hub::v1::RulesAdopted().GetTypeName();
  });
  ASSERT_THAT(said, SizeIs(1));
  hub::v1::RulesAdopted adopted;
  ASSERT_TRUE(adopted.ParseFromString(said[0].Data()));
  EXPECT_EQ(adopted.digest(), DigestOf(Changed()));
  // Those of before are no longer.
  EXPECT_EQ(Find(rules_).waiting.digest(), DigestOf(rules_));
}

TEST_F(RuleAdoptionTest, ALogThatIsAwayAgreesToNothing) {
  Find(rules_);
  Agree("rule", DigestOf(Changed()));
  bus_.GoAway();
  const auto found = FindRulesInForce(*folder_, Changed(), *client_, steady_,
                                      absl::Milliseconds(100));
  bus_.ComeBack();
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(DigestOf(found->rules), DigestOf(rules_));
}

TEST_F(RuleAdoptionTest, TheOrderOfFilesIsNothing) {
  std::vector<v1::Rule> turned = rules_;
  std::reverse(turned.begin(), turned.end());
  EXPECT_EQ(DigestOf(turned), DigestOf(rules_));
}

}  // namespace
}  // namespace concordat::alerts
