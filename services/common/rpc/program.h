// What every server program of ours has: its data directory, registry, log,
// metrics, access record and gRPC host. main() adds the domain.
//
//   int main(int argc, char** argv) {
//     concordat::Program program({.name = "concordat-police", …}, argc, argv);
//     … program.host().Handle<…>(…);
//     program.Serve();
//   }
//
// Anything broken at the start is one line on standard error and exit 1.
#ifndef CONCORDAT_SERVICES_COMMON_RPC_PROGRAM_H_
#define CONCORDAT_SERVICES_COMMON_RPC_PROGRAM_H_

#include <functional>
#include <memory>
#include <string>

#include "services/common/base/system_clock.h"
#include "services/common/base/system_random.h"
#include "services/common/config/live_registry.h"
#include "services/common/config/start_up.h"
#include "services/common/rpc/access_service.h"
#include "services/common/rpc/server_host.h"
#include "services/common/telemetry/trace.h"

namespace concordat {

struct ProgramOptions {
  std::string name;     // "concordat-police"
  std::string summary;  // For --help.
  // Whose certificate, keys and rights it has: "service-police". The bus's,
  // "bus", is of no principal; its self() is then not to be asked.
  std::string principal;
  std::string folder;  // Of its own state in the data directory: "police"
};

class Program {
 public:
  // `add_flags` declares flags of the program's own. Make it before any thread.
  Program(ProgramOptions options, int argc, char** argv,
          const std::function<void(Flags&)>& add_flags = nullptr);

  const StartUp& start() const { return start_; }
  const DataDirectory& data() const { return *data_; }
  RegistrySource registry() { return live_->source(); }
  const bus::v1::Principal& self() const;
  const std::string& folder() const { return folder_; }
  const Clock& clock() const { return clock_; }
  Random& random() { return random_; }
  const Logger& log() const { return log_; }
  Metrics& metrics() { return metrics_; }
  SpanExporter& spans() { return *spans_; }
  ServerHost& host() { return *host_; }

  // What a ProjectionThread tells its failures to: they are logged as `what`, and
  // one that another start heals (a model that has to be built anew) ends the
  // program.
  std::function<void(const absl::Status&)> Following(std::string what);

  // Listens, says where (beside `addresses` of other listeners), and returns
  // once it was told to stop and no handler runs any more.
  void Serve(std::vector<std::pair<std::string, std::string>> addresses = {});

 private:
  ProgramOptions options_;
  StartUp start_;
  SystemClock clock_;
  SystemRandom random_;
  Logger log_;
  Metrics metrics_;
  std::unique_ptr<DataDirectory> data_;
  std::unique_ptr<LiveRegistry> live_;
  std::shared_ptr<const PrincipalRegistry> at_start_;
  std::string folder_;
  std::unique_ptr<SpanExporter> spans_;
  std::unique_ptr<AccessStore> access_;
  std::unique_ptr<AccessDesk> access_desk_;
  std::unique_ptr<ServerHost> host_;
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_RPC_PROGRAM_H_
