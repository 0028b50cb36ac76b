// The services of a hub whose bus is drained: a command is answered UNAVAILABLE and
// changes nothing, and the same one is done, once, when the bus takes events again.
//
// Mutant                                            Caught by
// a command is taken for done                       ACommandIsNotDoneAndThenDoneOnce
// the repeat is another command                     ACommandIsNotDoneAndThenDoneOnce
// a refusal is an error of the command              ACommandIsNotDoneAndThenDoneOnce
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/base/system_clock.h"
#include "tests/support/hub_processes.h"
#include "tests/support/status_matchers.h"

namespace concordat {
namespace {

using ::testing::HasSubstr;
using testing::HubProcesses;
using testing::IsOk;

constexpr absl::Duration kLong = absl::Seconds(60);

struct Command {
  const char* by;
  const char* method;
  const char* rest;  // After the command and the subject.
};

// One of each of the four that publish for people.
constexpr Command kCommands[] = {
    {"police", "police.StartManagement",
     R"("management":{"category":"SONR","managementRef":"OM-1"})"},
    {"nhs", "nhs.ReportRestrictedPatientStatus",
     R"("detentionRef":"D-1","status":{"status":"SUS_ESCORTED"})"},
    {"socialwork", "socialwork.CompleteAssessment",
     R"("assessment":{"assessmentRef":"A-1","tool":"RM2000","level":"HIGH"})"},
    {"coordinator", "mappa.OpenCase",
     R"("caseOpened":{"caseRef":"C-1","lead":"police-scotland",)"
     R"("parties":["police-scotland","nhs-tayside"]})"},
};

class DrainTest : public ::testing::Test {
 protected:
  DrainTest() {
    for (const char* program :
         {"concordat-bus", "concordat-identity", "concordat-police",
          "concordat-nhs", "concordat-socialwork", "concordat-mappa"}) {
      hub_.Start(program);
    }
  }
  absl::StatusOr<std::string> Send(const Command& command) {
    return hub_.Run(
        {"call", command.method,
         absl::StrCat(R"({"command":{"requestId":"r-)", command.by,
                      R"("},"subject":)", R"("p-aaaaaaaaaaaaaaaaaaaaaaaaae",)",
                      command.rest, "}"),
         "--profile", command.by});
  }
  // The log's end, as `log status` has it.
  std::string End() {
    const auto status = hub_.Run({"log", "status"});
    EXPECT_THAT(status, IsOk());
    const size_t at = status->find("events ");
    return status->substr(at, status->find('\n', at) - at);
  }
  HubProcesses hub_;
};

TEST_F(DrainTest, ACommandIsNotDoneAndThenDoneOnce) {
  const SystemSteadyClock clock;
  const absl::Duration until = clock.Elapsed() + kLong;
  while (!hub_.Run({"log", "drain", "--why", "new disks"}).ok()) {
    ASSERT_LT(clock.Elapsed(), until);
  }
  const std::string before = End();
  for (const Command& command : kCommands) {
    absl::StatusOr<std::string> sent;
    do {  // The service starts.
      sent = Send(command);
      ASSERT_FALSE(sent.ok()) << command.method << *sent;
      ASSERT_LT(clock.Elapsed(), until) << sent.status();
    } while (sent.status().message().find("takes no events for now") ==
             absl::string_view::npos);
    EXPECT_THAT(std::string(sent.status().message()),
                HasSubstr("UNAVAILABLE: "));
  }
  EXPECT_EQ(End(), before);
  ASSERT_THAT(hub_.Run({"log", "resume", "--why", "done"}), IsOk());
  for (const Command& command : kCommands) {
    const std::string resumed = End();
    const absl::Duration last = clock.Elapsed() + kLong;
    absl::StatusOr<std::string> sent;
    do {  // Its session opens again.
      sent = Send(command);
      ASSERT_LT(clock.Elapsed(), last) << sent.status();
    } while (!sent.ok());
    const std::string after = End();
    EXPECT_NE(after, resumed);
    ASSERT_THAT(Send(command), IsOk());
    EXPECT_EQ(End(), after);
  }
}

}  // namespace
}  // namespace concordat
