// ServerSession through SessionServer. Deliberate bugs that were tried, and the
// test that catches each:
//
//   number not checked                     RepeatedOrMissingNumbersEndASession
//   number of the Hello not checked        RepeatedOrMissingNumbersEndASession
//   session id not checked                 AnotherSessionsFrameEndsASession
//   agency, role or environment believed   HelloMustBeWhoTheKeyIs
//   protocol of the Hello ignored          HelloMustBeWhoTheKeyIs
//   key looked up at Hello only            RevokedKeyIsClosedAndCut
//   closed peer heard again                ClosedPeerIsNotHeardAgain
//   credit of events not counted           OverCreditInEvents
//   credit of bytes not counted            OverCreditInBytes
//   credit not given back                  AnswersGiveCreditBack
//   delivery frames taken on ingest        FramesOutOfPlaceEndASession
//   peer's silence counted from start      SilenceEndsASessionAndHeartbeatsKeepIt
//   our stall taken for silence            OurOwnStallIsNobodysSilence
//   no heartbeat of ours                   SilenceEndsASessionAndHeartbeatsKeepIt
//   full peer waited for                   PeerThatDoesNotReadIsEndedAlone
//   session ids in order                   SessionIdsTellNothing
//   one that follows takes publishers      WhereAnotherProcessWritesHelloIsRefused
//   who is turned away is not told of      HelloMustBeWhoTheKeyIs
//   who had a session is told of so, too   ExpectClosed
#include "services/bus/session/session_server.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/event/event.h"
#include "tests/support/fake_carrier.h"
#include "tests/support/seeded_random.h"

namespace concordat::bus {
namespace {

using ::testing::ElementsAre;
using testing::FakeCarrier;
using testing::FakeSteadyClock;
using ::testing::IsEmpty;
using ::testing::Pair;
using What = SessionEvent::What;

constexpr PeerId kPeer = {7};
constexpr PeerId kOther = {8};
// Any Z85 of 32 bytes does.
const std::string kPoliceKey(40, '1');
const std::string kHealthKey(40, '2');

v1::Registry Members() {
  v1::Registry registry;
  registry.set_environment(v1::ENVIRONMENT_DEMO);
  for (const bool police : {true, false}) {
    v1::Principal* principal = registry.add_principals();
    principal->set_name(police ? "police" : "nhs");
    principal->set_agency(police ? "police-scotland" : "nhs-tayside");
    principal->set_system("main");
    principal->set_role(police ? "police" : "nhs-liaison");
    principal->set_default_purpose("public-protection");
    principal->set_curve_public_key(police ? kPoliceKey : kHealthKey);
  }
  return registry;
}

std::string Batch(int events, size_t bytes_each = 10) {
  std::string batch;
  for (int i = 0; i < events; ++i) {
    v1::Batch one;
    one.add_events()->set_digest(std::string(bytes_each, 'd'));
    batch += one.SerializeAsString();
  }
  return batch;
}

class SessionServerTest : public ::testing::Test {
 protected:
  SessionServerTest() { Make({}); }

  void Make(SessionOptions options) {
    options.environment = v1::ENVIRONMENT_DEMO;
    options_ = options;
    server_.emplace(options, carrier_, clock_, random_, Build(Members()));
    server_->SetLog("the log's id 16b", 3);
    server_->SetEnd({41}, 1'000'001);
    turned_away_.clear();
    server_->SetTurnedAway([this](absl::string_view principal,
                                  v1::Refusal refusal,
                                  absl::string_view detail) {
      EXPECT_FALSE(detail.empty());
      turned_away_.emplace_back(principal, refusal);
    });
  }
  static std::shared_ptr<const PrincipalRegistry> Build(v1::Registry proto) {
    auto registry = PrincipalRegistry::Build(std::move(proto));
    EXPECT_TRUE(registry.ok()) << registry.status();
    return *registry;
  }

  std::vector<SessionEvent> Poll() {
    std::vector<SessionEvent> events;
    server_->Poll(absl::ZeroDuration(), events);
    return events;
  }
  void Say(PeerId peer, const std::string& key, FrameKind kind,
           uint64_t session, uint64_t number, absl::string_view body = "") {
    carrier_.Say(peer, key, MakeFrame({kind, session, number}, body));
  }
  static v1::Hello PoliceHello() {
    v1::Hello hello;
    hello.set_protocol(1);
    hello.set_agency("police-scotland");
    hello.set_role("police");
    hello.set_environment(v1::ENVIRONMENT_DEMO);
    return hello;
  }
  // Opens a session of the police on `peer`.
  uint64_t Open(PeerId peer = kPeer) {
    Say(peer, kPoliceKey, FrameKind::kHello, 0, 1,
        PoliceHello().SerializeAsString());
    const auto events = Poll();
    EXPECT_EQ(events.size(), 1u);
    EXPECT_EQ(events.at(0).what, What::kOpened);
    carrier_.Take(peer);
    return events.at(0).session.value;
  }
  // What the peer was told is Closed, and why.
  v1::Refusal ClosedWith(PeerId peer) {
    const std::string bytes = carrier_.Take(peer);
    const auto frame = ParseFrame(bytes);
    if (!frame.ok() || frame->head.kind != FrameKind::kClosed) {
      ADD_FAILURE() << "was not closed";
      return v1::REFUSAL_UNSPECIFIED;
    }
    v1::Closed closed;
    EXPECT_TRUE(closed.ParseFromString(std::string(frame->body)));
    EXPECT_FALSE(closed.detail().empty());
    return closed.refusal();
  }
  void ExpectClosed(v1::Refusal refusal, uint64_t session) {
    const auto events = Poll();
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].what, What::kClosed);
    EXPECT_EQ(events[0].refusal, refusal);
    EXPECT_EQ(events[0].session.value, session);
    EXPECT_EQ(ClosedWith(kPeer), refusal);
    EXPECT_THAT(turned_away_, IsEmpty());
    EXPECT_EQ(server_->open_sessions(), 0u);
    EXPECT_FALSE(carrier_.WasCut(kPeer));  // Closed has to leave first.
    clock_.Advance(absl::Seconds(1));
    Poll();
    EXPECT_TRUE(carrier_.WasCut(kPeer));
  }

  FakeCarrier carrier_;
  FakeSteadyClock clock_;
  testing::SeededRandom random_{1};
  SessionOptions options_;
  std::vector<std::pair<std::string, v1::Refusal>> turned_away_;
  std::optional<SessionServer> server_;
};

TEST_F(SessionServerTest, WelcomesAndTellsTheCoreWhoIsThere) {
  Say(kPeer, kPoliceKey, FrameKind::kHello, 0, 1,
      PoliceHello().SerializeAsString());
  const auto events = Poll();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].what, What::kOpened);
  EXPECT_EQ(events[0].principal->name(), "police");
  EXPECT_EQ(events[0].purpose, "public-protection");
  const std::string bytes = carrier_.Take(kPeer);
  const auto frame = ParseFrame(bytes);
  ASSERT_TRUE(frame.ok());
  EXPECT_EQ(frame->head.kind, FrameKind::kWelcome);
  EXPECT_EQ(frame->head.session, events[0].session.value);
  EXPECT_EQ(frame->head.number, 1u);
  v1::Welcome welcome;
  ASSERT_TRUE(welcome.ParseFromString(std::string(frame->body)));
  EXPECT_EQ(welcome.log_id(), "the log's id 16b");
  EXPECT_EQ(welcome.epoch(), 3u);
  EXPECT_EQ(welcome.end_sequence(), 41u);
  EXPECT_EQ(welcome.log_time(), 1'000'001u);
  EXPECT_EQ(welcome.heartbeat_ms(), 1000u);
  EXPECT_EQ(welcome.credit_events(), options_.credit_events);

  Say(kPeer, kPoliceKey, FrameKind::kPublish, events[0].session.value, 2,
      Batch(3));
  const auto body = Poll();
  ASSERT_EQ(body.size(), 1u);
  EXPECT_EQ(body[0].what, What::kBody);
  EXPECT_EQ(body[0].kind, FrameKind::kPublish);
  EXPECT_EQ(body[0].number, 2u);
  EXPECT_EQ(body[0].body.view, Batch(3));
  EXPECT_EQ(body[0].principal->agency(), "police-scotland");
}

TEST_F(SessionServerTest, HelloMustBeWhoTheKeyIs) {
  const std::vector<std::pair<std::function<void(v1::Hello&)>, v1::Refusal>>
      cases = {
          {[](v1::Hello& h) { h.set_agency("nhs-tayside"); },
           v1::REFUSAL_NOT_REGISTERED},
          {[](v1::Hello& h) { h.set_role("operator"); },
           v1::REFUSAL_NOT_REGISTERED},
          {[](v1::Hello& h) { h.set_environment(v1::ENVIRONMENT_LIVE); },
           v1::REFUSAL_WRONG_ENVIRONMENT},
          {[](v1::Hello& h) { h.set_protocol(2); }, v1::REFUSAL_PROTOCOL},
      };
  uint64_t peer = 100;
  for (const auto& [change, refusal] : cases) {
    v1::Hello hello = PoliceHello();
    change(hello);
    ++peer;
    Say({peer}, kPoliceKey, FrameKind::kHello, 0, 1, hello.SerializeAsString());
    EXPECT_TRUE(Poll().empty());  // The core never hears of it.
    EXPECT_EQ(ClosedWith({peer}), refusal) << hello.ShortDebugString();
    EXPECT_THAT(turned_away_, ElementsAre(Pair("police", refusal)));
    turned_away_.clear();
  }
  // A key that ZAP let in a moment ago and that the registry does not have.
  Say(kPeer, std::string(40, '9'), FrameKind::kHello, 0, 1,
      PoliceHello().SerializeAsString());
  EXPECT_TRUE(Poll().empty());
  EXPECT_EQ(ClosedWith(kPeer), v1::REFUSAL_NOT_REGISTERED);
  EXPECT_THAT(turned_away_, ElementsAre(Pair("", v1::REFUSAL_NOT_REGISTERED)));
}

TEST_F(SessionServerTest, WhereAnotherProcessWritesHelloIsRefused) {
  server_->SetFollowed(true);
  Say(kPeer, kPoliceKey, FrameKind::kHello, 0, 1,
      PoliceHello().SerializeAsString());
  EXPECT_TRUE(Poll().empty());
  EXPECT_EQ(ClosedWith(kPeer), v1::REFUSAL_NOT_WRITER);
  server_->SetFollowed(false);
  Open(kOther);
}

TEST_F(SessionServerTest, SessionBeginsWithHello) {
  Say(kPeer, kPoliceKey, FrameKind::kPublish, 0, 1, Batch(1));
  EXPECT_TRUE(Poll().empty());
  EXPECT_EQ(ClosedWith(kPeer), v1::REFUSAL_PROTOCOL);
}

TEST_F(SessionServerTest, RepeatedOrMissingNumbersEndASession) {
  for (const uint64_t number : {1u, 3u}) {  // 2 is due.
    Make({});
    const uint64_t session = Open();
    Say(kPeer, kPoliceKey, FrameKind::kPublish, session, number, Batch(1));
    ExpectClosed(v1::REFUSAL_PROTOCOL, session);
    carrier_ = FakeCarrier();
  }
  Make({});
  Say(kOther, kPoliceKey, FrameKind::kHello, 0, 2,
      PoliceHello().SerializeAsString());
  EXPECT_TRUE(Poll().empty());
  EXPECT_EQ(ClosedWith(kOther), v1::REFUSAL_PROTOCOL);
}

TEST_F(SessionServerTest, AnotherSessionsFrameEndsASession) {
  const uint64_t session = Open(kPeer);
  const uint64_t other = Open(kOther);
  Say(kPeer, kPoliceKey, FrameKind::kPublish, other, 2, Batch(1));
  const auto events = Poll();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].session.value, session);
  EXPECT_EQ(ClosedWith(kPeer), v1::REFUSAL_PROTOCOL);
  EXPECT_EQ(server_->open_sessions(), 1u);
}

TEST_F(SessionServerTest, FramesOutOfPlaceEndASession) {
  const auto refused = [&](Port port, FrameKind kind) {
    SessionOptions options;
    options.port = port;
    carrier_ = FakeCarrier();
    Make(options);
    const uint64_t session = Open();
    Say(kPeer, kPoliceKey, kind, session, 2,
        kind == FrameKind::kPublish ? Batch(1) : "");
    const auto events = Poll();
    return events.size() == 1 && events[0].what == What::kClosed &&
           ClosedWith(kPeer) == v1::REFUSAL_PROTOCOL;
  };
  for (const FrameKind kind :
       {FrameKind::kHello, FrameKind::kWelcome, FrameKind::kReceipts,
        FrameKind::kStreamEvents, FrameKind::kSubscribe, FrameKind::kSubscribed,
        FrameKind::kDeliver, FrameKind::kAck, FrameKind::kAckStored}) {
    EXPECT_TRUE(refused(Port::kIngest, kind)) << FrameKindName(kind);
  }
  for (const FrameKind kind : {FrameKind::kPublish, FrameKind::kReadStream,
                               FrameKind::kDeliver, FrameKind::kHello}) {
    EXPECT_TRUE(refused(Port::kDelivery, kind)) << FrameKindName(kind);
  }
  EXPECT_FALSE(refused(Port::kDelivery, FrameKind::kSubscribe));
  EXPECT_FALSE(refused(Port::kIngest, FrameKind::kReadStream));
}

TEST_F(SessionServerTest, BytesThatAreNoFrameEndASession) {
  for (const std::string& bytes :
       {std::string("x"), std::string(18, '\0'), std::string("\x02\x01", 2),
        std::string("\x01\x0e", 2) + std::string(16, '\0'),
        std::string(kFrameBytesMax + 1, '\x01')}) {
    carrier_ = FakeCarrier();
    Make({});
    const uint64_t session = Open();
    carrier_.Say(kPeer, kPoliceKey, bytes);
    ExpectClosed(v1::REFUSAL_PROTOCOL, session);
  }
}

TEST_F(SessionServerTest, BatchesThatAreNoneEndASession) {
  for (const std::string& body :
       {std::string(), Batch(257), std::string("\x1a\x01x"),
        std::string("\x12\x05x"), std::string("\x12"), std::string("\xff"),
        Batch(1, kBatchBytesMax)}) {
    carrier_ = FakeCarrier();
    Make({});
    const uint64_t session = Open();
    Say(kPeer, kPoliceKey, FrameKind::kPublish, session, 2, body);
    ExpectClosed(v1::REFUSAL_MALFORMED, session);
  }
}

TEST_F(SessionServerTest, OverCreditInEvents) {
  SessionOptions options;
  options.credit_events = 10;
  Make(options);
  const uint64_t session = Open();
  Say(kPeer, kPoliceKey, FrameKind::kPublish, session, 2, Batch(6));
  Say(kPeer, kPoliceKey, FrameKind::kPublish, session, 3, Batch(4));
  EXPECT_EQ(Poll().size(), 2u);
  Say(kPeer, kPoliceKey, FrameKind::kPublish, session, 4, Batch(1));
  ExpectClosed(v1::REFUSAL_OVER_CREDIT, session);
}

TEST_F(SessionServerTest, OverCreditInBytes) {
  SessionOptions options;
  options.credit_bytes = 1000;
  Make(options);
  const uint64_t session = Open();
  Say(kPeer, kPoliceKey, FrameKind::kPublish, session, 2, Batch(1, 900));
  EXPECT_EQ(Poll().size(), 1u);
  Say(kPeer, kPoliceKey, FrameKind::kPublish, session, 3, Batch(1, 100));
  ExpectClosed(v1::REFUSAL_OVER_CREDIT, session);
}

TEST_F(SessionServerTest, AnswersGiveCreditBack) {
  SessionOptions options;
  options.credit_events = 10;
  options.credit_bytes = 1000;
  Make(options);
  const uint64_t session = Open();
  for (uint64_t number = 2; number < 100; ++number) {
    Say(kPeer, kPoliceKey, FrameKind::kPublish, session, number, Batch(10, 50));
    const auto events = Poll();
    ASSERT_EQ(events.size(), 1u);
    ASSERT_EQ(events[0].what, What::kBody) << number;
    ASSERT_TRUE(
        server_->Send({session}, FrameKind::kReceipts, "answer", number));
    const std::string bytes = carrier_.Take(kPeer);
    const auto frame = ParseFrame(bytes);
    ASSERT_TRUE(frame.ok());
    EXPECT_EQ(frame->head.number, number);  // Gapless: Welcome was 1.
    EXPECT_EQ(frame->head.session, session);
    EXPECT_EQ(frame->body, "answer");
  }
}

TEST_F(SessionServerTest, ClosedPeerIsNotHeardAgain) {
  const uint64_t session = Open();
  Say(kPeer, kPoliceKey, FrameKind::kPublish, session, 9, Batch(1));
  Say(kPeer, kPoliceKey, FrameKind::kPublish, session, 2, Batch(1));
  Say(kPeer, kPoliceKey, FrameKind::kHello, 0, 1,
      PoliceHello().SerializeAsString());
  ExpectClosed(v1::REFUSAL_PROTOCOL, session);
  EXPECT_FALSE(server_->Send({session}, FrameKind::kReceipts, "late"));
}

TEST_F(SessionServerTest, RevokedKeyIsClosedAndCut) {
  const uint64_t session = Open();
  v1::Registry registry = Members();
  registry.mutable_principals(0)->set_revoked(true);
  server_->ReplaceRegistry(Build(registry));
  EXPECT_FALSE(server_->Send({session}, FrameKind::kReceipts, "late"));
  ExpectClosed(v1::REFUSAL_REVOKED, session);
  // It says Hello on a new connection.
  Say(kOther, kPoliceKey, FrameKind::kHello, 0, 1,
      PoliceHello().SerializeAsString());
  EXPECT_TRUE(Poll().empty());
  EXPECT_EQ(ClosedWith(kOther), v1::REFUSAL_REVOKED);
}

TEST_F(SessionServerTest, KeyThatBecameAnothersIsClosed) {
  const uint64_t session = Open();
  v1::Registry registry = Members();
  registry.mutable_principals(0)->set_role("other");
  server_->ReplaceRegistry(Build(registry));
  ExpectClosed(v1::REFUSAL_REVOKED, session);
}

TEST_F(SessionServerTest, SilenceEndsASessionAndHeartbeatsKeepIt) {
  const uint64_t session = Open();
  uint64_t number = 1;
  uint64_t heard = 1;
  for (int i = 0; i < 40; ++i) {
    clock_.Advance(absl::Milliseconds(250));
    if (i % 8 == 0) {
      Say(kPeer, kPoliceKey, FrameKind::kHeartbeat, session, ++number);
    }
    EXPECT_TRUE(Poll().empty());
    const std::string bytes = carrier_.Take(kPeer);
    if (bytes.empty()) continue;
    const auto frame = ParseFrame(bytes);
    ASSERT_TRUE(frame.ok());
    EXPECT_EQ(frame->head.kind, FrameKind::kHeartbeat);
    EXPECT_EQ(frame->head.number, ++heard);
  }
  EXPECT_EQ(heard, 11u);  // One a second for ten seconds, after Welcome.
  int polls = 0;
  std::vector<SessionEvent> events;
  while (events.empty() && polls < 20) {
    clock_.Advance(absl::Milliseconds(250));
    events = Poll();
    ++polls;
  }
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].refusal, v1::REFUSAL_PROTOCOL);
  // The last word came 7 quarters before; 12 make three heartbeats.
  EXPECT_EQ(polls, 5);
}

TEST_F(SessionServerTest, OurOwnStallIsNobodysSilence) {
  Open();
  clock_.Advance(absl::Seconds(30));
  EXPECT_TRUE(Poll().empty());
  EXPECT_EQ(server_->open_sessions(), 1u);
}

TEST_F(SessionServerTest, PeerThatDoesNotReadIsEndedAlone) {
  const uint64_t session = Open(kPeer);
  const uint64_t other = Open(kOther);
  carrier_.Fill(kPeer);
  EXPECT_FALSE(server_->Send({session}, FrameKind::kReceipts, "x"));
  EXPECT_TRUE(server_->Send({other}, FrameKind::kReceipts, "x"));
  const auto events = Poll();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].session.value, session);
  clock_.Advance(absl::Seconds(1));
  Poll();
  EXPECT_TRUE(carrier_.WasCut(kPeer));
  EXPECT_FALSE(carrier_.WasCut(kOther));
}

TEST_F(SessionServerTest, LeavingAndLosingAConnectionAreToldToTheCore) {
  const uint64_t session = Open(kPeer);
  Say(kPeer, kPoliceKey, FrameKind::kClosed, session, 2);
  auto events = Poll();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].what, What::kClosed);
  EXPECT_EQ(carrier_.Take(kPeer), "");
  const uint64_t other = Open(kOther);
  carrier_.Leave(kOther);
  carrier_.Leave(kPeer);
  events = Poll();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].session.value, other);
  EXPECT_THAT(turned_away_, IsEmpty());
}

TEST_F(SessionServerTest, CoreClosesWithAReason) {
  const uint64_t session = Open();
  server_->Close({session}, v1::REFUSAL_NO_GRANT, "no agreement names you");
  ExpectClosed(v1::REFUSAL_NO_GRANT, session);
}

TEST_F(SessionServerTest, SessionIdsTellNothing) {
  const uint64_t first = Open({1});
  const uint64_t second = Open({2});
  EXPECT_GT(first > second ? first - second : second - first, 1u << 20);
}

}  // namespace
}  // namespace concordat::bus
