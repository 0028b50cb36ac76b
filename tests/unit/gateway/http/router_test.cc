#include "gateway/http/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace concordat::gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class RouterTest : public ::testing::Test {
 protected:
  RouterTest() {
    for (const char* const pattern :
         {"/*", "/events", "/session/drafts/*", "/session"}) {
      router_.Add("GET", pattern, Access::kAnyone, nullptr);
    }
    router_.Add("POST", "/events", Access::kSignedIn, nullptr);
    router_.Add("POST", "/concordat.*", Access::kSignedIn, nullptr);
  }
  std::string Found(const char* method, const char* path) {
    const auto match = router_.Find(method, path);
    return match.route == nullptr ? "none" : match.route->pattern;
  }
  Router router_;
};

TEST_F(RouterTest, TakesTheBestFit) {
  EXPECT_EQ(Found("GET", "/"), "/*");
  EXPECT_EQ(Found("GET", "/events"), "/events");
  EXPECT_EQ(Found("GET", "/eventsx"), "/*");
  EXPECT_EQ(Found("GET", "/session/drafts/a"), "/session/drafts/*");
  EXPECT_EQ(Found("POST", "/concordat.a.v1.B/C"), "/concordat.*");
}

TEST_F(RouterTest, SaysWhatTheStarStandsFor) {
  EXPECT_EQ(router_.Find("GET", "/session/drafts/a b").rest, "a b");
  EXPECT_EQ(router_.Find("GET", "/events").rest, "");
}

TEST_F(RouterTest, SaysWhichMethodsThereAre) {
  EXPECT_EQ(Found("DELETE", "/events"), "none");
  EXPECT_THAT(router_.Find("DELETE", "/events").allowed,
              ElementsAre("GET", "POST"));
  EXPECT_THAT(router_.Find("PUT", "/session").allowed, ElementsAre("GET"));
  EXPECT_THAT(Router().Find("GET", "/").allowed, IsEmpty());
}

}  // namespace
}  // namespace concordat::gateway
