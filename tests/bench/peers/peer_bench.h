// What the peers' benchmarks share: the job that `concordat bench` does, the
// clock, and the line of JSON that tests/bench/run reads.
#ifndef CONCORDAT_TESTS_BENCH_PEERS_PEER_BENCH_H_
#define CONCORDAT_TESTS_BENCH_PEERS_PEER_BENCH_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace concordat::bench {

inline constexpr size_t kPayloadBytes = 512;
// At full speed the subscriber acknowledges so many at once; else each.
inline constexpr int kAckEvery = 256;

struct PeerJob {
  std::string name;  // Of the stream or queue; one job, one name.
  int64_t events = 0;
  int64_t in_flight = 0;  // Published and not yet acknowledged, at most.
  double rate = 0;        // Events a second; 0: as fast as they go.
};

// Seconds of a clock that never steps back.
double Seconds();

// Says what failed and why, and ends the program.
[[noreturn]] void Fail(const char* what, const char* why);

// The publisher's side: a payload that begins with the moment it was sent.
class PacedPayload {
 public:
  explicit PacedPayload(const PeerJob& job);
  // Until event `i`, from 0, is due; then stamps it.
  const std::string& WaitFor(int64_t i);
  double SecondsSinceStart() const { return Seconds() - start_; }

 private:
  const double rate_;
  const double start_;
  std::string payload_;
};

// The subscriber's side: the age of each payload that came.
class Latencies {
 public:
  explicit Latencies(const PeerJob& job);
  void Came(const void* payload);
  // Whether what came last is to be acknowledged, with all before it.
  bool AckIsDue() const;
  bool done() const { return came() == events_; }
  int64_t came() const { return static_cast<int64_t>(ages_s_.size()); }
  std::vector<double>& ages_s() { return ages_s_; }

 private:
  const int64_t events_;
  const int64_t ack_every_;
  std::vector<double> ages_s_;
};

struct PeerResult {
  double acked_s = 0;      // From the start until the last confirmation.
  double delivered_s = 0;  // Until the last event was taken.
  std::vector<double> ages_s;
};

// Runs a job at full speed and one that is paced, `arguments` being EVENTS
// IN_FLIGHT RATE LATENCY_EVENTS, and prints the figures as one line of JSON.
void MeasurePeer(char** arguments,
                 const std::function<PeerResult(const PeerJob&)>& run);

}  // namespace concordat::bench

#endif  // CONCORDAT_TESTS_BENCH_PEERS_PEER_BENCH_H_
