// What an operator sees of the real concordat-bus: metrics, and what is wrong.
//
// Mutant                                            Caught by
// metrics that nobody listens to                    EveryQueueStandsInTheMetrics
// a queue, histogram or refusal is left out         EveryQueueStandsInTheMetrics
// an answer never timed, or timed twice             EveryQueueStandsInTheMetrics
// who is refused a session is counted nowhere       WhoIsNotLetInStandsInTheMetrics
// a stranger's connections are counted nowhere      WhoIsNotLetInStandsInTheMetrics
// what is set aside is counted as waiting           WhatIsSetAsideStandsInTheMetrics
// a registry that does not load is said for ever    ARegistryThatDoesNotLoadIsSaidUntilItDoes
// a full disk is said in one place and not another  ALogThatTakesNoWritesIsCritical
// traceparent lost on the way, or all traced        ATracedEventLeavesASpanWhereItIsWritten…
// a trace ends where an event makes another one     ATraceGoesFromAnEventToWhatIsMadeOfIt
// each program begins a trace of its own            ATraceGoesFromAnEventToWhatIsMadeOfIt
// settings are not read, or a bad one passed over   SettingsAreReadAtTheStart
// lag of the alerts service is not told to ingest   BulkWaitsForTheAlertsServiceAndOthersDoNot
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <functional>
#include <sstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "services/common/base/system_clock.h"
#include "services/common/bus_client/traced_bus_client.h"
#include "tests/integration/bus/bus_fixture.h"
#include "tests/support/raw_peer.h"
#include "tests/support/span_receiver.h"

namespace concordat {
namespace {

class OperatorsTest : public BusProcessTest {
 protected:
  // What http://<its metrics>/metrics answers.
  std::string Scrape() {
    const auto address = bus_.data().ReadAddress("concordat-bus", "metrics");
    EXPECT_THAT(address, IsOk());
    const std::vector<std::string> parts = absl::StrSplit(*address, ':');
    uint32_t port = 0;
    EXPECT_TRUE(absl::SimpleAtoi(parts.back(), &port));
    sockaddr_in to = {};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<uint16_t>(port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    EXPECT_EQ(connect(socket, reinterpret_cast<sockaddr*>(&to), sizeof(to)), 0);
    const std::string request =
        "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    EXPECT_EQ(write(socket, request.data(), request.size()),
              static_cast<ssize_t>(request.size()));
    std::string text;
    char bytes[65536];
    for (ssize_t n; (n = read(socket, bytes, sizeof(bytes))) > 0;) {
      text.append(bytes, static_cast<size_t>(n));
    }
    close(socket);
    return text;
  }
  // The value of a metric, its labels as they are written; -1: there is none.
  double Metric(const std::string& name) {
    for (absl::string_view line : absl::StrSplit(Scrape(), '\n')) {
      if (!absl::ConsumePrefix(&line, name + " ")) continue;
      double value = 0;
      EXPECT_TRUE(absl::SimpleAtod(absl::StripAsciiWhitespace(line), &value));
      return value;
    }
    return -1;
  }
  std::shared_ptr<grpc::Channel> Admin() {
    auto channel = OpenChannel(bus_.data(), "concordat-bus", "admin", kLong);
    EXPECT_THAT(channel, IsOk());
    return channel.value_or(nullptr);
  }
  // Asks until it is so.
  void Await(const std::function<bool()>& is_so) {
    const SystemSteadyClock clock;
    const absl::Duration until = clock.Elapsed() + kLong;
    while (!is_so()) ASSERT_LT(clock.Elapsed(), until);
  }
  void WriteFile(const std::string& name, const std::string& text) {
    std::ofstream(bus_.data().PathOf(name)) << text;
  }
  std::string ReadFile(const std::string& name) {
    std::ifstream in(bus_.data().PathOf(name));
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
  }
};

TEST_F(OperatorsTest, BulkWaitsForTheAlertsServiceAndOthersDoNot) {
  constexpr int kBulk = 100;
  bus_.Stop();
  WriteFile("bus.textproto",
            "bulk_events_per_s: 20 urgent_lag_max_ms: 10 "
            "bulk_wait_max_ms: 60000");
  bus_.Start();
  const auto alerts = Connect("service-alerts");
  SubscribeOptions options;
  options.from_latest = true;
  options.urgent = true;
  const auto subscription = *alerts->Subscribe(options);
  ASSERT_THAT(subscription->Next(absl::ZeroDuration()),
              HasCode(absl::StatusCode::kDeadlineExceeded));
  Await([&] { return subscription->connected(); });
  const auto small = Connect("police");
  ASSERT_TRUE(Publish(*small, Concern("first", 1)).accepted);
  const auto first = subscription->Next(kLong);
  ASSERT_THAT(first, IsOk());
  Await([&] { return Metric("concordat_bus_urgent_lag_seconds") > 0.02; });

  const auto bulk = Connect("police");
  std::atomic<int> accepted = 0;
  for (int i = 0; i < kBulk; ++i) {
    std::vector<Event> set;
    set.push_back(Concern(absl::StrCat("bulk-", i), 1));
    ASSERT_THAT(bulk->Publish(std::move(set),
                              [&](std::vector<PublishOutcome> outcomes) {
                                accepted += outcomes[0].accepted ? 1 : 0;
                              }),
                IsOk());
  }
  Await([&] { return Metric("concordat_bus_bulk_waiting_bytes") > 0; });
  EXPECT_TRUE(Publish(*small, Concern("second", 1)).accepted);
  EXPECT_LT(accepted, kBulk);
  EXPECT_GT(Metric("concordat_bus_bulk_waiting_bytes"), 0);
  subscription->Ack(first->number);
  Await([&] {
    const auto next = subscription->Next(absl::Milliseconds(1));
    if (next.ok()) subscription->Ack(next->number);
    return accepted == kBulk;
  });
}

TEST_F(OperatorsTest, EveryQueueStandsInTheMetrics) {
  const auto police = Connect("police");
  const auto court = Connect("police");
  SubscribeOptions options;
  options.name = "slow";
  auto subscription = court->Subscribe(options);
  ASSERT_THAT(subscription, IsOk());
  for (int i = 1; i <= 3; ++i) {
    ASSERT_TRUE(Publish(*police, Concern(absl::StrCat("c-", i), 1)).accepted);
  }
  EXPECT_FALSE(Publish(*police, Opened("o-1", 1)).accepted);
  // It has the views and acknowledges none.
  for (int i = 1; i <= 3; ++i) {
    ASSERT_THAT((*subscription)->Next(kLong), IsOk());
  }
  const std::string slow =
      "{agency=\"police-scotland\",name=\"slow\",role=\"police\"}";
  Await([&] {
    return Metric("concordat_bus_subscription_outstanding" + slow) == 3;
  });
  EXPECT_EQ(Metric("concordat_bus_subscription_sessions" + slow), 1);
  EXPECT_GE(Metric("concordat_bus_subscription_lag" + slow), 3);
  EXPECT_GT(Metric("concordat_bus_subscription_outstanding_bytes" + slow), 100);
  EXPECT_EQ(Metric("concordat_bus_sessions{port=\"delivery\"}"), 1);
  EXPECT_EQ(Metric("concordat_bus_sessions{port=\"ingest\"}"), 2);
  EXPECT_EQ(Metric("concordat_bus_refused_total{reason=\"REFUSAL_SOURCE_NOT_"
                   "ALLOWED\"}"),
            1);
  const double end = Metric("concordat_bus_log_end");
  EXPECT_GE(end, 4);
  EXPECT_GT(Metric("concordat_bus_log_bytes"), 1000);
  EXPECT_GE(Metric("concordat_bus_log_segments"), 1);
  EXPECT_EQ(Metric("concordat_bus_read_only"), 0);
  EXPECT_EQ(Metric("concordat_bus_publish_calls_waiting"), 0);
  EXPECT_EQ(Metric("concordat_bus_blocks_out"), 0);
  EXPECT_EQ(Metric("concordat_bus_open_block_bytes"), 0);
  EXPECT_GT(Metric("concordat_bus_disk_free_bytes"), 0);
  // The clock's set at the beginning, three that were taken and one that was
  // not; each of the first four was a block of its own.
  EXPECT_EQ(Metric("concordat_bus_publish_seconds_count"), 5);
  // What its publisher signed comes as blocks of its own.
  EXPECT_GE(Metric("concordat_bus_disk_seconds_count"), 4);
  EXPECT_GE(Metric("concordat_bus_delivery_seconds_count"), 1);
  EXPECT_EQ(Metric("concordat_ready"), 1);
  EXPECT_GT(Metric("concordat_certificate_end_seconds{of=\"program\"}"), 1e9);

  ASSERT_THAT(PublishByCall("police", {Concern("c-4", 1)}), IsOk());
  EXPECT_EQ(Metric("concordat_bus_publish_seconds_count"), 6);
}

TEST_F(OperatorsTest, WhoIsNotLetInStandsInTheMetrics) {
  const DataDirectory& data = bus_.data();
  const auto own = data.LoadCurveKeys("police");
  const auto server = data.LoadBusPublicKey();
  const auto ingest = data.ReadAddress("concordat-bus", "ingest");
  ASSERT_THAT(own, IsOk());
  ASSERT_THAT(server, IsOk());
  ASSERT_THAT(ingest, IsOk());
  testing::RawPeer::Options options;
  options.own = CurvePair{own->public_key, own->secret_key};
  options.server_public_key = *server;
  // With the police's key, and says that it is a health board.
  testing::RawPeer peer(options, *ingest);
  ClientIdentity identity;
  identity.agency = "nhs-tayside";
  identity.role = "nhs-liaison";
  identity.environment = bus::v1::ENVIRONMENT_DEMO;
  EXPECT_EQ(peer.Open(identity), 0u);
  const std::string refused =
      "concordat_bus_refused_total{reason=\"REFUSAL_NOT_REGISTERED\"}";
  Await([&] { return Metric(refused) == 1; });
  bus::v1::ListRefusalsResponse refusals;
  ASSERT_TRUE(refusals.ParseFromString(Call("admin", "ListRefusals")));
  ASSERT_EQ(refusals.refusals_size(), 1);
  EXPECT_EQ(refusals.refusals(0).principal(), "police");

  const double strangers = Metric("concordat_bus_refused_keys_total");
  options.own = NewCurvePair();
  testing::RawPeer stranger(options, *ingest);
  Await([&] { return Metric("concordat_bus_refused_keys_total") > strangers; });

  const std::string cut =
      "concordat_bus_cut_total{port=\"ingest\",reason=\"multipart\"}";
  EXPECT_EQ(Metric(cut), 0);
  options.own = CurvePair{own->public_key, own->secret_key};
  testing::RawPeer two(options, *ingest);
  ASSERT_TRUE(two.SendParts({"one", "two"}));
  Await([&] { return Metric(cut) == 1; });
  EXPECT_GE(Metric("concordat_bus_connections_total{port=\"ingest\"}"), 2);
}

TEST_F(OperatorsTest, WhatIsSetAsideStandsInTheMetrics) {
  bus_.Stop();
  WriteFile("bus.textproto", "attempts: 1 backoff_min_ms: 10\n");
  bus_.Start();
  const auto police = Connect("police");
  SubscribeOptions options;
  options.name = "letters";
  options.settlement = SettlementMode::kSingly;
  auto subscription = police->Subscribe(options);
  ASSERT_THAT(subscription, IsOk());
  // Of one person: the second one waits behind the first, which fails.
  for (int i = 1; i <= 2; ++i) {
    ASSERT_TRUE(Publish(*police, Concern(absl::StrCat("c-", i), 1)).accepted);
  }
  const auto first = (*subscription)->Next(kLong);
  ASSERT_THAT(first, IsOk());
  (*subscription)->Nack(first->number, absl::Milliseconds(1), "no such form");
  const std::string letters =
      "{agency=\"police-scotland\",name=\"letters\",role=\"police\"}";
  Await([&] {
    return Metric("concordat_bus_subscription_set_aside" + letters) == 1 &&
           Metric("concordat_bus_subscription_waiting" + letters) == 1;
  });
  EXPECT_EQ(Metric("concordat_bus_subscription_parked" + letters), 0);

  bus::v1::ParkRequest park;
  bus::v1::SubscriptionName& name =
      *park.mutable_choice()->mutable_subscription();
  name.set_agency("police-scotland");
  name.set_role("police");
  name.set_name("letters");
  park.set_confirmed_count(1);
  park.set_why("a person looks at it");
  ASSERT_THAT(AskByTwo<bus::v1::ParkResponse>("Park", park), IsOk());
  Await([&] {
    return Metric("concordat_bus_subscription_parked" + letters) == 1 &&
           Metric("concordat_bus_subscription_set_aside" + letters) == 0;
  });
}

TEST_F(OperatorsTest, ARegistryThatDoesNotLoadIsSaidUntilItDoes) {
  const auto admin = Admin();
  const std::string good = ReadFile("registry.textproto");
  WriteFile("registry.textproto", good + "\nprincipals { nam: \"x\" }\n");
  Await([&] {
    return absl::StrContains(HealthBy(admin).degraded_because(),
                             "the new registry does not load");
  });
  EXPECT_EQ(Metric("concordat_trouble{about=\"\",code=\"registry\",critical="
                   "\"no\"}"),
            1);
  EXPECT_TRUE(HealthBy(admin).ready());
  WriteFile("registry.textproto", good);
  Await([&] {
    return !absl::StrContains(HealthBy(admin).degraded_because(), "registry");
  });
  EXPECT_EQ(Metric("concordat_trouble{about=\"\",code=\"registry\",critical="
                   "\"no\"}"),
            -1);
}

TEST_F(OperatorsTest, ALogThatTakesNoWritesIsCritical) {
  const auto police = Connect("police");
  bus_.LimitFiles(256 * 1024);
  for (int i = 1; i < 2000; ++i) {
    if (!Publish(*police, Concern(absl::StrCat("c-", i), 1)).accepted) break;
  }
  const hub::v1::GetStatusResponse status = HealthBy(Admin());
  EXPECT_TRUE(status.critical());
  EXPECT_THAT(status.degraded_because(), ::testing::StartsWith("CRITICAL: "));
  EXPECT_EQ(Metric("concordat_bus_read_only"), 1);
  EXPECT_EQ(Metric("concordat_trouble{about=\"\",code=\"read-only\",critical="
                   "\"yes\"}"),
            1);
}

TEST_F(OperatorsTest, SettingsAreReadAtTheStart) {
  bus_.Stop();
  WriteFile("watch.textproto",
            "disk_free_min_mib: 16777216  # More than there is.\n"
            "expiry_warning_days: 365\n");
  bus_.Start();
  const auto admin = Admin();
  Await([&] {
    const std::string because = HealthBy(admin).degraded_because();
    return absl::StrContains(because, "of 16777216 MiB are left") &&
           absl::StrContains(because, "the certificate of the program ends");
  });
}

TEST_F(OperatorsTest, ATracedEventLeavesASpanWhereItIsWrittenAndHandled) {
  constexpr char kTrace[] = "4bf92f3577b34da6a3ce929d0e0e4736";
  testing::SpanReceiver collector;
  bus_.Stop();
  WriteFile("watch.textproto",
            absl::StrCat("trace_port: ", collector.port(), "\n"));
  bus_.Start();
  const auto police = Connect("police");
  ASSERT_TRUE(Publish(*police, Concern("plain", 1)).accepted);
  Event traced = Concern("traced", 1);
  traced.header.traceparent =
      absl::StrCat("00-", kTrace, "-00f067aa0ba902b7-01");
  ASSERT_TRUE(Publish(*police, std::move(traced)).accepted);
  const std::string written = collector.Take();
  EXPECT_THAT(written, HasSubstr("\"concordat-bus\""));
  EXPECT_THAT(written, HasSubstr("\"name\":\"append\""));
  EXPECT_THAT(written, HasSubstr(absl::StrCat("\"traceId\":\"", kTrace)));
  EXPECT_EQ(written.find("traceId"), written.rfind("traceId"));

  Metrics metrics;
  const SystemClock clock;
  SpanExporter spans("reader", collector.port(), random_, metrics);
  TracedBusClient reader(*police, spans, clock);
  auto subscription = reader.Subscribe({});
  ASSERT_THAT(subscription, IsOk());
  for (std::string id; id != "traced";) {
    const auto delivery = (*subscription)->Next(kLong);
    ASSERT_THAT(delivery, IsOk());
    id = delivery->view.header.id;
    (*subscription)->Ack(delivery->number);
  }
  const std::string handled = collector.Take();
  EXPECT_THAT(handled, HasSubstr("\"reader\""));
  EXPECT_THAT(handled, HasSubstr("\"name\":\"handle\""));
  EXPECT_THAT(handled, HasSubstr(absl::StrCat("\"traceId\":\"", kTrace)));
}

// The value of `name` in the span that is of this service and has this name.
std::string FieldOf(const std::string& sent, const std::string& service,
                    const std::string& span, const std::string& name) {
  for (const absl::string_view request :
       absl::StrSplit(sent, "POST /v1/traces")) {
    if (!absl::StrContains(request, absl::StrCat("\"", service, "\""))) {
      continue;
    }
    for (const absl::string_view one :
         absl::StrSplit(request, "{\"traceId\"")) {
      if (!absl::StrContains(one, absl::StrCat("\"name\":\"", span, "\""))) {
        continue;
      }
      const std::string whole = absl::StrCat("{\"traceId\"", one);
      const size_t at = whole.find(absl::StrCat("\"", name, "\":\""));
      const size_t begin = whole.find(":\"", at) + 2;
      return whole.substr(begin, whole.find('"', begin) - begin);
    }
  }
  return "";
}

TEST_F(OperatorsTest, ATraceGoesFromAnEventToWhatIsMadeOfIt) {
  testing::SpanReceiver collector;
  const auto police = Connect("police");
  const auto other = Connect("police");
  Metrics metrics;
  const SystemClock clock;
  SpanExporter edge_spans("edge", collector.port(), random_, metrics);
  SpanExporter spans("reader", collector.port(), random_, metrics);
  TracedBusClient edge(*police, edge_spans, clock,
                       TracedBusClient::Traces::kBegin);
  TracedBusClient reader(*other, spans, clock);
  // Of itself this one begins none.
  ASSERT_TRUE(Publish(reader, Concern("plain", 1)).accepted);
  ASSERT_TRUE(Publish(edge, Concern("begins", 1)).accepted);
  std::string sent = collector.Take();
  const std::string trace = FieldOf(sent, "edge", "publish", "traceId");
  const std::string root = FieldOf(sent, "edge", "publish", "spanId");
  EXPECT_EQ(trace.size(), 32u) << sent;
  EXPECT_EQ(root.size(), 16u);
  EXPECT_EQ(FieldOf(sent, "edge", "publish", "parentSpanId"), "");

  SubscribeOptions options;
  options.types = {"concordat.police.v1.ConcernShared"};
  auto subscription = reader.Subscribe(options);
  ASSERT_THAT(subscription, IsOk());
  auto delivery = (*subscription)->Next(kLong);
  ASSERT_THAT(delivery, IsOk());
  EXPECT_EQ(delivery->view.header.traceparent, "");
  delivery = (*subscription)->Next(kLong);
  ASSERT_THAT(delivery, IsOk());
  EXPECT_EQ(delivery->view.header.traceparent,
            absl::StrCat("00-", trace, "-", root, "-01"));
  (*subscription)->Ack(delivery->number);
  sent = collector.Take();
  EXPECT_EQ(FieldOf(sent, "reader", "handle", "traceId"), trace) << sent;
  EXPECT_EQ(FieldOf(sent, "reader", "handle", "parentSpanId"), root);
  const std::string handle = FieldOf(sent, "reader", "handle", "spanId");

  Header header = Concern("caused", 1).header;
  header.causation = absl::StrCat(kPolice, "#begins");
  police::v1::ConcernShared concern;
  concern.set_concern_type("CHILDREN_AT_ADDRESS");
  concern.set_incident_ref("INC-1");
  auto caused = MakeEvent(*types_, std::move(header), concern, random_);
  ASSERT_THAT(caused, IsOk());
  ASSERT_TRUE(Publish(reader, *std::move(caused)).accepted);
  delivery = (*subscription)->Next(kLong);
  ASSERT_THAT(delivery, IsOk());
  EXPECT_EQ(delivery->view.header.traceparent,
            absl::StrCat("00-", trace, "-", handle, "-01"));
}

}  // namespace
}  // namespace concordat
