// concordat-sim: runs a whole bus from seeds (simulation.h).
//
//   concordat-sim --seed N [--verbose]       one run; with the trace
//   concordat-sim --seeds A..B [--add FILE]  those from A to B
//
// Ends at the first seed that fails, with the command that replays it. --add adds
// a line to FILE, which is tests/simulation/bus/PASSED, when all have passed.
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/simulation/bus/simulation.h"

namespace concordat::simulation {
namespace {

// What a check of the shipping code that stops the process leaves behind.
std::string g_last_words;

void Die(int signal) {
  static_cast<void>(
      !write(STDERR_FILENO, g_last_words.data(), g_last_words.size()));
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

int Usage() {
  std::fprintf(stderr,
               "usage: concordat-sim --seed N [--verbose]\n"
               "       concordat-sim --seeds A..B [--add FILE]\n");
  return 2;
}

int Main(int argc, char** argv) {
  uint64_t first = 0;
  uint64_t last = 0;
  bool verbose = false;
  std::string add;
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    const std::string value = i + 1 < argc ? argv[i + 1] : "";
    if (flag == "--verbose") {
      verbose = true;
      continue;
    }
    const std::vector<std::string> ends = absl::StrSplit(value, "..");
    if (flag == "--add") {
      add = value;
    } else if ((flag != "--seed" && flag != "--seeds") ||
               ends.size() != (flag == "--seed" ? 1 : 2) ||
               !absl::SimpleAtoi(ends.front(), &first) ||
               !absl::SimpleAtoi(ends.back(), &last)) {
      return Usage();
    }
    ++i;
  }
  if (first == 0 || last < first) return Usage();
  std::signal(SIGABRT, Die);
  std::signal(SIGSEGV, Die);

  Result total;
  for (uint64_t seed = first; seed <= last; ++seed) {
    const std::string replay =
        absl::StrCat("replay: ", argv[0], " --seed ", seed, " --verbose\n");
    g_last_words =
        absl::StrCat("seed ", seed, " stopped the process\n", replay);
    const Result result = Run(seed, verbose);
    if (!result.failure.empty()) {
      std::fprintf(stderr, "seed %llu: %s\n%s",
                   static_cast<unsigned long long>(seed),
                   result.failure.c_str(), replay.c_str());
      return 1;
    }
    total.trace_hash = total.trace_hash * 31 + result.trace_hash;
    total.events += result.events;
    total.deliveries += result.deliveries;
    total.restarts += result.restarts;
  }
  const std::string line = absl::StrCat(
      first, "..", last, ": ", last - first + 1, " seeds, ", total.events,
      " events, ", total.deliveries, " deliveries, ", total.restarts,
      " starts of the bus, trace ", absl::Hex(total.trace_hash), "\n");
  std::fputs(line.c_str(), stdout);
  if (!add.empty()) std::ofstream(add, std::ios::app) << line;
  return 0;
}

}  // namespace
}  // namespace concordat::simulation

int main(int argc, char** argv) {
  return concordat::simulation::Main(argc, argv);
}
