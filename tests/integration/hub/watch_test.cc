// The outside watcher over a whole hub of real processes.
//
// Mutant                                            Caught by
// says all is well whatever happens                 ItSaysWhichProgramIsDown
// one that was stopped in order is not missed       ItSaysWhichProgramIsDown
// nobody asks the gateway                           ItSaysWhichProgramIsDown
// the bus does not say that alerts are away         ItSaysWhichProgramIsDown
// waits for ever for one that hangs                 ItNoticesOneThatHangs
// an announced maintenance is an alarm              AMaintenanceIsNoAlarmUntilItIsOver
// the watcher needs the bus to know of it           AMaintenanceIsNoAlarmUntilItIsOver
// it is kept quiet for ever                         AMaintenanceIsNoAlarmUntilItIsOver
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/base/system_clock.h"
#include "tests/support/hub_processes.h"
#include "tests/support/status_matchers.h"

namespace concordat {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::HubProcesses;
using testing::IsOk;
using ::testing::Not;

constexpr absl::Duration kLong = absl::Seconds(60);
constexpr char kSays[] = "concordat watch: ";
constexpr char kGateway[] = "concordat-gateway";

class WatchTest : public ::testing::Test {
 protected:
  WatchTest() {
    for (const std::string& program : HubProcesses::Programs()) {
      hub_.Start(program);
    }
    hub_.Start(kGateway);
  }
  // Asks the watcher until it says what is wanted; "": that all is well.
  void Await(const ::testing::Matcher<const std::string&>& wanted) {
    const SystemSteadyClock clock;
    const absl::Duration until = clock.Elapsed() + kLong;
    std::string said;
    do {
      const auto run = hub_.Run({"watch"});
      said = std::string(run.status().message());
      // Its last line; those of the times before stand there too.
      const size_t at = said.rfind(kSays);
      if (at != std::string::npos) said.erase(0, at + sizeof(kSays) - 1);
    } while (!wanted.Matches(said) && clock.Elapsed() < until);
    EXPECT_THAT(said, wanted);
  }
  HubProcesses hub_;
};

TEST_F(WatchTest, ItSaysWhichProgramIsDown) {
  Await("");
  hub_.Kill("concordat-alerts");
  Await(AllOf(HasSubstr("concordat-alerts is DOWN"),
              HasSubstr("concordat-bus is CRITICAL"),
              Not(HasSubstr("concordat-police"))));
  hub_.Start("concordat-alerts");
  Await("");
  EXPECT_EQ(hub_.Stop("concordat-nhs"), 0);
  hub_.Kill(kGateway);
  Await("concordat-nhs is DOWN, concordat-gateway is DOWN\n");
  hub_.Start("concordat-nhs");
  hub_.Start(kGateway);
  Await("");
}

TEST_F(WatchTest, ItNoticesOneThatHangs) {
  Await("");
  hub_.Freeze("concordat-police");
  Await("concordat-police is DOWN\n");
  hub_.Thaw("concordat-police");
  Await("");
}

TEST_F(WatchTest, AMaintenanceIsNoAlarmUntilItIsOver) {
  Await("");
  ASSERT_THAT(
      hub_.Run({"log", "maintenance", "--until", "1h", "--why", "new disks"}),
      IsOk());
  ASSERT_THAT(hub_.Run({"log", "drain", "--why", "new disks"}), IsOk());
  EXPECT_EQ(hub_.Stop("concordat-bus"), 0);
  const auto quiet = hub_.Run({"watch"});
  ASSERT_THAT(quiet, IsOk());
  EXPECT_THAT(*quiet, AllOf(HasSubstr("concordat-bus          DOWN"),
                            HasSubstr("because new disks")));
  auto announced = hub_.data().ReadMaintenance();
  ASSERT_THAT(announced, IsOk());
  (*announced)->set_until(1);
  ASSERT_THAT(hub_.data().WriteMaintenance(**announced), IsOk());
  Await(HasSubstr("concordat-bus is DOWN"));
  hub_.Start("concordat-bus");
  Await("concordat-bus is degraded\n");
  ASSERT_THAT(hub_.Run({"log", "maintenance", "--over", "--why", "done"}),
              IsOk());
  Await("");
}

}  // namespace
}  // namespace concordat
