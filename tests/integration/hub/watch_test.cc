// The outside watcher over a whole hub of real processes.
//
// Mutant                                            Caught by
// says all is well whatever happens                 ItSaysWhichProgramIsDown
// one that was stopped in order is not missed       ItSaysWhichProgramIsDown
// nobody asks the gateway                           ItSaysWhichProgramIsDown
// the bus does not say that alerts are away         ItSaysWhichProgramIsDown
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

}  // namespace
}  // namespace concordat
