// bug                                      test that catches it
//   escapes decoded after the dot check    RefusesPathsThatCouldBeReadOtherwise
//   "%2F" let through in capitals          RefusesPathsThatCouldBeReadOtherwise
//   the last Host counts                   RefusesHeadersThatMayStandOnce
//   what follows a host's name is ignored  TakesKnownHostsAlone
//   a length and chunks together           RefusesAmbiguousFraming
//   Origin compared by its beginning       RefusesAnotherSitesPage
//   any Sec-Fetch-Mode may navigate, or    RefusesAnotherSitesPage
//     any method
#include "gateway/http/admission.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace concordat::gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

unsigned StatusOfTarget(absl::string_view target) {
  Request request;
  const auto refusal = ParseTarget(target, &request);
  return refusal.has_value() ? refusal->status : 0;
}

unsigned StatusOfHead(const std::string& method, Pairs headers) {
  Request request;
  request.method = method;
  request.headers = std::move(headers);
  const auto refusal = CheckHead(request, {"localhost", "127.0.0.1"});
  return refusal.has_value() ? refusal->status : 0;
}

TEST(ParseTargetTest, ReadsPathAndQuery) {
  Request request;
  EXPECT_FALSE(ParseTarget("/session/drafts/a%20b?x=1&y=a+b%26&z", &request));
  EXPECT_EQ(request.path, "/session/drafts/a b");
  EXPECT_THAT(request.query,
              ElementsAre(Pair("x", "1"), Pair("y", "a b&"), Pair("z", "")));
  EXPECT_EQ(request.Query("y"), "a b&");
  EXPECT_EQ(request.Query("none"), "");
}

TEST(ParseTargetTest, RefusesPathsThatCouldBeReadOtherwise) {
  for (const char* const target : {"/../etc/passwd",
                                   "/a/../b",
                                   "/..",
                                   "/.",
                                   "/a/./b",
                                   "/%2e%2e/x",
                                   "/%2E%2e%2fx",
                                   "/a%2fb",
                                   "/a%2Fb",
                                   "//host/x",
                                   "/a//b",
                                   "/a%5cb",
                                   "/a%00b",
                                   "/a%0d%0ab",
                                   "/a%7f",
                                   "/%",
                                   "/%4",
                                   "/%zz",
                                   "http://localhost/",
                                   "*",
                                   "",
                                   "localhost:443",
                                   "/a b",
                                   "/a\\b",
                                   "/\xc3\xa9",
                                   "/a?b=%x",
                                   "/a#b"}) {
    EXPECT_EQ(StatusOfTarget(target), 400u) << target;
  }
  for (const char* const target :
       {"/", "/index.html", "/a/", "/a.b/..c", "/...", "/p-abc?after=1",
        "/concordat.mappa.v1.MappaService/OpenCase"}) {
    EXPECT_EQ(StatusOfTarget(target), 0u) << target;
  }
}

TEST(CheckHeadTest, TakesKnownHostsAlone) {
  EXPECT_EQ(StatusOfHead("GET", {{"host", "localhost"}}), 0u);
  EXPECT_EQ(StatusOfHead("GET", {{"host", "LocalHost:8443"}}), 0u);
  for (const char* const host :
       {"", "localhost.evil.example", "evil.example",
        "localhost:", "localhost@x", "localhost:84x3", "localhost:8443:1"}) {
    EXPECT_EQ(StatusOfHead("GET", {{"host", host}}), 421u) << host;
  }
  EXPECT_EQ(StatusOfHead("GET", {}), 421u);
}

TEST(CheckHeadTest, RefusesHeadersThatMayStandOnce) {
  for (const char* const name :
       {"host", "content-length", "transfer-encoding", "content-type", "cookie",
        "origin", "authorization"}) {
    EXPECT_EQ(StatusOfHead("GET", {{"host", "localhost"},
                                   {name, "localhost"},
                                   {name, "localhost"}}),
              400u)
        << name;
  }
}

TEST(CheckHeadTest, RefusesAmbiguousFraming) {
  const auto with = [](Pairs more) {
    more.emplace_back("host", "localhost");
    return StatusOfHead("POST", more);
  };
  EXPECT_EQ(with({{"content-length", "12"}}), 0u);
  EXPECT_EQ(with({{"transfer-encoding", "chunked"}}), 0u);
  EXPECT_EQ(with({{"transfer-encoding", "chunked"}, {"content-length", "1"}}),
            400u);
  EXPECT_EQ(with({{"transfer-encoding", "gzip, chunked"}}), 400u);
  EXPECT_EQ(with({{"transfer-encoding", "xchunked"}}), 400u);
  EXPECT_EQ(with({{"content-length", "+1"}}), 400u);
  EXPECT_EQ(with({{"content-length", "1, 1"}}), 400u);
}

TEST(CheckHeadTest, RefusesOtherMethods) {
  for (const char* const method :
       {"TRACE", "CONNECT", "OPTIONS", "PATCH", "X"}) {
    EXPECT_EQ(StatusOfHead(method, {{"host", "localhost"}}), 501u) << method;
  }
}

TEST(CheckHeadTest, RefusesAnotherSitesPage) {
  const auto with = [](const std::string& method, Pairs more) {
    more.emplace_back("host", "localhost:8443");
    return StatusOfHead(method, more);
  };
  EXPECT_EQ(with("POST", {{"origin", "https://localhost:8443"},
                          {"sec-fetch-site", "same-origin"}}),
            0u);
  EXPECT_EQ(with("GET", {{"sec-fetch-site", "none"}}), 0u);
  for (const char* const origin :
       {"null", "http://localhost:8443", "https://localhost", "https://evil",
        "https://localhost:8443.evil", "https://localhost:84430"}) {
    EXPECT_EQ(with("POST", {{"origin", origin}}), 403u) << origin;
    EXPECT_EQ(with("GET", {{"origin", origin}}), 403u) << origin;
  }
  EXPECT_EQ(with("POST", {{"sec-fetch-site", "cross-site"}}), 403u);
  EXPECT_EQ(with("GET", {{"sec-fetch-site", "same-site"}}), 403u);
  // A link in a mail may be followed, into a page of its own.
  const auto followed = [&with](const std::string& method, const char* dest) {
    return with(method, {{"sec-fetch-site", "cross-site"},
                         {"sec-fetch-mode", "navigate"},
                         {"sec-fetch-dest", dest}});
  };
  EXPECT_EQ(followed("GET", "document"), 0u);
  EXPECT_EQ(followed("GET", "iframe"), 403u);
  EXPECT_EQ(followed("POST", "document"), 403u);
}

TEST(IsFieldValueTest, HasNoLineBreak) {
  EXPECT_TRUE(IsFieldValue("text/html; charset=utf-8\t"));
  EXPECT_FALSE(IsFieldValue("a\r\nSet-Cookie: x"));
  EXPECT_FALSE(IsFieldValue(std::string("a\0b", 3)));
  EXPECT_FALSE(IsFieldValue("\xc3\xa9"));
}

}  // namespace
}  // namespace concordat::gateway
