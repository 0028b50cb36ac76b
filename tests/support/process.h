#ifndef CONCORDAT_TESTS_SUPPORT_PROCESS_H_
#define CONCORDAT_TESTS_SUPPORT_PROCESS_H_

#include <sys/types.h>

#include <cstdio>
#include <optional>
#include <string>
#include <vector>

namespace concordat::testing {

// A program of the build (CONCORDAT_BIN), started with these arguments, its name
// first. The destructor kills it. Failures to start it fail the test.
//
// Threads  One at a time.
class Process {
 public:
  enum class Output { kOurs, kPiped };
  explicit Process(std::vector<std::string> arguments,
                   Output output = Output::kOurs);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // Of one that was not waited for.
  pid_t pid() const { return pid_; }
  // The next whole line of what it prints, if it is piped; empty: it has ended.
  std::string Line();

  void Signal(int signal);
  // Statuses are waitpid's; -1: it was waited for before.
  int Wait();
  // SIGKILL, and waits.
  int Kill();
  // None: it runs.
  std::optional<int> Ended();

 private:
  pid_t pid_ = -1;
  std::FILE* out_ = nullptr;
};

}  // namespace concordat::testing

#endif  // CONCORDAT_TESTS_SUPPORT_PROCESS_H_
