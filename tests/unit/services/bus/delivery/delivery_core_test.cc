// The delivery machine over a log in memory, with types of our own.
//
// Mutant                                            Caught by
// deliver before sync (scan past what is durable)   DeliversNothingThatIsNotDurable
// cursor before apply (place stored as sent)        AStoredPlaceIsWhatWasAcknowledged
// AckStored before the store                        SaysAckStoredOnlyOnceStored
// credit ignored, or never given back               KeepsWithinCredit
// as much credit as anybody likes                   ACreditOfBytesIsAtMostHalf…
// second holder let in / dead one keeps the place   OneHolderAtATime
// who is new waits until places are stored anyway   ANewPlaceIsStoredBeforeItIsSubscribed
// idle subscriber never told                        TellsAnIdleSubscriberThatItIsUpToDate
// role or purpose of the session not asked          ShowsNothingToAnotherRoleOrForAnotherPurpose
// names without bound, or one role uses another's   ARoleHasSoManyNamesAndNoMore
// operator sees a subject                           TheOperatorSeesEnvelopes
// a stream moves by what its reader may not see     AStreamOfOthersDoesNotMoveByWhatIsHidden
// other log's position taken                        RefusesThePositionOfAnotherLog
// filter on more than types not asked               FiltersByAgencyPersonAndStream
// an operator finds a person by filter              AnEnvelopeIsNotFilteredByWhatItHides
// starts one too late or too early in time          StartsAtATime
// reads what holds nothing of interest              PassesOverRegionsThatHoldNothingForIt
// passes over what is of interest, or past the fold …the same

#include "services/bus/delivery/delivery_core.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/bus/delivery/stream_reader.h"
#include "tests/unit/services/bus/delivery/delivery_fixture.h"

namespace concordat::bus {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST_F(DeliveryCoreTest, DeliversInOrderWithoutGapsWhatIsGranted) {
  Event("a.v1.Fact", 0);
  Event("a.v1.Fact", 1);  // Nobody's case.
  Event("a.v1.Fact", 0);
  Subscribe(1, Named("red"), Ask(""));
  Work();
  Event("a.v1.Other", 0);
  Work();
  EXPECT_THAT(Sequences(1), ElementsAre(1, 3, 4));
  uint64_t number = 0;
  for (const Got& got : got_[1]) EXPECT_EQ(got.number, ++number);
}

TEST_F(DeliveryCoreTest, DeliversNothingThatIsNotDurable) {
  Subscribe(1, Named("red"), Ask(""));
  const Sequence sequence = Append("a.v1.Fact", 0);
  Work();
  EXPECT_THAT(Sequences(1), IsEmpty());
  Durable(sequence, sequence);
  Work();
  EXPECT_THAT(Sequences(1), ElementsAre(1));
}

TEST_F(DeliveryCoreTest, FiltersByType) {
  Event("a.v1.Fact", 0);
  Event("a.v1.Other", 0);
  v1::Subscribe request = Ask("");
  request.mutable_filter()->add_types("a.v1.Other");
  Subscribe(1, Named("red"), request);
  request.mutable_filter()->set_types(0, "a.v1.*");
  Subscribe(2, Named("red"), request);
  Work();
  EXPECT_THAT(Sequences(1), ElementsAre(2));
  EXPECT_THAT(Sequences(2), ElementsAre(1, 2));
}

TEST_F(DeliveryCoreTest, StartsWhereItIsAsked) {
  for (int i = 0; i < 5; ++i) Event("a.v1.Fact", 0);
  v1::Subscribe request = Ask("");
  request.set_after(3);
  Subscribe(1, Named("red"), request);
  request.set_from_latest(true);
  Subscribe(2, Named("red"), request);
  Work();
  EXPECT_THAT(Sequences(1), ElementsAre(4, 5));
  EXPECT_THAT(Sequences(2), IsEmpty());
}

TEST_F(DeliveryCoreTest, FiltersByAgencyPersonAndStream) {
  Event("m.v1.Opened", 1, "red;red;0");
  Event("m.v1.Opened", 2, "red;red;0");
  Event("a.v1.Fact", 1);
  Event("a.v1.Fact", 2);
  Event("a.v1.Fact", 0);
  v1::Subscribe request = Ask("");
  request.mutable_filter()->add_persons(PersonKey({2}).ToString());
  Subscribe(1, Named("red"), request);
  request.clear_filter();
  request.mutable_filter()->add_agencies("nobody");
  Subscribe(2, Named("red"), request);
  request.mutable_filter()->add_agencies("elsewhere");
  Subscribe(3, Named("red"), request);
  request.mutable_filter()->add_streams("t");
  Subscribe(4, Named("red"), request);
  request.mutable_filter()->add_persons("somebody");
  Subscribe(5, Named("red"), request);
  Work();
  EXPECT_THAT(Sequences(1), ElementsAre(4));
  EXPECT_THAT(Sequences(2), IsEmpty());
  EXPECT_THAT(Sequences(3), ElementsAre(3, 4, 5));
  EXPECT_THAT(Sequences(4), IsEmpty());
  EXPECT_EQ(closed_[5], v1::REFUSAL_MALFORMED);
}

TEST_F(DeliveryCoreTest, AnEnvelopeIsNotFilteredByWhatItHides) {
  v1::Principal admin = Named("operator");
  admin.set_role("operator");
  v1::Subscribe request = Ask("");
  request.mutable_filter()->add_types("a.*");
  Subscribe(1, admin, request);
  request.mutable_filter()->add_persons(PersonKey({2}).ToString());
  Subscribe(2, admin, request);
  Work();
  EXPECT_EQ(closed_.count(1), 0u);
  EXPECT_EQ(closed_[2], v1::REFUSAL_MALFORMED);
}

TEST_F(DeliveryCoreTest, StartsAtATime) {
  AppendTwoAtEachMoment();
  for (uint64_t each = 1; each <= 9; ++each) Durable({each}, {each});
  const std::map<uint64_t, uint64_t> first = {
      {1, 1},           {kNowUs, 1},      {kNowUs + 1, 3},
      {kNowUs + 10, 3}, {kNowUs + 31, 9}, {kNowUs + 40, 9}};
  uint64_t session = 0;
  for (const auto& [time, sequence] : first) {
    v1::Subscribe request = Ask("");
    request.set_from_time(time);
    Subscribe(++session, Named("red"), request);
    Work();
    EXPECT_EQ(Sequences(session).front(), sequence) << time;
    EXPECT_EQ(Sequences(session).back(), 9u) << time;
  }
  v1::Subscribe request = Ask("");
  request.set_from_time(kNowUs + 41);
  Subscribe(++session, Named("red"), request);
  Work();
  EXPECT_THAT(Sequences(session), IsEmpty());
}

// Of what may wait for a caller over gRPC, 16 MiB.
TEST_F(DeliveryCoreTest, ACreditOfBytesIsAtMostHalfOfWhatMayWait) {
  const std::string data(200 * 1024, 'x');
  for (int i = 0; i < 60; ++i) Event("a.v1.Fact", 0, data);
  v1::Subscribe request = Ask("");
  request.set_credit_bytes(UINT32_MAX);
  Subscribe(1, Named("red"), request);
  Work();
  EXPECT_EQ(got_[1].size(), (8u << 20) / data.size() + 1);
}

TEST_F(DeliveryCoreTest, PassesOverRegionsThatHoldNothingForIt) {
  for (int i = 0; i < 3000; ++i) {
    Append(i == 1700 ? "a.v1.Other" : "a.v1.Fact", 0);
  }
  Restart({});
  log_.TellRegionsOf(100);
  v1::Subscribe request = Ask("");
  request.mutable_filter()->add_types("*.Other");
  Subscribe(1, Named("red"), request);
  request.set_through(1800);
  Subscribe(3, Named("red"), request);
  request.set_through(0);
  request.set_name("ours");
  request.set_settlement(v1::SETTLEMENT_SHARED);
  Subscribe(2, Named("red"), request);
  Work();
  EXPECT_THAT(Sequences(1), ElementsAre(1701));
  EXPECT_THAT(Sequences(2), ElementsAre(1701));
  EXPECT_THAT(Sequences(3), ElementsAre(1701));
  EXPECT_EQ(scanned_[1], 3000u);
  EXPECT_EQ(scanned_[3], 1800u);
  EXPECT_LE(log_.reads(), 3u * 100 / 5);  // A region for each of the three.
  // Nothing is passed over that is not folded yet.
  Append("a.v1.Fact", 0);
  Work();
  EXPECT_EQ(scanned_[1], 3000u);
}

TEST_F(DeliveryCoreTest, AStoredPlaceIsWhatWasAcknowledged) {
  for (int i = 0; i < 6; ++i) Event("a.v1.Fact", 0);
  Subscribe(1, Named("red"), Ask("mine"));
  Work();
  ASSERT_EQ(got_[1].size(), 6u);
  core_->Ack({1}, 2);
  Store();
  Restart(stored_);
  Subscribe(2, Named("red"), Ask("mine"));
  Work();
  ASSERT_THAT(Sequences(2), ElementsAre(3, 4, 5, 6));
  EXPECT_EQ(got_[2][0].number, 1u);
}

TEST_F(DeliveryCoreTest, SaysAckStoredOnlyOnceStored) {
  Event("a.v1.Fact", 0);
  Subscribe(1, Named("red"), Ask("mine"));
  Work();
  core_->Ack({1}, 1);
  EXPECT_FALSE(core_->is_waited_for());
  const DirtyPlaces dirty = core_->TakeDirty();
  EXPECT_EQ(dirty.places.at("red/officer/mine").acknowledged.value, 1u);
  Work();
  EXPECT_EQ(stored_acks_.count(1), 0u);
  core_->Stored(dirty);
  Work();
  EXPECT_EQ(stored_acks_[1], 1u);
}

TEST_F(DeliveryCoreTest, ANewPlaceIsStoredBeforeItIsSubscribed) {
  Event("a.v1.Fact", 0);
  core_->Subscribe({1}, Named("red"), "CARE", Ask("mine"));
  Work();
  EXPECT_THAT(Sequences(1), IsEmpty());
  EXPECT_TRUE(core_->is_waited_for());
  Store();
  EXPECT_FALSE(core_->is_waited_for());
  EXPECT_EQ(stored_.count("red/officer/mine"), 1u);
  Work();
  EXPECT_THAT(Sequences(1), ElementsAre(1));
}

TEST_F(DeliveryCoreTest, KeepsWithinCredit) {
  for (int i = 0; i < 10; ++i) Event("a.v1.Fact", 0);
  v1::Subscribe request = Ask("");
  request.set_credit_events(3);
  Subscribe(1, Named("red"), request);
  request.set_credit_events(100);
  request.set_credit_bytes(1);
  Subscribe(2, Named("red"), request);
  Work();
  EXPECT_EQ(got_[1].size(), 3u);
  EXPECT_EQ(got_[2].size(), 1u);
  core_->Ack({1}, 2);
  core_->Ack({2}, 1);
  Work();
  EXPECT_EQ(got_[1].size(), 5u);
  EXPECT_EQ(got_[2].size(), 2u);
  core_->Ack({1}, 5);
  Work();
  EXPECT_EQ(got_[1].size(), 8u);
}

TEST_F(DeliveryCoreTest, EndsWhoAcknowledgesWhatWasNotDelivered) {
  Event("a.v1.Fact", 0);
  Subscribe(1, Named("red"), Ask(""));
  Work();
  core_->Ack({1}, 2);
  core_->Ack({9}, 1);
  Work();
  EXPECT_EQ(closed_[1], v1::REFUSAL_PROTOCOL);
  EXPECT_EQ(closed_[9], v1::REFUSAL_UNKNOWN_SUBSCRIPTION);
}

TEST_F(DeliveryCoreTest, OneHolderAtATime) {
  Subscribe(1, Named("red"), Ask("mine"));
  Subscribe(2, Named("red"), Ask("mine"));
  Subscribe(3, Named("red"), Ask("other"));
  Subscribe(4, Named("red", "other"), Ask("mine"));
  Work();
  EXPECT_EQ(closed_.size(), 1u);
  EXPECT_EQ(closed_[2], v1::REFUSAL_BUSY);
  core_->Closed({1});
  Subscribe(5, Named("red"), Ask("mine"));
  Event("a.v1.Fact", 0);
  Work();
  EXPECT_THAT(Sequences(5), ElementsAre(1));
}

TEST_F(DeliveryCoreTest, RefusesWhomNoAgreementGivesAnything) {
  Subscribe(1, Named("green"), Ask(""));
  Work();
  EXPECT_EQ(closed_[1], v1::REFUSAL_NO_GRANT);
}

TEST_F(DeliveryCoreTest, RefusesThePositionOfAnotherLog) {
  Event("a.v1.Fact", 0);
  v1::Subscribe request = Ask("");
  request.set_own_place(true);
  request.set_after(1);
  request.set_log_id(std::string(16, 'L'));
  request.set_epoch(1);
  Subscribe(1, Named("red"), request);
  request.set_epoch(2);
  Subscribe(2, Named("red"), request);
  request.set_epoch(1);
  request.set_log_id(std::string(16, 'M'));
  Subscribe(3, Named("red"), request);
  request = Ask("");
  request.set_after(2);
  Subscribe(4, Named("red"), request);
  Work();
  Restart({{"red/officer/mine", {std::string(16, 'L'), 2, {1}, {1}}}});
  Subscribe(5, Named("red"), Ask("mine"));
  Work();
  EXPECT_EQ(closed_.count(1), 0u);
  for (const uint64_t session : {2, 3, 4, 5}) {
    EXPECT_EQ(closed_[session], v1::REFUSAL_FORKED) << session;
  }
}

TEST_F(DeliveryCoreTest, APositionThatIsOnlyFurtherThanThisProcessIsNoFork) {
  Event("a.v1.Fact", 0);
  Append("a.v1.Fact", 0);  // In the log, and not here yet.
  v1::Subscribe request = Ask("");
  request.set_after(2);
  Subscribe(1, Named("red"), request);
  request.set_after(3);
  Subscribe(2, Named("red"), request);
  Work();
  EXPECT_EQ(closed_[1], v1::REFUSAL_SHUTTING_DOWN);
  EXPECT_EQ(closed_[2], v1::REFUSAL_FORKED);
  // Another process writes, and may have told of more than has come here.
  options_.follows = [] { return true; };
  Restart({});
  Subscribe(3, Named("red"), request);
  request.set_after(2);
  Subscribe(4, Named("red"), request);
  Work();
  EXPECT_EQ(closed_[3], v1::REFUSAL_SHUTTING_DOWN);
  EXPECT_FALSE(closed_.contains(4));
}

TEST_F(DeliveryCoreTest, APlaceIsAsItIsWhenTheNameIsTaken) {
  for (int i = 0; i < 4; ++i) Event("a.v1.Fact", 0);
  const std::string log(16, 'L');
  const uint32_t epoch = log_.Status().epoch;
  // As it was when this process began; another has gone on with it since.
  Restart({{"red/officer/mine", {log, epoch, {1}, {4}}},
           {"red/officer/gone", {log, epoch, {1}, {4}}}});
  core_->Took("red/officer/mine", Place{log, epoch, {2}, {4}});
  Subscribe(1, Named("red"), Ask("mine"));
  // What others have is as it is stored, what this one has is as it is here.
  core_->Refresh({{"red/officer/mine", {log, epoch, {1}, {4}}},
                  {"red/officer/theirs", {log, epoch, {3}, {4}}}},
                 {"red/officer/mine"});
  Work();
  EXPECT_THAT(Sequences(1), ElementsAre(3, 4));
  std::map<std::string, uint64_t> listed;
  for (const SubscriptionInfo& info : core_->List()) {
    listed[info.name] = info.acknowledged.value;
  }
  EXPECT_EQ(listed,
            (std::map<std::string, uint64_t>{{"mine", 2}, {"theirs", 3}}));
  EXPECT_TRUE(core_->IsUsed("red/officer/mine"));
  EXPECT_FALSE(core_->IsUsed("red/officer/theirs"));
}

TEST_F(DeliveryCoreTest, AfterARestoreOnlyWhoHoldsALostPositionIsToldForked) {
  Event("a.v1.Fact", 0);
  Event("a.v1.Fact", 0);
  log_.BeginEpoch(7);  // Events 3 and 4 of epoch 1 are lost.
  Event("a.v1.Fact", 0);
  Event("a.v1.Fact", 0);
  const std::string log(16, 'L');
  // A lost place, one before the restore, one whose holder has seen more.
  Restart({{"red/officer/lost", {log, 1, {3}, {3}}},
           {"red/officer/kept", {log, 1, {1}, {4}}},
           {"red/officer/more", {log, 1, {1}, {1}}}});
  Subscribe(1, Named("red"), Ask("lost"));
  Subscribe(2, Named("red"), Ask("kept"));
  v1::Subscribe request = Ask("more");
  request.set_log_id(log);
  request.set_epoch(1);
  request.set_seen(3);
  Subscribe(3, Named("red"), request);
  request = Ask("");
  request.set_log_id(log);
  request.set_epoch(1);
  request.set_after(2);
  request.set_seen(2);
  Subscribe(4, Named("red"), request);
  Work();
  EXPECT_EQ(closed_[1], v1::REFUSAL_FORKED);
  EXPECT_THAT(Sequences(2), ElementsAre(2, 3, 4));
  EXPECT_EQ(closed_[3], v1::REFUSAL_FORKED);
  EXPECT_THAT(Sequences(4), ElementsAre(3, 4));
  // Who has been told begins anew, by naming the epoch of now.
  request = Ask("lost");
  request.set_log_id(log);
  request.set_epoch(7);
  request.set_after(2);
  Subscribe(5, Named("red"), request);
  Work();
  EXPECT_THAT(Sequences(5), ElementsAre(3, 4));
}

TEST_F(DeliveryCoreTest, TellsAnIdleSubscriberThatItIsUpToDate) {
  Subscribe(1, Named("red"), Ask(""));
  Event("a.v1.Fact", 1);
  Event("a.v1.Fact", 1);
  Work();
  EXPECT_THAT(Sequences(1), IsEmpty());
  EXPECT_EQ(scanned_[1], 2u);
  const int frames = frames_[1];
  Work();
  EXPECT_EQ(frames_[1], frames);  // Once.
}

TEST_F(DeliveryCoreTest, TheOperatorSeesEnvelopes) {
  Event("m.v1.Opened", 1, "red;red;0");
  Event("a.v1.Fact", 1);
  Subscribe(1, Named("hub", "operator"), Ask(""));
  Work();
  EXPECT_THAT(Sequences(1), ElementsAre(1, 2));
  const View& view = views_[1];
  EXPECT_EQ(view.header.type, "a.v1.Fact");
  EXPECT_TRUE(view.header.subject.empty());
  EXPECT_TRUE(view.header.stream.empty());
  EXPECT_THAT(view.groups, IsEmpty());
}

TEST_F(DeliveryCoreTest, AServiceProcessesWhatItsRightNames) {
  Event("a.v1.Fact", 1);
  Event("m.v1.Opened", 1, "red;red;0");
  v1::Principal service = Named("hub", "service");
  service.mutable_process()->add_types("m.v1.*");
  Subscribe(1, service, Ask(""));
  Work();
  EXPECT_THAT(Sequences(1), ElementsAre(2));
}

TEST_F(DeliveryCoreTest, ShowsNothingToAnotherRoleOrForAnotherPurpose) {
  Event("a.v1.Fact", 0);
  Subscribe(1, Named("red"), Ask(""));
  Subscribe(2, Named("red", "cleaner"), Ask(""));
  core_->Subscribe({3}, Named("red"), "SALES", Ask(""));
  core_->Subscribe({4}, Named("red"), "", Ask(""));
  Work();
  EXPECT_THAT(Sequences(1), ElementsAre(1));
  for (const uint64_t session : {2, 3, 4}) {
    EXPECT_EQ(closed_[session], v1::REFUSAL_NO_GRANT) << session;
    EXPECT_THAT(Sequences(session), IsEmpty());
  }
  EXPECT_THAT(details_[2], HasSubstr("cleaner of red"));
  EXPECT_THAT(details_[3], HasSubstr("there are grants for CARE"));
  PolicyFold fold(types_);
  ASSERT_THAT(fold.Adopt(Demo()), IsOk());
  ASSERT_THAT(fold.CatchUp(log_), IsOk());
  StreamReader reader(log_, fold, types_);
  const auto answer =
      DecodeStreamEvents(reader.Read(Named("red"), "SALES", v1::ReadStream()));
  EXPECT_EQ(answer->rest.refusal(), v1::REFUSAL_NO_GRANT);
  // Who may see nothing is told what time it is all the same.
  EXPECT_GT(answer->rest.log_time(), 0u);
  EXPECT_EQ(answer->rest.log_time(), fold.now_us());
}

TEST_F(DeliveryCoreTest, ARoleHasSoManyNamesAndNoMore) {
  uint64_t session = 0;
  for (size_t i = 0; i < DeliveryCore::kNamesMax; ++i) {
    Subscribe(++session, Named("red"), Ask(std::to_string(i)));
  }
  Work();
  ASSERT_TRUE(closed_.empty());
  Subscribe(1001, Named("red"), Ask("one-more"));
  Work();
  EXPECT_EQ(closed_[1001], v1::REFUSAL_TOO_MANY);
  EXPECT_THAT(details_[1001], HasSubstr("64"));
  // A name that it has, a tail, and another role's go on.
  core_->Closed({1});
  Subscribe(1002, Named("red"), Ask("0"));
  Subscribe(1003, Named("red"), Ask(""));
  Subscribe(1004, Named("red", "other"), Ask("one-more"));
  Work();
  EXPECT_EQ(closed_.size(), 1u);
}

TEST_F(DeliveryCoreTest, EndsWhoseRightsHaveChanged) {
  Subscribe(1, Named("red"), Ask(""));
  core_->RightsOf({1}, Named("red"));
  Work();
  EXPECT_EQ(closed_.count(1), 0u);
  core_->RightsOf({1}, Named("red", "other"));
  Work();
  EXPECT_EQ(closed_[1], v1::REFUSAL_REVOKED);
}

TEST_F(DeliveryCoreTest, ReadsOfAStreamWhatTheCallerMaySee) {
  Event("a.v1.Fact", 0);
  Event("a.v1.Fact", 1);
  Event("a.v1.Fact", 0);
  PolicyFold fold(types_);
  ASSERT_THAT(fold.Adopt(Demo()), IsOk());
  ASSERT_THAT(fold.CatchUp(log_), IsOk());
  StreamReader reader(log_, fold, types_);
  v1::ReadStream request;
  request.set_source("urn:concordat:elsewhere:x");
  request.set_stream("s");
  request.set_request(9);
  const auto answer =
      DecodeStreamEvents(reader.Read(Named("red"), "CARE", request));
  ASSERT_THAT(answer, IsOk());
  ASSERT_EQ(answer->views.size(), 2u);
  EXPECT_EQ(answer->views[1].sequence.value, 3u);
  EXPECT_EQ(answer->rest.stream_version(), 3u);
  EXPECT_EQ(answer->rest.request(), 9u);
  const auto nothing =
      DecodeStreamEvents(reader.Read(Named("green"), "CARE", request));
  ASSERT_THAT(nothing, IsOk());
  EXPECT_EQ(nothing->rest.refusal(), v1::REFUSAL_NO_GRANT);
}

TEST_F(DeliveryCoreTest, AStreamOfOthersDoesNotMoveByWhatIsHidden) {
  Event("a.v1.Fact", 0);
  Event("a.v1.Fact", 1);
  PolicyFold fold(types_);
  ASSERT_THAT(fold.Adopt(Demo()), IsOk());
  ASSERT_THAT(fold.CatchUp(log_), IsOk());
  StreamReader reader(log_, fold, types_);
  v1::ReadStream request;
  request.set_source("urn:concordat:elsewhere:x");
  request.set_stream("s");
  const auto version = [&](const v1::Principal& principal) {
    const auto answer =
        DecodeStreamEvents(reader.Read(principal, "CARE", request));
    EXPECT_THAT(answer, IsOk());
    return answer.ok() ? answer->rest.stream_version() : 99;
  };
  v1::Principal reads = Named("red");
  EXPECT_EQ(version(reads), 1u);
  request.set_after(1);
  EXPECT_EQ(version(reads), 0u);
  // Who may append to it has to know where it stands.
  reads.add_publish()->set_source("urn:concordat:elsewhere:x");
  EXPECT_EQ(version(reads), 2u);
}

TEST_F(DeliveryCoreTest, ReadsAStreamOfTheCallersOwnSourceUnlessItNamesOne) {
  Event("a.v1.Fact", 0);
  PolicyFold fold(types_);
  ASSERT_THAT(fold.Adopt(Demo()), IsOk());
  ASSERT_THAT(fold.CatchUp(log_), IsOk());
  StreamReader reader(log_, fold, types_);
  v1::ReadStream request;
  request.set_stream("s");
  v1::Principal reads = Named("red");
  const auto version = [&] {
    const auto answer = DecodeStreamEvents(reader.Read(reads, "CARE", request));
    return answer.ok() ? answer->rest.stream_version() : 99;
  };
  EXPECT_EQ(version(), 0u);
  reads.add_publish()->set_source("urn:concordat:elsewhere:x");
  EXPECT_EQ(version(), 1u);
  request.set_source("urn:concordat:red:x");
  EXPECT_EQ(version(), 0u);
}

// at random has at the end all that a new one from the beginning sees, and was

// never sent what it might not see at that moment.

}  // namespace
}  // namespace concordat::bus
