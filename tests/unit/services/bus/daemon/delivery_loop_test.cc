// What the loop does when what went out cannot be recorded.
//
// Mutants: a failed record passes for a failed place, with which deliveries go on; the
// place is stored all the same; a place that cannot be stored ends the process.
#include "services/bus/daemon/delivery_loop.h"

#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/fake_carrier.h"
#include "tests/support/seeded_random.h"
#include "tests/unit/services/bus/delivery/delivery_fixture.h"

namespace concordat::bus {
namespace {

using testing::FakeCarrier;
using testing::FakeSteadyClock;
using testing::SeededRandom;

constexpr PeerId kPeer = {7};
const std::string kKey(40, '1');

class AtOnce : public Background {
 public:
  void Post(std::function<void()> work) override { work(); }
};

class FakePlaces : public PlaceStore {
 public:
  absl::Status Store(const Places& changed,
                     const std::set<std::string>&) override {
    if (fails) return absl::FailedPreconditionError("no disk");
    stored += changed.size();
    return absl::OkStatus();
  }
  bool fails = false;
  size_t stored = 0;
};

class FakeDisclosureLog : public DisclosureLog {
 public:
  absl::Status Record(const std::vector<Disclosure>& disclosures,
                      uint64_t) override {
    if (fails) return absl::UnavailableError("no room");
    for (const Disclosure& each : disclosures) {
      if (each.what == Disclosure::What::kDelivered) ++delivered;
    }
    return absl::OkStatus();
  }
  bool fails = false;
  size_t delivered = 0;
};

class DeliveryLoopTest : public ::testing::Test {
 protected:
  DeliveryLoopTest() {
    v1::Registry proto;
    proto.set_environment(v1::ENVIRONMENT_DEMO);
    v1::Principal& red = *proto.add_principals();
    red = Named("red");
    red.set_system("main");
    red.set_default_purpose("CARE");
    red.set_curve_public_key(kKey);
    registry_ = *PrincipalRegistry::Build(proto);
    SessionOptions options;
    options.port = Port::kDelivery;
    options.environment = v1::ENVIRONMENT_DEMO;
    sessions_ = std::make_unique<SessionServer>(options, carrier_, clock_,
                                                random_, registry_);
    sessions_->SetLog("the log's id 16b", 1);
    PolicyFold fold(types_);
    EXPECT_THAT(fold.Adopt(Demo()), IsOk());
    DeliveryLoop::Hooks hooks;
    hooks.on_fatal = [](const absl::Status& why) { ADD_FAILURE() << why; };
    hooks.on_cursors_failed = [this](const absl::Status&, bool recorded) {
      ++(recorded ? unstored_ : unrecorded_);
    };
    hooks.on_refused = [](absl::string_view, v1::Refusal refusal,
                          absl::string_view detail) {
      ADD_FAILURE() << v1::Refusal_Name(refusal) << " " << detail;
    };
    loop_ = std::make_unique<DeliveryLoop>(
        *sessions_, [this] { return registry_; }, clock_,
        DeliveryCore(log_, types_, std::move(fold), Places()), places_, nullptr,
        meters_, drain_, std::move(hooks), std::make_unique<AtOnce>(),
        std::make_unique<AtOnce>());
    loop_->RecordIn(disclosures_);
    loop_->Start();
  }

  void Say(FrameKind kind, const google::protobuf::MessageLite& body) {
    carrier_.Say(
        kPeer, kKey,
        MakeFrame({kind, session_, ++said_}, body.SerializeAsString()));
    loop_->Turn();
  }
  // So that what changed is recorded and stored, and the loop has heard of it.
  void AwaitStored() {
    for (int i = 0; i < 2; ++i) {
      clock_.Advance(absl::Milliseconds(200));
      loop_->Turn();
    }
  }
  // As a named subscription.
  void Subscribe() {
    v1::Hello hello;
    hello.set_protocol(1);
    hello.set_agency("red");
    hello.set_role("officer");
    hello.set_environment(v1::ENVIRONMENT_DEMO);
    Say(FrameKind::kHello, hello);
    const std::string welcome = carrier_.Take(kPeer);
    const auto frame = ParseFrame(welcome);
    ASSERT_THAT(frame, IsOk());
    ASSERT_EQ(frame->head.kind, FrameKind::kWelcome);
    session_ = frame->head.session;
    v1::Subscribe subscribe;
    subscribe.set_name("mine");
    subscribe.set_credit_events(100);
    subscribe.set_credit_bytes(1 << 20);
    Say(FrameKind::kSubscribe, subscribe);
    AwaitStored();
    places_.stored = 0;
  }
  // An event is delivered and acknowledged, and nothing of it stored yet.
  void Deliver() {
    HeaderView header;
    header.type = "a.v1.Fact";
    header.source = "urn:concordat:elsewhere:x";
    header.controller = "elsewhere";
    header.id = "id";
    const Sequence sequence = log_.Append(header, "x", kNowUs);
    loop_->Post(log_.BlockOf(sequence, sequence));
    loop_->Turn();
    v1::Ack ack;
    ack.set_delivery(1);
    Say(FrameKind::kAck, ack);
  }

  std::shared_ptr<const TypeRegistry> types_ = Types();
  FakeEventLog log_;
  FakeCarrier carrier_;
  FakeSteadyClock clock_;
  SeededRandom random_;
  Metrics metrics_;
  LoopMeters meters_{metrics_, clock_, {}};
  Drain drain_{absl::Seconds(10)};
  FakePlaces places_;
  FakeDisclosureLog disclosures_;
  std::shared_ptr<const PrincipalRegistry> registry_;
  std::unique_ptr<SessionServer> sessions_;
  std::unique_ptr<DeliveryLoop> loop_;
  uint64_t session_ = 0;
  uint64_t said_ = 0;
  int unstored_ = 0;
  int unrecorded_ = 0;
};

TEST_F(DeliveryLoopTest, WhatGoesOutIsRecordedBeforeItsPlaceIsStored) {
  Subscribe();
  Deliver();
  AwaitStored();
  EXPECT_EQ(disclosures_.delivered, 1u);
  EXPECT_EQ(places_.stored, 1u);
  EXPECT_EQ(unrecorded_, 0);
  EXPECT_EQ(unstored_, 0);
}

TEST_F(DeliveryLoopTest, WhatCannotBeRecordedEndsTheDelivering) {
  Subscribe();
  disclosures_.fails = true;
  Deliver();
  AwaitStored();
  EXPECT_GE(unrecorded_, 1);
  EXPECT_EQ(unstored_, 0);
  EXPECT_EQ(places_.stored, 0u);
}

TEST_F(DeliveryLoopTest, APlaceThatCannotBeStoredIsSaidAndEndsNothing) {
  Subscribe();
  places_.fails = true;
  Deliver();
  AwaitStored();
  EXPECT_EQ(disclosures_.delivered, 1u);
  EXPECT_GE(unstored_, 1);
  EXPECT_EQ(unrecorded_, 0);
}

}  // namespace
}  // namespace concordat::bus
