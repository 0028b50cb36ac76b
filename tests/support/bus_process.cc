#include "tests/support/bus_process.h"

#include <signal.h>
#include <sys/resource.h>

#include <cstdlib>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace concordat::testing {

BusProcess::BusProcess() {
  const std::string source = std::getenv("CONCORDAT_SOURCE");
  const std::string build = std::getenv("CONCORDAT_BUILD");
  Process keys({"concordat", "keys", "demo", "--data", folder_.PathOf("data"),
                "--share", source + "/deploy", "--types",
                build + "/concordat.binpb", "--any-port"});
  EXPECT_EQ(keys.Wait(), 0);
  auto data = DataDirectory::Open(folder_.PathOf("data"));
  EXPECT_THAT(data, IsOk());
  data_ = std::make_unique<DataDirectory>(*std::move(data));
  Start();
}

void BusProcess::Start() {
  data_->ForgetAddresses("concordat-bus");  // A killed one left them.
  bus_ = std::make_unique<Process>(
      std::vector<std::string>{"concordat-bus", "--data", data_->path()});
  EXPECT_THAT(data_->WaitForAddress("concordat-bus", "grpc", absl::Seconds(60)),
              IsOk());
}

int BusProcess::Stop() {
  bus_->Signal(SIGTERM);
  return bus_->Wait();
}

void BusProcess::LimitFiles(uint64_t bytes) {
  const rlimit limit = {bytes, RLIM_INFINITY};
  EXPECT_EQ(prlimit(pid(), RLIMIT_FSIZE, &limit, nullptr), 0);
}

}  // namespace concordat::testing
