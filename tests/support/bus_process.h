#ifndef CONCORDAT_TESTS_SUPPORT_BUS_PROCESS_H_
#define CONCORDAT_TESTS_SUPPORT_BUS_PROCESS_H_

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>

#include "services/common/config/data_directory.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace concordat::testing {

// A demo data directory and the real concordat-bus on it, on ports of its own.
// Both end with this.
class BusProcess {
 public:
  // Makes the directory and starts the bus. Failures fail the test.
  BusProcess();
  BusProcess(const BusProcess&) = delete;
  BusProcess& operator=(const BusProcess&) = delete;

  const DataDirectory& data() const { return *data_; }
  pid_t pid() const { return bus_->pid(); }

  // Starts it and waits until it listens.
  void Start();
  // SIGTERM, and its exit status.
  int Stop();
  void Kill() { bus_->Kill(); }  // SIGKILL.
  // From now on no file of it can grow past this: the disk is full.
  void LimitFiles(uint64_t bytes);

 private:
  TempDir folder_;
  std::unique_ptr<DataDirectory> data_;
  std::unique_ptr<Process> bus_;
};

}  // namespace concordat::testing

#endif  // CONCORDAT_TESTS_SUPPORT_BUS_PROCESS_H_
