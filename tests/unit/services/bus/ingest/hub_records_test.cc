// What the bus itself has to say in its log.
//
// Mutant                                            Caught by
// agreement's content may change under its version  AChangedAgreementNeedsANewVersion
// start-up records written at each start            RecordsTheStartOnce
#include "services/bus/ingest/hub_records.h"

#include "concordat/hub/v1/events.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/bus/ingest/ingest_core.h"
#include "tests/support/demo_types.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_event_log.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"

namespace concordat::bus {
namespace {

using testing::FakeClock;
using testing::FakeEventLog;
using testing::HasCode;
using testing::IsOk;

class HubRecordsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto types = testing::DemoTypes();
    ASSERT_THAT(types, IsOk());
    types_ = *types;
    records_.environment = v1::ENVIRONMENT_DEMO;
    records_.descriptor_set = "types";
    policy::v1::Agreement& agreement = records_.agreements.emplace_back();
    agreement.set_name("x");
    agreement.set_version(1);
  }
  absl::Status Start() {
    IngestCore core(log_, types_, LogTime(v1::ENVIRONMENT_DEMO, clock_, 100),
                    refusals_);
    return RecordStart(records_, log_, core, *types_, random_);
  }

  FakeEventLog log_;
  FakeClock clock_;
  testing::SeededRandom random_{1};
  std::shared_ptr<const TypeRegistry> types_;
  Refusals refusals_;
  HubRecords records_;
};

TEST_F(HubRecordsTest, RecordsTheStartOnce) {
  ASSERT_THAT(Start(), IsOk());
  ASSERT_EQ(log_.end().value, 3u);
  EXPECT_EQ(log_.ReadOne({1})->header.type, "concordat.hub.v1.LogCreated");
  EXPECT_EQ(log_.ReadOne({2})->header.type, "concordat.hub.v1.TypesAdopted");
  EXPECT_EQ(log_.ReadOne({3})->header.type,
            "concordat.hub.v1.AgreementAdopted");
  ASSERT_THAT(Start(), IsOk());
  EXPECT_EQ(log_.end().value, 3u);
  records_.descriptor_set = "other types";
  records_.agreements[0].set_version(2);
  ASSERT_THAT(Start(), IsOk());
  EXPECT_EQ(log_.end().value, 5u);
}

TEST_F(HubRecordsTest, SaysOnceThatEventsAreLost) {
  ASSERT_THAT(Start(), IsOk());
  const Sequence last = log_.end();
  log_.BeginEpoch(7);
  ASSERT_THAT(Start(), IsOk());
  ASSERT_THAT(Start(), IsOk());
  ASSERT_EQ(log_.end().value, last.value + 1);
  const auto event = log_.ReadOne(log_.end());
  ASSERT_THAT(event, IsOk());
  hub::v1::EventsLost lost;
  ASSERT_TRUE(lost.ParseFromString(std::string(event->opened.front().data)));
  EXPECT_EQ(lost.epoch(), 7u);
  EXPECT_EQ(lost.last_kept(), last.value);
  EXPECT_EQ(lost.lost_from(), log_.ReadOne(last)->accepted_us);
}

TEST_F(HubRecordsTest, EndsARunOfRetentionThatTheBusDidNotEnd) {
  ASSERT_THAT(Start(), IsOk());
  HeaderView header;
  header.source = kHubSource;
  header.type = "concordat.hub.v1.RetentionStarted";
  header.id = "retention-1-started";
  header.stream = "retention";
  const Sequence started = log_.Append(header, "", 200);
  for (const int life : {1, 2}) {
    SCOPED_TRACE(life);
    ASSERT_THAT(Start(), IsOk());
    ASSERT_EQ(log_.end().value, started.value + 1);
  }
  const auto event = log_.ReadOne(log_.end());
  ASSERT_THAT(event, IsOk());
  EXPECT_EQ(event->header.id, "retention-1-ended");
  hub::v1::RetentionEnded ended;
  ASSERT_TRUE(ended.ParseFromString(std::string(event->opened.front().data)));
  EXPECT_NE(ended.failed(), "");
}

TEST_F(HubRecordsTest, AChangedAgreementNeedsANewVersion) {
  ASSERT_THAT(Start(), IsOk());
  records_.agreements[0].set_arrangement("z");
  EXPECT_THAT(Start(), HasCode(absl::StatusCode::kFailedPrecondition));
  records_.agreements[0].set_version(2);
  EXPECT_THAT(Start(), IsOk());
}

TEST_F(HubRecordsTest, ALogBelongsToItsEnvironment) {
  ASSERT_THAT(Start(), IsOk());
  records_.environment = v1::ENVIRONMENT_LIVE;
  EXPECT_THAT(Start(), HasCode(absl::StatusCode::kFailedPrecondition));
}

}  // namespace
}  // namespace concordat::bus
