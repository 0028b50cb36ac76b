#include "services/bus/log/open_event_log.h"

#include <fcntl.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_log.h"

namespace concordat::testing {
namespace {

namespace fs = std::filesystem;
using Kind = bus::Staged::Kind;

class OpenEventLogTest : public ::testing::Test {
 protected:
  OpenEventLogTest() {
    auto keys = PosixDirectory::Open(data_.PathOf(bus::kKeysFolder));
    EXPECT_THAT(
        bus::WrappingKeys::Create(**keys, bus::kWrappingKeyFile, random_),
        IsOk());
    options_.environment = bus::v1::ENVIRONMENT_DEMO;
    options_.segments.segment_bytes = 64 * 1024;
    options_.recent_bytes = 64 * 1024;
  }
  absl::StatusOr<bus::OpenedEventLog> Open() {
    return bus::OpenEventLog(data_.path(), options_, random_);
  }
  static Kind Append(bus::EventLog& log, uint64_t number) {
    TestEvent::Fields fields;
    fields.id = absl::StrFormat("id-%06u", number);
    fields.stream = absl::StrCat("order/", number % 7);
    fields.person = static_cast<uint8_t>(1 + number % 5);
    const TestEvent event(fields);
    const bus::NewEvent staged = event.New();
    const Kind kind = log.Stage({&staged, 1}, 1)[0].kind;
    if (auto block = log.TakeStaged()) {
      EXPECT_THAT(log.Write(*block), IsOk());
      log.Written(std::move(block));
    }
    return kind;
  }
  // Answers of a log with events 1 to 500.
  static void ExpectWhole(bus::EventLog& log) {
    EXPECT_EQ(log.Status().end, Sequence{500});
    EXPECT_EQ(Append(log, 1), Kind::kDuplicate);
    EXPECT_EQ(Append(log, 250), Kind::kDuplicate);
    EXPECT_EQ(Append(log, 500), Kind::kDuplicate);
    EXPECT_EQ(log.OfStream(kTestSource, "order/3", {0}, 1000)->size(), 72u);
    EXPECT_EQ(log.OfPerson(TestPerson(1), {0}, {500})->size(), 100u);
    EXPECT_EQ(*log.StreamVersion(kTestSource, "order/3"), Sequence{500});
    for (const uint64_t at : {1, 123, 499}) {
      ASSERT_THAT(log.ReadOne({at}), IsOk());
      EXPECT_EQ(log.ReadOne({at})->header.id, absl::StrFormat("id-%06u", at));
    }
  }

  TempDir data_;
  SeededRandom random_;
  bus::EventLogOptions options_;
};

TEST_F(OpenEventLogTest, AnswersTheSameAfterReopeningAndWithTheIndexLost) {
  {
    auto opened = Open();
    ASSERT_THAT(opened, IsOk());
    for (uint64_t i = 1; i <= 500; ++i) {
      ASSERT_EQ(Append(*opened->log, i), Kind::kNew);
    }
    EXPECT_GT(opened->log->Status().segments, 4u);
    ExpectWhole(*opened->log);
  }
  {
    auto opened = Open();
    ASSERT_THAT(opened, IsOk());
    ExpectWhole(*opened->log);
  }
  fs::remove_all(data_.PathOf(bus::kIndexFolder));
  auto opened = Open();
  ASSERT_THAT(opened, IsOk());
  ExpectWhole(*opened->log);
}

TEST_F(OpenEventLogTest, RebuildsADamagedIndex) {
  {
    auto opened = Open();
    for (uint64_t i = 1; i <= 500; ++i) Append(*opened->log, i);
  }
  for (const auto& entry :
       fs::directory_iterator(data_.PathOf(bus::kIndexFolder))) {
    if (entry.path().filename().string().find("MANIFEST") == 0) {
      std::ofstream(entry.path()) << "rubbish";
    }
  }
  auto opened = Open();
  ASSERT_THAT(opened, IsOk());
  ExpectWhole(*opened->log);
}

TEST_F(OpenEventLogTest, AnIndexAheadOfTheLogIsBuiltAnew) {
  {
    auto opened = Open();
    for (uint64_t i = 1; i <= 500; ++i) Append(*opened->log, i);
  }
  fs::remove_all(data_.PathOf(bus::kLogFolder));
  auto opened = Open();
  ASSERT_THAT(opened, IsOk());
  EXPECT_EQ(opened->log->Status().end, Sequence{0});
  EXPECT_EQ(Append(*opened->log, 1), Kind::kNew);
}

TEST_F(OpenEventLogTest, KeepsASecondProcessOut) {
  auto opened = Open();
  ASSERT_THAT(opened, IsOk());
  EXPECT_THAT(Open(), HasCode(absl::StatusCode::kFailedPrecondition));
}

TEST_F(OpenEventLogTest, FilesAreForTheirOwnerAlone) {
  auto opened = Open();
  for (const auto& entry :
       fs::directory_iterator(data_.PathOf(bus::kLogFolder))) {
    EXPECT_EQ(entry.status().permissions(),
              fs::perms::owner_read | fs::perms::owner_write)
        << entry.path();
  }
}

}  // namespace
}  // namespace concordat::testing
