// Subscriptions that settle singly, with the real concordat-bus and clients.
#include <map>
#include <set>

#include "tests/integration/bus/bus_fixture.h"

namespace concordat {
namespace {

class SubscriptionsTest : public BusProcessTest {
 protected:
  Event OfStream(std::string id, std::string stream) {
    police::v1::ConcernShared concern;
    concern.set_concern_type("CHILDREN_AT_ADDRESS");
    concern.set_incident_ref("INC-" + id);
    return Make(kPolice, "police-scotland", std::move(id), 1, concern,
                std::move(stream));
  }
  static SubscribeOptions Shared(std::string name) {
    SubscribeOptions options;
    options.name = std::move(name);
    options.types = {"concordat.police.v1.*"};
    options.settlement = SettlementMode::kShared;
    return options;
  }
  bus::v1::SubscriptionState StateOf(const std::string& name) {
    const auto list = Ask<bus::v1::ListSubscriptionsResponse>(
        "admin", "ListSubscriptions", bus::v1::ListSubscriptionsRequest());
    EXPECT_THAT(list, IsOk());
    for (const auto& each : list->subscriptions()) {
      if (each.name() == name) return each;
    }
    return {};
  }
  // Asks until it is so.
  template <typename Is>
  bool Await(const std::string& name, Is is) {
    const absl::Duration end = SteadyNow() + kLong;
    while (SteadyNow() < end) {
      if (is(StateOf(name))) return true;
    }
    return false;
  }
};

TEST_F(SubscriptionsTest, MembersShareAndAStreamStaysInOrder) {
  const auto police = Connect("police");
  const auto one = Connect("police");
  const auto two = Connect("police");
  auto first = *one->Subscribe(Shared("letters"));
  auto second = *two->Subscribe(Shared("letters"));
  ASSERT_TRUE(
      Await("letters", [](const auto& state) { return state.members() == 2; }));
  std::map<std::string, std::string> stream_of;
  for (int i = 0; i < 60; ++i) {
    const std::string id = absl::StrCat("c-", i);
    const std::string stream = absl::StrCat("record/", i % 6);
    stream_of[id] = stream;
    ASSERT_TRUE(Publish(*police, OfStream(id, stream)).accepted);
  }
  std::map<std::string, int> last;  // By stream.
  std::set<std::string> all;
  size_t of_each[2] = {0, 0};
  Subscription* const members[2] = {first.get(), second.get()};
  while (all.size() < 60) {
    for (const int member : {0, 1}) {
      const auto next = members[member]->Next(absl::Milliseconds(50));
      if (absl::IsDeadlineExceeded(next.status())) continue;
      ASSERT_THAT(next, IsOk());
      const std::string& id = next->view.header.id;
      EXPECT_TRUE(all.insert(id).second) << id;
      const int number = std::stoi(id.substr(2));
      const auto [at, is_first] = last.try_emplace(stream_of[id], number);
      EXPECT_TRUE(is_first || at->second < number) << id;
      at->second = number;
      ++of_each[member];
      members[member]->Settle(next->number);
    }
  }
  EXPECT_GT(of_each[0], 0u);
  EXPECT_GT(of_each[1], 0u);
  EXPECT_TRUE(Await("letters", [](const auto& state) {
    return state.lag() == 0 && state.outstanding() == 0;
  }));
}

TEST_F(SubscriptionsTest, WhatFailsIsRepeatedAndThenSetAsideForGood) {
  const auto police = Connect("police");
  const auto client = Connect("police");
  const auto letters = *client->Subscribe(Shared("letters"));
  ASSERT_TRUE(Publish(*police, OfStream("bad", "record/1")).accepted);
  ASSERT_TRUE(Publish(*police, OfStream("behind", "record/1")).accepted);
  ASSERT_TRUE(Publish(*police, OfStream("other", "record/2")).accepted);
  uint32_t attempt = 0;
  bool other = false;
  while (attempt < 5 || !other) {
    const auto next = letters->Next(kLong);
    ASSERT_THAT(next, IsOk());
    if (next->view.header.id == "other") {
      other = true;
      letters->Settle(next->number);
      continue;
    }
    ASSERT_EQ(next->view.header.id, "bad");
    EXPECT_EQ(next->attempt, ++attempt);
    letters->Nack(next->number, absl::Milliseconds(1), "no such form");
  }
  ASSERT_TRUE(Await("letters",
                    [](const auto& state) { return state.set_aside() == 1; }));
  EXPECT_EQ(bus_.Stop(), 0);
  bus_.Start();
  EXPECT_TRUE(Await("letters", [](const auto& state) {
    return state.set_aside() == 1 && state.waiting() == 1 &&
           state.members() == 1;
  }));
  EXPECT_THAT(letters->Next(absl::Milliseconds(300)),
              HasCode(absl::StatusCode::kDeadlineExceeded));
}

}  // namespace
}  // namespace concordat
