#include "tests/support/bus_process.h"

#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace concordat::testing {
namespace {

pid_t Spawn(std::vector<std::string> arguments) {
  arguments[0] = absl::StrCat(std::getenv("CONCORDAT_BIN"), "/", arguments[0]);
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  pid_t pid = -1;
  EXPECT_EQ(posix_spawn(&pid, pointers[0], nullptr, nullptr, pointers.data(),
                        environ),
            0)
      << arguments[0];
  return pid;
}

}  // namespace

BusProcess::BusProcess() {
  const std::string source = std::getenv("CONCORDAT_SOURCE");
  const std::string build = std::getenv("CONCORDAT_BUILD");
  pid_ = Spawn({"concordat", "keys", "demo", "--data", folder_.PathOf("data"),
                "--share", source + "/deploy", "--types",
                build + "/concordat.binpb", "--any-port"});
  EXPECT_EQ(Wait(), 0);
  auto data = DataDirectory::Open(folder_.PathOf("data"));
  EXPECT_THAT(data, IsOk());
  data_ = std::make_unique<DataDirectory>(*std::move(data));
  Start();
}

BusProcess::~BusProcess() { Kill(); }

void BusProcess::Start() {
  data_->ForgetAddresses("concordat-bus");  // A killed one left them.
  pid_ = Spawn({"concordat-bus", "--data", data_->path()});
  EXPECT_THAT(data_->WaitForAddress("concordat-bus", "grpc", absl::Seconds(60)),
              IsOk());
}

int BusProcess::Wait() {
  int status = -1;
  EXPECT_EQ(waitpid(pid_, &status, 0), pid_);
  pid_ = -1;
  return status;
}

int BusProcess::Stop() {
  kill(pid_, SIGTERM);
  return Wait();
}

void BusProcess::Kill() {
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  Wait();
}

void BusProcess::LimitFiles(uint64_t bytes) {
  const rlimit limit = {bytes, RLIM_INFINITY};
  EXPECT_EQ(prlimit(pid_, RLIMIT_FSIZE, &limit, nullptr), 0);
}

}  // namespace concordat::testing
