// What the gateway adds, and what its streams cost. Run by hand, on a hub that
// runs (deploy/up --no-demo):
//
//   gateway_bench --data build/run --rate 1000 --seconds 20
//       the same call at the same rate: by gRPC as the gateway's own clients do,
//       and through the gateway; p50, p99 of each and what is added
//   gateway_bench --data build/run --streams 5000
//       opens so many alert streams and says what the gateway grew by
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>
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
constexpr char kMethod[] = "concordat.alerts.v1.AlertsService/ListRules";
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

int Compare(const DataDirectory& data, int rate, int seconds) {
  const auto direct = [&data]() -> Call {
    const auto channel =
        OpenChannel(data, kProgram, kPrincipal, absl::Seconds(5));
    return [channel] {
      return channel.ok() && GenericCall(*channel, kMethod, "", {}).ok();
    };
  };
  const auto through = [&data]() -> Call {
    auto opened = HttpsClient::Connect(GatewayOptions(data, kPrincipal));
    const std::shared_ptr<HttpsClient> client = *std::move(opened);
    return [client] {
      return client
                 ->Ask(HttpRequest("POST", absl::StrCat("/", kMethod),
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
                                   "Content-Type: application/json\r\n", "{}"))
                 .status == 200;
    };
  };
  Run(direct, rate, 2);  // Warm.
  Run(through, rate, 2);
  const Load a = Run(direct, rate, seconds);
  const Load b = Run(through, rate, seconds);
  const Load c = Run(through_json, rate, seconds);
  std::printf("%d calls/s of %s for %d s\n", rate, kMethod, seconds);
  Print("gRPC", a);
  Print("proto", b);
  Print("JSON", c);
  std::printf("added at p99: proto %.2f ms, JSON %.2f ms\n",
              Percentile(b, 0.99) - Percentile(a, 0.99),
              Percentile(c, 0.99) - Percentile(a, 0.99));
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
  std::string rate = "1000", seconds = "20", streams;
  start.flags().AddString("rate", "Calls a second.", &rate);
  start.flags().AddString("seconds", "How long.", &seconds);
  start.flags().AddString("streams", "Alert streams instead of calls.",
                          &streams);
  const DataDirectory data = start.Open(argc, argv);
  int number = 0;
  int length = 0;
  if (absl::SimpleAtoi(streams, &number)) return Streams(data, number);
  if (!absl::SimpleAtoi(rate, &number) || !absl::SimpleAtoi(seconds, &length)) {
    start.Check(absl::InvalidArgumentError("--rate and --seconds are numbers"));
  }
  return Compare(data, number, length);
}

}  // namespace
}  // namespace concordat::testing

int main(int argc, char** argv) { return concordat::testing::Main(argc, argv); }
