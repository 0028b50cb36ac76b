// concordat demo play|advance|status
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "concordat/bus/v1/service.pb.h"
#include "gateway/cli/command.h"
#include "gateway/cli/demo/hub_doors.h"
#include "gateway/cli/demo/player.h"
#include "gateway/cli/demo/settle.h"
#include "gateway/cli/demo/story.h"
#include "gateway/cli/json.h"
#include "services/common/base/system_clock.h"

namespace concordat::cli {
namespace {

namespace fs = std::filesystem;
constexpr absl::Duration kAskTimeout = absl::Seconds(5);

void PrintLine(absl::string_view line) {
  std::printf("%.*s\n", static_cast<int>(line.size()), line.data());
  std::fflush(stdout);
}

// How many steps of a story this data directory has seen.
class Progress {
 public:
  Progress(const DataDirectory& data, const std::string& story)
      : path_(data.PathOf(absl::StrCat("demo/", fs::path(story).stem().string(),
                                       "-steps-done"))) {}

  size_t Read() const {
    std::ifstream in(path_);
    size_t done = 0;
    in >> done;
    return in ? done : 0;
  }
  absl::Status Write(size_t done) const {
    std::error_code error;
    fs::create_directories(path_.parent_path(), error);
    const fs::path draft = path_.string() + ".new";
    std::ofstream out(draft);
    out << done << "\n";
    out.close();
    fs::rename(draft, path_, error);
    if (out && !error) return absl::OkStatus();
    return absl::UnavailableError(
        absl::StrCat("cannot write ", path_.string()));
  }

 private:
  const fs::path path_;
};

absl::StatusOr<std::vector<Step>> ReadStory(const std::string& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  if (!in) return absl::NotFoundError(absl::StrCat("cannot read ", path));
  return ParseStory(text.str());
}

absl::Status Play(const DataDirectory& data, const std::string& story) {
  const auto steps = ReadStory(story);
  if (!steps.ok()) return steps.status();
  const Progress progress(data, story);
  const size_t done = progress.Read();
  const SystemSteadyClock clock;
  HubDoors doors(data, clock);
  StoryPlayer player(doors, PrintLine);
  if (done >= steps->size()) {
    std::printf("the story has been played; it is %s in it\n",
                LocalTime(steps->back().at_us).c_str());
    return absl::OkStatus();
  }
  return player.Play(*steps, done,
                     [&](size_t count) { return progress.Write(count); });
}

// "1d", "6h", "30m".
absl::StatusOr<absl::Duration> ParseStep(absl::string_view text) {
  int64_t count = 0;
  const absl::string_view number =
      text.empty() ? text : text.substr(0, text.size() - 1);
  if (absl::SimpleAtoi(number, &count) && count > 0 && count <= 3660) {
    if (text.back() == 'd') return absl::Hours(24 * count);
    if (text.back() == 'h') return absl::Hours(count);
    if (text.back() == 'm') return absl::Minutes(count);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("'", text, "' is not a step like 1d, 6h or 30m"));
}

absl::Status Advance(const DataDirectory& data, absl::string_view step) {
  const auto by = ParseStep(step);
  if (!by.ok()) return by.status();
  const SystemSteadyClock clock;
  HubDoors doors(data, clock);
  const auto admin = doors.As("admin");
  if (!admin.ok()) return admin.status();
  const auto status = (*admin)->Call<bus::v1::GetLogStatusResponse>(
      "concordat-bus", "concordat.bus.v1.BusService/GetLogStatus",
      bus::v1::GetLogStatusRequest());
  if (!status.ok()) return status.status();
  if (status->log_time() == 0) {
    return absl::FailedPreconditionError("the story has not begun");
  }
  const uint64_t to = status->log_time() +
                      static_cast<uint64_t>(absl::ToInt64Microseconds(*by));
  StoryPlayer player(doors, PrintLine);
  if (auto moved = player.AdvanceTo(to); !moved.ok()) return moved;
  std::printf("it is %s\n", LocalTime(to).c_str());
  return absl::OkStatus();
}

// A program that follows no events has a place past all, and knows no end.
std::string Position(uint64_t position) {
  constexpr uint64_t kNone = std::numeric_limits<uint64_t>::max();
  return position == 0 || position == kNone ? "-" : absl::StrCat(position);
}

absl::Status ShowStatus(Hub& hub, bool as_json) {
  absl::Status worst = absl::OkStatus();
  const auto registry = hub.data().LoadRegistry();
  if (!registry.ok()) return registry.status();
  if (!as_json) {
    std::printf("%-22s %-6s %10s %10s  %-16s %8s\n", "PROGRAM", "READY",
                "POSITION", "LOG END", "TIME", "MEMORY");
  }
  for (const ProgramStatus& each :
       AskAll(hub, ProgramsOf((*registry)->proto()), kAskTimeout)) {
    const auto& status = each.status;
    if (!each.reached.ok() || !status.ready()) {
      worst =
          absl::UnavailableError(absl::StrCat(each.program, " is not ready"));
    }
    if (as_json) {
      std::printf("%s\n", ToJson(status).c_str());
    } else if (!each.reached.ok()) {
      std::printf("%-22s no     %s\n", each.program.c_str(),
                  std::string(each.reached.message()).c_str());
    } else {
      std::printf(
          "%-22s %-6s %10s %10s  %-16s %5llu MB %s\n", each.program.c_str(),
          status.ready() ? "yes" : "no", Position(status.position()).c_str(),
          Position(status.log_end()).c_str(), LocalTime(status.time()).c_str(),
          static_cast<unsigned long long>(status.resident_bytes() >> 20),
          status.degraded_because().c_str());
    }
  }
  return worst;
}

}  // namespace

absl::Status RunDemo(const std::vector<std::string>& arguments) {
  CommandLine line(
      "demo play|advance|status",
      "play        plays the story from where it stopped, and prints alerts\n"
      "advance 1d  moves the story clock on (d, h or m)\n"
      "status      which programs are ready, and how far each is in the log");
  line.set_default_profile("admin");
  std::string wait, story = CheckoutPath() + "/deploy/demo/story.jsonl";
  bool quiet = false;
  line.flags().AddString(
      "wait", "With status: until all are ready, 60s at most.", &wait);
  line.flags().AddBool("quiet", "With status: prints nothing.", &quiet);
  line.flags().AddString("story", "With play: the story's file.", &story);
  const auto go = line.Parse(arguments, 1, 2);
  if (!go.ok() || !*go) return go.status();
  auto data = line.OpenData();
  if (!data.ok()) return data.status();
  if (data->environment() != bus::v1::ENVIRONMENT_DEMO) {
    return absl::FailedPreconditionError(
        absl::StrCat(data->path(), " is not a demo's"));
  }
  const std::string& what = line.words()[0];
  if (what == "play") return Play(*data, story);
  if (what == "advance") {
    return Advance(*data, line.words().size() > 1 ? line.words()[1] : "1d");
  }
  if (what != "status") {
    return absl::InvalidArgumentError(
        absl::StrCat("demo ", what, "? play, advance or status"));
  }
  const auto hub = line.OpenHub();
  if (!hub.ok()) return hub.status();
  if (!wait.empty()) {
    absl::Duration timeout;
    if (!absl::ParseDuration(wait, &timeout)) {
      return absl::InvalidArgumentError("--wait is not like 60s");
    }
    const SystemSteadyClock clock;
    const absl::Status ready = WaitUntilReady(**hub, clock, timeout);
    if (!ready.ok()) return ready;
  }
  return quiet ? absl::OkStatus() : ShowStatus(**hub, line.json());
}

}  // namespace concordat::cli
