// Calls that have messages both ways, over real TLS on port 0.
//
// Mutant                                       Caught by
// messages lost or out of order                ASessionHasMessagesBothWays
// its end is not told, or twice                ASessionHasMessagesBothWays
// one who does not read fills the memory       WhoDoesNotReadIsLetGo
#include <atomic>
#include <future>
#include <optional>
#include <utility>

#include "gmock/gmock.h"
#include "grpcpp/client_context.h"
#include "grpcpp/generic/generic_stub.h"
#include "gtest/gtest.h"
#include "tests/integration/rpc/host_fixture.h"

namespace concordat {
namespace {

using ::concordat::testing::kNhs;
using ::concordat::testing::kPolice;
using ::testing::Contains;

constexpr char kSession[] = "concordat.test.Test/Session";

// Says each message twice, the second time after it has asked for the next. One
// that is "flood" is answered by more than anybody holds; "cut" ends it.
class Twice : public SessionListener {
 public:
  Twice(std::shared_ptr<RawSession> session, std::atomic<int>& ended,
        std::atomic<bool>& overflowed)
      : session_(std::move(session)), ended_(ended), overflowed_(overflowed) {}

  void OnMessage(grpc::ByteBuffer message) override {
    grpc::Slice slice;
    EXPECT_TRUE(message.DumpToSingleSlice(&slice).ok());
    const std::string text(slice.begin(), slice.end());
    if (text == "cut") return session_->Cut();
    if (text == "flood") {
      const grpc::Slice part(std::string(1 << 20, 'x'));
      bool taken = true;
      for (int i = 0; i < 64 && taken; ++i) {
        taken = session_->Write(grpc::ByteBuffer(&part, 1));
      }
      overflowed_ = !taken;
    }
    session_->Write(message);
    session_->Read();
    session_->Write(message);
  }
  void OnEnd() override { ++ended_; }

 private:
  const std::shared_ptr<RawSession> session_;
  std::atomic<int>& ended_;
  std::atomic<bool>& overflowed_;
};

// The calling side of a session, one step after the other.
class Caller
    : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  explicit Caller(const std::shared_ptr<grpc::Channel>& channel)
      : stub_(channel) {
    stub_.PrepareBidiStreamingCall(&context_, absl::StrCat("/", kSession),
                                   grpc::StubOptions(), this);
    AddHold();
    StartCall();
  }
  void Say(const std::string& text) {
    const grpc::Slice slice(text);
    said_ = grpc::ByteBuffer(&slice, 1);
    StartWrite(&said_);
    Await(wrote_);
  }
  // Empty: it has ended.
  std::string Hear() {
    StartRead(&heard_);
    if (!Await(read_)) return "";
    grpc::Slice slice;
    EXPECT_TRUE(heard_.DumpToSingleSlice(&slice).ok());
    return std::string(slice.begin(), slice.end());
  }
  grpc::StatusCode End() {
    StartWritesDone();
    RemoveHold();
    return done_.get_future().get();
  }

  void OnWriteDone(bool ok) override { Tell(wrote_, ok); }
  void OnReadDone(bool ok) override { Tell(read_, ok); }
  void OnDone(const grpc::Status& status) override {
    done_.set_value(status.error_code());
  }

 private:
  void Tell(std::optional<bool>& what, bool ok) {
    MutexLock lock(mu_);
    what = ok;
    changed_.NotifyAll();
  }
  bool Await(std::optional<bool>& what) {
    MutexLock lock(mu_);
    EXPECT_TRUE(changed_.WaitFor(mu_, absl::Seconds(20),
                                 [&what] { return what.has_value(); }));
    return std::exchange(what, std::nullopt).value_or(false);
  }

  grpc::TemplatedGenericStub<grpc::ByteBuffer, grpc::ByteBuffer> stub_;
  grpc::ClientContext context_;
  grpc::ByteBuffer said_;
  grpc::ByteBuffer heard_;
  Mutex mu_;
  CondVar changed_;
  std::optional<bool> wrote_;
  std::optional<bool> read_;
  std::promise<grpc::StatusCode> done_;
};

class ServerSessionsTest : public testing::HostTest {
 protected:
  ServerSessionsTest() {
    MakeHost(/*queue_max=*/8);
    host_->HandleSession(
        kSession, {{"police"}},
        [this](const Call&, std::shared_ptr<RawSession> session) {
          return std::make_shared<Twice>(std::move(session), ended_sessions_,
                                         overflowed_);
        });
    StartHost();
  }
  ~ServerSessionsTest() override { host_->Stop(); }

  std::atomic<int> ended_sessions_{0};
  std::atomic<bool> overflowed_{false};
};

TEST_F(ServerSessionsTest, ASessionHasMessagesBothWays) {
  const auto channel = Channel(kPolice);
  Caller caller(channel);
  for (int i = 0; i < 100; ++i) {
    const std::string text = absl::StrCat("message ", i);
    caller.Say(text);
    EXPECT_EQ(caller.Hear(), text);
    EXPECT_EQ(caller.Hear(), text);
  }
  EXPECT_EQ(caller.End(), grpc::StatusCode::OK);
  Caller cut(channel);
  cut.Say("cut");
  EXPECT_EQ(cut.Hear(), "");
  EXPECT_EQ(cut.End(), grpc::StatusCode::CANCELLED);
  EXPECT_EQ(Caller(Channel(kNhs)).End(), grpc::StatusCode::PERMISSION_DENIED);
  host_->Stop();
  EXPECT_EQ(ended_sessions_, 2);
  EXPECT_THAT(access_.lines(), Contains("police concordat.test.Test/Session "
                                        "MAPPA_RISK_MANAGEMENT OK")
                                   .Times(2));
}

TEST_F(ServerSessionsTest, WhoDoesNotReadIsLetGo) {
  const auto channel = Channel(kPolice);
  Caller slow(channel);
  Caller other(channel);
  slow.Say("flood");
  other.Say("still here");
  EXPECT_EQ(other.Hear(), "still here");
  EXPECT_EQ(other.Hear(), "still here");
  EXPECT_EQ(other.End(), grpc::StatusCode::OK);
  // What had come before is still read.
  while (!slow.Hear().empty()) continue;
  EXPECT_EQ(slow.End(), grpc::StatusCode::CANCELLED);
  host_->Stop();
  EXPECT_TRUE(overflowed_);
  EXPECT_EQ(ended_sessions_, 2);
}

}  // namespace
}  // namespace concordat
