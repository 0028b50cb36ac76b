// What everything in a simulated run shares: the dice, the time, the trace, and
// the first thing found wrong.
//
// Threads  One. Nothing here reads a clock, an address or an environment: the
//          same seed gives the same run.
#ifndef CONCORDAT_TESTS_SIMULATION_BUS_WORLD_H_
#define CONCORDAT_TESTS_SIMULATION_BUS_WORLD_H_

#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/common/base/clock.h"
#include "services/common/base/random.h"

namespace concordat::simulation {

// SplitMix64: the same numbers on every machine.
class Dice {
 public:
  explicit Dice(uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15u + 1) {}
  uint64_t Next() {
    uint64_t z = (state_ += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  uint64_t Below(uint64_t count) { return count == 0 ? 0 : Next() % count; }
  // Both included.
  uint64_t Between(uint64_t low, uint64_t high) {
    return low + Below(high - low + 1);
  }
  bool Chance(uint64_t in_ten_thousand) {
    return Below(10'000) < in_ten_thousand;
  }

 private:
  uint64_t state_;
};

class DiceRandom : public Random {
 public:
  explicit DiceRandom(uint64_t seed) : dice_(seed) {}
  void Fill(uint8_t* out, size_t count) override {
    for (size_t i = 0; i < count; ++i) {
      out[i] = static_cast<uint8_t>(dice_.Next() >> 32);
    }
  }

 private:
  Dice dice_;
};

// What may go wrong in this run, each in ten thousand chances a tick or a frame;
// 0: not at all. Drawn from the seed: some runs have everything, some little.
struct Faults {
  uint64_t lose_connection = 0;  // Of a link, told to both ends.
  uint64_t black_hole = 0;       // Of a link, told to nobody.
  uint64_t partition = 0;        // Of a client, for up to seconds.
  uint64_t drop_frame = 0;       // Of a live link: sessions must notice.
  uint64_t double_frame = 0;
  uint64_t swap_frames = 0;
  uint64_t kill_bus = 0;  // The system keeps what was written.
  uint64_t cut_power = 0;
  uint64_t stop_bus = 0;  // In order, as for maintenance.
  uint64_t fail_disk_call = 0;
  uint64_t flip_bit = 0;    // While the bus is down.
  uint64_t stall_bus = 0;   // It does not run, for up to seconds.
  uint64_t jump_clock = 0;  // The wall's, forth and back.
  uint64_t revoke = 0;      // Somebody's key, for up to seconds.
  uint64_t crash_client = 0;
  uint64_t stall_client = 0;
};

struct World : public SteadyClock {
  World(uint64_t seed_number, bool verbose_run)
      : seed(seed_number), verbose(verbose_run), dice(seed_number) {}

  absl::Duration Elapsed() const override {
    return absl::Microseconds(static_cast<int64_t>(now_us));
  }

  // One line of the trace.
  template <typename... Args>
  void Say(const Args&... args) {
    const std::string line = absl::StrCat(args...);
    for (const char c : line) {
      trace_hash = (trace_hash ^ static_cast<uint8_t>(c)) * 0x100000001B3u;
    }
    trace_hash = (trace_hash ^ now_us) * 0x100000001B3u;
    if (!verbose) return;
    std::printf("%10.6f  %s\n", static_cast<double>(now_us) / 1e6,
                line.c_str());
  }
  // The run is over. The first failure is the one that counts.
  template <typename... Args>
  void Fail(const Args&... args) {
    if (!failure.empty()) return;
    failure = absl::StrCat(args...);
    Say("FAILED: ", failure);
  }
  bool failed() const { return !failure.empty(); }

  const uint64_t seed;
  const bool verbose;
  Dice dice;
  uint64_t now_us = 1'000'000'000;  // Steady.
  Faults faults;
  bool healing = false;  // Nothing goes wrong any more.
  std::string failure;
  uint64_t trace_hash = 0xCBF29CE484222325u;
};

// The bus's wall clock: goes with the steady one, but for jumps.
class WallClock : public Clock {
 public:
  explicit WallClock(const World& world) : world_(world) {}
  absl::Time Now() const override {
    return start_ + world_.Elapsed() + jumped_;
  }
  void Jump(absl::Duration by) { jumped_ += by; }

 private:
  const World& world_;
  const absl::Time start_ =
      absl::FromUnixSeconds(1'763'985'600);  // 24 Nov 2025
  absl::Duration jumped_;
};

}  // namespace concordat::simulation

#endif  // CONCORDAT_TESTS_SIMULATION_BUS_WORLD_H_
