// What every main() does first and last: flags, one clear line when something
// is broken at the start, and waiting for the signal to stop.
//
//   int main(int argc, char** argv) {
//     concordat::StartUp start("concordat-police", "Police commands.");
//     const auto data = start.Open(argc, argv);
//     const auto registry = start.Value(data.LoadRegistry());
//     ...
//     start.WaitForStop();
//   }
#ifndef CONCORDAT_SERVICES_COMMON_CONFIG_START_UP_H_
#define CONCORDAT_SERVICES_COMMON_CONFIG_START_UP_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/descriptor.h"
#include "services/common/config/data_directory.h"

namespace concordat {

// Flags of a program, each declared once with its help. "--name VALUE" and
// "--name=VALUE"; anything else is refused.
class Flags {
 public:
  // `into` keeps its value, the default, when the flag is not given.
  void AddString(std::string name, std::string help, std::string* into);
  void AddBool(std::string name, std::string help, bool* into);
  //   INVALID_ARGUMENT  unknown flag, or one without its value; names it.
  // Takes what does not begin with "--" into `words`; null: refuses it.
  absl::Status Parse(const std::vector<std::string>& arguments,
                     std::vector<std::string>* words = nullptr) const;
  // One line a flag.
  std::string Help() const;

 private:
  struct Flag {
    std::string name;
    std::string help;
    std::string* text;
    bool* yes;
  };
  std::vector<Flag> flags_;
};

// Europe/London, which dates and times for people are in.
//   FAILED_PRECONDITION  this machine has no time zones (package tzdata).
absl::StatusOr<absl::TimeZone> LondonTime();

class StartUp {
 public:
  // Holds back SIGINT and SIGTERM for WaitForStop(), and ignores SIGPIPE; so
  // make it before any thread.
  StartUp(std::string program, std::string summary);

  const std::string& program() const { return program_; }
  // For flags beside --data and --help, which are there already.
  Flags& flags() { return flags_; }

  // --help says which settings it reads, in which file of the data directory.
  void DescribeSettings(absl::string_view file,
                        const google::protobuf::Descriptor& type);

  // Parses the command line and opens --data. `--help` prints and exits 0.
  DataDirectory Open(int argc, char** argv);

  // Returns the value, or prints one line and exits 1.
  template <typename T>
  T Value(absl::StatusOr<T> result) const {
    Check(result.status());
    return *std::move(result);
  }
  void Check(const absl::Status& status) const;

  // Returns at SIGINT or SIGTERM.
  void WaitForStop() const;

 private:
  std::string program_;
  std::string summary_;
  std::string data_;
  bool help_ = false;
  Flags flags_;
  std::string settings_;
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_CONFIG_START_UP_H_
