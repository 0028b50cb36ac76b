// The real concordat-bus by single calls: who publishes what, who reads whom.
//
// Mutant                                           Caught by
// answered before it is stored, or not at all      ACallPublishesAsASessionDoes
// outcomes out of the batch's order                ACallPublishesAsASessionDoes
// not a batch: silence, or nothing counted         ACallPublishesAsASessionDoes
// the gateway's own rights, or anybody's           TheGatewayPublishesAndReadsAsTheOneItNames
// policy of when the bus started                   ReadsAPersonAsThePolicyIsNow
// an unknown person is an error                    ReadsAPersonAsThePolicyIsNow
#include "tests/integration/bus/bus_fixture.h"

namespace concordat {
namespace {

TEST_F(BusProcessTest, ACallPublishesAsASessionDoes) {
  const std::vector<Event> events = {Concern("c-1", 1), Opened("c-2", 1),
                                     Concern("c-3", 1)};
  const auto first = PublishByCall("police", events);
  ASSERT_THAT(first, IsOk());
  ASSERT_EQ(first->outcomes_size(), 3);
  EXPECT_EQ(first->outcomes(0).sequence() + 1, first->outcomes(2).sequence());
  EXPECT_EQ(first->outcomes(0).accepted_time(), kStoryUs);
  for (const int i : {0, 2}) {
    EXPECT_EQ(first->outcomes(i).index(), static_cast<uint32_t>(i));
    EXPECT_EQ(first->outcomes(i).digest(),
              std::string(events[i].digest.begin(), events[i].digest.end()));
    EXPECT_EQ(first->outcomes(i).refusal(), bus::v1::REFUSAL_UNSPECIFIED);
  }
  EXPECT_EQ(first->outcomes(1).refusal(), bus::v1::REFUSAL_SOURCE_NOT_ALLOWED);
  EXPECT_EQ(first->log_id().size(), 16u);
  // What was answered is there after a kill, and a repeat is told so.
  bus_.Kill();
  bus_.Start();
  const auto again = PublishByCall("police", events);
  ASSERT_THAT(again, IsOk());
  EXPECT_TRUE(again->outcomes(0).duplicate());
  EXPECT_EQ(again->outcomes(0).sequence(), first->outcomes(0).sequence());
  EXPECT_EQ(again->outcomes(2).sequence(), first->outcomes(2).sequence());
  EXPECT_EQ(again->epoch(), first->epoch());

  bus::v1::PublishRequest bad = BatchOf({Concern("c-4", 1)});
  bad.mutable_batch()->clear_dictionary();
  EXPECT_THAT(Ask<bus::v1::PublishResponse>("police", "Publish", bad),
              HasCode(absl::StatusCode::kInvalidArgument));
  bus::v1::ListRefusalsResponse refusals;
  ASSERT_TRUE(refusals.ParseFromString(Call("admin", "ListRefusals")));
  std::map<std::string, uint64_t> counts;
  for (const bus::v1::RefusalCount& count : refusals.refusals()) {
    counts[count.principal() + " " + count.reason()] = count.count();
  }
  EXPECT_EQ(counts["police REFUSAL_SOURCE_NOT_ALLOWED"], 1u);
  EXPECT_EQ(counts["police REFUSAL_MALFORMED"], 1u);
}

TEST_F(BusProcessTest, TheGatewayPublishesAndReadsAsTheOneItNames) {
  const CallOptions police = {.principal = "police", .staff = "e.tulliallan"};
  const CallOptions nhs = {.principal = "nhs"};
  ASSERT_TRUE(Publish(*Connect("service-mappa"), Opened("o-1", 1)).accepted);
  const auto published = PublishByCall("gateway", {Concern("c-1", 1)}, police);
  ASSERT_THAT(published, IsOk());
  EXPECT_EQ(published->outcomes(0).refusal(), bus::v1::REFUSAL_UNSPECIFIED);
  const auto refused = PublishByCall("gateway", {Concern("c-2", 1)}, nhs);
  ASSERT_THAT(refused, IsOk());
  EXPECT_EQ(refused->outcomes(0).refusal(),
            bus::v1::REFUSAL_SOURCE_NOT_ALLOWED);
  EXPECT_THAT(PublishByCall("gateway", {Concern("c-3", 1)}),
              HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(PublishByCall("gateway", {Concern("c-3", 1)},
                            {.principal = "service-mappa"}),
              HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_EQ(ReadPerson("gateway", 1, police), ReadPerson("police", 1));
  EXPECT_EQ(ReadPerson("gateway", 1, nhs), ReadPerson("nhs", 1));
}

TEST_F(BusProcessTest, ReadsAPersonAsThePolicyIsNow) {
  const auto mappa = Connect("service-mappa");
  ASSERT_TRUE(Publish(*Connect("police"), Concern("c-1", 1)).accepted);
  ASSERT_TRUE(Publish(*Connect("police"), Concern("c-2", 2)).accepted);
  // Its own; to others there is nobody yet.
  EXPECT_THAT(ReadPerson("police", 1), ElementsAre("c-1"));
  EXPECT_EQ(last_.header.subject, PersonKey({1}));
  EXPECT_THAT(ReadPerson("nhs", 1), IsEmpty());
  const uint64_t hidden = position_;
  EXPECT_THAT(ReadPerson("nhs", 7), IsEmpty());
  EXPECT_EQ(position_, hidden);
  ASSERT_TRUE(Publish(*mappa, Opened("o-1", 1)).accepted);
  const std::vector<std::string> nhs = ReadPerson("nhs", 1);
  EXPECT_THAT(nhs, ElementsAre("o-1"));
  EXPECT_TRUE(DigestOfView(last_).ok());
  EXPECT_THAT(ReadPerson("coordinator", 1), ElementsAre("c-1", "o-1"));
  EXPECT_THAT(ReadPerson("nhs", 2), IsEmpty());
  EXPECT_THAT(ReadPerson("admin", 1), ElementsAre("c-1", "o-1"));
  EXPECT_TRUE(last_.header.subject.empty());
  EXPECT_THAT(last_.groups, IsEmpty());
  bus::v1::ReadPersonRequest request;
  request.set_subject("Torquil");
  EXPECT_THAT(Ask<bus::v1::ReadPersonResponse>("police", "ReadPerson", request),
              HasCode(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace concordat
