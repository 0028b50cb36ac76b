// Mutant                                        Caught by
// report's id drawn, not derived                ARestartBetweenReportAndCommit…
// place saved although the report failed        ABusThatRefusesDelaysTheReport
// decision not needed                           OnlyUnderADecisionInForce
// an erased person kept, or that not said       WhoIsErasedIsOut…
// service told to partners                      ReportsEachAppointmentOnce…
#include "services/nhs/engagement/engagement_reporter.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "concordat/hub/v1/erasure.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/event/make_event.h"
#include "tests/support/demo_types.h"
#include "tests/support/fake_bus.h"
#include "tests/support/fake_clock.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace concordat::nhs {
namespace {

using ::concordat::testing::IsOk;

constexpr char kReported[] = "concordat.nhs.v1.EngagementReported";

// Refuses the outcome of the commit once, as a crash after the publish would.
class CrashAfterApply : public ReadModel {
 public:
  explicit CrashAfterApply(ReadModel& model) : model_(model) {}
  int version() const override { return model_.version(); }
  std::string schema() const override { return model_.schema(); }
  absl::Status Apply(const View& view, Database& database) override {
    const absl::Status applied = model_.Apply(view, database);
    return applied.ok() ? absl::AbortedError("crash") : applied;
  }

 private:
  ReadModel& model_;
};

class EngagementReporterTest : public ::testing::Test {
 protected:
  EngagementReporterTest() : types_(*testing::DemoTypes()) {
    EXPECT_TRUE(absl::LoadTimeZone("Europe/London", &zone_));
    self_.set_name("service-nhs");
    self_.set_agency("nhs-tayside");
    self_.set_system("concordat-nhs");
    self_.set_default_purpose("MAPPA_RISK_MANAGEMENT");
    self_.set_default_gateway("G1");
    self_.set_default_regime(bus::v1::REGIME_GDPR);
    reporter_ = std::make_unique<EngagementReporter>(
        self_, *client_, *types_, clock_, random_, zone_, std::string(32, 's'));
  }

  void Publish(const std::string& id, const google::protobuf::Message& fact) {
    Header header;
    header.source = "urn:concordat:nhs-tayside:pas";
    header.type = fact.GetTypeName();
    header.controller = "nhs-tayside";
    header.purpose = "MAPPA_RISK_MANAGEMENT";
    header.gateway = "G1";
    header.regime = bus::v1::REGIME_GDPR;
    header.id = id;
    header.stream = "test/" + id;
    header.subject = *PersonKey::Parse("p-aaaaaaaaaaaaaaaaaaaaaaaaae");
    header.time_us = static_cast<uint64_t>(absl::ToUnixMicros(clock_.Now()));
    auto event =
        MakeEvent(*types_, header, fact.SerializeAsString(), DrawSeed(random_));
    ASSERT_THAT(event, IsOk());
    ASSERT_THAT(PublishAndWait(*client_, {*event}, absl::Seconds(5)), IsOk());
  }
  void Decide() {
    v1::SharingDecided decided;
    decided.set_decision_ref("SD-2");
    decided.set_what("ENGAGEMENT_ONLY");
    decided.set_service_code("ALCOHOL_TREATMENT");
    decided.set_until("2099-12-31");
    Publish("decided", decided);
  }
  void Miss(const std::string& id) {
    v1::AppointmentMissed missed;
    missed.set_appointment_ref("A-1");
    missed.set_service_code("ALCOHOL_TREATMENT");
    missed.set_decision_ref("SD-2");
    Publish(id, missed);
  }
  std::unique_ptr<Projection> Open(ReadModel& model) {
    auto projection = Projection::Open({.folder = folder_.path(),
                                        .name = "engagement",
                                        .types = EngagementReporter::Types()},
                                       model, *client_);
    EXPECT_THAT(projection, IsOk());
    return *std::move(projection);
  }
  static void CatchUp(Projection& projection) {
    while (true) {
      const auto stepped = projection.Step(absl::ZeroDuration());
      ASSERT_THAT(stepped, IsOk());
      if (!*stepped) return;
    }
  }
  std::vector<View> Reports() {
    std::vector<View> reports;
    for (const View& event : bus_.events()) {
      if (event.header.type == kReported) reports.push_back(event);
    }
    return reports;
  }

  testing::TempDir folder_;
  testing::FakeClock clock_;
  testing::SeededRandom random_{7};
  absl::TimeZone zone_;
  std::shared_ptr<const TypeRegistry> types_;
  bus::v1::Principal self_;
  testing::FakeBus bus_{clock_};
  std::unique_ptr<BusClient> client_ = bus_.Connect("service-nhs");
  std::unique_ptr<EngagementReporter> reporter_;
};

TEST_F(EngagementReporterTest, ReportsEachAppointmentOnceWithItsCause) {
  Decide();
  Miss("m-1");
  Miss("m-2");
  const auto projection = Open(*reporter_);
  CatchUp(*projection);
  const auto reports = Reports();
  ASSERT_EQ(reports.size(), 2u);
  EXPECT_EQ(reports[0].header.causation, "urn:concordat:nhs-tayside:pas#m-1");
  EXPECT_EQ(reports[1].header.causation, "urn:concordat:nhs-tayside:pas#m-2");
  EXPECT_EQ(reports[0].header.source,
            "urn:concordat:nhs-tayside:concordat-nhs");
  EXPECT_EQ(reports[0].header.controller, "nhs-tayside");
  v1::EngagementReported told;
  ASSERT_TRUE(told.ParseFromString(reports[0].Data()));
  EXPECT_EQ(told.engagement(), "DISENGAGED");
  EXPECT_EQ(reports[0].Data().find("ALCOHOL"), std::string::npos);
}

TEST_F(EngagementReporterTest, KeepsNoServiceInTheClear) {
  Decide();
  { CatchUp(*Open(*reporter_)); }
  size_t files = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder_.path())) {
    std::ifstream in(file.path(), std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(in)),
                            std::istreambuf_iterator<char>());
    EXPECT_EQ(bytes.find("ALCOHOL"), std::string::npos) << file.path();
    files += bytes.find("ENGAGEMENT_ONLY") != std::string::npos ? 1 : 0;
  }
  EXPECT_GT(files, 0u);
}

TEST_F(EngagementReporterTest, OnlyUnderADecisionInForce) {
  Miss("before");
  Decide();
  Miss("under");
  v1::SharingEnded ended;
  ended.set_decision_ref("SD-2");
  Publish("ended", ended);
  Miss("after");
  const auto projection = Open(*reporter_);
  CatchUp(*projection);
  const auto reports = Reports();
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].header.causation, "urn:concordat:nhs-tayside:pas#under");
}

TEST_F(EngagementReporterTest, ARestartBetweenReportAndCommitDoublesNothing) {
  Decide();
  {
    const auto projection = Open(*reporter_);
    CatchUp(*projection);
  }
  Miss("m-1");
  {
    CrashAfterApply crash(*reporter_);
    const auto projection = Open(crash);
    EXPECT_FALSE(projection->Step(absl::ZeroDuration()).ok());
  }
  ASSERT_EQ(Reports().size(), 1u);
  clock_.Advance(absl::Hours(1));  // recordedtime differs.
  const auto projection = Open(*reporter_);
  CatchUp(*projection);
  EXPECT_EQ(Reports().size(), 1u);
}

TEST_F(EngagementReporterTest, ABusThatRefusesDelaysTheReport) {
  Decide();
  const auto projection = Open(*reporter_);
  ASSERT_THAT(projection->Step(absl::ZeroDuration()), IsOk());
  Miss("m-1");
  bus_.RefuseNext(bus::v1::REFUSAL_READ_ONLY, "disk full");
  EXPECT_FALSE(projection->Step(absl::ZeroDuration()).ok());
  EXPECT_TRUE(Reports().empty());
  EXPECT_EQ(projection->judged_through(), Sequence{1});
  CatchUp(*projection);
  EXPECT_EQ(Reports().size(), 1u);
}

TEST_F(EngagementReporterTest, WhoIsErasedIsOutOfTheModelAndThatIsSaid) {
  Decide();
  hub::v1::PersonErased erased;
  erased.set_erasure_ref("E-1");
  erased.set_reason("PERIOD_ENDED");
  Publish("erased", erased);
  const auto projection = Open(*reporter_);
  CatchUp(*projection);
  int64_t rows = -1;
  ASSERT_THAT(projection->database().Query(
                  "SELECT count(*) FROM sharing", {},
                  [&](const SqlRow& row) { rows = row.Int(0); }),
              IsOk());
  EXPECT_EQ(rows, 0);
  const View said = bus_.events().back();
  EXPECT_EQ(said.header.type, "concordat.hub.v1.ErasureConfirmed");
  hub::v1::ErasureConfirmed confirmed;
  ASSERT_TRUE(confirmed.ParseFromString(said.Data()));
  EXPECT_EQ(confirmed.erasure_ref(), "E-1");
  EXPECT_EQ(confirmed.destroyed(), 1u);
}

}  // namespace
}  // namespace concordat::nhs
