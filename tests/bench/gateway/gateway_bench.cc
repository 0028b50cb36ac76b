// What the gateway adds, and what its streams cost, on a hub that runs: `run`,
// beside this, makes one.
//
//   gateway_bench --data DIR --rate 1000 --seconds 10 --rounds 3
//       the same call at the same rate: by gRPC over one channel, as the gateway
//       has it, and through the gateway; p50, p99 of each round, and medians
//   gateway_bench --data DIR --streams 5000
//       opens so many alert streams and says what the gateway grew by
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "services/common/base/mutex.h"
#include "services/common/base/system_clock.h"
#include "services/common/config/start_up.h"
#include "services/common/rpc/channel.h"
#include "tests/support/https_client.h"

namespace concordat::testing {
namespace {

constexpr char kPrincipal[] = "coordinator";
constexpr char kProgram[] = "concordat-alerts";
// Answered at once and without a record on disk: what is added is not lost in
// what the call costs.
constexpr char kMethod[] = "concordat.hub.v1.StatusService/GetStatus";
constexpr int kWorkers = 32;

// One call; false: it failed.
using Call = std::function<bool()>;

// Each of several workers has a connection of its own; calls begin at their
// time, whether or not those before have ended, and are timed from then.
struct Load {
  std::vector<double> milliseconds;
  size_t failed = 0;
};

Load Run(const std::function<Call()>& make_call, int rate, int seconds) {
  SystemSteadyClock clock;
  Mutex mu;
  CondVar never;
  Load load;
  std::atomic<int> next{0};
  std::vector<Call> calls;
  for (int i = 0; i < kWorkers; ++i) calls.push_back(make_call());
  const absl::Duration began = clock.Elapsed() + absl::Milliseconds(200);
  std::vector<std::thread> workers;
  for (const Call& call : calls) {
    workers.emplace_back([&] {
      for (int i = next++; i < rate * seconds; i = next++) {
        const absl::Duration due = began + absl::Seconds(1) * i / rate;
        const absl::Duration early = due - clock.Elapsed();
        if (early > absl::ZeroDuration()) {
          MutexLock lock(mu);
          never.WaitFor(mu, early, [] { return false; });
        }
        const bool good = call();
        const absl::Duration took = clock.Elapsed() - due;
        MutexLock lock(mu);
        if (!good) ++load.failed;
        load.milliseconds.push_back(absl::ToDoubleMilliseconds(took));
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  std::sort(load.milliseconds.begin(), load.milliseconds.end());
  return load;
}

double Percentile(const Load& load, double share) {
  const auto count = static_cast<double>(load.milliseconds.size());
  return load.milliseconds[static_cast<size_t>(share * (count - 1))];
}

void Print(const char* what, const Load& load) {
  std::printf("%-8s p50 %.2f ms  p99 %.2f ms  p99.9 %.2f ms  failed %zu\n",
              what, Percentile(load, 0.5), Percentile(load, 0.99),
              Percentile(load, 0.999), load.failed);
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

int Compare(const DataDirectory& data, int rate, int seconds, int rounds) {
  // One channel for all, as the gateway has one.
  const auto channel =
      OpenChannel(data, kProgram, kPrincipal, absl::Seconds(5));
  const auto direct = [&channel]() -> Call {
    return [&channel] {
      return channel.ok() && GenericCall(*channel, kMethod, "", {}).ok();
    };
  };
  const auto through = [&data]() -> Call {
    auto opened = HttpsClient::Connect(GatewayOptions(data, kPrincipal));
    const std::shared_ptr<HttpsClient> client = *std::move(opened);
    return [client] {
      return client
                 ->Ask(HttpRequest("POST", absl::StrCat("/", kMethod),
                                   "Concordat-Program: concordat-alerts\r\n"
                                   "Content-Type: application/proto\r\n"))
                 .status == 200;
    };
  };
  const auto through_json = [&data]() -> Call {
    auto opened = HttpsClient::Connect(GatewayOptions(data, kPrincipal));
    const std::shared_ptr<HttpsClient> client = *std::move(opened);
    return [client] {
      return client
                 ->Ask(HttpRequest("POST", absl::StrCat("/", kMethod),
                                   "Concordat-Program: concordat-alerts\r\n"
                                   "Content-Type: application/json\r\n",
                                   "{}"))
                 .status == 200;
    };
  };
  Run(direct, rate, 2);  // Warm.
  Run(through, rate, 2);
  std::printf("%d calls/s of %s, %d rounds of %d s\n", rate, kMethod, rounds,
              seconds);
  const std::pair<const char*, std::function<Call()>> ways[] = {
      {"gRPC", direct}, {"proto", through}, {"JSON", through_json}};
  std::vector<double> p50[std::size(ways)];
  std::vector<double> p99[std::size(ways)];
  for (int round = 0; round < rounds; ++round) {
    for (size_t i = 0; i < std::size(ways); ++i) {
      const Load load = Run(ways[i].second, rate, seconds);
      Print(ways[i].first, load);
      p50[i].push_back(Percentile(load, 0.5));
      p99[i].push_back(Percentile(load, 0.99));
    }
  }
  for (size_t i = 0; i < std::size(ways); ++i) {
    std::printf("median  %-6s p50 %.2f ms  p99 %.2f ms\n", ways[i].first,
                Median(p50[i]), Median(p99[i]));
  }
  return 0;
}

// Resident kilobytes of a process.
size_t ResidentKb(const std::string& pid) {
  std::ifstream in(absl::StrCat("/proc/", pid, "/status"));
  std::string word;
  while (in >> word) {
    size_t kb = 0;
    if (word == "VmRSS:" && in >> kb) return kb;
  }
  return 0;
}

int Streams(const DataDirectory& data, int count) {
  rlimit limit = {};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  std::string pid;
  std::ifstream(data.PathOf("run/concordat-gateway.pid")) >> pid;
  const HttpsClient::Options options = GatewayOptions(data, kPrincipal);
  const size_t before = ResidentKb(pid);
  std::vector<std::unique_ptr<HttpsClient>> clients;
  for (int i = 0; i < count; ++i) {
    auto client = HttpsClient::Connect(options);
    if (!client.ok() ||
        !(*client)->Send(HttpRequest("GET", "/alerts/stream")) ||
        (*client)->ReadHead().status != 200) {
      std::printf("stream %d was not opened: %s\n", i,
                  std::string(client.status().message()).c_str());
      return 1;
    }
    clients.push_back(*std::move(client));
  }
  // Two heartbeats, so that each has written.
  for (int i = 0; i < 3; ++i) clients.back()->ReadChunk();
  const size_t after = ResidentKb(pid);
  std::printf("%d streams: %zu MB more, %.1f kB each (%zu MB in all)\n", count,
              (after - before) / 1024,
              static_cast<double>(after - before) / count, after / 1024);
  return 0;
}

int Main(int argc, char** argv) {
  StartUp start("gateway_bench", "What the gateway adds and costs.");
  std::string rate = "1000", seconds = "10", rounds = "3", streams;
  start.flags().AddString("rate", "Calls a second.", &rate);
  start.flags().AddString("seconds", "How long.", &seconds);
  start.flags().AddString("rounds", "How often.", &rounds);
  start.flags().AddString("streams", "Alert streams instead of calls.",
                          &streams);
  const DataDirectory data = start.Open(argc, argv);
  int number = 0;
  int length = 0;
  int times = 0;
  if (absl::SimpleAtoi(streams, &number)) return Streams(data, number);
  if (!absl::SimpleAtoi(rate, &number) || !absl::SimpleAtoi(seconds, &length) ||
      !absl::SimpleAtoi(rounds, &times) || times < 1) {
    start.Check(absl::InvalidArgumentError(
        "--rate, --seconds and --rounds are numbers"));
  }
  return Compare(data, number, length, times);
}

}  // namespace
}  // namespace concordat::testing

int main(int argc, char** argv) { return concordat::testing::Main(argc, argv); }
