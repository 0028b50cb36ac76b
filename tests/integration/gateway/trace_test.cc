// One trace from what an agency's edge took in to who is shown the alert, through
// the real programs of a hub that plays the story.
//
// Mutant                                            Caught by
// a program on the way begins a trace of its own    OneTraceLeadsFromAnEdgeToTheAlert
// a span is the child of another than its cause     OneTraceLeadsFromAnEdgeToTheAlert
// the gateway shows readers the trace               OneTraceLeadsFromAnEdgeToTheAlert
#include <boost/json.hpp>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/base/mutex.h"
#include "tests/support/gateway_process.h"
#include "tests/support/span_receiver.h"
#include "tests/support/status_matchers.h"

namespace concordat {
namespace {

namespace json = boost::json;
using ::testing::AnyOf;
using testing::GatewayProcess;
using testing::HttpRequest;
using testing::HubProcesses;
using testing::IsOk;
using ::testing::Not;

constexpr absl::Duration kLong = absl::Seconds(60);

struct Seen {
  std::string service;
  std::string name;
  std::string trace;
  std::string parent;
};

// Every span that any program sends, by its id.
class Collector {
 public:
  Collector() : thread_([this] { Run(); }) {}
  ~Collector() {
    receiver_.Close();
    thread_.join();
  }
  uint16_t port() const { return receiver_.port(); }
  // The way from some span of this service and name to the one that its trace
  // began with, once there is one of so many steps; empty: there is none in time.
  std::vector<Seen> Await(const std::string& service, const std::string& name,
                          size_t steps) {
    std::vector<Seen> way;
    MutexLock lock(mu_);
    changed_.WaitFor(mu_, kLong, [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      for (const auto& [id, seen] : spans_) {
        if (seen.service != service || seen.name != name) continue;
        way = WayFrom(seen);
        if (way.size() >= steps && way.back().parent.empty()) return true;
      }
      way.clear();
      return false;
    });
    return way;
  }

 private:
  std::vector<Seen> WayFrom(Seen seen) const ABSL_NO_THREAD_SAFETY_ANALYSIS {
    std::vector<Seen> way = {seen};
    for (auto at = spans_.find(seen.parent); at != spans_.end();
         at = spans_.find(at->second.parent)) {
      way.push_back(at->second);
    }
    return way;
  }
  void Run() {
    for (std::string request; !(request = receiver_.Take()).empty();) {
      const size_t body = request.find("\r\n\r\n");
      const json::value sent = json::parse(request.substr(body + 4));
      const json::value& resource = sent.at("resourceSpans").at(0);
      const json::value& service =
          resource.at("resource").at("attributes").at(0).at("value");
      MutexLock lock(mu_);
      for (const json::value& span :
           resource.at("scopeSpans").at(0).at("spans").as_array()) {
        const auto text = [](const json::value& value) {
          return std::string(value.as_string());
        };
        spans_[text(span.at("spanId"))] = {
            text(service.at("stringValue")), text(span.at("name")),
            text(span.at("traceId")), text(span.at("parentSpanId"))};
      }
      changed_.NotifyAll();
    }
  }

  testing::SpanReceiver receiver_;
  Mutex mu_;
  CondVar changed_;
  std::map<std::string, Seen> spans_ ABSL_GUARDED_BY(mu_);
  std::thread thread_;
};

TEST(Trace, OneTraceLeadsFromAnEdgeToTheAlert) {
  Collector collector;
  GatewayProcess gateway;
  std::ofstream(gateway.data().PathOf("watch.textproto"))
      << "trace_port: " << collector.port() << "\n";
  for (const std::string& program : HubProcesses::Programs()) {
    gateway.hub().Start(program);
  }
  gateway.Start();
  ASSERT_THAT(gateway.hub().Run({"demo", "status", "--wait", "60s", "--quiet"}),
              IsOk());
  std::vector<std::unique_ptr<testing::HttpsClient>> readers;
  for (const char* principal : {"police", "nhs", "socialwork", "coordinator"}) {
    readers.push_back(gateway.Connect(principal));
    readers.back()->Send(HttpRequest("GET", "/alerts/stream"));
    ASSERT_EQ(readers.back()->ReadHead().status, 200);
  }
  ASSERT_THAT(gateway.hub().Run({"demo", "play"}), IsOk());

  // Shown because of an alert that was raised as an event was handled, which an
  // edge made.
  const std::vector<Seen> way = collector.Await("concordat-gateway", "show", 3);
  ASSERT_GE(way.size(), 3u);
  EXPECT_EQ(way[1].service, "concordat-alerts");
  EXPECT_EQ(way[1].name, "handle");
  EXPECT_THAT(way.back().service, AnyOf("concordat-adapter", "edge-council"));
  EXPECT_EQ(way.back().name, "publish");
  for (const Seen& seen : way) EXPECT_EQ(seen.trace, way[0].trace);
  // It is on disk because of the same.
  EXPECT_FALSE(collector.Await("concordat-bus", "append", 2).empty());
  std::string shown;
  while (!absl::StrContains(shown, "alertRef")) {
    const std::string chunk = readers.back()->ReadChunk();
    ASSERT_NE(chunk, "");
    shown += chunk;
  }
  EXPECT_THAT(shown, Not(::testing::HasSubstr("traceparent")));
}

}  // namespace
}  // namespace concordat
