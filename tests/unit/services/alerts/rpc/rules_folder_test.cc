// | bug | test |
// |---|---|
// | read at each look | ReadOnceUntilAFileIsAnother |
// | a change, a new file or one that is gone is not seen | ReadOnceUntilAFileIsAnother |
// | a file put in the place of another, with its size and time, is not seen | AFileInThePlaceOfAnotherIsAnother |
// | what changes twice in a moment is read once | WhatMayStillChangeIsNotKept |
// | a read that failed is kept for ever | WhatCouldNotBeReadIsReadAgain |
#include "services/alerts/rpc/rules_folder.h"

#include <filesystem>
#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/base/system_clock.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace concordat::alerts {
namespace {

using ::concordat::testing::HasCode;
using ::concordat::testing::IsOk;
using ::testing::SizeIs;

class RulesFolderTest : public ::testing::Test {
 protected:
  RulesFolderTest() { Write("r01.textproto", "id: 'R01'"); }

  void Write(const std::string& name, const std::string& text) {
    std::ofstream(files_.PathOf(name)) << text;
  }
  absl::StatusOr<std::vector<v1::Rule>> Look() { return folder_.Rules(); }

  testing::TempDir files_;
  // Long after the files were written.
  testing::FakeClock clock_{SystemClock().Now() + absl::Hours(1)};
  int reads_ = 0;
  absl::StatusOr<std::vector<v1::Rule>> says_ = std::vector<v1::Rule>(1);
  RulesFolder folder_{files_.path(),
                      [this] {
                        ++reads_;
                        return says_;
                      },
                      clock_};
};

TEST_F(RulesFolderTest, ReadOnceUntilAFileIsAnother) {
  for (int look = 0; look < 3; ++look) {
    const auto rules = Look();
    ASSERT_THAT(rules, IsOk());
    EXPECT_THAT(*rules, SizeIs(1));
  }
  EXPECT_EQ(reads_, 1);
  says_ = std::vector<v1::Rule>(2);
  Write("r02.textproto", "id: 'R02'");
  EXPECT_THAT(*Look(), SizeIs(2));
  EXPECT_THAT(*Look(), SizeIs(2));
  EXPECT_EQ(reads_, 2);
  Write("r02.textproto", "id: 'R02' version: 2");
  ASSERT_THAT(Look(), IsOk());
  EXPECT_EQ(reads_, 3);
  // What the files say is wrong is not read again, either.
  says_ = absl::InvalidArgumentError("r01.textproto: is wrong");
  std::filesystem::remove(files_.PathOf("r02.textproto"));
  EXPECT_THAT(Look(), HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Look(), HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(reads_, 4);
}

TEST_F(RulesFolderTest, AFileInThePlaceOfAnotherIsAnother) {
  ASSERT_THAT(Look(), IsOk());
  const std::string path = files_.PathOf("r01.textproto");
  const auto written = std::filesystem::last_write_time(path);
  // Outside: a name that comes and goes is a change by itself.
  testing::TempDir elsewhere;
  std::ofstream(elsewhere.PathOf("new")) << "id: 'R09'";
  std::filesystem::last_write_time(elsewhere.PathOf("new"), written);
  std::filesystem::rename(elsewhere.PathOf("new"), path);
  ASSERT_THAT(Look(), IsOk());
  EXPECT_EQ(reads_, 2);
}

TEST_F(RulesFolderTest, WhatMayStillChangeIsNotKept) {
  testing::FakeClock soon{SystemClock().Now()};
  RulesFolder folder(
      files_.path(),
      [this] {
        ++reads_;
        return says_;
      },
      soon);
  for (int look = 0; look < 3; ++look) ASSERT_THAT(folder.Rules(), IsOk());
  EXPECT_EQ(reads_, 3);
  soon.Advance(RulesFolder::kSettledAfter + absl::Seconds(1));
  for (int look = 0; look < 3; ++look) ASSERT_THAT(folder.Rules(), IsOk());
  EXPECT_EQ(reads_, 4);
}

TEST_F(RulesFolderTest, WhatCouldNotBeReadIsReadAgain) {
  says_ = absl::UnavailableError("the disk does not answer");
  EXPECT_THAT(Look(), HasCode(absl::StatusCode::kUnavailable));
  says_ = std::vector<v1::Rule>(1);
  EXPECT_THAT(Look(), IsOk());
  EXPECT_EQ(reads_, 2);
  // No folder at all: whatever `read` says of it.
  RulesFolder none(
      files_.PathOf("none"), [this] { return says_; }, clock_);
  EXPECT_THAT(none.Rules(), IsOk());
}

}  // namespace
}  // namespace concordat::alerts
