#ifndef CONCORDAT_TESTS_SUPPORT_BENCH_BUS_H_
#define CONCORDAT_TESTS_SUPPORT_BENCH_BUS_H_

#include <sys/types.h>

#include <memory>
#include <string>

#include "absl/time/time.h"
#include "services/common/config/data_directory.h"

namespace concordat::testing {

// A data directory with these principals and this agreement, and the
// concordat-bus of the same build on it. Both are gone with this. What fails
// ends the program.
class BenchBus {
 public:
  // `folder` is made. The program that calls is <checkout>/build/<preset>/bin/….
  BenchBus(std::string folder, const std::string& registry,
           const std::string& agreement);
  ~BenchBus();
  BenchBus(const BenchBus&) = delete;
  BenchBus& operator=(const BenchBus&) = delete;

  const DataDirectory& data() const { return *data_; }
  // How long it took until it listens.
  absl::Duration Start();
  void Stop();
  // Of the process: now, and at most so far.
  double ResidentMb() const { return Megabytes("VmRSS:"); }
  double ResidentMaxMb() const { return Megabytes("VmHWM:"); }

 private:
  double Megabytes(const std::string& what) const;

  const std::string folder_;
  const std::string bin_;
  std::unique_ptr<DataDirectory> data_;
  pid_t pid_ = -1;
};

}  // namespace concordat::testing

#endif  // CONCORDAT_TESTS_SUPPORT_BENCH_BUS_H_
