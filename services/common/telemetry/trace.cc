#include "services/common/telemetry/trace.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace concordat {
namespace {

constexpr absl::Duration kGather = absl::Milliseconds(200);
constexpr absl::Duration kPatience = absl::Seconds(2);
constexpr size_t kSpanIdBytes = 8;
constexpr size_t kTraceIdBytes = 16;

bool IsHex(absl::string_view text, size_t digits) {
  return text.size() == digits &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

bool IsZero(absl::string_view hex) {
  return hex.find_first_not_of('0') == absl::string_view::npos;
}

// POSTs to a port of this machine; whether the answer was 200.
bool Post(uint16_t port, absl::string_view body) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const timeval limit = absl::ToTimeval(kPatience);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
  sockaddr_in to = {};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const std::string request = absl::StrCat(
      "POST /v1/traces HTTP/1.1\r\nHost: localhost\r\n"
      "Content-Type: application/json\r\nConnection: close\r\n"
      "Content-Length: ",
      body.size(), "\r\n\r\n", body);
  bool went =
      connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0;
  for (size_t sent = 0; went && sent < request.size();) {
    const ssize_t bytes =
        send(fd, request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
    went = bytes > 0;
    if (went) sent += static_cast<size_t>(bytes);
  }
  std::array<char, 64> answer = {};
  const ssize_t bytes = went ? recv(fd, answer.data(), answer.size(), 0) : 0;
  close(fd);
  return bytes > 0 &&
         absl::StartsWith(
             absl::string_view(answer.data(), static_cast<size_t>(bytes)),
             "HTTP/1.1 200");
}

}  // namespace

std::optional<TraceContext> ParseTraceparent(absl::string_view text) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, '-');
  if (parts.size() != 4 || parts[0] != "00" || !IsHex(parts[1], 32) ||
      !IsHex(parts[2], 16) || !IsHex(parts[3], 2) || IsZero(parts[1]) ||
      IsZero(parts[2])) {
    return std::nullopt;
  }
  const std::string flags = absl::HexStringToBytes(parts[3]);
  if ((flags[0] & 1) == 0) return std::nullopt;
  return TraceContext{std::string(parts[1]), std::string(parts[2])};
}

std::string Traceparent(const TraceContext& context) {
  return absl::StrCat("00-", context.trace, "-", context.span, "-01");
}

// Names are the program's own and types are of the schemas: none needs quoting.
std::string OtlpJson(absl::string_view service,
                     const std::vector<Span>& spans) {
  std::string list;
  for (const Span& span : spans) {
    absl::StrAppend(
        &list, list.empty() ? "" : ",", R"({"traceId":")", span.parent.trace,
        R"(","spanId":")", span.id, R"(","parentSpanId":")", span.parent.span,
        R"(","name":")", span.name, R"(","kind":5,"startTimeUnixNano":")",
        absl::ToUnixNanos(span.start), R"(","endTimeUnixNano":")",
        absl::ToUnixNanos(span.end),
        R"(","attributes":[{"key":"concordat.event_type","value":{"stringValue":")",
        span.event_type, R"("}}]})");
  }
  return absl::StrCat(
      R"({"resourceSpans":[{"resource":{"attributes":[{"key":"service.name",)",
      R"("value":{"stringValue":")", service,
      R"("}}]},"scopeSpans":[{"scope":{"name":"concordat"},"spans":[)", list,
      "]}]}]}");
}

SpanExporter::SpanExporter(std::string service, uint16_t port, Random& random,
                           Metrics& metrics)
    : service_(std::move(service)), port_(port), random_(random) {
  if (!wants()) return;
  collector_ = metrics.OnCollect([this](Samples& samples) {
    samples.Counter("concordat_spans_sent_total", "Spans a collector took.",
                    static_cast<double>(sent_));
    samples.Counter("concordat_spans_dropped_total",
                    "Spans that no collector took, or that came too fast.",
                    static_cast<double>(dropped_));
  });
  thread_ = std::thread([this] { Run(); });
}

SpanExporter::~SpanExporter() {
  collector_.reset();
  {
    MutexLock lock(mu_);
    stopping_ = true;
  }
  changed_.NotifyAll();
  if (thread_.joinable()) thread_.join();
}

void SpanExporter::Add(Span span) {
  if (!wants()) return;
  MutexLock lock(mu_);
  if (waiting_.size() >= kWaitingMax) {
    ++dropped_;
  } else {
    waiting_.push_back(std::move(span));
  }
}

void SpanExporter::Run() {
  for (bool last = false; !last;) {
    std::vector<Span> spans;
    {
      MutexLock lock(mu_);
      last = changed_.WaitFor(
          mu_, kGather,
          [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return stopping_; });
      spans = std::exchange(waiting_, {});
    }
    if (!spans.empty()) Send(std::move(spans));
  }
}

std::string SpanExporter::NewId(size_t bytes) {
  std::string id(bytes, '\0');
  random_.Fill(reinterpret_cast<uint8_t*>(id.data()), id.size());
  return absl::BytesToHexString(id);
}

std::string SpanExporter::NewSpanId() { return NewId(kSpanIdBytes); }
std::string SpanExporter::NewTraceId() { return NewId(kTraceIdBytes); }

void SpanExporter::Send(std::vector<Span> spans) {
  for (Span& span : spans) {
    if (span.id.empty()) span.id = NewSpanId();
  }
  (Post(port_, OtlpJson(service_, spans)) ? sent_ : dropped_) += spans.size();
}

}  // namespace concordat
