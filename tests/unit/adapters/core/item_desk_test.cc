// Acts on what an edge keeps, over the real store on a real disk, the real
// worker, and a bus in memory.
//
//   | bug                                             | test                  |
//   | act shown before it is durable                  | AnActIsDurable...     |
//   | crash between act and bus loses it              | ACrashAnywhere...     |
//   | crash between bus and End publishes twice       | ACrashAnywhere...     |
//   | two act at once and both win                    | OfTwoAtOnceOneWins    |
//   | repeat acts again, or with another wish         | ARepeatGetsTheFirst.. |
//   | released without its fact, or apart from it     | AReleaseIsOneSet...   |
//   | reason that is no code taken                    | RefusesAReasonThat... |
//   | note on the bus                                 | NothingOfTheItemIs... |
//   | dated by the machine in a story, or looks that  | AnActHappensAtTheL... |
//   |   are one because its time stands still         |                       |
//   | a refusing bus loses the item                   | WhatTheBusRefuses...  |
//   | content stays on disk once it is left           | WhatIsLeftIsDestroyed |
//   | held for ever; or aged without a fact           | WhatNobodyActsOnAges  |
//   | bytes of held ones counted for ever             | TooMuchEndsTheOldest  |
//   | replayed item acted on again after a rewrite    | AReplayIsJudgedAgain  |
#include "adapters/core/item_desk.h"

#include "concordat/hub/v1/events.pb.h"
#include "tests/unit/adapters/core/item_desk_fixture.h"

namespace concordat::edge {
namespace {

using concordat::testing::HasCode;
using concordat::testing::IsOk;
using testing::FakeRules;
using ::testing::HasSubstr;
using testing::ItemDeskTest;
using testing::kMe;
using testing::kOther;
using testing::kTorquil;
using testing::Step;

TEST_F(ItemDeskTest, AReleaseIsOneSetOfTheFactAndTheEventWithItsOwnTime) {
  const uint64_t item = Hold(1);
  StartWorker();
  const auto taken = desk_->Take(Wish(v1::ACT_KIND_RELEASE, item), {});
  ASSERT_THAT(taken, IsOk());
  EXPECT_FALSE(taken->duplicate);
  EXPECT_EQ(RefOf(taken->item), "H-1");
  EXPECT_TRUE(taken->item.ended());
  EXPECT_EQ(Types(), (std::vector<std::string>{"KeptItemReleased",
                                               "AppointmentMissed"}));
  const View fact = bus_.events()[0];
  EXPECT_EQ(fact.header.subject, kTorquil);
  hub::v1::KeptItemReleased released;
  ASSERT_TRUE(released.ParseFromString(fact.Data()));
  EXPECT_EQ(released.item_ref(), "H-1");
  EXPECT_EQ(released.by(), kMe);
  EXPECT_EQ(released.decision_ref(), "D-1");
  EXPECT_EQ(bus_.events()[1].header.time_us, 1764242400000000u);
  const EdgeCounts counts = store_->counts();
  EXPECT_EQ(counts.held, 0u);
  EXPECT_EQ(counts.published, 1u);
  EXPECT_EQ(counts.released, 1u);
  EXPECT_TRUE(store_->items().empty());
  ASSERT_EQ(store_->items(true).size(), 1u);
}

TEST_F(ItemDeskTest, ARepeatGetsTheFirstAnswerAndAnotherWishDoesNot) {
  const uint64_t item = Hold(1);
  StartWorker();
  const auto first = desk_->Take(Wish(v1::ACT_KIND_LEAVE, item), {});
  ASSERT_THAT(first, IsOk());
  for (int restart = 0; restart < 2; ++restart) {
    const auto again = desk_->Take(Wish(v1::ACT_KIND_LEAVE, item), {});
    ASSERT_THAT(again, IsOk());
    EXPECT_TRUE(again->duplicate);
    EXPECT_EQ(again->act.position, first->act.position);
    EXPECT_THAT(desk_->Take(Wish(v1::ACT_KIND_RELEASE, item), {}),
                HasCode(absl::StatusCode::kInvalidArgument));
    EXPECT_EQ(store_->counts().left, 1u);
    Reopen();
    StartWorker();
  }
  EXPECT_EQ(Types().size(), 1u);
  // Another's request may have the same id.
  EXPECT_THAT(desk_->Take(Wish(v1::ACT_KIND_LEAVE, item, "r1", kOther), {}),
              HasCode(absl::StatusCode::kAborted));
  EXPECT_THAT(desk_->Take(Wish(v1::ACT_KIND_LEAVE, 77, "r2"), {}),
              HasCode(absl::StatusCode::kNotFound));
}

TEST_F(ItemDeskTest, OfTwoAtOnceOneWinsAndTheOtherIsToldWhatChanged) {
  std::vector<uint64_t> items;
  for (int round = 1; round <= 20; ++round) items.push_back(Hold(round));
  StartWorker();
  for (int round = 1; round <= 20; ++round) {
    const uint64_t item = items[round - 1];
    absl::StatusOr<Taken> mine, theirs;
    std::thread other([&] {
      theirs = desk_->Take(
          Wish(v1::ACT_KIND_LEAVE, item, absl::StrCat("t", round), kOther), {});
    });
    mine = desk_->Take(
        Wish(v1::ACT_KIND_RELEASE, item, absl::StrCat("m", round)), {});
    other.join();
    ASSERT_NE(mine.ok(), theirs.ok()) << mine.status() << theirs.status();
    const absl::Status lost = mine.ok() ? theirs.status() : mine.status();
    EXPECT_THAT(lost, HasCode(absl::StatusCode::kAborted));
    EXPECT_THAT(std::string(lost.message()),
                HasSubstr(mine.ok() ? "released by urn:concordat:nhs-tayside:"
                                      "liaison"
                                    : "left by urn:concordat:nhs-tayside:"
                                      "deputy"));
  }
  EXPECT_EQ(store_->counts().held, 0u);
  EXPECT_EQ(store_->counts().left + store_->counts().released, 20u);
}

TEST_F(ItemDeskTest, AnActIsDurableBeforeAnythingComesOfIt) {
  const uint64_t item = Hold(1);
  bus_.GoAway();
  Act wish = Wish(v1::ACT_KIND_RELEASE, item);
  wish.made = *rules_.Release(*store_->Find(item), "D-1");
  ASSERT_THAT(store_->Begin(wish), IsOk());
  EXPECT_EQ(worker_->RunOnce(), Step::kBlocked);
  Reopen();  // The process was killed: nobody remembers.
  ASSERT_EQ(store_->items().size(), 1u);
  EXPECT_FALSE(store_->items()[0].open());
  EXPECT_THAT(desk_->Take(Wish(v1::ACT_KIND_LEAVE, item, "r2"), {}),
              HasCode(absl::StatusCode::kAborted));
  bus_.ComeBack();
  StartWorker();
  const auto taken = desk_->Take(wish, {});
  ASSERT_THAT(taken, IsOk());
  EXPECT_TRUE(taken->duplicate);
  EXPECT_EQ(Types().size(), 2u);
}

TEST_F(ItemDeskTest, ACrashAnywhereBetweenActAndEffectMakesItOnce) {
  for (const v1::ActKind kind : {v1::ACT_KIND_RELEASE, v1::ACT_KIND_LEAVE}) {
    const size_t before = Types().size();
    const uint64_t item = Hold(10 + kind);
    const std::string request_id = absl::StrCat("crash-", kind);
    Act wish = Wish(kind, item, request_id);
    if (kind == v1::ACT_KIND_RELEASE) {
      wish.made = *rules_.Release(*store_->Find(item), "D-1");
    }
    ASSERT_THAT(store_->Begin(wish), IsOk());
    Reopen();  // Killed before the bus was asked.
    bus_.GoAwayBeforeNextAnswer();
    EXPECT_EQ(worker_->RunOnce(), Step::kBlocked);
    Reopen();  // Killed when the bus had it and had not said so.
    // What let it out is gone meanwhile: it went out all the same, once.
    bus_.ComeBack();
    ASSERT_TRUE(bus_.WaitForAnswers(absl::Seconds(5)));
    EXPECT_EQ(worker_->RunOnce(), Step::kDone);
    Reopen();
    EXPECT_EQ(worker_->RunOnce(), Step::kIdle);
    EXPECT_EQ(Types().size() - before, kind == v1::ACT_KIND_RELEASE ? 2u : 1u);
    EXPECT_EQ(store_->counts().held, 0u);
  }
}

TEST_F(ItemDeskTest, RefusesAReasonThatIsNoCodeBeforeItIsAnAct) {
  const uint64_t item = Hold(1);
  StartWorker();
  Act wish = Wish(v1::ACT_KIND_LEAVE, item);
  wish.reason = "because";
  EXPECT_THAT(desk_->Take(wish, {}),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_TRUE(store_->items()[0].open());
  Act release = Wish(v1::ACT_KIND_RELEASE, item);
  release.decision_ref = "D-2";
  EXPECT_THAT(desk_->Take(release, {}),
              HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_TRUE(store_->items()[0].open());
  EXPECT_TRUE(Types().empty());
}

TEST_F(ItemDeskTest, NothingOfTheItemIsOnTheBus) {
  Act look;
  look.item = Hold(1);
  look.by = kMe;
  StartWorker();
  const auto looked = desk_->Look(look);
  ASSERT_THAT(looked, IsOk());
  ASSERT_EQ(looked->fields.size(), 1u);
  EXPECT_EQ(looked->fields[0].value, "SECRETCONTENT");
  ASSERT_THAT(desk_->Take(Wish(v1::ACT_KIND_LEAVE, look.item), {}), IsOk());
  EXPECT_EQ(Types(),
            (std::vector<std::string>{"KeptItemOpened", "KeptItemLeft"}));
  for (const View& view : bus_.events()) {
    EXPECT_FALSE(absl::StrContains(view.Data(), "SECRET"));
    EXPECT_FALSE(absl::StrContains(view.Data(), "SIU"));
  }
}

TEST_F(ItemDeskTest, AnActHappensAtTheLogsTimeAndEachLookIsOne) {
  Act look;
  look.item = Hold(1);
  look.by = kMe;
  StartWorker();
  for (int i = 0; i < 2; ++i) {
    ASSERT_THAT(desk_->Look(look), IsOk());
    clock_.Advance(absl::Seconds(1));
  }
  ASSERT_THAT(desk_->Take(Wish(v1::ACT_KIND_LEAVE, look.item), {}), IsOk());
  ASSERT_EQ(Types(), (std::vector<std::string>{
                         "KeptItemOpened", "KeptItemOpened", "KeptItemLeft"}));
  for (const View& view : bus_.events()) {
    EXPECT_EQ(view.header.time_us,
              static_cast<uint64_t>(absl::ToUnixMicros(log_clock_.Now())));
  }
}

TEST_F(ItemDeskTest, WhatTheBusRefusesIsOpenAgainAndMayBeTriedAgain) {
  const uint64_t item = Hold(1);
  bus_.RefuseNext(bus::v1::REFUSAL_TYPE_NOT_ALLOWED, "not yours");
  StartWorker();
  const auto refused = desk_->Take(Wish(v1::ACT_KIND_LEAVE, item), {});
  EXPECT_THAT(refused, HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("not yours"));
  EXPECT_EQ(store_->counts().held, 1u);
  EXPECT_TRUE(store_->items()[0].open());
  EXPECT_FALSE(store_->Find(item)->message.message.empty());
  ASSERT_THAT(desk_->Take(Wish(v1::ACT_KIND_LEAVE, item), {}), IsOk());
  EXPECT_EQ(store_->counts().held, 0u);
}

TEST_F(ItemDeskTest, WhatIsLeftIsDestroyed) {
  const size_t empty = JournalBytes();
  const uint64_t item = Hold(1, std::string(50'000, 'x'));
  EXPECT_GT(JournalBytes(), empty + 50'000);
  StartWorker();
  ASSERT_THAT(desk_->Take(Wish(v1::ACT_KIND_LEAVE, item), {}), IsOk());
  EXPECT_LT(JournalBytes(), empty + 1'000);
  EXPECT_FALSE(OnDisk("xxxx"));
  Act look;
  look.item = item;
  look.by = kMe;
  const auto looked = desk_->Look(look);
  ASSERT_THAT(looked, IsOk());
  EXPECT_TRUE(looked->fields.empty());
  // Sent again by the hospital it is known, and not taken a second time.
  MessageKey key = {};
  key[0] = 1;
  ASSERT_THAT(store_->Accept(key, 5, "again"), IsOk());
  EXPECT_EQ(store_->counts().waiting, 0u);
}

TEST_F(ItemDeskTest, WhatNobodyActsOnAgesAndThatIsAFact) {
  limits_.kept.age_max = absl::Hours(24);
  Reopen();
  Hold(1);
  clock_.Advance(absl::Hours(23));
  Hold(2);
  EXPECT_EQ(worker_->RunOnce(), Step::kIdle);
  clock_.Advance(absl::Hours(2));
  EXPECT_EQ(worker_->RunOnce(), Step::kDone);  // Taken,
  EXPECT_EQ(worker_->RunOnce(), Step::kDone);  // and in the log.
  EXPECT_EQ(worker_->RunOnce(), Step::kIdle);
  ASSERT_EQ(Types(), std::vector<std::string>{"KeptItemLeft"});
  hub::v1::KeptItemLeft left;
  ASSERT_TRUE(left.ParseFromString(bus_.events()[0].Data()));
  EXPECT_EQ(left.by(), "urn:concordat:nhs-tayside:pas");
  EXPECT_EQ(left.reason(), "TOO_OLD");
  EXPECT_EQ(store_->counts().held, 1u);
  EXPECT_EQ(store_->counts().left, 1u);
}

TEST_F(ItemDeskTest, TooMuchEndsTheOldestAndNoMore) {
  limits_.kept.bytes_max = 25;
  Reopen();
  for (int i = 1; i <= 3; ++i) Hold(i, std::string(10, 'x'));
  while (worker_->RunOnce() != Step::kIdle) {
  }
  EXPECT_EQ(store_->counts().held, 2u);
  ASSERT_EQ(store_->items().size(), 2u);
  EXPECT_EQ(store_->items()[0].message.number, 2u);
  EXPECT_EQ(Types(), std::vector<std::string>{"KeptItemLeft"});
  Reopen();
  EXPECT_EQ(worker_->RunOnce(), Step::kIdle);
}

TEST_F(ItemDeskTest, AReplayIsJudgedAgainOnce) {
  const uint64_t item = Hold(1);
  const uint64_t other = Hold(2);
  rules_.replayable = false;
  EXPECT_THAT(desk_->Take(Wish(v1::ACT_KIND_REPLAY, item), {}),
              HasCode(absl::StatusCode::kFailedPrecondition));
  rules_.replayable = true;
  judged_.reason = "still held, for another reason";
  StartWorker();
  const auto held_again =
      desk_->Take(Wish(v1::ACT_KIND_REPLAY, item, "r2"), {});
  ASSERT_THAT(held_again, IsOk());
  EXPECT_TRUE(held_again->item.open());
  EXPECT_EQ(held_again->item.verdict.reason, "still held, for another reason");
  EXPECT_EQ(store_->counts().held, 2u);
  EXPECT_EQ(store_->items().size(), 2u);
  // The journal is rewritten for another's sake, and read again: the act that
  // was taken once is not taken once more.
  ASSERT_THAT(desk_->Take(Wish(v1::ACT_KIND_LEAVE, other, "r3"), {}), IsOk());
  Reopen();
  StartWorker();
  EXPECT_EQ(store_->counts().held, 1u);
  EXPECT_EQ(store_->counts().waiting, 0u);
  judged_.outcome = v1::OUTCOME_TO_IDENTITY;
  const auto gone = desk_->Take(Wish(v1::ACT_KIND_REPLAY, item, "r4"), {});
  ASSERT_THAT(gone, IsOk());
  EXPECT_EQ(store_->counts().held, 0u);
  EXPECT_EQ(store_->counts().to_identity, 1u);
}

TEST_F(ItemDeskTest, ARejectIsReplayedOrLeftLikeWhatIsHeld) {
  WaitingMessage message;
  message.key[0] = 9;
  message.received_us = NowMicros();
  message.message = "a row";
  Verdict verdict = Held();
  verdict.reason = "31/11/2025 is not a date";
  verdict.place = "line 4";
  ASSERT_THAT(store_->Refuse(message, verdict), IsOk());
  Reopen();
  ASSERT_EQ(store_->items().size(), 1u);
  EXPECT_EQ(RefOf(store_->items()[0]), "R-1");
  EXPECT_EQ(store_->items()[0].verdict.place, "line 4");
  StartWorker();
  judged_.outcome = v1::OUTCOME_PUBLISHED;
  ASSERT_THAT(desk_->Take(Wish(v1::ACT_KIND_REPLAY, 1), {}), IsOk());
  EXPECT_EQ(store_->counts().refused, 0u);
  EXPECT_EQ(store_->counts().published, 1u);
  hub::v1::KeptItemReplayed replayed;
  ASSERT_TRUE(replayed.ParseFromString(bus_.events()[0].Data()));
  EXPECT_EQ(replayed.item_ref(), "R-1");
  // One that is judged as a reject from the spool is on the list, too.
  judged_.outcome = v1::OUTCOME_REFUSED;
  MessageKey key = {};
  key[0] = 10;
  ASSERT_THAT(store_->Accept(key, NowMicros(), "another row"), IsOk());
  ASSERT_TRUE(store_->WaitForEnd(99, absl::ZeroDuration()));
  StopWorker();
  while (worker_->RunOnce() != Step::kIdle) {
  }
  ASSERT_EQ(store_->items().size(), 1u);
  EXPECT_EQ(store_->Find(store_->items()[0].message.number)->message.message,
            "another row");
}

}  // namespace
}  // namespace concordat::edge
