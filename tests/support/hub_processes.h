#ifndef CONCORDAT_TESTS_SUPPORT_HUB_PROCESSES_H_
#define CONCORDAT_TESTS_SUPPORT_HUB_PROCESSES_H_

#include <sys/types.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/common/config/data_directory.h"
#include "tests/support/temp_dir.h"

namespace concordat::testing {

// A demo data directory and the real programs of the hub on it, on free ports.
// They end with the thread that made this, whatever happens to it.
//
// Threads  One, the one that made it; Run() any.
class HubProcesses {
 public:
  static const std::vector<std::string>& Programs();

  // Makes the directory; starts nothing. Failures fail the test.
  HubProcesses();
  ~HubProcesses();
  HubProcesses(const HubProcesses&) = delete;
  HubProcesses& operator=(const HubProcesses&) = delete;

  const DataDirectory& data() const { return *data_; }

  void Start(const std::string& program);
  // SIGKILL. Fails the test when the program had ended before.
  void Kill(const std::string& program);
  // SIGSTOP: it is there and does nothing. And SIGCONT.
  void Freeze(const std::string& program);
  void Thaw(const std::string& program);
  // SIGTERM. Returns its exit status; -1: it was ended by a signal.
  int Stop(const std::string& program);
  // Those that ended without being killed: none should.
  std::vector<std::string> Ended();
  // The end of what a program wrote.
  std::string LogOf(const std::string& program) const;

  // Runs `concordat WORDS… --data DIR`, or another program when the first word
  // is its name, and returns what it prints.
  //   INTERNAL  it failed; with its last words.
  absl::StatusOr<std::string> Run(std::vector<std::string> words) const;

 private:
  TempDir folder_;
  std::unique_ptr<DataDirectory> data_;
  std::map<std::string, pid_t> pids_;
  pid_t mailbox_ = -1;
};

}  // namespace concordat::testing

#endif  // CONCORDAT_TESTS_SUPPORT_HUB_PROCESSES_H_
