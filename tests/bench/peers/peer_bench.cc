#include "tests/bench/peers/peer_bench.h"

#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace concordat::bench {
namespace {

double Quantile(std::vector<double>& values, double q) {
  const auto at = values.begin() +
                  static_cast<long>(q * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

}  // namespace

double Seconds() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) +
         static_cast<double>(now.tv_nsec) * 1e-9;
}

void Fail(const char* what, const char* why) {
  std::fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what,
               why);
  std::exit(1);
}

PacedPayload::PacedPayload(const PeerJob& job)
    : rate_(job.rate), start_(Seconds()), payload_(kPayloadBytes, 'x') {}

const std::string& PacedPayload::WaitFor(int64_t i) {
  if (rate_ > 0) {
    const double wait = start_ + static_cast<double>(i) / rate_ - Seconds();
    if (wait > 0) {
      const timespec pause = {0, static_cast<long>(wait * 1e9)};
      nanosleep(&pause, nullptr);
    }
  }
  const double now = Seconds();
  std::memcpy(payload_.data(), &now, sizeof now);
  return payload_;
}

Latencies::Latencies(const PeerJob& job)
    : events_(job.events), ack_every_(job.rate > 0 ? 1 : kAckEvery) {
  ages_s_.reserve(static_cast<size_t>(events_));
}

void Latencies::Came(const void* payload) {
  double sent;
  std::memcpy(&sent, payload, sizeof sent);
  ages_s_.push_back(Seconds() - sent);
}

bool Latencies::AckIsDue() const { return done() || came() % ack_every_ == 0; }

void MeasurePeer(char** arguments,
                 const std::function<PeerResult(const PeerJob&)>& run) {
  PeerJob full;
  full.name = "throughput";
  full.events = std::atoll(arguments[0]);
  full.in_flight = std::atoll(arguments[1]);
  PeerJob paced = full;
  paced.name = "latency";
  paced.rate = std::atof(arguments[2]);
  paced.events = std::atoll(arguments[3]);
  const PeerResult fast = run(full);
  std::vector<double> ages_s = run(paced).ages_s;
  // The first tenth warms up.
  ages_s.erase(ages_s.begin(), ages_s.begin() + paced.events / 10);
  const double events = static_cast<double>(full.events);
  std::printf(
      "{\"acked_per_s\":%.0f,\"delivered_per_s\":%.0f,\"p50_ms\":%.3f,"
      "\"p99_ms\":%.3f}\n",
      events / fast.acked_s, events / fast.delivered_s,
      1e3 * Quantile(ages_s, 0.50), 1e3 * Quantile(ages_s, 0.99));
}

}  // namespace concordat::bench
