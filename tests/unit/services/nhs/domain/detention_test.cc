#include "services/nhs/domain/detention.h"

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "concordat/policy/v1/agreement.pb.h"
#include "gtest/gtest.h"
#include "services/common/config/data_directory.h"
#include "tests/support/history.h"
#include "tests/support/status_matchers.h"

namespace concordat::nhs {
namespace {

using ::concordat::testing::HasCode;
using ::concordat::testing::History;
using ::concordat::testing::IsOk;

policy::v1::CodeList Codes() {
  const std::string path = std::string(std::getenv("CONCORDAT_SOURCE")) +
                           "/deploy/config/codes/"
                           "restricted-patient-status.textproto";
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  policy::v1::CodeList list;
  EXPECT_THAT(ParseTextProto({path, text.str()}, &list), IsOk());
  return list;
}

TEST(Detention, EveryCodeOfTheListIsInTheTable) {
  const policy::v1::CodeList list = Codes();
  ASSERT_GT(list.codes_size(), 0);
  for (const std::string& to : list.codes()) {
    bool reached = false;
    for (const std::string& from : list.codes()) {
      reached = reached || CanFollow(from, to);
      // A status of the list never bars nothing: it has a row.
      EXPECT_FALSE(CanFollow(from, "NO_SUCH_STATUS")) << from;
    }
    EXPECT_TRUE(reached) << to;
    EXPECT_FALSE(CanFollow(to, to)) << to;
  }
}

TEST(Detention, AMissingPatientCanBeToldAtOnceAndComesBackOnce) {
  EXPECT_TRUE(CanFollow("", "AWOL"));
  EXPECT_FALSE(CanFollow("", "RETURNED"));
  EXPECT_FALSE(CanFollow("END", "AWOL"));
  EXPECT_FALSE(CanFollow("COND_DISCHARGE", "AWOL"));
  EXPECT_TRUE(CanFollow("RECALL", "AWOL"));
}

TEST(Detention, DecidesFromTheLastStatus) {
  History history;
  v1::RestrictedPatientStatusChanged status;
  status.set_status("AWOL");
  history.Add(status);
  EXPECT_THAT(DecideStatus(history.views(), status),
              HasCode(absl::StatusCode::kFailedPrecondition));
  status.set_status("RETURNED");
  EXPECT_THAT(DecideStatus(history.views(), status), IsOk());
  status.set_effective_on("2025-02-29");
  EXPECT_THAT(DecideStatus(history.views(), status),
              HasCode(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace concordat::nhs
