// The whole of /session… and /sign-in… as the server calls it: Authenticator
// first where a route asks for it, then the handler.
//
// Mutant                                              Caught by
// GET /session extends, or a background request does  LookingOnIsNoActivity
// a request that changes something without the token  ChangingNeedsTheTokenOfThisSession
// the token of another session will do                ChangingNeedsTheTokenOfThisSession
// a planted cookie becomes the session's              APlantedCookieIsWorthNothing
// the old cookie goes on after a new proof            ProvingAgainGivesANewCookie
// a wrong password ends the session, or proves        AWrongPasswordProvesNothing
// sessions outlive password, account or principal     AnAccountThatChangesEndsItsSessions,
//                                                     ARevokedPrincipalEndsItsSessions
// what was typed is in the record                     RecordsWhoCameAndNotWhatWasTyped
// signed in without a record                          NobodyIsSignedInWithoutARecord
// drafts end with the session                         DraftsOutliveTheSession
// a purpose that no agreement has, reasons that are none  APurposeIsOneOfTheAgreementsAndHasAReason
// a person opened for nothing, or for a task that     APersonIsOpenedForATaskOrInWords
//   is not the caller's
// one's own purpose changed without a word            APurposeIsOneOfTheAgreementsAndHasAReason
// a purpose holds that could not be recorded          NoPurposeHoldsThatCouldNotBeRecorded
// a purpose said that was never chosen                TheCallersPurposesAreThoseThatWereChosen
// a system with a certificate has a session           ASystemHasNoSession
#include "gateway/signin/session_handlers.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "boost/json.hpp"
#include "gateway/signin/cookies.h"
#include "gateway/signin/session_json.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/fake_carrier.h"
#include "tests/support/fake_hasher.h"
#include "tests/support/sign_in_fixture.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace concordat::gateway {
namespace {

namespace json = boost::json;
using concordat::testing::FakeHasher;
using concordat::testing::TempDir;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kSubject[] = "p-aeaqcaibaeaqcaibaeaqcaibae";

// A browser: a cookie, a token, and what it was told last.
struct Browser {
  std::string cookie;
  std::string csrf;
};

class SessionHandlersTest : public testing::SignInTest {
 protected:
  SessionHandlersTest() {
    for (const char* name : {"mc", "police", "player"}) {
      v1::Account* const account = accounts_proto_.add_accounts();
      account->set_name(name);
      account->set_password_hash(
          FakeHasher::HashOf(absl::StrCat("password of ", name)));
      account->set_principal(name == std::string("mc") ? "coordinator" : name);
      account->set_display_name("M. Carnbee");
      account->set_staff(absl::StrCat("S-", name));
      account->set_changed(7);
    }
    Publish();
    handlers_.Register(router_);
  }
  Response Ask(Request request) {
    const Router::Match match = router_.Find(request.method, request.path);
    if (match.route == nullptr) return {.status = 404};
    request.rest = match.rest;
    if (request.peer.empty()) request.peer = "192.0.2.1";
    Caller caller = certificate_caller_;
    if (match.route->access == Access::kSignedIn && !caller.by_certificate) {
      auto found = sessions_.Authenticate(request);
      if (!found.ok()) {
        return {.status = absl::IsUnauthenticated(found.status()) ? 401u : 403u,
                .body = std::string(found.status().message())};
      }
      caller = *found;
    }
    return match.route->blocking(request, caller);
  }
  // A request that only looks, with the browser's cookie.
  static Request AskedBy(const Browser& browser) {
    Request request;
    request.method = "GET";
    request.path = "/x";
    request.headers = {{"cookie", "__Host-concordat=" + browser.cookie}};
    return request;
  }
  Response Ask(const Browser& browser, const std::string& method,
               const std::string& path, const std::string& body = "",
               Pairs headers = {}) {
    Request request;
    request.method = method;
    request.path = path;
    request.body = body;
    request.headers = std::move(headers);
    request.headers.emplace_back("content-type", "application/json");
    if (!browser.cookie.empty()) {
      request.headers.emplace_back(
          "cookie", absl::StrCat("__Host-concordat=", browser.cookie));
    }
    if (method != "GET") {
      request.headers.emplace_back("concordat-csrf", browser.csrf);
    }
    return Ask(std::move(request));
  }
  // Takes the cookie and the token that an answer gives.
  static void Take(const Response& response, Browser& browser) {
    for (const auto& [name, value] : response.headers) {
      if (name != "Set-Cookie") continue;
      browser.cookie = value.substr(17, value.find(';') - 17);
    }
    const json::value body = json::parse(response.body);
    browser.csrf = std::string(body.at("csrf").as_string().c_str());
  }
  Response TrySignIn(const std::string& account, const std::string& password,
                     const Browser& browser = {}) {
    return Ask(browser, "POST", "/session",
               json::serialize(
                   json::object{{"account", account}, {"password", password}}));
  }
  Browser SignIn(const std::string& account = "mc", Browser browser = {}) {
    const Response response =
        TrySignIn(account, absl::StrCat("password of ", account), browser);
    EXPECT_EQ(response.status, 200u) << response.body;
    Take(response, browser);
    return browser;
  }
  json::object Show(const Browser& browser) {
    const Response response = Ask(browser, "GET", "/session");
    EXPECT_EQ(response.status, 200u) << response.body;
    return json::parse(response.body).as_object();
  }
  bool IsSignedIn(const Browser& browser) {
    return Ask(browser, "GET", "/session").status == 200;
  }
  static Caller CallerOf(const std::string& session) {
    Caller caller;
    caller.session = session;
    return caller;
  }
  Caller certificate_caller_;
  std::string asked_about_;
  absl::Status task_status_;
  std::vector<std::string> opened_;  // Without a task.
  FakeHasher hasher_;
  TempDir folder_;
  std::unique_ptr<PasswordSignIn> passwords_ =
      PasswordSignIn::Make(
          {.per_account = 3}, [this] { return accounts_; }, hasher_, steady_)
          .value();
  std::unique_ptr<SealedStore> store_ =
      SealedStore::Open(folder_.PathOf("s.db"), "secret", clock_, random_)
          .value();
  SessionHandlers handlers_{
      sessions_,
      *passwords_,
      *store_,
      record_,
      {"MAPPA_RISK_MANAGEMENT", "ORDER_SUPERVISION"},
      [this](const Caller& caller, const std::string& subject,
             const std::string& task) {
        asked_about_ = absl::StrCat(caller.principal, " ", subject, " ", task);
        return task_status_;
      },
      [this](const Caller& caller, const std::string& subject,
             const std::string& purpose) {
        opened_.push_back(
            absl::StrCat(caller.principal, " ", subject, " ", purpose));
      },
      clock_};
  Router router_;
};

TEST_F(SessionHandlersTest, SignsInAndSaysWhatThePagesNeed) {
  const Response response = TrySignIn("mc", "password of mc");
  EXPECT_EQ(response.status, 200u);
  EXPECT_THAT(HeaderOf(response, "Set-Cookie"),
              ::testing::MatchesRegex(
                  "__Host-concordat=[A-Za-z0-9_-]{43}; Path=/; Secure; "
                  "HttpOnly; SameSite=Strict"));
  const json::object session = json::parse(response.body).as_object();
  EXPECT_EQ(session.at("account"), "mc");
  EXPECT_EQ(session.at("displayName"), "M. Carnbee");
  EXPECT_EQ(session.at("principal"), "coordinator");
  EXPECT_EQ(session.at("agency"), "mappa-tayside");
  EXPECT_EQ(session.at("agencyName"), "Tayside MAPPA");
  EXPECT_EQ(session.at("agencies").at("mappa-tayside"), "Tayside MAPPA");
  EXPECT_EQ(session.at("role"), "coordinator");
  EXPECT_EQ(session.at("purpose"), "MAPPA_RISK_MANAGEMENT");
  EXPECT_EQ(session.at("environment"), "demo");
  EXPECT_EQ(session.at("idleSeconds"), 1200);
  EXPECT_EQ(session.at("idleUntil"), "2023-11-14T22:33:20Z");
  EXPECT_EQ(session.at("expiresAt"), "2023-11-15T08:13:20Z");
  EXPECT_EQ(session.at("recentUntil"), "2023-11-14T22:23:20Z");
  EXPECT_EQ(session.at("purposes").as_array().size(), 2u);
  // The id is in no page.
  Browser browser;
  Take(response, browser);
  EXPECT_THAT(response.body, Not(HasSubstr(browser.cookie)));
  EXPECT_EQ(Show(browser), session);
}

TEST_F(SessionHandlersTest, WithoutASessionThereIsNothing) {
  EXPECT_EQ(Ask({}, "GET", "/session").status, 401u);
  for (const char* path :
       {"/session/stay", "/session/again", "/session/purpose"}) {
    EXPECT_EQ(Ask({}, "POST", path, "{}").status, 401u) << path;
  }
  EXPECT_EQ(Ask({}, "DELETE", "/session").status, 401u);
  EXPECT_EQ(Ask({}, "GET", "/session/drafts").status, 401u);
  EXPECT_EQ(Ask({}, "PUT", "/session/drafts/a", "{}").status, 401u);
}

TEST_F(SessionHandlersTest, RefusesABodyThatIsNone) {
  for (const char* body :
       {"", "[]", "{", R"({"account":"mc"})", R"({"account":1,"password":"x"})",
        R"({"account":"mc","password":""})"}) {
    EXPECT_EQ(Ask({}, "POST", "/session", body).status, 400u) << body;
  }
  Request form;
  form.method = "POST";
  form.path = "/session";
  form.headers = {{"content-type", "text/plain"}};
  form.body = R"({"account":"mc","password":"password of mc"})";
  EXPECT_EQ(Ask(form).status, 400u);
}

TEST_F(SessionHandlersTest, LookingOnIsNoActivity) {
  const Browser browser = SignIn();
  for (int i = 0; i < 19; ++i) {
    steady_.Advance(absl::Minutes(1));
    EXPECT_TRUE(IsSignedIn(browser));
    EXPECT_EQ(Ask(browser, "GET", "/session/drafts", "",
                  {{"concordat-background", "true"}})
                  .status,
              200u);
    EXPECT_TRUE(sessions_.IsCurrent(CallerOf("1")));
  }
  steady_.Advance(absl::Minutes(1));
  EXPECT_FALSE(sessions_.IsCurrent(CallerOf("1")));
  EXPECT_FALSE(IsSignedIn(browser));
}

TEST_F(SessionHandlersTest, StayingAndWorkingAreActivity) {
  const Browser browser = SignIn();
  for (int i = 0; i < 5; ++i) {
    steady_.Advance(absl::Minutes(19));
    EXPECT_EQ(Ask(browser, "POST", "/session/stay").status, 200u);
    steady_.Advance(absl::Minutes(19));
    EXPECT_EQ(Ask(browser, "GET", "/session/drafts").status, 200u);
  }
  steady_.Advance(absl::Minutes(20));
  const Response ended = Ask(browser, "GET", "/session");
  EXPECT_EQ(ended.status, 401u);
  EXPECT_THAT(HeaderOf(ended, "Set-Cookie"), HasSubstr("Max-Age=0"));
}

TEST_F(SessionHandlersTest, ChangingNeedsTheTokenOfThisSession) {
  const Browser browser = SignIn();
  const Browser other = SignIn("police");
  for (const std::string& token :
       {std::string(), other.csrf, browser.csrf + "x", browser.cookie}) {
    const Browser forged = {browser.cookie, token};
    EXPECT_EQ(Ask(forged, "POST", "/session/stay").status, 403u);
    EXPECT_EQ(Ask(forged, "DELETE", "/session").status, 403u);
    EXPECT_EQ(Ask(forged, "PUT", "/session/drafts/a", "{}").status, 403u);
  }
  // A forged request is no activity either.
  steady_.Advance(absl::Minutes(19));
  Ask({browser.cookie, ""}, "POST", "/session/stay");
  steady_.Advance(absl::Minutes(1));
  EXPECT_FALSE(IsSignedIn(browser));
}

TEST_F(SessionHandlersTest, APlantedCookieIsWorthNothing) {
  const Browser attacker = SignIn("police");
  // The victim signs in with the attacker's cookie in the browser.
  const Browser victim = SignIn("mc", attacker);
  EXPECT_NE(victim.cookie, attacker.cookie);
  EXPECT_FALSE(IsSignedIn(attacker));
  EXPECT_EQ(Show(victim).at("account"), "mc");
  const Browser made_up = {std::string(43, 'A'), "x"};
  EXPECT_NE(SignIn("mc", made_up).cookie, made_up.cookie);
  EXPECT_FALSE(IsSignedIn(made_up));
}

TEST_F(SessionHandlersTest, SigningOutEndsIt) {
  const Browser browser = SignIn();
  const Browser other = SignIn();
  const Response response = Ask(browser, "DELETE", "/session");
  EXPECT_EQ(response.status, 204u);
  EXPECT_THAT(HeaderOf(response, "Set-Cookie"), HasSubstr("Max-Age=0"));
  EXPECT_FALSE(IsSignedIn(browser));
  EXPECT_TRUE(IsSignedIn(other));
}

TEST_F(SessionHandlersTest, ProvingAgainGivesANewCookie) {
  const Browser before = SignIn();
  steady_.Advance(absl::Minutes(11));
  EXPECT_TRUE(Show(before).at("recentUntil").is_null());
  EXPECT_FALSE(sessions_.Look(before.cookie, false)->is_recent);
  Browser after = before;
  const Response response =
      Ask(before, "POST", "/session/again", R"({"password":"password of mc"})");
  ASSERT_EQ(response.status, 200u);
  Take(response, after);
  EXPECT_NE(after.cookie, before.cookie);
  EXPECT_NE(after.csrf, before.csrf);
  EXPECT_FALSE(IsSignedIn(before));
  EXPECT_FALSE(Show(after).at("recentUntil").is_null());
}

TEST_F(SessionHandlersTest, AWrongPasswordProvesNothing) {
  const Browser browser = SignIn();
  steady_.Advance(absl::Minutes(11));
  unsigned status = 0;
  for (int i = 0; i < 4; ++i) {
    status = Ask(browser, "POST", "/session/again", R"({"password":"wrong"})")
                 .status;
    EXPECT_EQ(status, 403u);
  }
  const Response limited = Ask(browser, "POST", "/session/again",
                               R"({"password":"password of mc"})");
  EXPECT_EQ(limited.status, 429u);
  EXPECT_EQ(HeaderOf(limited, "Retry-After"), "2");
  EXPECT_TRUE(Show(browser).at("recentUntil").is_null());
  // Another's password proves nothing of this one.
  steady_.Advance(absl::Seconds(2));
  EXPECT_EQ(Ask(browser, "POST", "/session/again",
                R"({"password":"password of police"})")
                .status,
            403u);
}

TEST_F(SessionHandlersTest, TellsNobodyWhichAccountsThereAre) {
  const Response wrong = TrySignIn("mc", "no");
  const Response unknown = TrySignIn("nobody", "no");
  EXPECT_EQ(wrong.status, 401u);
  EXPECT_EQ(wrong.body, unknown.body);
  EXPECT_EQ(wrong.headers, unknown.headers);
  for (int i = 0; i < 3; ++i) {
    TrySignIn("mc", "no");
    TrySignIn("nobody", "no");
  }
  const Response locked = TrySignIn("mc", "password of mc");
  EXPECT_EQ(locked.status, 429u);
  EXPECT_EQ(locked.body, TrySignIn("nobody", "no").body);
  EXPECT_EQ(HeaderOf(locked, "Retry-After"), "2");
}

TEST_F(SessionHandlersTest, AnAccountThatChangesEndsItsSessions) {
  const Browser first = SignIn();
  const Browser second = SignIn();
  const Browser other = SignIn("police");
  accounts_proto_.mutable_accounts(0)->set_changed(8);
  Publish();
  EXPECT_FALSE(IsSignedIn(first));
  EXPECT_FALSE(sessions_.IsCurrent(CallerOf("2")));
  EXPECT_TRUE(IsSignedIn(other));
  EXPECT_TRUE(IsSignedIn(SignIn()));
  accounts_proto_.mutable_accounts(0)->set_disabled(true);
  Publish();
  EXPECT_EQ(TrySignIn("mc", "password of mc").status, 401u);
  accounts_proto_.mutable_accounts()->DeleteSubrange(1, 1);
  Publish();
  EXPECT_FALSE(IsSignedIn(other));
}

TEST_F(SessionHandlersTest, ARevokedPrincipalEndsItsSessions) {
  const Browser browser = SignIn();
  registry_proto_.mutable_principals(1)->set_revoked(true);
  Publish();
  EXPECT_FALSE(IsSignedIn(browser));
  const Response refused = TrySignIn("mc", "password of mc");
  EXPECT_EQ(refused.status, 403u);
  EXPECT_THAT(refused.body, HasSubstr("has no role in Concordat any more"));
}

TEST_F(SessionHandlersTest, NobodyIsSignedInAsWhomTheGatewayMayNotSpeakFor) {
  EXPECT_EQ(TrySignIn("player", "password of player").status, 403u);
}

TEST_F(SessionHandlersTest, RecordsWhoCameAndNotWhatWasTyped) {
  TrySignIn("my secret password", "mc");
  TrySignIn("mc", "wrong");
  const Browser browser = SignIn();
  Ask(browser, "POST", "/session/again", R"({"password":"wrong"})");
  Ask(browser, "DELETE", "/session");
  EXPECT_THAT(
      log_.lines,
      ElementsAre("sign-in/password    UNAUTHENTICATED",
                  "sign-in/password    UNAUTHENTICATED",
                  "sign-in/password coordinator gateway S-mc OK",
                  "sign-in/again coordinator gateway S-mc UNAUTHENTICATED",
                  "sign-in/sign-out coordinator gateway S-mc OK"));
}

TEST_F(SessionHandlersTest, NobodyIsSignedInWithoutARecord) {
  const Browser browser = SignIn();
  log_.fails = true;
  const Response response = TrySignIn("mc", "password of mc");
  EXPECT_EQ(response.status, 503u);
  EXPECT_EQ(HeaderOf(response, "Set-Cookie"), "");
  EXPECT_EQ(
      Ask(browser, "POST", "/session/again", R"({"password":"password of mc"})")
          .status,
      503u);
  EXPECT_EQ(Ask(browser, "DELETE", "/session").status, 204u);
  EXPECT_FALSE(IsSignedIn(browser));
}

TEST_F(SessionHandlersTest, DraftsOutliveTheSession) {
  const Browser browser = SignIn();
  EXPECT_EQ(Ask(browser, "PUT", "/session/drafts/note 1", R"({"text":"half"})")
                .status,
            204u);
  EXPECT_EQ(Ask(browser, "PUT", "/session/drafts/x", "no JSON").status, 400u);
  Ask(browser, "DELETE", "/session");
  const Browser later = SignIn();
  const Response draft = Ask(later, "GET", "/session/drafts/note 1");
  EXPECT_EQ(draft.body, R"({"text":"half"})");
  EXPECT_EQ(draft.content_type, "application/json");
  const Response list = Ask(later, "GET", "/session/drafts");
  EXPECT_EQ(list.body,
            R"({"drafts":[{"key":"note 1","savedAt":"2023-11-14T22:13:20Z",)"
            R"("bytes":15}]})");
  EXPECT_EQ(Ask(SignIn("police"), "GET", "/session/drafts/note 1").status,
            404u);
  EXPECT_EQ(Ask(later, "DELETE", "/session/drafts/note 1").status, 204u);
  EXPECT_EQ(Ask(later, "GET", "/session/drafts/note 1").status, 404u);
}

TEST_F(SessionHandlersTest, APurposeIsOneOfTheAgreementsAndHasAReason) {
  const Browser browser = SignIn();
  const auto choose = [&](json::object body) {
    return Ask(browser, "POST", "/session/purpose", json::serialize(body));
  };
  EXPECT_EQ(choose({{"purpose", "CURIOSITY"}}).status, 400u);
  EXPECT_EQ(choose({}).status, 400u);
  EXPECT_EQ(
      choose({{"purpose", "ORDER_SUPERVISION"}, {"subject", "p-1"}}).status,
      400u);
  for (const std::string& reason :
       {std::string("why not"), std::string(1001, 'x')}) {
    EXPECT_EQ(
        choose({{"purpose", "ORDER_SUPERVISION"}, {"reason", reason}}).status,
        400u);
  }
  const Response chosen = choose({{"purpose", "ORDER_SUPERVISION"},
                                  {"subject", kSubject},
                                  {"reason", "He asked about his order."}});
  ASSERT_EQ(chosen.status, 200u) << chosen.body;
  const json::object session = json::parse(chosen.body).as_object();
  EXPECT_EQ(session.at("cases").at(kSubject), "ORDER_SUPERVISION");
  EXPECT_EQ(session.at("purpose"), "MAPPA_RISK_MANAGEMENT");
  // One's own purpose is another thing than a person's, and asked for in words
  // as well; no alert explains it.
  for (json::object bare : {json::object{}, json::object{{"task", "A-417"}}}) {
    bare["purpose"] = "ORDER_SUPERVISION";
    EXPECT_EQ(choose(bare).status, 400u);
  }
  EXPECT_EQ(Show(browser).at("purpose"), "MAPPA_RISK_MANAGEMENT");
  EXPECT_EQ(choose({{"purpose", "ORDER_SUPERVISION"},
                    {"reason", "I supervise orders this week."}})
                .status,
            200u);
  EXPECT_EQ(Show(browser).at("purpose"), "ORDER_SUPERVISION");
  const auto choices = store_->Choices().value();
  ASSERT_EQ(choices.size(), 2u);
  EXPECT_EQ(choices[1].subject, "");
  EXPECT_EQ(choices[1].reason, "I supervise orders this week.");
  EXPECT_EQ(choices[0].subject, kSubject);
  EXPECT_EQ(choices[0].staff, "S-mc");
  EXPECT_EQ(choices[0].reason, "He asked about his order.");
  // A session's choices are its own.
  EXPECT_EQ(Show(SignIn()).at("purpose"), "MAPPA_RISK_MANAGEMENT");
}

TEST_F(SessionHandlersTest, APersonIsOpenedForATaskOrInWords) {
  const Browser browser = SignIn();
  const auto choose = [&](json::object more) {
    json::object body = {{"purpose", "ORDER_SUPERVISION"},
                         {"subject", kSubject}};
    for (const auto& [name, value] : more) body[name] = value;
    return Ask(browser, "POST", "/session/purpose", json::serialize(body));
  };
  const Response nothing = choose({});
  EXPECT_EQ(nothing.status, 400u);
  EXPECT_THAT(nothing.body, HasSubstr("Say in a sentence why"));
  task_status_ = absl::FailedPreconditionError("no alert of yours");
  const Response not_mine = choose({{"task", "A-417"}});
  EXPECT_EQ(not_mine.status, 400u);
  EXPECT_THAT(not_mine.body, HasSubstr("failed_precondition"));
  EXPECT_EQ(asked_about_, absl::StrCat("coordinator ", kSubject, " A-417"));
  EXPECT_TRUE(Show(browser).at("cases").as_object().empty());
  EXPECT_TRUE(store_->Choices()->empty());
  task_status_ = absl::OkStatus();
  EXPECT_EQ(choose({{"task", "A-417"}}).status, 200u);
  EXPECT_EQ(choose({{"reason", "Her worker rang about tomorrow."}}).status,
            200u);
  // The hub is told of the one that no task led to.
  EXPECT_THAT(opened_, ::testing::ElementsAre(absl::StrCat(
                           "coordinator ", kSubject, " ORDER_SUPERVISION")));
  const auto choices = store_->Choices().value();
  ASSERT_EQ(choices.size(), 2u);
  EXPECT_EQ(choices[0].task, "A-417");
  EXPECT_EQ(choices[0].reason, "");
  EXPECT_EQ(choices[1].task, "");
}

TEST_F(SessionHandlersTest, NoPurposeHoldsThatCouldNotBeRecorded) {
  const Browser browser = SignIn();
  auto database =
      Database::Open(folder_.PathOf("s.db"), Database::Durability::kFull);
  ASSERT_TRUE(database.ok());
  ASSERT_TRUE((*database)->Execute("DROP TABLE choice").ok());
  EXPECT_NE(Ask(browser, "POST", "/session/purpose",
                R"({"purpose":"ORDER_SUPERVISION",)"
                R"("reason":"I supervise orders this week."})")
                .status,
            200u);
  EXPECT_EQ(Show(browser).at("purpose"), "MAPPA_RISK_MANAGEMENT");
}

TEST_F(SessionHandlersTest, TheCallersPurposesAreThoseThatWereChosen) {
  const Browser browser = SignIn();
  const Request request = AskedBy(browser);
  EXPECT_TRUE(sessions_.Authenticate(request)->chosen_purposes.empty());
  const std::string body =
      absl::StrCat(R"({"purpose":"ORDER_SUPERVISION","subject":")", kSubject,
                   R"(","task":"A-417"})");
  ASSERT_EQ(Ask(browser, "POST", "/session/purpose", body).status, 200u);
  EXPECT_THAT(sessions_.Authenticate(request)->chosen_purposes,
              ElementsAre("ORDER_SUPERVISION"));
}

TEST_F(SessionHandlersTest, TheCallerIsWhoeverSignedIn) {
  const Browser browser = SignIn();
  const Request request = AskedBy(browser);
  const auto caller = sessions_.Authenticate(request);
  ASSERT_TRUE(caller.ok());
  EXPECT_EQ(caller->principal, "coordinator");
  EXPECT_EQ(caller->staff, "S-mc");
  EXPECT_EQ(caller->display_name, "M. Carnbee");
  EXPECT_EQ(caller->purpose, "MAPPA_RISK_MANAGEMENT");
  EXPECT_TRUE(caller->recently_authenticated);
  EXPECT_FALSE(caller->by_certificate);
  EXPECT_EQ(caller->session, "1");
  steady_.Advance(absl::Minutes(10));
  EXPECT_FALSE(sessions_.Authenticate(request)->recently_authenticated);
}

TEST_F(SessionHandlersTest, ASystemHasNoSession) {
  certificate_caller_.by_certificate = true;
  certificate_caller_.principal = "police";
  EXPECT_EQ(Ask({}, "GET", "/session/drafts").status, 403u);
  EXPECT_EQ(Ask({}, "POST", "/session/again", "{}").status, 403u);
  EXPECT_EQ(Ask({}, "DELETE", "/session").status, 403u);
}

}  // namespace
}  // namespace concordat::gateway
