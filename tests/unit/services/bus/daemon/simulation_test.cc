// A candidate agreement tried on a past period.
//
// Mutant                                            Caught by
// shown counted as hidden, people as events         CountsWhatIsShownAndHiddenAndWhose
// the period's ends are out by one                  LooksAtThePeriodAlone
// a candidate that begins later shows nothing       TakesTheCandidateAsInForce
// an agreement of another name is replaced          TakesTheCandidateAsInForce
// the deadline is not asked                         StopsWhenItIsTold
// the log is changed, or more than read             ReadsOnlyTypesThatMatter
// people are counted twice, or far out              CountsPeopleCloseEnough
#include "services/bus/daemon/simulation.h"

#include <random>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "services/bus/daemon/people_count.h"
#include "tests/support/fake_event_log.h"
#include "tests/support/fake_types.h"
#include "tests/support/status_matchers.h"

namespace concordat::bus {
namespace {

using testing::FakeEventLog;
using testing::FakeTypes;
using testing::HasCode;
using testing::IsOk;
using testing::WithEffect;

constexpr uint64_t kNowUs = 1'764'000'000'000'000;  // 24 Nov 2025.
constexpr char kParty[] =
    R"(see { to: "red" roles: "officer" types: "a.v1.Fact" up_to: TIER_S1
             audience: AUDIENCE_PARTY })";

policy::v1::Agreement Read(const std::string& name, uint32_t version,
                           const std::string& text) {
  policy::v1::Agreement agreement;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      absl::StrCat(R"(parties: "red" parties: "blue" valid_from: "2025-10-01"
                      valid_to: "2026-03-31" name: ")",
                   name, "\" version: ", version, " ", text),
      &agreement));
  return agreement;
}

class SimulationTest : public ::testing::Test {
 protected:
  SimulationTest() {
    auto types = std::make_shared<FakeTypes>();
    types->Add("a.v1.Fact").Add("a.v1.Other").Add("m.v1.Opened", Opens());
    types_ = std::move(types);
    fold_ = std::make_unique<PolicyFold>(types_);
    EXPECT_THAT(fold_->Adopt(Read("x", 3, kParty)), IsOk());
  }
  static policy::v1::TypePolicy Opens() {
    policy::v1::TypePolicy policy = WithEffect(policy::v1::EFFECT_CASE_OPENED);
    policy.set_internal(true);
    return policy;
  }
  void Append(absl::string_view type, int person,
              absl::string_view data = "x") {
    HeaderView header;
    header.type = type;
    header.source = "urn:concordat:elsewhere:x";
    header.controller = "elsewhere";
    header.id = "id";
    header.subject = PersonKey({static_cast<uint8_t>(person)});
    log_.Append(header, data, kNowUs + 10 * log_.end().value);
  }
  absl::StatusOr<v1::SimulateAgreementResponse> Try(
      const policy::v1::Agreement& candidate, SimulatedPeriod period = {}) {
    EXPECT_THAT(fold_->CatchUp(log_), IsOk());
    return Simulate(log_, *fold_, candidate, period, [this] { return go_on_; });
  }

  std::shared_ptr<const TypeRegistry> types_;
  FakeEventLog log_;
  std::unique_ptr<PolicyFold> fold_;
  bool go_on_ = true;
};

TEST_F(SimulationTest, CountsWhatIsShownAndHiddenAndWhose) {
  for (const int person : {1, 2}) {
    Append("m.v1.Opened", person, "red,blue;blue;0");
  }
  for (const int person : {1, 1, 2, 3}) Append("a.v1.Fact", person);
  Append("a.v1.Other", 1);
  const auto response =
      Try(Read("x", 4,
               R"(see { to: "blue" roles: "officer" types: "a.v1.*"
               audience: AUDIENCE_PARTY })"));
  ASSERT_THAT(response, IsOk());
  EXPECT_EQ(response->events(), 7u);
  EXPECT_EQ(response->from_version(), 3u);
  EXPECT_EQ(response->to_version(), 4u);
  ASSERT_EQ(response->changes_size(), 3);
  const auto check = [&](int at, const std::string& agency,
                         const std::string& type, uint64_t shown,
                         uint64_t shown_people, uint64_t hidden,
                         uint64_t hidden_people) {
    const v1::SimulatedChange& change = response->changes(at);
    EXPECT_EQ(change.agency(), agency);
    EXPECT_EQ(change.type(), type);
    EXPECT_EQ(change.newly_shown(), shown) << at;
    EXPECT_EQ(change.shown_people(), shown_people) << at;
    EXPECT_EQ(change.newly_hidden(), hidden) << at;
    EXPECT_EQ(change.hidden_people(), hidden_people) << at;
  };
  check(0, "blue", "a.v1.Fact", 3, 2, 0, 0);
  check(1, "blue", "a.v1.Other", 1, 1, 0, 0);
  check(2, "red", "a.v1.Fact", 0, 0, 3, 2);
}

TEST_F(SimulationTest, LooksAtThePeriodAlone) {
  Append("m.v1.Opened", 1, "red,blue;blue;0");
  for (int i = 0; i < 4; ++i) Append("a.v1.Fact", 1);
  const auto candidate = Read("x", 4, "");
  const auto hidden = [&](uint64_t from_us, uint64_t to_us) {
    const auto response = Try(candidate, {from_us, to_us});
    EXPECT_THAT(response, IsOk());
    return response->changes_size() == 0 ? 0
                                         : response->changes(0).newly_hidden();
  };
  EXPECT_EQ(hidden(0, 0), 4u);
  EXPECT_EQ(hidden(kNowUs + 20, kNowUs + 40), 2u);
  EXPECT_EQ(hidden(kNowUs + 40, 0), 1u);
  EXPECT_EQ(hidden(0, kNowUs + 20), 1u);
  EXPECT_EQ(hidden(kNowUs + 41, 0), 0u);
  EXPECT_THAT(Try(candidate, {kNowUs, kNowUs}),
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST_F(SimulationTest, TakesTheCandidateAsInForce) {
  ASSERT_THAT(fold_->Adopt(Read("y", 1, kParty)), IsOk());
  Append("m.v1.Opened", 1, "red,blue;blue;0");
  Append("a.v1.Fact", 1);
  // The other agreement still gives it.
  auto response = Try(Read("x", 4, ""));
  ASSERT_THAT(response, IsOk());
  EXPECT_EQ(response->changes_size(), 0);
  policy::v1::Agreement later =
      Read("x", 1, R"(see { to: "red" roles: "officer" types: "a.v1.Fact"
                       audience: AUDIENCE_PARTY })");
  later.set_valid_from("2027-01-01");
  later.set_valid_to("2027-12-31");
  response = Try(later);
  ASSERT_THAT(response, IsOk());
  ASSERT_EQ(response->changes_size(), 1);
  EXPECT_EQ(response->changes(0).newly_shown(), 1u);
  EXPECT_THAT(Try(Read("x", 4, R"(see { to: "green" })")),
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST_F(SimulationTest, StopsWhenItIsTold) {
  Append("a.v1.Fact", 1);
  go_on_ = false;
  EXPECT_THAT(Try(Read("x", 4, "")),
              HasCode(absl::StatusCode::kDeadlineExceeded));
}

TEST_F(SimulationTest, ReadsOnlyTypesThatMatter) {
  for (int i = 0; i < 100; ++i) Append("a.v1.Other", 1);
  EXPECT_THAT(fold_->CatchUp(log_), IsOk());
  log_.TellRegionsOf(10);
  const auto response =
      Simulate(log_, *fold_, Read("x", 4, kParty), {}, [] { return true; });
  ASSERT_THAT(response, IsOk());
  EXPECT_EQ(response->events(), 100u);
  EXPECT_EQ(log_.reads(), 0u);
}

TEST(PeopleCountTest, CountsPeopleCloseEnough) {
  std::mt19937_64 random(1);
  PeopleCount count;
  const auto add = [&](int number) {
    for (int i = 0; i < number; ++i) {
      std::array<uint8_t, PersonKey::kBytes> bytes = {};
      for (uint8_t& each : bytes) each = static_cast<uint8_t>(random());
      count.Add(PersonKey(bytes));
      count.Add(PersonKey(bytes));
    }
  };
  add(1000);
  EXPECT_EQ(count.count(), 1000u);
  add(4000);
  EXPECT_NEAR(static_cast<double>(count.count()), 5000, 400);
  add(95'000);
  EXPECT_NEAR(static_cast<double>(count.count()), 100'000, 8000);
}

}  // namespace
}  // namespace concordat::bus
