// When the bus says that something is wrong, and when not any more.
//
// Mutant                                            Caught by
// one that moves, but lags, is an alarm             ASubscriptionThatDoesNotMove…
// one whose reader is away is forgotten             ASubscriptionThatDoesNotMove…
// one that is full and moves is no alarm            ASubscriptionThatTakesNoMoreIsSaid
// sessions without a name, which end, are alarms    SessionsWithoutANameAreNoAlarm
// alerts behind counted in events, not in time      TheAlertsServiceBehindIsCritical
// a new event makes the oldest one look new         TheAlertsServiceBehindIsCritical
// alerts gone altogether: nothing to compare with   TheAlertsServiceThatDoesNotReadIsCritical
// each start of a hub is critical                   TheAlertsServiceHasTimeToStart
// anybody's subscription of the name counts         TheAlertsServiceHasTimeToStart
// an empty log wants alerts                         ALogWithoutEventsWantsNoAlertsService
// MiB taken for bytes; the tenth forgotten          RoomForTheLog
// the day of ending counted as over, or a day late  AnAgreementIsSaidBeforeItEnds
// an agreement of the past or future is said        AnAgreementIsSaidBeforeItEnds
#include "services/bus/daemon/bus_health.h"

#include <memory>

#include "absl/time/civil_time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/config/settings.h"
#include "tests/support/fake_types.h"
#include "tests/support/status_matchers.h"

namespace concordat::bus {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr uint64_t kMiB = 1u << 20;

hub::v1::WatchSettings Settings() {
  hub::v1::WatchSettings settings;
  settings.set_alerts_behind_s(5);
  settings.set_disk_free_min_mib(1000);
  EXPECT_THAT(CheckSettings(&settings), testing::IsOk());
  return settings;
}

class BusHealthTest : public ::testing::Test {
 protected:
  BusHealthTest() : health_(Settings(), absl::UTCTimeZone()) {
    view_.now = absl::Seconds(1000);
    view_.disk_free_bytes = 5000 * kMiB;
    view_.log.end = {100};
    Place("alerts").acknowledged = {100};
  }
  SubscriptionInfo& Place(const std::string& name) {
    for (SubscriptionInfo& info : view_.subscriptions) {
      if (info.name == name) return info;
    }
    SubscriptionInfo& info = view_.subscriptions.emplace_back();
    info.agency = "police-scotland";
    info.role = name == "alerts" ? "service" : "reader";
    info.name = name;
    info.connected = true;
    info.acknowledged = view_.log.end;
    return info;
  }
  // What is wrong after so long, looked at each second: "code about".
  std::vector<std::string> After(absl::Duration time) {
    std::vector<std::string> codes;
    for (; time > absl::ZeroDuration(); time -= absl::Seconds(1)) {
      view_.now += absl::Seconds(1);
      troubles_.clear();
      health_.Judge(view_, troubles_);
    }
    for (const Trouble& trouble : troubles_) {
      codes.push_back(absl::StrCat(trouble.critical ? "!" : "", trouble.code,
                                   trouble.about.empty() ? "" : " ",
                                   trouble.about));
    }
    return codes;
  }
  // Alerts keep up, so that they are not what a test sees.
  void Grow(uint64_t events) {
    view_.log.end.value += events;
    Place("alerts").acknowledged = view_.log.end;
  }

  BusHealth health_;
  BusHealth::View view_;
  Troubles troubles_;
};

TEST_F(BusHealthTest, NothingIsWrong) {
  EXPECT_THAT(After(absl::Minutes(10)), IsEmpty());
}

TEST_F(BusHealthTest, ASubscriptionThatDoesNotMoveIsSaidUntilItMoves) {
  Place("court");
  EXPECT_THAT(After(absl::Hours(1)), IsEmpty());
  Grow(3);
  EXPECT_THAT(After(absl::Hours(1)), IsEmpty());  // It lags, and moves.
  Place("court").stalled_since = view_.now - absl::Seconds(60);
  EXPECT_THAT(After(absl::Seconds(1)),
              ElementsAre("subscription police-scotland/reader/court"));
  EXPECT_THAT(troubles_[0].what,
              HasSubstr("is behind by 3 events and has not moved for 61 s"));
  Place("court").connected = false;
  EXPECT_THAT(After(absl::Hours(2)),
              ElementsAre("subscription police-scotland/reader/court"));
  EXPECT_THAT(troubles_[0].what, HasSubstr("its reader is away"));
  Place("court").stalled_since = -absl::InfiniteDuration();
  EXPECT_THAT(After(absl::Seconds(1)), IsEmpty());
}

TEST_F(BusHealthTest, ASubscriptionThatTakesNoMoreIsSaid) {
  Place("court").stopped_because = "as many wait as may";
  EXPECT_THAT(After(absl::Seconds(1)),
              ElementsAre("subscription police-scotland/reader/court"));
  EXPECT_THAT(troubles_[0].what,
              HasSubstr("takes no more: as many wait as may"));
}

TEST_F(BusHealthTest, SessionsWithoutANameAreNoAlarm) {
  Place("").stalled_since = view_.now;
  Grow(3);
  EXPECT_THAT(After(absl::Hours(1)), IsEmpty());
}

TEST_F(BusHealthTest, TheAlertsServiceBehindIsCritical) {
  // As fast as they come, and always some behind: that is its work.
  for (int i = 0; i < 20; ++i) {
    view_.log.end.value += 1000;
    EXPECT_THAT(After(absl::Seconds(1)), IsEmpty());
    Place("alerts").acknowledged.value += 1000;
  }
  // One event for too long, however many come after it.
  Place("alerts").acknowledged.value -= 1;
  for (int i = 0; i < 4; ++i) {
    view_.log.end.value += 1;
    EXPECT_THAT(After(absl::Seconds(1)), IsEmpty()) << i;
  }
  view_.log.end.value += 1;
  EXPECT_THAT(After(absl::Seconds(1)), ElementsAre("!alerts behind"));
  EXPECT_THAT(troubles_[0].what, HasSubstr("behind by 6 events"));
  EXPECT_THAT(After(absl::Minutes(10)), ElementsAre("!alerts behind"));
  Place("alerts").acknowledged = view_.log.end;
  EXPECT_THAT(After(absl::Seconds(1)), IsEmpty());
}

TEST_F(BusHealthTest, TheAlertsServiceThatDoesNotReadIsCritical) {
  EXPECT_THAT(After(absl::Seconds(10)), IsEmpty());
  view_.subscriptions.clear();
  EXPECT_THAT(After(absl::Seconds(4)), IsEmpty());
  EXPECT_THAT(After(absl::Seconds(1)), ElementsAre("!alerts away"));
  Place("alerts").connected = false;
  EXPECT_THAT(After(absl::Seconds(2)), ElementsAre("!alerts away"));
  Place("alerts").connected = true;
  EXPECT_THAT(After(absl::Seconds(2)), IsEmpty());
}

TEST_F(BusHealthTest, TheAlertsServiceHasTimeToStart) {
  Place("alerts").role = "reader";  // Somebody else's of that name.
  EXPECT_THAT(After(absl::Seconds(35)), IsEmpty());
  EXPECT_THAT(After(absl::Seconds(1)), ElementsAre("!alerts away"));
}

TEST_F(BusHealthTest, ALogWithoutEventsWantsNoAlertsService) {
  view_.log.end = {0};
  view_.subscriptions.clear();
  EXPECT_THAT(After(absl::Hours(1)), IsEmpty());
  view_.log.end = {1};
  EXPECT_THAT(After(absl::Seconds(1)), ElementsAre("!alerts away"));
}

TEST_F(BusHealthTest, RoomForTheLog) {
  view_.disk_free_bytes = 1000 * kMiB;
  EXPECT_THAT(After(absl::Seconds(1)), IsEmpty());
  view_.disk_free_bytes -= 1;
  EXPECT_THAT(After(absl::Seconds(1)), ElementsAre("disk"));
  EXPECT_EQ(troubles_[0].what, "999 of 1000 MiB are left for the log");
  view_.disk_free_bytes = 100 * kMiB - 1;
  EXPECT_THAT(After(absl::Seconds(1)), ElementsAre("!disk"));
}

TEST_F(BusHealthTest, ALogThatTakesNoWritesIsCritical) {
  view_.log.read_only = true;
  view_.log.read_only_because = "segment 7: no space left on device";
  EXPECT_THAT(After(absl::Seconds(1)), ElementsAre("!read-only"));
  EXPECT_EQ(troubles_[0].what, "segment 7: no space left on device");
}

TEST_F(BusHealthTest, AnAgreementIsSaidBeforeItEnds) {
  auto agreements = Agreements::None(std::make_shared<testing::FakeTypes>());
  const auto adopt = [&](const char* name, const char* from, const char* to) {
    policy::v1::Agreement agreement;
    agreement.set_name(name);
    agreement.set_version(1);
    agreement.set_valid_from(from);
    agreement.set_valid_to(to);
    const auto with = agreements->With(agreement);
    ASSERT_THAT(with, testing::IsOk());
    agreements = *with;
  };
  adopt("sharing", "2026-01-01", "2026-06-30");
  adopt("over", "2025-01-01", "2026-05-01");
  adopt("next", "2026-07-01", "2026-07-02");
  view_.agreements = agreements;
  const auto on = [&](absl::CivilDay day) {
    view_.log_time_us = static_cast<uint64_t>(absl::ToUnixMicros(
        absl::FromCivil(absl::CivilHour(day) + 12, absl::UTCTimeZone())));
    return After(absl::Seconds(1));
  };
  EXPECT_THAT(on(absl::CivilDay(2026, 5, 30)), IsEmpty());
  EXPECT_THAT(on(absl::CivilDay(2026, 5, 31)),
              ElementsAre("agreement sharing"));
  EXPECT_EQ(troubles_[0].what, "agreement sharing ends after 2026-06-30");
  EXPECT_THAT(on(absl::CivilDay(2026, 6, 30)),
              ElementsAre("agreement sharing"));
  EXPECT_THAT(on(absl::CivilDay(2026, 7, 1)), ElementsAre("agreement next"));
}

}  // namespace
}  // namespace concordat::bus
