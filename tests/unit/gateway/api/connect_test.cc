// bug                                        test that catches it
//   length read in the host's order          AnEnvelopeIsFlagLengthAndMessage
//   trailing bytes after the envelope kept   RefusesWhatIsNotOneWholeEnvelope
//   a time-out of 11 digits overflows        RefusesATimeoutThatIsNone
#include "gateway/api/connect.h"

#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace concordat::gateway {
namespace {

using ::concordat::testing::HasCode;
using ::concordat::testing::IsOk;

TEST(ConnectTest, KnowsFourContentTypes) {
  const auto unary = ParseContentType("Application/JSON; charset=utf-8");
  ASSERT_TRUE(unary.has_value());
  EXPECT_FALSE(unary->streaming);
  EXPECT_EQ(unary->codec, Codec::kJson);
  const auto stream = ParseContentType("application/connect+proto");
  ASSERT_TRUE(stream.has_value());
  EXPECT_TRUE(stream->streaming);
  EXPECT_EQ(stream->codec, Codec::kProto);
  EXPECT_EQ(ContentTypeOf(*stream), "application/connect+proto");
  for (const char* const other :
       {"", "text/json", "application/grpc", "application/jsonx",
        "application/connect", "application/connect+xml"}) {
    EXPECT_FALSE(ParseContentType(other).has_value()) << other;
  }
}

TEST(ConnectTest, ReadsTheHeadersOfACall) {
  Request request;
  request.headers = {{"connect-protocol-version", "1"},
                     {"content-encoding", "identity"},
                     {"connect-timeout-ms", "1500"}};
  const auto head = ParseConnectHead({}, request);
  ASSERT_THAT(head.status(), IsOk());
  EXPECT_EQ(head->timeout, absl::Milliseconds(1500));
  EXPECT_EQ(ParseConnectHead({}, Request())->timeout, std::nullopt);
  request.headers = {{"connect-protocol-version", "2"}};
  EXPECT_THAT(ParseConnectHead({}, request).status(),
              HasCode(absl::StatusCode::kInvalidArgument));
  request.headers = {{"content-encoding", "gzip"}};
  EXPECT_THAT(ParseConnectHead({}, request).status(),
              HasCode(absl::StatusCode::kUnimplemented));
}

TEST(ConnectTest, RefusesATimeoutThatIsNone) {
  for (const char* const timeout :
       {"-1", "1s", "1.5", "12345678901", "99999999999999999999", " "}) {
    Request request;
    request.headers = {{"connect-timeout-ms", timeout}};
    EXPECT_THAT(ParseConnectHead({}, request).status(),
                HasCode(absl::StatusCode::kInvalidArgument))
        << timeout;
  }
}

TEST(ConnectTest, AnEnvelopeIsFlagLengthAndMessage) {
  EXPECT_EQ(Envelope("ab"), std::string("\0\0\0\0\2ab", 7));
  EXPECT_EQ(Envelope(std::string(258, 'x')).substr(0, 5),
            std::string("\0\0\0\1\2", 5));
  EXPECT_EQ(*OpenEnvelope(Envelope("ab")), "ab");
  EXPECT_EQ(*OpenEnvelope(Envelope("")), "");
}

TEST(ConnectTest, TheLastEnvelopeSaysHowItEnded) {
  EXPECT_EQ(EndOfStream(absl::OkStatus()), std::string("\2\0\0\0\2{}", 7));
  EXPECT_EQ(EndOfStream(absl::AbortedError("why")).substr(5),
            R"({"error":{"code":"aborted","message":"why"}})");
}

TEST(ConnectTest, RefusesWhatIsNotOneWholeEnvelope) {
  for (const std::string& body :
       {std::string(), std::string("\0\0\0\0", 4),
        std::string("\0\0\0\0\2a", 6), Envelope("ab") + "c",
        Envelope("a") + Envelope("b"), std::string("\2\0\0\0\0", 5),
        std::string("\x80\0\0\0\0", 5), std::string("\0\xff\xff\xff\xff", 5)}) {
    EXPECT_THAT(OpenEnvelope(body).status(),
                HasCode(absl::StatusCode::kInvalidArgument));
  }
  EXPECT_THAT(OpenEnvelope(std::string("\1\0\0\0\0", 5)).status(),
              HasCode(absl::StatusCode::kUnimplemented));
}

}  // namespace
}  // namespace concordat::gateway
