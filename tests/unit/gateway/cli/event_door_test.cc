// Mutants tried, and what caught each:
//   seed drawn at random         e2e_story, which plays every step again
//   defaults override the line   KeepsWhatTheLineSays
//   an answer's refusal dropped  SaysWhyTheBusRefused
#include "gateway/cli/event_door.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "tests/support/demo_types.h"
#include "tests/support/fake_bus.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"

namespace concordat::cli {
namespace {

using ::concordat::gateway::PublishedEvent;
using ::concordat::testing::DemoTypes;
using ::concordat::testing::FakeBus;
using ::concordat::testing::FakeClock;
using ::concordat::testing::IsOk;
using ::testing::HasSubstr;

constexpr char kKey[] = "p-aaaaaaaaaaaaaaaaaaaaaaaaaa";
constexpr absl::Duration kWait = absl::Seconds(5);

class EventDoorTest : public ::testing::Test {
 protected:
  EventDoorTest() : bus_(clock_), door_(Make()) {
    line_ = {{"specversion", "1.0"},
             {"id", "e-1"},
             {"type", "concordat.police.v1.ConcernShared"},
             {"subject", "ref:chi:0303790016"},
             {"time", "2025-11-20T21:15:00Z"},
             {"data",
              {{"concernType", "SEEN_WITH_CHILD"}, {"incidentRef", "INC-1"}}}};
  }

  std::unique_ptr<EventDoor> Make() {
    bus::v1::Principal principal;
    principal.set_name("police");
    principal.set_agency("police-scotland");
    principal.set_system("rms");
    principal.set_default_purpose("MAPPA_RISK_MANAGEMENT");
    principal.set_default_gateway("G1");
    principal.set_default_regime(bus::v1::REGIME_PART3);
    return std::make_unique<EventDoor>(
        principal, gateway::EventMaker(*DemoTypes(), std::string(32, 'k')),
        bus_.Connect("police"),
        [this](absl::string_view reference) -> absl::StatusOr<std::string> {
          asked_ = std::string(reference);
          if (nobody_) return absl::NotFoundError("nobody");
          return std::string(kKey);
        });
  }
  PublishedEvent Publish() {
    return door_->Publish(boost::json::serialize(line_), kWait);
  }

  FakeClock clock_;
  FakeBus bus_;
  std::unique_ptr<EventDoor> door_;
  boost::json::object line_;
  std::string asked_;
  bool nobody_ = false;
};

TEST_F(EventDoorTest, FillsInWhatThePrincipalUsuallySays) {
  const PublishedEvent line = Publish();
  ASSERT_THAT(line.status, IsOk());
  EXPECT_EQ(line.ToJson(), R"({"id":"e-1","sequence":1,"duplicate":false})");
  const Header header = bus_.events().front().header;
  EXPECT_EQ(header.source, "urn:concordat:police-scotland:rms");
  EXPECT_EQ(header.controller, "police-scotland");
  EXPECT_EQ(header.purpose, "MAPPA_RISK_MANAGEMENT");
  EXPECT_EQ(header.gateway, "G1");
  EXPECT_EQ(header.regime, bus::v1::REGIME_PART3);
  EXPECT_EQ(header.stream, "rms/e-1");
}

TEST_F(EventDoorTest, KeepsWhatTheLineSays) {
  line_["source"] = "urn:concordat:police-scotland:other";
  line_["controller"] = "dundee-city-council";
  line_["purpose"] = "ORDER_SUPERVISION";
  line_["gateway"] = "G2";
  line_["regime"] = "gdpr";
  line_["stream"] = "incident/1";
  ASSERT_THAT(Publish().status, IsOk());
  const Header header = bus_.events().front().header;
  EXPECT_EQ(header.source, "urn:concordat:police-scotland:other");
  EXPECT_EQ(header.controller, "dundee-city-council");
  EXPECT_EQ(header.purpose, "ORDER_SUPERVISION");
  EXPECT_EQ(header.gateway, "G2");
  EXPECT_EQ(header.regime, bus::v1::REGIME_GDPR);
  EXPECT_EQ(header.stream, "incident/1");
}

TEST_F(EventDoorTest, ResolvesAReferenceAndLeavesAKeyAlone) {
  ASSERT_THAT(Publish().status, IsOk());
  EXPECT_EQ(asked_, "ref:chi:0303790016");
  EXPECT_EQ(bus_.events().front().header.subject.ToString(), kKey);
  asked_.clear();
  line_["id"] = "e-2";
  line_["subject"] = kKey;
  ASSERT_THAT(Publish().status, IsOk());
  EXPECT_EQ(asked_, "");
}

TEST_F(EventDoorTest, ARepeatIsTheSameEvent) {
  ASSERT_THAT(Publish().status, IsOk());
  // By another process, too.
  door_ = Make();
  const PublishedEvent again = Publish();
  ASSERT_THAT(again.status, IsOk());
  EXPECT_TRUE(again.duplicate);
  EXPECT_EQ(again.sequence, 1u);
}

TEST_F(EventDoorTest, SaysWhyTheBusRefused) {
  bus_.RefuseNext(bus::v1::REFUSAL_TYPE_NOT_ALLOWED, "not yours");
  const PublishedEvent line = Publish();
  EXPECT_EQ(line.ToJson(),
            R"({"id":"e-1","error":"TYPE_NOT_ALLOWED: not yours"})");
}

TEST_F(EventDoorTest, SaysWhatIsWrongWithALineAndSendsNothing) {
  nobody_ = true;
  EXPECT_THAT(Publish().ToJson(), HasSubstr(R"({"id":"e-1","error":"nobody)"));
  nobody_ = false;
  line_["data"].as_object()["concernType"] = "NOT_A_CODE";
  line_["type"] = "concordat.police.v1.VisitRecorded";
  EXPECT_FALSE(Publish().status.ok());
  EXPECT_FALSE(door_->Publish("{", kWait).status.ok());
  EXPECT_FALSE(door_->Publish("[]", kWait).status.ok());
  EXPECT_TRUE(bus_.events().empty());
}

}  // namespace
}  // namespace concordat::cli
