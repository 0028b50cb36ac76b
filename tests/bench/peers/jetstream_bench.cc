// NATS JetStream doing the job that `concordat bench` does: 512-byte payloads,
// one publisher with 1,024 in flight, one durable subscriber that acknowledges
// in bulk, file storage, TLS. Prints the same figures as one line of JSON.
//
// usage: jetstream_bench URL CA_FILE EVENTS IN_FLIGHT RATE LATENCY_EVENTS
#include <nats/nats.h>
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr size_t kPayloadBytes = 512;
constexpr int kAckEvery = 256;

double Seconds() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) +
         static_cast<double>(now.tv_nsec) * 1e-9;
}

void Check(natsStatus status, const char* what) {
  if (status == NATS_OK) return;
  std::fprintf(stderr, "jetstream_bench: %s: %s\n", what,
               natsStatus_GetText(status));
  std::exit(1);
}

natsConnection* Connect(const char* url, const char* ca) {
  natsOptions* options = nullptr;
  natsConnection* connection = nullptr;
  Check(natsOptions_Create(&options), "options");
  Check(natsOptions_SetURL(options, url), "url");
  if (ca[0] != '\0') {
    Check(natsOptions_SetSecure(options, true), "tls");
    Check(natsOptions_LoadCATrustedCertificates(options, ca), "ca");
  }
  Check(natsConnection_Connect(&connection, options), "connect");
  natsOptions_Destroy(options);
  return connection;
}

void OnAck(jsCtx*, natsMsg* message, jsPubAck*, jsPubAckErr* error, void* arg) {
  if (error != nullptr) {
    std::fprintf(stderr, "jetstream_bench: publish: %s\n", error->ErrText);
    std::exit(1);
  }
  natsMsg_Destroy(message);
  static_cast<std::atomic<int64_t>*>(arg)->fetch_add(1);
}

struct Result {
  double acked_s = 0;
  double delivered_s = 0;
  std::vector<double> latencies_s;
};

// `rate` 0: as fast as it goes.
Result Run(const char* url, const char* ca, const std::string& name,
           int64_t events, int64_t in_flight, double rate) {
  natsConnection* out = Connect(url, ca);
  natsConnection* in = Connect(url, ca);
  std::atomic<int64_t> acked{0};
  jsOptions options;
  jsOptions_Init(&options);
  options.PublishAsync.MaxPending = in_flight;
  options.PublishAsync.StallWait = 60'000;
  options.PublishAsync.AckHandler = OnAck;
  options.PublishAsync.AckHandlerClosure = &acked;
  jsCtx* publisher = nullptr;
  jsCtx* reader = nullptr;
  Check(natsConnection_JetStream(&publisher, out, &options), "context");
  Check(natsConnection_JetStream(&reader, in, nullptr), "context");

  const std::string subject = "bench." + name;
  const char* subjects[] = {subject.c_str()};
  jsStreamConfig stream;
  jsStreamConfig_Init(&stream);
  stream.Name = name.c_str();
  stream.Subjects = subjects;
  stream.SubjectsLen = 1;
  stream.Storage = js_FileStorage;
  jsErrCode code;
  Check(js_AddStream(nullptr, publisher, &stream, nullptr, &code), "stream");

  jsSubOptions subscribe;
  jsSubOptions_Init(&subscribe);
  subscribe.ManualAck = true;
  subscribe.Config.Durable = "reader";
  subscribe.Config.AckPolicy = js_AckAll;
  subscribe.Config.MaxAckPending = 65'536;
  natsSubscription* subscription = nullptr;
  Check(js_SubscribeSync(&subscription, reader, subject.c_str(), nullptr,
                         &subscribe, &code),
        "subscribe");
  Check(natsSubscription_SetPendingLimits(subscription, -1, -1), "limits");

  Result result;
  const double start = Seconds();
  std::thread receive([&] {
    result.latencies_s.reserve(static_cast<size_t>(events));
    for (int64_t i = 1; i <= events; ++i) {
      natsMsg* message = nullptr;
      Check(natsSubscription_NextMsg(&message, subscription, 60'000), "next");
      double sent;
      std::memcpy(&sent, natsMsg_GetData(message), sizeof sent);
      result.latencies_s.push_back(Seconds() - sent);
      if (i % kAckEvery == 0 || i == events || rate > 0) {
        Check(natsMsg_Ack(message, nullptr), "ack");
      }
      natsMsg_Destroy(message);
    }
    result.delivered_s = Seconds() - start;
  });
  std::string payload(kPayloadBytes, 'x');
  for (int64_t i = 0; i < events; ++i) {
    if (rate > 0) {
      const double due = start + static_cast<double>(i) / rate;
      const double wait = due - Seconds();
      if (wait > 0) {
        timespec pause = {0, static_cast<long>(wait * 1e9)};
        nanosleep(&pause, nullptr);
      }
    }
    const double now = Seconds();
    std::memcpy(payload.data(), &now, sizeof now);
    Check(js_PublishAsync(publisher, subject.c_str(), payload.data(),
                          static_cast<int>(payload.size()), nullptr),
          "publish");
  }
  jsPubOptions complete;
  jsPubOptions_Init(&complete);
  complete.MaxWait = 60'000;
  Check(js_PublishAsyncComplete(publisher, &complete), "complete");
  result.acked_s = Seconds() - start;
  receive.join();
  natsSubscription_Destroy(subscription);
  Check(js_DeleteStream(publisher, name.c_str(), nullptr, &code), "delete");
  jsCtx_Destroy(publisher);
  jsCtx_Destroy(reader);
  natsConnection_Destroy(out);
  natsConnection_Destroy(in);
  return result;
}

double Quantile(std::vector<double>& values, double q) {
  const auto at = values.begin() +
                  static_cast<long>(q * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 7) {
    std::fprintf(stderr,
                 "usage: jetstream_bench URL CA_FILE EVENTS IN_FLIGHT RATE "
                 "LATENCY_EVENTS\n");
    return 2;
  }
  const int64_t events = std::atoll(argv[3]);
  const int64_t in_flight = std::atoll(argv[4]);
  const double rate = std::atof(argv[5]);
  const int64_t latency_events = std::atoll(argv[6]);
  Result full = Run(argv[1], argv[2], "throughput", events, in_flight, 0);
  Result paced =
      Run(argv[1], argv[2], "latency", latency_events, in_flight, rate);
  // The first tenth warms up.
  paced.latencies_s.erase(paced.latencies_s.begin(),
                          paced.latencies_s.begin() + latency_events / 10);
  std::printf(
      "{\"acked_per_s\":%.0f,\"delivered_per_s\":%.0f,\"p50_ms\":%.3f,"
      "\"p99_ms\":%.3f}\n",
      static_cast<double>(events) / full.acked_s,
      static_cast<double>(events) / full.delivered_s,
      1e3 * Quantile(paced.latencies_s, 0.50),
      1e3 * Quantile(paced.latencies_s, 0.99));
  nats_Close();
}
