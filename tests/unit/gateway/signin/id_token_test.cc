// Mutant                                              Caught by
// issuer by prefix, or not at all                     RefusesAForeignIssuer
// any audience of several will do, azp ignored        IsForUsAlone
// no end, or an end in the past, is taken             HasAnEndAndHasNotEnded
// clocks may differ by any amount                     HasAnEndAndHasNotEnded, IsFresh
// an old token is taken                               IsFresh
// no nonce expected is any nonce                      AnswersThisSignIn
// times as texts, or out of range                     TimesAreNumbers
// re-authentication is believed without proof         ProvesAgainWhenAskedTo
// no mapping is the first, the last wins              TheFirstRoleThatFitsDecides
// a part of a role's name fits                        NoRoleIsNoEntry
// a subject with spaces reaches the records           WhatStandsInRecordsIsPrintable
#include "gateway/signin/id_token.h"

#include "absl/strings/str_cat.h"
#include "boost/json.hpp"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace concordat::gateway {
namespace {

namespace json = boost::json;
using concordat::testing::HasCode;
using concordat::testing::IsOk;
constexpr auto kNo = absl::StatusCode::kUnauthenticated;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

class IdTokenTest : public ::testing::Test {
 protected:
  IdTokenTest() {
    const int64_t now = absl::ToUnixSeconds(kNow);
    claims_ = {{"iss", "https://login.example"},
               {"aud", "concordat"},
               {"sub", "u-1"},
               {"nonce", "n"},
               {"iat", now},
               {"exp", now + 300},
               {"name", "M. Carnbee"},
               {"groups", {"staff", "co-ordinators"}}};
    google::protobuf::TextFormat::ParseFromString(
        R"(role_claim: "groups"
           roles { value: "seniors" principal: "duty-senior" }
           roles { value: "co-ordinators" principal: "coordinator" }
           roles { value: "staff" principal: "socialwork" })",
        &settings_);
  }
  absl::Status Check() {
    return CheckIdToken(claims_,
                        {.issuer = "https://login.example",
                         .client_id = "concordat",
                         .nonce = "n",
                         .proved_since = proved_since_},
                        kNow);
  }
  void Expect(const char* claim, json::value value, bool good) {
    const json::value before = claims_[claim];
    claims_[claim] = value;
    EXPECT_EQ(Check().ok(), good) << claim << ": " << json::serialize(value);
    claims_[claim] = before;
  }

  json::object claims_;
  std::optional<absl::Time> proved_since_;
  v1::OidcSettings settings_;
};

TEST_F(IdTokenTest, TakesAGoodOne) { EXPECT_THAT(Check(), IsOk()); }

TEST_F(IdTokenTest, NeedsEveryClaim) {
  for (const char* claim : {"iss", "aud", "nonce", "iat", "exp"}) {
    const json::object before = claims_;
    claims_.erase(claim);
    EXPECT_THAT(Check(), HasCode(kNo)) << claim;
    claims_ = before;
  }
}

TEST_F(IdTokenTest, RefusesAForeignIssuer) {
  for (const char* issuer :
       {"https://login.example/", "https://login.example.evil", "",
        "https://login.exampl", "http://login.example"}) {
    Expect("iss", issuer, false);
  }
  Expect("iss", json::array{"https://login.example"}, false);
}

TEST_F(IdTokenTest, IsForUsAlone) {
  Expect("aud", "other", false);
  Expect("aud", "", false);
  Expect("aud", json::array{}, false);
  Expect("aud", json::array{"other"}, false);
  Expect("aud", json::array{"concordat"}, true);
  Expect("azp", "concordat", true);
  Expect("azp", "other", false);
  Expect("azp", 1, false);
  Expect("azp", "", false);
  claims_.erase("azp");
  Expect("aud", json::array{"other", "concordat"}, false);
  claims_["azp"] = "concordat";
  Expect("aud", json::array{"other", "concordat"}, true);
  claims_["azp"] = "other";
  Expect("aud", json::array{"other", "concordat"}, false);
}

TEST_F(IdTokenTest, HasAnEndAndHasNotEnded) {
  const int64_t now = absl::ToUnixSeconds(kNow);
  Expect("exp", now - 59, true);
  Expect("exp", now - 60, false);
  Expect("exp", 0, false);
  Expect("exp", -1, false);
}

TEST_F(IdTokenTest, IsFresh) {
  const int64_t now = absl::ToUnixSeconds(kNow);
  Expect("iat", now + 60, true);
  Expect("iat", now + 61, false);
  Expect("iat", now - 660, true);
  Expect("iat", now - 661, false);
  Expect("nbf", now + 60, true);
  Expect("nbf", now + 61, false);
  Expect("nbf", "soon", false);
}

TEST_F(IdTokenTest, TimesAreNumbers) {
  const int64_t now = absl::ToUnixSeconds(kNow);
  Expect("exp", json::value(absl::StrCat(now + 300)), false);
  Expect("exp", 1e300, false);
  Expect("exp", json::array{now + 300}, false);
  Expect("exp", static_cast<double>(now) + 0.5, true);
  Expect("iat", true, false);
}

TEST_F(IdTokenTest, AnswersThisSignIn) {
  Expect("nonce", "other", false);
  Expect("nonce", "", false);
  Expect("nonce", json::array{"n"}, false);
  claims_["nonce"] = "";
  EXPECT_THAT(CheckIdToken(claims_,
                           {.issuer = "https://login.example",
                            .client_id = "concordat",
                            .nonce = ""},
                           kNow),
              HasCode(kNo));
}

TEST_F(IdTokenTest, ProvesAgainWhenAskedTo) {
  const int64_t now = absl::ToUnixSeconds(kNow);
  proved_since_ = kNow - absl::Seconds(30);
  EXPECT_THAT(Check(), HasCode(kNo));
  Expect("auth_time", now - 10, true);
  Expect("auth_time", now - 90, true);
  Expect("auth_time", now - 91, false);
  Expect("auth_time", now - 3600, false);
  Expect("auth_time", "now", false);
}

TEST_F(IdTokenTest, TheFirstRoleThatFitsDecides) {
  const auto person = PersonOf(claims_, settings_);
  ASSERT_THAT(person, IsOk());
  EXPECT_EQ(person->principal, "coordinator");
  EXPECT_EQ(person->account, "oidc:u-1");
  EXPECT_EQ(person->staff, "u-1");
  EXPECT_EQ(person->display_name, "M. Carnbee");
  EXPECT_EQ(person->version, 0u);
  claims_["groups"] = "staff";
  EXPECT_EQ(PersonOf(claims_, settings_)->principal, "socialwork");
}

TEST_F(IdTokenTest, NoRoleIsNoEntry) {
  for (const json::value& groups :
       {json::value("co-ordinators-not"), json::value("co"), json::value(""),
        json::value(json::array{}), json::value(json::array{"x", 1, nullptr}),
        json::value(1), json::value(nullptr),
        json::value(json::object{{"co-ordinators", true}})}) {
    claims_["groups"] = groups;
    EXPECT_THAT(PersonOf(claims_, settings_),
                HasCode(absl::StatusCode::kPermissionDenied))
        << json::serialize(groups);
  }
  claims_.erase("groups");
  EXPECT_THAT(PersonOf(claims_, settings_),
              HasCode(absl::StatusCode::kPermissionDenied));
}

TEST_F(IdTokenTest, RolesMayStandDeeper) {
  settings_.clear_role_claim();
  settings_.add_role_claim("realm_access");
  settings_.add_role_claim("roles");
  EXPECT_FALSE(PersonOf(claims_, settings_).ok());
  claims_["realm_access"] = "roles";
  EXPECT_FALSE(PersonOf(claims_, settings_).ok());
  claims_["realm_access"] = {{"roles", json::array{"seniors"}}};
  EXPECT_EQ(PersonOf(claims_, settings_)->principal, "duty-senior");
}

TEST_F(IdTokenTest, WhatStandsInRecordsIsPrintable) {
  settings_.set_staff_claim("staff_number");
  EXPECT_THAT(PersonOf(claims_, settings_), HasCode(kNo));
  claims_["staff_number"] = "D-1234";
  EXPECT_EQ(PersonOf(claims_, settings_)->staff, "D-1234");
  for (const std::string& wrong :
       {std::string("a b"), std::string("a\nb"), std::string("é"),
        std::string(65, 'a'), std::string()}) {
    claims_["staff_number"] = wrong;
    EXPECT_THAT(PersonOf(claims_, settings_), HasCode(kNo)) << wrong;
  }
  claims_["staff_number"] = "D-1234";
  for (const std::string& wrong : {std::string("u 1"), std::string("u\n1"),
                                   std::string(256, 'a'), std::string()}) {
    claims_["sub"] = wrong;
    EXPECT_THAT(PersonOf(claims_, settings_), HasCode(kNo)) << wrong;
  }
}

TEST_F(IdTokenTest, ANameIsOneLineOfSomeLength) {
  claims_["name"] = "A\r\nB\x01" + std::string(200, 'c');
  EXPECT_EQ(PersonOf(claims_, settings_)->display_name,
            "AB" + std::string(95, 'c'));
  claims_["name"] = 1;
  EXPECT_EQ(PersonOf(claims_, settings_)->display_name, "u-1");
}

}  // namespace
}  // namespace concordat::gateway
