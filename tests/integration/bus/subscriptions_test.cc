// Subscriptions that settle singly and what an operator does with them: the real
// concordat-bus, clients, killed with SIGKILL where it matters.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <sstream>

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
  // The ids that `concordat tail` prints.
  std::vector<std::string> RunTail(const std::string& flags) {
    const std::string command = absl::StrCat(
        std::getenv("CONCORDAT_BIN"), "/concordat tail --data ",
        bus_.data().path(), " --profile police --json ", flags, " 2>/dev/null");
    FILE* const output = popen(command.c_str(), "r");
    std::vector<std::string> ids;
    std::string line(64 * 1024, '\0');
    while (std::fgets(line.data(), static_cast<int>(line.size()), output)) {
      const std::string text = line.c_str();
      const size_t start = text.find("\"id\":\"") + 6;
      ids.push_back(text.substr(start, text.find('"', start) - start));
    }
    pclose(output);
    return ids;
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
  static bus::v1::SubscriptionName Letters() {
    bus::v1::SubscriptionName name;
    name.set_agency("police-scotland");
    name.set_role("police");
    name.set_name("letters");
    return name;
  }
  absl::StatusOr<bus::v1::ListSetAsideResponse> SetAside(
      absl::string_view principal = "admin") {
    bus::v1::ListSetAsideRequest request;
    *request.mutable_subscription() = Letters();
    return Ask<bus::v1::ListSetAsideResponse>(principal, "ListSetAside",
                                              request);
  }
  absl::StatusOr<bus::v1::RedriveResponse> Redrive(
      std::optional<uint32_t> confirmed, std::vector<uint64_t> rows = {}) {
    bus::v1::RedriveRequest request;
    *request.mutable_choice()->mutable_subscription() = Letters();
    for (const uint64_t row : rows) request.mutable_choice()->add_rows(row);
    if (confirmed) request.set_confirmed_count(*confirmed);
    request.set_why("the form is known now");
    if (!confirmed) {
      return Ask<bus::v1::RedriveResponse>("admin", "Redrive", request);
    }
    return AskByTwo<bus::v1::RedriveResponse>("Redrive", request);
  }
  struct Filter {
    std::string types = {};
    std::string agency = {};
    std::string reason = {};
  };
  // Of those that are set aside, how many a redrive by this filter would be of.
  uint32_t CountOf(const Filter& filter) {
    bus::v1::RedriveRequest request;
    *request.mutable_choice()->mutable_subscription() = Letters();
    bus::v1::SetAsideFilter& of = *request.mutable_choice()->mutable_filter();
    if (!filter.types.empty()) of.add_types(filter.types);
    if (!filter.agency.empty()) of.add_agencies(filter.agency);
    of.set_reason(filter.reason);
    request.set_why("the form is known now");
    const auto counted =
        Ask<bus::v1::RedriveResponse>("admin", "Redrive", request);
    EXPECT_THAT(counted, IsOk());
    return counted.ok() ? counted->count() : UINT32_MAX;
  }
  absl::Status Pause(bool paused) {
    bus::v1::SetPausedRequest request;
    *request.mutable_subscription() = Letters();
    request.set_paused(paused);
    request.set_why("their system is away");
    return Ask<bus::v1::SetPausedResponse>("admin", "SetPaused", request)
        .status();
  }
  // Nacks the next `count` deliveries, each as it comes.
  static void Fail(Subscription& subscription, int count) {
    for (int i = 0; i < count; ++i) {
      const auto next = subscription.Next(kLong);
      ASSERT_THAT(next, IsOk());
      subscription.Nack(next->number, absl::Milliseconds(1), "no such form");
    }
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
  const auto is_set_aside = [](const auto& state) {
    return state.set_aside() == 1 && state.waiting() == 1;
  };
  ASSERT_TRUE(Await("letters", is_set_aside));
  // An act is answered when it is on disk, and all before it.
  ASSERT_THAT(Pause(false), IsOk());
  bus_.Kill();
  bus_.Start();
  EXPECT_TRUE(Await("letters", [&](const auto& state) {
    return is_set_aside(state) && state.members() == 1;
  }));
  EXPECT_THAT(letters->Next(absl::Milliseconds(300)),
              HasCode(absl::StatusCode::kDeadlineExceeded));
}

TEST_F(SubscriptionsTest, AnOperatorLooksRedrivesAndParks) {
  const auto police = Connect("police");
  const auto client = Connect("police");
  auto letters = *client->Subscribe(Shared("letters"));
  const Sequence first = Publish(*police, OfStream("one", "record/1")).sequence;
  ASSERT_TRUE(Publish(*police, OfStream("behind", "record/1")).accepted);
  Fail(*letters, 5);
  ASSERT_TRUE(Publish(*police, OfStream("two", "record/2")).accepted);
  Fail(*letters, 5);
  ASSERT_TRUE(Await("letters",
                    [](const auto& state) { return state.set_aside() == 2; }));
  // Looks: envelopes, for operators alone, and nothing is changed by it.
  for (int i = 0; i < 2; ++i) {
    const auto list = SetAside();
    ASSERT_THAT(list, IsOk());
    ASSERT_EQ(list->events_size(), 2);
    EXPECT_EQ(list->events(0).sequence(), first.value);
    EXPECT_EQ(list->events(0).type(), "concordat.police.v1.ConcernShared");
    EXPECT_EQ(list->events(0).attempts(), 5u);
    EXPECT_EQ(list->events(0).reason(), "no such form");
    EXPECT_GT(list->events(0).last_time(), list->events(0).first_time());
  }
  EXPECT_THAT(SetAside("police"), HasCode(absl::StatusCode::kPermissionDenied));
  const uint64_t one = SetAside()->events(0).row();
  const uint64_t two = SetAside()->events(1).row();

  // Counts first; another count than that does nothing.
  auto redriven = Redrive(std::nullopt);
  ASSERT_THAT(redriven, IsOk());
  EXPECT_EQ(redriven->count(), 2u);
  EXPECT_FALSE(redriven->done());
  EXPECT_THAT(Redrive(1), HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(SetAside()->events_size(), 2);
  // By what it is, whose, and why it is there: each has to hold.
  EXPECT_EQ(CountOf({.types = "*.Concern*"}), 2u);
  EXPECT_EQ(CountOf({.types = "concordat.nhs.v1.*"}), 0u);
  EXPECT_EQ(CountOf({.agency = "police-scotland", .reason = "no such *"}), 2u);
  EXPECT_EQ(CountOf({.agency = "nhs-tayside", .reason = "no such *"}), 0u);
  EXPECT_EQ(CountOf({.agency = "police-scotland", .reason = "such"}), 0u);

  // Parks one: what waited behind it comes.
  bus::v1::ParkRequest park;
  *park.mutable_choice()->mutable_subscription() = Letters();
  park.mutable_choice()->add_rows(one);
  park.set_confirmed_count(1);
  park.set_why("for the records team");
  const auto parked = AskByTwo<bus::v1::ParkResponse>("Park", park);
  ASSERT_THAT(parked, IsOk());
  EXPECT_TRUE(parked->done());
  auto next = letters->Next(kLong);
  ASSERT_THAT(next, IsOk());
  EXPECT_EQ(next->view.header.id, "behind");
  letters->Settle(next->number);

  // The filter finds what is set aside, not what is parked; that is named.
  redriven = Redrive(1);
  ASSERT_THAT(redriven, IsOk());
  EXPECT_TRUE(redriven->done());
  bus_.Kill();  // It is on disk.
  bus_.Start();
  next = letters->Next(kLong);
  ASSERT_THAT(next, IsOk());
  EXPECT_EQ(next->view.header.id, "two");
  letters->Settle(next->number);
  ASSERT_THAT(Redrive(1, {one}), IsOk());
  next = letters->Next(kLong);
  ASSERT_THAT(next, IsOk());
  EXPECT_EQ(next->view.header.id, "one");
  EXPECT_EQ(next->attempt, 6u);
  letters->Settle(next->number);
  EXPECT_TRUE(Await("letters", [](const auto& state) {
    return state.set_aside() + state.parked() + state.waiting() +
               state.outstanding() ==
           0;
  }));
  EXPECT_THAT(Redrive(1, {two}),
              HasCode(absl::StatusCode::kFailedPrecondition));

  // Each act stands in the log, with who did it and why.
  const auto service = Connect("service-alerts");
  auto tail = *service->Subscribe({});
  std::vector<std::string> acts;
  while (acts.size() < 3) {
    const auto each = tail->Next(kLong);
    ASSERT_THAT(each, IsOk());
    if (each->view.header.type != "concordat.hub.v1.SubscriptionActed")
      continue;
    hub::v1::SubscriptionActed acted;
    ASSERT_TRUE(acted.ParseFromString(each->view.Data()));
    EXPECT_EQ(acted.by(), "second-operator");
    EXPECT_EQ(acted.name(), "letters");
    acts.push_back(
        absl::StrCat(hub::v1::SubscriptionActed::Act_Name(acted.act()), " ",
                     acted.count(), ": ", acted.why()));
  }
  EXPECT_THAT(acts, ElementsAre("ACT_PARKED 1: for the records team",
                                "ACT_REDRIVEN 1: the form is known now",
                                "ACT_REDRIVEN 1: the form is known now"));
}

TEST_F(SubscriptionsTest, RedrivingIsARightOfItsOwn) {
  const std::string path = bus_.data().PathOf("registry.textproto");
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  std::string registry = std::move(text).str();
  const std::string right = "may_redrive: true";
  const size_t at = registry.find(right);
  ASSERT_NE(at, std::string::npos);
  registry.replace(at, right.size(), "");
  std::ofstream(path) << registry;
  const auto client = Connect("police");
  const auto letters = *client->Subscribe(Shared("letters"));
  ASSERT_TRUE(
      Await("letters", [](const auto& state) { return state.members() == 1; }));
  EXPECT_THAT(SetAside(), IsOk());
  EXPECT_THAT(Redrive(std::nullopt),
              HasCode(absl::StatusCode::kPermissionDenied));
}

TEST_F(SubscriptionsTest, APausedOneStandsAndAnUnusedNameIsRemoved) {
  const auto police = Connect("police");
  auto client = Connect("police");
  auto letters = *client->Subscribe(Shared("letters"));
  ASSERT_TRUE(
      Await("letters", [](const auto& state) { return state.members() == 1; }));
  ASSERT_THAT(Pause(true), IsOk());
  ASSERT_TRUE(Publish(*police, OfStream("one", "record/1")).accepted);
  EXPECT_THAT(letters->Next(absl::Milliseconds(300)),
              HasCode(absl::StatusCode::kDeadlineExceeded));
  EXPECT_TRUE(StateOf("letters").paused());
  bus::v1::RemoveSubscriptionRequest remove;
  *remove.mutable_subscription() = Letters();
  remove.set_why("nobody needs it");
  const auto removed = [&] {
    return Ask<bus::v1::RemoveSubscriptionResponse>(
        "admin", "RemoveSubscription", remove);
  };
  EXPECT_THAT(removed(), HasCode(absl::StatusCode::kFailedPrecondition));
  ASSERT_THAT(Pause(false), IsOk());
  const auto next = letters->Next(kLong);
  ASSERT_THAT(next, IsOk());
  letters->Settle(next->number);
  ASSERT_TRUE(Await(
      "letters", [](const auto& state) { return state.outstanding() == 0; }));
  letters.reset();
  client.reset();
  ASSERT_TRUE(
      Await("letters", [](const auto& state) { return !state.connected(); }));
  EXPECT_THAT(removed(), IsOk());
  EXPECT_THAT(removed(), HasCode(absl::StatusCode::kNotFound));
  bus_.Kill();
  bus_.Start();
  EXPECT_EQ(StateOf("letters").name(), "");
}

TEST_F(SubscriptionsTest, FiltersAndStartsAtATime) {
  const auto police = Connect("police");
  ASSERT_TRUE(Publish(*police, Concern("before", 2)).accepted);
  hub::v1::TimePassed passed;
  passed.set_to(kStoryUs + 60'000'000);
  ASSERT_TRUE(Publish(*Connect("player"),
                      Make("urn:concordat:concordat-operator:player",
                           "concordat-operator", "t-2", 0, passed))
                  .accepted);
  ASSERT_TRUE(Publish(*police, Concern("another", 1)).accepted);
  ASSERT_TRUE(Publish(*police, Concern("wanted", 2)).accepted);
  SubscribeOptions options;
  options.types = {"*.ConcernShared"};
  options.agencies = {"police-scotland"};
  options.persons = {PersonKey({2})};
  options.from_time_us = kStoryUs + 1;
  const auto client = Connect("police");
  const auto tail = *client->Subscribe(options);
  const auto next = tail->Next(kLong);
  ASSERT_THAT(next, IsOk());
  EXPECT_EQ(next->view.header.id, "wanted");
}

// By the library, which closes the session, and from the command line.
TEST_F(SubscriptionsTest, AReplayEndsAtAPositionOrATime) {
  const auto police = Connect("police");
  std::vector<Sequence> at;
  for (const char* id : {"one", "two", "three"}) {
    at.push_back(Publish(*police, Concern(id, 2)).sequence);
  }
  hub::v1::TimePassed passed;
  passed.set_to(kStoryUs + 3'600'000'000);
  ASSERT_TRUE(Publish(*Connect("player"),
                      Make("urn:concordat:concordat-operator:player",
                           "concordat-operator", "t-2", 0, passed))
                  .accepted);
  ASSERT_TRUE(Publish(*police, Concern("later", 2)).accepted);
  const auto replay = [&](SubscribeOptions options) {
    options.credit_events = 1;
    const auto client = Connect("police");
    const auto tail = *client->Subscribe(options);
    std::vector<std::string> ids;
    auto next = tail->Next(kLong);
    for (; next.ok(); next = tail->Next(kLong)) {
      ids.push_back(next->view.header.id);
      tail->Ack(next->number);
    }
    EXPECT_THAT(next, HasCode(absl::StatusCode::kOutOfRange));
    EXPECT_THAT(tail->Next(kLong), HasCode(absl::StatusCode::kOutOfRange));
    return ids;
  };
  SubscribeOptions by_position;
  by_position.after = at[0];
  by_position.through = at[2];
  EXPECT_THAT(replay(by_position), ElementsAre("two", "three"));
  SubscribeOptions by_time;
  by_time.to_time_us = passed.to();
  EXPECT_THAT(replay(by_time), ElementsAre("one", "two", "three"));
  EXPECT_THAT(
      RunTail(absl::StrCat("--from ", at[1].value, " --to ", at[2].value)),
      ElementsAre("two", "three"));
  EXPECT_THAT(RunTail("--from 2025-11-03T02:00:00Z --to 2025-11-03T03:00:00Z"),
              ElementsAre("one", "two", "three"));
  EXPECT_THAT(RunTail("--from earliest --to yesterday"), IsEmpty());
}

TEST_F(SubscriptionsTest, OneThatDoesNotMoveIsAnAlarmUntilItDoes) {
  EXPECT_EQ(bus_.Stop(), 0);
  std::ofstream(bus_.data().PathOf("watch.textproto")) << "stalled_after_s: 1";
  std::ofstream(bus_.data().PathOf("bus.textproto")) << "attempts: 1";
  bus_.Start();
  const auto police = Connect("police");
  const auto client = Connect("police");
  const auto letters = *client->Subscribe(Shared("letters"));
  ASSERT_TRUE(Publish(*police, OfStream("one", "record/1")).accepted);
  const auto next = letters->Next(kLong);
  ASSERT_THAT(next, IsOk());
  const auto because = [&] { return Health().degraded_because(); };
  ASSERT_TRUE(Await(
      "letters", [](const auto& state) { return state.stalled_since() > 0; }));
  while (because().find("letters") == std::string::npos) {
  }
  letters->Nack(next->number, absl::ZeroDuration(), "no such form");
  ASSERT_TRUE(Await("letters", [](const auto& state) {
    return state.stalled_since() == 0 && state.set_aside() == 1;
  }));
  while (because().find("letters") != std::string::npos) {
  }
}

}  // namespace
}  // namespace concordat
