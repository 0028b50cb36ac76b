// An operator drains the real concordat-bus and announces maintenance.
//
// Mutant                                            Caught by
// who publishes is cut before the answer            PublishersLeaveWithTheirAnswersAndComeBack
// what came too late has no answer, or is stored       PublishersLeaveWithTheirAnswersAndComeBack
// drained while somebody still reads                ReadersAreServedToTheEnd
// the place of the last acknowledgement is lost     ReadersAreServedToTheEnd
// the hub's own services are shut out first         WhoAnswersToWhatWasTakenMayPublish
// a drain outlives the process                      PublishersLeaveWithTheirAnswersAndComeBack
// an act leaves nothing in the log                  TheLogTellsWhoDrainedAndWhy
// any time will do; one that is past is no alarm    AMaintenanceIsToldUntilItIsOver
#include <atomic>
#include <fstream>
#include <set>

#include "concordat/hub/v1/maintenance.pb.h"
#include "services/common/base/system_clock.h"
#include "tests/integration/bus/bus_fixture.h"

namespace concordat {
namespace {

constexpr char kWords[] = "the bus takes no events for now: new disks";

class DrainTest : public BusProcessTest {
 protected:
  // However slow the machine is, readers are waited for.
  DrainTest() {
    bus_.Stop();
    std::ofstream(bus_.data().PathOf("bus.textproto"))
        << "drain_patience_s: 3600\n";
    bus_.Start();
  }
  absl::Status SetDraining(bool draining,
                           absl::string_view principal = "admin") {
    bus::v1::SetDrainingRequest request;
    request.set_draining(draining);
    request.set_why("new disks");
    return Ask<bus::v1::SetDrainingResponse>(principal, "SetDraining", request)
        .status();
  }
  absl::Status SetMaintenance(absl::Time until) {
    bus::v1::SetMaintenanceRequest request;
    if (until != absl::InfinitePast()) {
      request.set_until(static_cast<uint64_t>(absl::ToUnixMicros(until)));
    }
    request.set_why("new disks");
    return Ask<bus::v1::SetMaintenanceResponse>("admin", "SetMaintenance",
                                                request)
        .status();
  }
  template <typename IsSo>
  bool Await(IsSo is_so) {
    const absl::Duration until = SteadyNow() + kLong;
    while (SteadyNow() < until) {
      if (is_so()) return true;
    }
    return false;
  }
  // Repeats what met the closing of its session, which nobody answers.
  bool IsTurnedAway(Publisher& publisher, const Event& event) {
    return Await([&] {
      const auto outcomes =
          PublishAndWait(publisher, {event}, absl::Seconds(1));
      if (absl::IsUnavailable(outcomes.status())) return false;
      EXPECT_THAT(outcomes, IsOk());
      EXPECT_EQ((*outcomes)[0].refusal, bus::v1::REFUSAL_DRAINING);
      return true;
    });
  }
  bool AwaitDrained() {
    return Await([&] {
      return LogStatus().drain().phase() == bus::v1::DRAIN_PHASE_DRAINED;
    });
  }
};

TEST_F(DrainTest, PublishersLeaveWithTheirAnswersAndComeBack) {
  const auto police = Connect("police");
  std::atomic<int> answered = 0;
  std::atomic<int> accepted = 0;
  std::atomic<bool> told = false;
  int handed = 0;
  const auto hand = [&] {
    std::vector<Event> set;
    set.push_back(Concern(absl::StrCat("c-", handed), 1));
    const absl::Status status = police->Publish(
        std::move(set), [&](std::vector<PublishOutcome> outcomes) {
          if (outcomes[0].accepted) {
            ++accepted;
          } else {
            EXPECT_EQ(outcomes[0].refusal, bus::v1::REFUSAL_DRAINING);
            EXPECT_EQ(outcomes[0].detail, kWords);
            EXPECT_TRUE(IsPassing(outcomes[0].refusal));
            told = true;
          }
          ++answered;
        });
    handed += status.ok();
  };
  while (accepted < 100) hand();
  ASSERT_THAT(SetDraining(true), IsOk());
  while (!told) hand();
  ASSERT_TRUE(AwaitDrained());
  EXPECT_FALSE(Health().ready());
  EXPECT_THAT(Health().degraded_because(), HasSubstr("drained; safe to stop"));
  // New ones are told in words, by whichever door they come.
  EXPECT_EQ(Publish(*Connect("nhs"), Concern("x", 1)).detail, kWords);
  const auto by_call = PublishByCall("police", {Concern("y", 1)});
  EXPECT_THAT(by_call, HasCode(absl::StatusCode::kUnavailable));
  EXPECT_EQ(by_call.status().message(), kWords);
  const auto read = police->ReadStream({kPolice, "record/1"}, {}, kLong);
  EXPECT_THAT(read, HasCode(absl::StatusCode::kUnavailable));
  EXPECT_EQ(read.status().message(), kWords);

  // All of it has its answer by now, whatever that is.
  ASSERT_TRUE(Await([&] { return answered == handed; }));
  const uint64_t end = LogStatus().end_sequence();
  EXPECT_EQ(bus_.Stop(), 0);
  bus_.Start();
  EXPECT_FALSE(LogStatus().has_drain());
  EXPECT_GE(LogStatus().end_sequence(), end);
  ASSERT_TRUE(Await([&] {
    const PublishOutcome last = Publish(*police, Concern("last", 1));
    end_ = last.sequence;
    return last.accepted;
  }));
  const std::vector<std::string> ids = Tail("police");
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), ids.size());
  EXPECT_EQ(ids.size(), static_cast<size_t>(accepted) + 1);
}

TEST_F(DrainTest, ReadersAreServedToTheEnd) {
  const auto police = Connect("police");
  const auto court = Connect("police");
  SubscribeOptions options;
  options.name = "court";
  auto subscription = court->Subscribe(options);
  ASSERT_THAT(subscription, IsOk());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(Publish(*police, Concern(absl::StrCat("c-", i), 1)).accepted);
  }
  ASSERT_THAT((*subscription)->Next(kLong), IsOk());
  ASSERT_THAT(SetDraining(true), IsOk());
  ASSERT_TRUE(Await([&] { return LogStatus().drain().behind_size() == 1; }));
  EXPECT_EQ(LogStatus().drain().phase(), bus::v1::DRAIN_PHASE_DRAINING);
  EXPECT_THAT(LogStatus().drain().behind(0),
              HasSubstr("police-scotland/police/court is behind by "));
  EXPECT_TRUE(Health().ready());
  EXPECT_THAT(Health().degraded_because(),
              HasSubstr("because new disks; waits: police-scotland"));
  // Nobody new comes to read.
  const auto nhs = Connect("nhs");
  auto late = nhs->Subscribe({});
  ASSERT_THAT(late, IsOk());
  uint64_t last = 1;
  for (int i = 0; i < 2; ++i) {
    const auto delivery = (*subscription)->Next(kLong);
    ASSERT_THAT(delivery, IsOk());
    last = delivery->number;
  }
  (*subscription)->Ack(last);
  ASSERT_TRUE(AwaitDrained());
  EXPECT_EQ(LogStatus().drain().behind_size(), 0);
  EXPECT_FALSE((*late)->connected());
  bus_.Kill();  // Safe to stop, however.
  bus_.Start();
  // It is not given again what it had acknowledged.
  ASSERT_TRUE(
      Await([&] { return Publish(*police, Concern("next", 1)).accepted; }));
  const auto after = Connect("police");
  subscription = absl::UnavailableError("left");
  auto again = after->Subscribe(options);
  ASSERT_THAT(again, IsOk());
  const auto delivery = (*again)->Next(kLong);
  ASSERT_THAT(delivery, IsOk());
  EXPECT_EQ(delivery->view.header.id, "next");
}

TEST_F(DrainTest, WhoAnswersToWhatWasTakenMayPublish) {
  const auto police = Connect("police");
  const auto mappa = Connect("service-mappa");
  const auto court = Connect("police");
  SubscribeOptions options;
  options.name = "court";
  auto subscription = court->Subscribe(options);
  ASSERT_TRUE(Publish(*police, Concern("c-1", 1)).accepted);
  ASSERT_THAT((*subscription)->Next(kLong), IsOk());
  ASSERT_THAT(SetDraining(true), IsOk());
  EXPECT_TRUE(IsTurnedAway(*police, Concern("c-2", 1)));
  EXPECT_TRUE(Publish(*mappa, Opened("o-1", 1)).accepted);
  ASSERT_THAT(SetDraining(false), IsOk());
  EXPECT_FALSE(LogStatus().has_drain());
  ASSERT_TRUE(
      Await([&] { return Publish(*police, Concern("c-2", 1)).accepted; }));

  subscription = absl::UnavailableError("left");
  ASSERT_THAT(SetDraining(true), IsOk());
  ASSERT_TRUE(AwaitDrained());
  const uint64_t end = LogStatus().end_sequence();
  EXPECT_TRUE(IsTurnedAway(*mappa, Opened("o-2", 2)));
  EXPECT_EQ(LogStatus().end_sequence(), end);
}

TEST_F(DrainTest, TheLogTellsWhoDrainedAndWhy) {
  EXPECT_THAT(SetDraining(true, "police"),
              HasCode(absl::StatusCode::kPermissionDenied));
  bus::v1::SetDrainingRequest silent;
  silent.set_draining(true);
  EXPECT_THAT(Ask<bus::v1::SetDrainingResponse>("admin", "SetDraining", silent),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_FALSE(LogStatus().has_drain());
  const uint64_t before = LogStatus().end_sequence();
  ASSERT_THAT(SetDraining(true), IsOk());
  ASSERT_TRUE(AwaitDrained());
  EXPECT_EQ(LogStatus().end_sequence(), before + 1);
  ASSERT_THAT(SetDraining(false), IsOk());
  ASSERT_THAT(SetMaintenance(SystemClock().Now() + absl::Hours(1)), IsOk());
  end_ = {before + 3};
  const auto alerts = Connect("service-alerts");
  auto all = alerts->Subscribe({});
  ASSERT_THAT(all, IsOk());
  std::vector<hub::v1::OperatorActed> acts;
  while (acts.size() < 3) {
    const auto delivery = (*all)->Next(kLong);
    ASSERT_THAT(delivery, IsOk());
    if (delivery->view.header.type != "concordat.hub.v1.OperatorActed") {
      continue;
    }
    std::string data;
    for (const View::Group& group : delivery->view.groups) data += group.data;
    ASSERT_TRUE(acts.emplace_back().ParseFromString(data));
  }
  EXPECT_EQ(acts[0].act(), hub::v1::OperatorActed::ACT_DRAINED);
  EXPECT_EQ(acts[1].act(), hub::v1::OperatorActed::ACT_RESUMED);
  EXPECT_EQ(acts[2].act(), hub::v1::OperatorActed::ACT_MAINTENANCE_ANNOUNCED);
  for (const auto& act : acts) {
    EXPECT_EQ(act.by(), "admin");
    EXPECT_EQ(act.why(), "new disks");
  }
  EXPECT_EQ(acts[2].until(), LogStatus().maintenance().until());
}

TEST_F(DrainTest, AMaintenanceIsToldUntilItIsOver) {
  EXPECT_THAT(SetMaintenance(SystemClock().Now() - absl::Seconds(1)),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(SetMaintenance(SystemClock().Now() + absl::Hours(24 * 8)),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_FALSE(LogStatus().has_maintenance());
  ASSERT_THAT(SetMaintenance(SystemClock().Now() + absl::Hours(1)), IsOk());
  bus_.Stop();
  bus_.Start();
  EXPECT_EQ(LogStatus().maintenance().why(), "new disks");
  EXPECT_THAT(Health().degraded_because(), HasSubstr("in maintenance since "));
  EXPECT_TRUE(Health().ready());
  ASSERT_THAT(SetMaintenance(absl::InfinitePast()), IsOk());
  EXPECT_FALSE(LogStatus().has_maintenance());
  EXPECT_EQ(Health().degraded_because().find("maintenance"), std::string::npos);
  hub::v1::Maintenance past;
  past.set_until(1);
  past.set_why("new disks");
  ASSERT_THAT(bus_.data().WriteMaintenance(past), IsOk());
  EXPECT_THAT(Health().degraded_because(),
              HasSubstr("nobody has said that it is over"));
}

}  // namespace
}  // namespace concordat
