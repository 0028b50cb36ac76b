// Keys are changed while the real concordat-bus and its clients run.
//
// Mutant                                            Caught by
// clients stay where they are                       ClientsMoveToTheNewKey…
// a move loses, doubles or reorders events          ClientsMoveToTheNewKey…
// the old ports stay open, or take the new with them ClientsMoveToTheNewKey…
// a start needs the first file                      ClientsMoveToTheNewKey…
// the last pair goes, and the bus is unreachable    TheOnlyPairStaysInUse
// the second key is not known, or the first is not  APrincipalHasTwoKeysForAWhile
// a client's own key is read at its start alone     APrincipalHasTwoKeysForAWhile
// the end of a key is not looked at                 AKeyEndsAndThatIsSaidBefore
// only those who connect anew are refused           AKeyEndsAndThatIsSaidBefore
#include <stdlib.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <fstream>
#include <functional>
#include <thread>

#include "absl/strings/match.h"
#include "google/protobuf/text_format.h"
#include "services/common/base/mutex.h"
#include "services/common/base/system_clock.h"
#include "services/common/bus_client/zmq_socket.h"
#include "tests/integration/bus/bus_fixture.h"

namespace concordat {
namespace {

class KeysTest : public BusProcessTest {
 protected:
  // All of it or nothing is seen.
  void WriteFile(const std::string& name, const std::string& text) {
    const std::string path = bus_.data().PathOf(name);
    std::ofstream(path + ".new") << text;
    ASSERT_EQ(std::rename((path + ".new").c_str(), path.c_str()), 0);
  }
  static std::string TextOf(const CurvePair& pair) {
    return absl::StrCat(pair.public_key, "\n", pair.secret_key, "\n");
  }
  void EditRegistry(const std::function<void(bus::v1::Principal&)>& edit) {
    bus::v1::Registry registry = (*bus_.data().LoadRegistry())->proto();
    for (bus::v1::Principal& principal : *registry.mutable_principals()) {
      if (principal.name() == "police") edit(principal);
    }
    std::string text;
    google::protobuf::TextFormat::PrintToString(registry, &text);
    WriteFile("registry.textproto", text);
  }
  std::string Because() { return Health().degraded_because(); }
  std::vector<bus::v1::ServerKeyState> ServerKeys() {
    const bus::v1::GetLogStatusResponse status = LogStatus();
    return {status.server_keys().begin(), status.server_keys().end()};
  }
  template <typename IsSo>
  void Await(IsSo is_so) {
    const absl::Duration until = SteadyNow() + kLong;
    while (!is_so()) ASSERT_LT(SteadyNow(), until);
  }
};

// Publishes without a pause, and counts what came of it.
class Stream {
 public:
  Stream(Publisher& publisher, std::function<Event(int)> make)
      : publisher_(publisher),
        make_(std::move(make)),
        thread_([this] { Run(); }) {}
  ~Stream() { thread_.join(); }

  // Returns how many were published, when all have their answers.
  int Stop() {
    stopping_ = true;
    MutexLock lock(mu_);
    const bool all =
        answered_.WaitFor(mu_, kLong, [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
          return ended_ && accepted_ + refused_ == handed_;
        });
    EXPECT_TRUE(all);
    EXPECT_EQ(refused_, 0);
    return accepted_;
  }
  int accepted() const {
    MutexLock lock(mu_);
    return accepted_;
  }

 private:
  void Run() {
    for (int next = 0; !stopping_;) {
      std::vector<Event> set;
      set.push_back(make_(next));
      const absl::Status status = publisher_.Publish(
          std::move(set), [this](std::vector<PublishOutcome> outcomes) {
            MutexLock lock(mu_);
            (outcomes[0].accepted ? accepted_ : refused_) += 1;
            answered_.NotifyAll();
          });
      MutexLock lock(mu_);
      if (status.ok()) {
        handed_ = ++next;
      } else {  // Enough is on its way.
        const int before = accepted_;
        answered_.WaitFor(mu_, kLong, [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
          return accepted_ > before;
        });
      }
    }
    MutexLock lock(mu_);
    ended_ = true;
    answered_.NotifyAll();
  }

  Publisher& publisher_;
  const std::function<Event(int)> make_;
  std::atomic<bool> stopping_ = false;
  mutable Mutex mu_;
  CondVar answered_;
  int handed_ ABSL_GUARDED_BY(mu_) = 0;
  int accepted_ ABSL_GUARDED_BY(mu_) = 0;
  int refused_ ABSL_GUARDED_BY(mu_) = 0;
  bool ended_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

TEST_F(KeysTest, ClientsMoveToTheNewKeyAndNothingIsLostOrDoubled) {
  const auto police = Connect("police");
  const auto court = Connect("police");
  SubscribeOptions options;
  options.name = "court";
  options.types = {"concordat.police.v1.*"};
  auto subscription = court->Subscribe(options);
  ASSERT_THAT(subscription, IsOk());
  int received = 0;
  // Takes what comes until it is so: each event once and in order.
  const auto read_until = [&](const std::function<bool()>& is_so) {
    const absl::Duration until = SteadyNow() + kLong;
    while (!is_so()) {
      ASSERT_LT(SteadyNow(), until);
      const auto next = (*subscription)->Next(absl::Milliseconds(20));
      if (absl::IsDeadlineExceeded(next.status())) continue;
      ASSERT_THAT(next, IsOk());
      EXPECT_EQ(next->view.header.id, absl::StrCat("c-", received));
      ++received;
      (*subscription)->Ack(next->number);
    }
  };
  Stream stream(*police,
                [&](int i) { return Concern(absl::StrCat("c-", i), 1); });
  read_until([&] { return received > 100; });

  const std::string old = *bus_.data().LoadBusPublicKey();
  const CurvePair pair = NewCurvePair();
  WriteFile("keys/bus2.curve", TextOf(pair));
  read_until([&] { return ServerKeys().size() == 2; });
  EXPECT_EQ(ServerKeys()[0].public_key(), old);
  EXPECT_EQ(ServerKeys()[1].public_key(), pair.public_key);
  EXPECT_NE(ServerKeys()[0].ingest(), ServerKeys()[1].ingest());

  WriteFile("keys/bus.curve.pub", pair.public_key);
  read_until([&] {
    const auto keys = ServerKeys();
    // Two for publishing, and one that reads.
    return keys[0].connections() == 0 && keys[1].connections() == 3;
  });
  const int moved_at = received;
  unlink(bus_.data().PathOf("keys/bus.curve").c_str());
  read_until([&] { return ServerKeys().size() == 1; });
  EXPECT_EQ(ServerKeys()[0].public_key(), pair.public_key);
  read_until([&] { return received > moved_at + 100; });
  EXPECT_TRUE((*subscription)->connected());
  EXPECT_TRUE(police->connected());

  bus_.Stop();
  bus_.Start();
  const int published = stream.Stop();
  read_until([&] { return received == published; });
  EXPECT_EQ(ServerKeys()[0].public_key(), pair.public_key);
}

TEST_F(KeysTest, TheOnlyPairStaysInUse) {
  const auto police = Connect("police");
  ASSERT_TRUE(Publish(*police, Concern("c-1", 1)).accepted);
  const std::string path = bus_.data().PathOf("keys/bus.curve");
  ASSERT_EQ(std::rename(path.c_str(), (path + ".away").c_str()), 0);
  Await([&] {
    return absl::StrContains(Because(), "bus.curve is the only pair");
  });
  EXPECT_TRUE(Publish(*Connect("police"), Concern("c-2", 1)).accepted);
  ASSERT_EQ(std::rename((path + ".away").c_str(), path.c_str()), 0);
  Await([&] { return !absl::StrContains(Because(), "the only pair"); });
}

TEST_F(KeysTest, APrincipalHasTwoKeysForAWhile) {
  const auto police = Connect("police");
  ASSERT_TRUE(Publish(*police, Concern("c-1", 1)).accepted);
  const CurvePair pair = NewCurvePair();
  EditRegistry([&](bus::v1::Principal& principal) {
    principal.set_second_curve_public_key(pair.public_key);
  });
  ASSERT_TRUE(Publish(*police, Concern("c-2", 1)).accepted);
  WriteFile("keys/police.curve", TextOf(pair));
  EditRegistry([&](bus::v1::Principal& principal) {
    principal.set_curve_public_key(pair.public_key);
    principal.clear_second_curve_public_key();
  });
  // It comes back by the new one, if it had not gone over yet.
  for (int i = 3; i < 10; ++i) {
    Await([&] {
      return Publish(*police, Concern(absl::StrCat("c-", i), 1)).accepted;
    });
  }
}

TEST_F(KeysTest, AKeyEndsAndThatIsSaidBefore) {
  const auto day = [](int days) {
    return absl::FormatTime("%Y-%m-%d",
                            SystemClock().Now() + absl::Hours(24 * days),
                            absl::UTCTimeZone());
  };
  const auto ends = [&](const std::string& last) {
    EditRegistry([&](bus::v1::Principal& principal) {
      principal.set_curve_valid_to(last);
    });
  };
  const auto police = Connect("police");
  ASSERT_TRUE(Publish(*police, Concern("c-1", 1)).accepted);
  EXPECT_EQ(Because().find("CURVE key"), std::string::npos);
  ends(day(10));
  Await([&] {
    return absl::StrContains(
        Because(), absl::StrCat("the CURVE key of police ends with ", day(10)));
  });
  EXPECT_TRUE(Publish(*police, Concern("c-2", 1)).accepted);
  ends(day(-1));
  Await([&] {
    return absl::StrContains(
        Because(),
        absl::StrCat("the CURVE key of police ended with ", day(-1)));
  });
  // Who is connected is out, too.
  Await([&] {
    return Publish(*police, Concern("c-3", 1)).refusal ==
           bus::v1::REFUSAL_NOT_REGISTERED;
  });
  ends("");
  Await([&] { return Publish(*police, Concern("c-3", 1)).accepted; });
  EXPECT_EQ(Because().find("CURVE key"), std::string::npos);
}

}  // namespace
}  // namespace concordat
