// Limits of rules that rest on a fact.
//
// Mutant                                        Caught by
// not found by what starts it, or answers it    FindsTheLimitsOfAFact
// runs on when what started it does not hold    ALimitEndsWithItsStart
// anybody is told of anybody's facts            TellsOfTheCallersFactsAlone
// a person's lists are not asked                TellsWhoIsExcludedNothing
#include "concordat/court/v1/events.pb.h"
#include "tests/unit/services/alerts/domain/engine_fixture.h"

namespace concordat::alerts {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

class ClocksTest : public EngineTest {
 protected:
  Sequence Imposed(const std::string& retracts = "") {
    court::v1::OrderImposed imposed;
    imposed.set_order_ref("O-1");
    Happens(imposed, "2025-11-05 10:00", kSocialWork, "dundee-city-council",
            Person(2), "", retracts);
    return {sequence_};
  }
  Sequence Contacted(const std::string& order,
                     const std::string& retracts = "") {
    socialwork::v1::FirstContactMade made;
    made.set_order_ref(order);
    Happens(made, "2025-11-05 15:00", kSocialWork, "dundee-city-council",
            Person(2), "", retracts);
    return {sequence_};
  }
  std::vector<Engine::FactClock> Of(Sequence fact,
                                    std::string agency = "dundee-city-council",
                                    std::string role = "senior") const {
    AlertCaller caller = {"somebody", std::move(agency), {}};
    caller.role = std::move(role);
    return engine_->ClocksOf(fact, caller);
  }
};

TEST_F(ClocksTest, FindsTheLimitsOfAFact) {
  const Sequence order = Imposed();
  const Sequence another = Contacted("O-2");
  const Sequence contact = Contacted("O-1");
  ASSERT_THAT(Of(order), SizeIs(1));
  EXPECT_EQ(Of(order)[0].rule, "R21");
  EXPECT_EQ(Of(order)[0].limb, "first-contact");
  EXPECT_GT(Of(order)[0].due_us, At("2025-11-06 12:00"));
  EXPECT_FALSE(Of(order)[0].answers);
  EXPECT_FALSE(Of(order)[0].off);
  ASSERT_THAT(Of(contact), SizeIs(1));
  EXPECT_TRUE(Of(contact)[0].answers);
  EXPECT_THAT(Of(another), IsEmpty());
}

TEST_F(ClocksTest, ALimitEndsWithItsStart) {
  const Sequence order = Imposed();
  const Sequence contact = Contacted("O-1");
  Contacted("O-1", absl::StrCat("e-", contact.value));
  EXPECT_TRUE(Of(contact)[0].off);
  EXPECT_FALSE(Of(order)[0].off);
  Imposed(absl::StrCat("e-", order.value));
  EXPECT_TRUE(Of(order)[0].off);
}

TEST_F(ClocksTest, TellsOfTheCallersFactsAlone) {
  const Sequence order = Imposed();
  EXPECT_THAT(Of(order, "nhs-tayside", "nhs-liaison"), IsEmpty());
  EXPECT_THAT(Of(order, "mappa-tayside", "coordinator"), SizeIs(1));
  EXPECT_THAT(Of({77}), IsEmpty());
}

TEST_F(ClocksTest, TellsWhoIsExcludedNothing) {
  const Sequence order = Imposed();
  mappa::v1::AccessRestricted access;
  access.set_case_ref("C-2");
  access.set_reason("RELATED_TO_STAFF");
  access.add_excluded("mappa-tayside/coordinator/somebody");
  access.add_excluded("dundee-city-council/senior/somebody");
  Happens(access, "2025-11-06 10:00", kMappa, "mappa-tayside");
  EXPECT_THAT(Of(order, "mappa-tayside", "coordinator"), IsEmpty());
  EXPECT_THAT(Of(order), IsEmpty());
  AlertCaller other = {"other", "mappa-tayside", {}};
  other.role = "coordinator";
  EXPECT_THAT(engine_->ClocksOf(order, other), SizeIs(1));
  // Only those named may see anything of the person.
  access.clear_excluded();
  access.add_restricted_to("dundee-city-council");
  Happens(access, "2025-11-06 11:00", kMappa, "mappa-tayside");
  EXPECT_THAT(engine_->ClocksOf(order, other), IsEmpty());
  EXPECT_THAT(Of(order), SizeIs(1));
}

}  // namespace
}  // namespace concordat::alerts
