// Settings that declare themselves.
//
// Mutant                                            Caught by
// a bound is not inclusive, or not looked at        OutOfBoundsIsRefusedWithWhatItMayBe
// what nobody declared is passed over               WhatThereIsNotIsRefusedWithItsLine
// a file that is not there is an error              DefaultsHoldWhenNothingIsSet
// a default out of its own bounds                   EveryDefaultIsWithinItsBounds
#include "services/common/config/settings.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace concordat {
namespace {

using ::concordat::testing::HasCode;
using ::concordat::testing::IsOk;
using ::testing::HasSubstr;

class SettingsTest : public ::testing::Test {
 protected:
  absl::StatusOr<hub::v1::WatchSettings> Load() {
    files_.Write("environment", "demo\n");
    const auto data = DataDirectory::Open(files_.path());
    EXPECT_THAT(data, IsOk());
    return LoadWatchSettings(*data);
  }
  testing::TempDir files_;
};

TEST_F(SettingsTest, DefaultsHoldWhenNothingIsSet) {
  const auto none = Load();
  ASSERT_THAT(none, IsOk());
  EXPECT_EQ(none->expiry_warning_days(), 30u);
  files_.Write(kWatchSettings, "expiry_warning_days: 90\n");
  const auto one = Load();
  ASSERT_THAT(one, IsOk());
  EXPECT_EQ(one->expiry_warning_days(), 90u);
  EXPECT_EQ(one->stalled_after_s(), none->stalled_after_s());
}

TEST_F(SettingsTest, OutOfBoundsIsRefusedWithWhatItMayBe) {
  for (const int good : {1, 365}) {
    files_.Write(kWatchSettings, absl::StrCat("expiry_warning_days: ", good));
    EXPECT_THAT(Load(), IsOk());
  }
  for (const int bad : {0, 366}) {
    files_.Write(kWatchSettings, absl::StrCat("expiry_warning_days: ", bad));
    const auto loaded = Load();
    EXPECT_THAT(loaded, HasCode(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(
        loaded.status().message(),
        HasSubstr(absl::StrCat("watch.textproto: expiry_warning_days is ", bad,
                               " days, and may be 1 to 365")));
  }
}

TEST_F(SettingsTest, WhatThereIsNotIsRefusedWithItsLine) {
  files_.Write(kWatchSettings, "# soon\nexpiry_warning: 9\n");
  const auto loaded = Load();
  EXPECT_THAT(loaded, HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(loaded.status().message(), HasSubstr("watch.textproto:2:"));
}

TEST_F(SettingsTest, EveryDefaultIsWithinItsBounds) {
  hub::v1::WatchSettings settings;
  EXPECT_THAT(CheckSettings(&settings), IsOk());
}

TEST_F(SettingsTest, HelpIsMadeFromTheDeclaration) {
  const auto& type = *hub::v1::WatchSettings::descriptor();
  EXPECT_THAT(HelpOfSettings(type),
              HasSubstr("\n  repeat_every_s  How often the log says again what "
                        "is still wrong. 600 seconds; 10 to 86400.\n"));
}

}  // namespace
}  // namespace concordat
