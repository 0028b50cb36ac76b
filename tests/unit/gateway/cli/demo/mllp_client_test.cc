#include "gateway/cli/demo/mllp_client.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/support/status_matchers.h"

namespace concordat::cli {
namespace {

using ::concordat::testing::HasCode;
using ::concordat::testing::IsOk;

// Takes one connection, reads one frame, and answers with these bytes.
class OneAnswer {
 public:
  explicit OneAnswer(std::string answer) : answer_(std::move(answer)) {
    listener_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    bind(listener_, reinterpret_cast<sockaddr*>(&address), size);
    listen(listener_, 1);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    endpoint_ = absl::StrCat("127.0.0.1:", ntohs(address.sin_port));
    thread_ = std::thread([this] { Serve(); });
  }
  ~OneAnswer() {
    thread_.join();
    close(listener_);
  }
  const std::string& endpoint() const { return endpoint_; }
  std::string Received() {
    if (thread_.joinable()) thread_.join();
    thread_ = std::thread([] {});
    return received_;
  }

 private:
  void Serve() {
    const int file = accept(listener_, nullptr, nullptr);
    char byte = 0;
    while (received_.find("\x1c\r") == std::string::npos &&
           recv(file, &byte, 1, 0) == 1) {
      received_ += byte;
    }
    // In two parts, as a network may have it.
    const size_t half = answer_.size() / 2;
    send(file, answer_.data(), half, MSG_NOSIGNAL);
    send(file, answer_.data() + half, answer_.size() - half, MSG_NOSIGNAL);
    close(file);
  }

  const std::string answer_;
  int listener_ = -1;
  std::string endpoint_;
  std::string received_;
  std::thread thread_;
};

TEST(MllpClientTest, FramesTheMessageAndUnframesTheAnswer) {
  OneAnswer server("\x0bMSH|1\rMSA|AA|7\r\x1c\r");
  const auto answer = SendMllp(server.endpoint(), "MSH|2", absl::Seconds(5));
  ASSERT_THAT(answer.status(), IsOk());
  EXPECT_EQ(*answer, "MSH|1\rMSA|AA|7\r");
  EXPECT_EQ(server.Received(), "\x0bMSH|2\x1c\r");
}

TEST(MllpClientTest, SaysThatThereWasNoAnswer) {
  OneAnswer server("\x0bMSH|1");
  EXPECT_THAT(SendMllp(server.endpoint(), "MSH|2", absl::Seconds(5)).status(),
              HasCode(absl::StatusCode::kUnavailable));
}

TEST(MllpClientTest, SaysThatNobodyListens) {
  EXPECT_THAT(SendMllp("127.0.0.1:1", "MSH", absl::Seconds(5)).status(),
              HasCode(absl::StatusCode::kUnavailable));
  EXPECT_THAT(SendMllp("nowhere", "MSH", absl::Seconds(5)).status(),
              HasCode(absl::StatusCode::kUnavailable));
}

TEST(MllpClientTest, FindsTheCodeOfAnAnswer) {
  EXPECT_EQ(AnswerCode("MSH|x\rMSA|AR|7|why\r"), "AR");
  EXPECT_EQ(AnswerCode("MSH|x\r"), "");
  EXPECT_EQ(AnswerCode("MSA"), "");
}

}  // namespace
}  // namespace concordat::cli
