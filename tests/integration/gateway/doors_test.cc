// What the gateway offers, against the whole hub as processes and the story.
//
// bug                                          test that catches it
//   calls have the gateway's own rights          CallsHaveTheCallersRights
//   the purpose header is dropped                CallsHaveTheCallersRights
//   times as numbers, or written out             AnswersInProtobufsJson
//   a deadline is not passed on, or has no bound ErrorsKeepTheirCode
//   a program's name leads to another file       ErrorsKeepTheirCode
//   a person is opened for nobody's alert        APersonIsOpenedForAnAlertOfOnesOwn
//   a purpose is said without being chosen       APersonIsOpenedForAnAlertOfOnesOwn
//   an outcome is of the wrong event             ABatchIsAnsweredEventByEvent
//   a repeat is another event                    ARepeatIsTheSameEvent
//   a page cannot tell what time it is           AnAlertStreamTellsHowFarAlertsAreJudged
//   a reader is left behind by a restart         AlertsGoOnAfterARestart
//   the end waits for streams                    StopsWhileStreamsAreOpen
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "services/common/rpc/access_log.h"
#include "tests/support/gateway_process.h"
#include "tests/support/status_matchers.h"

namespace concordat::testing {
namespace {

namespace json = boost::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kListAlerts[] = "concordat.alerts.v1.AlertsService/ListAlerts";
constexpr char kFollowAlerts[] =
    "concordat.alerts.v1.AlertsService/FollowAlerts";
constexpr char kLogStatus[] = "concordat.bus.v1.BusService/GetLogStatus";
constexpr char kRefusals[] = "concordat.bus.v1.BusService/ListRefusals";
constexpr char kGetStatus[] = "concordat.hub.v1.StatusService/GetStatus";

struct SseAlert {
  uint64_t id = 0;
  json::object data;
};

class DoorsTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    gateway_ = new GatewayProcess(
        {{"heartbeat_ms", "300"}, {"call_timeout_max_ms", "5000"}});
    for (const std::string& program : HubProcesses::Programs()) {
      gateway_->hub().Start(program);
    }
    gateway_->Start();
    EXPECT_THAT(
        gateway_->hub().Run({"demo", "status", "--wait", "60s", "--quiet"}),
        IsOk());
    stream_ = Follow("").release();
    EXPECT_THAT(gateway_->hub().Run({"demo", "play"}), IsOk());
  }
  static void TearDownTestSuite() {
    EXPECT_THAT(gateway_->hub().Ended(), IsEmpty());
    delete stream_;
    delete gateway_;
  }

  static std::unique_ptr<HttpsClient> Follow(const std::string& last) {
    auto client = gateway_->Connect("coordinator");
    client->Send(HttpRequest(
        "GET", "/alerts/stream",
        last.empty() ? "" : absl::StrCat("Last-Event-ID: ", last, "\r\n")));
    const HttpAnswer head = client->ReadHead();
    EXPECT_EQ(head.status, 200);
    EXPECT_EQ(head.headers.at("content-type"), "text/event-stream");
    EXPECT_EQ(head.headers.at("x-accel-buffering"), "no");
    return client;
  }
  // What comes until the stream has said twice what time it is, as it does at once
  // when it is opened, and not before alert `last`.
  static std::string ReadStream(HttpsClient& client, uint64_t last = 0) {
    std::string text;
    const std::string wanted =
        last == 0 ? "" : absl::StrCat("id: ", last, "\n");
    while (!EndsWithTime(text) || !absl::StrContains(text, wanted)) {
      const std::string chunk = client.ReadChunk();
      if (chunk.empty()) {
        ADD_FAILURE() << "the stream ended";
        break;
      }
      text += chunk;
    }
    return text;
  }
  static std::vector<SseAlert> ReadAlerts(HttpsClient& client,
                                          uint64_t last = 0) {
    std::vector<SseAlert> alerts;
    std::stringstream lines(ReadStream(client, last));
    std::string line;
    bool is_time = false;
    while (std::getline(lines, line)) {
      if (absl::StartsWith(line, "id: ")) {
        EXPECT_TRUE(
            absl::SimpleAtoi(line.substr(4), &alerts.emplace_back().id));
      } else if (absl::StartsWith(line, "event: ")) {
        is_time = line == "event: time";
      } else if (absl::StartsWith(line, "data: ")) {
        if (is_time) continue;
        alerts.back().data = json::parse(line.substr(6)).as_object();
      }
    }
    return alerts;
  }
  static constexpr char kTime[] = "event: time\n";
  static bool EndsWithTime(const std::string& text) {
    const size_t last = text.rfind("event: ");
    return last != std::string::npos && absl::EndsWith(text, "\n\n") &&
           absl::StartsWith(text.substr(last), kTime) &&
           text.find(kTime) < last;
  }
  static json::object Concern(const std::string& id) {
    return {{"specversion", "1.0"},
            {"id", id},
            {"type", "concordat.police.v1.ConcernShared"},
            {"subject", "ref:chi:0303790016"},
            {"time", "2025-12-05T09:10:00Z"},
            {"data",
             {{"concernType", "SEEN_WITH_CHILD"},
              {"incidentRef", absl::StrCat("INC-", id)}}}};
  }
  static HttpAnswer Publish(const std::string& principal,
                            const std::string& type, const std::string& body) {
    return gateway_->Ask(
        principal,
        HttpRequest("POST", "/events",
                    absl::StrCat("Content-Type: ", type, "\r\n"), body));
  }
  // Its calls, a line each.
  static std::string AccessLogOf(const std::string& folder) {
    const auto store = AccessStore::OpenToRead(
        gateway_->data().PathOf(absl::StrCat(folder, "/access")));
    EXPECT_THAT(store, IsOk());
    std::string text;
    EXPECT_THAT(
        (*store)->Read(
            0,
            [&](uint64_t, const access::v1::Record& record, absl::string_view) {
              const access::v1::Called& called = record.called();
              absl::StrAppend(&text, "principal=", called.principal(),
                              " agency=", called.agency(),
                              " via=", called.via(), " staff=", called.staff(),
                              " method=", called.method(),
                              " purpose=", called.purpose(), "\n");
              return absl::OkStatus();
            }),
        IsOk());
    return text;
  }

  static GatewayProcess* gateway_;
  static HttpsClient* stream_;  // Open since before the story.
};

GatewayProcess* DoorsTest::gateway_ = nullptr;
HttpsClient* DoorsTest::stream_ = nullptr;

TEST_F(DoorsTest, CallsHaveTheCallersRights) {
  EXPECT_EQ(gateway_->Call("admin", kLogStatus, "{}").status, 200);
  const HttpAnswer denied = gateway_->Call("police", kRefusals, "{}");
  EXPECT_EQ(denied.status, 403);
  EXPECT_THAT(denied.body, HasSubstr(R"("code":"permission_denied")"));
  EXPECT_EQ(gateway_->Call("", kLogStatus, "{}").status, 401);
  // A principal that the gateway does not speak for.
  EXPECT_EQ(gateway_->Call("service-police", kListAlerts, "{}").status, 403);
  gateway_->Ask("coordinator",
                HttpRequest("POST", absl::StrCat("/", kListAlerts),
                            "Content-Type: application/json\r\n"
                            "Concordat-Purpose: MAPPA_REVIEW\r\n",
                            "{}"));
  EXPECT_THAT(AccessLogOf("alerts"),
              HasSubstr("principal=coordinator agency=mappa-tayside "
                        "via=gateway staff= method=concordat.alerts.v1."
                        "AlertsService/ListAlerts purpose=MAPPA_REVIEW"));
}

TEST_F(DoorsTest, APersonIsOpenedForAnAlertOfOnesOwn) {
  std::ifstream sign_ins(gateway_->data().PathOf("gateway/demo-sign-ins"));
  std::string account;
  std::string password;
  std::string rest;
  while (account != "coordinator" && std::getline(sign_ins, account, '\t')) {
    std::getline(sign_ins, password, '\t');
    std::getline(sign_ins, rest);
  }
  const std::string type = "Content-Type: application/json\r\n";
  const HttpAnswer in = gateway_->Ask(
      "", HttpRequest("POST", "/session", type,
                      json::serialize(json::object{{"account", account},
                                                   {"password", password}})));
  ASSERT_EQ(in.status, 200) << in.body;
  const std::string cookie = in.headers.at("set-cookie");
  const std::string csrf(json::parse(in.body).at("csrf").as_string());
  const std::string as_them =
      absl::StrCat(type, "Cookie: ", cookie.substr(0, cookie.find(';')),
                   "\r\nConcordat-CSRF: ", csrf, "\r\n");
  const auto ask = [&](const std::string& path, const json::object& body,
                       const std::string& headers = "") {
    return gateway_->Ask(
        "", HttpRequest("POST", path, absl::StrCat(as_them, headers),
                        json::serialize(body)));
  };
  const std::string list = absl::StrCat("/", kListAlerts);
  const HttpAnswer listed = ask(list, {{"openOnly", true}});
  ASSERT_EQ(listed.status, 200) << listed.body;
  const json::array alerts = json::parse(listed.body).at("alerts").as_array();
  ASSERT_GT(alerts.size(), 1u);
  const json::value& mine = alerts[0];
  json::value other;
  for (const json::value& alert : alerts) {
    if (alert.at("subject") != mine.at("subject")) other = alert.at("subject");
  }
  const auto open = [&](const json::value& subject, const json::value& task) {
    return ask("/session/purpose", {{"purpose", "ORDER_SUPERVISION"},
                                    {"subject", subject},
                                    {"task", task}});
  };
  const auto said = [&] {
    return ask(list, {}, "Concordat-Purpose: ORDER_SUPERVISION\r\n");
  };
  EXPECT_EQ(said().status, 403);
  const HttpAnswer not_theirs = open(other, mine.at("alertRef"));
  EXPECT_EQ(not_theirs.status, 400);
  EXPECT_THAT(not_theirs.body, HasSubstr("no open alert of yours"));
  EXPECT_EQ(open(mine.at("subject"), "A-0").status, 400);
  EXPECT_EQ(said().status, 403);
  EXPECT_EQ(open(mine.at("subject"), mine.at("alertRef")).status, 200);
  EXPECT_EQ(said().status, 200);
}

TEST_F(DoorsTest, AnswersInProtobufsJson) {
  const HttpAnswer answer = gateway_->Call("coordinator", kListAlerts, "{}");
  ASSERT_EQ(answer.status, 200);
  EXPECT_EQ(answer.headers.at("content-type"), "application/json");
  const json::array alerts = json::parse(answer.body).at("alerts").as_array();
  ASSERT_GT(alerts.size(), 2u);
  EXPECT_TRUE(alerts[0].at("raisedAt").is_string());
  EXPECT_EQ(alerts[0].at("raisedAt").as_string().size(), 16u);
  EXPECT_THAT(std::string(alerts[0].at("subject").as_string()),
              ::testing::StartsWith("p-"));
  // And in protobuf's own form.
  const HttpAnswer proto = gateway_->Ask(
      "coordinator", HttpRequest("POST", absl::StrCat("/", kListAlerts),
                                 "Content-Type: application/proto\r\n"));
  EXPECT_EQ(proto.status, 200);
  EXPECT_EQ(proto.headers.at("content-type"), "application/proto");
  EXPECT_LT(proto.body.size(), answer.body.size());
}

TEST_F(DoorsTest, ErrorsKeepTheirCode) {
  const auto call = [](const char* method, const char* headers,
                       const char* body) {
    return gateway_->Ask(
        "coordinator",
        HttpRequest("POST", absl::StrCat("/", method), headers, body));
  };
  constexpr char kJson[] = "Content-Type: application/json\r\n";
  const HttpAnswer unknown =
      call("concordat.mappa.v1.MappaService/X", kJson, "{}");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_THAT(unknown.body, HasSubstr(R"("code":"unimplemented")"));
  // Not a method's path, so a page's, and pages take no POST.
  EXPECT_EQ(call("mappa.OpenCase", kJson, "{}").status, 405);
  EXPECT_EQ(
      call("concordat.mappa.v1.MappaService.OpenCase", kJson, "{}").status,
      404);
  EXPECT_EQ(call(kListAlerts, kJson, R"({"nothing":1})").status, 400);
  EXPECT_EQ(call(kListAlerts, kJson, "{").status, 400);
  EXPECT_EQ(call(kListAlerts, "Content-Type: text/plain\r\n", "{}").status,
            415);
  EXPECT_EQ(call(kFollowAlerts, kJson, "{}").status, 415);
  const HttpAnswer late =
      call(kListAlerts,
           "Content-Type: application/json\r\nConnect-Timeout-Ms: 50\r\n",
           R"({"minPosition":"999999999"})");
  EXPECT_EQ(late.status, 504);
  EXPECT_THAT(late.body, HasSubstr(R"("code":"deadline_exceeded")"));
  // However long the caller would wait.
  EXPECT_EQ(call(kListAlerts,
                 "Content-Type: application/json\r\n"
                 "Connect-Timeout-Ms: 9999999999\r\n",
                 R"({"minPosition":"999999999"})")
                .status,
            504);
  const HttpAnswer away = call(kGetStatus,
                               "Content-Type: application/json\r\n"
                               "Concordat-Program: concordat-oversight\r\n",
                               "{}");
  EXPECT_EQ(away.status, 503);
  EXPECT_THAT(away.body, HasSubstr("does not run"));
  EXPECT_EQ(call(kGetStatus,
                 "Content-Type: application/json\r\n"
                 "Concordat-Program: concordat-police\r\n",
                 "{}")
                .status,
            200);
  for (const char* const program : {"../keys", "edge-../keys", "edge-a/b"}) {
    EXPECT_EQ(call(kGetStatus,
                   absl::StrCat("Content-Type: application/json\r\n"
                                "Concordat-Program: ",
                                program, "\r\n")
                       .c_str(),
                   "{}")
                  .status,
              400)
        << program;
  }
}

TEST_F(DoorsTest, AServerStreamComesInEnvelopes) {
  const auto client = gateway_->Connect("coordinator");
  const std::string request = R"({"after":"1"})";
  client->Send(HttpRequest(
      "POST", absl::StrCat("/", kFollowAlerts),
      "Content-Type: application/connect+json\r\n",
      absl::StrCat(std::string("\0\0\0\0", 4),
                   std::string(1, static_cast<char>(request.size())),
                   request)));
  const HttpAnswer head = client->ReadHead();
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.headers.at("content-type"), "application/connect+json");
  const std::string first = client->ReadChunk();
  ASSERT_GT(first.size(), 5u);
  EXPECT_EQ(first[0], 0);
  EXPECT_TRUE(json::parse(first.substr(5)).as_object().contains("alertRef"));
  // An error of a stream is in its last envelope.
  const HttpAnswer denied = gateway_->Ask(
      "coordinator",
      HttpRequest("POST", absl::StrCat("/", kFollowAlerts),
                  "Content-Type: application/connect+json\r\n", "xyz"));
  EXPECT_EQ(denied.status, 200);
  EXPECT_EQ(denied.body[0], 2);
  EXPECT_THAT(denied.body, HasSubstr(R"({"error":{"code":"invalid_argument")"));
}

TEST_F(DoorsTest, AlertsComeAsTheyAreRaised) {
  const std::vector<SseAlert> as_they_are = ReadAlerts(*Follow("1"));
  ASSERT_FALSE(as_they_are.empty());
  const std::vector<SseAlert> alerts =
      ReadAlerts(*stream_, as_they_are.back().id);
  ASSERT_GT(alerts.size(), 3u);
  for (size_t i = 1; i < alerts.size(); ++i) {
    EXPECT_GE(alerts[i].id, alerts[i - 1].id);
  }
  EXPECT_TRUE(alerts[0].data.contains("alertRef"));
  // After a break, all that changed there or later, as it is now.
  const uint64_t middle = alerts[alerts.size() / 2].id;
  const std::vector<SseAlert> rest =
      ReadAlerts(*Follow(absl::StrCat(middle)), alerts.back().id);
  ASSERT_FALSE(rest.empty());
  EXPECT_GE(rest.front().id, middle);
  EXPECT_GE(rest.back().id, alerts.back().id);
  const auto from_here = ReadAlerts(*Follow(""));
  EXPECT_THAT(from_here, IsEmpty());
  EXPECT_THAT(AccessLogOf("gateway"),
              HasSubstr("method=concordat.alerts.v1.AlertsService/"
                        "FollowAlerts"));
  EXPECT_EQ(gateway_
                ->Ask("coordinator", HttpRequest("GET", "/alerts/stream",
                                                 "Last-Event-ID: x\r\n"))
                .status,
            400);
  EXPECT_EQ(gateway_->Ask("", HttpRequest("GET", "/alerts/stream")).status,
            401);
}

TEST_F(DoorsTest, AnAlertStreamTellsHowFarAlertsAreJudged) {
  const std::string text = ReadStream(*Follow(""));
  // Of the story, in December 2025.
  EXPECT_THAT(text, HasSubstr(R"({"time":"176)"));
  EXPECT_THAT(text, HasSubstr(R"("upToDate":true})"));
}

TEST_F(DoorsTest, AlertsGoOnAfterARestart) {
  const auto client = Follow("");
  ReadAlerts(*client);
  gateway_->hub().Kill("concordat-alerts");
  gateway_->hub().Start("concordat-alerts");
  ASSERT_THAT(
      gateway_->hub().Run({"demo", "status", "--wait", "60s", "--quiet"}),
      IsOk());
  ReadAlerts(*client);  // It says that it lives.
}

TEST_F(DoorsTest, ARepeatIsTheSameEvent) {
  constexpr char kType[] = "application/cloudevents+json";
  const std::string event = json::serialize(Concern("gw-1"));
  const HttpAnswer first = Publish("police", kType, event);
  ASSERT_EQ(first.status, 200) << first.body;
  const json::object outcome = json::parse(first.body).as_object();
  EXPECT_EQ(outcome.at("id"), "gw-1");
  EXPECT_EQ(outcome.at("duplicate"), false);
  const HttpAnswer again = Publish("police", kType, event);
  EXPECT_EQ(json::parse(again.body).at("duplicate"), true);
  EXPECT_EQ(json::parse(again.body).at("sequence"), outcome.at("sequence"));
  // The binary form is the same event, too.
  json::object data = Concern("gw-1").at("data").as_object();
  const HttpAnswer binary = gateway_->Ask(
      "police", HttpRequest("POST", "/events",
                            "Content-Type: application/json; charset=utf-8\r\n"
                            "ce-specversion: 1.0\r\nce-id: gw-1\r\n"
                            "ce-type: concordat.police.v1.ConcernShared\r\n"
                            "ce-subject: ref:chi:0303790016\r\n"
                            "ce-time: 2025-12-05T09:10:00Z\r\n",
                            json::serialize(data)));
  EXPECT_EQ(binary.status, 200) << binary.body;
  EXPECT_EQ(json::parse(binary.body).at("sequence"), outcome.at("sequence"));
  // And from the command line.
  const std::string file = gateway_->data().PathOf("run/line.jsonl");
  std::ofstream(file) << event << "\n";
  const auto line =
      gateway_->hub().Run({"publish", "--profile", "police", "--file", file});
  ASSERT_THAT(line, IsOk());
  EXPECT_EQ(json::parse(*line), json::parse(again.body));
}

TEST_F(DoorsTest, ABatchIsAnsweredEventByEvent) {
  json::object foreign = Concern("gw-3");
  foreign["type"] = "com.example.someevent";
  json::object nobody = Concern("gw-4");
  nobody["subject"] = "ref:chi:9999999999";
  const HttpAnswer answer =
      Publish("police", "application/cloudevents-batch+json",
              json::serialize(json::array{Concern("gw-2"), foreign, nobody,
                                          Concern("gw-5")}));
  EXPECT_EQ(answer.status, 422);
  const json::array outcomes = json::parse(answer.body).as_array();
  ASSERT_EQ(outcomes.size(), 4u);
  for (const size_t good : {0, 3}) {
    EXPECT_TRUE(outcomes[good].as_object().contains("sequence"));
  }
  EXPECT_EQ(outcomes[3].at("id"), "gw-5");
  for (const size_t bad : {1, 2}) {
    EXPECT_TRUE(outcomes[bad].as_object().contains("error"));
    EXPECT_EQ(outcomes[bad].at("id"),
              json::value(absl::StrCat("gw-", bad + 2)));
  }
  // Whose type it is not.
  const HttpAnswer denied = Publish("nhs", "application/cloudevents+json",
                                    json::serialize(Concern("gw-6")));
  EXPECT_EQ(denied.status, 422);
  EXPECT_THAT(denied.body, HasSubstr("NOT_ALLOWED"));
  EXPECT_EQ(Publish("police", "application/cloudevents+xml", "<a/>").status,
            415);
  EXPECT_EQ(Publish("police", "application/cloudevents+json", "{").status, 400);
}

TEST_F(DoorsTest, APersonsEventsAreReadInPages) {
  const json::value alerts =
      json::parse(gateway_->Call("coordinator", kListAlerts, "{}").body);
  const std::string subject(
      alerts.at("alerts").at(0).at("subject").as_string());
  const auto read = [&](const std::string& principal, const std::string& more) {
    return gateway_->Ask(
        principal,
        HttpRequest("GET", absl::StrCat("/events?subject=", subject, more)));
  };
  const HttpAnswer all = read("coordinator", "");
  ASSERT_EQ(all.status, 200);
  EXPECT_EQ(all.headers.at("content-type"),
            "application/cloudevents-batch+json");
  EXPECT_EQ(all.headers.at("concordat-more"), "false");
  const json::array events = json::parse(all.body).as_array();
  ASSERT_GT(events.size(), 2u);
  for (const auto& event : events) {
    EXPECT_EQ(event.at("subject"), json::value(subject));
    EXPECT_EQ(event.at("specversion"), "1.0");
  }
  json::array paged;
  std::string after = "0";
  for (std::string more = "true"; more == "true" && paged.size() < 1000;) {
    const HttpAnswer page =
        read("coordinator", absl::StrCat("&limit=2&after=", after));
    ASSERT_EQ(page.status, 200) << page.body;
    const json::array views = json::parse(page.body).as_array();
    paged.insert(paged.end(), views.begin(), views.end());
    after = page.headers.at("concordat-position");
    more = page.headers.at("concordat-more");
  }
  EXPECT_EQ(paged, events);
  EXPECT_EQ(read("coordinator", "&limit=257").status, 400);
  EXPECT_EQ(read("coordinator", "&after=-1").status, 400);
  EXPECT_EQ(
      gateway_
          ->Ask("coordinator", HttpRequest("GET", "/events?subject=ref:chi:1"))
          .status,
      400);
  // Nobody, and somebody one may not see, look the same.
  const HttpAnswer nobody = gateway_->Ask(
      "coordinator",
      HttpRequest("GET", "/events?subject=p-aaaaaaaaaaaaaaaaaaaaaaaaaa"));
  EXPECT_EQ(nobody.status, 200);
  EXPECT_EQ(nobody.body, "[]");
}

TEST_F(DoorsTest, OffersItsDocuments) {
  for (const auto& [path, member] :
       std::vector<std::pair<std::string, std::string>>{
           {"/openapi.json", "openapi"}, {"/asyncapi.json", "asyncapi"}}) {
    const HttpAnswer answer = gateway_->Ask("", HttpRequest("GET", path));
    EXPECT_EQ(answer.status, 200);
    EXPECT_TRUE(json::parse(answer.body).as_object().contains(member));
  }
}

// The last: it ends the gateway.
TEST_F(DoorsTest, StopsWhileStreamsAreOpen) {
  const auto client = Follow("");
  EXPECT_EQ(gateway_->hub().Stop("concordat-gateway"), 0);
  while (!client->ReadChunk().empty()) {
  }
  EXPECT_TRUE(client->IsClosedWithin(absl::Seconds(5)));
}

}  // namespace
}  // namespace concordat::testing
