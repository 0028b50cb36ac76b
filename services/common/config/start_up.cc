#include "services/common/config/start_up.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "services/common/config/settings.h"

namespace concordat {
namespace {

sigset_t StopSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

void Flags::AddString(std::string name, std::string help, std::string* into) {
  flags_.push_back({std::move(name), std::move(help), into, nullptr});
}

void Flags::AddBool(std::string name, std::string help, bool* into) {
  flags_.push_back({std::move(name), std::move(help), nullptr, into});
}

absl::Status Flags::Parse(const std::vector<std::string>& arguments,
                          std::vector<std::string>* words) const {
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (words != nullptr && !absl::StartsWith(arguments[i], "--")) {
      words->push_back(arguments[i]);
      continue;
    }
    const std::pair<std::string, std::string> parts =
        absl::StrSplit(arguments[i], absl::MaxSplits('=', 1));
    const Flag* found = nullptr;
    for (const Flag& flag : flags_) {
      if (parts.first == absl::StrCat("--", flag.name)) found = &flag;
    }
    const bool has_value = parts.first.size() != arguments[i].size();
    if (found == nullptr || (has_value && found->yes != nullptr)) {
      return absl::InvalidArgumentError(
          absl::StrCat("unknown argument ", parts.first, "; see --help"));
    }
    if (found->yes != nullptr) {
      *found->yes = true;
    } else if (has_value) {
      *found->text = parts.second;
    } else if (++i < arguments.size()) {
      *found->text = arguments[i];
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat(parts.first, " needs a value"));
    }
  }
  return absl::OkStatus();
}

std::string Flags::Help() const {
  std::string text;
  for (const Flag& flag : flags_) {
    absl::StrAppend(&text, "  --", flag.name, flag.yes == nullptr ? " X" : "",
                    "  ", flag.help, "\n");
  }
  return text;
}

absl::StatusOr<absl::TimeZone> LondonTime() {
  absl::TimeZone zone;
  if (!absl::LoadTimeZone("Europe/London", &zone)) {
    return absl::FailedPreconditionError(
        "no time zone Europe/London here; install tzdata");
  }
  return zone;
}

StartUp::StartUp(std::string program, std::string summary)
    : program_(std::move(program)), summary_(std::move(summary)) {
  const sigset_t stop = StopSignals();
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  flags_.AddString("data", "The data directory.", &data_);
  flags_.AddBool("help", "Prints this.", &help_);
}

void StartUp::DescribeSettings(absl::string_view file,
                               const google::protobuf::Descriptor& type) {
  absl::StrAppend(&settings_, "Settings in ", file, ":\n",
                  HelpOfSettings(type));
}

DataDirectory StartUp::Open(int argc, char** argv) {
  Check(flags_.Parse(std::vector<std::string>(argv + 1, argv + argc)));
  if (help_) {
    std::printf("%s: %s\n%s%s", program_.c_str(), summary_.c_str(),
                flags_.Help().c_str(), settings_.c_str());
    std::exit(0);
  }
  if (data_.empty()) {
    Check(absl::InvalidArgumentError("--data DIR is needed; see --help"));
  }
  return Value(DataDirectory::Open(data_));
}

void StartUp::Check(const absl::Status& status) const {
  if (status.ok()) return;
  std::fprintf(stderr, "%s: %s\n", program_.c_str(),
               std::string(status.message()).c_str());
  std::exit(1);
}

void StartUp::WaitForStop() const {
  const sigset_t stop = StopSignals();
  int signal = 0;
  while (sigwait(&stop, &signal) != 0) {
  }
}

}  // namespace concordat
