// Deliberate bugs that were tried, and the test that catches each:
//
//   number not checked           GapsAndRepeatsEndASession
//   session not checked          AnotherSessionsFrameEndsIt
//   Welcome's environment taken  WelcomeOfAnotherEnvironmentEndsIt
//   heartbeats not sent          KeepsTime
//   bus's silence not noticed    KeepsTime
//   stall taken for silence      KeepsTime
#include "services/common/bus_client/client_session.h"

#include "gtest/gtest.h"

namespace concordat {
namespace {

using Heard = ClientSession::Heard;
constexpr uint64_t kSession = 0x1122334455667788;
constexpr absl::Duration kStart = absl::Seconds(50);

bus::v1::Welcome Welcome() {
  bus::v1::Welcome welcome;
  welcome.set_log_id("0123456789abcdef");
  welcome.set_epoch(1);
  welcome.set_end_sequence(5);
  welcome.set_log_time(50);
  welcome.set_credit_events(100);
  welcome.set_credit_bytes(1000);
  welcome.set_heartbeat_ms(1000);
  welcome.set_environment(bus::v1::ENVIRONMENT_DEMO);
  return welcome;
}

class ClientSessionTest : public ::testing::Test {
 protected:
  ClientSession::Output Hear(FrameKind kind, uint64_t session, uint64_t number,
                             const std::string& body = "") {
    received_ = MakeFrame({kind, session, number}, body);
    return session_.Receive(received_, now_);
  }
  void Open() {
    session_.Hello(now_);
    ASSERT_EQ(
        Hear(FrameKind::kWelcome, kSession, 1, Welcome().SerializeAsString())
            .heard,
        Heard::kWelcomed);
  }

  absl::Duration now_ = kStart;
  std::string received_;
  ClientSession session_{
      {"police-scotland", "police", bus::v1::ENVIRONMENT_DEMO, ""}};
};

TEST_F(ClientSessionTest, SaysHelloAndThenNumbersWithoutGaps) {
  const std::string hello = session_.Hello(now_);
  const auto frame = ParseFrame(hello);
  ASSERT_TRUE(frame.ok());
  EXPECT_EQ(frame->head.kind, FrameKind::kHello);
  EXPECT_EQ(frame->head.session, 0u);
  EXPECT_EQ(frame->head.number, 1u);
  bus::v1::Hello said;
  ASSERT_TRUE(said.ParseFromString(std::string(frame->body)));
  EXPECT_EQ(said.agency(), "police-scotland");
  EXPECT_EQ(said.protocol(), 1u);
  ASSERT_EQ(
      Hear(FrameKind::kWelcome, kSession, 1, Welcome().SerializeAsString())
          .heard,
      Heard::kWelcomed);
  EXPECT_TRUE(session_.open());
  EXPECT_EQ(session_.log_end(), 5u);
  EXPECT_EQ(session_.log_time_us(), 50u);
  const std::string next = session_.Send(FrameKind::kPublish, "body", now_);
  const auto publish = ParseFrame(next);
  ASSERT_TRUE(publish.ok());
  EXPECT_EQ(publish->head.session, kSession);
  EXPECT_EQ(publish->head.number, 2u);
  EXPECT_EQ(session_.number(), 2u);
}

TEST_F(ClientSessionTest, GapsAndRepeatsEndASession) {
  for (const uint64_t number : {1u, 3u}) {
    session_ = ClientSession(
        {"police-scotland", "police", bus::v1::ENVIRONMENT_DEMO, ""});
    Open();
    EXPECT_EQ(Hear(FrameKind::kReceipts, kSession, number).heard,
              Heard::kEnded);
    EXPECT_FALSE(session_.open());
    EXPECT_EQ(Hear(FrameKind::kReceipts, kSession, 2).heard, Heard::kNothing);
  }
}

TEST_F(ClientSessionTest, AnotherSessionsFrameEndsIt) {
  Open();
  EXPECT_EQ(Hear(FrameKind::kReceipts, kSession + 1, 2).heard, Heard::kEnded);
}

TEST_F(ClientSessionTest, FramesOfClientsEndIt) {
  Open();
  EXPECT_EQ(Hear(FrameKind::kPublish, kSession, 2).heard, Heard::kEnded);
}

TEST_F(ClientSessionTest, WelcomeOfAnotherEnvironmentEndsIt) {
  session_.Hello(now_);
  bus::v1::Welcome live = Welcome();
  live.set_environment(bus::v1::ENVIRONMENT_LIVE);
  const auto output =
      Hear(FrameKind::kWelcome, kSession, 1, live.SerializeAsString());
  EXPECT_EQ(output.heard, Heard::kEnded);
  EXPECT_EQ(output.refusal, bus::v1::REFUSAL_WRONG_ENVIRONMENT);
}

TEST_F(ClientSessionTest, ClosedSaysWhyBeforeAndAfterWelcome) {
  bus::v1::Closed closed;
  closed.set_refusal(bus::v1::REFUSAL_REVOKED);
  closed.set_detail("this key has been revoked");
  session_.Hello(now_);
  const auto output =
      Hear(FrameKind::kClosed, 0, 1, closed.SerializeAsString());
  EXPECT_EQ(output.heard, Heard::kEnded);
  EXPECT_EQ(output.refusal, bus::v1::REFUSAL_REVOKED);
  EXPECT_EQ(output.detail, "this key has been revoked");
}

TEST_F(ClientSessionTest, KeepsTime) {
  Open();
  uint64_t received = 1;
  int beats = 0;
  for (int i = 1; i <= 40; ++i) {
    now_ += absl::Milliseconds(250);
    if (i % 10 == 0) {
      bus::v1::Heartbeat heartbeat;
      heartbeat.set_end_sequence(static_cast<uint64_t>(i));
      heartbeat.set_log_time(static_cast<uint64_t>(10 * i));
      EXPECT_EQ(Hear(FrameKind::kHeartbeat, kSession, ++received,
                     heartbeat.SerializeAsString())
                    .heard,
                Heard::kNothing);
    }
    const auto output = session_.Tick(now_, absl::Milliseconds(250));
    EXPECT_EQ(output.heard, Heard::kNothing);
    beats += output.send.empty() ? 0 : 1;
  }
  EXPECT_EQ(beats, 10);
  EXPECT_EQ(session_.log_end(), 40u);
  EXPECT_EQ(session_.log_time_us(), 400u);
  now_ += absl::Seconds(10);  // We looked away; what came waits unread.
  EXPECT_EQ(session_.Tick(now_, absl::Seconds(10)).heard, Heard::kNothing);
  for (int i = 1; i < 12; ++i) {
    now_ += absl::Milliseconds(250);
    ASSERT_EQ(session_.Tick(now_, absl::Milliseconds(250)).heard,
              Heard::kNothing);
  }
  now_ += absl::Milliseconds(250);
  EXPECT_EQ(session_.Tick(now_, absl::Milliseconds(250)).heard, Heard::kEnded);
}

}  // namespace
}  // namespace concordat
