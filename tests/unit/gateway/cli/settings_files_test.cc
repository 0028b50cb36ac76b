// Every file of settings.
//
// Mutant                                            Caught by
// the page says what was once so                    TheReferenceSaysWhatIsDeclared
// a default out of its own bounds                   EveryDefaultIsWithinItsBounds
// a field that nobody declared                      EveryDefaultIsWithinItsBounds
// what the demo sets is out of bounds, or not there WhatTheDemoSetsMayBeSet
// bounds inside a message are not looked at         BoundsHoldInsideMessagesToo
#include "gateway/cli/settings_files.h"

#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "concordat/edge/v1/hl7.pb.h"
#include "gmock/gmock.h"
#include "google/protobuf/dynamic_message.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace concordat::cli {
namespace {

using testing::HasCode;
using testing::IsOk;

std::string Deployed(const std::string& path, bool may_be_absent = false) {
  std::ifstream file(
      absl::StrCat(std::getenv("CONCORDAT_SOURCE"), "/deploy/", path));
  EXPECT_TRUE(file || may_be_absent) << path << " is not there";
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::unique_ptr<google::protobuf::Message> Empty(const SettingsFile& file) {
  return std::unique_ptr<google::protobuf::Message>(
      google::protobuf::MessageFactory::generated_factory()
          ->GetPrototype(file.type)
          ->New());
}

TEST(SettingsFiles, TheReferenceSaysWhatIsDeclared) {
  EXPECT_EQ(Deployed("docs/settings.md"),
            ReferenceOfSettings(AllSettingsFiles()))
      << "concordat settings > deploy/docs/settings.md";
}

TEST(SettingsFiles, EveryDefaultIsWithinItsBounds) {
  for (const SettingsFile& file : AllSettingsFiles()) {
    const auto settings = Empty(file);
    EXPECT_THAT(CheckSettings(settings.get()), IsOk()) << file.path;
    EXPECT_NE(HelpOfSettings(*file.type), "");
  }
}

TEST(SettingsFiles, WhatTheDemoSetsMayBeSet) {
  for (const SettingsFile& file : AllSettingsFiles()) {
    const std::string path = absl::StrCat(
        "config/", absl::StrReplaceAll(file.path, {{"doors/", "gateway/"}}));
    const auto settings = Empty(file);
    const bool may_be_absent = absl::StrContains(file.of, "may be absent");
    ASSERT_THAT(
        ParseTextProto({path, Deployed(path, may_be_absent)}, settings.get()),
        IsOk());
    EXPECT_THAT(CheckSettings(settings.get()), IsOk()) << file.path;
  }
}

TEST(SettingsFiles, BoundsHoldInsideMessagesToo) {
  edge::v1::Hl7Edge edge;
  edge.mutable_listener();
  ASSERT_THAT(CheckSettings(&edge), IsOk());
  EXPECT_EQ(edge.listener().connections_max(), 64u);
  EXPECT_EQ(edge.spool_bytes_max(), 64u << 20);
  edge.mutable_listener()->set_connections_max(257);
  const absl::Status refused = CheckSettings(&edge);
  EXPECT_THAT(refused, HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(refused.message(),
            "listener.connections_max is 257, and may be 1 to 256");
}

}  // namespace
}  // namespace concordat::cli
