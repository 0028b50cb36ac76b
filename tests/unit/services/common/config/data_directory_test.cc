#include "services/common/config/data_directory.h"

#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/config/start_up.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace concordat {
namespace {

using ::concordat::testing::HasCode;
using ::concordat::testing::IsOk;
using ::testing::HasSubstr;

class DataDirectoryTest : public ::testing::Test {
 protected:
  DataDirectoryTest() { files_.Write("environment", "demo\n"); }
  DataDirectory Open() {
    auto data = DataDirectory::Open(files_.path());
    EXPECT_THAT(data, IsOk());
    return *std::move(data);
  }
  testing::TempDir files_;
};

TEST_F(DataDirectoryTest, OpensWithItsEnvironment) {
  EXPECT_EQ(Open().environment(), bus::v1::ENVIRONMENT_DEMO);
  files_.Write("environment", "prod");
  EXPECT_THAT(DataDirectory::Open(files_.path()),
              HasCode(absl::StatusCode::kInvalidArgument));
  const auto missing = DataDirectory::Open("/nowhere");
  EXPECT_THAT(missing, HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(missing.status().message(),
              HasSubstr("/nowhere is not a data directory"));
}

TEST_F(DataDirectoryTest, ABadLineIsNamedByFileAndNumber) {
  files_.Write("registry.textproto",
               "environment: ENVIRONMENT_DEMO\nprincipal { }\n");
  const auto registry = Open().LoadRegistry();
  EXPECT_THAT(registry, HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(registry.status().message(), HasSubstr("/registry.textproto:2:"));
}

TEST_F(DataDirectoryTest, ARegistryOfAnotherEnvironmentIsRefused) {
  files_.Write("registry.textproto", "environment: ENVIRONMENT_LIVE\n");
  EXPECT_THAT(Open().LoadRegistry(),
              HasCode(absl::StatusCode::kInvalidArgument));
  files_.Write("registry.textproto", "environment: ENVIRONMENT_DEMO\n");
  EXPECT_THAT(Open().LoadRegistry(), IsOk());
}

TEST_F(DataDirectoryTest, ReadsTextProtosInTheOrderOfTheirNames) {
  files_.Write("codes/b.textproto", "name: \"b\"");
  files_.Write("codes/a.textproto", "name: \"a\" codes: \"X\"");
  files_.Write("codes/readme.txt", "not one");
  const auto lists = Open().LoadCodeLists();
  ASSERT_THAT(lists, IsOk());
  ASSERT_EQ(lists->size(), 2u);
  EXPECT_EQ((*lists)[0].name(), "a");
  EXPECT_EQ((*lists)[1].name(), "b");
  EXPECT_THAT(Open().LoadAgreements(), HasCode(absl::StatusCode::kNotFound));
}

TEST_F(DataDirectoryTest, CalendarsClocksAndRolesAreReadAndNoneIsAnError) {
  EXPECT_THAT(Open().LoadClocks(), HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(Open().LoadRoles(), HasCode(absl::StatusCode::kNotFound));
  files_.Write("clocks/a.textproto", "clocks { id: \"C01\" }");
  files_.Write("roles/a.textproto", "agency: \"police-scotland\"");
  EXPECT_EQ(Open().LoadClocks()->at(0).clocks(0).id(), "C01");
  EXPECT_EQ(Open().LoadRoles()->at(0).agency(), "police-scotland");
  files_.Write("holders/a.textproto", "agency: \"nhs-tayside\"");
  EXPECT_EQ(Open().LoadHolders()->at(0).agency(), "nhs-tayside");
  EXPECT_THAT(Open().LoadCalendars(), HasCode(absl::StatusCode::kNotFound));
  files_.Write("calendars/scotland.textproto",
               "name: \"scotland\" years { year: 2025 }");
  const auto calendars = Open().LoadCalendars();
  ASSERT_THAT(calendars, IsOk());
  ASSERT_EQ(calendars->size(), 1u);
  EXPECT_EQ((*calendars)[0].years(0).year(), 2025u);
  files_.Write("calendars/wrong.textproto", "title: \"x\"");
  EXPECT_THAT(Open().LoadCalendars(),
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST_F(DataDirectoryTest, ReadsKeysAndRefusesBrokenOnes) {
  const std::string z85(40, 'a');
  files_.Write("keys/police.curve", z85 + "\n" + z85 + "\n");
  files_.Write("keys/nhs.curve", z85 + "\n");
  files_.Write("keys/identity.secret", std::string(64, 'f') + "\n");
  files_.Write("keys/short.secret", "ff");
  const DataDirectory data = Open();
  EXPECT_EQ(data.LoadCurveKeys("police")->secret_key, z85);
  EXPECT_THAT(data.LoadCurveKeys("nhs"),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(*data.LoadSecret("identity"), std::string(32, '\xff'));
  EXPECT_THAT(data.LoadSecret("short"),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(data.LoadTls("police"), HasCode(absl::StatusCode::kNotFound));
}

TEST_F(DataDirectoryTest, PortsAreZeroUnlessSaid) {
  EXPECT_EQ(*Open().Port("concordat-bus", "ingest"), 0);
  files_.Write("ports", "# demo\nconcordat-bus.ingest=7401\nx.y=70000\n");
  EXPECT_EQ(*Open().Port("concordat-bus", "ingest"), 7401);
  EXPECT_EQ(*Open().Port("concordat-bus", "delivery"), 0);
  EXPECT_THAT(Open().Port("x", "y"),
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST_F(DataDirectoryTest, WaitsForAnAddressToAppear) {
  const DataDirectory data = Open();
  const auto never =
      data.WaitForAddress("concordat-bus", "ingest", absl::Milliseconds(20));
  EXPECT_THAT(never, HasCode(absl::StatusCode::kDeadlineExceeded));
  absl::StatusOr<std::string> found;
  std::thread waiter([&] {
    found = data.WaitForAddress("concordat-bus", "ingest", absl::Seconds(5));
  });
  EXPECT_THAT(
      data.WriteAddresses("concordat-bus", {{"ingest", "tcp://127.0.0.1:1"},
                                            {"delivery", "tcp://127.0.0.1:2"}}),
      IsOk());
  waiter.join();
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(*found, "tcp://127.0.0.1:1");
  EXPECT_EQ(*data.ReadAddress("concordat-bus", "delivery"),
            "tcp://127.0.0.1:2");
  data.ForgetAddresses("concordat-bus");
  EXPECT_THAT(data.ReadAddress("concordat-bus", "ingest"),
              HasCode(absl::StatusCode::kNotFound));
}

TEST_F(DataDirectoryTest, KnowsAddressesElsewhereToo) {
  const DataDirectory data = Open();
  const auto ingest = [&] { return data.ReadBusAddresses("ingest", "key"); };
  EXPECT_THAT(ingest(), HasCode(absl::StatusCode::kNotFound));
  ASSERT_THAT(
      data.WriteAddresses("concordat-bus", {{"ingest", "tcp://here:1"}}),
      IsOk());
  EXPECT_EQ(*ingest(), "tcp://here:1");
  files_.Write("concordat-bus.elsewhere", "ingest=tcp://b:1,tcp://c:1\n");
  EXPECT_EQ(*ingest(), "tcp://here:1,tcp://b:1,tcp://c:1");
  data.ForgetAddresses("concordat-bus");
  EXPECT_EQ(*ingest(), "tcp://b:1,tcp://c:1");
}

TEST(Flags, TakesBothFormsAndRefusesTheUnknown) {
  std::string data;
  bool help = false;
  Flags flags;
  flags.AddString("data", "The data directory.", &data);
  flags.AddBool("help", "Prints this.", &help);
  EXPECT_THAT(flags.Parse({"--data", "x"}), IsOk());
  EXPECT_EQ(data, "x");
  EXPECT_THAT(flags.Parse({"--data=y", "--help"}), IsOk());
  EXPECT_EQ(data, "y");
  EXPECT_TRUE(help);
  for (const std::vector<std::string>& wrong :
       {std::vector<std::string>{"--date", "x"},
        {"x"},
        {"--data"},
        {"--help=no"}}) {
    EXPECT_THAT(flags.Parse(wrong),
                HasCode(absl::StatusCode::kInvalidArgument));
  }
  EXPECT_THAT(flags.Help(), HasSubstr("--data"));
}

}  // namespace
}  // namespace concordat
