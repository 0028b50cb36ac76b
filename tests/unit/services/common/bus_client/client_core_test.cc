// The client's core on wires of its own, without a thread.
//
// Mutant                                           Caught by
// a batch given up for what is no fault of its own SilenceIsNotTheBatchsFault
// a batch that ends every session kept for ever    ABatchThatIsNoneIsGivenUp
// what was sent is forgotten with the session      SilenceIsNotTheBatchsFault
// only the first address is tried                  AllAddressesAreTriedInTurn
// each address waits for the back-off              AllAddressesAreTriedInTurn
// an acknowledged event never signed, or twice     WhatHasAReceiptIsSigned…
#include "services/common/bus_client/client_core.h"

#include <deque>
#include <memory>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace concordat {
namespace {

using ::testing::IsEmpty;
using testing::IsOk;
using ::testing::SizeIs;

// The newest connection, from the bus's side.
struct Peer {
  std::deque<std::string> from_client;
  std::deque<std::string> to_client;
};

class PeerWire : public Wire {
 public:
  explicit PeerWire(std::shared_ptr<Peer> peer) : peer_(std::move(peer)) {}
  bool Send(std::shared_ptr<const std::string> frame) override {
    peer_->from_client.push_back(*frame);
    return true;
  }
  std::optional<OwnedBytes> Receive() override {
    if (peer_->to_client.empty()) return std::nullopt;
    OwnedBytes bytes = OwnedBytes::Of(std::move(peer_->to_client.front()));
    peer_->to_client.pop_front();
    return bytes;
  }
  Fate Watch() override { return Fate::kUp; }
  bool AddPollItems(std::vector<pollfd>&, bool) const override { return true; }

 private:
  const std::shared_ptr<Peer> peer_;
};

class ClientCoreTest : public ::testing::Test, public Dialer {
 protected:
  absl::StatusOr<std::unique_ptr<Wire>> Dial(const Door& door) override {
    dialed_.push_back(door.endpoint);
    peer_ = std::make_shared<Peer>();
    return std::make_unique<PeerWire>(peer_);
  }

  static ClientOptions Options() {
    ClientOptions options;
    options.identity = {"police-scotland", "police", bus::v1::ENVIRONMENT_DEMO,
                        ""};
    options.ingest = options.delivery = [] { return Door{"here"}; };
    return options;
  }
  // Until a connection is up and what waits has been sent on it.
  void Connect() {
    peer_ = nullptr;
    while (peer_ == nullptr) {
      now_ += absl::Milliseconds(500);
      core_->Step(now_);
    }
    bus::v1::Welcome welcome;
    welcome.set_environment(bus::v1::ENVIRONMENT_DEMO);
    welcome.set_heartbeat_ms(1000);
    welcome.set_credit_events(100);
    welcome.set_credit_bytes(1 << 20);
    peer_->from_client.clear();
    peer_->to_client.push_back(
        MakeFrame({FrameKind::kWelcome, 7, 1}, welcome.SerializeAsString()));
    core_->Step(now_);
  }
  void CloseWith(bus::v1::Refusal refusal) {
    bus::v1::Closed closed;
    closed.set_refusal(refusal);
    peer_->to_client.push_back(
        MakeFrame({FrameKind::kClosed, 7, 2}, closed.SerializeAsString()));
    core_->Step(now_);
  }
  void Publish() {
    std::vector<Event> set(1);
    set[0].header.source = "urn:concordat:police-scotland:rms";
    set[0].header.type = "concordat.police.v1.AddressChanged";
    set[0].header.controller = "police-scotland";
    set[0].header.id = "e-1";
    const std::vector<EventView> views = {AsView(set[0])};
    ASSERT_THAT(core_->Publish(set, views,
                               [this](std::vector<PublishOutcome> outcomes) {
                                 outcomes_.push_back(outcomes.front());
                               }),
                IsOk());
  }

  std::vector<std::string> dialed_;
  std::shared_ptr<Peer> peer_;
  absl::Duration now_ = absl::Seconds(1000);
  std::vector<PublishOutcome> outcomes_;
  std::unique_ptr<ClientCore> core_ =
      std::make_unique<ClientCore>(Options(), *this, [] {});
};

TEST_F(ClientCoreTest, SilenceIsNotTheBatchsFault) {
  Publish();
  for (int i = 0; i < 5; ++i) {
    Connect();
    ASSERT_THAT(peer_->from_client, SizeIs(1)) << i;
    CloseWith(bus::v1::REFUSAL_PROTOCOL);
    EXPECT_THAT(outcomes_, IsEmpty()) << i;
  }
}

TEST_F(ClientCoreTest, ABatchThatIsNoneIsGivenUp) {
  Publish();
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(outcomes_, IsEmpty());
    Connect();
    CloseWith(bus::v1::REFUSAL_MALFORMED);
  }
  ASSERT_THAT(outcomes_, SizeIs(1));
  EXPECT_EQ(outcomes_[0].refusal, bus::v1::REFUSAL_MALFORMED);
}

TEST_F(ClientCoreTest, WhatHasAReceiptIsSignedWithinATenthOfASecond) {
  const Ed25519Signer signer(Ed25519Seed{3});
  ClientOptions options = Options();
  options.signer = signer;
  core_ = std::make_unique<ClientCore>(options, *this, [] {});
  Publish();
  Connect();
  bus::v1::Receipts receipts;
  receipts.set_publish_number(2);
  bus::v1::Accepted& run = *receipts.add_accepted();
  run.set_count(1);
  run.set_first_sequence(41);
  peer_->to_client.push_back(
      MakeFrame({FrameKind::kReceipts, 7, 2}, receipts.SerializeAsString()));
  peer_->from_client.clear();
  core_->Step(now_);
  ASSERT_THAT(outcomes_, SizeIs(1));
  EXPECT_TRUE(outcomes_[0].accepted);
  core_->Step(now_ + absl::Milliseconds(99));
  EXPECT_THAT(peer_->from_client, IsEmpty());
  std::vector<pollfd> items;
  EXPECT_LE(core_->PrepareToWait(now_, items), now_ + absl::Milliseconds(100));
  core_->StopWaiting();
  core_->Step(now_ + absl::Milliseconds(100));
  ASSERT_THAT(peer_->from_client, SizeIs(1));
  const auto frame = ParseFrame(peer_->from_client.front());
  ASSERT_THAT(frame, IsOk());
  EXPECT_EQ(frame->head.kind, FrameKind::kChainSigned);
  bus::v1::ChainSigned link;
  ASSERT_TRUE(link.ParseFromString(std::string(frame->body)));
  EXPECT_THAT(CheckLink("", link), IsOk());
  EXPECT_THAT(CheckLinkDigests(link, {outcomes_[0].digest}), IsOk());
  EXPECT_TRUE(Names(link, {41}));
  core_->Step(now_ + absl::Milliseconds(300));
  EXPECT_THAT(peer_->from_client, SizeIs(1));  // Once.
}

TEST_F(ClientCoreTest, AllAddressesAreTriedInTurn) {
  ClientOptions options = Options();
  options.ingest = [] { return Door{"a,b,c"}; };
  ClientCore core(options, *this, [] {});
  // Nobody says Welcome; the rounds come further and further apart, and within
  // a round nobody is waited for.
  std::vector<absl::Duration> at;
  while (dialed_.size() < 15) {
    const size_t before = dialed_.size();
    now_ += absl::Milliseconds(5);
    core.Step(now_);
    if (dialed_.size() == before) continue;
    at.push_back(now_);
    bus::v1::Closed closed;
    closed.set_refusal(bus::v1::REFUSAL_NOT_WRITER);
    peer_->to_client.push_back(
        MakeFrame({FrameKind::kClosed, 0, 1}, closed.SerializeAsString()));
    core.Step(now_);
  }
  for (size_t i = 0; i < dialed_.size(); ++i) {
    EXPECT_EQ(dialed_[i], std::string(1, static_cast<char>('a' + i % 3)));
    if (i % 3 != 0) EXPECT_LE(at[i] - at[i - 1], absl::Milliseconds(15));
  }
  EXPECT_GE(at[12] - at[11], absl::Milliseconds(80));
}

}  // namespace
}  // namespace concordat
