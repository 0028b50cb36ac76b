// The ingest core over a log in memory, with types of our own.
//
// Mutant                                            Caught by
// ack before sync                                   AnswersOnlyWhatIsDurable
// who is turned away overtakes, or is stored        TurnsAwayInItsTurnAndTakesNothing
// deliver before sync (block handed out unwritten)  HandsOutABlockOnlyOnceWritten
// duplicate of a pending event answered at once     ADuplicateOfAPendingEventWaits
// rights not judged, or once for a whole batch      RefusesWrongTypeSourceAndController
// purpose and gateway not judged, or once a batch   RefusesAPurposeOrGatewayOfNoAgreement
// internal is enough to need no agreement           OnlyTheHubsFactsAboutNobodyNeedNoAgreement
// digest taken as sent                              RefusesADigestThatIsNotOfTheEvent
// a bad event of a set refused alone                ASetIsAcceptedWholeOrNotAtAll
// urgent type refused for a fault                   AnUrgentTypeIsAcceptedWithItsFaults
// publisher not told of faults, or twice in the log AnUrgentTypeIsAcceptedWithItsFaults
// a header's reference may name a person            RefusesAnIdOrStreamThatNamesAPerson
// events under way at a failed write said accepted  AFailedWriteStopsAcceptingAndSaysSo
// a run of receipts goes on past a refused event    NeighboursThatAreNewAreAnsweredAsOne
// a second block goes out at once                   TheNextBlockFillsWhileOneIsWritten
// story time from the wall clock, or steps back     StoryTimeIsThatOfTheNewestTimePassed
#include "services/bus/ingest/ingest_core.h"

#include <algorithm>

#include "concordat/hub/v1/events.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/event/codec.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_event_log.h"
#include "tests/support/fake_types.h"
#include "tests/support/status_matchers.h"

namespace concordat::bus {
namespace {

using testing::FakeClock;
using testing::FakeEventLog;
using testing::FakeTypes;
using testing::HasCode;
using ::testing::HasSubstr;
using testing::IsOk;

constexpr char kSource[] = "urn:concordat:red:system";
constexpr SessionId kSession = {7};
constexpr uint64_t kStartUs = 1'764'000'000'000'000;  // 24 Nov 2025.

std::shared_ptr<const TypeRegistry> Types() {
  auto types = std::make_shared<FakeTypes>();
  policy::v1::TypePolicy urgent;
  urgent.set_urgent(true);
  policy::v1::TypePolicy internal;
  internal.set_internal(true);
  types->Add("a.v1.Fact")
      .Add("a.v1.Internal", internal)
      .Add("a.v1.Urgent", urgent)
      .Add("b.v1.Other")
      .Add("m.v1.Opened", testing::WithEffect(policy::v1::EFFECT_CASE_OPENED))
      .Add("concordat.hub.v1.TimePassed");
  return types;
}

v1::Principal Red() {
  v1::Principal principal;
  principal.set_name("red");
  principal.set_agency("red");
  v1::PublishGrant& grant = *principal.add_publish();
  grant.set_source(kSource);
  grant.add_types("a.v1.*");
  grant.add_types("m.v1.*");
  grant.add_types("concordat.hub.v1.TimePassed");
  v1::PublishGrant& other = *principal.add_publish();
  other.set_source("urn:concordat:red:many");
  other.add_types("b.v1.*");
  other.set_any_controller(true);
  return principal;
}

std::shared_ptr<const Agreements> Agreed(
    std::shared_ptr<const TypeRegistry> types) {
  policy::v1::Agreement agreement;
  agreement.set_name("x");
  agreement.set_version(1);
  agreement.set_valid_from("2025-10-01");
  agreement.set_valid_to("2025-12-31");
  agreement.add_parties("red");
  agreement.add_purposes("CARE");
  agreement.add_gateways("G1");
  return *Agreements::None(std::move(types))->With(agreement);
}

class IngestCoreTest : public ::testing::Test {
 protected:
  IngestCoreTest() { core_.UseAgreements(Agreed(types_)); }

  Event Make(std::string id, std::string text = "text",
             std::string type = "a.v1.Fact") {
    Header header;
    header.source = kSource;
    header.type = std::move(type);
    header.controller = "red";
    header.purpose = "CARE";
    header.gateway = "G1";
    header.id = std::move(id);
    return Bind(std::move(header), text);
  }
  Event Bind(Header header, const std::string& text) {
    Event event;
    event.header = std::move(header);
    if (!text.empty()) event.groups = {{0, text}};
    event.seed[0] = static_cast<uint8_t>(++seeds_);
    if (const EventType* type = types_->Find(event.header.type)) {
      const EventView view = AsView(event);
      event.digest = Commit(view.header, *type, view.groups, view.seed).digest;
    }
    return event;
  }
  // Publishes a batch; the answers come with Answers().
  void Publish(const std::vector<Event>& events) {
    BatchEncoder batch;
    for (const Event& event : events) batch.Add(AsView(event));
    ASSERT_THAT(core_.Publish(kSession, ++number_, red_, batch.Take()), IsOk());
  }
  std::vector<v1::Outcome> Answers() {
    std::vector<v1::Outcome> outcomes;
    for (const Answer& answer : core_.TakeAnswers()) {
      EXPECT_EQ(answer.session, kSession);
      EXPECT_EQ(answer.number, ++answered_);
      EXPECT_EQ(answer.receipts.publish_number(), answered_);
      const std::vector<v1::Outcome> all = EachOf(answer.receipts);
      outcomes.insert(outcomes.end(), all.begin(), all.end());
    }
    return outcomes;
  }
  // By index, runs written out.
  static std::vector<v1::Outcome> EachOf(const v1::Receipts& receipts) {
    std::vector<v1::Outcome> all(receipts.outcomes().begin(),
                                 receipts.outcomes().end());
    for (const v1::Accepted& run : receipts.accepted()) {
      for (uint32_t i = 0; i < run.count(); ++i) {
        v1::Outcome& outcome = all.emplace_back();
        outcome.set_index(run.index() + i);
        outcome.set_sequence(run.first_sequence() + i);
        outcome.set_accepted_time(run.accepted_time());
      }
    }
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
      return a.index() < b.index();
    });
    for (size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i].index(), i);
    return all;
  }
  void WriteAll() {
    while (auto block = core_.NextBlock()) {
      ASSERT_THAT(log_.Write(*block), IsOk());
      core_.Written(std::move(block));
    }
  }
  v1::Outcome PublishOne(const Event& event) {
    Publish({event});
    WriteAll();
    const std::vector<v1::Outcome> outcomes = Answers();
    EXPECT_EQ(outcomes.size(), 1u);
    return outcomes.empty() ? v1::Outcome() : outcomes[0];
  }

  FakeEventLog log_;
  FakeClock clock_;
  std::shared_ptr<const TypeRegistry> types_ = Types();
  Refusals refusals_;
  IngestCore core_{log_, types_,
                   LogTime(v1::ENVIRONMENT_DEMO, clock_, kStartUs), refusals_};
  v1::Principal red_ = Red();
  uint64_t number_ = 0;
  uint64_t answered_ = 0;
  int seeds_ = 0;
};

TEST_F(IngestCoreTest, AnswersOnlyWhatIsDurable) {
  Publish({Make("1"), Make("2")});
  EXPECT_TRUE(Answers().empty());
  auto block = core_.NextBlock();
  ASSERT_NE(block, nullptr);
  EXPECT_TRUE(Answers().empty());
  ASSERT_THAT(log_.Write(*block), IsOk());
  EXPECT_TRUE(Answers().empty());
  core_.Written(std::move(block));
  const auto outcomes = Answers();
  ASSERT_EQ(outcomes.size(), 2u);
  EXPECT_EQ(outcomes[0].sequence(), 1u);
  EXPECT_EQ(outcomes[1].sequence(), 2u);
  EXPECT_LE(outcomes[1].sequence(), log_.end().value);
}

TEST_F(IngestCoreTest, TurnsAwayInItsTurnAndTakesNothing) {
  Publish({Make("1")});
  auto block = core_.NextBlock();
  BatchEncoder batch;
  const Event late[] = {Make("2"), Make("3")};
  for (const Event& event : late) batch.Add(AsView(event));
  ASSERT_THAT(core_.TurnAway(kSession, ++number_, red_, batch.Take(),
                             v1::REFUSAL_DRAINING, "new disks"),
              IsOk());
  EXPECT_TRUE(Answers().empty());
  EXPECT_TRUE(core_.Owes(kSession));
  EXPECT_FALSE(core_.Owes({kSession.value + 1}));
  ASSERT_THAT(log_.Write(*block), IsOk());
  core_.Written(std::move(block));
  const auto outcomes = Answers();
  ASSERT_EQ(outcomes.size(), 3u);
  EXPECT_EQ(outcomes[0].sequence(), 1u);
  for (const int i : {1, 2}) {
    EXPECT_EQ(outcomes[i].refusal(), v1::REFUSAL_DRAINING);
    EXPECT_EQ(outcomes[i].detail(), "new disks");
  }
  EXPECT_FALSE(core_.owes());
  EXPECT_EQ(core_.NextBlock(), nullptr);
}

TEST_F(IngestCoreTest, HandsOutABlockOnlyOnceWritten) {
  Publish({Make("1")});
  auto block = core_.NextBlock();
  ASSERT_THAT(log_.Write(*block), IsOk());
  const auto events = core_.Written(std::move(block));  // Checked by the log.
  ASSERT_EQ(events->events.size(), 1u);
  EXPECT_EQ(log_.writes(), 1);
}

TEST_F(IngestCoreTest, ADuplicateOfAPendingEventWaits) {
  const Event event = Make("1");
  Publish({event});
  auto block = core_.NextBlock();
  Publish({event});
  EXPECT_TRUE(Answers().empty());
  ASSERT_THAT(log_.Write(*block), IsOk());
  core_.Written(std::move(block));
  const auto outcomes = Answers();
  ASSERT_EQ(outcomes.size(), 2u);
  EXPECT_FALSE(outcomes[0].duplicate());
  EXPECT_TRUE(outcomes[1].duplicate());
  EXPECT_EQ(outcomes[1].sequence(), 1u);
  EXPECT_EQ(outcomes[1].digest().size(), 32u);
}

TEST_F(IngestCoreTest, RefusesWrongTypeSourceAndController) {
  Header other;
  other.source = "urn:concordat:blue:system";
  other.type = "a.v1.Fact";
  other.controller = "red";
  other.purpose = "CARE";
  other.gateway = "G1";
  other.id = "s";
  Header many = other;
  many.source = "urn:concordat:red:many";
  many.type = "b.v1.Other";
  many.controller = "blue";
  Header controller = other;
  controller.source = kSource;
  controller.controller = "blue";
  Publish({Make("ok"), Make("t", "text", "b.v1.Other"), Bind(other, "x"),
           Bind(controller, "x"), Bind(many, "x"),
           Make("u", "text", "a.v1.Unknown"),
           Make("nobody", "a;a;0", "m.v1.Opened")});
  WriteAll();
  const auto outcomes = Answers();
  ASSERT_EQ(outcomes.size(), 7u);
  EXPECT_EQ(outcomes[0].refusal(), v1::REFUSAL_UNSPECIFIED);
  EXPECT_EQ(outcomes[1].refusal(), v1::REFUSAL_TYPE_NOT_ALLOWED);
  EXPECT_EQ(outcomes[2].refusal(), v1::REFUSAL_SOURCE_NOT_ALLOWED);
  EXPECT_EQ(outcomes[3].refusal(), v1::REFUSAL_SOURCE_NOT_ALLOWED);
  EXPECT_THAT(outcomes[3].detail(), HasSubstr("controller"));
  EXPECT_EQ(outcomes[4].refusal(), v1::REFUSAL_UNSPECIFIED);
  EXPECT_EQ(outcomes[5].refusal(), v1::REFUSAL_UNKNOWN_TYPE);
  EXPECT_EQ(outcomes[6].refusal(), v1::REFUSAL_FIELD_RULE);
  EXPECT_THAT(outcomes[6].detail(), HasSubstr("subject"));
  EXPECT_EQ(log_.end().value, 2u);
  const auto counts = refusals_.List();
  ASSERT_EQ(counts.size(), 4u);
  EXPECT_EQ(counts[0].refusal, v1::REFUSAL_FIELD_RULE);
  EXPECT_EQ(counts[0].principal, "red");
  EXPECT_EQ(counts[2].refusal, v1::REFUSAL_SOURCE_NOT_ALLOWED);
  EXPECT_EQ(counts[2].count, 2u);
}

TEST_F(IngestCoreTest, RefusesAPurposeOrGatewayOfNoAgreement) {
  const auto with = [&](const char* id, const char* purpose,
                        const char* gateway) {
    Header header = Make(id).header;
    header.purpose = purpose;
    header.gateway = gateway;
    return Bind(std::move(header), "x");
  };
  Publish({with("1", "CARE", "G1"), with("2", "SALES", "G1"),
           with("3", "CARE", "G1"), with("4", "CARE", "G9"),
           with("5", "", "G1")});
  WriteAll();
  const auto outcomes = Answers();
  ASSERT_EQ(outcomes.size(), 5u);
  EXPECT_EQ(outcomes[0].refusal(), v1::REFUSAL_UNSPECIFIED);
  EXPECT_EQ(outcomes[1].refusal(), v1::REFUSAL_NO_AGREEMENT);
  EXPECT_THAT(outcomes[1].detail(), HasSubstr("purpose: SALES"));
  EXPECT_EQ(outcomes[2].refusal(), v1::REFUSAL_UNSPECIFIED);
  EXPECT_EQ(outcomes[3].refusal(), v1::REFUSAL_NO_AGREEMENT);
  EXPECT_THAT(outcomes[3].detail(), HasSubstr("gateway: G9"));
  EXPECT_EQ(outcomes[4].refusal(), v1::REFUSAL_NO_AGREEMENT);
  EXPECT_EQ(refusals_.List()[0].refusal, v1::REFUSAL_NO_AGREEMENT);
  // A right that is not there is said first.
  EXPECT_EQ(PublishOne(with("6", "SALES", "G1")).refusal(),
            v1::REFUSAL_NO_AGREEMENT);
  red_.clear_publish();
  EXPECT_EQ(PublishOne(with("7", "SALES", "G1")).refusal(),
            v1::REFUSAL_SOURCE_NOT_ALLOWED);
}

TEST_F(IngestCoreTest, RefusesWhenTheAgreementHasEnded) {
  hub::v1::TimePassed passed;
  passed.set_to(kStartUs + 60 * 86'400'000'000ull);
  EXPECT_EQ(PublishOne(Make("1")).sequence(), 1u);
  // Judged at its own time.
  EXPECT_EQ(PublishOne(Make("2", passed.SerializeAsString(),
                            "concordat.hub.v1.TimePassed"))
                .refusal(),
            v1::REFUSAL_NO_AGREEMENT);
}

TEST_F(IngestCoreTest, OnlyTheHubsFactsAboutNobodyNeedNoAgreement) {
  Header header = Make("1", "x", "a.v1.Internal").header;
  header.purpose = "HUB_OPERATION";
  EXPECT_EQ(PublishOne(Bind(header, "x")).sequence(), 1u);
  header.id = "2";
  header.subject = PersonKey({1});
  EXPECT_EQ(PublishOne(Bind(header, "x")).refusal(), v1::REFUSAL_NO_AGREEMENT);
  header.subject = {};
  header.type = "a.v1.Fact";
  EXPECT_EQ(PublishOne(Bind(header, "x")).refusal(), v1::REFUSAL_NO_AGREEMENT);
}

TEST_F(IngestCoreTest, ARevokedPrincipalHasNoRight) {
  red_.set_revoked(true);
  EXPECT_NE(PublishOne(Make("1")).refusal(), v1::REFUSAL_UNSPECIFIED);
  EXPECT_EQ(log_.end().value, 0u);
}

TEST_F(IngestCoreTest, RefusesABrokenRuleAndSaysWhichNotWhat) {
  const v1::Outcome outcome = PublishOne(Make("1", "!secret"));
  EXPECT_EQ(outcome.refusal(), v1::REFUSAL_FIELD_RULE);
  EXPECT_THAT(outcome.detail(), HasSubstr("text"));
  EXPECT_THAT(outcome.detail(), Not(HasSubstr("secret")));
  // A refusal uses no id.
  EXPECT_EQ(PublishOne(Make("1")).sequence(), 1u);
}

TEST_F(IngestCoreTest, AnUrgentTypeIsAcceptedWithItsFaults) {
  const Event faulty = Make("1", "!x", "a.v1.Urgent");
  v1::Outcome outcome = PublishOne(faulty);
  EXPECT_EQ(outcome.sequence(), 1u);
  ASSERT_EQ(outcome.faults_size(), 1);
  EXPECT_THAT(outcome.faults(0), HasSubstr("text: "));
  EXPECT_THAT(outcome.faults(0), Not(HasSubstr("!x")));
  EXPECT_EQ(log_.ReadOne({1})->faults.size(), 1u);
  const std::vector<FaultyEvent> told = core_.TakeFaulty();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].sequence.value, 1u);
  EXPECT_EQ(told[0].type, "a.v1.Urgent");
  EXPECT_EQ(told[0].source, kSource);
  EXPECT_EQ(told[0].faults.size(), 1u);
  // Who repeats it is told again; nobody else is.
  outcome = PublishOne(faulty);
  EXPECT_TRUE(outcome.duplicate());
  EXPECT_EQ(outcome.faults_size(), 1);
  EXPECT_TRUE(core_.TakeFaulty().empty());
  outcome = PublishOne(Make("2", "x", "a.v1.Urgent"));
  EXPECT_EQ(outcome.sequence(), 2u);
  EXPECT_EQ(outcome.faults_size(), 0);
  EXPECT_TRUE(log_.ReadOne({2})->faults.empty());
  EXPECT_TRUE(core_.TakeFaulty().empty());
}

TEST_F(IngestCoreTest, RefusesAnIdOrStreamThatNamesAPerson) {
  for (const char* type : {"a.v1.Fact", "a.v1.Urgent"}) {
    v1::Outcome outcome = PublishOne(Make("visit-0303790016", "x", type));
    EXPECT_EQ(outcome.refusal(), v1::REFUSAL_FIELD_RULE);
    EXPECT_EQ(outcome.detail(), "id: is shaped like a CHI number");
    Header header = Make("1", "x", type).header;
    header.stream = "order/1998/0990002E";
    outcome = PublishOne(Bind(header, "x"));
    EXPECT_EQ(outcome.detail(), "stream: is shaped like a PNC number");
  }
  EXPECT_EQ(log_.end().value, 0u);
}

TEST_F(IngestCoreTest, RefusesADigestThatIsNotOfTheEvent) {
  Event event = Make("1");
  event.groups[0].data = "other";
  EXPECT_EQ(PublishOne(event).refusal(), v1::REFUSAL_DIGEST);
  event = Make("1");
  event.header.corrects = "0";
  EXPECT_EQ(PublishOne(event).refusal(), v1::REFUSAL_DIGEST);
}

TEST_F(IngestCoreTest, ASetIsAcceptedWholeOrNotAtAll) {
  Event good = Make("1");
  Event bad = Make("2", "!");
  good.atomic_set = bad.atomic_set = 1;
  Event next = Make("3");
  next.atomic_set = 2;
  Publish({good, bad, next, Make("4")});
  WriteAll();
  const auto outcomes = Answers();
  ASSERT_EQ(outcomes.size(), 4u);
  EXPECT_EQ(outcomes[0].refusal(), v1::REFUSAL_ATOMIC_SET);
  EXPECT_EQ(outcomes[1].refusal(), v1::REFUSAL_FIELD_RULE);
  EXPECT_EQ(outcomes[2].sequence(), 1u);
  EXPECT_EQ(outcomes[3].sequence(), 2u);
  EXPECT_EQ(outcomes[3].index(), 3u);
}

TEST_F(IngestCoreTest, SaysTheStreamsVersionWhenItIsNotTheExpectedOne) {
  Header header = Make("1").header;
  header.stream = "order/1";
  header.expected_version = Sequence{0};
  EXPECT_EQ(PublishOne(Bind(header, "x")).sequence(), 1u);
  header.id = "2";
  const v1::Outcome outcome = PublishOne(Bind(header, "x"));
  EXPECT_EQ(outcome.refusal(), v1::REFUSAL_VERSION_CONFLICT);
  EXPECT_EQ(outcome.stream_version(), 1u);
  header.id = "1";
  EXPECT_EQ(PublishOne(Bind(header, "other")).refusal(), v1::REFUSAL_ID_REUSED);
}

TEST_F(IngestCoreTest, NeighboursThatAreNewAreAnsweredAsOne) {
  Publish({Make("1"), Make("2"), Make("3", "!bad"), Make("4"), Make("5")});
  WriteAll();
  const std::vector<Answer> answers = core_.TakeAnswers();
  ASSERT_EQ(answers.size(), 1u);
  const v1::Receipts& receipts = answers[0].receipts;
  ASSERT_EQ(receipts.accepted_size(), 2);
  EXPECT_EQ(receipts.accepted(0).count(), 2u);
  EXPECT_EQ(receipts.accepted(1).index(), 3u);
  EXPECT_EQ(receipts.accepted(1).first_sequence(), 3u);
  EXPECT_EQ(receipts.accepted(1).count(), 2u);
  ASSERT_EQ(receipts.outcomes_size(), 1);
  EXPECT_EQ(receipts.outcomes(0).index(), 2u);
}

TEST_F(IngestCoreTest, ABatchThatIsNotOneEndsTheSession) {
  EXPECT_THAT(core_.Publish(kSession, 1, red_, "nonsense"),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(core_.NextBlock(), nullptr);
  EXPECT_TRUE(core_.TakeAnswers().empty());
}

TEST_F(IngestCoreTest, TheNextBlockFillsWhileOneIsWritten) {
  Publish({Make("1")});
  auto first = core_.NextBlock();
  ASSERT_NE(first, nullptr);
  Publish({Make("2")});
  Publish({Make("3")});
  EXPECT_EQ(core_.NextBlock(), nullptr);  // Little staged: it waits and grows.
  ASSERT_THAT(log_.Write(*first), IsOk());
  core_.Written(std::move(first));
  auto second = core_.NextBlock();
  ASSERT_NE(second, nullptr);
  ASSERT_THAT(log_.Write(*second), IsOk());
  EXPECT_EQ(core_.Written(std::move(second))->events.size(), 2u);
}

TEST_F(IngestCoreTest, AFailedWriteStopsAcceptingAndSaysSo) {
  const Event stored = Make("1");
  EXPECT_EQ(PublishOne(stored).sequence(), 1u);
  Publish({stored, Make("2")});
  auto block = core_.NextBlock();
  log_.FailWrites();
  const absl::Status failed = log_.Write(*block);
  ASSERT_FALSE(failed.ok());
  core_.WriteFailed(failed);
  auto outcomes = Answers();
  ASSERT_EQ(outcomes.size(), 2u);
  // Stored before; the other one may be stored or not.
  EXPECT_TRUE(outcomes[0].duplicate());
  EXPECT_EQ(outcomes[1].refusal(), v1::REFUSAL_READ_ONLY);
  EXPECT_TRUE(core_.read_only());
  Publish({Make("3")});
  EXPECT_EQ(core_.NextBlock(), nullptr);
  outcomes = Answers();
  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_EQ(outcomes[0].refusal(), v1::REFUSAL_READ_ONLY);
  EXPECT_TRUE(log_.ReadOne({1}).ok());
}

TEST_F(IngestCoreTest, StoryTimeIsThatOfTheNewestTimePassed) {
  EXPECT_EQ(PublishOne(Make("1")).accepted_time(), kStartUs);
  const auto passed = [&](std::string id, uint64_t to) {
    hub::v1::TimePassed message;
    message.set_to(to);
    return PublishOne(Make(std::move(id), message.SerializeAsString(),
                           "concordat.hub.v1.TimePassed"))
        .accepted_time();
  };
  EXPECT_EQ(passed("2", kStartUs + 5000), kStartUs + 5000);
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(PublishOne(Make("3")).accepted_time(), kStartUs + 5000);
  EXPECT_EQ(passed("4", kStartUs + 4000), kStartUs + 5000);
}

TEST_F(IngestCoreTest, LiveTimeIsTheClocksAndNeverStepsBack) {
  LogTime time(v1::ENVIRONMENT_LIVE, clock_, 0);
  const EventView event;
  time.Look();
  const uint64_t first = time.Of(event);
  EXPECT_EQ(static_cast<int64_t>(first), absl::ToUnixMicros(clock_.Now()));
  time.Accepted(first);
  clock_.Advance(-absl::Hours(1));
  time.Look();
  EXPECT_EQ(time.Of(event), first);
}

}  // namespace
}  // namespace concordat::bus
