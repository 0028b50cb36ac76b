// What somebody sees of an alert is what agreements show for the purpose they ask for:
// that nothing came, too.
//
// Mutant                                         Caught by
// that nothing came is told to who would not     ThatNothingCameIsForWhoWouldSeeIt
//   see, for that purpose, what came
// or that it is not known whether it came        the same, with a feed
// that it is restricted tells who would not      WhatIsRestrictedSaysSoForItsPurpose
#include "concordat/court/v1/events.pb.h"
#include "concordat/hub/v1/erasure.pb.h"
#include "tests/unit/services/alerts/domain/engine_fixture.h"

namespace concordat::alerts {
namespace {

using ::concordat::testing::IsOk;
using ::testing::SizeIs;

constexpr char kOrder[] = "concordat.court.v1.OrderImposed";
constexpr char kContact[] = "concordat.socialwork.v1.FirstContactMade";

class PurposeTest : public EngineTest {
 protected:
  // Without the demo's agreement.
  void Begin(bool with_feeds) {
    auto definitions = testing::DemoDefinitions(types_);
    ASSERT_THAT(definitions, IsOk());
    if (!with_feeds) definitions->feeds.clear();
    auto engine = MakeEngine(*definitions);
    ASSERT_THAT(engine, IsOk());
    engine_ = std::make_unique<Engine>(*std::move(engine));
    Agree("orders", "ORDERS", {kOrder});
    Agree("both", "SUPERVISION", {kOrder, kContact});
    Agree("contacts", "CONTACTS", {kContact});
  }
  void Agree(const std::string& name, const std::string& purpose,
             const std::vector<std::string>& types) {
    policy::v1::Agreement agreement;
    agreement.set_name(name);
    agreement.set_version(1);
    agreement.add_parties("dundee-city-council");
    agreement.add_parties("police-scotland");
    agreement.set_valid_from("2025-10-01");
    agreement.set_valid_to("2026-09-30");
    agreement.set_contact("01632 960100");
    agreement.add_gateways("G1");
    agreement.add_purposes(purpose);
    policy::v1::SeeGrant& see = *agreement.add_see();
    see.set_to("dundee-city-council");
    see.add_roles("upw-manager");
    see.mutable_types()->Assign(types.begin(), types.end());
    see.set_audience(policy::v1::AUDIENCE_OWN);
    hub::v1::AgreementAdopted adopted;
    adopted.set_name(name);
    adopted.set_version(1);
    adopted.set_agreement(agreement.SerializeAsString());
    Happens(adopted, "2025-11-03 02:00", "urn:concordat:hub:bus", "hub",
            PersonKey());
  }
  void Imposed() {
    court::v1::OrderImposed imposed;
    imposed.set_order_ref("O-1");
    Happens(imposed, "2025-11-05 10:00", kSocialWork, "dundee-city-council");
  }
  void Passes(const std::string& to) {
    hub::v1::TimePassed passed;
    passed.set_to(At(to));
    Happens(passed, to, "urn:concordat:mappa-tayside:alerts", "mappa-tayside",
            PersonKey());
  }
  const Alert& TheAlert() const {
    for (const auto& alert : engine_->alerts()) {
      if (alert->rule == "R21") return *alert;
    }
    ADD_FAILURE() << "no alert was raised";
    static const Alert& none = *new Alert();
    return none;
  }
  std::optional<AlertSight> For(const std::string& purpose) const {
    AlertCaller caller = {"somebody", "dundee-city-council", {"upw-manager"}};
    if (!purpose.empty()) caller.purpose = purpose;
    return engine_->See(TheAlert(), caller);
  }
  // Who would see both, and nobody else.
  void ExpectForSupervisionAlone() {
    EXPECT_TRUE(For("").has_value());
    EXPECT_TRUE(For("SUPERVISION").has_value());
    EXPECT_FALSE(For("ORDERS").has_value());
    EXPECT_FALSE(For("CONTACTS").has_value());
    EXPECT_FALSE(For("RESEARCH").has_value());
  }
};

TEST_F(PurposeTest, ThatNothingCameIsForWhoWouldSeeIt) {
  for (const bool with_feeds : {false, true}) {
    ASSERT_NO_FATAL_FAILURE(Begin(with_feeds));
    Imposed();
    Passes("2025-11-20 10:00");
    EXPECT_EQ(TheAlert().not_known.empty(), !with_feeds);
    ExpectForSupervisionAlone();
    const auto sight = For("SUPERVISION");
    ASSERT_TRUE(sight.has_value());
    EXPECT_THAT(sight->evidence, SizeIs(with_feeds ? 1 : 2));
  }
}

TEST_F(PurposeTest, WhatIsRestrictedSaysSoForItsPurpose) {
  ASSERT_NO_FATAL_FAILURE(Begin(false));
  Imposed();
  Passes("2025-11-20 10:00");
  hub::v1::ProcessingRestricted restricted;
  restricted.add_controllers("dundee-city-council");
  restricted.set_reason("OBJECTION");
  Happens(restricted, "2025-11-20 11:00", "urn:concordat:hub:bus", "hub");
  ExpectForSupervisionAlone();
  EXPECT_EQ(For("SUPERVISION")->state, "restricted");
}

}  // namespace
}  // namespace concordat::alerts
