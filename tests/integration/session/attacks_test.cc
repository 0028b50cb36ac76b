// What was reproduced against ZeroMQ as it comes (PROTOCOL.md, "Why sessions are
// ours"), and more, against the ports of the bus: each is refused with a reason,
// counted, and nobody else is disturbed.
#include <unistd.h>

#include <fstream>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "services/common/event/codec.h"
#include "tests/support/raw_peer.h"
#include "tests/support/socket_bus.h"
#include "tests/support/status_matchers.h"

namespace concordat::testing {
namespace {

constexpr absl::Duration kSoon = absl::Seconds(20);
constexpr absl::Duration kShort = absl::Milliseconds(300);
constexpr int kVictim = 0;
constexpr int kAttacker = 1;

Event Made(int n, size_t bytes = 64) {
  Event event;
  event.header.source = "urn:concordat:agency-0:system-0";
  event.header.type = "concordat.police.v1.AddressChanged";
  event.header.controller = "agency-0";
  event.header.purpose = "public-protection";
  event.header.gateway = "mhca-s10";
  event.header.id = absl::StrCat("e-", n);
  event.header.stream = "record/1";
  event.header.time_us = 1'700'000'000'000'000;
  event.header.recorded_us = 1'700'000'000'000'000;
  event.header.regime = bus::v1::REGIME_PART3;
  event.groups.push_back({1, std::string(bytes, 'x')});
  return event;
}

std::string BatchOf(int n) {
  BatchEncoder encoder;
  const Event event = Made(n);
  encoder.Add(AsView(event));
  return encoder.Take();
}

size_t ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  size_t total = 0;
  size_t resident = 0;
  statm >> total >> resident;
  return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

class AttackTest : public ::testing::Test {
 protected:
  AttackTest() { Start({}); }

  void Start(SocketBus::Options options) {
    victim_.reset();
    bus_.reset();
    bus_ = std::make_unique<SocketBus>(std::move(options), members_, log_);
    victim_ = ZmqBusClient::Create(bus_->ClientOptions(members_, kVictim));
  }
  // The victim, on the connection it has had all along, is served.
  void ExpectVictimServed() {
    auto outcomes = PublishAndWait(*victim_, {Made(++last_)}, kSoon);
    ASSERT_THAT(outcomes, IsOk());
    EXPECT_TRUE(outcomes->front().accepted);
    EXPECT_FALSE(outcomes->front().duplicate);
  }
  RawPeer::Options Registered() const {
    RawPeer::Options options;
    options.own = members_.keys(kAttacker);
    options.server_public_key = bus_->keys().public_key;
    return options;
  }
  void ExpectRefused(bus::v1::Refusal refusal) {
    EXPECT_TRUE(SocketBus::Await([&] { return bus_->refused()[refusal] == 1; }))
        << bus::v1::Refusal_Name(refusal);
  }
  size_t Logged() {
    MutexLock lock(log_.mu);
    return log_.events.size();
  }

  SocketBus::Members members_{2};
  SocketBusLog log_;
  std::unique_ptr<SocketBus> bus_;
  std::unique_ptr<ZmqBusClient> victim_;
  int last_ = 0;
};

TEST_F(AttackTest, StrangerWithoutAKeyIsNotServed) {
  ExpectVictimServed();
  RawPeer::Options options;
  RawPeer stranger(options, bus_->ingest());
  EXPECT_FALSE(stranger.Connected(kShort));
  EXPECT_FALSE(stranger.Send("anything", kShort));
  ExpectVictimServed();
}

TEST_F(AttackTest, StrangerWithAKeyOfItsOwnIsNotServed) {
  ExpectVictimServed();
  RawPeer::Options options = Registered();
  options.own = NewCurvePair();
  RawPeer stranger(options, bus_->ingest());
  EXPECT_FALSE(stranger.Connected(kShort));
  EXPECT_FALSE(stranger.Send("anything", kShort));
  // The start-up self-test was refused once on each port.
  EXPECT_TRUE(
      SocketBus::Await([&] { return bus_->stats().refused_keys >= 3; }));
  ExpectVictimServed();
}

TEST_F(AttackTest, BusWithTheWrongServerKeyIsNotTrusted) {
  ZmqBusClientOptions options = bus_->ClientOptions(members_, kAttacker);
  options.ingest = [door = *options.ingest()]() mutable {
    door.server_public_key = NewCurvePair().public_key;
    return door;
  };
  auto client = ZmqBusClient::Create(options);
  EXPECT_THAT(PublishAndWait(*client, {Made(1)}, kShort),
              HasCode(absl::StatusCode::kUnavailable));
  EXPECT_FALSE(client->connected());
  EXPECT_EQ(Logged(), 0u);
  ExpectVictimServed();
}

TEST_F(AttackTest, AnotherAgencyInHelloIsRefused) {
  ExpectVictimServed();
  RawPeer attacker(Registered(), bus_->ingest());
  ClientIdentity identity = members_.identity(kVictim);
  EXPECT_EQ(attacker.Open(identity), 0u);
  ExpectRefused(bus::v1::REFUSAL_NOT_REGISTERED);
  ExpectVictimServed();
}

TEST_F(AttackTest, ClaimedRoutingIdIsNotServedAndLocksNobodyOut) {
  ExpectVictimServed();
  RawPeer::Options options = Registered();
  options.routing_id = "agency-0";
  {
    RawPeer attacker(options, bus_->ingest());
    EXPECT_EQ(attacker.Open(members_.identity(kAttacker), kShort), 0u);
    EXPECT_TRUE(
        SocketBus::Await([&] { return bus_->stats().claimed_ids == 1; }));
    ExpectVictimServed();
  }
  // The same peer without the claim is served.
  RawPeer honest(Registered(), bus_->ingest());
  EXPECT_NE(honest.Open(members_.identity(kAttacker)), 0u);
  ExpectVictimServed();
}

TEST_F(AttackTest, ClaimedAutomaticIdIsNotServedAndStopsNothing) {
  ExpectVictimServed();
  int claimed = 0;
  for (const char low : {'\x01', '\x7f', '\xff'}) {
    RawPeer::Options options = Registered();
    options.routing_id = std::string("\0\x55\x55\x55", 4) + low;
    RawPeer attacker(options, bus_->ingest());
    EXPECT_EQ(attacker.Open(members_.identity(kAttacker), kShort), 0u);
    ++claimed;
    EXPECT_TRUE(SocketBus::Await([&] {
      return bus_->stats().claimed_ids == static_cast<uint64_t>(claimed);
    }));
    RawPeer honest(Registered(), bus_->ingest());
    EXPECT_NE(honest.Open(members_.identity(kAttacker)), 0u);
  }
  ExpectVictimServed();
}

TEST_F(AttackTest, SilentConnectionIsCut) {
  ExpectVictimServed();
  RawPeer attacker(Registered(), bus_->ingest());
  ASSERT_TRUE(attacker.Connected(kSoon));
  EXPECT_TRUE(SocketBus::Await([&] { return bus_->stats().silent >= 1; }));
  ExpectVictimServed();
}

TEST_F(AttackTest, MessageOfTwoFramesIsCut) {
  ExpectVictimServed();
  RawPeer attacker(Registered(), bus_->ingest());
  ASSERT_TRUE(attacker.SendParts({"one", "two", "three"}));
  EXPECT_TRUE(SocketBus::Await([&] { return bus_->stats().multipart == 1; }));
  ExpectVictimServed();
}

TEST_F(AttackTest, MessageWithoutEndIsCutBeforeItFillsTheMemory) {
  ExpectVictimServed();
  RawConnection attacker(bus_->ingest(), members_.keys(kAttacker),
                         bus_->keys().public_key);
  ASSERT_TRUE(attacker.ok());
  const size_t before = ResidentBytes();
  const std::string part(60'000, 'm');
  size_t sent = 0;
  while (sent < 200u << 20 && attacker.Send(part, true)) sent += part.size();
  // Room for what one peer may have unread, and for what the network holds.
  EXPECT_LT(sent, 48u << 20);
  EXPECT_LT(ResidentBytes(), before + (64u << 20));
  EXPECT_TRUE(
      SocketBus::Await([&] { return bus_->stats().too_much_unread == 1; }));
  ExpectVictimServed();
}

TEST_F(AttackTest, RawConnectionThatKeepsToTheRulesIsHeard) {
  // So that the test above is about the endless message and nothing else.
  RawConnection peer(bus_->ingest(), members_.keys(kAttacker),
                     bus_->keys().public_key);
  ASSERT_TRUE(peer.ok());
  ClientSession session(members_.identity(kAttacker));
  ASSERT_TRUE(peer.Send(session.Hello(absl::ZeroDuration()), false));
  EXPECT_TRUE(SocketBus::Await([&] { return bus_->ingest_sessions() == 2; }));
}

TEST_F(AttackTest, OversizedFrameIsCut) {
  ExpectVictimServed();
  RawPeer attacker(Registered(), bus_->ingest());
  const uint64_t session = attacker.Open(members_.identity(kAttacker));
  ASSERT_NE(session, 0u);
  ASSERT_TRUE(SocketBus::Await([&] { return bus_->ingest_sessions() == 2; }));
  ASSERT_TRUE(attacker.Send(MakeFrame({FrameKind::kPublish, session, 2},
                                      std::string(600 * 1024, 'x'))));
  EXPECT_TRUE(SocketBus::Await([&] { return bus_->ingest_sessions() == 1; }));
  ExpectVictimServed();
}

TEST_F(AttackTest, GarbageFramesAreRefused) {
  ExpectVictimServed();
  RawPeer attacker(Registered(), bus_->ingest());
  ASSERT_TRUE(attacker.Send("no frame at all, but 18 bytes and more"));
  const auto closed = attacker.AwaitClosed();
  ASSERT_TRUE(closed.has_value());
  EXPECT_EQ(closed->refusal(), bus::v1::REFUSAL_PROTOCOL);
  ExpectRefused(bus::v1::REFUSAL_PROTOCOL);
  ExpectVictimServed();
}

TEST_F(AttackTest, BatchOfGarbageIsRefused) {
  RawPeer attacker(Registered(), bus_->ingest());
  const uint64_t session = attacker.Open(members_.identity(kAttacker));
  ASSERT_NE(session, 0u);
  // An event by its outermost field, and nothing by what is inside.
  ASSERT_TRUE(attacker.Send(
      MakeFrame({FrameKind::kPublish, session, 2}, "\x12\x03\xff\xff\xff")));
  const auto closed = attacker.AwaitClosed();
  ASSERT_TRUE(closed.has_value());
  EXPECT_EQ(closed->refusal(), bus::v1::REFUSAL_MALFORMED);
  EXPECT_EQ(Logged(), 0u);
  ExpectVictimServed();
}

TEST_F(AttackTest, ReplayedFrameIsRefused) {
  RawPeer attacker(Registered(), bus_->ingest());
  const uint64_t session = attacker.Open(members_.identity(kAttacker));
  ASSERT_NE(session, 0u);
  const std::string publish =
      MakeFrame({FrameKind::kPublish, session, 2}, BatchOf(1000));
  ASSERT_TRUE(attacker.Send(publish));
  ASSERT_TRUE(attacker.Send(publish));
  const auto closed = attacker.AwaitClosed();
  ASSERT_TRUE(closed.has_value());
  EXPECT_EQ(closed->refusal(), bus::v1::REFUSAL_PROTOCOL);
  EXPECT_TRUE(SocketBus::Await([&] { return Logged() == 1; }));
  // Nor on a session of its own.
  RawPeer again(Registered(), bus_->ingest());
  ASSERT_NE(again.Open(members_.identity(kAttacker)), 0u);
  ASSERT_TRUE(again.Send(publish));
  ASSERT_TRUE(again.AwaitClosed().has_value());
  ExpectVictimServed();
  EXPECT_EQ(Logged(), 2u);  // The first, and the victim's.
}

TEST_F(AttackTest, FrameThatIsMissingIsNoticed) {
  RawPeer attacker(Registered(), bus_->ingest());
  const uint64_t session = attacker.Open(members_.identity(kAttacker));
  ASSERT_NE(session, 0u);
  ASSERT_TRUE(attacker.Send(
      MakeFrame({FrameKind::kPublish, session, 3}, BatchOf(1000))));
  const auto closed = attacker.AwaitClosed();
  ASSERT_TRUE(closed.has_value());
  EXPECT_EQ(closed->refusal(), bus::v1::REFUSAL_PROTOCOL);
  EXPECT_EQ(Logged(), 0u);
}

TEST_F(AttackTest, RevokedKeyIsCutWhileConnectedAndStaysOut) {
  auto revoked = ZmqBusClient::Create(bus_->ClientOptions(members_, 1));
  auto subscription = *revoked->Subscribe({});
  ASSERT_THAT(PublishAndWait(*revoked, {Made(5000)}, kSoon), IsOk());
  ASSERT_THAT(subscription->Next(kSoon), IsOk());
  bus_->ReplaceRegistry(members_.Registry(kAttacker));
  EXPECT_TRUE(SocketBus::Await(
      [&] { return bus_->refused()[bus::v1::REFUSAL_REVOKED] == 1; }));
  EXPECT_TRUE(SocketBus::Await([&] { return !revoked->connected(); }));
  ExpectVictimServed();
  // What it was not given before, it is not given.
  absl::StatusOr<Delivery> next;
  do {
    next = subscription->Next(kSoon);
  } while (next.ok() && next->view.header.id == "e-5000");
  EXPECT_THAT(next, HasCode(absl::StatusCode::kPermissionDenied));
  auto outcomes = PublishAndWait(*revoked, {Made(5001)}, kSoon);
  ASSERT_THAT(outcomes, IsOk());
  EXPECT_FALSE(outcomes->front().accepted);
  EXPECT_EQ(Logged(), 2u);
}

TEST_F(AttackTest, ReaderThatDoesNotReadBlocksAndLosesNobodyElse) {
  SocketBus::Options options;
  options.send_frames_max = 4;
  options.session.heartbeat = absl::Seconds(30);  // Not what ends it here.
  Start(options);
  SubscribeOptions wanted;
  wanted.credit_events = 256;
  auto reader = *victim_->Subscribe(wanted);
  RawPeer::Options deaf = Registered();
  deaf.receive_frames_max = 1;
  RawPeer attacker(deaf, bus_->delivery());
  const uint64_t session = attacker.Open(members_.identity(kAttacker));
  ASSERT_NE(session, 0u);
  bus::v1::Subscribe subscribe;
  subscribe.set_credit_events(1'000'000);
  ASSERT_TRUE(attacker.Send(MakeFrame({FrameKind::kSubscribe, session, 2},
                                      subscribe.SerializeAsString())));
  constexpr int kEvents = 200;
  for (int i = 0; i < kEvents; ++i) {
    ASSERT_THAT(PublishAndWait(*victim_, {Made(i, 100'000)}, kSoon), IsOk());
    auto next = reader->Next(kSoon);
    ASSERT_THAT(next, IsOk());
    ASSERT_EQ(next->view.header.id, absl::StrCat("e-", i));
    reader->Ack(next->number);
  }
  EXPECT_TRUE(
      SocketBus::Await([&] { return bus_->delivery_stats().cut == 1; }));
}

}  // namespace
}  // namespace concordat::testing
