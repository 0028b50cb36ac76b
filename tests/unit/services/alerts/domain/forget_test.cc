// Mutants, and the test that catches each:
//   a timer, or a wait, of the person left  TimeGoesOnWithoutThePerson
//   an alert still shown or found           NothingOfThePersonIsLeft
//   another person's alert forgotten        the same
//   not confirmed                           the same
#include "concordat/hub/v1/erasure.pb.h"
#include "tests/unit/services/alerts/domain/engine_fixture.h"

namespace concordat::alerts {
namespace {

using ::testing::SizeIs;

class ForgetTest : public EngineTest {
 protected:
  std::vector<AlertDraft> Erase(const PersonKey& person,
                                const std::string& when) {
    hub::v1::PersonErased erased;
    erased.set_erasure_ref("E-1");
    erased.set_reason("PERIOD_ENDED");
    View view;
    view.sequence.value = ++sequence_;
    view.accepted_us = At(when);
    view.header.source = "urn:concordat:hub:bus";
    view.header.controller = "hub";
    view.header.type = erased.GetTypeName();
    view.header.id = "E-1";
    view.header.subject = person;
    view.groups.push_back({0, erased.SerializeAsString(), {}});
    auto drafts = engine_->Apply(view);
    EXPECT_THAT(drafts, testing::IsOk());
    return drafts.ok() ? *drafts : std::vector<AlertDraft>();
  }
};

TEST_F(ForgetTest, NothingOfThePersonIsLeft) {
  CaseOpens();
  Contact("MISSED", "2025-11-25 10:00", "2025-11-26 02:00");
  Engagement("DISENGAGED", "2025-11-27 11:20");
  ASSERT_THAT(engine_->alerts(), SizeIs(1));
  const std::string ref = engine_->alerts()[0]->ref;
  // Somebody else is left alone.
  Erase(Person(9), "2025-11-27 11:30");
  ASSERT_THAT(engine_->alerts(), SizeIs(1));

  const auto drafts = Erase(Person(2), "2025-11-27 11:40");
  EXPECT_THAT(engine_->alerts(), SizeIs(0));
  EXPECT_EQ(engine_->Find(ref), nullptr);
  ASSERT_THAT(drafts, SizeIs(1));
  EXPECT_EQ(drafts[0].type, "concordat.hub.v1.ErasureConfirmed");
  EXPECT_TRUE(drafts[0].subject.empty());
  hub::v1::ErasureConfirmed confirmed;
  ASSERT_TRUE(confirmed.ParseFromString(drafts[0].data));
  EXPECT_EQ(confirmed.erasure_ref(), "E-1");
  EXPECT_EQ(confirmed.destroyed(), 3u);
  // One of the two facts alone raises nothing.
  CaseOpens();
  Engagement("DISENGAGED", "2025-11-28 11:20");
  EXPECT_THAT(engine_->alerts(), SizeIs(0));
}

TEST_F(ForgetTest, TimeGoesOnWithoutThePerson) {
  CaseOpens();
  Contact("MISSED", "2025-11-25 10:00", "2025-11-26 02:00");
  Engagement("DISENGAGED", "2025-11-27 11:20");
  ASSERT_THAT(engine_->alerts(), SizeIs(1));
  Erase(Person(2), "2025-11-27 11:40");
  // Past every limit of the alert; feeds fall silent meanwhile.
  for (const AlertDraft& draft : Erase(Person(9), "2026-03-01 11:40")) {
    EXPECT_TRUE(draft.subject.empty()) << draft.type;
  }
  EXPECT_THAT(engine_->TakeChanged(), SizeIs(0));
}

}  // namespace
}  // namespace concordat::alerts
