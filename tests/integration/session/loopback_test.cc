// The real client against the real sessions and sockets of the bus.
#include <set>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/support/socket_bus.h"
#include "tests/support/status_matchers.h"

namespace concordat::testing {
namespace {

constexpr char kSource[] = "urn:concordat:agency-0:system-0";
constexpr absl::Duration kSoon = absl::Seconds(20);

Event Made(int n, size_t bytes = 64) {
  Event event;
  event.header.source = kSource;
  event.header.type = "concordat.police.v1.AddressChanged";
  event.header.controller = "agency-0";
  event.header.purpose = "public-protection";
  event.header.gateway = "mhca-s10";
  event.header.id = absl::StrCat("e-", n);
  event.header.stream = absl::StrCat("record/", n % 7);
  event.header.time_us = 1'700'000'000'000'000;
  event.header.recorded_us = 1'700'000'000'000'000;
  event.header.regime = bus::v1::REGIME_PART3;
  event.groups.push_back({1, std::string(bytes, 'x')});
  return event;
}

class LoopbackTest : public ::testing::Test {
 protected:
  SocketBus::Members members_{2};
  SocketBusLog log_;
};

TEST_F(LoopbackTest, PublishesAndGetsTheReceiptOfADuplicate) {
  SocketBus bus({}, members_, log_);
  auto client = ZmqBusClient::Create(bus.ClientOptions(members_, 0));
  auto first = PublishAndWait(*client, {Made(1), Made(2)}, kSoon);
  ASSERT_THAT(first, IsOk());
  ASSERT_EQ(first->size(), 2u);
  EXPECT_TRUE((*first)[0].accepted);
  EXPECT_EQ((*first)[1].sequence.value, 2u);
  auto again = PublishAndWait(*client, {Made(2)}, kSoon);
  ASSERT_THAT(again, IsOk());
  EXPECT_TRUE(again->front().duplicate);
  EXPECT_EQ(again->front().sequence.value, 2u);
}

TEST_F(LoopbackTest, DeliversEverythingInOrderAndGoesOnFromThePlace) {
  SocketBus bus({}, members_, log_);
  auto client = ZmqBusClient::Create(bus.ClientOptions(members_, 0));
  auto reader = ZmqBusClient::Create(bus.ClientOptions(members_, 1));
  constexpr int kEvents = 3000;
  SubscribeOptions options;
  options.name = "all";
  options.credit_events = 500;
  auto subscription = *reader->Subscribe(options);
  std::atomic<int> answered{0};
  for (int i = 0; i < kEvents; ++i) {
    while (true) {
      const absl::Status status =
          client->Publish({Made(i)}, [&](const std::vector<PublishOutcome>& o) {
            answered += static_cast<int>(o.size());
          });
      if (status.ok()) break;
      ASSERT_THAT(status, HasCode(absl::StatusCode::kResourceExhausted));
      ASSERT_TRUE(SocketBus::Await([&] { return answered >= i - 512; }));
    }
  }
  for (int i = 0; i < kEvents; ++i) {
    auto delivery = subscription->Next(kSoon);
    ASSERT_THAT(delivery, IsOk()) << i;
    ASSERT_EQ(delivery->number, static_cast<uint64_t>(i + 1));
    ASSERT_EQ(delivery->view.header.id, absl::StrCat("e-", i));
    if (i < kEvents - 10) subscription->Ack(delivery->number);
  }
  EXPECT_TRUE(SocketBus::Await([&] { return answered == kEvents; }));
  EXPECT_EQ(subscription->scanned_through().value, uint64_t{kEvents});
  subscription.reset();

  subscription = *reader->Subscribe(options);
  auto delivery = subscription->Next(kSoon);
  ASSERT_THAT(delivery, IsOk());
  EXPECT_EQ(delivery->view.header.id, absl::StrCat("e-", kEvents - 10));
  EXPECT_TRUE(subscription->connected());
}

TEST_F(LoopbackTest, ReadsAStreamInPieces) {
  SocketBus bus({}, members_, log_);
  auto client = ZmqBusClient::Create(bus.ClientOptions(members_, 0));
  for (int i = 0; i < 50; ++i) {
    ASSERT_THAT(PublishAndWait(*client, {Made(i)}, kSoon), IsOk());
  }
  auto slice = client->ReadStream({kSource, "record/3"}, {4}, kSoon);
  ASSERT_THAT(slice, IsOk());
  ASSERT_EQ(slice->views.size(), 6u);
  EXPECT_EQ(slice->views.front().header.id, "e-10");
  EXPECT_EQ(slice->views.back().header.id, "e-45");
  EXPECT_EQ(slice->version.value, 46u);
  auto none = client->ReadStream({kSource, "record/none"}, {}, kSoon);
  ASSERT_THAT(none, IsOk());
  EXPECT_EQ(none->version.value, 0u);
}

TEST_F(LoopbackTest, LostReceiptsAreAskedForAgainOnANewSession) {
  SocketBus::Options options;
  options.receipts_lost = 3;
  SocketBus bus(options, members_, log_);
  auto client = ZmqBusClient::Create(bus.ClientOptions(members_, 0));
  for (int i = 0; i < 5; ++i) {
    auto outcomes = PublishAndWait(*client, {Made(i)}, kSoon);
    ASSERT_THAT(outcomes, IsOk());
    EXPECT_TRUE(outcomes->front().accepted);
    EXPECT_EQ(outcomes->front().duplicate, i == 0);
    EXPECT_EQ(outcomes->front().sequence.value, static_cast<uint64_t>(i + 1));
  }
}

// Where the bus is now, as the clients ask for it.
class Addresses {
 public:
  void Set(const SocketBus& bus) {
    MutexLock lock(mu_);
    ingest_ = bus.ingest();
    delivery_ = bus.delivery();
  }
  void GiveTo(ZmqBusClientOptions& options) {
    options.ingest = [this, door = *options.ingest()]() mutable {
      MutexLock lock(mu_);
      door.endpoint = ingest_;
      return door;
    };
    options.delivery = [this, door = *options.delivery()]() mutable {
      MutexLock lock(mu_);
      door.endpoint = delivery_;
      return door;
    };
  }

 private:
  Mutex mu_;
  std::string ingest_ ABSL_GUARDED_BY(mu_);
  std::string delivery_ ABSL_GUARDED_BY(mu_);
};

// Every event is answered once, and comes once and in order, however often the
// bus goes and comes back at another port.
TEST_F(LoopbackTest, BusThatComesBackElsewhereLosesAndDoublesNothing) {
  constexpr int kRestarts = 8;
  constexpr int kEventsEach = 300;
  SocketBus::Options bus_options;
  auto bus = std::make_unique<SocketBus>(bus_options, members_, log_);
  Addresses addresses;
  addresses.Set(*bus);
  ZmqBusClientOptions options = bus->ClientOptions(members_, 0);
  addresses.GiveTo(options);
  auto client = ZmqBusClient::Create(options);
  SubscribeOptions wanted;
  wanted.own_place = true;
  wanted.credit_events = 64;
  auto own = *client->Subscribe(wanted);
  wanted.own_place = false;
  wanted.name = "durable";
  auto durable = *client->Subscribe(wanted);

  std::atomic<int> answered{0};
  std::atomic<int> accepted{0};
  int sent = 0;
  int seen[2] = {0, 0};
  const auto read_some = [&](Subscription& from, int& count, int up_to) {
    while (count < up_to) {
      auto next = from.Next(kSoon);
      ASSERT_THAT(next, IsOk());
      ASSERT_EQ(next->view.header.id, absl::StrCat("e-", count));
      ASSERT_EQ(next->number, static_cast<uint64_t>(++count));
      // Late and in lumps, so that much is unacknowledged at each restart.
      if (count % 17 == 0) from.Ack(next->number);
    }
  };
  for (int restart = 0; restart <= kRestarts; ++restart) {
    for (int i = 0; i < kEventsEach; ++i) {
      ASSERT_THAT(client->Publish({Made(sent++)},
                                  [&](const auto& outcomes) {
                                    ++answered;
                                    accepted += outcomes[0].accepted ? 1 : 0;
                                  }),
                  IsOk());
    }
    read_some(*own, seen[0], sent - kEventsEach / 2);
    read_some(*durable, seen[1], sent - kEventsEach / 3);
    if (restart == kRestarts) break;
    bus.reset();
    ASSERT_TRUE(SocketBus::Await([&] { return !client->connected(); }));
    bus = std::make_unique<SocketBus>(bus_options, members_, log_);
    addresses.Set(*bus);
    ASSERT_TRUE(SocketBus::Await([&] { return answered == sent; }));
  }
  read_some(*own, seen[0], sent);
  read_some(*durable, seen[1], sent);
  ASSERT_TRUE(SocketBus::Await([&] { return answered == sent; }));
  EXPECT_EQ(accepted, sent);
  EXPECT_THAT(own->Next(absl::Milliseconds(20)),
              HasCode(absl::StatusCode::kDeadlineExceeded));
  MutexLock lock(log_.mu);
  EXPECT_EQ(log_.events.size(), static_cast<size_t>(sent));
}

}  // namespace
}  // namespace concordat::testing
