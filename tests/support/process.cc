#include "tests/support/process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

extern char** environ;

namespace concordat::testing {

Process::Process(std::vector<std::string> arguments, Output output) {
  arguments[0] = absl::StrCat(std::getenv("CONCORDAT_BIN"), "/", arguments[0]);
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  int ends[2] = {-1, -1};
  if (output == Output::kPiped) {
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  }
  EXPECT_EQ(posix_spawn(&pid_, pointers[0], &actions, nullptr, pointers.data(),
                        environ),
            0)
      << arguments[0];
  posix_spawn_file_actions_destroy(&actions);
  if (output == Output::kPiped) {
    close(ends[1]);
    out_ = fdopen(ends[0], "r");
  }
}

Process::~Process() {
  Kill();
  if (out_ != nullptr) std::fclose(out_);
}

std::string Process::Line() {
  std::string line;
  for (int c = 0; (c = std::fgetc(out_)) != EOF;) {
    line.push_back(static_cast<char>(c));
    if (c == '\n') return line;
  }
  return "";  // A torn one was not said.
}

void Process::Signal(int signal) {
  if (pid_ > 0) kill(pid_, signal);
}

int Process::Wait() {
  if (pid_ <= 0) return -1;
  int status = -1;
  EXPECT_EQ(waitpid(pid_, &status, 0), pid_);
  pid_ = -1;
  return status;
}

int Process::Kill() {
  Signal(SIGKILL);
  return Wait();
}

std::optional<int> Process::Ended() {
  int status = -1;
  if (pid_ <= 0 || waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
  pid_ = -1;
  return status;
}

}  // namespace concordat::testing
