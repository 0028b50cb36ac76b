#include "tests/support/hub_processes.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace concordat::testing {
namespace {

constexpr size_t kLogTailBytes = 2000;

// Starts a program of the build, or the one at a path; what it writes goes to the
// two files.
pid_t Spawn(std::vector<std::string> arguments, int out, int err) {
  if (arguments[0].find('/') == std::string::npos) {
    arguments[0] =
        absl::StrCat(std::getenv("CONCORDAT_BIN"), "/", arguments[0]);
  }
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid != 0) return pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);  // It went before the line above.
  dup2(out, STDOUT_FILENO);
  dup2(err, STDERR_FILENO);
  execv(pointers[0], pointers.data());
  _exit(127);
}

int OpenLog(const std::string& path) {
  return open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

std::string ReadAll(int file) {
  std::string text;
  char buffer[4096];
  ssize_t count = 0;
  while ((count = read(file, buffer, sizeof(buffer))) > 0) {
    text.append(buffer, static_cast<size_t>(count));
  }
  return text;
}

}  // namespace

const std::vector<std::string>& HubProcesses::Programs() {
  static const auto* const programs = new std::vector<std::string>{
      "concordat-bus",    "concordat-identity",   "concordat-police",
      "concordat-nhs",    "concordat-socialwork", "concordat-mappa",
      "concordat-alerts", "concordat-adapter",    "edge-council"};
  return *programs;
}

HubProcesses::HubProcesses() {
  const std::string made = folder_.PathOf("data");
  const int log = OpenLog(folder_.PathOf("keys.log"));
  const pid_t pid = Spawn(
      {"concordat", "keys", "demo", "--data", made, "--share",
       absl::StrCat(std::getenv("CONCORDAT_SOURCE"), "/deploy"), "--types",
       absl::StrCat(std::getenv("CONCORDAT_BUILD"), "/concordat.binpb"),
       "--any-port"},
      log, log);
  close(log);
  int status = -1;
  EXPECT_EQ(waitpid(pid, &status, 0), pid);
  EXPECT_EQ(status, 0) << LogOf("keys");
  auto data = DataDirectory::Open(made);
  EXPECT_THAT(data, IsOk());
  data_ = std::make_unique<DataDirectory>(*std::move(data));
  // The world outside; nobody kills it.
  const int mail_log = OpenLog(folder_.PathOf("mail.log"));
  mailbox_ = Spawn({absl::StrCat(std::getenv("CONCORDAT_SOURCE"),
                                 "/deploy/demo/demo-mailbox"),
                    "--data", made},
                   mail_log, mail_log);
  close(mail_log);
}

HubProcesses::~HubProcesses() {
  kill(mailbox_, SIGKILL);
  waitpid(mailbox_, nullptr, 0);
  for (const auto& [program, pid] : pids_) {
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
  }
}

void HubProcesses::Start(const std::string& program) {
  const int log = OpenLog(folder_.PathOf(program + ".log"));
  // An edge runs under its own name.
  const bool edge = program.rfind("edge-", 0) == 0;
  std::vector<std::string> words = {edge ? "concordat-adapter" : program,
                                    "--data", data_->path()};
  if (edge) words.insert(words.end(), {"--edge", program});
  pids_[program] = Spawn(std::move(words), log, log);
  close(log);
}

void HubProcesses::Kill(const std::string& program) {
  const auto found = pids_.find(program);
  if (found == pids_.end()) return;
  kill(found->second, SIGKILL);
  int status = 0;
  EXPECT_EQ(waitpid(found->second, &status, 0), found->second);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
      << program << " ended by itself: " << status << "\n"
      << LogOf(program);
  pids_.erase(found);
}

void HubProcesses::Freeze(const std::string& program) {
  EXPECT_EQ(kill(pids_.at(program), SIGSTOP), 0);
}

void HubProcesses::Thaw(const std::string& program) {
  EXPECT_EQ(kill(pids_.at(program), SIGCONT), 0);
}

int HubProcesses::Stop(const std::string& program) {
  const auto found = pids_.find(program);
  if (found == pids_.end()) return -1;
  kill(found->second, SIGTERM);
  int status = 0;
  EXPECT_EQ(waitpid(found->second, &status, 0), found->second);
  pids_.erase(found);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::vector<std::string> HubProcesses::Ended() {
  std::vector<std::string> ended;
  for (auto it = pids_.begin(); it != pids_.end();) {
    int status = 0;
    if (waitpid(it->second, &status, WNOHANG) == it->second) {
      ended.push_back(it->first);
      it = pids_.erase(it);
    } else {
      ++it;
    }
  }
  return ended;
}

std::string HubProcesses::LogOf(const std::string& program) const {
  std::ifstream in(folder_.PathOf(program + ".log"));
  std::stringstream text;
  text << in.rdbuf();
  std::string log = text.str();
  if (log.size() > kLogTailBytes) log.erase(0, log.size() - kLogTailBytes);
  return log;
}

absl::StatusOr<std::string> HubProcesses::Run(
    std::vector<std::string> words) const {
  const std::string command = absl::StrJoin(words, " ");
  if (words[0].rfind("concordat", 0) != 0) {
    words.insert(words.begin(), "concordat");
  }
  words.push_back("--data");
  words.push_back(data_->path());
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return absl::InternalError("no pipe");
  const std::string errors = folder_.PathOf("concordat.log");
  const int log = OpenLog(errors);
  const pid_t pid = Spawn(std::move(words), ends[1], log);
  close(log);
  close(ends[1]);
  std::string text = ReadAll(ends[0]);
  close(ends[0]);
  int status = -1;
  waitpid(pid, &status, 0);
  if (status == 0) return text;
  return absl::InternalError(
      absl::StrCat("concordat ", command, ": ", LogOf("concordat")));
}

}  // namespace concordat::testing
