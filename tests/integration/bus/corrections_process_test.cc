// Corrections at the real concordat-bus: who had the original, and who has both.
//
// Mutant                                        Caught by
// who has not seen the original is waited for   IsCompleteWhenEachThatHadIt…
// complete before it is acknowledged            the same
// another controller's corrections shown        the same
#include "concordat/bus/v1/corrections.pb.h"
#include "tests/integration/bus/bus_fixture.h"

namespace concordat {
namespace {

class CorrectionsProcessTest : public BusProcessTest {
 protected:
  bus::v1::ListCorrectionsResponse List(absl::string_view principal) {
    bus::v1::ListCorrectionsResponse response;
    const auto channel =
        OpenChannel(bus_.data(), "concordat-bus", principal, kLong);
    EXPECT_THAT(channel, IsOk());
    const auto bytes = GenericCall(
        *channel, "concordat.bus.v1.CorrectionService/ListCorrections", "", {});
    EXPECT_THAT(bytes, IsOk());
    EXPECT_TRUE(response.ParseFromString(bytes.value_or("")));
    return response;
  }
  // Takes and acknowledges everything up to the log's end, and waits until the
  // bus has that.
  void CatchUp(Subscription& subscription, const std::string& name) {
    const Sequence end = {LogStatus().end_sequence()};
    while (subscription.scanned_through() < end) {
      const auto delivery = subscription.Next(absl::Milliseconds(200));
      if (delivery.ok()) subscription.Ack(delivery->number);
    }
    const absl::Duration until = SteadyNow() + kLong;
    while (SteadyNow() < until) {
      const auto list = Ask<bus::v1::ListSubscriptionsResponse>(
          "admin", "ListSubscriptions", bus::v1::ListSubscriptionsRequest());
      ASSERT_THAT(list, IsOk());
      for (const auto& each : list->subscriptions()) {
        if (each.name() == name && each.acknowledged() >= end.value) return;
      }
    }
    FAIL() << name << " did not come to the end";
  }
  Event Retracted(std::string id, const std::string& original) {
    Event event = Concern(std::move(id), 1);
    Header header = event.header;
    header.retracts = original;
    police::v1::ConcernShared concern;
    concern.set_concern_type("CHILDREN_AT_ADDRESS");
    concern.set_incident_ref("INC-1");
    concern.set_amendment_reason("DID_NOT_HAPPEN");
    auto made = MakeEvent(*types_, std::move(header), concern, random_);
    EXPECT_THAT(made, IsOk());
    return *std::move(made);
  }
};

TEST_F(CorrectionsProcessTest, IsCompleteWhenEachThatHadItAcknowledges) {
  const auto police = Connect("police");
  ASSERT_TRUE(Publish(*police, Concern("c-1", 1)).accepted);
  const auto reader = Connect("service-alerts");
  SubscribeOptions options;
  options.name = "had-it";
  const auto had = *reader->Subscribe(options);
  CatchUp(*had, "had-it");
  ASSERT_TRUE(Publish(*police, Retracted("r-1", "c-1")).accepted);

  auto list = List("admin");
  ASSERT_EQ(list.corrections_size(), 1);
  EXPECT_TRUE(list.corrections(0).retraction());
  EXPECT_GT(list.corrections(0).original(), 0u);
  EXPECT_EQ(list.corrections(0).waits_for(), 1u);
  ASSERT_EQ(list.corrections(0).recipients_size(), 1);
  EXPECT_EQ(list.corrections(0).recipients(0).name(), "had-it");
  EXPECT_FALSE(list.corrections(0).recipients(0).accepted());

  CatchUp(*had, "had-it");
  list = List("police");
  ASSERT_EQ(list.corrections_size(), 1);
  EXPECT_EQ(list.corrections(0).waits_for(), 0u);
  EXPECT_TRUE(list.corrections(0).recipients(0).accepted());
  EXPECT_EQ(List("nhs").corrections_size(), 0);
}

}  // namespace
}  // namespace concordat
