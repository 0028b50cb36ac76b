#include "gateway/http/status.h"

#include <gtest/gtest.h>

#include "absl/strings/cord.h"

namespace concordat::gateway {
namespace {

TEST(StatusTest, HasTheProtocolsNamesAndNumbers) {
  EXPECT_EQ(CodeName(absl::StatusCode::kCancelled), "canceled");
  EXPECT_EQ(CodeName(absl::StatusCode::kInvalidArgument), "invalid_argument");
  EXPECT_EQ(CodeName(static_cast<absl::StatusCode>(77)), "unknown");
  EXPECT_EQ(HttpStatusOf(absl::StatusCode::kUnauthenticated), 401u);
  EXPECT_EQ(HttpStatusOf(absl::StatusCode::kFailedPrecondition), 400u);
  EXPECT_EQ(HttpStatusOf(absl::StatusCode::kDeadlineExceeded), 504u);
  EXPECT_EQ(HttpStatusOf(absl::StatusCode::kDataLoss), 500u);
}

TEST(StatusTest, WritesAnError) {
  const Response response =
      ErrorResponse(absl::NotFoundError("no \"such\"\r\nthing"));
  EXPECT_EQ(response.status, 404u);
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_EQ(response.body,
            R"({"code":"not_found","message":"no \"such\"\r\nthing"})");
}

TEST(StatusTest, WritesDetailsInUnpaddedBase64) {
  absl::Status status = absl::AbortedError("x");
  // google.rpc.Status{code: 10, details: {type_url: "…/a.B", value: "\1"}}
  const std::string any("\x0a\x18type.googleapis.com/a.B.\x12\x01\x01", 29);
  const std::string details =
      std::string("\x08\x0a\x1a", 3) + static_cast<char>(any.size()) + any;
  status.SetPayload(kDetailsUrl, absl::Cord(details));
  EXPECT_EQ(ErrorJson(status), R"({"code":"aborted","message":"x",)"
                               R"("details":[{"type":"a.B.","value":"AQ"}]})");
  for (const char* const bad : {"\x1a", "\x1a\x05x", "\x1a\x01\xff", "\xff"}) {
    status.SetPayload(kDetailsUrl, absl::Cord(bad));
    EXPECT_EQ(ErrorJson(status), R"({"code":"aborted","message":"x"})");
  }
}

}  // namespace
}  // namespace concordat::gateway
