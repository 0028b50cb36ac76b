#include "tests/support/fake_bus.h"

#include "gtest/gtest.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"

namespace concordat::testing {
namespace {

constexpr char kSource[] = "urn:concordat:police-scotland:rms";
constexpr absl::Duration kSoon = absl::Seconds(5);
constexpr absl::Duration kNow = absl::ZeroDuration();

Event Made(std::string id, std::string type = "concordat.police.v1.Arrested",
           std::string stream = "arrest/1") {
  Event event;
  event.header.source = kSource;
  event.header.type = std::move(type);
  event.header.id = std::move(id);
  event.header.stream = std::move(stream);
  event.groups.push_back({1, "data"});
  return event;
}

TEST(FakeBusTest, AcceptsOnceAndChecksVersions) {
  FakeClock clock;
  FakeBus bus(clock);
  auto client = bus.Connect("police");
  auto first = PublishAndWait(*client, {Made("a")}, kSoon);
  ASSERT_THAT(first, IsOk());
  EXPECT_TRUE(first->front().accepted);
  EXPECT_EQ(first->front().sequence.value, 1u);
  auto again = PublishAndWait(*client, {Made("a")}, kSoon);
  ASSERT_THAT(again, IsOk());
  EXPECT_TRUE(again->front().duplicate);
  EXPECT_EQ(again->front().sequence.value, 1u);
  EXPECT_EQ(bus.events().size(), 1u);

  Event late = Made("b");
  late.header.expected_version = Sequence{0};
  auto set = PublishAndWait(*client, {late, Made("c")}, kSoon);
  ASSERT_THAT(set, IsOk());
  EXPECT_EQ((*set)[0].refusal, bus::v1::REFUSAL_VERSION_CONFLICT);
  EXPECT_EQ((*set)[0].stream_version.value, 1u);
  EXPECT_EQ((*set)[1].refusal, bus::v1::REFUSAL_ATOMIC_SET);
  EXPECT_EQ(bus.events().size(), 1u);
}

TEST(FakeBusTest, LostAnswerBecomesADuplicateWhenTheBusIsBack) {
  FakeClock clock;
  FakeBus bus(clock);
  auto client = bus.Connect("police");
  bus.GoAwayBeforeNextAnswer();
  EXPECT_THAT(PublishAndWait(*client, {Made("a")}, kNow),
              HasCode(absl::StatusCode::kUnavailable));
  EXPECT_THAT(client->ReadStream({kSource, "arrest/1"}, {}, kNow),
              HasCode(absl::StatusCode::kUnavailable));
  bus.ComeBack();
  EXPECT_TRUE(bus.WaitForAnswers(kSoon));
  EXPECT_EQ(bus.events().size(), 1u);
  auto slice = client->ReadStream({kSource, "arrest/1"}, {}, kNow);
  ASSERT_THAT(slice, IsOk());
  EXPECT_EQ(slice->version.value, 1u);
}

TEST(FakeBusTest, DurableSubscriptionGoesOnFromItsPlaceAndHidesWhatItMust) {
  FakeClock clock;
  FakeBus bus(clock);
  auto hides = [](const View& whole) -> std::optional<View> {
    if (whole.header.id == "hidden") return std::nullopt;
    return whole;
  };
  auto client = bus.Connect("nhs", hides);
  for (const char* id : {"a", "hidden", "c"}) {
    ASSERT_THAT(PublishAndWait(*client, {Made(id)}, kSoon), IsOk());
  }
  SubscribeOptions options;
  options.name = "place";
  options.types = {"concordat.police.v1.*"};
  {
    auto subscription = *client->Subscribe(options);
    EXPECT_EQ(subscription->scanned_through().value, 0u);
    auto delivery = subscription->Next(kNow);
    ASSERT_THAT(delivery, IsOk());
    EXPECT_EQ(delivery->view.header.id, "a");
    subscription->Ack(delivery->number);
    EXPECT_EQ(subscription->Next(kNow)->view.header.id, "c");
    EXPECT_EQ(subscription->scanned_through(), subscription->log_end());
  }
  auto again = *client->Subscribe(options);
  EXPECT_EQ(again->Next(kNow)->view.header.id, "c");
  bus.Backfill("nhs", {3}, {{1}, {2}});
  auto filled = again->Next(kNow);
  ASSERT_THAT(filled, IsOk());
  EXPECT_EQ(filled->view.sequence.value, 1u);
  EXPECT_EQ(filled->backfill_cause.value, 3u);
  EXPECT_THAT(again->Next(kNow), HasCode(absl::StatusCode::kDeadlineExceeded));
  bus.EndSubscriptions("nhs", absl::PermissionDeniedError("left"));
  EXPECT_THAT(again->Next(kNow), HasCode(absl::StatusCode::kPermissionDenied));
}

}  // namespace
}  // namespace concordat::testing
