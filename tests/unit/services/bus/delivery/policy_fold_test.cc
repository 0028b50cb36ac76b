// Mutant                                            Caught by
// reads the whole log to fold what little it holds  PassesOverWhatHoldsNoPolicy
// passes over policy, or loses the time             …the same
// a day that ends an agreement is passed over       ADayThatChangesAgreementsIsNotPassedOver
#include "services/bus/delivery/policy_fold.h"

#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/services/bus/delivery/delivery_fixture.h"

namespace concordat::bus {
namespace {

constexpr int kEvents = 3000;

class PolicyFoldTest : public ::testing::Test {
 protected:
  void Append(absl::string_view type, uint8_t person, absl::string_view data,
              uint64_t accepted_us) {
    HeaderView header;
    header.type = type;
    header.source = "urn:concordat:elsewhere:x";
    header.controller = "elsewhere";
    header.id = "id";
    if (person != 0) header.subject = PersonKey({person});
    log_.Append(header, data, accepted_us);
  }
  PolicyFold Folded() {
    PolicyFold fold(Types());
    EXPECT_THAT(fold.Adopt(Demo()), IsOk());
    EXPECT_THAT(fold.CatchUp(log_), IsOk());
    return fold;
  }

  static std::vector<uint64_t> Causes(const PolicyFold& fold) {
    std::vector<uint64_t> causes;
    for (const PolicyChange& change : fold.changes()) {
      causes.push_back(change.cause.value);
    }
    return causes;
  }

  FakeEventLog log_;
};

TEST_F(PolicyFoldTest, PassesOverWhatHoldsNoPolicy) {
  for (int i = 0; i < kEvents; ++i) {
    if (i == 700) {
      Append("m.v1.Opened", 1, "red;red;0", kNowUs + 700);
    } else {
      Append("a.v1.Fact", 1, "x", kNowUs + static_cast<uint64_t>(i));
    }
  }
  const PolicyFold whole = Folded();
  log_.TellRegionsOf(100);
  const PolicyFold passed = Folded();
  EXPECT_LE(log_.reads(), 2u * 100 / 5);
  EXPECT_EQ(passed.folded(), whole.folded());
  EXPECT_EQ(passed.now_us(), whole.now_us());
  // The agreement's first day, and the case.
  EXPECT_THAT(Causes(passed), ElementsAre(1, 701));
  EXPECT_THAT(Causes(whole), ElementsAre(1, 701));
}

TEST_F(PolicyFoldTest, ADayThatChangesAgreementsIsNotPassedOver) {
  const auto at = [](int month, int day) {
    return static_cast<uint64_t>(absl::ToUnixMicros(absl::FromCivil(
        absl::CivilDay(2026, month, day), absl::UTCTimeZone())));
  };
  for (int i = 0; i < kEvents; ++i) {
    Append("a.v1.Fact", 1, "x", i < 1234 ? at(9, 1) : at(11, 1));
  }
  log_.TellRegionsOf(kEvents);
  const PolicyFold fold = Folded();
  EXPECT_EQ(fold.folded(), Sequence{kEvents});
  EXPECT_EQ(fold.now_us(), at(11, 1));
  EXPECT_THAT(Causes(fold), ElementsAre(1, 1235));
}

}  // namespace
}  // namespace concordat::bus
