// Traces across programs: an event that carries a W3C traceparent leaves a span in
// each program that works on it. Spans say program, step, type of the event and
// times; never an id, a person or a payload.
#ifndef CONCORDAT_SERVICES_COMMON_TELEMETRY_TRACE_H_
#define CONCORDAT_SERVICES_COMMON_TELEMETRY_TRACE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/common/base/mutex.h"
#include "services/common/base/random.h"
#include "services/common/telemetry/metrics.h"

namespace concordat {

// Lower-case hex, as it stands in a traceparent.
struct TraceContext {
  std::string trace;  // 32 digits.
  std::string span;   // 16 digits: whose child is made.
};

// "00-<trace>-<span>-<flags>". None: not one, or not sampled.
std::optional<TraceContext> ParseTraceparent(absl::string_view text);
// And back, sampled.
std::string Traceparent(const TraceContext& context);

struct Span {
  // Its `span` is empty: the trace begins here.
  TraceContext parent;
  std::string name;  // "publish", "append", "handle".
  std::string event_type;
  absl::Time start;
  absl::Time end;
  // 16 digits, when something else names it as its parent; empty: any.
  std::string id = {};
};

// The body of OTLP's POST /v1/traces, in JSON. Each span has its id.
std::string OtlpJson(absl::string_view service, const std::vector<Span>& spans);

// Sends spans to a collector on this machine, a few times a second.
//
// Threads  Add: any; never waits.
// Bounds   1,024 spans wait; what comes then is dropped and counted
//          (concordat_spans_dropped_total), as are those that no collector took.
class SpanExporter {
 public:
  // Port 0: nothing is sent and Add does nothing. The references outlive it.
  SpanExporter(std::string service, uint16_t port, Random& random,
               Metrics& metrics);
  // Sends what waits, once.
  ~SpanExporter();

  bool wants() const { return port_ != 0; }
  // For a span that others are to name, and for a trace that begins. Any thread.
  std::string NewSpanId();
  std::string NewTraceId();
  void Add(Span span);

 private:
  static constexpr size_t kWaitingMax = 1024;

  void Run();
  std::string NewId(size_t bytes);
  void Send(std::vector<Span> spans);

  const std::string service_;
  const uint16_t port_;
  Random& random_;
  std::atomic<uint64_t> sent_ = 0;
  std::atomic<uint64_t> dropped_ = 0;
  Mutex mu_;
  CondVar changed_;
  std::vector<Span> waiting_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::unique_ptr<Metrics::Collector> collector_;
  std::thread thread_;
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_TELEMETRY_TRACE_H_
