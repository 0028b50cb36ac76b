// bug                                        test that catches it
//   escapes before quotes                    DecodesAHeaderValue
//   invalid UTF-8 let through                DecodesAHeaderValue
//   charset becomes part of the data's type  ReadsTheBinaryForm
//   a batch of one is no batch               ReadsABatch
#include "gateway/api/cloudevents_http.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace concordat::gateway {
namespace {

using ::concordat::testing::HasCode;
using ::concordat::testing::IsOk;
using ::testing::ElementsAre;

constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;

Request WithHeaders(Pairs headers, std::string body = "") {
  Request request;
  request.headers = std::move(headers);
  request.body = std::move(body);
  return request;
}

TEST(CloudEventsHttpTest, ReadsTheBinaryForm) {
  const Request request =
      WithHeaders({{"ce-specversion", "1.0"},
                   {"ce-id", "e-1"},
                   {"ce-type", "concordat.a.v1.B"},
                   {"content-type", "application/json; charset=utf-8"},
                   {"host", "localhost"}},
                  R"({"a": 1})");
  EXPECT_TRUE(HasCloudEvents(request));
  const auto body = ReadCloudEvents(request);
  ASSERT_THAT(body.status(), IsOk());
  EXPECT_FALSE(body->is_batch);
  EXPECT_THAT(
      body->events,
      ElementsAre(R"({"specversion":"1.0","id":"e-1",)"
                  R"("type":"concordat.a.v1.B",)"
                  R"("datacontenttype":"application/json","data":{"a":1}})"));
}

TEST(CloudEventsHttpTest, MapsForeignDataToo) {
  const auto mapped = [](const char* type, const char* data) {
    return ReadCloudEvents(
        WithHeaders({{"ce-specversion", "1.0"}, {"content-type", type}}, data));
  };
  EXPECT_THAT(mapped("application/xml", "<a/>")->events,
              ElementsAre(R"({"specversion":"1.0",)"
                          R"("datacontenttype":"application/xml",)"
                          R"("data_base64":"PGEvPg=="})"));
  EXPECT_THAT(mapped("application/vnd.x+json", "[1]")->events,
              ElementsAre(R"({"specversion":"1.0",)"
                          R"("datacontenttype":"application/vnd.x+json",)"
                          R"("data":[1]})"));
  EXPECT_THAT(mapped("application/json", "{").status(), HasCode(kInvalid));
}

TEST(CloudEventsHttpTest, RefusesHeadersThatAreNoAttributes) {
  for (const char* const name :
       {"ce-", "ce-data", "ce-datacontenttype", "ce-with-dash", "ce-é",
        "ce-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}) {
    EXPECT_THAT(
        ReadCloudEvents(WithHeaders({{"ce-specversion", "1.0"}, {name, "x"}}))
            .status(),
        HasCode(kInvalid))
        << name;
  }
  EXPECT_THAT(
      ReadCloudEvents(WithHeaders({{"ce-id", "1"}, {"ce-id", "2"}})).status(),
      HasCode(kInvalid));
}

TEST(CloudEventsHttpTest, DecodesAHeaderValue) {
  EXPECT_EQ(DecodeHeaderValue("plain"), "plain");
  EXPECT_EQ(DecodeHeaderValue("Euro%20%E2%82%AC%20%F0%9F%98%80"), "Euro € 😀");
  EXPECT_EQ(DecodeHeaderValue("%41%e2%82%ac"), "A€");
  EXPECT_EQ(DecodeHeaderValue(R"("a \"b\\\" 100%25")"), R"(a "b\" 100%)");
  for (const char* const bad : {"%", "%4", "%zz", "%C0%A0", "%ff", "\"", "\"a",
                                "\"a\"b\"", "\"a\\\"", "\xff"}) {
    EXPECT_EQ(DecodeHeaderValue(bad), std::nullopt) << bad;
  }
}

TEST(CloudEventsHttpTest, ReadsTheStructuredForm) {
  const Pairs headers = {{"content-type", "application/cloudevents+json"}};
  EXPECT_THAT(ReadCloudEvents(WithHeaders(headers, R"({"id": "1"})"))->events,
              ElementsAre(R"({"id": "1"})"));
  for (const char* const bad : {"", "[]", "1", "{", "{}x"}) {
    EXPECT_THAT(ReadCloudEvents(WithHeaders(headers, bad)).status(),
                HasCode(kInvalid))
        << bad;
  }
}

TEST(CloudEventsHttpTest, ReadsABatch) {
  const Pairs headers = {{"content-type", kBatchContentType}};
  const auto body = ReadCloudEvents(WithHeaders(headers, R"([{"id":"1"}])"));
  ASSERT_THAT(body.status(), IsOk());
  EXPECT_TRUE(body->is_batch);
  EXPECT_THAT(body->events, ElementsAre(R"({"id":"1"})"));
  EXPECT_TRUE(ReadCloudEvents(WithHeaders(headers, "[]"))->events.empty());
  for (const char* const bad : {"{}", "[1]", "[{},null]", "[{}"}) {
    EXPECT_THAT(ReadCloudEvents(WithHeaders(headers, bad)).status(),
                HasCode(kInvalid))
        << bad;
  }
}

TEST(CloudEventsHttpTest, KnowsWhatHasNoneOfItsForms) {
  EXPECT_FALSE(HasCloudEvents(WithHeaders({})));
  for (const char* const type :
       {"application/json", "application/cloudevents+xml",
        "application/cloudevents+protobuf", "application/cloudevents",
        "application/cloudevents-batch+xml",
        "application/cloudevents+json; charset=utf-16"}) {
    EXPECT_FALSE(HasCloudEvents(WithHeaders({{"content-type", type}}))) << type;
  }
  EXPECT_TRUE(HasCloudEvents(WithHeaders(
      {{"content-type", "Application/CloudEvents+JSON;charset=\"UTF-8\""}})));
}

}  // namespace
}  // namespace concordat::gateway
