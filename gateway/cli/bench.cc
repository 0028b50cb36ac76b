// concordat bench: the speed of a bus of its own, beside this machine's ceiling.
#include <malloc.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "gateway/cli/bench_ceiling.h"
#include "gateway/cli/bench_edge.h"
#include "gateway/cli/bench_load.h"
#include "gateway/cli/bench_story.h"
#include "gateway/cli/command.h"
#include "gateway/cli/keys/demo_directory.h"
#include "services/common/base/system_clock.h"
#include "services/common/base/system_random.h"
#include "services/common/bus_client/zmq_bus_client.h"

extern char** environ;

namespace concordat::cli {
namespace {

namespace fs = std::filesystem;

constexpr double kPacedSeconds = 4;
constexpr uint64_t kWarmUpEvents = 20'000;

// A folder that is gone with this.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name =
        (fs::temp_directory_path() / "concordat-bench-XXXXXX").string();
    if (mkdtemp(name.data()) != nullptr) path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// A concordat-bus that ends with this.
class OwnBus {
 public:
  absl::Status Start(const std::string& program, const std::string& data) {
    std::string name = program;
    std::string flag = "--data=" + data;
    char* arguments[] = {name.data(), flag.data(), nullptr};
    if (posix_spawn(&pid_, name.c_str(), nullptr, nullptr, arguments,
                    environ) != 0) {
      return absl::UnavailableError(absl::StrCat("cannot start ", program));
    }
    return absl::OkStatus();
  }
  void Stop() {
    if (pid_ <= 0) return;
    kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  ~OwnBus() { Stop(); }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
};

// Processor seconds that the process has taken so far, in all its threads.
double ProcessorSeconds(pid_t pid) {
  clockid_t clock = 0;
  timespec time = {};
  if (clock_getcpuclockid(pid, &clock) != 0) return 0;
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) +
         static_cast<double>(time.tv_nsec) * 1e-9;
}

struct Job {
  uint64_t events = 500'000;
  size_t in_flight = 1024;
  double rate = 5'000;
};

struct Figures {
  LoadResult full;
  LoadResult paced;
  double cpu_us_per_event = 0;
  Ceiling most;
  Ceiling most_paced;
};

absl::StatusOr<Figures> Measure(const Job& job) {
  // As a busy program's allocator does: frames are not given back after each.
  mallopt(M_MMAP_THRESHOLD, 4 << 20);
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
  SystemClock clock;
  SystemRandom random;
  TemporaryFolder folder;
  const fs::path bin = fs::read_symlink("/proc/self/exe").parent_path();
  const std::string deploy = CheckoutPath() + "/deploy";
  DemoDirectoryOptions options;
  options.data = folder.path() + "/data";
  options.share = deploy;
  options.types = (bin.parent_path() / "concordat.binpb").string();
  options.registry = deploy + "/bench/registry.textproto";
  options.agreements = deploy + "/bench/agreements";
  options.any_port = true;
  if (auto status = MakeDemoDirectory(options, clock, random); !status.ok()) {
    return status;
  }
  const auto data = DataDirectory::Open(options.data);
  if (!data.ok()) return data.status();
  const auto descriptors = data->LoadTypes();
  if (!descriptors.ok()) return descriptors.status();
  const auto codes = data->LoadCodeLists();
  if (!codes.ok()) return codes.status();
  const auto types = TypeRegistry::Build(*descriptors, *codes);
  if (!types.ok()) return types.status();

  OwnBus bus;
  if (auto status = bus.Start((bin / "concordat-bus").string(), options.data);
      !status.ok()) {
    return status;
  }
  const auto bound =
      data->WaitForAddress("concordat-bus", "delivery", absl::Seconds(20));
  if (!bound.ok()) return bound.status();
  Figures figures;
  const auto processor_s = [&bus] {
    return ProcessorSeconds(getpid()) + ProcessorSeconds(bus.pid());
  };
  uint64_t start_us = 1'764'000'000'000'000;
  {
    auto publisher = ConnectBus(*data, "publisher");
    if (!publisher.ok()) return publisher.status();
    auto reader = ConnectBus(*data, "reader");
    if (!reader.ok()) return reader.status();
    const auto run = [&](uint64_t events, double rate, const char* name) {
      LoadJob load{events, job.in_flight, rate, name, start_us};
      start_us += events;
      return RunLoad(**publisher, **reader, *types, random, load);
    };
    const auto warm = run(kWarmUpEvents, 0, "warm-up");
    if (!warm.ok()) return warm.status();
    const double before_s = processor_s();
    const auto full = run(job.events, 0, "full");
    if (!full.ok()) return full.status();
    figures.cpu_us_per_event =
        1e6 * (processor_s() - before_s) / static_cast<double>(job.events);
    figures.full = *full;
    const auto paced =
        run(static_cast<uint64_t>(job.rate * kPacedSeconds), job.rate, "paced");
    if (!paced.ok()) return paced.status();
    figures.paced = *paced;
  }
  bus.Stop();
  const auto bytes = EventBytes(**types, random);
  if (!bytes.ok()) return bytes.status();
  CeilingJob ceiling;
  ceiling.folder = folder.path();
  ceiling.events = job.events;
  ceiling.event_bytes = *bytes;
  ceiling.in_flight_events = job.in_flight;
  const auto most = MeasureCeiling(ceiling);
  if (!most.ok()) return most.status();
  figures.most = *most;
  ceiling.events = static_cast<uint64_t>(job.rate * kPacedSeconds);
  ceiling.batch_events = 1;
  ceiling.rate = job.rate;
  const auto most_paced = MeasureCeiling(ceiling);
  if (!most_paced.ok()) return most_paced.status();
  figures.most_paced = *most_paced;
  return figures;
}

absl::Status BadNumber(absl::string_view flag) {
  return absl::InvalidArgumentError(
      absl::StrCat("--", flag, " takes a number above 0"));
}

absl::Status RunEdge(const CommandLine& line, uint64_t messages) {
  const auto data = line.OpenData();
  if (!data.ok()) return data.status();
  const auto latency = MeasureEdge(*data, messages);
  if (!latency.ok()) return latency.status();
  std::printf(line.json() ? "{\"p50_ms\":%.3f,\"p99_ms\":%.3f}\n"
                          : "message in to alert out: p50 %.3f ms, p99 %.3f "
                            "ms\n",
              latency->p50_ms, latency->p99_ms);
  return absl::OkStatus();
}

absl::Status RunStory(const CommandLine& line, const std::string& played_path,
                      uint64_t persons, double rate) {
  const auto empty = line.OpenData();
  if (!empty.ok()) return empty.status();
  const auto played = DataDirectory::Open(played_path);
  if (!played.ok()) return played.status();
  const auto load = ReplayStory(*played, *empty, persons, rate);
  if (!load.ok()) return load.status();
  const double events = static_cast<double>(load->events);
  std::printf(
      line.json()
          ? "{\"events\":%llu,\"accepted_per_s\":%.0f,\"views\":%llu,"
            "\"views_per_s\":%.0f,\"alerts\":%llu,\"whole_per_s\":%.0f,"
            "\"fact_p50_ms\":%.3f,\"fact_p99_ms\":%.3f,"
            "\"moment_p50_ms\":%.3f,\"moment_p99_ms\":%.3f}\n"
          : "events        %llu\naccepted      %.0f/s\nviews         %llu\n"
            "delivered     %.0f/s\nalerts        %llu\n"
            "all done      %.0f events/s\nto an alert   from a fact p50 %.3f "
            "ms, p99 %.3f ms; from a moment for all p50 %.3f ms, p99 %.3f ms\n",
      static_cast<unsigned long long>(load->events), events / load->accepted_s,
      static_cast<unsigned long long>(load->views),
      static_cast<double>(load->views) / load->delivered_s,
      static_cast<unsigned long long>(load->alerts),
      events / std::max({load->accepted_s, load->delivered_s, load->alerted_s}),
      load->fact_p50_ms, load->fact_p99_ms, load->moment_p50_ms,
      load->moment_p99_ms);
  return absl::OkStatus();
}

}  // namespace

absl::Status RunBench(const std::vector<std::string>& arguments) {
  CommandLine line("bench [hl7|story] [--events N] [--in-flight N] [--rate N]",
                   "Runs a bus of its own on an empty directory: 512-byte "
                   "payloads, one publisher, one\nacknowledging durable "
                   "subscriber. Also measures what this machine could carry."
                   "\nhl7  on a demo hub that has played its story: message in "
                   "to alert out, of N messages\n"
                   "story  on an empty demo hub: the facts of the hub "
                   "--played, for N other persons each");
  std::string events = "500000";
  std::string in_flight = "1024";
  std::string rate;
  line.flags().AddString("events", "Events of the full-speed run; 500000.",
                         &events);
  line.flags().AddString("in-flight", "Without receipt at once; 1024.",
                         &in_flight);
  line.flags().AddString("rate",
                         "Events a second of the paced run, 5000; with story: "
                         "of all, else as fast as they go.",
                         &rate);
  std::string played;
  line.flags().AddString("played", "With story: data of a hub that has played.",
                         &played);
  const auto go = line.Parse(arguments, 0, 1);
  if (!go.ok() || !*go) return go.status();
  Job job;
  if (!absl::SimpleAtoi(events, &job.events) || job.events == 0) {
    return BadNumber("events");
  }
  const bool story = !line.words().empty() && line.words()[0] == "story";
  if (story) job.rate = 0;
  if (!rate.empty() &&
      (!absl::SimpleAtod(rate, &job.rate) || job.rate < (story ? 0 : 1))) {
    return BadNumber("rate");
  }
  if (story) return RunStory(line, played, job.events, job.rate);
  if (!line.words().empty()) {
    if (line.words()[0] == "hl7") return RunEdge(line, job.events);
    return absl::InvalidArgumentError(
        absl::StrCat("bench ", line.words()[0], "? hl7, story, or nothing"));
  }
  if (!absl::SimpleAtoi(in_flight, &job.in_flight) || job.in_flight == 0) {
    return BadNumber("in-flight");
  }
  const auto figures = Measure(job);
  if (!figures.ok()) return figures.status();
  const char* const format =
      line.json()
          ? "{\"acked_per_s\":%.0f,\"delivered_per_s\":%.0f,\"p50_ms\":%.3f,"
            "\"p99_ms\":%.3f,\"cpu_us_per_event\":%.2f,\"ceiling_per_s\":%.0f,"
            "\"ceiling_p50_ms\":%.3f,\"ceiling_p99_ms\":%.3f}\n"
          : "acknowledged  %.0f/s\ndelivered     %.0f/s\np50           %.3f ms"
            "\np99           %.3f ms\nprocessor     %.2f µs an event, all "
            "processes\nceiling       %.0f/s, p50 %.3f ms, p99 %.3f ms\n";
  std::printf(format, figures->full.acked_per_s, figures->full.delivered_per_s,
              figures->paced.p50_ms, figures->paced.p99_ms,
              figures->cpu_us_per_event, figures->most.per_s,
              figures->most_paced.p50_ms, figures->most_paced.p99_ms);
  return absl::OkStatus();
}

}  // namespace concordat::cli
