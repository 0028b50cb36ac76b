#include "tests/support/bench_bus.h"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>

#include "absl/strings/str_cat.h"
#include "gateway/cli/keys/demo_directory.h"
#include "services/common/base/system_clock.h"
#include "services/common/base/system_random.h"
#include "tests/support/bench_producer.h"

extern char** environ;

namespace concordat::testing {
namespace {

namespace fs = std::filesystem;

}  // namespace

BenchBus::BenchBus(std::string folder, const std::string& registry,
                   const std::string& agreement)
    : folder_(std::move(folder)),
      bin_(fs::read_symlink("/proc/self/exe").parent_path().string()) {
  const fs::path deploy = fs::path(bin_) / "../../../deploy";
  fs::create_directories(folder_);
  const std::string principals = folder_ + "/registry.textproto";
  std::ofstream(principals) << registry;
  fs::create_directories(folder_ + "/agreements");
  std::ofstream(folder_ + "/agreements/agreement.textproto") << agreement;
  cli::DemoDirectoryOptions options;
  options.data = folder_ + "/data";
  options.share = deploy.string();
  options.types = bin_ + "/../concordat.binpb";
  options.registry = principals;
  options.agreements = folder_ + "/agreements";
  options.any_port = true;
  SystemRandom random;
  Check(cli::MakeDemoDirectory(options, SystemClock(), random));
  data_ =
      std::make_unique<DataDirectory>(Value(DataDirectory::Open(options.data)));
}

BenchBus::~BenchBus() {
  Stop();
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

absl::Duration BenchBus::Start() {
  const SystemSteadyClock clock;
  const absl::Duration began = clock.Elapsed();
  std::string name = bin_ + "/concordat-bus";
  std::string flag = "--data=" + data_->path();
  char* arguments[] = {name.data(), flag.data(), nullptr};
  if (posix_spawn(&pid_, name.c_str(), nullptr, nullptr, arguments, environ) !=
      0) {
    Check(absl::UnavailableError(absl::StrCat("cannot start ", name)));
  }
  Check(data_->WaitForAddress("concordat-bus", "grpc", absl::Seconds(600))
            .status());
  return clock.Elapsed() - began;
}

void BenchBus::Stop() {
  if (pid_ <= 0) return;
  kill(pid_, SIGTERM);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

double BenchBus::Megabytes(const std::string& what) const {
  std::ifstream in(absl::StrCat("/proc/", pid_, "/status"));
  std::string word;
  while (in >> word) {
    double kilobytes = 0;
    if (word == what && in >> kilobytes) return kilobytes / 1024;
  }
  return 0;
}

}  // namespace concordat::testing
